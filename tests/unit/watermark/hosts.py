# SPDX-License-Identifier: Apache-2.0
"""Hosts for tests: numbers only."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


def textured(height: int, width: int, seed: int = 1, contrast: float = 30.0) -> Bytes:
    """A 1 / f texture with a few flat shapes, uint8 H x W x 3."""
    rng = np.random.default_rng(seed)
    fy, fx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    spectrum = np.fft.rfft2(rng.normal(size=(height, width))) / np.maximum(np.hypot(fy, fx), 1.0 / width) ** 1.2
    plane = np.fft.irfft2(spectrum, s=(height, width))
    plane = (128.0 + contrast * plane / plane.std()).astype(np.float32)
    cv2.circle(plane, (width // 3, height // 3), min(height, width) // 6, 190.0, -1, cv2.LINE_AA)
    tint = np.array([1.05, 1.0, 0.9])
    return np.clip(np.rint(plane[:, :, None] * tint), 0, 255).astype(np.uint8)


def gradient(height: int, width: int) -> Bytes:
    """A sky."""
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    plane = 90 + 90 * y + 20 * x
    return np.clip(np.rint(plane[:, :, None] * np.array([0.9, 1.0, 1.15])), 0, 255).astype(np.uint8)


def text(height: int, width: int) -> Bytes:
    """Black lines of letters on white."""
    page = np.full((height, width, 3), 250, np.uint8)
    for row in range(20, height, 18):
        cv2.putText(
            page, "the quick brown fox jumps over " * 3, (5, row), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (15, 15, 15), 1
        )
    return page
