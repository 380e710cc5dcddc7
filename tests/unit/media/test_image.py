# SPDX-License-Identifier: Apache-2.0
import io
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import Header, Limits, Window, asset_from_bytes, decode_rgb, read_header
from waarmerk.provenance.media.image import pixels_decoded

LIMITS = Limits()
FORMS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "GIF": "image/gif",
    "WEBP": "image/webp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
}


def picture(mode: str = "RGB", size: tuple[int, int] = (37, 23)) -> Image.Image:
    grid = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 4), dtype=np.uint8)
    return Image.fromarray(grid, "RGBA").convert(mode) if mode != "RGBA" else Image.fromarray(grid, "RGBA")


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def header(data: bytes, media_type: str, limits: Limits = LIMITS) -> Header:
    return read_header(Window(io.BytesIO(data), len(data)), media_type, limits)


def decode(data: bytes, limits: Limits = LIMITS) -> Any:
    return decode_rgb(asset_from_bytes(data, name=None, limits=LIMITS), limits)


@pytest.mark.parametrize("form", FORMS)
def test_header_agrees_with_the_decoder(form: str) -> None:
    found = header(saved(picture(), form), FORMS[form])
    assert (found.width, found.height, found.frames) == (37, 23, 1)


@pytest.mark.parametrize(
    ("form", "options"), [("WEBP", {"lossless": True}), ("WEBP", {"exact": True}), ("JPEG", {"progressive": True})]
)
def test_variants_of_a_container(form: str, options: dict[str, Any]) -> None:
    image = picture("RGBA" if form == "WEBP" else "RGB")
    found = header(saved(image, form, **options), FORMS[form])
    assert (found.width, found.height) == (37, 23)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_frames_are_counted_up_to_the_limit(form: str) -> None:
    frames = [picture("RGB", (4, 4)).point(lambda v, k=k: (v + 40 * k) % 256) for k in range(5)]
    data = saved(frames[0], form, save_all=True, append_images=frames[1:], duration=50)
    assert header(data, FORMS[form]).frames == 5
    assert header(data, FORMS[form], Limits(frames=2)).frames == 3


def png(width: int, height: int, *chunks: tuple[bytes, bytes]) -> bytes:
    ihdr = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", ihdr), *chunks, (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")):
        data += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return data


def test_a_header_that_lies_is_reported_as_stated() -> None:
    asset = asset_from_bytes(png(2**31 - 1, 2**31 - 1), name=None, limits=LIMITS)
    assert (asset.width, asset.height) == (2**31 - 1, 2**31 - 1)


@pytest.mark.parametrize("size", [(30000, 30000), (2**31 - 1, 2**31 - 1), (8000, 8000)])
def test_too_many_pixels_are_refused_before_decoding(size: tuple[int, int]) -> None:
    with pytest.raises(LimitExceeded) as caught:
        decode(png(*size))
    assert caught.value.code == "media.too-many-pixels"


@pytest.mark.parametrize(("form", "most"), [("JPEG", 850), ("PNG", 850), ("WEBP", 400), ("AVIF", 251), ("TIFF", 850)])
def test_a_format_whose_decoder_holds_more_has_fewer_pixels(form: str, most: int) -> None:
    """By the memory that is allowed: 6,800 bytes here, eight a pixel of most formats."""
    limits = Limits(decoding_bytes=6_800)
    assert pixels_decoded(FORMS[form], limits) == most
    assert decode(saved(picture(size=(most // 10, 10)), form), limits).rgb.shape[0] == 10
    with pytest.raises(LimitExceeded) as caught:
        decode(saved(picture(size=(most // 10 + 1, 10)), form), limits)
    assert caught.value.code == "media.too-many-pixels"


def tiff_of_16_bits(width: int, height: int) -> bytes:
    """RGBA of 16 bits in one strip, which Pillow reads and does not write (TIFF 6.0)."""
    strip, count = zlib.compress(bytes(8 * width * height)), 11
    depths = 8 + 2 + 12 * count + 4
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 4, depths), (259, 3, 1, 8), (262, 3, 1, 2)]
    tags += [(273, 4, 1, depths + 8), (277, 3, 1, 4), (278, 4, 1, height), (279, 4, 1, len(strip)), (284, 3, 1, 1)]
    tags += [(338, 3, 1, 2)]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + struct.pack("<4H", *[16] * 4) + strip


@pytest.mark.parametrize(
    ("data", "most"),
    [
        (lambda width: saved(picture(size=(width, 10)), "JPEG", progressive=True), 65),
        (lambda width: saved(picture(size=(width, 10)).convert("CMYK"), "JPEG", progressive=True), 50),
        (lambda width: tiff_of_16_bits(width, 10), 50),
        (lambda width: saved(picture(size=(width, 10)).convert("CMYK"), "JPEG"), 81),
    ],
)
def test_what_a_decoder_holds_whole_has_fewer_pixels(data: Callable[[int], bytes], most: int) -> None:
    """What comes scan by scan, samples of 16 bits: 505 and 599 MiB at 49 megapixels."""
    limits = Limits(decoding_bytes=6_500)
    assert decode(data(most), limits).rgb.shape == (10, most, 3)
    with pytest.raises(LimitExceeded) as caught:
        decode(data(most + 1), limits)
    assert caught.value.code == "media.too-many-pixels"


def test_pictures_of_phones_and_cameras_are_within_the_limits_of_their_formats() -> None:
    most = {form: pixels_decoded(f"image/{form}", LIMITS) for form in ("jpeg", "png", "tiff", "heic", "webp", "avif")}
    assert most["jpeg"] == most["png"] == most["tiff"] == 50_000_000
    assert most["heic"] >= 5712 * 4284
    assert most["webp"] >= 6000 * 4000
    assert most["avif"] >= 4928 * 3264


def test_a_truncated_header_is_empty() -> None:
    data = saved(picture(), "JPEG")
    assert header(data[:40], "image/jpeg") == Header()


def test_svg_states_pixels_or_nothing() -> None:
    assert header(b"<svg width='10' height=\"20.5px\">", "image/svg+xml") == Header(width=10, height=20)
    assert header(b"<svg width='10mm' height='20%'>", "image/svg+xml") == Header()


def test_the_largest_directory_of_a_raw_file_counts() -> None:
    entries = [(256, 160), (257, 120), (330, 80)]
    first = struct.pack("<H", 3) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in entries) + bytes(4)
    inner = (
        struct.pack("<H", 2)
        + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in ((256, 6000), (257, 4000)))
        + bytes(4)
    )
    data = b"II*\0" + struct.pack("<I", 8) + first
    found = header(data.ljust(80, b"\0") + inner, "image/tiff")
    assert (found.width, found.height) == (6000, 4000)


def test_directories_that_point_at_each_other_end() -> None:
    directory = struct.pack("<H", 1) + struct.pack("<HHII", 256, 4, 1, 5) + struct.pack("<I", 8)
    assert header(b"II*\0" + struct.pack("<I", 8) + directory, "image/tiff").frames == 1


@pytest.mark.parametrize(
    ("mode", "form", "alpha"),
    [
        ("RGB", "PNG", False),
        ("RGBA", "PNG", True),
        ("L", "PNG", False),
        ("LA", "PNG", True),
        ("P", "GIF", False),
        ("CMYK", "JPEG", False),
        ("1", "TIFF", False),
        ("RGB", "AVIF", False),
    ],
)
def test_every_mode_becomes_rgb(mode: str, form: str, alpha: bool) -> None:
    found = decode(saved(picture(mode), form))
    assert found.rgb.shape == (23, 37, 3)
    assert found.rgb.dtype == np.uint8
    assert (found.alpha is not None) is alpha


def test_pixels_and_alpha_are_those_of_the_file() -> None:
    image = picture("RGBA")
    found = decode(saved(image, "PNG"))
    assert np.array_equal(np.dstack([found.rgb, found.alpha]), np.asarray(image))


def test_sixteen_bits_keep_their_upper_half() -> None:
    grey = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    found = decode(saved(Image.fromarray(grey), "PNG"))
    assert np.array_equal(found.rgb[:, :, 1], grey >> 8)


def test_what_a_rewrite_needs_is_kept_and_pixels_are_not_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    found = decode(saved(picture(), "JPEG", exif=exif, icc_profile=b"profile"))
    assert (found.orientation, found.icc_profile, found.rgb.shape) == (6, b"profile", (23, 37, 3))
    assert found.exif is not None


@pytest.mark.parametrize("data", [saved(picture(), "JPEG")[:500], b"\x89PNG\r\n\x1a\n" + bytes(64), b"%PDF-1.7\n"])
def test_what_does_not_decode_is_an_error_of_ours(data: bytes) -> None:
    with pytest.raises(UnsupportedAsset) as caught:
        decode(data)
    assert caught.value.code == "media.undecodable"


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_mutated_pictures_decode_or_are_refused(form: str, data: st.DataObject) -> None:
    good = saved(picture(), form)
    at = data.draw(st.integers(12, min(len(good), 400) - 1))
    bad = good[:at] + data.draw(st.binary(min_size=1, max_size=4)) + good[at + 1 :]
    header(bad, FORMS[form])
    with suppress(UnsupportedAsset, LimitExceeded):
        decode(bad, Limits(frame_pixels=100_000))


@pytest.mark.parametrize("name", ["webp_16383.webp", "png_30000_1bit.png", "png_lying_dims.png"])
def test_bombs_of_the_corpus_are_refused(name: str, shared: Path) -> None:
    with pytest.raises(LimitExceeded):
        decode((shared / "corpus" / "hostile" / name).read_bytes())
