# SPDX-License-Identifier: Apache-2.0
"""Where and how strongly a mark may go.

The mask follows the square root of the local variance plus SSIM's C2 (Wang et al. 2004), so that the loss of SSIM is
nearly the same everywhere; isolated edges get no halo; and a closed loop holds the change in flat areas below what
is seen.
"""

from __future__ import annotations

import cv2
import numpy as np

from waarmerk.watermark.arrays import Floats, floats

SSIM_C2 = 58.5
VARIANCE_SIGMA = 3.0
EDGE_REACH = 15  # pixels; variance that reaches no wider belongs to an edge, not to a texture
FLAT_STD = 3.0  # luma deviation of a 32 x 32 window below which it counts as flat
FLAT_WINDOW = 32


def visibility_mask(luma: Floats, *, texture_gain: float, cap: float) -> Floats:
    """Amplitude a mark may have per pixel, in units of its amplitude in a flat area (1 there)."""
    variance = local_variance(luma, VARIANCE_SIGMA)
    eroded = cv2.erode(variance, np.ones((EDGE_REACH, EDGE_REACH), np.uint8))
    guarded = np.minimum(variance, 4.0 * floats(cv2.GaussianBlur(eroded, (0, 0), VARIANCE_SIGMA)) + np.float32(2.0))
    mask = np.sqrt(guarded * np.float32(texture_gain / SSIM_C2) + np.float32(1.0))
    return floats(np.minimum(mask, np.float32(cap)))


def local_variance(plane: Floats, sigma: float) -> Floats:
    """Gaussian-weighted mean square of what differs from the local mean: a smooth ramp has none, however steep."""
    rest = plane - floats(cv2.GaussianBlur(plane, (0, 0), sigma))
    return floats(cv2.GaussianBlur(rest * rest, (0, 0), sigma))


def limit_flat(luma: Floats, change: Floats, *, max_rms: float, window: int) -> Floats:
    """Gain per pixel, at most 1, that holds the rms of ``change`` below ``max_rms`` in flat windows of ``luma``.

    ``window`` is FLAT_WINDOW image pixels, counted in pixels of the canvas.
    """
    centred = luma - np.float32(128.0)
    mean = cv2.blur(centred, (window, window))
    deviation = cv2.blur(centred * centred, (window, window)) - mean * mean
    rms = cv2.sqrt(cv2.blur(change * change, (window, window)))
    flat = deviation < (1.25 * FLAT_STD) ** 2  # a little wider than flat: windows of others lie elsewhere
    gain = np.where(flat, np.minimum(1.0, max_rms / np.maximum(rms, 1e-6)), 1.0).astype(np.float32)
    reach = window // 4 * 2 + 1
    return floats(cv2.blur(cv2.erode(gain, np.ones((reach, reach), np.uint8)), (reach, reach)))
