# SPDX-License-Identifier: Apache-2.0
"""Poses and bending found on patterns made directly, without any host."""

from __future__ import annotations

import math

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from waarmerk.watermark import Key, search
from waarmerk.watermark.bending import straighten
from waarmerk.watermark.carriers import TILE, Carriers, build_carriers
from waarmerk.watermark.decoding import read
from waarmerk.watermark.embedding import render_pattern
from waarmerk.watermark.registration import apply_pose, fits, lay, lock, lock_upright, scaling, translation

VALUE = b"pattern!"
Floats = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def carriers(key: Key) -> Carriers:
    return build_carriers(key)


@pytest.fixture(scope="module")
def pattern(carriers: Carriers) -> Floats:
    clean = render_pattern(carriers, VALUE, 5, (400, 500))
    return (clean + np.random.default_rng(0).normal(0, 2.0, clean.shape)).astype(np.float32)


def warp(plane: Floats, pose: npt.NDArray[np.float64], size: tuple[int, int]) -> Floats:
    """The plane as seen through the inverse of ``pose``: what ``pose`` undoes."""
    back = translation(-0.5, -0.5) @ np.linalg.inv(pose) @ translation(0.5, 0.5)
    return np.asarray(cv2.warpPerspective(plane, back, size, flags=cv2.INTER_CUBIC), np.float32)


def test_the_pattern_has_unit_rms_and_repeats_only_its_pilots(carriers: Carriers) -> None:
    clean = render_pattern(carriers, VALUE, 5, (4 * TILE, 4 * TILE))
    assert float(np.sqrt(np.mean(clean**2))) == pytest.approx(1.0, abs=0.02)
    tiles = clean.reshape(4, TILE, 4, TILE).transpose(0, 2, 1, 3).reshape(16, -1)
    likeness = np.corrcoef(tiles)[np.triu_indices(16, 1)]
    assert likeness.mean() == pytest.approx(0.24, abs=0.03)


@pytest.mark.parametrize("shift", [(0, 0), (37, 90), (61, 3)])
def test_every_translation_is_tested_at_once(pattern: Floats, carriers: Carriers, shift: tuple[int, int]) -> None:
    cropped = np.ascontiguousarray(pattern[shift[1] :, shift[0] :])
    found = lock(cropped, np.eye(3), carriers.pilots)
    assert found.z > 6.0
    assert not found.negative
    at = apply_pose(found.pose, np.array([[0.0, 0.0]]))[0]
    assert (at - shift) % TILE == pytest.approx([0, 0], abs=0.2) or (shift - at) % TILE == pytest.approx(
        [0, 0], abs=0.2
    )
    assert read(lay(cropped, found.pose, smooth=True), carriers, negative=False).payload == VALUE


def test_half_a_turn_and_a_negative_are_found_without_extra_tests(pattern: Floats, carriers: Carriers) -> None:
    turned = np.ascontiguousarray(-pattern[::-1, ::-1])
    found = lock(turned, np.eye(3), carriers.pilots)
    assert found.z > 6.0
    assert found.negative
    assert found.pose[0, 0] == -1.0
    assert read(lay(turned, found.pose, smooth=True), carriers, negative=True).payload == VALUE


def test_a_pose_fits_only_a_canvas_of_bounded_size() -> None:
    aslant = np.eye(3)
    aslant[:2, :2] = np.array([[1.0, -1.0], [1.0, 1.0]]) / math.sqrt(2.0)
    assert fits((800, 1000), np.eye(3))
    assert fits((800, 1000), aslant)
    assert not fits((800, 1000), scaling(3.0, 3.0))
    assert not fits((800, 1000), scaling(0.05, 0.05))
    assert not fits((120, 8000), aslant)  # 33 million reference pixels for a million


def test_another_pose_answers_with_chance(pattern: Floats, carriers: Carriers) -> None:
    assert lock(pattern, scaling(1.07, 1.07), carriers.pilots).z < 5.5


def test_the_quick_test_for_small_planes_agrees_with_the_other(pattern: Floats, carriers: Carriers) -> None:
    pose = scaling(2.0, 2.0)
    small = cv2.resize(pattern, (250, 200), interpolation=cv2.INTER_AREA)
    first, second = lock(small, pose, carriers.pilots), lock_upright(small, pose, carriers.pilots)
    assert first.z > 5.5
    assert second.z == pytest.approx(first.z, abs=0.6)
    assert second.pose == pytest.approx(first.pose, abs=0.15)


@pytest.mark.parametrize(
    "linear",
    [
        [[math.cos(0.3), -math.sin(0.3)], [math.sin(0.3), math.cos(0.3)]],
        [[1.4, 0.0], [0.0, 1.4]],
        [[0.8, 0.0], [0.0, 0.8]],
        [[-1.0, 0.0], [0.0, 1.0]],
        [[1.0, 0.0], [0.0, 1.18]],
        [[0.0, -1.1], [1.1, 0.0]],
    ],
    ids=["rotated", "shrunk", "enlarged", "flipped", "stretched", "turned"],
)
def test_the_spectrum_gives_the_pose_away(pattern: Floats, carriers: Carriers, linear: list[list[float]]) -> None:
    pose = np.eye(3)
    pose[:2, :2] = linear
    middle = apply_pose(np.linalg.inv(pose), np.array([[250.0, 200.0]]))[0]
    pose = pose @ translation(middle[0] - 200.0, middle[1] - 180.0)  # keep the pattern in view
    seen = warp(pattern, pose, (400, 360))
    grid = search.grid_for((360, 400))
    templates = search.Templates.of(carriers.pilots, grid)
    found = search.candidates(search.peak_spectrum(seen, grid.size), templates, least_scale=0.25)
    best = found[0].map.T
    assert min(np.abs(best - linear).max(), np.abs(best + linear).max()) < 0.02


def test_bending_is_undone(carriers: Carriers) -> None:
    clean = render_pattern(carriers, VALUE, 5, (400, 500))
    noisy = clean + np.random.default_rng(0).normal(0, 1.5, clean.shape).astype(np.float32)
    y, x = np.mgrid[0:400, 0:500].astype(np.float32)
    bent = cv2.remap(noisy, x + 5 * np.sin(y / 90), y + 5 * np.sin(x / 100 + 1), cv2.INTER_CUBIC)
    found = lock(bent, np.eye(3), carriers.pilots)
    canvas = straighten(bent, found, carriers.pilots)
    assert canvas is not None
    flat = read(lay(bent, found.pose, smooth=True), carriers, negative=False)
    straight = read(canvas, carriers, negative=False)
    assert straight.payload == VALUE
    assert straight.total_z > flat.total_z + 3.0


def test_chance_is_not_straightened(carriers: Carriers) -> None:
    noise = np.random.default_rng(4).normal(size=(400, 500)).astype(np.float32)
    assert straighten(noise, lock(noise, np.eye(3), carriers.pilots), carriers.pilots) is None
