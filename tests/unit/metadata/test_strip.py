# SPDX-License-Identifier: Apache-2.0
"""Personal details go out of every format's metadata, the rest and the pixels stay as they were, nothing raises."""

import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.unit.metadata.test_personal import XMP, filled, found, picture
from tests.unit.metadata.test_xmp_write import AI, film
from waarmerk.provenance.media import Content, Limits, asset_of
from waarmerk.provenance.media.photoshop import resources
from waarmerk.provenance.metadata.personal import personal
from waarmerk.provenance.metadata.strip import stripped, without_personal, without_thumbnails
from waarmerk.provenance.metadata.xmp_packet import Statement, compose
from waarmerk.provenance.metadata.xmp_write import write_packet

TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "TIFF": "image/tiff",
}
SECRETS = (b"A. Photographer", b"B. Owner", b"0012345", b"maker's own")


def pixels(data: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    with Image.open(BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


def iim(*sets: tuple[int, bytes]) -> bytes:
    return b"".join(b"\x1c\x02" + struct.pack(">BH", number, len(value)) + value for number, value in sets)


def resource(number: int, content: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", number, 0, len(content)) + content + bytes(len(content) & 1)


def with_photoshop(data: bytes, body: bytes, size: int = 60_000) -> bytes:
    out = b""
    for at in range(0, len(body), size):
        part = b"Photoshop 3.0\0" + body[at : at + size]
        out += b"\xff\xed" + struct.pack(">H", len(part) + 2) + part
    return data[:2] + out + data[2:]


@pytest.mark.parametrize("form", TYPES)
def test_exif_goes_and_the_rest_of_it_stays(form: str) -> None:
    exif = filled()
    exif[0x010F], exif[33432] = "A maker of cameras", "All rights reserved"
    exif.get_ifd(0x8769)[36867] = "2026:05:01 10:00:00"
    data = picture(form, exif=exif.tobytes())
    made, kinds = without_personal(data, TYPES[form], Limits())
    assert kinds == ("position", "author", "owner", "serial", "maker-note")
    assert found(made) == ("rights",)
    assert len(made) == len(data)
    assert not [secret for secret in SECRETS if secret in made]
    assert (pixels(made) == pixels(data)).all()
    with Image.open(BytesIO(made)) as image:
        left = image.getexif()
        assert (left[0x010F], left[33432]) == ("A maker of cameras", "All rights reserved")
        assert left.get_ifd(0x8769)[36867] == "2026:05:01 10:00:00"
        assert not left.get_ifd(0x8825)


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF"])
def test_xmp_goes_and_the_rest_of_it_stays(form: str) -> None:
    packet = XMP.replace(b"<dc:creator>", b"<dc:title><rdf:Alt><rdf:li>Kept</rdf:li></rdf:Alt></dc:title><dc:creator>")
    made, kinds = without_personal(picture(form, xmp=packet), TYPES[form], Limits())
    assert kinds == ("author", "persons", "serial")
    assert found(made) == ()
    assert b"Kept" in made
    assert b"A. Photographer" not in made


def test_other_prefixes_do_not_hide_a_name() -> None:
    packet = XMP.replace(b"dc:", b"a:").replace(b":dc=", b":a=")
    made, kinds = without_personal(picture("JPEG", xmp=packet), "image/jpeg", Limits())
    assert "author" in kinds
    assert b"A. Photographer" not in made


def test_png_texts_and_copies() -> None:
    info = PngInfo()
    for key in ("Author", "Title", "Raw profile type iptc"):
        info.add_text(key, f"the {key}")
    made, kinds = without_personal(picture("PNG", pnginfo=info), "image/png", Limits())
    assert kinds == ("author", "copies")
    with Image.open(BytesIO(made)) as image:
        image.load()
        assert list(image.info) == ["Title"]


@pytest.mark.parametrize("size", [60_000, 9])
def test_photoshop_resources_of_a_jpeg(size: int) -> None:
    names = iim((80, b"A. Photographer"), (90, b"Gouda"), (105, b"A headline"))
    body = (
        resource(1005, b"0123456789abcdef")
        + resource(1028, names)
        + resource(1058, b"II*\0copy")
        + resource(1061, b"k")
    )
    made, kinds = without_personal(with_photoshop(picture("JPEG"), body, size), "image/jpeg", Limits())
    assert kinds == ("position", "author", "copies")
    assert b"A. Photographer" not in made
    assert b"Gouda" not in made
    with Image.open(BytesIO(made)) as image:
        left = image.info["photoshop"]
    assert left[1028] == iim((105, b"A headline"))
    assert set(left) == {1005, 1028, 1061}


def test_iptc_of_a_tiff() -> None:
    names = iim((80, b"A. Photographer"), (105, b"A headline"))
    info = {34377: resource(1028, names), 33723: names}
    data = picture("TIFF", tiffinfo=info)
    made, kinds = without_personal(data, "image/tiff", Limits())
    assert kinds == ("author",)
    assert b"A. Photographer" not in made
    assert made.count(b"A headline") == 2
    assert (pixels(made) == pixels(data)).all()


def test_thumbnails_in_xmp() -> None:
    inner = b'<xmp:Thumbnails xmlns:xmp="http://ns.adobe.com/xap/1.0/"><rdf:Alt><rdf:li>/9j/</rdf:li></rdf:Alt></xmp:Thumbnails>'
    packet = XMP.replace(b"<dc:creator>", inner + b"<dc:creator>")
    made, had = without_thumbnails(picture("JPEG", xmp=packet), "image/jpeg", Limits())
    assert had
    assert b"/9j/" not in made
    assert b"A. Photographer" in made
    assert without_thumbnails(made, "image/jpeg", Limits()) == (made, False)


@pytest.mark.parametrize("form", TYPES)
def test_a_file_without_them_is_not_touched(form: str) -> None:
    data = picture(form)
    assert without_personal(data, TYPES[form], Limits()) == (data, ())


@pytest.mark.parametrize("form", TYPES)
def test_damage_never_raises(form: str) -> None:
    how = {} if form in ("PNG", "TIFF") else {"xmp": XMP}
    whole = picture(form, exif=filled().tobytes(), **how)
    for cut in range(60, len(whole), 41):
        without_personal(whole[:cut], TYPES[form], Limits())
    for at in range(12, min(len(whole), 900), 3):
        without_personal(whole[:at] + bytes((whole[at] ^ 0x55,)) + whole[at + 1 :], TYPES[form], Limits())


def test_a_value_that_points_at_others_takes_nothing_along() -> None:
    """An artist whose text is said to be the whole file: the picture and the other fields stay."""
    whole = picture("TIFF", tiffinfo={315: "A. Photographer", 271: "A maker of cameras"})
    data = bytearray(whole)
    at = data.find(struct.pack("<HH", 315, 2))
    struct.pack_into("<II", data, at + 4, len(data), 0)
    made, _ = without_personal(bytes(data), "image/tiff", Limits())
    assert found(made) == ()
    assert (pixels(made) == pixels(whole)).all()
    with Image.open(BytesIO(made)) as image:
        assert image.getexif()[271] == "A maker of cameras"


def test_resources_that_are_none() -> None:
    assert [each.number for each in resources(b"nonsense")] == [0]
    assert list(resources(b"")) == []
    for cut in range(40):
        assert (
            b"".join(each.whole for each in resources(resource(1028, b"abc" * 9)[:cut]))
            == resource(1028, b"abc" * 9)[:cut]
        )


@pytest.mark.parametrize("has_room", [False, True])
def test_a_clip_on_a_disk_loses_the_same(monkeypatch: pytest.MonkeyPatch, has_room: bool) -> None:
    packet = compose(Statement(source_type=AI), XMP)
    data = write_packet(film(), "video/mp4", packet + b" " * 4000 * has_room, Limits())
    expected = without_personal(data, "video/mp4", Limits())
    assert "author" in expected[1]
    monkeypatch.setattr("waarmerk.provenance.media.content.IN_MEMORY_BYTES", 10)
    content, kinds = stripped(Content.copied(BytesIO(data)), "video/mp4", Limits())
    assert content.lies_on_disk
    assert (set(found_in(content)), kinds) == (set(found_in(Content.of(expected[0]))), expected[1])
    assert found_in(stripped(content, "video/mp4", Limits())[0]) == found_in(content), "nothing more to take out"


def found_in(content: Content) -> tuple[str, ...]:
    return personal(asset_of(content, name=None, limits=Limits()), Limits())
