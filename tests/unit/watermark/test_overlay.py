# SPDX-License-Identifier: Apache-2.0
"""A sign keeps its tones in every format of frames, and touches nothing beside it."""

from __future__ import annotations

import numpy as np
import pytest

from waarmerk.watermark.overlay import Overlay, Painter


def sign(*, left: int = 10, top: int = 6) -> Overlay:
    grey = np.full((12, 20), 250, np.uint8)
    grey[:, :10] = 20
    opacity = np.full((12, 20), 255, np.uint8)
    opacity[:, -1] = 0
    return Overlay(grey=grey, opacity=opacity, left=left, top=top, shows=lambda seconds: seconds < 1.0)


def painter(*, bits: int = 8, full_range: bool = False, transfer: int = 1, overlay: Overlay | None = None) -> Painter:
    return Painter(overlay=overlay or sign(), bits=bits, full_range=full_range, transfer=transfer)


@pytest.mark.parametrize(
    ("bits", "full_range", "transfer", "light", "dark"),
    [(8, False, 1, 231, 33), (8, True, 1, 250, 20), (10, False, 1, 923, 133), (10, False, 16, 562, 104)],
)
def test_tones(bits: int, full_range: bool, transfer: int, light: int, dark: int) -> None:
    plane = np.full((40, 60), 100, np.uint8 if bits == 8 else np.uint16)
    painter(bits=bits, full_range=full_range, transfer=transfer).paint([plane], 0.0)
    assert (plane[8, 12], plane[8, 25]) == (dark, light)
    assert plane[8, 29] == 100  # transparent
    outside = plane.copy()
    outside[6:18, 10:30] = 100
    assert (outside == 100).all()


@pytest.mark.parametrize("shape", [(20, 30), (40, 30), (40, 60)])
def test_colours_turn_grey_under_it_whatever_the_subsampling(shape: tuple[int, int]) -> None:
    luma, chroma = np.full((40, 60), 90, np.uint8), np.full(shape, 200, np.uint8)
    painter().paint([luma, chroma, chroma.copy()], 0.5)
    down, across = 40 // shape[0], 60 // shape[1]
    assert chroma[8 // down, 16 // across] == 128
    assert chroma[-1, -1] == 200


def test_odd_places_and_sizes() -> None:
    luma, chroma = np.full((41, 61), 90, np.uint8), np.full((21, 31), 200, np.uint8)
    painter(overlay=sign(left=41, top=29)).paint([luma, chroma], 0.0)
    assert luma[35, 45] == 33
    assert chroma[16, 24] == 128
    assert chroma[0, 0] == 200


def test_it_stands_only_when_it_should() -> None:
    plane = np.full((40, 60), 100, np.uint8)
    painter().paint([plane], 1.0)
    assert (plane == 100).all()
