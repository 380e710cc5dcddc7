# SPDX-License-Identifier: Apache-2.0
"""Marks under the operator's own keys as evidence.

A mark is an identifier, not a proof: it can be cut out of one picture and pasted onto another. Whether it was issued
for these very pixels only the key owner's ledger can tell, and a look at what was issued; without it a mark that says
AI is a claim.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from waarmerk.provenance.errors import ConfigurationError, LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.once import DecodedOnce
from waarmerk.provenance.media.stretches import WORTH_COMPARING, Looked, stretches
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Evidence,
    Finding,
    MarkFinding,
    Origin,
)
from waarmerk.provenance.registry import (
    ClipFrame,
    ClipLikeness,
    Issuance,
    Ledger,
    Likeness,
    compare,
    compare_clip,
    compare_still,
)
from waarmerk.provenance.sources import Examination
from waarmerk.watermark import Detection, Key, detect_each

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# How often a picture without the mark may be said to carry it, over everything one search tries. A detection accuses
# somebody of having used AI, and a newsroom examines thousands of pictures a day: one in 10^9 is none in a lifetime.
MAX_FALSE_POSITIVE = 1e-9


def load_keys(paths: Iterable[Path]) -> tuple[Key, ...]:
    """The keys in these key files, each key once, in order.

    Raises ConfigurationError (``watermark.key``) naming the file and what is wrong with it, never what it holds.
    """
    keys: dict[str, Key] = {}
    for path in paths:
        try:
            key = Key.load(path)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise ConfigurationError("watermark.key", f"{path.name}: {reason}") from None
        keys.setdefault(key.key_id, key)
    return tuple(keys.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """Whether a mark was issued for the pixels it was found in; ``codes`` are concerns, each with what it is about.

    About None: the key of the mark. ``says`` is what the ledger holds was declared, None where it said nothing.
    """

    bound: bool | None = None
    codes: tuple[tuple[str, str | None], ...] = (("watermark.binding-unchecked", None),)
    says: Origin | None = None
    unchanged: bool = False  # byte for byte what was issued


UNCHECKED = Binding()
_SAYS = {"generated": Origin.AI_GENERATED, "modified": Origin.AI_MODIFIED}
_ASSURANCE = {True: Assurance.TRUSTED, None: Assurance.DECLARED, False: Assurance.INDIRECT}


class WatermarkSource:
    """The marks of some keys in the pixels of a picture or of a clip.

    Of an animation only the first frame is searched, of a clip a few frames spread over it (extra ``video``).
    """

    def __init__(
        self,
        keys: Sequence[Key],
        limits: Limits,
        *,
        max_false_positive: float,
        ledger: Ledger | None = None,
        pixels: DecodedOnce | None = None,
    ) -> None:
        """``max_false_positive`` has no default on purpose. Raises ValueError without a key.

        ``ledger`` is the key owner's; it alone can bind a mark to what was issued. ``pixels`` decodes for others too.
        """
        if not keys:
            raise ValueError("a search needs a key")
        self._keys = tuple(keys)
        self._limits = limits
        self._pixels = pixels or DecodedOnce(limits)
        self._max_false_positive = max_false_positive
        self._ledger = ledger

    def examine(self, asset: Asset) -> Examination:
        """Search ``asset`` for all keys in one pass; what cannot be searched is unread, for every key."""
        if asset.media_type in VIDEO_TYPES:
            return self._clip(asset)
        if not asset.media_type.startswith("image/"):
            return self._unread("watermark.not-pixels")
        try:
            rgb = self._pixels(asset)
            seen = detect_each(rgb, self._keys, max_false_positive=self._max_false_positive)
        except (UnsupportedAsset, LimitExceeded) as error:
            return self._unread("watermark.unreadable", Finding(error.code))
        except Exception:  # the file chose these pixels: what fails on them must not lose the rest of the report
            return self._unread("watermark.unreadable", Finding("watermark.search-failed"))
        found = [
            (key, detection, self._binding(detection, asset, rgb))
            for key, detection in zip(self._keys, seen, strict=True)
        ]
        return _examination(found)

    def _clip(self, asset: Asset) -> Examination:
        """Search some frames of a clip; a file that holds no video to decode is unread."""
        try:
            from waarmerk.watermark.video import UnreadableVideo, detect_video_each  # noqa: PLC0415 - an extra
        except ImportError:
            return self._unread("watermark.no-video")
        try:
            with asset.open() as stream:
                seen = detect_video_each(stream, self._keys, max_false_positive=self._max_false_positive)
        except (UnsupportedAsset, LimitExceeded) as error:
            return self._unread("watermark.unreadable", Finding(error.code))
        except UnreadableVideo:
            return self._unread("watermark.unreadable", Finding("media.no-video"))
        except Exception:  # as for a picture
            return self._unread("watermark.unreadable", Finding("watermark.search-failed"))
        return _examination(
            [(key, each, self._binding(each, asset)) for key, each in zip(self._keys, seen, strict=True)]
        )

    def _binding(self, detection: Detection, asset: Asset, rgb: "NDArray[np.uint8] | None" = None) -> Binding:
        """What the ledger and the content, pixels or None for a clip, say of a detected mark. Never raises."""
        if self._ledger is None or detection.payload is None:
            return UNCHECKED
        try:
            issued = self._ledger.find(detection.key_id, bytes(detection.payload))
        except StoreError:
            return Binding(codes=(("ledger.unreadable", None),))
        if issued is None:
            return Binding(codes=(("watermark.not-issued", None),))
        if issued.sha256.hex() == asset.sha256:  # nothing of it can differ from what was issued
            return Binding(bound=True, codes=(), says=_SAYS.get(issued.says), unchanged=True)
        geometry = None if detection.geometry is None else detection.geometry.matrix
        seen, looked = Likeness(), None
        try:
            if rgb is None:
                looked = self._looked(asset, issued)
                seen = compare_clip(issued, _frames(looked), geometry, complete=looked.complete)
            elif issued.stills:
                seen = compare_still(issued, rgb, geometry)
            else:
                seen = compare(issued, rgb, geometry)
        except Exception:  # the pixels are a stranger's: what fails on them binds nothing
            seen = Likeness()
        return Binding(bound=seen.bound, codes=tuple(_doubts(seen, looked)), says=_SAYS.get(issued.says))

    def _looked(self, clip: Asset, issued: Issuance) -> Looked:
        """Stretches of a clip, each half as long again as what lies between two frames that were kept."""
        apart = min((late.at - early.at for early, late in pairwise(issued.stills)), default=1.0)
        secret = next((key.sub_key("clip-places") for key in self._keys if key.key_id == issued.key_id), b"")
        return stretches(clip, self._limits, seconds=1.5 * max(0.5, apart), worth=WORTH_COMPARING, secret=secret)

    def _unread(self, why: str, *findings: Finding) -> Examination:
        evidence = Evidence(
            channel="watermark", claimant=Claimant.MARK, assurance=Assurance.UNREADABLE, findings=findings
        )
        return Examination(
            evidence=(evidence,),
            channels=tuple(
                Channel(name=f"watermark:{key.key_id}", state=ChannelState.UNREAD, why=why) for key in self._keys
            ),
            marks=tuple(_unread_mark(key) for key in self._keys),
        )


def _frames(looked: Looked) -> "Iterator[list[ClipFrame]]":
    for frames in looked.stretches:
        yield [ClipFrame(rgb=each.rgb, width=each.width, height=each.height) for each in frames]


def _doubts(seen: Likeness, looked: Looked | None = None) -> Iterator[tuple[str, str | None]]:
    """What must not vanish behind "bound": where it is not certain, and what differs where it is."""
    if seen.bound is False:
        yield "watermark.not-bound", None
    elif seen.bound is None:
        yield from _untold(seen, looked)
    if seen.bound is not False and seen.is_altered:
        yield "watermark.parts-differ", f"{seen.differing}/{seen.parts}"
    if seen.bound is not False and seen.colours_turned:
        yield "watermark.colours-differ", None
    if seen.bound is not False and not seen.colours_compared:
        yield "watermark.colours-uncompared", None


def _untold(seen: Likeness, looked: Looked | None) -> Iterator[tuple[str, str | None]]:
    """Why it cannot be told."""
    is_part = looked is not None and not looked.complete
    strange = seen.others + seen.untold if isinstance(seen, ClipLikeness) else 0
    is_mixed = isinstance(seen, ClipLikeness) and strange > 0 and (strange < seen.frames or seen.others > 0)
    if isinstance(seen, ClipLikeness) and is_mixed:
        yield "watermark.clip-mixed", f"{strange}/{seen.frames}"
    if looked is not None and is_part:
        yield "watermark.clip-part-seen", f"{looked.seconds:.1f} s"
    if not is_mixed and not is_part:
        yield "watermark.binding-unknown", None


def evidence_of(key: Key, detection: Detection, binding: Binding = UNCHECKED) -> Evidence:
    """One search as evidence: with its payload a mark states what its key means, without it only points there.

    Bound to these pixels by its owner's ledger it is a proof; bound to other ones it was carried here, and only a
    suspicion. A key for the origin of content says nothing of AI, whatever it finds.
    """
    channel = f"watermark:{key.key_id}"
    if not detection.detected:
        return Evidence(channel=channel, claimant=Claimant.MARK, assurance=Assurance.ABSENT)
    return Evidence(
        channel=channel,
        claimant=Claimant.MARK,
        assurance=Assurance.INDIRECT if detection.payload is None else _ASSURANCE[binding.bound],
        origin=(binding.says or Origin.AI_GENERATED) if key.purpose == "ai" else Origin.UNKNOWN,
        findings=tuple(Finding(code, key.key_id if about is None else about) for code, about in binding.codes),
    )


def _examination(found: "Sequence[tuple[Key, Detection, Binding]]") -> Examination:
    return Examination(
        evidence=tuple(evidence_of(*one) for one in found),
        channels=tuple(_channel(detection) for _, detection, _ in found),
        marks=tuple(_mark(key, detection, binding) for key, detection, binding in found),
    )


def _channel(detection: Detection) -> Channel:
    state = ChannelState.FOUND if detection.detected else ChannelState.NONE
    return Channel(name=f"watermark:{detection.key_id}", state=state)


def _mark(key: Key, detection: Detection, binding: Binding) -> MarkFinding:
    return MarkFinding(
        scheme=detection.scheme,
        key_id=detection.key_id,
        detected=detection.detected,
        payload=None if detection.payload is None else bytes(detection.payload).hex(),
        p_value=detection.p_value,
        means=key.purpose,
        bound=binding.bound,
        unchanged=binding.unchanged,
        seconds=tuple(getattr(detection, "seconds", ())),  # of a clip: where it answered
    )


def _unread_mark(key: Key) -> MarkFinding:
    return MarkFinding(
        scheme=key.scheme, key_id=key.key_id, detected=False, payload=None, p_value=None, means=key.purpose
    )
