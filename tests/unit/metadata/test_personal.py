# SPDX-License-Identifier: Apache-2.0
"""Kinds of personal details are found wherever formats keep them, and what stands there is not repeated."""

from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.metadata.personal import KINDS, personal
from waarmerk.provenance.report.wording import wording

XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/"
 xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" aux:SerialNumber="12">
<dc:creator><rdf:Seq><rdf:li>A. Photographer</rdf:li></rdf:Seq></dc:creator>
<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>B</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>
</rdf:Description></rdf:RDF></x:xmpmeta>"""


def picture(form: str, **options: object) -> bytes:
    target = BytesIO()
    Image.new("RGB", (64, 48), (9, 90, 200)).save(target, form, **options)
    return target.getvalue()


def found(data: bytes) -> tuple[str, ...]:
    return personal(asset_from_bytes(data, name=None, limits=Limits()), Limits())


def filled() -> Image.Exif:
    exif = Image.Exif()
    exif[315] = "A. Photographer"
    exif.get_ifd(0x8769).update({42032: "B. Owner", 42033: "0012345", 37500: b"maker's own"})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 22.0, 0.0), 3: "E", 4: (4.0, 53.0, 0.0)})
    return exif


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_exif(form: str) -> None:
    assert found(picture(form, exif=filled().tobytes())) == ("position", "author", "owner", "serial", "maker-note")


@pytest.mark.parametrize("form", ["JPEG", "WEBP", "AVIF"])
def test_xmp(form: str) -> None:
    assert found(picture(form, xmp=XMP)) == ("author", "persons", "serial")


def test_texts_and_photoshop_resources() -> None:
    info = PngInfo()
    info.add_text("Author", "A. Photographer")
    assert found(picture("PNG", pnginfo=info)) == ("author",)
    iim = b"\x1c\x02\x50\x00\x02AB" + b"\x1c\x02\x76\x00\x01C"
    body = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + len(iim).to_bytes(4) + iim + b"\0" * (len(iim) & 1)
    data = picture("JPEG")
    data = data[:2] + b"\xff\xed" + (len(body) + 2).to_bytes(2) + body + data[2:]
    assert found(data) == ("author", "contact")


def test_nothing_is_invented() -> None:
    assert found(picture("JPEG")) == ()
    empty = Image.Exif()
    empty[315], empty[0x010F] = "  ", "Maker"
    assert found(picture("JPEG", exif=empty)) == ()
    whole = picture("JPEG", exif=filled(), xmp=XMP)
    for cut in range(4, 600, 7):
        personal(asset_from_bytes(whole[:cut], name=None, limits=Limits()), Limits())


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_kind_has_a_word(language: str) -> None:
    assert not [kind for kind in KINDS if not wording(language).has("personal", kind)]
