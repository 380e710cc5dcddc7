# SPDX-License-Identifier: Apache-2.0
"""One other word, or a coat in another colour, and a copy is not the whole; codecs, sizes and light leave it so."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.unit.marking.pictures import clouds, scene
from tests.unit.registry.test_resemblance import Bytes, jpeg, written
from waarmerk.provenance.registry import resemblance
from waarmerk.provenance.registry.resemblance import compare, reference_of


def protest(words: str, size: int = 56) -> Bytes:
    """A board that somebody holds up, a twentieth of the picture."""
    picture = scene(720, 1080, 5).copy()
    cv2.rectangle(picture, (400, 260), (760, 400), (245, 245, 240), -1)
    return cv2.GaussianBlur(written(picture, (420, 290, words), size=size, fill=(20, 20, 20)), (0, 0), 0.7)


def portrait(coat: tuple[int, int, int]) -> Bytes:
    """Somebody before a plain wall."""
    picture = clouds(720, 720, 44, 165, 180).copy()
    cv2.ellipse(picture, (360, 640), (180, 250), 0, 0, 360, coat, -1)
    cv2.ellipse(picture, (360, 280), (80, 110), 0, 0, 360, (225, 185, 160), -1)
    for aside in (-30, 30):
        cv2.ellipse(picture, (360 + aside, 260), (14, 7), 0, 0, 360, (30, 30, 30), -1)
    cv2.ellipse(picture, (360, 330), (35, 20), 0, 20, 160, (150, 40, 40), 6)
    return cv2.GaussianBlur(picture, (0, 0), 1.5)


@pytest.mark.parametrize(("one", "other", "size"), [("MEER ZORG", "MEER HAAT", 56), ("12%", "72%", 90)])
def test_another_word_on_a_board_is_not_the_whole(one: str, other: str, size: int) -> None:
    known, seen = reference_of(protest(one, size)), jpeg(protest(other, size), 85)
    assert not compare(known, seen).whole
    assert compare(known, jpeg(protest(one, size), 50)).whole


def test_another_word_was_the_whole_by_the_share_of_the_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resemblance, "is_entire", lambda *_: True)
    monkeypatch.setattr(resemblance, "is_lettered_anew", lambda *_: False)  # which now says that it is another picture
    assert compare(reference_of(protest("12%", 90)), jpeg(protest("72%", 90), 85)).whole


@pytest.mark.parametrize("coat", [(130, 30, 40), (30, 90, 20), (85, 55, 10)], ids=["red", "green", "brown"])
def test_a_coat_in_another_colour_is_not_the_whole(coat: tuple[int, int, int]) -> None:
    known = reference_of(portrait((40, 50, 90)))
    assert not compare(known, jpeg(portrait(coat), 85)).whole
    assert compare(known, jpeg(portrait((40, 50, 90)), 50)).whole


def _enhanced(kind: Callable[[Image.Image], ImageEnhance.Brightness], factor: float) -> Callable[[Bytes], Bytes]:
    return lambda picture: np.asarray(kind(Image.fromarray(picture)).enhance(factor))


def _sized(by: float) -> Callable[[Bytes], Bytes]:
    how = cv2.INTER_AREA if by < 1 else cv2.INTER_CUBIC
    return lambda picture: np.asarray(cv2.resize(picture, None, fx=by, fy=by, interpolation=how), np.uint8)


COPIES: list[Callable[[Bytes], Bytes]] = [
    lambda picture: jpeg(picture, 30),
    *(_sized(by) for by in (0.25, 0.5, 1.5)),
    lambda picture: cv2.GaussianBlur(picture, (0, 0), 1.2),
    lambda picture: np.rint(255 * (picture / 255) ** 1.3).astype(np.uint8),
    _enhanced(ImageEnhance.Brightness, 0.8),
    _enhanced(ImageEnhance.Contrast, 1.2),
    _enhanced(ImageEnhance.Color, 1.3),
]


@pytest.mark.parametrize("number", range(len(COPIES)))
def test_a_copy_by_codec_size_or_light_is_the_whole(number: int) -> None:
    picture = protest("MEER ZORG")
    assert compare(reference_of(picture), jpeg(COPIES[number](picture), 60)).whole


def test_a_poster_is_the_whole_of_itself() -> None:
    """Its edges are sharp, and what is kept of it is smaller: no place differs for that."""
    ground = np.full((1350, 1080, 3), (20, 60, 140), np.uint8)
    made = written(ground, (80, 120, "KIES VOOR DE STAD"), size=90, fill="white").copy()
    made[500:1100, 90:990] = cv2.resize(scene(400, 600, 3), (900, 600), interpolation=cv2.INTER_AREA)
    for copy in (made, jpeg(made, 80), _sized(0.7)(made)):
        assert compare(reference_of(made), copy).whole
