# SPDX-License-Identifier: Apache-2.0
"""One mark for all frames of a clip: the pattern is rendered once and lies still, only its weights follow the picture.

A pattern of its own in every frame would shimmer and cost more bits than the clip; a still one is skipped by predicted
frames where the picture rests.  The weights are taken anew every ``REFRESH`` frames at half the size of the canvas;
they fall at once where a texture has gone and rise slowly, so that no frame is marked more than its own content hides.
Only luma changes, in the numbers the decoder gave, and no colour is converted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import cast

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.watermark.arrays import Floats, floats
from waarmerk.watermark.embedding import FLAT_RMS, Shaping, enlarge
from waarmerk.watermark.perception import (
    EDGE_REACH,
    FLAT_STD,
    FLAT_WINDOW,
    SSIM_C2,
    VARIANCE_SIGMA,
)
from waarmerk.watermark.transforms import canvas_shape

REFRESH = 4  # frames between two looks at the picture; 6 a second at 25 frames a second
RISE = 0.35  # of the way to a higher weight at each look
CUT = 12.0  # mean difference of two thumbnails, in levels, from which a scene is a new one
THUMBNAIL = (64, 36)
HALF = 2  # weights are smooth: half the canvas has all of them

# Where no bound holds flat areas, energy goes where codecs keep it: they quantise textures more coarsely.
EVEN = Shaping(texture_gain=1.0, cap=3.0)

Luma = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How a clip counts luma: steps per 8-bit level of RGB, and the depth in bits."""

    per_level: float  # 219 / 255 for video range in 8 bits
    bits: int

    @classmethod
    def of(cls, *, bits: int, full_range: bool) -> Levels:
        """The steps of one range and depth (ITU-T H.273, section 8.3)."""
        span = (2**bits - 1) if full_range else 219 * 2 ** (bits - 8)
        return cls(per_level=span / 255.0, bits=bits)


@dataclass(slots=True, kw_only=True)
class ClipMarker:
    """Adds the mark to one frame after the other, in place.

    ``pattern`` lies on the canvas of a clip (``clip_canvas_shape``); weights are made on that of a still.  With
    ``psnr`` each look at the picture sets the gain whose change has this distance over RGB, in dB, and the bound of
    flat areas is off; with ``strength`` the bound holds.
    """

    pattern: Floats
    shape: tuple[int, int]
    levels: Levels
    strength: float
    psnr: float | None
    _wide: Floats = field(init=False)
    _canvas: tuple[int, int] = field(init=False)
    _power: Floats = field(init=False)  # of the pattern, at half the canvas
    _roughness: Floats = field(init=False)
    _weights: Floats | None = field(init=False, default=None)
    _change: npt.NDArray[np.int8] | npt.NDArray[np.int16] = field(init=False)
    _last: Floats | None = field(init=False, default=None)
    _age: int = field(init=False, default=0)
    _energy: float = field(init=False, default=0.0)
    _looks: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._canvas = canvas_shape(*self.shape)
        fine = enlarge(self.pattern, self._canvas)
        fine *= np.float32(1.0 / max(1e-6, float(cv2.norm(fine, cv2.NORM_L2)) / math.sqrt(fine.size)))
        self._wide = enlarge(fine, self.shape)
        window = self._window()
        small = _halved(fine * fine)
        self._power = small
        self._roughness = floats(cv2.sqrt(cv2.blur(small, (window, window))))

    def mark(self, luma: Luma) -> None:
        """Add the mark to a frame's luma (``shape``, uint8 or uint16), in place."""
        thumbnail = floats(cv2.resize(luma, THUMBNAIL, interpolation=cv2.INTER_AREA))
        thumbnail *= np.float32(1.0 / 2 ** (self.levels.bits - 8))
        fresh = self._last is None or float(cv2.norm(thumbnail, self._last, cv2.NORM_L1)) / thumbnail.size > CUT
        self._last = thumbnail
        if fresh or self._age >= REFRESH:
            self._look(luma, fresh=fresh)
            self._age = 0
        self._age += 1
        dtype = cv2.CV_8U if luma.dtype == np.uint8 else cv2.CV_16U
        cv2.add(luma, self._change, dst=luma, dtype=dtype)
        if luma.dtype == np.uint16:
            np.minimum(luma, 2**self.levels.bits - 1, out=luma)

    def _look(self, luma: Luma, *, fresh: bool) -> None:
        target = self._target(luma)
        if fresh or self._weights is None:
            self._weights = target
        else:
            risen = self._weights + np.float32(RISE) * (target - self._weights)
            self._weights = np.minimum(target, risen)
        wide = cv2.resize(self._weights, (self.shape[1], self.shape[0]), interpolation=cv2.INTER_LINEAR)
        change = floats(cv2.multiply(self._wide, wide, scale=self.levels.per_level * self._to_distance()))
        rounded = np.rint(change)
        self._change = rounded.astype(np.int8) if luma.dtype == np.uint8 else rounded.astype(np.int16)
        rms = float(cv2.norm(self._change.astype(np.float32), cv2.NORM_L2)) / math.sqrt(change.size)
        self._energy += (rms / self.levels.per_level) ** 2
        self._looks += 1

    def _to_distance(self) -> float:
        """What the weights, smoothed as they are, have to be multiplied by for the distance asked for."""
        if self.psnr is None or self._weights is None:
            return 1.0
        power = float(np.mean(self._weights * self._weights * self._power))
        wanted = 255.0**2 / 10.0 ** (self.psnr / 10.0)
        rounding = 1.0 / (12.0 * self.levels.per_level**2)  # adds its own energy
        return math.sqrt(max(wanted - rounding, 0.25 * wanted) / max(power, 1e-9))

    @property
    def mean_psnr(self) -> float:
        """dB over RGB of the mark so far: a step of luma alone is the same step in red, green and blue."""
        return 10.0 * math.log10(255.0**2 * self._looks / self._energy) if self._energy > 0.0 else math.inf

    def _target(self, luma: Luma) -> Floats:
        """Levels of change per unit of pattern, at half the canvas, for one frame."""
        height, width = self._canvas
        plane = cast(Luma, cv2.resize(luma, (width, height), interpolation=cv2.INTER_AREA))
        to_levels = np.float32(1.0 / self.levels.per_level)
        rest = cv2.subtract(plane, cv2.GaussianBlur(plane, (0, 0), VARIANCE_SIGMA), dtype=cv2.CV_32F)
        energy = _halved(floats(cv2.multiply(rest, rest, scale=float(to_levels) ** 2)))
        sigma = VARIANCE_SIGMA / HALF
        variance = floats(cv2.GaussianBlur(energy, (0, 0), sigma))
        reach = EDGE_REACH // HALF
        eroded = cv2.erode(variance, np.ones((reach, reach), np.uint8))
        guarded = np.minimum(variance, 4.0 * floats(cv2.GaussianBlur(eroded, (0, 0), sigma)) + np.float32(2.0))
        shaping = Shaping() if self.psnr is None else EVEN
        mask = cv2.sqrt(guarded * np.float32(shaping.texture_gain / SSIM_C2) + np.float32(1.0))
        mask = np.minimum(mask, np.float32(shaping.cap))
        if self.psnr is not None:
            return floats(mask)
        return self._held(mask, _halved(floats(plane)) * to_levels)

    def _window(self) -> int:
        """Side of the windows that count as flat, at half the canvas."""
        return max(3, round(FLAT_WINDOW * self._canvas[1] / (self.shape[1] * HALF)))

    def _held(self, mask: Floats, plane: Floats) -> Floats:
        """The mask at this strength, held in flat windows as in a still."""
        rms = self.strength * FLAT_RMS * math.sqrt(self._canvas[1] / self.shape[1])
        window = self._window()
        centred = plane - np.float32(128.0)
        mean = cv2.blur(centred, (window, window))
        deviation = cv2.blur(centred * centred, (window, window)) - mean * mean
        felt = mask * self._roughness  # rms of the change over the window, in units of rms
        gain = np.where(deviation < (1.25 * FLAT_STD) ** 2, np.minimum(1.0, 1.0 / np.maximum(felt, 1e-6)), 1.0)
        reach = window // 4 * 2 + 1
        gain = cv2.blur(cv2.erode(gain.astype(np.float32), np.ones((reach, reach), np.uint8)), (reach, reach))
        return floats(mask * gain * np.float32(rms))


def _halved(plane: Floats) -> Floats:
    height, width = plane.shape
    return floats(cv2.resize(plane, ((width + 1) // HALF, (height + 1) // HALF), interpolation=cv2.INTER_AREA))
