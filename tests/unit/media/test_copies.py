# SPDX-License-Identifier: Apache-2.0
"""Screenshots and messenger copies by their header: several signs together, or one that speaks for itself."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.unit.media.screens import scene
from waarmerk.provenance.media.copies import MESSENGER, SCREENSHOT, quality_of
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes


def picture(width: int, height: int, form: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    small = Image.fromarray(scene(200, 150, 5)).resize((width, height))
    small.save(out, form, **options)
    return out.getvalue()


def hints(data: bytes, name: str | None = "x.jpg") -> dict[str, str]:
    found = asset_from_bytes(data, name=name, limits=Limits()).hints
    return {finding.code: finding.about for finding in found if finding.code in (SCREENSHOT, MESSENGER)}


def camera(**tags: str) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "Voorbeeld"
    for tag, value in tags.items():
        exif[int(tag[1:], 16)] = value
    return exif.tobytes()


def test_the_size_of_a_screen_without_a_camera() -> None:
    assert hints(picture(1170, 2532, "PNG"), "IMG_0001.png") == {SCREENSHOT: "screen-size; no-camera"}
    assert hints(picture(2532, 1170, quality=95)) == {SCREENSHOT: "screen-size; no-camera"}
    assert hints(picture(1170, 2532, exif=camera(), quality=95)) == {}


def test_ordinary_sizes_say_nothing() -> None:
    for size in ((1920, 1080), (1024, 1024), (4032, 3024), (640, 480)):
        assert hints(picture(*size, quality=95)) == {}, size


@pytest.mark.parametrize("name", ["Screenshot_20261121-140700.png", "Schermafbeelding 2026-11-21 om 14.07.png"])
def test_a_name_that_says_so(name: str) -> None:
    assert hints(picture(800, 600, "PNG"), name) == {SCREENSHOT: "screen-name; no-camera"}


def test_a_note_in_the_metadata_is_enough() -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0Screenshot"
    assert "screen-note" in hints(picture(600, 900, exif=exif.tobytes()))[SCREENSHOT]
    text = PngImagePlugin.PngInfo()
    text.add_text("Software", "gnome-screenshot")
    assert "screen-note" in hints(picture(600, 900, "PNG", pnginfo=text), "x.png")[SCREENSHOT]


@pytest.mark.parametrize(
    "name",
    [
        "IMG-20261121-WA0003.jpg",
        "WhatsApp Image 2026-11-21 at 14.07.11.jpeg",
        "photo_2026-11-21_14-07-11.jpg",
        "signal-2026-11-21-140711_002.jpg",
    ],
)
def test_names_that_messengers_give(name: str) -> None:
    assert "messenger-name" in hints(picture(900, 700, quality=80), name)[MESSENGER]


def test_size_compression_and_silence_together() -> None:
    coarse = picture(1600, 1200, quality=80)
    assert hints(coarse) == {MESSENGER: "messenger-size; recompressed; no-metadata"}
    assert hints(picture(1600, 1200, quality=97)) == {}
    assert hints(picture(1500, 1200, quality=80)) == {}
    assert hints(picture(1600, 1200, quality=80, exif=camera())) == {}


def test_the_mark_of_a_platform() -> None:
    data = picture(700, 500, quality=90)
    block = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x10\x1c\x02\x28\x00\x0bFBMD0100000"
    marked = data[:2] + b"\xff\xed" + (len(block) + 2).to_bytes(2) + block + data[2:]
    assert "messenger-note" in hints(marked)[MESSENGER]


@pytest.mark.parametrize("quality", [1, 30, 50, 75, 80, 92, 100])
def test_the_quality_is_read_from_the_table(quality: int) -> None:
    data = picture(64, 64, quality=quality)
    at = data.index(b"\xff\xdb")
    assert quality_of(data[at + 4 : at + 69]) == quality


def test_other_tables_have_no_quality() -> None:
    assert quality_of(b"") is None
    assert quality_of(bytes([0, *range(1, 65)])) is None
    assert quality_of(bytes([16]) + bytes(128)) is None


def test_a_header_cut_short_says_nothing() -> None:
    data = picture(1600, 1200, quality=80)
    for end in (20, 100, 400):
        assert hints(data[:end]) == {}


def test_random_bytes_behind_a_magic_number_never_raise(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    for magic in (b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"RIFF\x40\0\0\0WEBP"):
        for _ in range(200):
            hints(magic + rng.bytes(200))
