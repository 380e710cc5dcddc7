# SPDX-License-Identifier: Apache-2.0
"""Bars along an edge of a picture: laid over it, or shown beside it, to a fifth of it deep."""

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.groups import groups
from waarmerk.provenance.registry.structure import BLOCK

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Truths = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.intp]

LARGEST_BAR = 0.22  # of the parts
_DEEP, _WIDE = 0.2, 0.5  # of the picture; of its side, or of a row
_TONE, _WRITTEN = 5, 24.0  # grey levels: of a ground, and what stands on it
_SAME_GROUND, _GONE = 0.5, 0.4  # of the pixels of a strip; of what was written on it
_ONE_TONE, _MARGIN = 4.0, 4  # levels, standard deviation; pixels


def is_bar(rows: Numbers, columns: Numbers, shape: tuple[int, ...]) -> bool:
    """Whether parts lie in a strip along an edge that is wider than half the picture."""
    return _runs_along(rows, columns, shape) or _runs_along(columns, rows, shape[::-1])


def bars(parts: Truths, reference: Floats, values: Floats) -> Truths:
    """Those of the parts that lie in bars along an edge, which the reference (H x W, as ``values``) did not have."""
    found = np.zeros_like(parts)
    for rows, columns in groups(parts):
        found[rows, columns] = is_bar(rows, columns, parts.shape) and not is_same_strip(
            reference, values, rows, columns
        )
    return found


def is_same_strip(reference: Bytes | Floats, values: Floats, rows: Numbers, columns: Numbers) -> bool:
    """Whether a strip of parts has the even ground that it had, and what was written on it is gone.

    That is another caption; what is laid over a picture covers the ground, or leaves what was there beside its letters.
    """
    top, left = int(rows.min()) * BLOCK, int(columns.min()) * BLOCK
    box = slice(top, (int(rows.max()) + 1) * BLOCK), slice(left, (int(columns.max()) + 1) * BLOCK)
    before, off = reference[box].astype(np.float32), np.abs(values[box] - reference[box])
    tones = np.bincount(np.clip(np.rint(before), 0, 255).astype(np.int64).ravel(), minlength=256)
    ground = float(np.convolve(tones, np.ones(2 * _TONE + 1, np.int64), "same").argmax())
    even = np.abs(before - ground) <= _TONE
    ink = np.abs(before - ground) > _WRITTEN
    stayed, gone = float((even & (off <= _TONE + 3)).mean()), float((off[ink] > _WRITTEN).mean()) if ink.any() else 0.0
    return stayed >= _SAME_GROUND and gone >= _GONE


def barred(changed: Truths, light: Floats) -> Truths:
    """The rows or columns from an edge on that have mostly changed (H x W), or have one tone of light (H x W).

    What a bar hides of a dark picture ends where that was dark.
    """
    found = np.zeros_like(changed)
    for turn in range(4):
        turned, marked = np.rot90(changed, turn), np.rot90(found, turn)  # views
        fills = (turned.mean(axis=1) >= _WIDE) | (np.rot90(light, turn).std(axis=1) <= _ONE_TONE)
        fills[:_MARGIN] = True  # not known, or off by a pixel
        deep = int(_DEEP * len(turned))
        depth = int(fills.argmin()) if not fills.all() else len(turned)
        if _MARGIN < depth <= deep:
            marked[: depth + _MARGIN] = True
    return found


def _runs_along(rows: Numbers, columns: Numbers, shape: tuple[int, ...]) -> bool:
    """Whether parts lie in such a strip along the first or last rows."""
    depth = _DEEP * shape[0] + 1
    return bool((rows.max() < depth or rows.min() > shape[0] - 1 - depth) and np.ptp(columns) > _WIDE * shape[1])
