# SPDX-License-Identifier: Apache-2.0
"""A sign of grey tones laid over frames, in the planes the decoder gave: no colour is converted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.watermark.arrays import Bytes, Floats, floats
from waarmerk.watermark.clip import Luma

# What 255 becomes where code values mean light: a diffuse white of 203 cd/m2 (ITU-R BT.2408), not the peak of a screen.
_WHITE = {16: 0.58, 18: 0.75}  # by transfer (ITU-T H.273): PQ, HLG


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A sign in frames as they are stored.

    ``grey`` and ``opacity`` (h x w, uint8) with their upper left corner at ``left``, ``top``; ``shows`` tells for a
    time in seconds whether it stands there.
    """

    grey: Bytes
    opacity: Bytes
    left: int
    top: int
    shows: Callable[[float], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caption:
    """A line of a caption track; times in seconds."""

    text: str
    start: float
    end: float


@dataclass(slots=True, kw_only=True)
class Painter:
    """Lays one sign over frames of one format: ``bits`` a sample, ``transfer`` as ITU-T H.273 counts."""

    overlay: Overlay
    bits: int
    full_range: bool
    transfer: int
    _prepared: dict[tuple[int, ...], tuple[Floats, Floats]] = field(init=False, default_factory=dict)

    def paint(self, planes: Sequence[Luma], seconds: float) -> None:
        """Paint the sign into the planes of a frame, luma first, in place."""
        if not self.overlay.shows(seconds):
            return
        high, wide = planes[0].shape
        for number, plane in enumerate(planes):
            down, across = round(high / plane.shape[0]), max(1, round(wide / plane.shape[1]))
            value, share = self._scaled(down, across, chroma=number > 0)
            top, left = self.overlay.top // down, self.overlay.left // across
            part = plane[top : top + value.shape[0], left : left + value.shape[1]]
            fits = np.s_[: part.shape[0], : part.shape[1]]
            part[...] = np.rint(part * (1.0 - share[fits]) + value[fits] * share[fits]).astype(part.dtype)

    def _scaled(self, down: int, across: int, *, chroma: bool) -> tuple[Floats, Floats]:
        """Code values and opacity of the sign on a plane that is so many times smaller."""
        key = (down, across, int(chroma))
        if key not in self._prepared:
            top, left = self.overlay.top % down, self.overlay.left % across
            height, width = self.overlay.grey.shape
            bottom, right = -(height + top) % down, -(width + left) % across
            share = cv2.copyMakeBorder(self.overlay.opacity, top, bottom, left, right, cv2.BORDER_CONSTANT, value=0)
            grey = cv2.copyMakeBorder(self.overlay.grey, top, bottom, left, right, cv2.BORDER_REPLICATE)
            size = (share.shape[1] // across, share.shape[0] // down)
            share = cv2.resize(share, size, interpolation=cv2.INTER_AREA)
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
            self._prepared[key] = (self._codes(grey, chroma=chroma), floats(share) / np.float32(255.0))
        return self._prepared[key]

    def _codes(self, grey: npt.ArrayLike, *, chroma: bool) -> Floats:
        tone = floats(grey) * np.float32(_WHITE.get(self.transfer, 1.0) / 255.0)
        step = 2.0 ** (self.bits - 8)
        if chroma:
            return np.full_like(tone, 128.0 * step)
        if self.full_range:
            return floats(tone * (2.0**self.bits - 1.0))
        return floats((16.0 + 219.0 * tone) * step)
