# SPDX-License-Identifier: Apache-2.0
"""Whether ink and ground changed places: where one tone stood is the ground now, and where ground was is that tone.

Another word on the same poster is written in the same ink. So within one place the tone that went is the tone that
came, and neither hides a colour that was not there. A sticker has one tone wherever it lies, or tones of its own: what
it hides does not come back beside it. This asks nothing of the ground, so the ground may be a strong texture, and
counts levels against what codecs and sizes leave unexplained in places as lively, so the ink may be nearly its tone.
"""

from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.bars import barred
from waarmerk.provenance.registry.filtered import beyond, foreign

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

# Levels that a pixel may be off, at least and at most; steps of liveliness (range over 5 pixels). Of what is as lively
# nearly all has to be this many times below, in most cells of the picture that have enough of it.
_LEAST, _MOST, _LIVELY, _NEARLY_ALL, _TIMES = 7.0, 99.0, (4, 8, 16, 32, 64, 128), 95, 3.0
_CELLS, _FEW, _SOME = 8, 40, 3  # each way; pixels; cells
_AROUND, _SOLID = np.ones((5, 5), np.uint8), np.ones((2, 2), np.uint8)  # a pixel alone, or a line of them, is an edge
_MARGIN, _ONE_PLACE, _SMALLEST = 4, 17, 24  # pixels along the edges; between letters of a word; that changed
_TONES, _STEP = 3, 12.0  # tones of each picture that are tried; levels that one may differ within itself
# Measured in decision 123, in levels: how far ink is from its ground at least, and a tone from the ink at most; of how
# far it was or is, the same, and how far the ground that shows may be from the ground that went.
_STANDS, _EVEN, _NEAR, _ONE_GROUND = 10.0, 30.0, 0.4, 0.45
# Of what changed, what changed places at least; of what came that is not the ink, what may be foreign; pixels that went
# and that came, and the fewer of these of the more: a sticker in the tone of a wall hides a little of it at most.
_EXCHANGED, _FOREIGN, _PIXELS, _AS_MANY = 0.4, 0.2, 8, 0.08
_ASIDE, _WINDOW, _MOVED = 3, 15, 0.5  # pixels; pixels that move as one; of what differs, left where that is undone


class _Place(NamedTuple):
    """Pixels that changed (h x w), their colours before and now (N x C), and which of them are foreign (N)."""

    mask: Truths
    before: Floats
    now: Floats
    foreign: Truths


def is_exchanged(expected: Floats, values: Floats, known: Truths) -> bool:
    """Whether ink and ground changed places somewhere in H x W x 3 (luma, Cb, Cr) or H x W x 1 (luma).

    ``expected`` is the reference in the light and colours of the copy.
    """
    changed = _changed(expected, values, known)
    if not changed.any():
        return False
    merged = cv2.dilate(changed.astype(np.uint8), np.ones((_ONE_PLACE, _ONE_PLACE), np.uint8))
    count, places, stats, _ = cv2.connectedComponentsWithStats(np.asarray(merged, np.uint8))
    strange = foreign(expected, values)
    for number in range(1, count):
        left, top, width, height = (int(v) for v in stats[number][:4])
        box = slice(top, top + height), slice(left, left + width)
        mask = changed[box] & (places[box] == number)
        if int(mask.sum()) < _SMALLEST:
            continue
        place = _Place(mask, expected[box][mask], values[box][mask], strange[box][mask])
        tones = (*_tones(place.before), *_tones(place.now))
        if any(_changed_places(place, tone) for tone in tones) and not _moved(expected[box], values[box], mask):
            return True
    return False


def _changed_places(place: _Place, ink: Floats) -> bool:
    """Whether that tone went and came, on one ground, and what else came was there before."""
    was, now = (np.linalg.norm(planes - ink, axis=1) for planes in (place.before, place.now))
    went = (was < np.minimum(_NEAR * now, _EVEN)) & (now > _STANDS)
    came = (now < np.minimum(_NEAR * was, _EVEN)) & (was > _STANDS)
    pixels = sorted((_solid(place.mask, went), _solid(place.mask, came)))
    if float((went | came).mean()) < _EXCHANGED or pixels[0] < max(_PIXELS, _AS_MANY * pixels[1]):
        return False
    ground, shown = np.median(place.before[came], axis=0), np.median(place.now[went], axis=0)
    clear = max(float(np.median(now[went])), float(np.median(was[came])))
    if float(np.linalg.norm(ground - shown)) > _ONE_GROUND * clear:
        return False
    other = ~came & (now > _STANDS)  # the ink itself may come farther out than it stood: a longer word
    return int((place.foreign & other).sum()) <= _FOREIGN * int(other.sum())


def _moved(expected: Floats, values: Floats, mask: Truths) -> bool:
    """Whether most of what changed in a box (h x w x C) is the same a few pixels aside, as where a copy was bent."""
    edged = np.pad(expected, ((_ASIDE, _ASIDE), (_ASIDE, _ASIDE), (0, 0)), mode="edge")
    (height, width), aside = mask.shape, range(2 * _ASIDE + 1)
    laid = (edged[down : down + height, across : across + width] for down in aside for across in aside)
    off = [cv2.blur(np.abs(values - each).max(axis=2), (_WINDOW, _WINDOW))[mask] for each in laid]
    return float(np.minimum.reduce(off).mean()) < _MOVED * float(off[len(off) // 2].mean())


def _solid(mask: Truths, chosen: Truths) -> int:
    """How many of the pixels of a mask that are chosen lie in squares of such pixels."""
    pixels = np.zeros(mask.shape, np.uint8)
    pixels[mask] = chosen
    return int(cv2.morphologyEx(pixels, cv2.MORPH_OPEN, _SOLID).sum())


def _tones(colours: Floats) -> list[Floats]:
    """The tones that most of N x C colours have."""
    _, belongs, sizes = np.unique(
        np.floor(colours / _STEP).astype(np.int64), axis=0, return_inverse=True, return_counts=True
    )
    most = np.argsort(-sizes, kind="stable")[:_TONES]
    return [np.median(colours[belongs.ravel() == each], axis=0) for each in most]


def _changed(expected: Floats, values: Floats, known: Truths) -> Truths:
    """What lies beyond all that is near it in the other picture, one way or the other, but for edges."""
    planes = range(values.shape[2])
    each = ((values[:, :, plane], expected[:, :, plane]) for plane in planes)
    off = np.dstack([np.maximum(beyond(one, other), beyond(other, one)) for one, other in each]).max(axis=2)
    changed = known & (off > _unexplained(expected, off, known))
    changed[:_MARGIN], changed[-_MARGIN:], changed[:, :_MARGIN], changed[:, -_MARGIN:] = False, False, False, False
    changed &= ~barred(changed, values[:, :, 0])
    return np.asarray(cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_OPEN, _SOLID) > 0, np.bool_)


def _unexplained(expected: Floats, off: Floats, known: Truths) -> Floats:
    """How far off a pixel (H x W) may be: what a codec or another size does to places that are as lively."""
    planes = [np.ascontiguousarray(expected[:, :, plane]) for plane in range(expected.shape[2])]
    lively = np.dstack([cv2.dilate(plane, _AROUND) - cv2.erode(plane, _AROUND) for plane in planes]).max(axis=2)
    level = np.digitize(lively, _LIVELY)
    usual, limits = _LEAST, np.empty(len(_LIVELY) + 1, np.float32)
    down, across = (np.linspace(0, side, _CELLS + 1).astype(int) for side in off.shape)
    cells = [(slice(*ends), slice(*sides)) for ends in pairwise(down) for sides in pairwise(across)]
    for step in range(len(limits)):
        alike = (level == step) & known
        told = [np.percentile(off[cell][alike[cell]], _NEARLY_ALL) for cell in cells if alike[cell].sum() >= _FEW]
        if len(told) >= _SOME:
            usual = max(usual, _TIMES * float(np.median(told)))
        limits[step] = min(usual, _MOST)
    return np.asarray(limits[level], np.float32)
