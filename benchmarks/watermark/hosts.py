# SPDX-License-Identifier: Apache-2.0
"""Hosts made of nothing but numbers: textures, gradients, shapes, text-like strokes, periodic patterns."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
KINDS = ("texture", "gradient", "shapes", "strokes", "grid", "grain")


def make_host(kind: str, height: int, width: int, seed: int) -> Bytes:
    """A uint8 H x W x 3 picture of one kind, the same for the same arguments."""
    rng = np.random.default_rng([seed, KINDS.index(kind), height, width])
    plane = globals()[f"_{kind}"](rng, height, width)
    tint = 1.0 + 0.25 * (rng.random(3) - 0.5)
    return np.clip(np.rint(plane[:, :, None] * tint), 0, 255).astype(np.uint8)


def _texture(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """Noise with a 1 / f spectrum, the statistics of a photograph of grass or stone."""
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    slope = rng.uniform(0.9, 1.4)
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / np.maximum(np.hypot(fy, fx), 1.0 / width) ** slope
    plane = np.fft.irfft2(spectrum, s=(height, width))
    return 128.0 + plane / plane.std() * rng.uniform(20, 50)


def _gradient(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    a, b = rng.uniform(-90, 90, 2)
    return 128.0 + a * (y - 0.5) + b * (x - 0.5) + rng.uniform(0, 20) * np.sin(3 * x + 2 * y)


def _shapes(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    plane = np.full((height, width), float(rng.integers(40, 220)), np.float32)
    for _ in range(14):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        colour = float(rng.integers(20, 240))
        if rng.random() < 0.5:
            cv2.circle(plane, centre, int(rng.integers(10, height // 3)), colour, -1, cv2.LINE_AA)
        else:
            size = (int(rng.integers(10, width // 3)), int(rng.integers(10, height // 3)))
            cv2.rectangle(plane, centre, (centre[0] + size[0], centre[1] + size[1]), colour, -1)
    return plane.astype(np.float64)


def _strokes(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    plane = np.full((height, width), 245, np.uint8)
    for row in range(18, height, 16):
        words = "".join(chr(int(c)) for c in rng.integers(97, 123, width // 8))
        cv2.putText(plane, words, (4, row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 20, 1, cv2.LINE_AA)
    return plane.astype(np.float64)


def _grid(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    """A periodic host, the hardest for a search that looks for spectral lines."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    angle, period = rng.uniform(0, np.pi), rng.uniform(5, 20)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    waves = np.sign(np.sin(2 * np.pi * u / period)) + np.sin(2 * np.pi * v / (period * 1.3))
    return 128.0 + rng.uniform(10, 40) * waves + rng.normal(0, 3, (height, width))


def _grain(rng: np.random.Generator, height: int, width: int) -> npt.NDArray[np.float64]:
    smooth = cv2.resize(rng.uniform(40, 210, (5, 5)).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return smooth.astype(np.float64) + rng.normal(0, rng.uniform(2, 10), (height, width))
