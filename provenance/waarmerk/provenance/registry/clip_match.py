# SPDX-License-Identifier: Apache-2.0
"""Whether a marked clip is what was issued: in each of some stretches the frame that is likest one of those kept of
the issued clip, compared with it part by part as a picture is (``verify_match``).

A mark that was put onto another clip finds the frames of that clip, and none of them is like any that was kept. What
was cut out, put first or sped up keeps its frames; what was put between others is seen by the stretches that are not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.model import Issuance, Still
from waarmerk.provenance.registry.verify_match import UNTOLD, Likeness, compare

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
BOUND_SHARE = 0.6  # of the stretches, before a clip counts as what was issued; and none of them something else
OTHER_SHARE = 0.5  # of them that show something else, and none what was issued
_SIDE = 48  # pixels of the longer side at which frames are looked through
_LEAST_SIDE, _MOST_SIDE = 6, 4 * _SIDE
_ASLANT = 0.1  # of the scale: turned further than that, frames are not looked through
_FLAT = 1.0  # deviation in levels


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipFrame:
    """A frame, reduced: H x W x 3 RGB of one that is ``width`` x ``height`` pixels as stored."""

    rgb: Bytes
    width: int
    height: int


def compare_clip(
    issued: Issuance, stretches: Iterable[Sequence[ClipFrame]], geometry: tuple[float, ...] | None
) -> Likeness:
    """Compare stretches of a clip, each long enough to hold a moment that was kept, with what was issued.

    ``geometry`` is the detection's matrix for frames at their full size. Counts of parts are means over the stretches.
    """
    kept = [_small(np.frombuffer(s.thumbnail.pixels, np.uint8).reshape(s.thumbnail.height, -1)) for s in issued.stills]
    found: list[Likeness] = []
    for frames in stretches if kept else ():
        found.append(_likeness(issued, kept, frames, geometry))
    return _together(found)


def _likeness(
    issued: Issuance, kept: list[Floats], frames: Sequence[ClipFrame], geometry: tuple[float, ...] | None
) -> Likeness:
    best, at = -1.0, (0, 0)
    for number, frame in enumerate(frames):
        plane = _as_issued(issued, frame, geometry)
        if plane is None:
            continue
        for which, reference in enumerate(kept):
            score = _score(reference, plane)
            if score > best:
                best, at = score, (number, which)
    if best <= 0.0:
        return UNTOLD
    likest = frames[at[0]]
    return compare(_entry(issued, issued.stills[at[1]]), likest.rgb, _reduced(geometry, likest))


def _entry(issued: Issuance, still: Still) -> Issuance:
    """The entry of one frame."""
    return replace(issued, thumbnail=still.thumbnail, chroma=still.chroma, stills=())


def _reduced(geometry: tuple[float, ...] | None, frame: ClipFrame) -> tuple[float, ...] | None:
    """The geometry for the reduced frame."""
    if geometry is None:
        return None
    height, width = frame.rgb.shape[:2]
    matrix = np.reshape(geometry, (3, 3)) @ np.diag([frame.width / width, frame.height / height, 1.0])
    return tuple(float(v) for v in matrix.ravel())


def _as_issued(issued: Issuance, frame: ClipFrame, geometry: tuple[float, ...] | None) -> Floats | None:
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


def _together(found: Sequence[Likeness]) -> Likeness:
    told = [each for each in found if each.bound is not None]
    if not told:
        return UNTOLD
    same, other = (sum(each.bound is which for each in told) for which in (True, False))
    bound: bool | None = None
    if not other and same >= BOUND_SHARE * len(found):
        bound = True
    elif not same and other > OTHER_SHARE * len(found):
        bound = False
    return Likeness(
        bound=bound,
        parts=round(sum(each.parts for each in told) / len(told)),
        differing=round(sum(each.differing for each in told) / len(told)),
        colours_turned=sum(each.colours_turned for each in told) > len(told) / 2,
        colours_compared=all(each.colours_compared for each in told),
    )
