# SPDX-License-Identifier: Apache-2.0
"""Another face, another coat in the outline of the first is another picture; what is laid over a picture is not."""

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.unit.marking.pictures import scene
from tests.unit.registry.test_resemblance import Bytes, jpeg, written
from waarmerk.provenance.registry import resemblance
from waarmerk.provenance.registry.resemblance import compare, reference_of

Colour = tuple[int, int, int]
SKIN, HAIR, COAT = (225, 185, 160), (60, 40, 30), (40, 50, 90)


def before(skin: Colour, hair: Colour, coat: Colour, size: float = 0.5) -> Bytes:
    """Somebody in a room; only the colours of skin, hair and coat are theirs."""
    picture = scene(480, 640, 8).copy()
    picture[120:470, 180:460] = (176, 172, 165)  # a wall

    def at(middle: tuple[int, int], axes: tuple[int, int], fill: Colour, start: int = 0) -> None:
        there = round(320 + middle[0] * size), round(250 + middle[1] * size)
        cv2.ellipse(picture, there, (round(axes[0] * size), round(axes[1] * size)), 0, start, 360, fill, -1)

    at((0, 270), (190, 160), coat)
    at((0, 0), (80, 110), skin)
    at((0, -20), (84, 95), hair, 180)
    for aside in (-32, 32):
        at((aside, 5), (11, 6), (30, 30, 30))
    at((0, 60), (30, 7), (150, 40, 40))
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


OTHER_COAT, OTHER_SKIN = (130, 30, 40), (150, 105, 80)
PEOPLE = [
    pytest.param((SKIN, HAIR, OTHER_COAT), 0.35, id="coat"),
    pytest.param((OTHER_SKIN, HAIR, COAT), 0.5, id="face"),
    pytest.param((OTHER_SKIN, HAIR, OTHER_COAT), 0.35, id="face and coat"),
]


@pytest.mark.parametrize(("other", "size"), PEOPLE)
def test_another_person_in_the_same_outline_is_another_picture(
    other: tuple[Colour, Colour, Colour], size: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, seen = reference_of(before(SKIN, HAIR, COAT, size)), jpeg(before(*other, size), 80)
    assert not compare(known, seen).verified
    assert compare(known, jpeg(before(SKIN, HAIR, COAT, size), 40)).verified
    monkeypatch.setattr(resemblance, "is_replaced", lambda *_: False)
    assert compare(known, seen).verified, "nothing else tells them apart"


def test_a_grey_copy_has_nothing_replaced() -> None:
    person = before(SKIN, HAIR, OTHER_COAT)
    grey = np.asarray(Image.fromarray(person).convert("L").convert("RGB"))
    assert compare(reference_of(person), jpeg(grey, 60)).verified


def test_what_is_laid_over_a_person_is_no_other_person() -> None:
    person = before(SKIN, HAIR, COAT)
    sticker = person.copy()
    cv2.circle(sticker, (240, 180), 44, (255, 205, 50), -1)
    cv2.circle(sticker, (226, 172), 6, (70, 40, 0), -1)
    cv2.circle(sticker, (254, 172), 6, (70, 40, 0), -1)
    for copy in (sticker, written(person, (60, 30, "DEEL DIT SNEL"), size=44, fill="yellow")):
        assert compare(reference_of(person), jpeg(copy, 60)).verified
