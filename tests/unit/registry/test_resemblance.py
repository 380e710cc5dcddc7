# SPDX-License-Identifier: Apache-2.0
"""A candidate counts only where its pixels show the same: copies do, pictures made alike do not."""

from collections.abc import Callable
from io import BytesIO

import cv2
import imagehash
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from tests.unit.marking.pictures import plain, scene
from waarmerk.provenance.registry.covers import under_cover
from waarmerk.provenance.registry.hashes import luma
from waarmerk.provenance.registry.resemblance import NOTHING, Resemblance, compare, reference_of

Bytes = npt.NDArray[np.uint8]
ONE = scene(600, 800, 3)


def jpeg(picture: Bytes, quality: int) -> Bytes:
    target = BytesIO()
    Image.fromarray(picture).save(target, "JPEG", quality=quality)
    with Image.open(target) as image:
        return np.asarray(image)


def written(picture: Bytes, *lines: tuple[int, int, str], size: int = 34, fill: str = "black") -> Bytes:
    image = Image.fromarray(picture)
    for left, top, text in lines:
        ImageDraw.Draw(image).text((left, top), text, font_size=size, fill=fill)
    return np.asarray(image)


def smaller(picture: Bytes) -> Bytes:
    return jpeg(np.asarray(cv2.resize(picture, (320, 240), interpolation=cv2.INTER_AREA), np.uint8), 60)


def with_caption_below(picture: Bytes) -> Bytes:
    return written(np.concatenate([picture, plain(160, 800, 255, 255, 255)]), (20, 640, "Is dit echt waar? Deel dit!"))


def with_bar(picture: Bytes) -> Bytes:
    covered = picture.copy()
    covered[520:] = 20
    return written(covered, (20, 540, "NU LIVE UIT DE ZAAL"), fill="white")


def with_logo(picture: Bytes) -> Bytes:
    covered = picture.copy()
    cv2.circle(covered, (700, 90), 50, (220, 30, 30), -1)
    return covered


def in_a_collage(picture: Bytes) -> Bytes:
    return np.concatenate([smaller(picture), scene(240, 320, 99)], axis=1)


def brighter(picture: Bytes) -> Bytes:
    return np.clip(picture * 0.6 + 80, 0, 255).astype(np.uint8)


def turned(picture: Bytes) -> Bytes:
    return np.asarray(Image.fromarray(picture).rotate(7))


COPIES: list[Callable[[Bytes], Bytes]] = [
    lambda picture: picture,
    lambda picture: jpeg(picture, 20),
    lambda picture: jpeg(picture[90:510, 100:660], 60),  # 49 %
    lambda picture: jpeg(picture[200:500, 300:700], 60),  # 25 %
    *(smaller, with_caption_below, with_bar, with_logo, in_a_collage, brighter, turned),
]


@pytest.mark.parametrize("number", range(len(COPIES)))
@pytest.mark.parametrize("seed", [3, pytest.param(21, marks=pytest.mark.slow)])
def test_a_copy_is_known_again(number: int, seed: int) -> None:
    picture = scene(600, 800, seed)
    seen = compare(reference_of(picture), COPIES[number](picture))
    assert seen.verified, seen
    if number in (0, 1):
        assert seen.whole
    if number == 2 or COPIES[number] in (with_bar, with_logo):
        assert not seen.whole


@pytest.mark.parametrize("seed", [3, 21])
def test_a_mirrored_copy_is_known_and_is_not_whole(seed: int) -> None:
    picture = scene(600, 800, seed)
    seen = compare(reference_of(picture), jpeg(picture[60:, ::-1], 60))
    assert (seen.verified, seen.mirrored, seen.whole) == (True, True, False)
    assert not compare(reference_of(picture), jpeg(picture, 60)).mirrored


def with_stickers(picture: Bytes) -> Bytes:
    covered = picture.copy()
    for across, down in ((120, 120), (300, 470), (640, 160), (690, 480)):
        cv2.circle(covered, (across, down), 70, (255, 205, 50), -1)
        cv2.circle(covered, (across - 20, down - 20), 8, (70, 40, 0), -1)
        cv2.circle(covered, (across + 20, down - 20), 8, (70, 40, 0), -1)
    return covered


def test_stickers_cover_and_do_not_make_another_picture() -> None:
    for picture in (scene(600, 800, 3), scene(600, 800, 21), ballot("Bakker, C.")):
        seen = compare(reference_of(picture), with_stickers(picture))
        assert seen.verified, seen
        assert not seen.whole
    other = compare(reference_of(ballot("Bakker, C.")), with_stickers(ballot("Mulder, H.")))
    assert not other.verified, "a sticker beside it does not make another name the same"


def test_text_over_a_form_is_the_form_and_another_text_is_not() -> None:
    form = ballot("Bakker, C.")
    over = written(form, (250, 60, "NEP! DEEL DIT"), (100, 1040, "stem niet"), size=60, fill="blue")
    assert compare(reference_of(form), jpeg(over, 70)).verified is True, "and no number of an array"
    assert not compare(reference_of(ballot("Mulder, H.")), jpeg(over, 70)).verified


def test_what_is_drawn_beside_another_name_does_not_make_it_the_same() -> None:
    """What is added may hide what was there, and only that."""
    other = ballot("Mulder, H.")
    boxed, circled = other.copy(), other.copy()
    cv2.rectangle(boxed, (140, 378), (500, 452), (220, 0, 0), 5)
    cv2.ellipse(circled, (300, 415), (220, 60), 0, 0, 360, (220, 0, 0), 6)
    cv2.arrowedLine(circled, (700, 700), (500, 430), (220, 0, 0), 6)
    beside = written(other, (420, 395, "<-- STEM HIER OP"), (150, 460, "GEKOZEN GEKOZEN"), size=40, fill="blue")
    for picture in (other, boxed, circled, beside):
        assert not compare(reference_of(ballot("Bakker, C.")), jpeg(picture, 85)).verified


def test_the_region_says_where_it_lies() -> None:
    region = compare(reference_of(ONE), in_a_collage(ONE)).region
    assert region is not None
    assert all(abs(a - b) <= 4 for a, b in zip(region, (0, 0, 320, 240), strict=True))
    crop = compare(reference_of(ONE), ONE[200:500, 300:700])
    assert crop.region == (0, 0, 400, 300)
    assert crop.overlap == pytest.approx(0.25, abs=0.02)


def ballot(chosen: str) -> Bytes:
    image = Image.fromarray(plain(1100, 800, 255, 255, 255))
    draw = ImageDraw.Draw(image)
    names = ["Jansen, A.", "de Vries, B.", chosen, "Yilmaz, D.", "El Idrissi, E.", "van den Berg, F.", "Smit, G."]
    for row, name in enumerate(names):
        draw.rectangle((60, 120 + 130 * row, 720, 200 + 130 * row), outline="black", width=3)
        draw.ellipse((70, 130 + 130 * row, 130, 190 + 130 * row), outline="red", width=3)
        draw.text((160, 135 + 130 * row), name, font_size=44, fill="black")
    draw.text((60, 30), "Stembiljet gemeenteraad", font_size=50, fill="black")
    return np.asarray(image)


def template(text: str) -> Bytes:
    picture = scene(600, 800, 7).copy()
    picture[150:480, 80:720] = 250
    return written(picture, *((100, 170 + 60 * line, text[line:] + text[:line]) for line in range(5)), size=38)


def podium(seed: int) -> Bytes:
    """The same stage, another person: head and shoulders of another picture, a quarter of the whole."""
    picture, other = scene(600, 800, 11).copy(), scene(330, 260, seed)
    person = np.zeros((330, 260), np.uint8)
    cv2.ellipse(person, (130, 80), (60, 75), 0, 0, 360, 255, -1)
    cv2.ellipse(person, (130, 300), (125, 160), 0, 0, 360, 255, -1)
    picture[130:460, 270:530][person > 0] = other[person > 0]
    picture[440:600, 250:550] = (120, 80, 40)
    return written(picture, (280, 480, "PARTIJDAG 2026"), fill="white")


def sky(seed: int) -> Bytes:
    random = np.random.default_rng(seed)
    clouds = cv2.GaussianBlur(random.normal(0, 1, (600, 800)).astype(np.float32), (0, 0), 30)
    light = np.linspace(230, 120, 600)[:, None] + np.clip(clouds / clouds.std() * 12, 0, 60)
    return np.clip(light[:, :, None] + np.array([-40, -10, 20]), 0, 255).astype(np.uint8)


ALIKE = [
    *((ballot("Bakker, C."), ballot(name)) for name in ("Peeters-Jansen", "Achterberg, T.")),
    (ballot("Bakker, C."), ballot("Visser, C.")),
    (ballot("Bakker, C."), ballot("Mulder, H.")),
    (template("de partij wil meer belasting"), template("zij sluiten alle scholen nu")),
    (podium(41), podium(42)),
    (podium(43), podium(44)),
    (sky(1), sky(2)),
    (sky(3), sky(4)),
    (scene(600, 800, 51), scene(600, 800, 52)),
]


@pytest.mark.parametrize("number", range(len(ALIKE)))
@pytest.mark.parametrize("quality", [pytest.param(95, marks=pytest.mark.slow), 50])
def test_what_was_made_alike_does_not_count(number: int, quality: int) -> None:
    one, other = ALIKE[number]
    assert not compare(reference_of(one), jpeg(other, quality)).verified
    assert not compare(reference_of(other), jpeg(one[20:, 20:], quality)).verified


def test_forms_and_stages_are_known_again_themselves() -> None:
    for one, _ in ALIKE[:7]:
        assert compare(reference_of(one), jpeg(one[20:, 20:], 60)).verified


def preimage(target: Bytes, carrier: Bytes) -> Bytes:
    """The carrier with the coarse light of the target: pHash reads 8 x 8 frequencies of 32 x 32 pixels, no more."""
    grey = [np.asarray(Image.fromarray(p).convert("L").resize((32, 32)), np.float32) for p in (target, carrier)]
    light = [cv2.dct(plane) for plane in grey]
    change = np.zeros((32, 32), np.float32)
    change[:8, :8] = (light[0] - light[1])[:8, :8]
    wave = cv2.resize(cv2.idct(change), carrier.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(carrier * 0.6 + 50 + wave[:, :, None] * 0.6, 0, 255).astype(np.uint8)


def test_second_preimages_of_a_hash_do_not_count() -> None:
    """The collision attack (H1): pictures that hash as a registered one and show something else."""
    for seed in (61, 62):
        forged = preimage(ONE, scene(600, 800, seed))
        apart = imagehash.phash(Image.fromarray(ONE)) - imagehash.phash(Image.fromarray(forged))
        assert apart <= 10, "the attack is not one"
        assert not compare(reference_of(ONE), forged).verified


def test_where_there_is_nothing_to_compare_nothing_is_said() -> None:
    for one, other in ((plain(300, 400, 9, 9, 9), ONE), (ONE, plain(300, 400, 9, 9, 9)), (ONE, ONE[:9, :9])):
        assert compare(reference_of(one), other) == NOTHING
    assert Resemblance() == NOTHING


def test_equal_input_gives_equal_results() -> None:
    seen = [compare(reference_of(ONE), turned(ONE)) for _ in range(2)]
    assert seen[0] == seen[1]


def waves(seed: int) -> Bytes:
    """Smooth folds, as wallpapers have them: hardly a place that could be found again."""
    y, x = np.mgrid[0:600, 0:800].astype(np.float32)
    random, plane = np.random.default_rng(seed), np.full((600, 800), 20, np.float32)
    for _ in range(5):
        along, across, turn = random.uniform(0.004, 0.016), random.uniform(-0.012, 0.012), random.uniform(0, 6.28)
        plane += 45 * np.abs(np.sin(x * along + y * across + turn + 1.5 * np.sin(y * 0.008 + turn)))
    return np.clip(plane[:, :, None] + np.array([10, 0, -30]), 0, 255).astype(np.uint8)


def on_a_busy_page(picture: Bytes) -> Bytes:
    page = np.random.default_rng(5).integers(0, 256, (900, 1200, 3), np.uint8)
    page[180:780, 300:1100] = picture
    return page


@pytest.mark.parametrize("copy", [with_caption_below, on_a_busy_page, lambda p: jpeg(p[60:540, 120:760], 80)])
def test_a_smooth_picture_is_known_again_without_places(copy: Callable[[Bytes], Bytes]) -> None:
    for seed in (1, 2):
        assert compare(reference_of(waves(seed)), copy(waves(seed))).verified
    assert not compare(reference_of(waves(1)), copy(waves(2))).verified


def test_a_text_over_a_picture_is_not_another_text_in_it() -> None:
    over = written(waves(1), (60, 40, "NU OVERAL TE ZIEN"), (90, 500, "deel dit bericht"), size=64, fill="yellow")
    assert compare(reference_of(waves(1)), over).verified
    captions = [
        written(np.pad(scene(500, 800, 7), ((120, 0), (0, 0), (0, 0))), (20, 20, text), size=60, fill="white")
        for text in ("Zij liegen weer", "Hij stemt voor ons")
    ]
    for one, other in (captions, captions[::-1]):
        assert not compare(reference_of(one), jpeg(other, 80)).verified, "one picture under another caption"
        assert compare(reference_of(one), jpeg(one, 80)).verified


def messages(seed: int) -> Bytes:
    """A dark screen of a program: two grounds, and what is said."""
    random, image = np.random.default_rng(seed), Image.fromarray(plain(800, 480, 18, 27, 34))
    words = ["morgen", "stemmen", "niemand", "brug", "trein", "open", "weer", "huizen", "regels", "markt"]
    for row in range(7):
        ImageDraw.Draw(image).rounded_rectangle((20, 20 + 110 * row, 440, 110 + 110 * row), 14, fill=(32, 44, 51))
        for line in range(2):
            text = " ".join(random.choice(words, 4))
            ImageDraw.Draw(image).text((36, 30 + 110 * row + 36 * line), text, font_size=24, fill="white")
    return np.asarray(image)


def test_another_screen_of_the_same_program_does_not_count() -> None:
    for one, other in ((1, 2), (3, 4)):
        assert not compare(reference_of(messages(one)), jpeg(messages(other), 80)).verified
        assert compare(reference_of(messages(one)), jpeg(messages(one), 80)).verified


def flat(seed: int) -> Bytes:
    random, picture = np.random.default_rng(seed), plain(600, 800, 110, 110, 110)
    for _ in range(12):
        middle = int(random.integers(0, 800)), int(random.integers(0, 600))
        cv2.circle(picture, middle, int(random.integers(20, 160)), (int(random.integers(20, 240)),) * 3, -1)
    return picture


def test_shapes_of_one_tone_are_no_covers_of_each_other() -> None:
    for one in range(1, 4):
        assert not compare(reference_of(flat(one)), flat(one + 1)).verified
        assert compare(reference_of(flat(one)), jpeg(flat(one), 70)).verified


def test_the_tone_of_a_cover_is_the_one_it_has() -> None:
    """A range of tones around it begins below it; a warp makes 202 into 202.00002, and that was outside."""
    reference = np.rint(luma(reference_of(ONE))).astype(np.uint8)
    values, group = reference.astype(np.float32), np.zeros((24, 32), np.bool_)
    values[64:128, 64:128] = 202.00002
    group[4:8, 4:8] = True
    assert np.array_equal(under_cover(reference, values, group), group)
