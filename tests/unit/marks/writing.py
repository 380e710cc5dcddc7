# SPDX-License-Identifier: Apache-2.0
"""The published marks written into pictures, after the description of the scheme, as its library does it.

Float pictures keep their fractions until they are saved; of 8-bit pictures U is cut to whole numbers. The library puts
two of the detail bands back in each other's place, and so does this.
"""

import io
from typing import Any

import cv2
import numpy as np
from PIL import Image

from waarmerk.provenance.marks.published import PublishedMark, published_marks

MARKS = {mark.id: mark for mark in published_marks()}


def host(width: int = 512, height: int = 512, seed: int = 1) -> Any:
    """A picture with soft colours, edges and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / 512
    shades = [60 * np.sin(2 * np.pi * (a * x + b * y + c)) for a, b, c in rng.uniform(0.2, 2.5, (3, 3))]
    picture = 128 + np.stack(shades, axis=-1) + rng.normal(0, 3, (height, width, 3))
    for _ in range(12):
        left, top, size = rng.integers(0, width), rng.integers(0, height), rng.integers(20, 160)
        picture[top : top + size, left : left + size] += rng.uniform(-50, 50, 3)
    return np.clip(picture, 0, 255).astype(np.uint8)


def mark(rgb: Any, which: str | PublishedMark, *, depth: str = "float", order: str = "bgr") -> Any:
    """``rgb`` with a mark in it, written at ``depth`` (``float``, ``8-bit``) in the ``order`` given to the library."""
    bits = (MARKS[which] if isinstance(which, str) else which).bits
    given = np.ascontiguousarray(rgb[..., ::-1] if order == "bgr" else rgb)
    yuv = cv2.cvtColor(given.astype(np.float32) if depth == "float" else given, cv2.COLOR_BGR2YUV)
    height, width = (side // 4 * 4 for side in rgb.shape[:2])
    u = yuv[:height, :width, 1].astype(np.float64)
    a, b, c, d = u[::2, ::2], u[::2, 1::2], u[1::2, ::2], u[1::2, 1::2]
    low, first, second, third = (a + b + c + d) / 2, (a + b - c - d) / 2, (a - b + c - d) / 2, (a - b - c + d) / 2
    _quantise(low, bits)
    first, second = second, first
    u[::2, ::2], u[::2, 1::2] = (low + first + second + third) / 2, (low + first - second - third) / 2
    u[1::2, ::2], u[1::2, 1::2] = (low - first + second - third) / 2, (low - first - second + third) / 2
    yuv[:height, :width, 1] = u.astype(np.uint8) if depth == "8-bit" else u
    out = cv2.cvtColor(yuv, cv2.COLOR_YUV2BGR)
    saved = np.clip(np.rint(out), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(saved[..., ::-1] if order == "bgr" else saved)


def _quantise(band: Any, bits: tuple[bool, ...]) -> None:
    rows, columns = band.shape[0] // 4, band.shape[1] // 4
    for number in range(rows * columns):
        row, column = divmod(number, columns)
        block = band[4 * row : 4 * row + 4, 4 * column : 4 * column + 4]
        place = np.unravel_index(int(np.argmax(np.abs(block).ravel()[1:])) + 1, (4, 4))
        value = block[place]
        moved = (abs(value) // 36 + (0.75 if bits[number % len(bits)] else 0.25)) * 36
        block[place] = moved if value >= 0 else -moved


def jpeg(rgb: Any, quality: int, *, full_chroma: bool = False) -> Any:
    """The picture through a JPEG, its chroma halved unless told otherwise."""
    target = io.BytesIO()
    Image.fromarray(rgb).save(target, "JPEG", quality=quality, subsampling=0 if full_chroma else 2)
    return np.asarray(Image.open(target).convert("RGB"))


def resized(rgb: Any, factor: float, how: Image.Resampling = Image.Resampling.BICUBIC) -> Any:
    """The picture at another size."""
    size = (round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
    return np.asarray(Image.fromarray(rgb).resize(size, how))
