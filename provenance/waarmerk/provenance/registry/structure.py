# SPDX-License-Identifier: Apache-2.0
"""Two grey pictures that lie on each other, measured part by part: where their structure agrees, and where the light is
not what the rest of them lets expect. What follows from it is for ``covers``.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

BLOCK = 16  # pixels of the reference
_COARSEST, _FINEST = 8.0, 1.0  # pixels; structure is what lies between
_REACH = 2  # pixels a part may be off: paper folds and lenses bend
_LEAST_STRUCTURE = 2.5  # grey levels, standard deviation within a part
_AGREES = 0.55  # correlation within a part
_LIGHT, _LIGHT_ROUNDS, _LEAST_LIT = 14.0, 3, 16  # grey levels; of the fit of the curve; parts


class Parts(NamedTuple):
    """For each part of the reference: whether it agrees, whether either has structure there, whether the reference has,
    whether what is laid on it has."""

    agrees: Truths
    counted: Truths
    had: Truths
    shows: Truths


def structure_of(reference: Bytes, values: Floats, known: Truths) -> Parts:
    """The parts of two pictures compared by their structure."""
    one, other = _structured(reference.astype(np.float32)), _structured(values)
    mean, spread = block_mean(one, BLOCK), block_mean(one * one, BLOCK)
    spread = np.maximum(spread - mean**2, 0)
    seen = block_mean(other, BLOCK)
    seen_spread = np.maximum(block_mean(other * other, BLOCK) - seen**2, 0)
    best = np.full_like(one, -1.0)
    for down in range(-_REACH, _REACH + 1):
        for across in range(-_REACH, _REACH + 1):
            moved, average, width = (_moved(plane, down, across) for plane in (other, seen, seen_spread))
            joint = block_mean(one * moved, BLOCK) - mean * average
            best = np.maximum(best, joint / np.sqrt(np.maximum(spread * width, 1e-3)))
    grid = centres(BLOCK)
    inside = block_mean(known.astype(np.float32), BLOCK)[grid] > 0.99
    strong = np.maximum(spread, seen_spread)[grid] > _LEAST_STRUCTURE**2
    had, shows = (plane[grid] > _LEAST_STRUCTURE**2 for plane in (spread, seen_spread))
    return Parts(best[grid] >= _AGREES, inside & strong, inside & had, inside & shows)


def lit_otherwise(reference: Bytes, values: Floats, known: Truths, *, apart: Truths | None = None) -> Truths:
    """Parts whose light is not what one curve for the whole picture makes of the reference, with light from one side.

    What is smooth has no structure to compare: a pale sticker, or the sky of another picture in the same frame. Parts
    that are ``apart``, under a bar or a cover, say nothing about the curve.
    """
    grid = centres(BLOCK)
    inside = block_mean(known.astype(np.float32), BLOCK)[grid] > 0.99
    found, (rows, columns) = np.zeros_like(inside), np.nonzero(inside)
    one = block_mean(reference.astype(np.float32), BLOCK)[grid][inside].astype(np.float64)
    other = block_mean(values, BLOCK)[grid][inside].astype(np.float64)
    terms = [np.ones_like(one), one / 128, (one / 128) ** 2]
    terms += [at / max(1, side - 1) - 0.5 for at, side in ((rows, inside.shape[0]), (columns, inside.shape[1]))]
    design, rest = np.stack(terms, axis=1), np.zeros(one.size)
    open_to_see = np.ones(one.size, np.bool_) if apart is None else ~apart[inside]
    kept = open_to_see
    for _ in range(_LIGHT_ROUNDS):
        if kept.sum() < _LEAST_LIT:
            return found
        curve = np.linalg.lstsq(design[kept], other[kept], rcond=None)[0]
        rest = np.abs(other - design @ curve)
        kept = open_to_see & (rest <= max(float(np.quantile(rest[open_to_see], 0.8)), 1.0))
    found[rows, columns] = rest > _LIGHT
    return found


def _structured(plane: Floats) -> Floats:
    fine = cv2.GaussianBlur(plane, (0, 0), _FINEST)
    return np.asarray(fine - cv2.GaussianBlur(plane, (0, 0), _COARSEST), np.float32)


def block_mean(plane: Floats, block: int) -> Floats:
    """The mean of the ``block`` x ``block`` pixels around each (H x W)."""
    return np.asarray(cv2.boxFilter(plane, -1, (block, block)), np.float32)


def centres(block: int) -> tuple[slice, slice]:
    """Rows and columns of the middles of parts of ``block`` x ``block`` pixels."""
    return slice(block // 2, None, block), slice(block // 2, None, block)


def _moved(plane: Floats, down: int, across: int) -> Floats:
    return np.roll(plane, (down, across), axis=(0, 1))
