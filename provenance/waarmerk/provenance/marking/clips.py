# SPDX-License-Identifier: Apache-2.0
"""A clip on its way through the layers that change pixels: marked, labelled in its frames and in a caption track.

One pass: the mark first, the label over it, everything else copied. The label is drawn once, on the first frame that
shows something, as people see it, and stands from the first moment and again later (AI Act, article 50; Code of
Practice).
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.marking.lettering import lettering
from waarmerk.provenance.marking.plan import Gap, Layer, Timing, Wishes
from waarmerk.provenance.marking.visible import CannotShow, Corner, Shown, show
from waarmerk.provenance.marking.watermark import ClipLabel, Mark, Marker
from waarmerk.provenance.media import Content, Limits
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.media.video import Frame, first_frame
from waarmerk.provenance.model import Asset
from waarmerk.provenance.registry import Still
from waarmerk.provenance.registry.stills import Collector

Bytes = npt.NDArray[np.uint8]
SHORT_SECONDS = 60.0  # up to here a label that stands throughout disturbs nobody, and every excerpt has it
EVERY_SECONDS = 30.0  # in longer clips it comes back after so many seconds
STANDS_SECONDS = 8.0  # long enough to be seen and read
_GROUND = 128  # opacity from which the colour under the label plays no part


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DrawnClip:
    """A marked clip. ``still`` is the frame that stands for it, as stored; the rest as in ``Drawn``."""

    content: Content
    still: Bytes
    mark: Mark | None
    words: str | None
    corner: Corner | None
    on_detail: bool
    losses: tuple[Loss, ...]
    gaps: tuple[Gap, ...]
    stills: tuple[Still, ...] = ()
    label: tuple[int, int, int, int] | None = None


def shows(timing: Timing, seconds: float | None) -> list[tuple[float, float]]:
    """From when to when the label stands, in seconds; a clip of unknown length is taken for a long one."""
    length = seconds if seconds is not None else 24 * 3600.0
    whole = timing is Timing.THROUGHOUT or (timing is Timing.AUTO and length <= SHORT_SECONDS)
    if whole:
        return [(0.0, length + 1.0)]
    if timing is Timing.START:
        return [(0.0, STANDS_SECONDS)]
    times = [(start, start + STANDS_SECONDS) for start in np.arange(0.0, length, EVERY_SECONDS).tolist()]
    return times or [(0.0, STANDS_SECONDS)]


def draw_clip(asset: Asset, wishes: Wishes, marker: Marker, limits: Limits) -> DrawnClip:
    """The clip with mark, visible label and caption, as far as they go; what cannot be done stands in ``gaps``.

    Raises UnsupportedAsset and LimitExceeded for a clip that cannot be decoded, ConfigurationError for a label that
    the font cannot write or where the extra ``video`` is not installed.
    """
    frame = first_frame(asset, limits)
    times = shows(wishes.timing, asset.duration_seconds)
    gaps: list[Gap] = []
    shown = None
    if Layer.VISIBLE in wishes.layers:
        try:
            shown = _shown(frame, wishes)
        except CannotShow:
            gaps.append(Gap(layer=Layer.VISIBLE, code="label.too-small"))
    label = None if shown is None else _label(frame, shown, times, wishes, asset.duration_seconds)
    payload = marker.payload()
    with tempfile.TemporaryDirectory(prefix="waarmerk-") as folder:
        target = Path(folder) / "clip"
        with asset.open() as source:
            mark, losses = marker.put_clip(source, target, payload, label, kept := Collector())
        content = Content.taken(target)
    if mark is None:
        gaps.append(Gap(layer=Layer.WATERMARK, code="label.no-mark"))
    return DrawnClip(
        content=content,
        still=np.ascontiguousarray(np.rot90(frame.rgb, -frame.quarters)),
        mark=mark,
        words=None if shown is None else shown.words,
        corner=None if shown is None else shown.corner,
        on_detail=shown is not None and shown.on_detail,
        losses=losses,
        gaps=tuple(gaps),
        stills=kept.stills,
        label=None if label is None else (label.left, label.top, label.grey.shape[1], label.grey.shape[0]),
    )


def _shown(frame: Frame, wishes: Wishes) -> Shown:
    if wishes.corner is None:
        raise CannotShow
    return show(frame.rgb, wishes.lines, corner=wishes.corner, letters=lettering(wishes.font))


def captions(times: list[tuple[float, float]], seconds: float | None) -> list[tuple[float, float]]:
    """When the caption stands: with the label, but never beyond the clip, which a track would make longer."""
    if seconds is None:
        return [(0.0, STANDS_SECONDS)]
    return [(start, min(end, seconds)) for start, end in times if start < seconds]


def _label(
    frame: Frame, shown: Shown, times: list[tuple[float, float]], wishes: Wishes, seconds: float | None
) -> ClipLabel:
    """The label as it lies on frames as they are stored."""
    grey = shown.pixels[shown.box.rows_columns].mean(axis=2).round().astype(np.uint8)
    ground = np.uint8(np.median(grey[shown.coverage >= 250])) if (shown.coverage >= 250).any() else grey.min()
    grey = np.where(shown.coverage >= _GROUND, grey, ground).astype(np.uint8)
    mask = np.zeros(shown.pixels.shape[:2], np.uint8)
    mask[shown.box.rows_columns] = 1
    down, across = np.nonzero(np.rot90(mask, -frame.quarters))
    return ClipLabel(
        grey=np.ascontiguousarray(np.rot90(grey, -frame.quarters)),
        opacity=np.ascontiguousarray(np.rot90(shown.coverage, -frame.quarters)),
        left=int(across.min()),
        top=int(down.min()),
        times=tuple(times),
        captions=tuple(captions(times, seconds)),
        words=" / ".join(wishes.lines),
        language=wishes.languages[0] if not wishes.own_lines else "und",
    )
