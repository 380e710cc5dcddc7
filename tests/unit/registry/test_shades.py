# SPDX-License-Identifier: Apache-2.0
"""A sky is looked up by its shades: its frequencies are noise. What was made flat is compared with a flat one."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.unit.marking.pictures import scene
from tests.unit.registry.test_colours import COPIES, kept, sky
from tests.unit.registry.test_finder import enter
from tests.unit.registry.test_other_place import stickered
from tests.unit.registry.test_resemblance import Bytes, jpeg
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.registry import resemblance
from waarmerk.provenance.registry.equalised import equalised, has_tones_of
from waarmerk.provenance.registry.finder import Finder, ties
from waarmerk.provenance.registry.hashes import luma
from waarmerk.provenance.registry.index import REACH
from waarmerk.provenance.registry.model import BindingKind
from waarmerk.provenance.registry.resemblance import compare
from waarmerk.provenance.registry.shades import shades
from waarmerk.provenance.registry.store import Store

OVER = [*COPIES, stickered]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(str(tmp_path / "registry.sqlite"), writing=True)
    made.create()
    return made


def apart(one: Bytes, other: Bytes) -> int:
    ours, theirs = shades(one, registered=True), shades(other, registered=False)
    assert ours is not None
    assert theirs is not None
    return int(np.bitwise_count(np.frombuffer(ours, np.uint8) ^ np.frombuffer(theirs, np.uint8)).sum())


@pytest.mark.parametrize("number", range(len(OVER)))
def test_a_sky_with_something_over_it_is_looked_up_by_its_shades(
    number: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing else points at it: the bits of its other hashes are noise."""
    monkeypatch.setitem(REACH, BindingKind.PHASH, -1)
    monkeypatch.setitem(REACH, BindingKind.PDQ, -1)
    for seed in range(1, 4):
        enter(store, seed, scene(240, 320, seed))
    enter(store, 9, sky())
    enter(store, 10, sky(light=(200, 90, 60)))
    found = Finder(store, Limits()).find(bytes(32), OVER[number](sky()), ())
    assert [each.entry.number for each in found if each.verified] == [4]
    assert not any(
        each.verified for each in Finder(store, Limits()).find(bytes(32), OVER[number](sky((60, 140, 205))), ())
    )


def test_shades_say_where_which_light_is() -> None:
    for other in (jpeg(sky(), 10), stickered(sky())):
        assert apart(sky(), other) <= REACH[BindingKind.SHADES] // 2
    for other in (sky()[::-1], sky(light=(230, 60, 30)), 255 - sky()):
        assert apart(sky(), np.ascontiguousarray(other)) > REACH[BindingKind.SHADES]


def test_only_what_is_smooth_has_shades() -> None:
    assert BindingKind.SHADES in {tie.kind for tie in ties(sky())}
    busy = np.tile(scene(300, 400, 3), (2, 2, 1))
    assert BindingKind.SHADES not in {tie.kind for tie in ties(busy)}
    assert shades(np.random.default_rng(1).integers(0, 256, (300, 400, 3), np.uint8), registered=False) is None


def night(seed: int) -> Bytes:
    """A scene so dark that making it flat is no curve of three terms."""
    return np.rint(255 * (scene(480, 640, seed) / 255) ** 4).astype(np.uint8)


def flattened(picture: Bytes) -> Bytes:
    planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YCrCb)
    planes[..., 0] = cv2.equalizeHist(planes[..., 0])
    return np.asarray(cv2.cvtColor(planes, cv2.COLOR_YCrCb2RGB), np.uint8)


def test_a_histogram_made_flat_is_a_filter(monkeypatch: pytest.MonkeyPatch) -> None:
    one, flat = kept(night(1)), jpeg(flattened(night(1)), 80)
    assert compare(one, flat).verified
    assert not compare(one, jpeg(flattened(night(8)), 80)).verified
    monkeypatch.setattr(resemblance, "has_tones_of", lambda _picture, _grey: False)
    assert not compare(one, flat).verified


@pytest.mark.parametrize("picture", [scene(480, 640, 3), night(1), sky()])
def test_what_was_made_flat_has_the_tones_of_what_was_and_of_nothing_else(picture: Bytes) -> None:
    flat = equalised(kept(picture))
    assert has_tones_of(flat, np.rint(luma(jpeg(flattened(picture), 40))).astype(np.uint8))
    assert not has_tones_of(flat, np.rint(luma(picture)).astype(np.uint8))
    grey = np.rint(luma(picture)).astype(np.uint8)
    assert has_tones_of(equalised(grey), cv2.equalizeHist(grey))
