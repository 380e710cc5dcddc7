# SPDX-License-Identifier: Apache-2.0
"""Two pictures that lie on each other, measured part by part: where their structure agrees, and where light or colour
are not what the rest of them lets expect. What follows from it is for ``covers`` and ``resemblance``.
"""

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.fit import fitted

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]

BLOCK = 16  # pixels of the reference
_COARSEST, _FINEST = 8.0, 1.0  # pixels; structure is what lies between
_REACH = 2  # pixels a part may be off: paper folds and lenses bend
_LEAST_STRUCTURE = 2.5  # grey levels, standard deviation within a part
_AGREES = 0.55  # correlation within a part
_LIGHT, _COLOUR = 14.0, 12.0  # grey levels; of Cb and Cr together
_STRONG, _OPPOSITE = 4.0, -0.2  # levels of Cb and Cr, standard deviation; of a colour, where it is itself at 1
_ROUNDS, _FITTED = 3, 0.8  # of the fit; share of the parts
_LEAST_FITTED = 16  # parts


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
    inside = whole_parts(known)
    strong = np.maximum(spread, seen_spread)[grid] > _LEAST_STRUCTURE**2
    had, shows = (plane[grid] > _LEAST_STRUCTURE**2 for plane in (spread, seen_spread))
    return Parts(best[grid] >= _AGREES, inside & strong, inside & had, inside & shows)


def textured(grey: Bytes) -> Truths:
    """The parts of H x W grey that have structure."""
    structure = _structured(grey.astype(np.float32))
    mean = block_mean(structure, BLOCK)
    spread = block_mean(structure * structure, BLOCK) - mean**2
    return np.asarray(spread[centres(BLOCK)] > _LEAST_STRUCTURE**2, np.bool_)


def lit_otherwise(reference: Bytes, values: Floats, known: Truths, *, apart: Truths | None = None) -> Truths:
    """Parts whose light is not what one curve for the whole picture makes of the reference, with light from one side.

    What is smooth has no structure to compare: a pale sticker, or the sky of another picture in the same frame. Parts
    that are ``apart``, under a bar or a cover, say nothing about the curve.
    """
    one, seen = part_means(reference[:, :, None].astype(np.float32)) / 128, part_means(values[:, :, None])
    terms = np.dstack([np.ones_like(one), one, one**2]).astype(np.float32)
    return _unexplained(terms, seen, known, apart) > _LIGHT


def coloured_otherwise(reference: Floats, values: Floats, known: Truths, *, apart: Truths) -> Truths:
    """Parts whose colour is not what one rule for the whole picture makes of the reference's light and colour.

    Both are H x W x 3 (luma, Cb, Cr). Filters, white balance and a copy in grey are such a rule; another sky of the
    same light is not, nor is what turns colours into their opposites: two parties that swapped theirs on a map.
    """
    one, seen = part_means(reference), part_means(values)
    light, chroma = one[:, :, :1] / np.float32(128), one[:, :, 1:] / np.float32(64)
    terms = np.dstack([np.ones_like(light), light, light**2, chroma, chroma * light]).astype(np.float32)
    otherwise = _unexplained(terms, seen[:, :, 1:], known, apart) > _COLOUR
    inside = whole_parts(known)
    kept = inside & ~apart & ~otherwise
    opposed = _opposed(one[kept][:, 0] / np.float32(128), one[kept][:, 1:], seen[kept][:, 1:])
    return inside if opposed else otherwise


def _opposed(light: Floats, chroma: Floats, seen: Floats) -> bool:
    """Whether a colour of some strength (N x 2, beside what light says of it) is seen as its opposite (N x 2).

    A filter turns all hues by less than a right angle, and makes them stronger or weaker.
    """
    if len(light) < _LEAST_FITTED:
        return False
    terms = np.stack([np.ones_like(light), light, light**2], axis=1).astype(np.float64)
    fitted = terms @ np.linalg.lstsq(terms, np.hstack([chroma, seen]).astype(np.float64), rcond=None)[0]
    rest = np.hstack([chroma, seen]) - fitted
    spread = rest[:, :2].T @ rest[:, :2] / len(rest)
    strengths, ways = np.linalg.eigh(spread)
    ways = ways[:, strengths >= _STRONG**2]
    if not ways.size:
        return False
    gain = np.linalg.lstsq(rest[:, :2] @ ways, rest[:, 2:] @ ways, rcond=None)[0]
    return float(np.linalg.eigvalsh((gain + gain.T) / 2).min()) < _OPPOSITE


def _unexplained(terms: Floats, seen: Floats, known: Truths, apart: Truths | None) -> Floats:
    """How far each part is from what the terms (h x w x K) and where it lies make of most of them, 0 where not known.

    Least squares over what fits best so far, in a few rounds: what does not belong is not fitted.
    """
    inside = whole_parts(known)
    found, (rows, columns) = np.zeros(inside.shape, np.float32), np.nonzero(inside)
    slopes = [at / max(1, side - 1) - 0.5 for at, side in ((rows, inside.shape[0]), (columns, inside.shape[1]))]
    design, wanted = np.column_stack([terms[inside], *slopes]), seen[inside]
    among = None if apart is None else ~apart[inside]
    curve = fitted(design, wanted, share=_FITTED, rounds=_ROUNDS, among=among)
    if curve is not None:
        found[rows, columns] = np.linalg.norm(wanted - design @ curve, axis=1)
    return found


def _structured(plane: Floats) -> Floats:
    fine = cv2.GaussianBlur(plane, (0, 0), _FINEST)
    return np.asarray(fine - cv2.GaussianBlur(plane, (0, 0), _COARSEST), np.float32)


def block_mean(plane: Floats, block: int) -> Floats:
    """The mean of the ``block`` x ``block`` pixels around each (H x W)."""
    return np.asarray(cv2.boxFilter(plane, -1, (block, block)), np.float32)


def part_means(planes: Floats) -> Floats:
    """The mean of each part of H x W x C: h x w x C."""
    means = [block_mean(plane, BLOCK)[centres(BLOCK)] for plane in np.moveaxis(planes, 2, 0)]
    return np.dstack(means).astype(np.float32)


def whole_parts(known: Truths) -> Truths:
    """The parts that are known throughout."""
    return np.asarray(block_mean(known.astype(np.float32), BLOCK)[centres(BLOCK)] > 0.99, np.bool_)


def centres(block: int) -> tuple[slice, slice]:
    """Rows and columns of the middles of parts of ``block`` x ``block`` pixels."""
    return slice(block // 2, None, block), slice(block // 2, None, block)


def _moved(plane: Floats, down: int, across: int) -> Floats:
    return np.roll(plane, (down, across), axis=(0, 1))
