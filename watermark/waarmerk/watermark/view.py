# SPDX-License-Identifier: Apache-2.0
"""An image as the search sees it: whitened and shrunk, whole and in windows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from waarmerk.watermark.arrays import Bytes, Floats, Matrix
from waarmerk.watermark.registration import (
    MAX_CLIP_REFERENCE_PIXELS,
    MAX_REFERENCE_PIXELS,
    clip_poses,
    scaling,
    upright_poses,
)
from waarmerk.watermark.transforms import luma, resize
from waarmerk.watermark.whitening import whiten

SEARCH_PIXELS = 1_000_000  # a larger image is shrunk to this: the search costs the same whatever the size
WINDOW_SIDE = 512
WINDOW_SHARE = 0.62
LEAST_WINDOW = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A whitened image as the search sees it: its shape, and the shrunk plane; of a clip several frames added up."""

    shape: tuple[int, int]
    whitened: Floats
    is_clip: bool = False

    @property
    def most(self) -> float:
        """Reference pixels that all of it can have at most, surroundings included."""
        return MAX_CLIP_REFERENCE_PIXELS if self.is_clip else MAX_REFERENCE_PIXELS

    @property
    def upright_poses(self) -> list[Matrix]:
        """Where the mark lies, plane to reference, if the picture is whole and was at most shrunk."""
        poses = clip_poses(self.shape) if self.is_clip else upright_poses(self.shape)
        own = np.linalg.inv(self.shrink)
        return [pose @ own for pose in poses]

    @property
    def shrink(self) -> Matrix:
        """Image to plane."""
        return scaling(self.whitened.shape[1] / self.shape[1], self.whitened.shape[0] / self.shape[0])


def prepare(pixels: Bytes) -> View:
    """Whiten an image once for all keys and poses."""
    height, width = pixels.shape[:2]
    factor = min(1.0, math.sqrt(SEARCH_PIXELS / (height * width)))
    plane = resize(luma(pixels), (max(1, round(height * factor)), max(1, round(width * factor))))
    return View(shape=(height, width), whitened=whiten(plane))


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A part of a plane: its top and left, its height and width."""

    corner: tuple[int, int]
    shape: tuple[int, int]


def windows(whitened: Floats) -> tuple[tuple[Window, ...], ...]:
    """All of it tapered, the middle, then four windows around it; none in a picture too small to be cut."""
    height, width = shape_of(whitened)
    shape = (min(WINDOW_SIDE, round(WINDOW_SHARE * height)), min(WINDOW_SIDE, round(WINDOW_SHARE * width)))
    if min(shape) < LEAST_WINDOW:
        return ()
    down, across = height - shape[0], width - shape[1]
    whole = Window(corner=(0, 0), shape=(height, width))
    middle = Window(corner=(down // 2, across // 2), shape=shape)
    around = [(down * i // 8, across * j // 8) for i, j in ((1, 1), (1, 7), (7, 1), (7, 7))]
    return (whole,), (middle,), tuple(Window(corner=corner, shape=shape) for corner in around)


def taper(shape: tuple[int, int]) -> Floats:
    """Weights that fall to nothing at the edges."""
    return np.outer(np.hanning(shape[0]), np.hanning(shape[1])).astype(np.float32)


def shape_of(plane: Floats) -> tuple[int, int]:
    """Height and width."""
    return plane.shape[0], plane.shape[1]
