# SPDX-License-Identifier: Apache-2.0
"""Colours count where the light says the same, and are all there is to compare of a clear sky."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from itertools import permutations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageEnhance, ImageOps

from tests.unit.marking.pictures import plain, scene
from tests.unit.registry.test_resemblance import Bytes, jpeg, written
from waarmerk.provenance.registry.finder import reference_file
from waarmerk.provenance.registry.framed import framed
from waarmerk.provenance.registry.hashes import luma
from waarmerk.provenance.registry.pattern import is_pattern
from waarmerk.provenance.registry.resemblance import compare

PARTIES = np.array([(214, 96, 96), (64, 148, 220), (60, 164, 88), (176, 112, 190)], np.uint8)  # light 124 to 140
REGIONS = 24


def kept(picture: Bytes) -> Bytes:
    """What a registry keeps of a picture, read back."""
    with Image.open(BytesIO(reference_file(picture))) as image:
        return np.asarray(image)


def elected(seed: int) -> Bytes:
    """A map of who won where: borders and names are the same for all, colours are not."""
    return won_by(np.random.default_rng(seed).integers(0, len(PARTIES), REGIONS))


SEEDS = np.random.default_rng(7).uniform((0, 0), (640, 480), (REGIONS, 2))


@cache
def regions() -> npt.NDArray[np.int64]:
    """The number of the region that each pixel lies in."""
    y, x = np.mgrid[0:480, 0:640]
    return np.argmin((x[..., None] - SEEDS[:, 0]) ** 2 + (y[..., None] - SEEDS[:, 1]) ** 2, axis=-1)


def won_by(who: npt.NDArray[np.int64]) -> Bytes:
    nearest = regions()
    picture = PARTIES[who][nearest]
    picture[(nearest != np.roll(nearest, 1, 0)) | (nearest != np.roll(nearest, 1, 1))] = 250
    return written(picture, *((int(x) - 20, int(y) - 8, f"regio {n}") for n, (x, y) in enumerate(SEEDS)), size=15)


def sky(light: tuple[int, int, int] = (90, 140, 205), dark: tuple[int, int, int] = (190, 215, 240)) -> Bytes:
    down = np.linspace(0, 1, 480)[:, None, None] ** 1.3
    return np.rint((1 - down) * light + down * dark + np.zeros((480, 720, 1))).astype(np.uint8)


def enhanced(kind: type[ImageEnhance.Color], factor: float) -> Callable[[Bytes], Bytes]:
    return lambda picture: np.asarray(kind(Image.fromarray(picture)).enhance(factor))


def warmer(picture: Bytes) -> Bytes:
    return np.clip(picture * np.array([1.1, 1.0, 0.85]) + (8, 2, -6), 0, 255).astype(np.uint8)


FILTERS: list[Callable[[Bytes], Bytes]] = [
    enhanced(ImageEnhance.Color, 0.0),  # grey
    enhanced(ImageEnhance.Color, 1.4),
    enhanced(ImageEnhance.Brightness, 1.3),
    enhanced(ImageEnhance.Contrast, 0.7),
    warmer,
]


@pytest.mark.parametrize("number", range(len(FILTERS)))
def test_a_filter_is_no_other_picture(number: int) -> None:
    for picture in (scene(480, 640, 3), elected(1)):
        assert compare(kept(picture), jpeg(FILTERS[number](picture), 80)).verified


@pytest.mark.parametrize(("parties", "step"), [(2, 1), (3, 1), (4, 4), pytest.param(4, 1, marks=pytest.mark.slow)])
def test_no_filter_swaps_the_colours_of_parties(parties: int, step: int) -> None:
    """Of two and of three colours every order is a linear rule of every other; none is one that a filter has."""
    who = np.random.default_rng(1).integers(0, parties, REGIONS)
    one = kept(won_by(who))
    for order in list(permutations(range(parties)))[1::step]:
        assert not compare(one, won_by(np.array(order)[who])).verified


def test_frames_around_regions_do_not_excuse_their_colours() -> None:
    who = np.random.default_rng(3).integers(0, 4, REGIONS)
    picture, other = won_by(who).copy(), won_by((who + 1) % 4)
    for top, left in ((20, 30), (20, 350), (260, 30), (260, 350)):
        picture[top : top + 180, left : left + 250] = other[top : top + 180, left : left + 250]
        cv2.rectangle(picture, (left - 2, top - 2), (left + 251, top + 181), (0, 0, 0), 3)
    assert not compare(kept(won_by(who)), picture).verified


def test_parties_that_swapped_their_colours_are_another_map() -> None:
    one, other = elected(1), elected(2)
    assert compare(kept(one), jpeg(one, 60)).verified
    assert not compare(kept(one), other).verified
    grey = np.rint(luma(kept(one))).astype(np.uint8)
    assert compare(grey, one).verified, "a registry of before kept grey alone: there are no colours to hold against it"


def bordered(picture: Bytes) -> Bytes:
    return np.pad(picture, ((30, 30), (40, 40), (0, 0)), constant_values=255)


def barred(picture: Bytes) -> Bytes:
    covered = picture.copy()
    covered[:57] = covered[-57:] = 0
    return covered


def captioned(picture: Bytes) -> Bytes:
    return written(np.concatenate([plain(90, 720, 255, 255, 255), picture]), (20, 20, "de lucht boven de stad"))


COPIES = [
    lambda p: jpeg(p, 30),
    lambda p: jpeg(np.asarray(cv2.resize(p, (360, 240), interpolation=cv2.INTER_AREA), np.uint8), 70),
    lambda p: written(p, (60, 60, "NU OVERAL TE ZIEN"), size=48, fill="yellow"),
    *(bordered, barred, captioned),
]


@pytest.mark.parametrize("number", range(len(COPIES)))
def test_a_clear_sky_is_known_again_by_its_colours(number: int) -> None:
    assert compare(kept(sky()), COPIES[number](sky())).verified


@pytest.mark.parametrize(
    "other",
    [
        sky(light=(110, 140, 205)),
        sky(dark=(190, 215, 226)),
        sky()[::-1],
        sky()[:360, 100:580],
        np.clip(sky() * 1.1, 0, 255).astype(np.uint8),
    ],
)
def test_another_sky_is_not_nor_is_a_piece_of_it(other: Bytes) -> None:
    assert not compare(kept(sky()), np.ascontiguousarray(other)).verified


@pytest.mark.parametrize("size", [14, 30, *(pytest.param(each, marks=pytest.mark.slow) for each in (18, 22))])
def test_another_word_on_the_same_sky_is_another_card(size: int) -> None:
    def card(*lines: str) -> Bytes:
        return written(sky(), *((60, 200 + 40 * row, line) for row, line in enumerate(lines)), size=size, fill="white")

    for one, other in (("VOOR", "TEGEN"), ("JA: 51%", "NEE: 51%"), ("Stem Jansen", "Boycot Yilmaz!")):
        assert compare(kept(card(one)), jpeg(card(one), 85)).verified
        assert not compare(kept(card(one)), jpeg(card(other), 85)).verified
        added = compare(kept(card(one)), jpeg(written(card(one), (420, 80, "NU!"), size=40), 85))
        assert added.verified
        assert not added.whole


def test_another_thing_before_the_same_sky_is_another_picture() -> None:
    disc, square, block = sky().copy(), sky().copy(), sky().copy()
    cv2.circle(disc, (360, 240), 28, (200, 30, 30), -1)
    cv2.rectangle(square, (335, 215), (385, 265), (20, 120, 20), -1)
    block[280:460, 270:450] = np.random.default_rng(2).integers(0, 256, (180, 180, 3))
    for one, other in ((disc, square), (disc, block), (sky(), block), (disc, sky())):
        assert not compare(kept(one), jpeg(other, 85)).verified


@pytest.mark.parametrize("away", [4, -5])
def test_a_gradient_that_is_a_little_off_everywhere_is_another_one(away: int) -> None:
    """Each part is off by less than a codec may do; together they are not."""
    y, x = np.mgrid[0:312, 0:416] / 400
    one = np.dstack([140 + 60 * x - 40 * y, 120 + 50 * x - 30 * y, 130 + 55 * x - 35 * y]).astype(np.uint8)
    other = (one + np.dstack([-away * x * y, away + 0 * x, away + 0 * x])).astype(np.uint8)
    assert np.abs(one.astype(int) - other.astype(int)).max() <= 6
    assert compare(kept(one), jpeg(one, 40)).verified
    assert not compare(kept(one), other).verified


def test_a_sky_made_flat_is_like_any_other_made_flat() -> None:
    other = sky(light=(60, 110, 180), dark=(225, 235, 245))
    made_flat = np.asarray(ImageOps.equalize(Image.fromarray(other)))
    assert not compare(kept(sky()), made_flat).verified


def meme(captions: tuple[str, str]) -> Bytes:
    padded = np.pad(sky()[:400, :640], ((110, 110), (0, 0), (0, 0)))
    return written(padded, (20, 40, captions[0]), (20, 550, captions[1]), size=34, fill="white")


def test_a_sky_under_other_captions_is_another_picture() -> None:
    one = meme(("MEER ZOMER ZOMER WARME", "EERLIJKE STRATEN STEMT"))
    other = meme(("VEILIGE NIEUWE OUDE ZORG", "KOUDE VOOR SCHOOL LANGE"))
    assert compare(kept(one), jpeg(one, 60)).verified
    assert not compare(kept(one), jpeg(other, 75)).verified
    assert not compare(kept(other), jpeg(one, 75)).verified


def test_one_colour_is_like_any_other() -> None:
    seen = compare(kept(plain(480, 640, 90, 140, 205)), plain(480, 640, 90, 140, 205))
    assert not seen.verified


def test_the_picture_on_a_page_is_found() -> None:
    grey = np.rint(luma(scene(300, 400, 3))).astype(np.uint8)
    page = np.full((800, 500), 240, np.uint8)
    page[200:500, 50:450] = grey
    page[60:64, 50:300] = 20  # a line of text
    for (left, top, right, bottom), wanted in ((framed(page)[0], (50, 200, 450, 500)),):
        assert max(abs(left - wanted[0]), abs(top - wanted[1]), abs(right - wanted[2]), abs(bottom - wanted[3])) <= 2
    assert framed(np.full((300, 400), 240, np.uint8)) == ()
    assert framed(np.random.default_rng(1).integers(0, 256, (300, 400), np.uint8)) == ()


def cloth(tint: tuple[int, int, int], turn: float = 0.3) -> Bytes:
    """Checks of one step and one turn, with a little grain."""
    y, x = np.mgrid[0:360, 0:480].astype(np.float32)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    checks = np.sign(np.sin(along * 0.35)) + np.sign(np.sin(across * 0.35))
    grain = np.random.default_rng(sum(tint)).normal(0, 3, (360, 480, 1))
    return np.clip(np.array(tint) * (1 + 0.25 * checks[:, :, None]) + grain, 0, 255).astype(np.uint8)


def test_a_pattern_is_known_by_its_colours_too() -> None:
    """One step aside it is like itself, so that its structure is that of any cloth of the same weave."""
    rose, green = cloth((160, 130, 130)), cloth((130, 160, 140))
    assert is_pattern(np.rint(luma(rose)).astype(np.uint8))
    assert compare(kept(rose), jpeg(rose, 50)).verified
    assert not compare(kept(rose), green).verified
    for picture in (scene(480, 640, 3), elected(1), sky(), plain(480, 640, 9, 9, 9)):
        assert not is_pattern(np.rint(luma(picture)).astype(np.uint8))
