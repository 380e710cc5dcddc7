# SPDX-License-Identifier: Apache-2.0
"""Whether another word or number stands where one stood: ink is gone, the ground shows, and nothing foreign came.

What somebody lays over a picture hides the ground and has colours of its own. It never shows the ground where a letter
was. So where strokes of the reference are ground now, and all that changed there has light and colours that the place
had before, the letters are others: the ink of one is the ground of the other. Where the ground cannot be told, since it
is a strong texture or nearly the tone of the ink, they are others where ink and ground changed places.
"""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.bars import barred
from waarmerk.provenance.registry.entire import relit
from waarmerk.provenance.registry.exchanged import is_exchanged
from waarmerk.provenance.registry.filtered import beyond, filtered, foreign

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_OFF, _MARGIN = 14.0, 4  # levels beyond what lies within a pixel; pixels along the edges, known to a pixel or two
_AROUND, _LEAST_AROUND, _EDGE = 6.0, 0.03, 5  # pixels that a ground is averaged over; of them open; a soft edge
_STANDS, _GROUND = 24.0, 14.0  # levels from the ground: ink stands out by as many; ground is as near
_ONE_PLACE = 13  # pixels: letters of a word
# Over 480 overlays and filters of 24 pictures and 120 of drawn ones nothing comes near both (decision 102).
_FEW_FOREIGN, _CLEAR, _CLEARER = 0.2, 40.0, 56.0  # of what changed; levels that the ink which is gone stood out by
_GONE, _CAME, _LIKE = 8, 36, 0.4  # pixels of ink; how near the ink that came is to it, of what it stood out by
_ALONE, _MUCH = 32, 0.2  # where no ink came: pixels, of what changed


def is_lettered_anew(reference: Floats, values: Floats, known: Truths) -> bool:
    """Whether letters of H x W x 3 (luma, Cb, Cr) or H x W x 1 (luma) gave way to others, or to their ground."""
    expected = _expected(reference, values, known)
    return _ground_shows(expected, values, known) or is_exchanged(expected, values, known)


def _ground_shows(expected: Floats, values: Floats, known: Truths) -> bool:
    """Whether ink is gone and its ground shows, with nothing foreign and the same ink, or none, beside it."""
    changed = _changed(expected, values, known)
    if not changed.any():
        return False
    even = known & (cv2.dilate(changed.astype(np.uint8), np.ones((_EDGE, _EDGE), np.uint8)) == 0)
    even &= np.abs(_aside(expected, even)).max(axis=2) < _STANDS  # letters beside it are no ground
    near = cv2.GaussianBlur(even.astype(np.float32), (0, 0), _AROUND) > _LEAST_AROUND
    ours, theirs = _aside(expected, even), _aside(values, even)
    before = np.abs(ours).max(axis=2)
    gone = (changed & near & (before > _STANDS) & (np.abs(theirs).max(axis=2) < _GROUND)).astype(np.uint8)
    gone = np.asarray(cv2.morphologyEx(gone, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)), np.uint8)
    if int(gone.sum()) < _GONE:
        return False
    strange = foreign(expected, values)
    merged = cv2.dilate(changed.astype(np.uint8), np.ones((_ONE_PLACE, _ONE_PLACE), np.uint8))
    count, places = cv2.connectedComponents(np.asarray(merged, np.uint8))
    sizes = np.bincount(places[gone > 0], minlength=count)
    for number in np.flatnonzero(sizes >= _GONE):
        place = changed & (places == number)
        tone = np.median(ours[place & (gone > 0)], axis=0)
        clear, lost = float(np.abs(tone).max()), int(sizes[number])
        if float(strange[place].mean()) > _FEW_FOREIGN or clear < _CLEAR:
            continue
        same = np.abs(theirs[place] - tone).max(axis=1) < _LIKE * clear
        if int((same & (before[place] < _STANDS)).sum()) >= _CAME:
            return True
        if clear >= _CLEARER and lost >= max(_ALONE, _MUCH * int((place & near).sum())):
            return True
    return False


def _expected(reference: Floats, values: Floats, known: Truths) -> Floats:
    """The reference by the filter that most of it follows, its light by a rising curve where that fits better."""
    expected = filtered(reference, reference, values, known)
    light = values[:, :, 0]
    curved = relit(reference[:, :, 0], light, known)
    if known.any() and np.abs(curved - light)[known].mean() < np.abs(expected[:, :, 0] - light)[known].mean():
        expected[:, :, 0] = curved
    return expected


def _changed(expected: Floats, values: Floats, known: Truths) -> Truths:
    off = np.dstack([beyond(values[:, :, plane], expected[:, :, plane]) for plane in range(values.shape[2])])
    changed = (off.max(axis=2) > _OFF) & known
    changed[:_MARGIN], changed[-_MARGIN:], changed[:, :_MARGIN], changed[:, -_MARGIN:] = False, False, False, False
    return np.asarray(changed & ~barred(changed, values[:, :, 0]), np.bool_)


def _aside(planes: Floats, even: Truths) -> Floats:
    """How far each pixel is from the ground around it, of what is ``even`` (normalised convolution)."""
    weight = even.astype(np.float32)[:, :, None]
    around = cv2.GaussianBlur(weight, (0, 0), _AROUND)[:, :, None]
    ground = cv2.GaussianBlur(planes * weight, (0, 0), _AROUND).reshape(planes.shape)
    return np.asarray(planes - ground / np.maximum(around, 1e-3), np.float32)
