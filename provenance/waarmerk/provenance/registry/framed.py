# SPDX-License-Identifier: Apache-2.0
"""The picture on a page: within a border, above a caption, in the post of a feed. Text beside it is no picture."""

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

_TONE = 8  # grey levels: a page has one tone, give or take what a codec does
_OF_A_SIDE = 0.9  # of the pixels along one side have the tone of the page: a caption is above alone, or below
_LETTERS = 1 / 24  # of the longer side: what is thinner is no picture
_FILLED = 0.95  # of its box: a picture is a rectangle
_SMALLEST = 0.15  # of the page
_LARGEST = 0.98  # of the page: that is the picture itself


def framed(grey: Bytes) -> tuple[Box, ...]:
    """Left, top, right and bottom of the large pictures that a page (H x W grey) may show, the largest first.

    One for each tone that a side of it has throughout: a clear sky has one as well as the page it was put on.
    """
    tones = {tone for side in (grey[0], grey[-1], grey[:, 0], grey[:, -1]) if (tone := _tone(side)) is not None}
    boxes = dict.fromkeys(box for tone in sorted(tones) if (box := _box(grey, tone)) is not None)
    return tuple(sorted(boxes, key=lambda box: (box[0] - box[2]) * (box[3] - box[1])))


def _tone(side: Bytes) -> int | None:
    near = np.convolve(np.bincount(side, minlength=256), np.ones(2 * _TONE + 1, np.int64), "same")
    return int(near.argmax()) if near.max() >= _OF_A_SIDE * side.size else None


def _box(grey: Bytes, tone: int) -> Box | None:
    """The box around the largest rectangle that has other tones than the page."""
    height, width = grey.shape
    shown = (np.abs(grey.astype(np.int16) - tone) > 2 * _TONE).astype(np.uint8)
    side = 2 * round(max(height, width) * _LETTERS / 2) + 1
    solid = cv2.morphologyEx(shown, cv2.MORPH_OPEN, np.ones((side, side), np.uint8))
    count, _, stats, _ = cv2.connectedComponentsWithStats(np.asarray(solid, np.uint8))
    if count < 2:
        return None
    left, top, across, down, area = (int(v) for v in stats[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())])
    share = across * down / (width * height)
    if not _SMALLEST <= share <= _LARGEST or area < _FILLED * across * down:
        return None
    return left, top, left + across, top + down
