# SPDX-License-Identifier: Apache-2.0
"""Colour, canvas and tiles: arrays in and out of the forms the scheme works on."""

from __future__ import annotations

import math
from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from waarmerk.watermark.arrays import Bytes, Complexes, Floats, floats, pixels
from waarmerk.watermark.carriers import TILE, BinSet

MIN_SIDE = 128
MAX_PIXELS = 120_000_000  # a 120 MP camera; above it only memory suffers
MAX_SIDE = 32_000  # OpenCV's remap takes 16-bit coordinates
CANVAS_SIDE = 1024  # the reference canvas holds at most CANVAS_SIDE ** 2 pixels
CLIP_SIDE = 432  # that of a clip holds CLIP_SIDE ** 2,
LEAST_CLIP_SIDE = 170  # of small frames LEAST_CLIP_SIDE ** 2, of those between
CLIP_COARSENESS = 2.2  # pixels along each side of a frame to one of its canvas


LUMA = np.array([0.299, 0.587, 0.114], np.float32)
# Spread along the luma direction itself: 1.27 dB less RGB energy than equal steps in R, G and B for one change of luma.
CHROMA_GAIN = LUMA / float(LUMA @ LUMA)


def split_alpha(image: npt.NDArray[np.generic], *, min_side: int = MIN_SIDE) -> tuple[Bytes, Bytes | None]:
    """Any of H x W, H x W x 1, x 3 (RGB), x 4 (RGBA) as RGB or grey pixels and alpha.

    Raises TypeError for another dtype, ValueError for another shape or a side outside [min_side, MAX_SIDE].
    """
    given: object = image  # callers without a type checker pass lists and Pillow images
    if not isinstance(given, np.ndarray) or given.dtype != np.uint8:
        kind = getattr(image, "dtype", type(image).__name__)
        raise TypeError(f"an image is a numpy array of uint8, got {kind}")
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] not in (1, 3, 4)):
        raise ValueError(f"an image is H x W, H x W x 3 or H x W x 4, got shape {image.shape}")
    height, width = image.shape[:2]
    if min(height, width) < min_side:
        raise ValueError(f"the image is {width} x {height}; the least side is {min_side} pixels")
    if height * width > MAX_PIXELS or max(height, width) > MAX_SIDE:
        raise ValueError(f"the image is {width} x {height}; the most is {MAX_PIXELS} pixels, {MAX_SIDE} a side")
    if image.ndim == 3 and image.shape[2] == 4:
        return pixels(np.ascontiguousarray(image[..., :3])), pixels(np.ascontiguousarray(image[..., 3]))
    flat = image.reshape(height, width) if image.size == height * width else image
    return pixels(np.ascontiguousarray(flat)), None


def luma(image: Bytes) -> Bytes:
    """Luma of RGB or grey pixels, BT.601, rounded to 8 bits."""
    return image if image.ndim == 2 else pixels(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY))


def canvas_shape(height: int, width: int) -> tuple[int, int]:
    """Shape of the reference canvas: the image's own, shrunk to CANVAS_SIDE ** 2 pixels at most."""
    q = max(1.0, math.sqrt(height * width) / CANVAS_SIDE)
    return max(1, round(height / q)), max(1, round(width / q))


def clip_coarseness(height: int, width: int) -> float:
    """Pixels of a frame to one of its canvas, along each side.

    Coarse, because what a codec leaves of a frame are its low frequencies; less so for small frames, which would hold
    too little otherwise.  Of large ones all have one canvas, so that a copy at fewer lines has it too.
    """
    side = math.sqrt(height * width)
    return max(1.0, min(CLIP_COARSENESS, side / LEAST_CLIP_SIDE), side / CLIP_SIDE)


def clip_canvas_shape(height: int, width: int) -> tuple[int, int]:
    """Shape of the reference canvas of a clip."""
    q = clip_coarseness(height, width)
    return max(1, round(height / q)), max(1, round(width / q))


def resize(plane: Bytes | Floats, shape: tuple[int, int]) -> Floats:
    """A plane at another size: area average down, cubic up, pixel areas aligned."""
    if plane.shape == shape:
        return plane.astype(np.float32)
    shrinks = shape[0] * shape[1] < plane.shape[0] * plane.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return floats(cv2.resize(plane, (shape[1], shape[0]), interpolation=how))


def tile_grid(shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of tiles that cover a canvas."""
    return -(-shape[0] // TILE), -(-shape[1] // TILE)


def render_tiles(parts: Iterable[tuple[BinSet, Complexes]], rows: int, columns: int) -> Floats:
    """The real pattern of a grid of tiles from the coefficients of bin sets, each (rows, columns, bins) or (bins,).

    A coefficient of modulus a adds a * cos(...) of mean square a ** 2 / 2.
    """
    spectrum = np.zeros((rows, columns, TILE, TILE // 2 + 1), np.complex64)
    for bins, values in parts:
        spectrum[:, :, bins.ky, bins.kx] = values
        axis = bins.kx == 0  # the real transform wants both halves of the axis kx = 0
        spectrum[:, :, -bins.ky[axis], 0] = np.conj(spectrum[:, :, bins.ky[axis], 0])
    tiles = scipy.fft.irfft2(spectrum, s=(TILE, TILE), overwrite_x=True) * np.float32(TILE * TILE / 2)
    return tiles.transpose(0, 2, 1, 3).reshape(rows * TILE, columns * TILE)


def analyse_tiles(plane: Floats) -> Complexes:
    """DFT of each tile of a plane whose sides are multiples of TILE: rows x columns x TILE x (TILE // 2 + 1)."""
    rows, columns = plane.shape[0] // TILE, plane.shape[1] // TILE
    tiles = plane.reshape(rows, TILE, columns, TILE).transpose(0, 2, 1, 3)
    return scipy.fft.rfft2(tiles, axes=(2, 3))
