# SPDX-License-Identifier: Apache-2.0
"""Another word or number in large letters is another picture; what is laid over letters is not."""

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.unit.marking.pictures import scene
from tests.unit.registry.test_resemblance import Bytes, jpeg, written
from waarmerk.provenance.registry import resemblance
from waarmerk.provenance.registry.lettered import is_lettered_anew
from waarmerk.provenance.registry.resemblance import compare, reference_of


def poster(number: str, size: int = 90) -> Bytes:
    """A photograph, as it may be, with a wall on which letters stand."""
    picture = scene(480, 640, 8).copy()
    across = np.linspace(0, 40, 560)[None, :, None]
    picture[60:330, 40:600] = np.clip(np.array([60, 110, 130]) + across, 0, 255).astype(np.uint8)
    picture = written(picture, (60, 70, "KORTING"), size=60, fill="white")
    return written(picture, (60, 180, number), size=size, fill="white")


@pytest.mark.parametrize(("one", "other"), [("25%", "75%"), ("75%", "25%"), ("WEL", "NIET"), ("1 MEI", "7 MEI")])
def test_another_word_is_another_picture(one: str, other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known, seen = reference_of(poster(one)), jpeg(poster(other), 75)
    assert not compare(known, seen).verified
    assert compare(known, jpeg(poster(one), 40)).verified
    monkeypatch.setattr(resemblance, "is_lettered_anew", lambda *_: False)
    if one.endswith("%"):
        assert compare(known, seen).verified, "nothing else tells them apart"


def test_a_number_that_is_gone_is_another_picture() -> None:
    assert not compare(reference_of(poster("25%")), jpeg(poster(" 5%"), 75)).verified


@pytest.mark.parametrize("colour", [(255, 205, 50), (20, 20, 20), (200, 30, 40)])
def test_what_is_laid_over_letters_is_no_other_word(colour: tuple[int, int, int]) -> None:
    stickered = poster("25%").copy()
    cv2.circle(stickered, (110, 230), 50, colour, -1)
    cv2.circle(stickered, (110, 230), 50, (120, 80, 0), 3)
    for copy in (stickered, written(poster("25%"), (60, 350, "DEEL DIT SNEL"), size=50, fill="yellow")):
        assert compare(reference_of(poster("25%")), jpeg(copy, 70)).verified


def test_filters_and_blur_leave_the_word_as_it_was() -> None:
    picture = poster("25%")
    grey = np.asarray(ImageOps.grayscale(Image.fromarray(picture)).convert("RGB"))
    for copy in (grey, cv2.GaussianBlur(picture, (0, 0), 1.2), cv2.resize(picture, None, fx=0.5, fy=0.5)):
        assert compare(reference_of(picture), jpeg(copy, 60)).verified


def test_light_alone_tells_it_too() -> None:
    one, other = (
        np.asarray(Image.fromarray(poster(n)).convert("L"))[:, :, None].astype(np.float32) for n in ("25%", "75%")
    )
    known = np.ones(one.shape[:2], np.bool_)
    assert is_lettered_anew(one, other, known)
    assert not is_lettered_anew(one, one + 4, known)
