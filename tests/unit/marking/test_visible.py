# SPDX-License-Identifier: Apache-2.0
"""The visible label: large enough, readable on anything, whole in every usual crop, in every language."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from tests.unit.marking.pictures import NAMES, drawn
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.marking.lettering import Lettering, default_font, lettering, runs_right_to_left
from waarmerk.provenance.marking.visible import (
    HIGHEST_SHARE,
    LETTERS,
    MIN_EDGE_CONTRAST,
    MIN_TEXT_CONTRAST,
    SMALLEST_PIXELS,
    SMALLEST_SHARE,
    USUAL_SHARE,
    CannotShow,
    Corner,
    contrast,
    luminance,
    safe_area,
    show,
)
from waarmerk.provenance.marking.wording import KINDS, LANGUAGES, public_label

BROAD = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
HEBREW, ARABIC = "נוצר באמצעות AI", "أُنشئ بالذكاء الاصطناعي"


@pytest.mark.parametrize("name", NAMES)
def test_on_every_picture_the_label_can_be_seen_and_read(name: str) -> None:
    picture = drawn(name)
    shown = show(picture, (public_label("generated", "en"),))
    assert shown.words == "AI-generated"
    assert shown.line_share >= SMALLEST_SHARE
    assert shown.text_contrast >= MIN_TEXT_CONTRAST
    assert shown.edge_contrast >= MIN_EDGE_CONTRAST
    outside = np.ones(picture.shape[:2], bool)
    outside[shown.box.rows_columns] = False
    assert np.array_equal(shown.pixels[outside], picture[outside])
    assert not np.array_equal(shown.pixels, picture)


@pytest.mark.parametrize("corner", list(Corner))
@pytest.mark.parametrize("name", ["busy", "portrait", "panorama", "tiny", "square"])
def test_every_usual_crop_leaves_it_whole(name: str, corner: Corner) -> None:
    picture = drawn(name)
    height, width = picture.shape[:2]
    box = show(picture, ("AI-generated",), corner=corner).box
    for shape in (1 / 1, 4 / 5, 9 / 16, 16 / 9):
        wide, high = min(width, round(height * shape)), min(height, round(width / shape))
        left, top = (width - wide) // 2, (height - high) // 2
        assert left <= box.left
        assert box.left + box.width <= left + wide
        assert top <= box.top
        assert box.top + box.height <= top + high


def test_corners_are_where_they_say() -> None:
    picture = drawn("busy")
    boxes = {corner: show(picture, ("AI",), corner=corner).box for corner in Corner}
    assert boxes[Corner.TOP_LEFT].left < boxes[Corner.TOP_RIGHT].left
    assert boxes[Corner.TOP_LEFT].top < boxes[Corner.BOTTOM_LEFT].top
    area = safe_area(800, 600)
    assert area.left <= boxes[Corner.TOP_LEFT].left < area.left + area.width


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_official_language_has_its_words_and_letters(language: str, kind: str) -> None:
    words = public_label(kind, language)
    shown = show(drawn("grey"), (words,))
    assert shown.words == words
    assert shown.line_share >= SMALLEST_SHARE


class _Reader:
    """Letters that remember what was written with them: after the framed letters come the lines of one attempt."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def coverage(self, text: str, size: int) -> Any:
        self.texts.append(text)
        return lettering().coverage(text, size)

    @property
    def drawn(self) -> list[str]:
        """The lines of the last attempt, which is the one that stands."""
        last = len(self.texts) - 1 - self.texts[::-1].index(LETTERS)
        return self.texts[last + 1 :]


@pytest.mark.parametrize("size", [(1600, 900), (640, 480), (160, 120), (100, 100), (4000, 100), (64, 64)])
@pytest.mark.parametrize("languages", ["en", "nl,en", "da,sv", "hu,et", "en,da"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_words_that_are_reported_stand_in_the_picture(size: tuple[int, int], languages: str, kind: str) -> None:
    lines = tuple(public_label(kind, language) for language in languages.split(","))
    letters = _Reader()
    shown = show(np.full((size[1], size[0], 3), 128, np.uint8), lines, letters=letters)  # type: ignore[arg-type]
    read = " ".join(letters.drawn).replace("- ", "-")
    assert read == ("" if shown.words == LETTERS else shown.words.replace(" / ", " "))
    assert shown.words in (LETTERS, " / ".join(lines))
    if min(size) >= 120 or (languages == "en" and size != (64, 64)):
        assert shown.words != LETTERS or "tehis" in lines[-1]  # the longest words there are


def test_the_union_has_24_official_languages_and_no_wording_is_said_twice() -> None:
    assert len(LANGUAGES) == 24
    for language in LANGUAGES:
        assert public_label("generated", language) != public_label("modified", language)


def test_light_on_dark_and_dark_on_light() -> None:
    assert show(drawn("white"), ("AI",)).dark
    assert not show(drawn("black"), ("AI",)).dark


def test_the_same_call_gives_the_same_pixels() -> None:
    first, second = (show(drawn("busy"), ("Gemaakt met AI", "AI-generated")) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert first.words == "Gemaakt met AI / AI-generated"


def test_a_picture_too_small_is_refused_and_a_small_one_gets_the_letters() -> None:
    with pytest.raises(CannotShow):
        show(np.zeros((24, 24, 3), np.uint8), ("AI-generated",))
    assert show(np.zeros((64, 64, 3), np.uint8), ("Generirano umjetnom inteligencijom",)).words == "AI"


def test_luminance_and_contrast_are_those_of_wcag() -> None:
    assert contrast(float(luminance((255, 255, 255))), float(luminance((0, 0, 0)))) == pytest.approx(21.0)
    assert contrast(float(luminance((118, 118, 118))), 1.0) == pytest.approx(4.54, abs=0.01)


def test_unknown_languages_and_letters_are_named() -> None:
    with pytest.raises(ConfigurationError, match="choose from bg"):
        public_label("generated", "xx")
    with pytest.raises(ConfigurationError, match="no letter for HEBREW"):
        show(drawn("grey"), (HEBREW,))
    with pytest.raises(ConfigurationError, match="not a font"):
        show(drawn("grey"), ("AI",), letters=lettering(Path(__file__)))


def test_directions() -> None:
    assert runs_right_to_left(HEBREW)
    assert runs_right_to_left("12 " + ARABIC)
    assert not runs_right_to_left("AI-generated")
    assert not runs_right_to_left("12")


@pytest.mark.skipif(not BROAD.is_file(), reason="needs a font with Hebrew and Arabic letters")
def test_right_to_left_labels_stand_left_of_the_frame() -> None:
    letters = lettering(BROAD)
    for words in (HEBREW, ARABIC) if letters.shaping else ("נוצר",):
        shown = show(drawn("white"), (words,), letters=letters)
        assert shown.words == words
        inside = shown.pixels[shown.box.rows_columns][:, :, 0] > 128
        middle = inside[inside.shape[0] // 2 - 2 : inside.shape[0] // 2 + 2]
        frame = int(0.12 * shown.box.width)
        assert middle[:, -frame:].any()  # the frame stands at the right end


@pytest.mark.skipif(not BROAD.is_file(), reason="needs a font with Hebrew and Arabic letters")
def test_without_shaping_hebrew_is_turned_and_arabic_refused() -> None:
    bare = Lettering(font=BROAD, shaping=False)
    forwards = Lettering(font=BROAD, shaping=False).coverage("נוצר", 30)
    assert forwards.shape == bare.coverage("נוצר", 30).shape
    with pytest.raises(ConfigurationError, match="join Arabic"):
        bare.coverage(ARABIC, 30)
    with pytest.raises(ConfigurationError, match="mix writing directions"):
        bare.coverage(HEBREW, 30)


def test_the_font_comes_along_and_is_free() -> None:
    font = default_font()
    assert font.is_file()
    assert "SIL OPEN FONT LICENSE" in (font.parent / "LICENSE.txt").read_text("utf-8").upper()


def test_the_label_survives_a_strong_jpeg() -> None:
    from io import BytesIO

    shown = show(drawn("busy"), ("AI-generated",))
    target = BytesIO()
    Image.fromarray(shown.pixels).save(target, "JPEG", quality=40)
    with Image.open(target) as image:
        part = np.asarray(image)[shown.box.rows_columns].astype(int)
    assert np.abs(part - shown.pixels[shown.box.rows_columns].astype(int)).mean() < 12


@pytest.mark.parametrize("size", [(6000, 800), (800, 6000), (4000, 1000), (2600, 1000), (1000, 4000)])
@pytest.mark.parametrize("lines", [("AI-generated",), ("Gemaakt met AI", "AI-generated")], ids=["one", "two"])
def test_a_panorama_shown_as_wide_as_the_screen_has_a_label_that_can_be_read(
    size: tuple[int, int], lines: tuple[str, ...]
) -> None:
    width, height = size
    shown = show(np.full((height, width, 3), 128, np.uint8), lines)
    line = shown.line_share * min(size)
    assert shown.words == " / ".join(lines)
    assert line / max(size) >= SMALLEST_PIXELS / 1080  # on a screen of so many; it was 7
    assert shown.line_share > USUAL_SHARE
    assert shown.box.height <= HIGHEST_SHARE * min(size)
    area = safe_area(width, height)
    assert area.left <= shown.box.left
    assert shown.box.left + shown.box.width <= area.left + area.width
    assert area.top <= shown.box.top
    assert shown.box.top + shown.box.height <= area.top + area.height


@pytest.mark.parametrize("size", [(1600, 900), (900, 1600), (1200, 1200), (1500, 1000), (640, 480)])
def test_a_usual_picture_keeps_its_usual_label(size: tuple[int, int]) -> None:
    shown = show(np.full((size[1], size[0], 3), 128, np.uint8), ("AI-generated",))
    assert shown.line_share == pytest.approx(USUAL_SHARE, abs=0.002)


def test_in_a_strip_the_words_stand_below_the_letters_instead_of_going() -> None:
    shown = show(np.full((100, 4000, 3), 128, np.uint8), ("AI-generated",))
    assert shown.words == "AI-generated"
    assert shown.box.height > shown.box.width / 2


_FIXED = [corner for corner in Corner if corner is not Corner.AUTO]


def with_slogans(*corners: Corner, ground: int = 120) -> np.ndarray:
    """Grain everywhere, and words where the label would stand in these corners."""
    picture = np.random.default_rng(3).normal(ground, 6, (700, 900, 3)).clip(0, 255).astype(np.uint8)
    for corner in corners:
        box = show(picture, ("AI-generated",), corner=corner).box
        cv2.putText(
            picture, "STEM 29", (box.left, box.top + box.height - 6), cv2.FONT_HERSHEY_DUPLEX, 1.0, (250, 240, 60), 2
        )
    return picture


@pytest.mark.parametrize("free", _FIXED)
def test_it_covers_no_slogan_where_a_corner_is_free(free: Corner) -> None:
    picture = with_slogans(*(corner for corner in _FIXED if corner is not free))
    shown = show(picture, ("AI-generated",))
    assert shown.corner is free
    assert shown.box == show(picture, ("AI-generated",), corner=free).box
    assert (shown.text_contrast >= MIN_TEXT_CONTRAST, shown.edge_contrast >= MIN_EDGE_CONTRAST) == (True, True)


def test_it_says_where_every_corner_had_something_to_hide() -> None:
    full, free = with_slogans(*_FIXED), with_slogans(*_FIXED[1:])
    assert show(full, ("AI-generated",)).on_detail
    assert not show(free, ("AI-generated",)).on_detail
    assert not show(full, ("AI-generated",), corner=Corner.TOP_RIGHT).on_detail, "it was asked for"


def test_top_right_is_the_usual_place_and_what_was_asked_for_stands() -> None:
    assert show(with_slogans(), ("AI",)).corner is Corner.TOP_RIGHT
    assert show(np.full((300, 400, 3), 90, np.uint8), ("AI",)).corner is Corner.TOP_RIGHT
    assert show(with_slogans(Corner.TOP_RIGHT), ("AI",), corner=Corner.TOP_RIGHT).corner is Corner.TOP_RIGHT


def test_leaves_are_covered_rather_than_letters() -> None:
    picture = with_slogans(*_FIXED)
    leaves = np.random.default_rng(9).integers(60, 150, (700, 900), np.uint8)
    area = show(picture, ("AI-generated",), corner=Corner.BOTTOM_LEFT).box
    picture[area.rows_columns] = cv2.GaussianBlur(leaves, (0, 0), 1.2)[area.rows_columns][:, :, None]
    assert show(picture, ("AI-generated",)).corner is Corner.BOTTOM_LEFT
