# SPDX-License-Identifier: Apache-2.0
"""Another person before the same screen is another picture, even where both are flat; stickers make no other one."""

from itertools import permutations

import cv2
import pytest

from tests.unit.marking.pictures import plain, scene
from tests.unit.registry.test_resemblance import Bytes, jpeg, written
from waarmerk.provenance.registry import resemblance
from waarmerk.provenance.registry.resemblance import compare, reference_of

Colours = tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]
# Head, coat and stripe. Of light they differ and of structure they have none but where they meet.
PEOPLE: list[Colours] = [
    ((240, 120, 60), (235, 115, 50), (20, 20, 20)),
    ((110, 125, 140), (190, 160, 120), (240, 80, 20)),
    ((40, 60, 110), (45, 62, 108), (160, 150, 140)),
]


def screen() -> Bytes:
    """A page of a manual: boxes with text, and a photograph."""
    picture = plain(480, 640, 255, 255, 255).copy()
    picture[100:300, 60:300] = scene(200, 240, 5)
    picture[70:100, 50:560] = (90, 120, 220)
    boxes = ((10, 10), (10, 330), (150, 400), (330, 20), (380, 400), (230, 420))
    for top, left in boxes:
        cv2.rectangle(picture, (left, top), (left + 220, top + 54), (0, 0, 0), 2)
    for top, left in boxes:
        picture = written(picture, (left + 8, top + 8, "dit is de balk met knoppen"), size=16)
        picture = written(picture, (left + 8, top + 28, "en daar staat wat hij doet"), size=16)
    return picture


def before(ground: Bytes, colours: Colours) -> Bytes:
    """A person of three tones before a picture, an eighth of it."""
    picture = ground.copy()
    head, coat, stripe = colours
    cv2.ellipse(picture, (320, 430), (100, 150), 0, 180, 360, coat, -1)
    cv2.ellipse(picture, (320, 400), (95, 30), 0, 180, 360, stripe, 8)
    cv2.ellipse(picture, (320, 230), (50, 64), 0, 0, 360, head, -1)
    picture[430:480, 190:460] = (120, 80, 40)
    return picture


def stickered(picture: Bytes) -> Bytes:
    covered = picture.copy()
    for across, down in ((120, 150), (210, 180), (520, 330)):  # two of them on each other
        cv2.circle(covered, (across, down), 58, (255, 205, 50), -1)
        cv2.circle(covered, (across, down), 58, (120, 80, 0), 3)
        for aside in (-20, 20):
            cv2.circle(covered, (across + aside, down - 14), 7, (70, 40, 0), -1)
    return covered


@pytest.mark.parametrize("ground", [screen(), scene(480, 640, 8)], ids=["screen", "scene"])
def test_another_person_before_the_same_ground_is_another_picture(ground: Bytes) -> None:
    people = [before(ground, colours) for colours in PEOPLE]
    for one, other in permutations(people, 2):
        assert not compare(reference_of(one), jpeg(other, 75)).verified
    for one in people:
        assert compare(reference_of(one), jpeg(one, 40)).verified


def test_without_the_rule_such_a_person_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    people = [before(screen(), colours) for colours in PEOPLE]
    monkeypatch.setattr(resemblance, "is_replaced", lambda *_: False)
    assert any(compare(reference_of(one), jpeg(other, 75)).verified for one, other in permutations(people, 2))


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_stickers_on_each_other_are_no_person(seed: int) -> None:
    picture = scene(480, 640, seed)
    assert compare(reference_of(picture), jpeg(stickered(picture), 60)).verified
