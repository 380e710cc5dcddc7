# SPDX-License-Identifier: Apache-2.0
"""Whether nothing of note differs between two pictures that lie on each other, pixel by pixel.

What is said of the whole of a picture is carried to another only where this holds, so one other word on a board, or a
coat in another colour, is enough. A share of the parts cannot tell that: a word is less than a hundredth of a picture.
A copy may be lighter or darker by one rising curve, softer, and have weaker or stronger colours; hues stay where they
are. Copies under stronger filters are known again, but not as the whole.
"""

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

_SOFTER = (0.0, 0.7, 1.2, 2.0, 3.0)  # pixels (sigma) by which a copy may be softer; what fits best counts
_MARGIN = 9  # pixels: half of it along the edges is not looked at
_NEAR, _STROKE, _LETTER, _THING = 3, 5, 9, 17  # pixels: a picture may lie this far off; what may differ is as large
# Levels beyond what lies near. Copies by codec and size leave 15 on a stroke at most, 17 by light; other words 34 at
# least (11 where they are 1 in 25 high). Of colours copies leave 20, other coats 39 (docs/adr/0098).
_OFF_STROKE, _OFF_LETTER, _OFF_THING, _OFF_COLOUR = 18.0, 14.0, 12.0, 24.0
_FAINT, _STANDS_OUT, _NEARLY_ALL = 9.0, 6.0, 0.995  # levels; times what this share of the picture stays below
_GAIN, _COLOURLESS = (0.3, 3.0), 2.0  # of saturation; levels
_FEW = 8  # pixels of one level that say what became of it


def is_entire(reference: Floats, values: Floats, known: Truths) -> bool:
    """Whether no place differs that one could see: H x W x 3 (luma, Cb, Cr) or H x W x 1 (luma alone)."""
    inside = np.asarray(
        cv2.erode(known.astype(np.uint8), np.ones((_MARGIN, _MARGIN), np.uint8), borderValue=(0.0,)) > 0, np.bool_
    )
    if not inside.any():
        return False
    softened = (reference if not soft else _softer(reference, soft) for soft in _SOFTER)
    lit = ((one, relit(one[:, :, 0], values[:, :, 0], inside)) for one in softened)
    kept, light = min(lit, key=lambda each: float(np.abs(each[1] - values[:, :, 0])[inside].mean()))
    return _light_agrees(light, values[:, :, 0], inside) and _colours_agree(kept[:, :, 1:], values[:, :, 1:], inside)


def _light_agrees(light: Floats, seen: Floats, inside: Truths) -> bool:
    added, gone = _beyond(seen, light), -_beyond(light, seen)
    off = np.where(inside, np.where(np.abs(added) > np.abs(gone), added, gone), 0).astype(np.float32)
    strokes, letters, things = (np.abs(cv2.blur(off, (side, side))) for side in (_STROKE, _LETTER, _THING))
    usual = float(np.quantile(strokes[inside], _NEARLY_ALL))  # fine patterns never lie quite on each other
    most = min(_OFF_STROKE, max(_FAINT, _STANDS_OUT * usual))
    return bool(strokes.max() <= most and letters.max() <= _OFF_LETTER and things.max() <= _OFF_THING)


def _colours_agree(kept: Floats, seen: Floats, inside: Truths) -> bool:
    """Whether colours are those of the reference, all of them stronger or weaker and off by the same tint."""
    if not kept.shape[2]:
        return True
    one, other = (cv2.blur(planes, (_LETTER, _LETTER)) for planes in (kept, seen))
    one, other = (planes - np.median(planes[inside], axis=0) for planes in (one, other))
    strength = float((one[inside] ** 2).mean())
    gain = float((one * other)[inside].mean()) / strength if strength > _COLOURLESS**2 else 1.0
    off = other - np.float32(np.clip(gain, *_GAIN)) * one
    off[~inside] = 0
    return float(np.linalg.norm(cv2.blur(off, (_LETTER, _LETTER)), axis=2).max()) <= _OFF_COLOUR


def _softer(planes: Floats, by: float) -> Floats:
    return np.asarray(cv2.GaussianBlur(planes, (0, 0), by), np.float32).reshape(planes.shape)


def relit(plane: Floats, seen: Floats, inside: Truths) -> Floats:
    """A plane (H x W) in the light of another: each level becomes what most of its pixels are there, never darker
    where it was lighter."""
    levels = np.clip(np.rint(plane[inside]), 0, 255).astype(np.int64)
    order = np.argsort(levels, kind="stable")
    ends, there = np.searchsorted(levels[order], np.arange(257)), seen[inside][order]
    told = [level for level in range(256) if ends[level + 1] - ends[level] >= _FEW]
    if not told:
        return plane
    become = [float(np.median(there[ends[level] : ends[level + 1]])) for level in told]
    curve = np.interp(np.arange(256), told, become)
    rising = (np.maximum.accumulate(curve) + np.minimum.accumulate(curve[::-1])[::-1]) / 2
    even = np.asarray(cv2.blur(rising.astype(np.float32)[None], (_LETTER, 1), borderType=cv2.BORDER_REPLICATE)[0])
    return np.asarray(np.interp(plane, np.arange(256), even), np.float32)


def _beyond(plane: Floats, other: Floats) -> Floats:
    """By how much a pixel is lighter (or darker, below 0) than all that lie near it in the other picture (H x W)."""
    near = np.ones((_NEAR, _NEAR), np.uint8)
    lowest, highest = cv2.erode(other, near), cv2.dilate(other, near)
    return np.asarray(np.maximum(plane - highest, 0) + np.minimum(plane - lowest, 0), np.float32)
