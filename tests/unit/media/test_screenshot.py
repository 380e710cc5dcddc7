# SPDX-License-Identifier: Apache-2.0
"""The picture inside a screenshot is found to its edges; a photograph is not called a screenshot."""

import csv
import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tests.conftest import ROOT
from tests.unit.media.screens import Screen, scene, screens
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.media.screenshot import Region, inner_picture, layout
from waarmerk.provenance.model import Assurance
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.sources.screenshot import ScreenshotSource

NEEDED = 18  # of twenty


def distance(found: Region | None, screen: Screen) -> float:
    """How far the worst side is off, as a share of the picture's side; 1 where nothing was found."""
    assert screen.box is not None
    left, top, width, height = screen.box
    if found is None:
        return 1.0
    return max(
        abs(found.left - left) / width,
        abs(found.right - left - width) / width,
        abs(found.top - top) / height,
        abs(found.bottom - top - height) / height,
    )


def test_twenty_screenshots_give_their_picture() -> None:
    makers: list[Callable[[], Screen]] = list(screens())
    assert len(makers) == 20
    off: dict[str, float] = {}
    for make in makers:
        screen = make()
        off[screen.name] = distance(inner_picture(screen.rgb), screen)
    assert sum(each <= 0.02 for each in off.values()) >= NEEDED, off


@pytest.mark.parametrize("seed", range(900, 912))
def test_a_picture_alone_holds_no_other(seed: int) -> None:
    assert inner_picture(scene(900, 640, seed)) is None


def test_no_photograph_of_the_corpus_is_called_a_screenshot(shared: Path) -> None:
    folder = shared / "corpus" / "photos"
    with (folder / "SOURCES.csv").open(encoding="utf-8") as table:
        kinds = {row["file"]: row["kind"] for row in csv.DictReader(table)}
    plain = [name for name, kind in kinds.items() if kind != "screenshot"]
    assert len(plain) >= 23
    source = ScreenshotSource(Limits())
    for name in plain:
        asset = open_asset(folder / name, limits=Limits())
        assert not asset.hints, name
        assert not source.examine(asset).evidence, name
        assert inner_picture(decode_rgb(asset, Limits()).rgb) is None, name


def test_the_samples_credentials_or_not(tmp_path: Path) -> None:
    source = ScreenshotSource(Limits())
    for path in sorted((ROOT / "samples" / "media").glob("*.[jpw]*")):
        if path.suffix not in (".jpg", ".png", ".webp"):
            continue
        found = source.examine(open_asset(path, limits=Limits())).evidence
        assert bool(found) is (path.stem == "messenger-screenshot"), path.name


def test_the_hint_supports_no_claim() -> None:
    asset = open_asset(ROOT / "samples" / "media" / "messenger-screenshot.jpg", limits=Limits())
    (evidence,) = ScreenshotSource(Limits()).examine(asset).evidence
    assert evidence.assurance is Assurance.ABSENT
    assert not evidence.origin.is_ai
    assert [finding.code for finding in evidence.findings] == ["media.picture-within"]


def test_a_poster_with_a_picture_is_not_called_a_screenshot(tmp_path: Path) -> None:
    """Even areas with letters around a picture: so are interfaces, and which of them it is, is not told."""
    poster = Image.new("RGB", (1000, 1414), (200, 20, 30))
    for top, text in ((80, "MEER ZORG"), (950, "Stem lijst 9"), (1150, "29 oktober")):
        ImageDraw.Draw(poster).text((80, top), text, fill="white", font_size=120)
    poster.paste(Image.fromarray(scene(840, 560, 5)), (80, 300))
    poster.save(tmp_path / "poster.png")
    (evidence,) = ScreenshotSource(Limits()).examine(open_asset(tmp_path / "poster.png", limits=Limits())).evidence
    assert [finding.code for finding in evidence.findings] == ["media.picture-within"]
    for language in ("en", "nl"):
        sentence = wording(language).concern("media.picture-within", "")
        assert "poster" in sentence
    flat = Image.new("RGB", (1000, 1414), (20, 60, 160))
    ImageDraw.Draw(flat).rectangle((150, 350, 850, 1000), fill=(250, 210, 40))
    ImageDraw.Draw(flat).text((80, 60), "MEER HUIZEN", fill="white", font_size=110)
    flat.save(tmp_path / "flat.png")
    assert not ScreenshotSource(Limits()).examine(open_asset(tmp_path / "flat.png", limits=Limits())).evidence


def test_what_cannot_be_decoded_is_no_screenshot(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    assert not ScreenshotSource(Limits()).examine(open_asset(path, limits=Limits())).evidence


def test_a_frame_is_no_interface() -> None:
    framed = np.full((800, 1000, 3), 255, np.uint8)
    framed[100:700, 120:880] = scene(760, 600, 3)
    found = layout(framed)
    assert found is not None
    assert dataclasses.astuple(found.inner) == (120, 100, 760, 600)
    assert not found.has_interface


def test_a_very_large_picture_is_looked_at_in_part() -> None:
    large = np.full((3200, 3200, 3), 30, np.uint8)
    large[400:2800, 200:3000] = np.asarray(Image.fromarray(scene(1400, 1200, 4)).resize((2800, 2400)))
    found = inner_picture(large)
    assert found is not None
    assert abs(found.left - 200) <= 4
    assert abs(found.bottom - 2800) <= 4


@pytest.mark.parametrize("bad", [np.zeros((200, 200), np.uint8), np.zeros((200, 200, 3), np.float32)])
def test_other_arrays_are_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        inner_picture(bad)


@given(
    st.integers(1, 400),
    st.integers(1, 400),
    st.sampled_from(["zeros", "noise", "ramp", "stripes"]),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=30, deadline=None)
def test_any_array_gives_nothing_or_a_region_inside(width: int, height: int, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rgb = np.zeros((height, width, 3), np.uint8)
    if kind == "noise":
        rgb = rng.integers(0, 256, rgb.shape, dtype=np.uint8)
    elif kind == "ramp":
        rgb[:] = (np.arange(width) % 256).astype(np.uint8)[None, :, None]
    elif kind == "stripes":
        rgb[::7] = 255
    before = rgb.copy()
    found = inner_picture(rgb)
    assert np.array_equal(before, rgb)
    if found is not None:
        assert 0 <= found.left < found.right <= width
        assert 0 <= found.top < found.bottom <= height
