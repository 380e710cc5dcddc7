# SPDX-License-Identifier: Apache-2.0
"""What was written over a picture, what was written anew in it, and what is still to be seen beside it.

Letters hide what is under their strokes and leave what is between them. So the strokes are taken out, and what is left
is asked whether it still shows the picture. A text over a picture leaves it. Another text in place of one that was
there leaves only the ground that both share: where letters were there is ground now, and no letter is left.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.fit import fitted

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_CHANGED, _TIMES = 12.0, 4.0  # grey levels; times the median of what one curve leaves unexplained
_EDGE = np.ones((5, 5), np.uint8)  # the soft edge of a stroke
_COARSEST, _FINEST = 8.0, 1.0  # pixels; structure is what lies between
_AROUND, _LEAST_AROUND = 6.0, 0.05  # pixels that the ground is averaged over; how much of them must be open
_TONE = 12.0  # grey levels between a ground and what stands on it
_STEP, _ROUNDS, _FITTED = 8, 4, 0.7  # of the fit of the curve: pixels; share of the points
# Measured on 302 places that differ, in copies with text, logos and stickers and in pictures made alike (decision 96).
_OPEN, _SAME = 0.2, 0.96  # of a place: not changed; correlation there
_LITTLE_LOST, _LITTLE_GONE, _LEAST_KEPT = 0.15, 0.4, 100  # text over a picture; pixels
_HARDLY_GONE = 0.2  # where fewer pixels are kept, more of them have to be
_BARE = 0.01  # of a place
_LETTERS_OPEN, _LETTERS_LOST = (
    0.08,
    0.1,
)  # of a strip: other captions leave 0.11 at least, a bar over a picture next to nothing
_MUCH_LOST, _MOST_GONE = 0.18, 0.6  # another text: copies lose at most 0.16, other texts 0.18 at least


class Place(NamedTuple):
    """A place that differs. ``open`` of it did not change, and ``correlation`` is that of structure there. ``lost`` of
    what changed shows the ground now. ``kept`` pixels of what stood on the ground are still seen, ``gone`` of it not.
    ``bare``: hardly anything stood there, and ``sparse``: less is kept than that.
    """

    open: float
    correlation: float
    lost: float
    gone: float
    kept: int
    bare: bool
    sparse: bool

    @property
    def written_over(self) -> bool:
        """Whether something was written over the picture, and the picture is to be seen between."""
        clear = self.open >= _OPEN and self.correlation >= _SAME
        is_seen = self.gone <= (_LITTLE_GONE if self.kept >= _LEAST_KEPT else _HARDLY_GONE) and not self.sparse
        return clear and self.lost <= _LITTLE_LOST and (is_seen or self.bare)

    @property
    def written_anew(self) -> bool:
        """Whether what stood there was replaced, on the same ground."""
        clear = self.open >= _OPEN and self.correlation >= _SAME
        return clear and self.lost >= _MUCH_LOST and self.gone >= _MOST_GONE

    @property
    def lettered_anew(self) -> bool:
        """The same of a strip of letters, where there is no more than letters and hardly anything between them."""
        return self.open >= _LETTERS_OPEN and self.lost >= _LETTERS_LOST and self.gone >= _MOST_GONE


UNCLEAR = Place(0.0, 0.0, 0.0, 0.0, 0, bare=False, sparse=True)


class Strokes:
    """What changed between a reference and the picture laid on it, made ready for one comparison."""

    def __init__(self, reference: Bytes, values: Floats, known: Truths) -> None:
        one = reference.astype(np.float32)
        rest = np.abs(values - _expected(one, values, known))
        changed = known & (rest > max(_CHANGED, _TIMES * float(np.median(rest[known]))))
        self._changed = changed
        self._weight = (known & (cv2.dilate(changed.astype(np.uint8), _EDGE) == 0)).astype(np.float32)
        around = cv2.GaussianBlur(self._weight, (0, 0), _AROUND)
        self._near = around > _LEAST_AROUND
        away = [
            np.abs(plane - cv2.GaussianBlur(plane * self._weight, (0, 0), _AROUND) / np.maximum(around, 1e-3))
            for plane in (one, values)
        ]
        self._stood, self._shows_ground = away[0] > _TONE, away[1] < _TONE
        self._structure = [_structured(plane, self._weight) for plane in (one, values)]

    def at(self, place: Truths) -> Place:
        """One place, as pixels (H x W)."""
        is_open = place & (self._weight > 0)
        changed = place & self._changed & self._near
        one, other = (plane[is_open] for plane in self._structure)
        joint = float((one * other).sum() / np.sqrt(max(float((one * one).sum() * (other * other).sum()), 1e-3)))
        gone = int((changed & self._stood & self._shows_ground).sum())
        kept = int((is_open & self._stood).sum())
        return Place(
            open=float(is_open.sum() / max(1, int(place.sum()))),
            correlation=joint,
            lost=float(self._shows_ground[changed].mean()) if changed.any() else 0.0,
            gone=gone / max(1, gone + kept),
            kept=kept,
            bare=gone + kept <= _BARE * int(place.sum()),
            sparse=kept < min(_LEAST_KEPT, _BARE * int(place.sum())),
        )


def _expected(one: Floats, other: Floats, known: Truths) -> Floats:
    """The reference with the light of the examined picture, by one curve for the whole, as most of it says."""
    at = known[::_STEP, ::_STEP]
    ours, theirs = (cv2.blur(plane, (9, 9))[::_STEP, ::_STEP][at].astype(np.float64) for plane in (one, other))
    terms = np.stack([np.ones_like(ours), ours / 128, (ours / 128) ** 2], axis=1)
    curve = fitted(terms, theirs[:, None], share=_FITTED, rounds=_ROUNDS)
    if curve is None:
        return one
    light = one / 128
    return np.asarray(curve[0, 0] + curve[1, 0] * light + curve[2, 0] * light * light, np.float32)


def _structured(plane: Floats, weight: Floats) -> Floats:
    """A plane between two scales, from what is open alone (Knutsson and Westin 1993, normalised convolution)."""
    fine, coarse = (
        cv2.GaussianBlur(plane * weight, (0, 0), size) / np.maximum(cv2.GaussianBlur(weight, (0, 0), size), 1e-3)
        for size in (_FINEST, _COARSEST)
    )
    return np.asarray((fine - coarse) * weight, np.float32)
