# SPDX-License-Identifier: Apache-2.0
"""Second preimages of both hashes of a registered picture point at it and never count."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.unit.marking.pictures import scene
from tests.unit.registry.preimages import apart, noise_ratio, second_preimage
from tests.unit.registry.test_resemblance import Bytes, jpeg, waves
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry.finder import Finder, reference_file, ties
from waarmerk.provenance.registry.hashes import fingerprints
from waarmerk.provenance.registry.model import Entry
from waarmerk.provenance.registry.resemblance import compare, reference_of
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.sources.told import match_of

DAY = datetime(2026, 11, 22, 12, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
TARGETS: list[Callable[[], Bytes]] = [
    lambda: scene(600, 800, 3),
    lambda: scene(600, 800, 21),
    lambda: waves(1),  # smooth: laid on whatever points at it
]


@pytest.mark.parametrize("number", range(len(TARGETS)))
@pytest.mark.parametrize("seed", [61, pytest.param(62, marks=pytest.mark.slow)])
def test_a_second_preimage_of_both_hashes_never_counts(number: int, seed: int, tmp_path: Path) -> None:
    target, carrier = TARGETS[number](), scene(600, 800, seed)
    forged = jpeg(second_preimage(target, carrier), 95)
    bits = apart(fingerprints(forged), fingerprints(target))
    assert bits[0] <= 8, "the attack is not one"
    assert bits[1] <= 31, "the attack is not one"
    assert min(apart(fingerprints(carrier), fingerprints(target))) > 12
    assert noise_ratio(carrier, forged) > 15, "the attack replaced the picture"
    assert compare(reference_of(carrier), forged).share > 0.75, "what is forged still shows what its carrier shows"
    store = Store(str(tmp_path / "registry.sqlite"), writing=True)
    store.create()
    known = Entry(sha256=bytes(32), media_type="image/jpeg", added_at=DAY, labels=("fake",), origin=Origin.AI_GENERATED)
    for place, picture in enumerate((target, np.ascontiguousarray(target[:, ::-1]))):
        reference = store.files.put(reference_file(picture))
        store.add(replace(known, sha256=bytes([place] * 32), reference=reference), ties(picture))
    found = Finder(store, Limits()).find(bytes([9] * 32), forged, ())
    assert 1 in {each.entry.number for each in found}, "the hashes do not point at it"
    assert not [each for each in found if each.verified]
    assert {match_of(each).labels for each in found} == {()}
