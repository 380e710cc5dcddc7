# SPDX-License-Identifier: Apache-2.0
"""The detector's front end: remove the host, keep the mark, weigh every place and frequency by its noise.

A bilateral filter (Tomasi and Manduchi 1998) predicts the host and follows its edges, so that flat areas beside
text and contours keep their mark; a linear whitener smears every edge over them.  What remains is normalised by its
local deviation and divided, in 32 x 32 windows, by a smoothed periodogram: the maximum-likelihood weighting of a known
signal in coloured Gaussian noise.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy.fft

from waarmerk.watermark.arrays import Complexes, Floats, floats

WINDOW = 32
HOP = 16
BILATERAL = (5, 18.0, 3.0)  # diameter, deviation in luma, deviation in pixels
LOCAL_SIGMA = 12.0
LIMIT = 4.0  # in deviations
FLOOR = 0.3  # of the median deviation: an area without any residual stays without
LOADING = 1.0  # of the mean periodogram, added to each: quiet windows do not shout


def whiten(plane: Floats) -> Floats:
    """The residual of a luma plane as white as local statistics make it, unit rms; all zero for a constant plane."""
    residual = plane - cv2.bilateralFilter(plane, *BILATERAL)
    spectra = _analyse(_normalise(residual))
    power = np.square(spectra.real) + np.square(spectra.imag)
    for axis in range(4):
        power = _add_neighbours(power, axis)
    power += np.float32(LOADING) * power.mean() + np.float32(1e-12)
    parts = spectra.view(np.float32).reshape(*spectra.shape, 2)  # numpy's complex division is five times slower
    parts *= np.reciprocal(power)[..., None]
    out = _synthesise(spectra, (plane.shape[0], plane.shape[1]))
    rms = float(cv2.norm(out, cv2.NORM_L2)) / np.sqrt(out.size)
    if rms < 1e-9:
        return np.zeros_like(plane)
    out *= np.float32(1.0 / rms)
    return np.clip(out, -LIMIT, LIMIT, out=out)


def _normalise(residual: Floats) -> Floats:
    deviation = cv2.sqrt(_blur_coarsely(residual * residual))
    floor = FLOOR * float(np.median(deviation[::4, ::4])) + 1e-3
    return np.clip(residual / (deviation + np.float32(floor)), -LIMIT, LIMIT)


def _blur_coarsely(plane: Floats) -> Floats:
    """A Gaussian of LOCAL_SIGMA at a quarter of the resolution: the same to a per cent, sixteen times cheaper."""
    height, width = plane.shape
    small = cv2.resize(plane, (-(-width // 4), -(-height // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), LOCAL_SIGMA / 4.0)
    return floats(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)).clip(0.0)


def _taper() -> Floats:
    ramp = np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)
    return np.outer(ramp, ramp).astype(np.float32)


def _analyse(plane: Floats) -> Complexes:
    """Spectra of square-root Hann windows, rows x columns x WINDOW x (WINDOW // 2 + 1)."""
    height, width = plane.shape
    bottom, right = -height % HOP + HOP, -width % HOP + HOP
    padded = cv2.copyMakeBorder(plane, HOP, bottom, HOP, right, cv2.BORDER_REFLECT)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (WINDOW, WINDOW))[::HOP, ::HOP]
    return scipy.fft.rfft2(windows * _taper(), axes=(2, 3), overwrite_x=True)


def _synthesise(spectra: Complexes, shape: tuple[int, int]) -> Floats:
    windows = scipy.fft.irfft2(spectra, s=(WINDOW, WINDOW), axes=(2, 3), overwrite_x=True)
    windows *= _taper()
    rows, columns = windows.shape[:2]
    out = np.zeros((rows + 1, HOP, columns + 1, HOP), np.float32)
    for down in range(2):
        for across in range(2):
            part = windows[:, :, down * HOP : (down + 1) * HOP, across * HOP : (across + 1) * HOP]
            out[down : down + rows, :, across : across + columns] += part.transpose(0, 2, 1, 3)
    out = out.reshape((rows + 1) * HOP, (columns + 1) * HOP)
    return np.ascontiguousarray(out[HOP : HOP + shape[0], HOP : HOP + shape[1]])


def _add_neighbours(power: Floats, axis: int) -> Floats:
    """Sum over the bin and its two neighbours along one axis, the edge without wrapping."""
    out = power.copy()
    ahead: list[slice] = [slice(None)] * 4
    behind: list[slice] = [slice(None)] * 4
    ahead[axis], behind[axis] = slice(1, None), slice(None, -1)
    out[tuple(ahead)] += power[tuple(behind)]
    out[tuple(behind)] += power[tuple(ahead)]
    return out
