# SPDX-License-Identifier: Apache-2.0
"""The mark of a clip lies still, follows the picture slowly, and stays below what is seen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from tests.unit.watermark import hosts
from waarmerk.watermark import Key
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.clip import REFRESH, ClipMarker, Levels
from waarmerk.watermark.embedding import FLAT_RMS, render_pattern
from waarmerk.watermark.transforms import clip_canvas_shape

Plane = npt.NDArray[np.uint8]
SHAPE = (256, 320)
FULL = Levels.of(bits=8, full_range=True)


def made(key: Key, *, psnr: float | None = None, levels: Levels = FULL) -> ClipMarker:
    pattern = render_pattern(build_carriers(key), bytes(8), 1, clip_canvas_shape(*SHAPE))
    return ClipMarker(pattern=pattern, shape=SHAPE, levels=levels, strength=1.0, psnr=psnr)


def change(marker: ClipMarker, plane: Plane) -> npt.NDArray[np.int16]:
    marked = plane.copy()
    marker.mark(marked)
    return marked.astype(np.int16) - plane


def grey(seed: int = 1) -> Plane:
    return np.ascontiguousarray(hosts.textured(*SHAPE, seed)[:, :, 1])


def test_a_still_picture_gets_the_same_change_in_every_frame(key: Key) -> None:
    marker, plane = made(key), grey()
    first = change(marker, plane)
    for _ in range(3 * REFRESH):
        assert np.array_equal(change(marker, plane), first)


def test_flat_areas_stay_below_the_bound(key: Key) -> None:
    flat = np.full(SHAPE, 120, np.uint8)
    seen = change(made(key), flat).astype(np.float64)
    windows = seen.reshape(8, 32, 10, 32).swapaxes(1, 2).reshape(80, -1)
    assert np.sqrt(np.square(windows).mean(axis=1)).max() < 1.35 * FLAT_RMS  # rounding adds up to 0.29


def test_where_a_texture_goes_the_mark_goes_at_once(key: Key) -> None:
    """The left half turns flat while the right half stays: no scene cut, yet nothing may stand out on the left."""
    marker, plane = made(key), grey()
    before = change(marker, plane)[:, :120].std()
    emptied = plane.copy()
    emptied[:, :160] = round(float(plane[:, :160].mean()))
    for _ in range(REFRESH):
        after = change(marker, emptied)[:, :120].std()
    assert after < 0.6 * before
    assert after < 1.35 * FLAT_RMS


def test_where_a_texture_comes_the_mark_comes_slowly(key: Key) -> None:
    plane = np.ascontiguousarray(hosts.textured(*SHAPE, 1, 12.0)[:, :, 1])  # a change too mild for a cut
    emptied = plane.copy()
    emptied[:, :160] = round(float(plane[:, :160].mean()))
    marker = made(key)
    change(marker, emptied)
    strengths = [change(marker, plane)[:, :120].std() for _ in range(4 * REFRESH)]
    assert strengths[0] < 0.8 * strengths[-1]
    steps = np.diff(strengths)
    assert (steps >= -1e-6).all()
    assert steps.max() < 0.5 * (strengths[-1] - strengths[0])


def test_a_cut_starts_anew(key: Key) -> None:
    dark = (grey(2) // 3).astype(np.uint8)
    marker = made(key)
    change(marker, grey())
    assert np.array_equal(change(marker, dark), change(made(key), dark))


@pytest.mark.parametrize("wanted", [38.0, 42.0, 46.0])
def test_a_distance_asked_for_is_kept(key: Key, wanted: float) -> None:
    marker = made(key, psnr=wanted)
    error = float(np.mean(np.square(change(marker, grey()).astype(np.float64))))
    assert 10 * np.log10(255.0**2 / error) == pytest.approx(wanted, abs=0.4)
    assert marker.mean_psnr == pytest.approx(wanted, abs=0.4)


def test_the_distance_is_kept_while_the_picture_moves(key: Key) -> None:
    """Weights fall at once and rise slowly; what is missing then is made up for."""
    wide = np.ascontiguousarray(hosts.textured(256, 640, 4)[:, :, 1])
    marker = made(key, psnr=42.0)
    for step in range(24):
        plane = np.ascontiguousarray(wide[:, 12 * step : 12 * step + 320])
        error = float(np.mean(np.square(change(marker, plane).astype(np.float64))))
        assert 10 * np.log10(255.0**2 / error) == pytest.approx(42.0, abs=0.4)


def test_ten_bits_and_video_range_carry_the_same_mark(key: Key) -> None:
    plane = grey()
    deep = Levels.of(bits=10, full_range=False)
    assert deep.per_level == pytest.approx(219 * 4 / 255)
    wide = np.rint(plane * deep.per_level + 64).astype(np.uint16)
    before = wide.copy()
    made(key, levels=deep).mark(wide)
    there = (wide.astype(np.float64) - before) / deep.per_level
    here = change(made(key), plane).astype(np.float64)
    assert np.corrcoef(there.ravel(), here.ravel())[0, 1] > 0.93
    assert wide.max() < 1024


def test_the_ends_of_the_range_do_not_wrap(key: Key) -> None:
    for value in (0, 255):
        seen = np.full(SHAPE, value, np.uint8)
        made(key, psnr=30.0).mark(seen)
        assert abs(int(np.median(seen)) - value) < 20
        assert np.abs(seen.astype(int) - value).max() < 100
