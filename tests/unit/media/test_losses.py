# SPDX-License-Identifier: Apache-2.0
"""Writing pixels back: what is kept stays equal, what is not is named. Every loss listed, none invented (P8)."""

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media import Limits, Window, asset_from_bytes, decode_rgb
from waarmerk.provenance.media.encode import Rewrite, encode
from waarmerk.provenance.media.graft import graft
from waarmerk.provenance.media.losses import CODES, Loss, losses, stock
from waarmerk.provenance.report.wording import wording

LIMITS = Limits()
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'></x:xmpmeta>"


def exif() -> Image.Exif:
    made = Image.Exif()
    made[0x010F], made[0x0112], made[0x8298] = "Maker", 6, "somebody"
    made.get_ifd(0x8769).update({0x829A: 0.01, 0x9003: "2026:11:21 12:00:00"})
    made.get_ifd(0x8825).update({1: "N", 2: (52.0, 22.0, 1.5)})
    return made


def picture() -> Image.Image:
    y, x = np.mgrid[0:90, 0:120]
    planes = [128 + 90 * np.sin(x / 9 + k) * np.cos(y / 7 - k) for k in range(3)]
    return Image.fromarray(np.stack(planes, 2).astype(np.uint8))


def clear() -> Image.Image:
    made = picture()
    made.putalpha(Image.linear_gradient("L").resize(made.size))
    return made


def saved(image: Image.Image, form: str, **options: Any) -> bytes:
    target = io.BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def opened(data: bytes) -> Rewrite:
    asset = asset_from_bytes(data, name=None, limits=LIMITS)
    return Rewrite(asset=asset, picture=decode_rgb(asset, LIMITS), limits=LIMITS)


def rewritten(data: bytes) -> tuple[Rewrite, Rewrite, bytes, set[str]]:
    """Source, result, its bytes and the codes of what was lost, after a small change of all pixels."""
    before = opened(data)
    noise = np.random.default_rng(1).integers(-2, 3, before.host.shape)
    out = encode(before, np.clip(before.host.astype(int) + noise, 0, 255).astype(np.uint8))
    after = opened(out)
    found = losses(stock(before.asset, before.picture, LIMITS), stock(after.asset, after.picture, LIMITS))
    assert before.asset.media_type == after.asset.media_type
    assert before.picture.rgb.shape == after.picture.rgb.shape
    error = np.mean((before.picture.rgb.astype(float) - after.picture.rgb) ** 2)
    assert 10 * np.log10(255**2 / error) > 36
    return before, after, out, {loss.code for loss in found}


def fields(order: bytes) -> bytes:
    """A TIFF of nothing but fields: EXIF, GPS, XMP, IPTC, private ones and a maker note; ``order`` is II or MM."""
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=order)
    tags[271], tags[34665] = "Maker", {0x829A: 0.01, 0x9003: "2026:11:21 12:00:00", 0x927C: b"notes of a camera"}
    tags[34853] = {1: "N", 2: (52.0, 22.0, 1.5)}
    for tag, kind, value in ((700, 1, XMP), (33723, 7, b"\x1c\x02\x05x"), (50000, 2, "private"), (50001, 3, (1, 700))):
        tags[tag] = value
        tags.tagtype[tag] = kind
    tags[34675] = ICC
    head = b"II*\0\x08\0\0\0" if order == b"II" else b"MM\0*\0\0\0\x08"
    return head + tags.tobytes(8)


def everything(order: bytes, compression: str) -> bytes:
    """A picture with all these fields, as photo editors write it."""
    pixels = saved(picture(), "TIFF", compression=compression)
    windows = (Window(io.BytesIO(each), len(each)) for each in (pixels, fields(order)))
    return graft(*windows, LIMITS, without=frozenset())


TEXTS = PngImagePlugin.PngInfo()
TEXTS.add_text("Title", "a title")
TEXTS.add_itxt("XML:com.adobe.xmp", XMP.decode())

KEPT = {
    "jpeg": lambda: saved(
        picture(), "JPEG", quality=88, exif=exif(), icc_profile=ICC, xmp=XMP, comment=b"hello", dpi=(300, 300)
    ),
    "jpeg progressive 4:4:4": lambda: saved(picture(), "JPEG", quality=75, subsampling=0, progressive=True),
    "jpeg grey": lambda: saved(picture().convert("L"), "JPEG"),
    "png": lambda: saved(clear(), "PNG", exif=exif(), icc_profile=ICC, pnginfo=TEXTS, dpi=(72, 72)),
    "png grey alpha": lambda: saved(clear().convert("LA"), "PNG"),
    "webp": lambda: saved(picture(), "WEBP", exif=exif(), icc_profile=ICC, xmp=XMP),
    "webp lossless": lambda: saved(clear(), "WEBP", lossless=True),
    "avif": lambda: saved(clear(), "AVIF", exif=exif(), icc_profile=ICC, xmp=XMP),
    "tiff": lambda: saved(picture(), "TIFF", exif=exif(), icc_profile=ICC, dpi=(300, 300)),
    "tiff packed": lambda: saved(picture(), "TIFF", compression="tiff_lzw", tiffinfo={270: "a title", 700: XMP}),
    "tiff with everything": lambda: everything(b"II", "raw"),
    "tiff with everything, packed": lambda: everything(b"MM", "tiff_adobe_deflate"),
}


@pytest.mark.parametrize("name", KEPT)
def test_everything_around_the_pixels_is_kept(name: str) -> None:
    before, after, out, lost = rewritten(KEPT[name]())
    assert lost == set()
    old, new = before.picture, after.picture
    assert (old.orientation, old.icc_profile, old.mode) == (new.orientation, new.icc_profile, new.mode)
    assert (old.alpha is None) == (new.alpha is None)
    if old.alpha is not None and new.alpha is not None:
        assert np.abs(old.alpha.astype(int) - new.alpha).max() <= (6 if name == "avif" else 0)
    if not any(word in name for word in ("png", "lossless", "packed")):
        assert len(out) < 1.3 * before.asset.bytes


def test_a_jpeg_keeps_its_tables_and_its_metadata_byte_for_byte() -> None:
    data = KEPT["jpeg"]()
    *_, out, _ = rewritten(data)
    old, new = (Image.open(io.BytesIO(each)) for each in (data, out))
    assert old.quantization == new.quantization  # type: ignore[attr-defined]
    for key in ("exif", "icc_profile", "xmp", "comment", "dpi"):
        assert old.info[key] == new.info[key]


@pytest.mark.parametrize("order", [b"II", b"MM"])
def test_a_tiff_keeps_every_field(order: bytes) -> None:
    *_, out, lost = rewritten(everything(order, "tiff_lzw"))
    assert lost == set()
    new = Image.open(io.BytesIO(out))
    assert new.info["compression"] == "tiff_lzw"
    assert new.info["icc_profile"] == ICC
    assert [new.tag_v2[tag] for tag in (271, 700, 50000, 50001)] == ["Maker", XMP, "private", (1, 700)]  # type: ignore[attr-defined]
    inner = new.getexif().get_ifd(34665)
    assert (inner[0x829A], inner[0x9003], inner[0x927C]) == (0.01, "2026:11:21 12:00:00", b"notes of a camera")
    assert new.getexif().get_ifd(34853)[2] == (52.0, 22.0, 1.5)


def test_a_tiff_is_written_upright() -> None:
    _, after, out, lost = rewritten(KEPT["tiff"]())
    assert lost == set()
    assert after.picture.rgb.shape == (120, 90, 3)
    assert 274 not in Image.open(io.BytesIO(out)).tag_v2  # type: ignore[attr-defined]


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    return data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:]


def with_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    chunk = struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return data[:33] + chunk + data[33:]


def jpeg(**options: Any) -> bytes:
    return saved(picture(), "JPEG", quality=90, **options)


def png(mode: str = "RGB", **options: Any) -> bytes:
    return saved(picture().convert(mode), "PNG", **options)


HDR = b"<x:xmpmeta xmlns:x='adobe:ns:meta/' hdrgm:Version='1.0'></x:xmpmeta>"
LOST = {
    "cmyk": (lambda: saved(picture().convert("CMYK"), "JPEG", quality=95, icc_profile=ICC), {"cmyk", "icc"}),
    "cmyk tiff": (lambda: saved(picture().convert("CMYK"), "TIFF"), {"cmyk"}),
    "further pictures": (
        lambda: saved(picture(), "MPO", save_all=True, append_images=[picture()]),
        {"further-pictures", "trailing-data"},
    ),
    "gain map": (lambda: jpeg(xmp=HDR) + jpeg(), {"gain-map"}),
    "moving part": (lambda: jpeg() + b"\0\0\0\x18ftypmp42" + bytes(90), {"trailing-data"}),
    "jpeg credentials": (lambda: with_segment(jpeg(), 0xEB, b"JP\0\1\0\0\0\1" + bytes(8) + b"c2pa"), {"credentials"}),
    "png credentials": (lambda: with_chunk(png(), b"caBX", b"jumb"), {"credentials"}),
    "png unsafe chunk": (lambda: with_chunk(png(), b"prVT", b"x"), {"chunk"}),
    "png behind its end": (lambda: png() + b"PK\3\4", {"trailing-data"}),
    "palette": (lambda: png("P"), {"palette"}),
    "bilevel": (lambda: png("1"), {"bilevel"}),
    "sixteen bits": (lambda: saved(Image.fromarray(np.full((9, 9), 4660, np.uint16)), "PNG"), {"depth"}),
    "tiff thumbnail": (
        lambda: saved(picture(), "TIFF", save_all=True, append_images=[picture().resize((9, 9))]),
        {"pages"},
    ),
}


@pytest.mark.parametrize("name", LOST)
def test_what_is_lost_is_listed(name: str) -> None:
    make, expected = LOST[name]
    *_, lost = rewritten(make())
    assert lost == expected


def test_safe_chunks_and_unknown_segments_are_kept() -> None:
    assert rewritten(with_chunk(png(), b"prVt", b"x"))[3] == set()
    *_, out, lost = rewritten(with_segment(jpeg(), 0xE5, b"Private\0data"))
    assert lost == set()
    assert b"Private\0data" in out


def test_animations_are_known() -> None:
    frames = [picture().rotate(k) for k in range(3)]
    for form in ("PNG", "WEBP", "AVIF"):
        source = opened(saved(frames[0], form, save_all=True, append_images=frames[1:], duration=50))
        assert "animation" in {item.code for item in stock(source.asset, source.picture, LIMITS)}, form


@pytest.mark.parametrize(
    "data", [saved(picture(), "GIF"), saved(Image.new("F", (40, 40)), "TIFF")], ids=["gif", "floating point"]
)
def test_what_is_not_written_here_is_refused(data: bytes) -> None:
    source = opened(data)
    assert not source.is_writable
    with pytest.raises(UnsupportedAsset) as caught:
        encode(source, source.host)
    assert caught.value.code == "media.unwritable"


def test_pixels_of_another_shape_are_a_mistake() -> None:
    source = opened(png())
    with pytest.raises(ValueError, match="shape"):
        encode(source, source.host[1:])


def test_a_damaged_structure_counts_as_lost() -> None:
    source = opened(png())
    damaged = asset_from_bytes(png()[:-20], name=None, limits=LIMITS)
    assert Loss("unreadable") in losses(
        stock(damaged, source.picture, LIMITS), stock(source.asset, source.picture, LIMITS)
    )


def test_every_loss_has_a_sentence() -> None:
    assert {code for code in CODES if not wording("en").has("loss", code)} == set()
    assert set(wording("en").sections["loss"]) == CODES


def hdr_avif(transfer: int) -> bytes:
    """An AVIF whose colour box (ISO/IEC 14496-12, 12.1.5) states BT.2020 primaries and this transfer."""
    data = bytearray(saved(Image.new("RGB", (64, 48), (90, 120, 60)), "AVIF"))
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = b"\0\x09" + transfer.to_bytes(2)
    return bytes(data)


@pytest.mark.parametrize(
    ("transfer", "english", "dutch"), [(16, "PQ curve", "PQ-curve"), (18, "HLG curve", "HLG-curve")]
)
def test_a_lost_statement_about_colours_says_which(transfer: int, english: str, dutch: str) -> None:
    source, plain = opened(hdr_avif(transfer)), opened(saved(picture(), "PNG"))
    before = stock(source.asset, source.picture, LIMITS)
    (lost,) = [each for each in losses(before, stock(plain.asset, plain.picture, LIMITS)) if each.code == "colour"]
    assert english in wording("en").loss(lost.code, lost.about)
    assert dutch in wording("nl").loss(lost.code, lost.about)
    for language in ("en", "nl"):
        words = wording(language)
        for chunk in (b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI"):
            assert words.has("colour", chunk.decode()), "chunks of a PNG that speak of colours"
