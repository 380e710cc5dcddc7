# SPDX-License-Identifier: Apache-2.0
"""Whether two pictures without structure are the same: a clear sky, a gradient behind a text.

There is nothing to see in them but light and colour. A copy has both as they were, to within what codecs do; no other
light is allowed for, or any two gradients would be copies of each other. A picture in one colour is like any other. The
structure of a pattern says no more than none.
"""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.bars import bars
from waarmerk.provenance.registry.covers import Judged
from waarmerk.provenance.registry.structure import BLOCK, Parts, block_mean, centres, part_means, whole_parts

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_SAME, _ALIKE = 6.0, 3.5  # grey levels a part may be off; the median of all
_FIELDS, _SAME_FIELD = 4, 2.0  # across and down; levels
_OTHER = 24.0  # grey levels a bar is off at least
_SHARE = 0.97  # of the parts that nothing was drawn on
_LEAST_OVERLAP = 0.9  # of the reference: a piece of a gradient is a piece of many
_LEAST_RANGE = 24.0  # grey levels from its darkest to its lightest parts, or from colour to colour
_LARGEST_BARS, _MOST_COVERED, _MOST_ADDED, _MOST_THICK = 0.40, 0.30, 0.08, 0.05  # of the parts; of the area
_DRAWN, _INK, _AROUND = 24.0, 10.0, 8.0  # levels of light a pixel is off; that one stands out by; pixels around it
_EDGE, _THICK = 4, 13  # pixels; letters of a tenth of the picture are thinner
_TONE, _ONE_TONE, _LARGEST_STICKER = 5, 0.6, 0.05  # grey levels; of what was drawn; of the picture, one patch


def as_it_was(reference: Floats, values: Floats, known: Truths, apart: Truths) -> bool:
    """Whether most of what is known of two pictures (H x W x C) has the same light and colour."""
    away, seen = np.abs(part_means(reference) - part_means(values)).max(axis=2), whole_parts(known) & ~apart
    return bool(seen.any()) and float(np.median(away[seen])) <= _SAME


def on_smooth(reference: Floats, values: Floats, known: Truths, parts: Parts) -> Judged:
    """Two pictures (H x W x 3: luma, Cb, Cr) that lie on each other, of which the first has hardly any structure.

    The little that it shows, a few words on a card, has to be there to the pixel.
    """
    off, inside = np.abs(reference - values), whole_parts(known)
    away = part_means(off).max(axis=2)
    bar = bars(
        inside & (away > _OTHER), reference[:, :, 0], values[:, :, 0]
    )  # what is off by a little at one end is another gradient
    strokes = _within(cv2.GaussianBlur(off[:, :, 0], (0, 0), 1.0) > _DRAWN)
    drawn = inside & ~bar & _any(strokes)
    ink = _any(np.abs(reference - cv2.GaussianBlur(reference, (0, 0), _AROUND)).max(axis=2) > _INK)
    differs, total = inside & (away > _SAME), int(inside.sum())
    seen = inside & ~drawn & ~bar
    seen[0], seen[-1], seen[:, 0], seen[:, -1] = False, False, False, False  # a border may show by a pixel
    if not seen.any():
        return Judged(verified=False, share=0.0, parts=total, apart=inside)
    share = 1 - int((differs & seen).sum()) / int(seen.sum())
    is_same = share >= _SHARE and float(np.median(away[seen])) <= _ALIKE
    is_same &= _off_by_field(reference, values, seen) <= _SAME_FIELD
    lightest = np.percentile(part_means(reference)[seen], (2, 98), axis=0)
    is_there = float(known.mean()) >= _LEAST_OVERLAP and int(bar.sum()) <= _LARGEST_BARS * total
    added = drawn & ~_stickers(values, _within(off.max(axis=2) > _DRAWN), drawn)
    thick = cv2.morphologyEx(strokes.astype(np.uint8), cv2.MORPH_OPEN, np.ones((_THICK, _THICK), np.uint8))
    few = _area(strokes, added) <= _MOST_ADDED * total and _area(thick > 0, added) <= _MOST_THICK * total
    few &= int(drawn.sum()) <= _MOST_COVERED * total
    few &= not (inside & ink & ~bar & (drawn | ~parts.agrees)).any()
    return Judged(
        verified=is_same and is_there and few and float(np.ptp(lightest, axis=0).max()) >= _LEAST_RANGE,
        share=share,
        parts=total,
        apart=drawn | bar,
    )


def _off_by_field(reference: Floats, values: Floats, seen: Truths) -> float:
    """By how many levels the median light or colour of a field is off at most, of those of which a quarter is ``seen``.

    What a codec does to parts averages out over a field; that another gradient is a little off does not.
    """
    apart, largest = part_means(reference - values), 0.0
    for rows in np.array_split(np.arange(seen.shape[0]), _FIELDS):
        for columns in np.array_split(np.arange(seen.shape[1]), _FIELDS):
            inside = seen[np.ix_(rows, columns)]
            if inside.sum() >= max(1.0, inside.size / 4):
                middle = np.median(apart[np.ix_(rows, columns)][inside], axis=0)
                largest = max(largest, float(np.abs(middle).max()))
    return largest


def _stickers(values: Floats, off: Truths, drawn: Truths) -> Truths:
    """Those of the parts that were drawn on that lie under solid patches of one tone; ``off`` are the pixels.

    ``values`` are H x W x 3. A patch takes a twentieth of the picture at most.
    """
    closed = cv2.morphologyEx(off.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    count, patches, stats, _ = cv2.connectedComponentsWithStats(np.asarray(closed, np.uint8))
    found, light = np.zeros_like(off), np.clip(np.rint(values[:, :, 0]), 0, 255).astype(np.int64)
    for patch in range(1, count):
        inside = patches == patch
        tones = np.convolve(np.bincount(light[inside], minlength=256), np.ones(11, np.int64), "same")
        one_tone = inside & (np.abs(light - int(tones.argmax())) <= _TONE)
        solid = cv2.morphologyEx(one_tone.astype(np.uint8), cv2.MORPH_OPEN, np.ones((9, 9), np.uint8))
        _, _, whole, _ = cv2.connectedComponentsWithStats(np.asarray(solid, np.uint8))
        largest = int(whole[1:, cv2.CC_STAT_AREA].max(initial=0))
        is_one = int(solid.sum()) >= _ONE_TONE * int(stats[patch][cv2.CC_STAT_AREA])
        if is_one and largest <= _LARGEST_STICKER * off.size:
            found |= inside
    return drawn & _any(found)


def _area(pixels: Truths, parts: Truths) -> float:
    """How much of some parts the pixels take, in parts."""
    return float(block_mean(pixels.astype(np.float32), BLOCK)[centres(BLOCK)][parts].sum())


def _within(pixels: Truths) -> Truths:
    """Without those along the edges: how a picture lies is known to a pixel or two."""
    found = np.zeros_like(pixels)
    found[_EDGE:-_EDGE, _EDGE:-_EDGE] = pixels[_EDGE:-_EDGE, _EDGE:-_EDGE]
    return found


def _any(pixels: Truths) -> Truths:
    """The parts in which a pixel is true."""
    near = cv2.dilate(pixels.astype(np.uint8), np.ones((BLOCK, BLOCK), np.uint8))
    return np.asarray(near[centres(BLOCK)] > 0, np.bool_)
