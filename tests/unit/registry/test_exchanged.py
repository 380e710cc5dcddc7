# SPDX-License-Identifier: Apache-2.0
"""Another word in letters that are nearly the tone of their ground, or on a strong texture, is another picture."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from tests.unit.marking.pictures import scene
from tests.unit.registry.test_resemblance import Bytes, jpeg
from waarmerk.provenance.registry import lettered
from waarmerk.provenance.registry.exchanged import is_exchanged
from waarmerk.provenance.registry.resemblance import compare, reference_of

Floats = npt.NDArray[np.float32]
Colour = tuple[int, int, int]


def faint(number: str) -> Bytes:
    """White letters on a wall that is nearly white."""
    picture = scene(480, 640, 8).copy()
    picture[60:330, 40:600] = (226, 242, 238)
    return lettered_with(picture, number, (250, 250, 245))


def coarse(number: str) -> Bytes:
    """White letters on gravel."""
    random = np.random.default_rng(7)
    gravel = cv2.GaussianBlur(random.normal(0, 1, (480, 640)).astype(np.float32), (0, 0), 1.6)
    large = cv2.GaussianBlur(random.normal(0, 1, (480, 640)).astype(np.float32), (0, 0), 40)
    light = 95 + 36 * gravel / gravel.std() + 24 * large / large.std()
    picture = np.clip(light[:, :, None] * np.array([1.0, 0.94, 0.8]), 0, 255).astype(np.uint8)
    return lettered_with(picture, number, (250, 250, 245))


def lettered_with(picture: Bytes, number: str, fill: Colour) -> Bytes:
    image = Image.fromarray(picture)
    draw = ImageDraw.Draw(image)
    draw.text((60, 70), "KORTING", font_size=60, fill=fill)
    draw.text((60, 170), number, font_size=90, fill=fill)
    return np.asarray(image)


def stickered(picture: Bytes, colour: Colour) -> Bytes:
    copy = picture.copy()
    cv2.circle(copy, (110, 215), 48, colour, -1)
    cv2.circle(copy, (110, 215), 48, (90, 60, 0), 3)
    return copy


@pytest.mark.parametrize("poster", [faint, coarse])
@pytest.mark.parametrize(("one", "other"), [("38%", "36%"), ("26%", "36%"), ("WEL", "NIET")])
def test_another_word_is_another_picture(
    poster: Callable[[str], Bytes], one: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, seen = reference_of(poster(one)), jpeg(poster(other), 75)
    assert not compare(known, seen).verified
    monkeypatch.setattr(lettered, "is_exchanged", lambda *_: False)
    if one.endswith("%"):
        assert compare(known, seen).verified, "nothing else tells them apart"


@pytest.mark.parametrize("poster", [faint, coarse])
@pytest.mark.parametrize("colour", [(255, 205, 50), (20, 20, 20), (250, 250, 245)])
def test_what_is_laid_over_letters_is_no_other_word(poster: Callable[[str], Bytes], colour: Colour) -> None:
    assert compare(reference_of(poster("25%")), jpeg(stickered(poster("25%"), colour), 70)).verified


@pytest.mark.parametrize("poster", [faint, coarse])
def test_codecs_sizes_and_light_leave_the_word_as_it_was(poster: Callable[[str], Bytes]) -> None:
    picture = poster("25%")
    darker = np.asarray(ImageEnhance.Brightness(Image.fromarray(picture)).enhance(0.8))
    half = np.asarray(cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)
    for copy in (jpeg(picture, 30), jpeg(half, 60), jpeg(darker, 70)):
        assert compare(reference_of(picture), np.asarray(copy, np.uint8)).verified


def planes(picture: Bytes) -> Floats:
    return np.asarray(Image.fromarray(picture).convert("L"), np.float32)[:, :, None]


def test_light_alone_tells_it_and_what_moved_a_little_is_the_same() -> None:
    """Along a thick stroke that lies a few pixels aside, ink and ground changed places too."""
    one, other = planes(coarse("25%")), planes(coarse("75%"))
    known = np.ones(one.shape[:2], np.bool_)
    assert is_exchanged(one, other, known)
    assert not is_exchanged(one, one + 4, known)
    drawing = np.full((480, 640, 3), 230, np.uint8)
    cv2.circle(drawing, (320, 240), 150, (20, 20, 20), 12)
    assert not is_exchanged(planes(drawing), np.roll(planes(drawing), 3, axis=1), known)


def test_a_sticker_in_the_tone_of_what_it_partly_hides_is_no_ink() -> None:
    picture = np.full((480, 640, 1), 115, np.float32)
    picture[180:240, 200:260] = 202
    copy = picture.copy()
    cv2.circle(copy, (200, 210), 40, (202,), -1)
    copy[200:208, 204:209] = 115  # an eye, in the tone of the ground
    assert not is_exchanged(picture, copy, np.ones((480, 640), np.bool_))
