# SPDX-License-Identifier: Apache-2.0
"""The largest place in which two pictures that lie on each other show something else, in whatever respect.

Another person before the same screen differs here in structure, there in light and there in colour, and where both are
even in nothing that has a structure: each of these may be little, and together they are a person. So they are taken
together. What lies over a picture is told from what is there in its place: a bar runs along an edge, letters leave what
is between them, and a sticker is one patch of one tone whose outline nothing had before.
"""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.covers import filled_in, pixels, under_cover
from waarmerk.provenance.registry.structure import BLOCK, Parts, filtered_otherwise, whole_parts
from waarmerk.provenance.registry.written import Strokes

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

LARGEST = 0.08  # of the parts that are known
_AROUND = 3  # parts: what most parts around it do not share is no place, but what a codec does
_OFF, _SOLID = 16.0, 9  # levels of light or colour; pixels: thicker than what a codec leaves along an edge
_BAR, _WIDE = 0.2, 0.5  # of the picture: how deep a bar is at most; of a row of it that is otherwise
_BESIDE = 0.15  # of a place: a sticker is all of it (0.04 at most), the shirt of a person is not (0.11 to 0.26)
_STEEP, _FLATTER = (24.0, 80.0), 0.8  # of the slope (Sobel: 4 for a step of one level); share of the picture below
_NEAR, _ASIDE = 3, 12  # pixels around an outline that are on it; beside it
_OUTLINED, _MORE = 0.4, 0.25  # of an outline, more than beside it: stickers by 0.09 at most, people by 0.33 at least


def largest_other(reference: Floats, values: Floats, known: Truths, parts: Parts) -> float:
    """The largest such place, as a share of the parts that are known.

    ``reference`` and ``values`` are H x W x 3 (luma, Cb, Cr) or H x W x 1 (luma alone).
    """
    light, seen = np.rint(reference[:, :, 0]).astype(np.uint8), values[:, :, 0]
    inside, bars = whole_parts(known), np.zeros_like(parts.had)
    for _ in range(2):  # a bar says nothing about the filter
        off = filtered_otherwise(reference, values, known, apart=bars) | (parts.counted & ~parts.agrees)
        places = np.asarray(cv2.medianBlur((inside & off).astype(np.uint8), _AROUND) > 0, np.bool_)
        bars = _bars(places)
    count, numbers = cv2.connectedComponents((places & ~bars).astype(np.uint8), connectivity=8)
    limit, strokes, largest = LARGEST * int(inside.sum()), None, 0
    for number in range(1, count):
        group = numbers == number
        size = int(group.sum())
        if size > limit and not _had_outline(reference, values, known, group):
            strokes = strokes or Strokes(light, seen, known)
            rest = int((group & (filled_in(under_cover(light, seen, group)) == 0)).sum())
            is_over = rest <= _BESIDE * size or strokes.at(pixels(filled_in(group), light.shape)).written_over
            size = 0 if is_over else size
        largest = max(largest, size)
    return largest / max(1, int(inside.sum()))


def _bars(places: Truths) -> Truths:
    """The rows or columns from an edge on that are otherwise in more than half of them, to a fifth of the picture."""
    found = np.zeros_like(places)
    for turn in range(4):
        turned, marked = np.rot90(places, turn), np.rot90(found, turn)  # views
        deep = int(_BAR * len(turned)) + 1
        fills = turned[: deep + 1].mean(axis=1) >= _WIDE
        fills[0] |= fills[1]  # a picture may show by a row beside its bar, or not be known there
        depth = int(fills.argmin()) if not fills.all() else 0  # what goes on further is no bar
        marked[:depth] = True
    return found


def _had_outline(reference: Floats, values: Floats, known: Truths, group: Truths) -> bool:
    """Whether what changed in a place (parts) has the outline of what stood there before."""
    place = cv2.dilate(pixels(filled_in(group), known.shape).astype(np.uint8), np.ones((BLOCK, BLOCK), np.uint8))
    changed = ((np.abs(values - reference).max(axis=2) > _OFF) & known).astype(np.uint8) & place
    square = np.ones((_SOLID, _SOLID), np.uint8)
    solid = cv2.morphologyEx(cv2.morphologyEx(changed, cv2.MORPH_CLOSE, square), cv2.MORPH_OPEN, square)
    outlines, _ = cv2.findContours(np.asarray(solid, np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    line, ring = np.zeros_like(changed), np.zeros_like(changed)
    cv2.drawContours(line, outlines, -1, (1.0,), 1)
    cv2.drawContours(ring, outlines, -1, (1.0,), 2 * _ASIDE + 1)
    cv2.drawContours(ring, outlines, -1, (0.0,), 2 * _NEAR + 1)
    slopes = np.hypot(cv2.Sobel(reference, cv2.CV_32F, 1, 0), cv2.Sobel(reference, cv2.CV_32F, 0, 1)).max(axis=2)
    steep = float(np.clip(np.percentile(slopes[known], 100 * _FLATTER), *_STEEP))
    near = cv2.dilate((slopes > steep).astype(np.uint8), np.ones((_NEAR, _NEAR), np.uint8))
    on, beside = (float(near[known & (each > 0)].mean()) if each.any() else 0.0 for each in (line, ring))
    return on >= max(_OUTLINED, _MORE + beside)
