# SPDX-License-Identifier: Apache-2.0
"""XMP goes into a file without touching its pixels, and nothing that stood in the earlier packet is lost."""

import shutil
import struct
import subprocess
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from waarmerk.provenance.errors import ConfigurationError, LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import Content, Limits, asset_from_bytes
from waarmerk.provenance.media.segments import jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.metadata import read
from waarmerk.provenance.metadata.xmp_packet import Statement, compose
from waarmerk.provenance.metadata.xmp_write import (
    WRITABLE,
    earlier_packet,
    state,
    state_in,
    write_packet,
    write_packet_in,
)

AI = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAMERA = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SAID = Statement(source_type=AI, system="Example Model", system_version="3", title='Poster "A" <b> & é')
LIMITS = Limits()
STILLS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "image/avif": "AVIF", "image/tiff": "TIFF"}
FOREIGN = b"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Some Tool"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:own="https://example.org/own/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 own:colour="green &amp; blue" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture">
<own:parts><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></own:parts>
<dc:creator xmlns:dc="http://purl.org/dc/elements/1.1/"><rdf:Seq><rdf:li>A. Photographer</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def picture(form: str, mode: str = "RGB", **options: object) -> bytes:
    pixels = np.random.default_rng(1).integers(0, 256, (96, 128, 4), np.uint8)
    target = BytesIO()
    Image.fromarray(pixels).convert(mode).save(target, form, **options)
    return target.getvalue()


def decoded(data: bytes) -> bytes:
    with Image.open(BytesIO(data)) as image:
        return image.tobytes()


def declared(data: bytes) -> object:
    return read(asset_from_bytes(data, name=None, limits=LIMITS), LIMITS)


def fourcc(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + name + body


def film(*, tail_to_end: bool = False) -> bytes:
    media = b"\x00\x01" * 400
    last = struct.pack(">I", 0) + b"mdat" + media if tail_to_end else fourcc(b"mdat", media)
    return fourcc(b"ftyp", b"isom\0\0\2\0isommp41") + fourcc(b"moov", fourcc(b"mvhd", bytes(100))) + last


@pytest.mark.parametrize("media_type", sorted(STILLS))
@pytest.mark.parametrize("earlier", [None, FOREIGN], ids=["without", "with"])
def test_what_is_written_is_read_and_the_pixels_stay(media_type: str, earlier: bytes | None) -> None:
    data = picture(STILLS[media_type])
    if earlier is not None:
        data = write_packet(data, media_type, earlier, LIMITS)
        assert declared(data).source_types == (CAMERA,)
    written = state(data, media_type, SAID, LIMITS)
    found = declared(written)
    assert found.source_types == (AI,)
    assert found.ai_system == "Example Model 3"
    assert found.findings == ()
    assert decoded(written) == decoded(data)
    again = state(written, media_type, SAID, LIMITS)
    assert earlier_packet(again, media_type, LIMITS) == earlier_packet(written, media_type, LIMITS)
    assert decoded(again) == decoded(data)


@pytest.mark.parametrize(
    ("form", "mode", "options"),
    [
        ("WEBP", "RGBA", {"lossless": True}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("TIFF", "L", {"compression": "tiff_lzw"}),
        ("AVIF", "RGBA", {}),
        ("JPEG", "L", {"progressive": True}),
    ],
)
def test_other_kinds_of_each_format(form: str, mode: str, options: dict[str, object]) -> None:
    data = picture(form, mode, **options)
    media_type = asset_from_bytes(data, name=None, limits=LIMITS).media_type
    written = state(data, media_type, SAID, LIMITS)
    assert declared(written).source_types == (AI,)
    with Image.open(BytesIO(written)) as image, Image.open(BytesIO(data)) as before:
        assert image.mode == before.mode
        assert image.tobytes() == before.tobytes()


def test_the_coded_picture_is_the_same_bytes() -> None:
    jpeg, png, webp = (picture(form) for form in ("JPEG", "PNG", "WEBP"))

    def scan(data: bytes) -> bytes:
        last = list(jpeg_segments(Window(BytesIO(data), len(data)), LIMITS))[-1]
        return data[last.offset + last.size :]

    assert scan(state(jpeg, "image/jpeg", SAID, LIMITS)) == scan(jpeg)
    for data, media_type, walk, name in (
        (png, "image/png", png_chunks, b"IDAT"),
        (webp, "image/webp", riff_chunks, b"VP8 "),
    ):
        parts = []
        for version in (data, state(data, media_type, SAID, LIMITS)):
            window = Window(BytesIO(version), len(version))
            parts.append([window.at(p.offset, p.size) for p in walk(window, LIMITS) if p.name == name])
        assert parts[0] == parts[1] != []


@pytest.mark.parametrize("tail_to_end", [False, True])
def test_a_film_keeps_every_byte_before_the_packet(tail_to_end: bool) -> None:
    data = film(tail_to_end=tail_to_end)
    written = state(data, "video/mp4", SAID, LIMITS)
    start = data.index(b"mdat")
    assert written[: start - 4] == data[: start - 4]
    assert written[start : len(data)] == data[start:]
    assert declared(written).source_types == (AI,)
    longer = Statement(source_type=CAMERA, title="t" * 600)
    again = state(written, "video/mp4", longer, LIMITS)
    assert declared(again).source_types == (CAMERA,)
    assert again.count(bytes.fromhex("be7acfcb97a942e89c71999491e3afac")) == 1
    shorter = write_packet(again, "video/mp4", compose(SAID), LIMITS)
    assert len(shorter) == len(again)
    assert declared(shorter).source_types == (AI,)


@pytest.mark.parametrize("tail_to_end", [False, True])
def test_a_film_on_a_disk_gets_the_same_packet(tail_to_end: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waarmerk.provenance.media.content.IN_MEMORY_BYTES", 10)
    data = film(tail_to_end=tail_to_end)
    statements = (
        SAID,
        Statement(source_type=CAMERA, title="t" * 600),
        SAID,
        Statement(source_type=AI, title="t" * 2000),
    )
    for statement in statements:
        content, data = Content.copied(BytesIO(data)), state(data, "video/mp4", statement, LIMITS)
        assert content.lies_on_disk
        assert state_in(content, "video/mp4", statement, LIMITS).read() == data
    with pytest.raises(LimitExceeded):
        write_packet_in(Content.copied(BytesIO(data)), "video/mp4", bytes(LIMITS.xmp_bytes + 1), LIMITS)
    with pytest.raises(UnsupportedAsset):
        write_packet_in(Content.copied(BytesIO(b"too short for a box, " * 5)), "video/mp4", b"<x/>", LIMITS)


def test_foreign_properties_stay_and_ours_are_replaced() -> None:
    packet = compose(SAID, FOREIGN).decode()
    for kept in ('own:colour="green &amp; blue"', "<rdf:li>two</rdf:li>", "A. Photographer", 'x:xmptk="Some Tool"'):
        assert kept in packet
    assert packet.count("DigitalSourceType>") == 2
    assert "digitalCapture" not in packet
    assert "&lt;b&gt; &amp; é" in packet


def test_only_what_is_given_is_said() -> None:
    packet = compose(Statement(source_type="digsrctype:trainedAlgorithmicMedia")).decode()
    assert AI in packet
    assert "AISystem" not in packet
    assert "title" not in packet
    assert "Date" not in packet


@pytest.mark.parametrize(
    "bad",
    [
        b"<x:xmpmeta",
        b"<a><b></a>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b"",
        b"<a/>",
        b"<a>" * 5000 + b"</a>" * 5000,
    ],
)
def test_a_packet_that_cannot_be_read_is_not_thrown_away(bad: bytes) -> None:
    with pytest.raises(UnsupportedAsset, match="cannot be kept"):
        compose(SAID, bad)


def test_texts_and_types_are_looked_at_before_anything_is_written() -> None:
    with pytest.raises(ConfigurationError):
        Statement(source_type="https://example.org/made-up")
    with pytest.raises(ConfigurationError):
        Statement(source_type=AI, title="a\x00b")
    with pytest.raises(ConfigurationError):
        Statement(source_type=AI, title="a" * 2001)


def test_a_packet_too_long_for_a_segment_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        write_packet(picture("JPEG"), "image/jpeg", b"x" * 65_600, LIMITS)


@pytest.mark.parametrize("media_type", sorted(WRITABLE))
def test_broken_files_are_refused_in_words(media_type: str) -> None:
    data = film() if media_type.startswith("video") else picture(STILLS[media_type])
    for end in (0, 4, 9, 20, 30):
        with pytest.raises((UnsupportedAsset, LimitExceeded)):
            write_packet(data[:end], media_type, compose(SAID), LIMITS)


def test_a_format_without_writer_is_refused() -> None:
    with pytest.raises(UnsupportedAsset, match="not written"):
        state(picture("GIF", "P"), "image/gif", SAID, LIMITS)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed")
@pytest.mark.parametrize("media_type", sorted(STILLS))
def test_exiftool_reads_it(media_type: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(state(picture(STILLS[media_type]), media_type, SAID, LIMITS))
    seen = subprocess.run(
        ["exiftool", "-n", "-XMP-iptcExt:DigitalSourceType", "-s3", str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert seen.stdout.strip() == AI
