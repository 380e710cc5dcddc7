# SPDX-License-Identifier: Apache-2.0
"""Pictures made alike are no copies of each other: some of each family here, a thousand pairs where time allows."""

import importlib
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.unit.marking.pictures import scene
from waarmerk.provenance.registry.resemblance import compare, look, reference_of

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
FAMILIES = [
    "same stage, other person",
    "same form, other names",
    "same template, other text",
    "same program, other messages",
    "same frame, other photograph",
    "same picture of a meme, other captions",
    "same poster, another number",
    "same map, other data",
    "same map, other parties",
    "same chart, other numbers",
    "same head of a page, other text",
    "skies",
    "gradients",
]


def benchmark(monkeypatch: pytest.MonkeyPatch, name: str) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


def photographs(alike: ModuleType) -> object:
    """In place of photographs, drawn: the project carries none that are large enough."""
    drawn = [scene(480, 640, seed, shapes=20 + 5 * seed) for seed in range(9)]
    return alike.Photos(drawn, drawn)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_picture_made_alike_is_no_copy(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    alike = benchmark(monkeypatch, "registry_pictures")
    make, photos = alike.FAMILIES[name], photographs(alike)
    one, other = (make(photos, 2, np.random.default_rng([2, seed])) for seed in range(2))
    assert not compare(reference_of(one), other).verified
    if name not in ("skies", "gradients"):  # of these there is nothing to be known again
        assert compare(reference_of(one), look(one)).verified, "nothing is a match here"


@pytest.mark.slow
def test_none_of_a_thousand_pairs_made_alike_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    alike = benchmark(monkeypatch, "registry_alike")
    assert list(alike.FAMILIES) == FAMILIES
    photos, wrong, pairs = photographs(alike), Counter[str](), 0
    for group in range(16):
        for name in FAMILIES:
            wrong[name] += alike.confirmed(photos, name, group)
            pairs += 6
    assert pairs >= 1000
    assert +wrong == Counter()
