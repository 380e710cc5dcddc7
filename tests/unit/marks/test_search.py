# SPDX-License-Identifier: Apache-2.0
"""Published marks in pictures: found as they are written and as they arrive, and how often one is found by chance."""

import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.marks.writing import MARKS, host, jpeg, mark, resized
from waarmerk.provenance.marks.dwtdct import HALF_PIXELS, MIN_SIDE, Reading, readings
from waarmerk.provenance.marks.published import PublishedMark, published_marks
from waarmerk.provenance.marks.search import Found, agreement, random_agreement, search

LONG = ["stable-diffusion-1", "stable-diffusion-1-inpainting", "stable-diffusion-xl", "flux"]
CLAIM, SUSPICION = 1e-9, 1e-6


def found(rgb: Any) -> Found:
    seen = search(rgb, published_marks())
    assert seen is not None
    return seen


@pytest.mark.parametrize("order", ["bgr", "rgb"])
@pytest.mark.parametrize("depth", ["float", "8-bit"])
@pytest.mark.parametrize("which", LONG)
def test_a_mark_is_found_however_it_was_written(which: str, depth: str, order: str) -> None:
    seen = found(mark(host(), which, depth=depth, order=order))
    assert seen.mark.id == which
    assert seen.p_value <= CLAIM
    assert seen.blocks == 64 * 64


def test_a_message_of_32_bits_raises_a_suspicion_and_never_a_claim() -> None:
    seen = found(mark(host(), "stable-diffusion-2", depth="8-bit"))
    assert seen.mark.id == "stable-diffusion-2"
    assert CLAIM < 0.999 * 2**-32 * 80 <= seen.p_value <= SUSPICION


@pytest.mark.parametrize(
    "arrived",
    [
        lambda rgb: jpeg(rgb, 97),
        lambda rgb: jpeg(rgb, 95),
        lambda rgb: jpeg(rgb, 92, full_chroma=True),
        lambda rgb: resized(rgb, 0.5),
        lambda rgb: resized(rgb, 0.5, Image.Resampling.LANCZOS),
        lambda rgb: resized(rgb, 2),
        lambda rgb: resized(rgb, 2, Image.Resampling.NEAREST),
        lambda rgb: rgb[:400],
    ],
    ids=[
        "jpeg 97",
        "jpeg 95",
        "jpeg 92 full chroma",
        "halved",
        "halved lanczos",
        "doubled",
        "doubled plain",
        "cut below",
    ],
)
@pytest.mark.parametrize("which", ["stable-diffusion-1", "stable-diffusion-xl"])
def test_a_mark_is_found_as_it_arrives(which: str, arrived: Any) -> None:
    seen = found(arrived(mark(host(), which)))
    assert seen.mark.id == which
    assert seen.p_value <= CLAIM


def test_sizes_that_are_no_multiple_of_eight_are_cut_as_the_scheme_does() -> None:
    assert found(mark(host(541, 523), "flux")).p_value <= CLAIM


def test_the_blur_of_halved_chroma_is_what_hides_a_mark_in_a_jpeg() -> None:
    marked = jpeg(mark(host(), "stable-diffusion-xl"), 95)
    plain = [r for r in readings(marked) if "jpeg" not in r.way]
    best = min(agreement(r.scores, MARKS["stable-diffusion-xl"]) for r in plain) * 80
    assert found(marked).p_value < best / 100


PERIODIC = {
    "stripes of 64 pixels": lambda y, x: np.where(x // 32 % 2, 200, 60),
    "tiles of 64 pixels": lambda y, x: 60 + 140 * (((x // 8 % 8) * 5 + (y // 8 % 8) * 3) % 8) / 8,
    "stripes of 384 pixels": lambda y, x: np.where(x // 8 % 48 < 24, 220, 40),
    "ramp": lambda y, x: x % 256,
    "halftone": lambda y, x: 128 + 100 * np.sin(2 * np.pi * x / 5) * np.sin(2 * np.pi * y / 5),
}


@pytest.mark.parametrize("pattern", PERIODIC)
@pytest.mark.parametrize("width", [512, 768, 1024])
def test_textures_agree_with_no_message(pattern: str, width: int) -> None:
    y, x = np.mgrid[0:512, 0:width]
    plane = np.clip(PERIODIC[pattern](y, x), 0, 255)
    for colour in ((1, 0.2, 0.6), (0.1, 1, 0.4), (0.3, 0.5, 1)):
        assert found((plane[..., None] * colour).astype(np.uint8)).p_value > SUSPICION


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_a_flat_picture_says_nothing(value: int) -> None:
    assert found(np.full((256, 256, 3), value, np.uint8)).p_value == 1.0


def test_a_picture_without_a_mark_says_nothing() -> None:
    for seed in range(20):
        assert found(jpeg(host(seed=seed), 40 + seed)).p_value == 1.0


def test_another_message_of_the_same_scheme_is_not_taken_for_a_known_one() -> None:
    rng = np.random.default_rng(5)
    for length in (46, 48, 136):
        bits = tuple(bool(bit) for bit in rng.integers(0, 2, length))
        stranger = PublishedMark(id="x", name="X", bits=bits, by_letter=False, sources=())
        marked = mark(host(), stranger)
        assert found(marked).p_value > SUSPICION
        (seen,) = [search(marked, (stranger,))]
        assert seen is not None
        assert seen.p_value <= CLAIM


def test_what_is_too_small_is_not_read() -> None:
    assert search(host(MIN_SIDE - 1, 600), published_marks()) is None
    assert search(host(MIN_SIDE, MIN_SIDE), published_marks()) is not None


def test_the_number_of_readings_depends_on_the_size_alone() -> None:
    assert len(list(readings(host(200, 200)))) == 16
    large = np.zeros((2048, HALF_PIXELS // 2048 + 8, 3), np.uint8)
    assert len(list(readings(large))) == 12
    assert all(isinstance(each, Reading) and np.abs(each.scores).max() <= 1 for each in readings(large))


def test_the_bound_is_above_the_truth_and_close_to_it() -> None:
    """All 2^12 sign patterns, counted."""
    rng = np.random.default_rng(3)
    signs = np.array([[1.0 if number >> bit & 1 else -1.0 for bit in range(12)] for number in range(2**12)])
    for _ in range(20):
        weights = rng.normal(size=12)
        weights /= np.linalg.norm(weights)
        sums = signs @ weights
        for agreed in (1.0, 2.0, 2.8):
            truth = float((sums >= agreed - 1e-12).mean())
            bound = random_agreement(weights, agreed)
            assert truth <= bound * (1 + 1e-9)
            assert bound <= math.exp(-(agreed**2) / 2) * (1 + 1e-9), "no worse than Hoeffding's"
        best = float(np.abs(weights).sum())
        assert math.isclose(random_agreement(weights, best), 2**-12, rel_tol=0.05), "all bits agree: one in 2^n"


@pytest.mark.parametrize("length", [32, 48, 136])
def test_over_random_messages_the_chance_is_what_it_says(length: int) -> None:
    """The statistic of fixed pictures against 20,000 messages nobody chose for them."""
    rng = np.random.default_rng(length)
    exceeded = {1e-1: 0, 1e-2: 0, 1e-3: 0}
    tried = 20_000
    for seed in range(4):
        scores = next(iter(readings(jpeg(host(seed=seed), 70)))).scores
        flat = scores.ravel()[: scores.size // length * length].reshape(-1, length).mean(axis=0)
        weights = (flat - flat.mean()).astype(np.float64)
        weights /= np.linalg.norm(weights)
        agreed = rng.choice([-1.0, 1.0], (tried, length)) @ weights
        for limit in exceeded:
            cut = next(a for a in np.arange(0.05, 8, 0.05) if random_agreement(weights, float(a)) <= limit)
            exceeded[limit] += int((agreed >= cut).sum())
    for limit, count in exceeded.items():
        assert 0 < count <= limit * 4 * tried
