# SPDX-License-Identifier: Apache-2.0
"""Full searches where nothing is to be found; benchmarks/watermark/false_positives.py does the same at length."""

from __future__ import annotations

import math

import numpy as np
import pytest

from waarmerk.watermark import Key, Payload, embed
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.hunt import Hunt
from waarmerk.watermark.registration import ORIENTATIONS, TRANSLATIONS
from waarmerk.watermark.view import prepare

SEARCHES = 200
pytestmark = pytest.mark.slow


def pictures() -> list[np.ndarray]:
    rng = np.random.default_rng(7)
    y, x = np.mgrid[0:180, 0:200].astype(np.float64)
    planes = [
        rng.normal(128, 30, (180, 200)),
        np.cumsum(np.cumsum(rng.normal(size=(180, 200)), 0), 1) / 30 + 128,
        128 + 60 * np.sign(np.sin(x / 3.1)) * np.sign(np.sin(y / 2.7)),  # a host made of spectral lines
        60 + x / 2 + y / 3,
    ]
    made = [np.repeat(np.clip(np.rint(p), 0, 255).astype(np.uint8)[..., None], 3, 2) for p in planes]
    foreign = Key.generate(random_bytes=lambda n: bytes(range(100, 100 + n)))
    return [*made, embed(made[1], foreign, Payload(b"foreign!"), best_effort=True)]


def test_no_search_finds_what_is_not_there_and_the_tail_keeps_its_bound() -> None:
    rng = np.random.default_rng(8)
    views = [prepare(picture) for picture in pictures()]
    scores = []
    for number in range(SEARCHES):
        key = Key.generate(random_bytes=rng.bytes)
        hunt = Hunt(view=views[number % len(views)], carriers=build_carriers(key), keys=1)
        found = hunt.run(key, 1e-9)
        assert not found.detected
        assert found.payload is None
        scores.append((max(entry.z for entry in hunt.locks), hunt.poses, found.p_value))
    for level in (1e-1, 1e-2):
        assert np.mean([p <= level for _, _, p in scores]) <= level + 3 * math.sqrt(level / SEARCHES)
    bound = [math.log(poses * TRANSLATIONS * ORIENTATIONS) for _, poses, _ in scores]
    assert max(z for z, _, _ in scores) < math.sqrt(2 * (max(bound) + math.log(SEARCHES * 100)))
