# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest

from tests.unit.watermark import hosts
from waarmerk.watermark.perception import limit_flat, visibility_mask
from waarmerk.watermark.quality import bit_error_rate, psnr, ssim


def test_psnr_of_a_known_error() -> None:
    host = np.full((40, 50, 3), 100, np.uint8)
    assert psnr(host, host + np.uint8(1)) == pytest.approx(10 * math.log10(255**2))
    assert psnr(host, host) == math.inf


def test_ssim_is_one_for_equal_and_falls_with_noise() -> None:
    plane = hosts.textured(128, 160)[..., 1]
    noise = np.random.default_rng(0).integers(-20, 21, plane.shape)
    noisy = np.clip(plane.astype(int) + noise, 0, 255).astype(np.uint8)
    assert ssim(plane, plane) == pytest.approx(1.0)
    assert 0.2 < ssim(plane, noisy) < 0.9


def test_bit_error_rate_counts_bits() -> None:
    assert bit_error_rate(b"\x00\xff", b"\x01\xff") == 1 / 16
    with pytest.raises(ValueError, match="one length"):
        bit_error_rate(b"\x00", b"")


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_shapes_must_agree(measure: object) -> None:
    with pytest.raises(ValueError, match=r"shapes|size"):
        measure(np.zeros((8, 8), np.uint8), np.zeros((8, 9), np.uint8))  # type: ignore[operator]


def test_the_mask_is_one_on_flat_ground_and_grows_with_texture() -> None:
    plane = np.full((64, 128), 100.0, np.float32)
    plane[:, 64:] += np.random.default_rng(0).normal(0, 20, (64, 64)).astype(np.float32)
    mask = visibility_mask(plane, texture_gain=2.5, cap=5.0)
    assert mask[20:44, 10:40] == pytest.approx(1.0, abs=0.05)
    assert mask[20:44, 90:110].mean() > 3.0
    assert mask.max() <= 5.0


def test_an_isolated_edge_gets_no_halo() -> None:
    plane = np.full((64, 128), 100.0, np.float32)
    plane[:, 64:] = 180.0
    mask = visibility_mask(plane, texture_gain=2.5, cap=5.0)
    assert mask[32, 54:60].max() < 1.6


def test_the_limiter_acts_on_flat_ground_only() -> None:
    plane = np.full((128, 256), 100.0, np.float32)
    plane[:, 128:] += np.random.default_rng(0).normal(0, 20, (128, 128)).astype(np.float32)
    change = np.random.default_rng(1).normal(0, 2.0, plane.shape).astype(np.float32)
    gain = limit_flat(plane, change, max_rms=0.7, window=32)
    assert gain[40:90, 30:80] == pytest.approx(0.35, abs=0.05)
    assert gain[40:90, 180:230] == pytest.approx(1.0)
