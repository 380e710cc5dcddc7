# SPDX-License-Identifier: Apache-2.0
"""The thumbnail of a picture that was drawn anew shows another picture, and whom it showed."""

import struct
from io import BytesIO

import pytest
from PIL import Image

from waarmerk.provenance.media import Limits
from waarmerk.provenance.media.thumbnails import without_thumbnail
from waarmerk.provenance.media.tiff import read_tiff
from waarmerk.provenance.media.window import Window

SMALL = b"\xff\xd8 what the picture was before \xff\xd9" * 20


def entry(order: str, tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack(order + "HHII", tag, kind, count, value)


def exif(order: str, *, last: bool = True) -> bytes:
    """A maker, a thumbnail, and (unless the thumbnail is ``last``) something behind it."""
    maker = 8 + 2 + 12 + 4
    second = maker + 8
    picture = second + 2 + 24 + 4
    data = (b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8)
    data += struct.pack(order + "H", 1) + entry(order, 0x010F, 2, 8, maker) + struct.pack(order + "I", second)
    data += b"Maker A\0" + struct.pack(order + "H", 2)
    data += entry(order, 513, 4, 1, picture) + entry(order, 514, 4, 1, len(SMALL)) + bytes(4)
    return data + SMALL + (b"" if last else b"behind it")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("prefix", [b"", b"Exif\0\0"])
def test_the_thumbnail_goes_and_the_rest_stays(order: str, last: bool, prefix: bytes) -> None:
    made = without_thumbnail(prefix + exif(order, last=last), Limits())
    assert made.startswith(prefix)
    assert SMALL[:8] not in made
    assert len(made) < len(SMALL) if last else made.endswith(b"behind it")
    data = made.removeprefix(b"Exif\0\0")
    tiff = read_tiff(Window(BytesIO(data), len(data)))
    assert tiff is not None
    (directory,) = tiff.directories(Limits())
    assert tiff.value(directory.fields[0x010F], 99) == b"Maker A\0"


@pytest.mark.parametrize("cut", range(0, 90, 3))
def test_broken_exif_stays_as_it_is_and_raises_nothing(cut: int) -> None:
    for data in (exif("<")[:cut], exif(">")[:cut], exif("<")[:26] + b"\xff" * cut):
        without_thumbnail(data, Limits())
    assert without_thumbnail(b"", Limits()) == b""
    assert without_thumbnail(b"Exif\0\0nonsense", Limits()) == b"Exif\0\0nonsense"


def test_without_one_nothing_changes() -> None:
    plain = Image.Exif()
    plain[0x010F] = "Maker"
    assert without_thumbnail(plain.tobytes(), Limits()) == plain.tobytes()
