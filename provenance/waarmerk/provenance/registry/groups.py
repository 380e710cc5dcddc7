# SPDX-License-Identifier: Apache-2.0
"""Parts of a picture that lie together, and the pixels that they take."""

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.structure import BLOCK

Bytes = npt.NDArray[np.uint8]
Truths = npt.NDArray[np.bool_]


def groups(parts: Truths) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    """Rows and columns of the parts of each group. Lines of text are one group."""
    merged = cv2.dilate(parts.astype(np.uint8), np.ones((3, 3), np.uint8))
    count, groups = cv2.connectedComponents(merged, connectivity=8)
    for group in range(1, count):
        rows, columns = np.nonzero(parts & (groups == group))
        yield rows, columns


def filled_in(group: Truths) -> Bytes:
    """The parts of a group (1) and those that they surround."""
    parts = group.astype(np.uint8)
    outlines, _ = cv2.findContours(parts, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(parts, outlines, -1, (1.0,), cv2.FILLED)
    return parts


def pixels(parts: Bytes, shape: tuple[int, ...]) -> Truths:
    """The pixels of parts (1) of a picture of that shape."""
    mask = np.zeros(shape, np.bool_)
    filled = np.repeat(np.repeat(parts, BLOCK, axis=0), BLOCK, axis=1)[: shape[0], : shape[1]] > 0
    mask[: filled.shape[0], : filled.shape[1]] = filled
    return mask


def box(rows: npt.NDArray[np.intp], columns: npt.NDArray[np.intp], shape: tuple[int, ...]) -> Truths:
    """The upright box around some parts."""
    box = np.zeros(shape, np.bool_)
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    return box
