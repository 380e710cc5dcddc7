# SPDX-License-Identifier: Apache-2.0
"""Whether a marked clip is what was issued: some frames of each of its stretches, each compared part by part with the
likest of those kept of the issued clip, as a picture is (``verify_match``).

A mark that was put onto another clip finds the frames of that clip, and none of them is like any that was kept. What
was cut out, put first or sped up keeps its frames. One frame that shows something else is enough to bind nothing:
frames of the issued clip between those of another make no copy.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.model import Kept, Shown, Still
from waarmerk.provenance.registry.verify_match import UNTOLD, Likeness, compare

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
MOST_UNTOLD = 0.1  # of the frames compared, before nobody is told that the clip is what was issued
OTHER_SHARE = 0.5  # of them that show something else, and none what was issued
_SIDE = 48  # pixels of the longer side at which frames are looked through
_LEAST_SIDE, _MOST_SIDE = 6, 4 * _SIDE
_ASLANT = 0.1  # of the scale: turned further than that, frames are not looked through
_FLAT = 1.0  # deviation in levels
_MOST_TRIED = 4  # kept frames beside the likest
_MOST_WORK = (
    250_000_000  # pixels of small planes laid on each other, of one clip: 48 seconds with 120 frames kept take 50
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipFrame:
    """A frame, reduced: H x W x 3 RGB of one that is ``width`` x ``height`` pixels as stored."""

    rgb: Bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipLikeness(Likeness):
    """What the comparison of a clip came to: of ``frames``, ``others`` show something else and ``untold`` too little.

    ``complete``: they stand for the whole clip. Counts of parts are means over the frames that tell something.
    """

    frames: int = 0
    others: int = 0
    untold: int = 0
    complete: bool = False


def compare_clip(
    issued: Kept,
    stretches: Iterable[Sequence[ClipFrame]],
    geometry: tuple[float, ...] | None,
    *,
    complete: bool,
) -> ClipLikeness:
    """Compare some frames of each stretch of a clip with what was issued.

    ``geometry`` is the detection's matrix for frames at their full size. ``complete`` says that the stretches are all
    of the clip: otherwise it is never bound.
    """
    search = _Search(issued)
    found = [each for frames in stretches for each in search.stretch(frames, geometry)]
    return _together(found, complete=complete)


def compare_still(issued: Kept, rgb: Bytes, geometry: tuple[float, ...] | None) -> Likeness:
    """Compare a picture, H x W x 3, with the likest frame of an issued clip.

    It is never told to be something else: most frames of the clip were not kept.
    """
    height, width = rgb.shape[:2]
    (seen,) = _Search(issued).stretch([ClipFrame(rgb=rgb, width=width, height=height)], geometry)
    return replace(seen, bound=None) if seen.bound is False else seen


class _Search:
    """Looks for the likest kept frame, within a budget."""

    def __init__(self, issued: Kept) -> None:
        self._issued = issued
        self._left = _MOST_WORK
        self._kept = [
            _small(np.frombuffer(s.thumbnail.pixels, np.uint8).reshape(s.thumbnail.height, -1)) for s in issued.stills
        ]

    def stretch(self, frames: Sequence[ClipFrame], geometry: tuple[float, ...] | None) -> list[Likeness]:
        """One answer for each frame: that of the likest kept frame, and where it is not the same, that of those which
        frames beside it are the same as: of what moves, a small plane is like the wrong one.
        """
        likest = [self._likest(frame, geometry) for frame in frames]
        found = [self._compared(frame, which, geometry) for frame, which in zip(frames, likest, strict=True)]
        same = {which for which, each in zip(likest, found, strict=True) if which is not None and each.bound is True}
        for number, frame in enumerate(frames):
            if found[number].bound is True or likest[number] is None:
                continue
            beside = sorted(
                same | {which + step for which in same for step in (-1, 1)}, key=lambda w: (w not in same, w)
            )
            for which in beside[:_MOST_TRIED]:
                again = self._compared(frame, which, geometry)
                if again.bound is True:
                    found[number] = again
                    break
        return found

    def _compared(self, frame: ClipFrame, which: int | None, geometry: tuple[float, ...] | None) -> Likeness:
        if which is None or not 0 <= which < len(self._kept):
            return UNTOLD
        return compare(_frame_of(self._issued, self._issued.stills[which]), frame.rgb, _reduced(geometry, frame))

    def _likest(self, frame: ClipFrame, geometry: tuple[float, ...] | None) -> int | None:
        plane = _as_issued(self._issued, frame, geometry)
        if plane is None:
            return None
        best, likest = 0.0, None
        for which, reference in enumerate(self._kept):
            self._left -= max(plane.size, reference.size)
            if self._left < 0:
                return None
            score = _score(reference, plane)
            if score > best:
                best, likest = score, which
        return likest


def _frame_of(issued: Kept, still: Still) -> Shown:
    """One of the frames that were kept."""
    return Shown(
        width=issued.width,
        height=issued.height,
        thumbnail=still.thumbnail,
        chroma=still.chroma,
        geometry=issued.geometry,
        label=issued.label,
    )


def _reduced(geometry: tuple[float, ...] | None, frame: ClipFrame) -> tuple[float, ...] | None:
    """The geometry for the reduced frame."""
    if geometry is None:
        return None
    height, width = frame.rgb.shape[:2]
    matrix = np.reshape(geometry, (3, 3)) @ np.diag([frame.width / width, frame.height / height, 1.0])
    return tuple(float(v) for v in matrix.ravel())


def _as_issued(issued: Kept, frame: ClipFrame, geometry: tuple[float, ...] | None) -> Floats | None:
    """A frame small and grey, as large and turned over as it lies on the issued one; None where it lies aslant."""
    to_issued = np.diag([issued.width / frame.width, issued.height / frame.height])
    if geometry is not None and issued.geometry is not None:
        try:
            to_issued = (np.linalg.inv(np.reshape(issued.geometry, (3, 3))) @ np.reshape(geometry, (3, 3)))[:2, :2]
        except np.linalg.LinAlgError:
            return None
    across, down = float(to_issued[0, 0]), float(to_issued[1, 1])
    slant = max(abs(float(to_issued[0, 1])), abs(float(to_issued[1, 0])))
    scale = _SIDE / max(issued.width, issued.height)
    size = round(abs(across) * frame.width * scale), round(abs(down) * frame.height * scale)
    if slant > _ASLANT * min(abs(across), abs(down)) or min(size) < _LEAST_SIDE or max(size) > _MOST_SIDE:
        return None
    grey = cv2.cvtColor(frame.rgb, cv2.COLOR_RGB2GRAY)
    plane = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
    plane = plane[:, ::-1] if across < 0 else plane
    return np.ascontiguousarray(plane[::-1] if down < 0 else plane)


def _score(reference: Floats, plane: Floats) -> float:
    """The best correlation of the smaller of the two on the larger, sides cut to where both are."""
    height, width = (min(a, b) for a, b in zip(reference.shape, plane.shape, strict=True))
    if plane.shape[0] * plane.shape[1] > reference.shape[0] * reference.shape[1]:
        reference, plane = plane, reference
    top, left = (plane.shape[0] - height) // 2, (plane.shape[1] - width) // 2
    part = np.ascontiguousarray(plane[top : top + height, left : left + width])
    if float(part.std()) < _FLAT or float(reference.std()) < _FLAT:
        return -1.0
    score = float(cv2.matchTemplate(reference, part, cv2.TM_CCOEFF_NORMED).max())
    return score if np.isfinite(score) else -1.0


def _small(grey: Bytes) -> Floats:
    height, width = grey.shape
    scale = _SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)


def _together(found: Sequence[Likeness], *, complete: bool) -> ClipLikeness:
    told = [each for each in found if each.bound is not None]
    same, others = (sum(each.bound is which for each in told) for which in (True, False))
    bound: bool | None = None
    if complete and same and not others and len(found) - same <= MOST_UNTOLD * len(found):
        bound = True
    elif not same and others > OTHER_SHARE * len(found):
        bound = False
    return ClipLikeness(
        bound=bound,
        parts=round(sum(each.parts for each in told) / max(1, len(told))),
        differing=round(sum(each.differing for each in told) / max(1, len(told))),
        colours_turned=sum(each.colours_turned for each in told) > len(told) / 2,
        colours_compared=all(each.colours_compared for each in told),
        frames=len(found),
        others=others,
        untold=len(found) - len(told),
        complete=complete,
    )
