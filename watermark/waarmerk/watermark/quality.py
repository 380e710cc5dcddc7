# SPDX-License-Identifier: Apache-2.0
"""Fidelity of a marked image and errors of a payload: PSNR, SSIM, BER."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt

SSIM_C1 = 6.5025  # (0.01 * 255) ** 2, Wang et al. 2004
SSIM_C2 = 58.5225  # (0.03 * 255) ** 2


def psnr(host: npt.NDArray[np.uint8], marked: npt.NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio over all channels, dB; infinite for equal arrays."""
    if host.shape != marked.shape:
        raise ValueError(f"shapes differ: {host.shape} and {marked.shape}")
    error = mean_square(host, marked)
    return math.inf if error == 0.0 else 10.0 * math.log10(255.0**2 / error)


def mean_square(host: npt.NDArray[np.uint8], marked: npt.NDArray[np.uint8]) -> float:
    """Mean squared difference over all channels."""
    return float(cv2.norm(host, marked, cv2.NORM_L2SQR)) / host.size


def ssim(host: npt.NDArray[np.uint8], marked: npt.NDArray[np.uint8]) -> float:
    """Mean structural similarity of two luma planes (H x W), Gaussian window of sigma 1.5 (Wang et al. 2004)."""
    if host.ndim != 2 or host.shape != marked.shape:
        raise ValueError("ssim compares two H x W planes of one size")
    x, y = host.astype(np.float64), marked.astype(np.float64)
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + SSIM_C1) * (2 * covariance + SSIM_C2)
    return float((above / ((mean_x**2 + mean_y**2 + SSIM_C1) * (var_x + var_y + SSIM_C2))).mean())


def bit_error_rate(sent: bytes, received: bytes) -> float:
    """Share of bits that differ between two byte strings of one length."""
    if len(sent) != len(received) or not sent:
        raise ValueError("bit_error_rate compares two non-empty byte strings of one length")
    differing = int.from_bytes(sent, "big") ^ int.from_bytes(received, "big")
    return differing.bit_count() / (8 * len(sent))


def _blur(plane: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5), np.float64)
