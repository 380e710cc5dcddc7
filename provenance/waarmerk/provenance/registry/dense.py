# SPDX-License-Identifier: Apache-2.0
"""How one picture may lie on another where there are too few places to say: all of both, at many sizes.

A smooth picture has hardly any places, and a busy page around it has many. So the smaller of the two, as it may be, is
laid everywhere on the other and correlated (Lewis 1995, normalised cross-correlation); the best few are then aligned
finely (Evangelidis and Psarakis 2008). What comes out is supposed, not known: whoever asks compares.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]

_SIDE = 64  # pixels of the longer side of what is laid on the other
_SMALLEST, _STEP = 0.33, 1.06  # of the other's sides; from one size to the next
_LEAST = 0.5  # correlation; other pictures of the same light reach it too
_BEST = 3  # that are aligned
_FINE_SIDES, _ROUNDS, _LEAST_FINE = (96, 256), 60, 0.6
_COARSEST = 6.0  # pixels: light from one side is alike in half of all pictures
_EVEN = 1.5  # grey levels, standard deviation: there is nothing to lay
_LARGEST_CHANGE = 0.15  # of the sides, by the fine alignment


class _Guess(NamedTuple):
    score: float
    matrix: Matrix
    mirrored: bool


def sought(reference: Bytes, examined: Bytes) -> Iterator[tuple[Matrix, bool]]:
    """Matrices (3 x 3, pixels of ``examined`` to ``reference``) that may hold, and whether they turn it over."""
    guesses: list[_Guess] = []
    for mirrored in (False, True):
        ours = np.ascontiguousarray(examined[:, ::-1]) if mirrored else examined
        whole = np.array([[-1.0, 0, examined.shape[1] - 1], [0, 1, 0], [0, 0, 1]]) if mirrored else np.eye(3)
        for score, matrix in _laid(reference, ours):
            guesses.append(_Guess(score, matrix @ whole, mirrored))
        for score, matrix in _laid(ours, reference):
            guesses.append(_Guess(score, np.linalg.inv(matrix) @ whole, mirrored))
    guesses.sort(key=lambda guess: -guess.score)
    told: list[Matrix] = []
    for guess in guesses[:_BEST]:
        fine = _aligned(reference, examined, guess.matrix)
        if fine is not None and not any(np.allclose(fine, other, rtol=0.01, atol=1.0) for other in told):
            told.append(fine)
            yield fine, guess.mirrored


def _laid(inner: Bytes, outer: Bytes) -> Iterator[tuple[float, Matrix]]:
    """Where ``inner`` may lie on ``outer`` as a whole: score, and pixels of ``outer`` to those of ``inner``."""
    small = _reduced(inner, _SIDE / max(inner.shape))
    if float(small.std()) < _EVEN:
        return
    structure = _structured(small)
    fits = min(outer.shape[0] / small.shape[0], outer.shape[1] / small.shape[1])
    share = 1.0
    while share >= _SMALLEST:
        scale = 1 / (share * fits)  # of the outer picture
        canvas = _structured(_reduced(outer, scale))
        if canvas.shape[0] >= structure.shape[0] and canvas.shape[1] >= structure.shape[1]:
            found = np.nan_to_num(cv2.matchTemplate(canvas, structure, cv2.TM_CCOEFF_NORMED), posinf=0, neginf=0)
            _, score, _, (left, top) = cv2.minMaxLoc(found)
            if score >= _LEAST:
                across, down = outer.shape[1] / canvas.shape[1], outer.shape[0] / canvas.shape[0]
                width, height = inner.shape[1] / small.shape[1], inner.shape[0] / small.shape[0]
                move = np.array([[width / across, 0, -left * width], [0, height / down, -top * height], [0, 0, 1.0]])
                yield score, move
        share /= _STEP


def _aligned(reference: Bytes, examined: Bytes, start: Matrix) -> Matrix | None:
    """``start`` after a fine alignment, small first and then larger; None where there is none."""
    found: Matrix | None = start
    for side in _FINE_SIDES:
        found = None if found is None else _at_size(reference, examined, found, min(1.0, side / max(reference.shape)))
    if found is None or np.abs(start[:2, :2] @ np.linalg.inv(found[:2, :2]) - np.eye(2)).max() > _LARGEST_CHANGE:
        return None
    return found


def _at_size(reference: Bytes, examined: Bytes, start: Matrix, scale: float) -> Matrix | None:
    one = _structured(_reduced(reference, scale))
    lies = float(np.sqrt(abs(np.linalg.det(start[:2, :2])))) * scale
    other = _structured(_reduced(examined, min(1.0, lies)))
    ours = np.diag([one.shape[1] / reference.shape[1], one.shape[0] / reference.shape[0], 1.0])
    theirs = np.diag([other.shape[1] / examined.shape[1], other.shape[0] / examined.shape[0], 1.0])
    begin = theirs @ np.linalg.inv(start) @ np.linalg.inv(ours)  # as the library wants it: reference to examined
    criteria = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, _ROUNDS, 1e-5)
    try:
        score, warp = cv2.findTransformECC(
            one, other, begin[:2].astype(np.float32), cv2.MOTION_AFFINE, criteria, np.ones(other.shape, np.uint8), 3
        )
    except cv2.error:  # it does not converge
        return None
    if score < _LEAST_FINE or not np.isfinite(warp).all():
        return None
    end = np.vstack([np.asarray(warp, np.float64), [0, 0, 1]])
    return np.asarray(np.linalg.inv(ours) @ np.linalg.inv(end) @ theirs, np.float64)


def _reduced(grey: Bytes, scale: float) -> Floats:
    size = max(4, round(grey.shape[1] * scale)), max(4, round(grey.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, size, interpolation=how), np.float32)


def _structured(plane: Floats) -> Floats:
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), _COARSEST), np.float32)
