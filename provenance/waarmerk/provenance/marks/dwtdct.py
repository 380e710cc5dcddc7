# SPDX-License-Identifier: Apache-2.0
"""What each block of a picture says under the scheme called dwtDct, read in every way it may have been written.

The scheme: of chroma U (0.492 (B - Y)) one Haar level is taken, its approximation band cut into blocks of 4 x 4, and in
each block the largest of the entries 1 to 15, by magnitude, moved onto a lattice of step 36: a quarter above a multiple
for 0, three quarters for 1. Blocks take the bits of the message in turn, row by row. Despite its name no DCT is in it.

Ways of writing it that are met: pictures of floats (U around 0.5) or of 8 bits (around 128), channels in the order the
library expects or reversed. Ways in which it arrives: as written; from a JPEG with halved chroma, whose decoder blurs
what it doubles, so that the blur is undone; halved, where one pixel is what one coefficient was; doubled.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

STEP = 36.0
MIN_SIDE = 128  # below it there are fewer than 256 blocks, and no generator marks a picture that small
HALF_PIXELS = 4_000_000  # the halved picture of something larger is not looked for: it costs most
_LUMA = np.array([0.299, 0.587, 0.114])
_BLUE = np.array([0.0, 0.0, 1.0])
# Rows: U from RGB, and U where red and blue changed places.
_U = (0.492 * np.array([_BLUE - _LUMA, (_BLUE - _LUMA)[::-1]])).astype(np.float32)
_ORDERS = ("bgr", "rgb")
_OFFSETS = {"float": 1.0, "8-bit": 256.0}  # twice that of U: the Haar approximation of a constant is its double
# libjpeg doubles chroma with weights 3/4 and 1/4; the mean of each pair is then x[-1]/8 + 6 x[0]/8 + x[1]/8. The filter
# that undoes it falls off as (2 sqrt 2 - 3)^|n|, over sqrt(1/2); nine terms leave an error of 0.1 %.
_ROOT = 2 * np.sqrt(2) - 3
_SHARPEN = (_ROOT ** np.abs(np.arange(-4, 5)) * np.sqrt(2)).astype(np.float32)
_STRIP_ROWS = 256  # divides by every factor


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """One way of reading: ``scores`` in [-1, 1], rows x columns of blocks, positive where a block says 1."""

    way: str
    scores: Floats


def readings(rgb: Bytes) -> Iterator[Reading]:
    """Every reading of H x W x 3 pixels; none where a side is under MIN_SIDE. How many depends on the size alone."""
    height, width = rgb.shape[:2]
    if min(height, width) < MIN_SIDE:
        return
    for order, band in zip(_ORDERS, _bands(rgb, 2), strict=True):
        yield from _read(f"{order}", band)
        yield from _read(f"{order} jpeg", _unblurred(band))
    for order, band in zip(_ORDERS, _bands(rgb, 4), strict=True):
        yield from _read(f"{order} doubled", band)
    if height * width <= HALF_PIXELS:
        for order, band in zip(_ORDERS, _bands(rgb, 1), strict=True):
            yield from _read(f"{order} halved", band)


def _bands(rgb: Bytes, factor: int) -> tuple[Floats, Floats]:
    """The approximation band of U without its offset for each order of the channels, of the picture made smaller.

    Each value is of the mean of ``factor`` x ``factor`` pixels; what is left over at the edges is cut, as the scheme
    does. A strip at a time: what lies between would take sixteen times what the picture does.
    """
    cut = 4 if factor > 1 else 1
    height, width = (side // cut * cut for side in rgb.shape[:2])
    bands = tuple(np.empty((height // factor, width // factor), np.float32) for _ in _ORDERS)
    for top in range(0, height, _STRIP_ROWS):
        strip = rgb[top : min(top + _STRIP_ROWS, height), :width]
        both = cv2.transform(strip.astype(np.float32) if factor == 1 else _means(strip, factor), 2 * _U)
        for index, band in enumerate(bands):
            band[top // factor : top // factor + len(both)] = both[..., index]
    return bands[0], bands[1]


def _means(rgb: Bytes, factor: int) -> Floats:
    """The mean of every ``factor`` x ``factor`` pixels."""
    wide = rgb.astype(np.uint16)
    wide *= 256  # so that no digit of the mean is lost
    size = rgb.shape[1] // factor, rgb.shape[0] // factor
    small = cv2.resize(wide, size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(256)


def _unblurred(band: Floats) -> Floats:
    return cv2.sepFilter2D(band, -1, _SHARPEN, _SHARPEN).astype(np.float32, copy=False)


def _read(way: str, band: Floats) -> Iterator[Reading]:
    most, least = _of_blocks(np.maximum, band), _of_blocks(np.minimum, band)
    for depth, offset in _OFFSETS.items():
        # The largest of the sizes, for a sum is rounded in the order of its terms.
        size = np.maximum(most + np.float32(offset), -(least + np.float32(offset)))
        yield Reading(f"{depth} {way}", -np.sin(size * np.float32(2 * np.pi / STEP)))


def _of_blocks(pick: Callable[[Floats, Floats], Floats], band: Floats) -> Floats:
    """The largest or least entry of each block of 4 x 4 without entry 0, which never carries."""
    rows, columns = (side // 4 * 4 for side in band.shape)
    first, *others = (band[row:rows:4, :columns] for row in range(4))
    below = pick(pick(others[0], others[1]), others[2])
    whole = pick(first, below)
    return pick(pick(below[:, ::4], whole[:, 1::4]), pick(whole[:, 2::4], whole[:, 3::4]))
