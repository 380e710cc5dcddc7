# SPDX-License-Identifier: Apache-2.0
"""Further carriers of the AIGC label, sidecars, and declarations that contradict each other."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes, open_asset
from waarmerk.provenance.metadata import read
from waarmerk.provenance.metadata.contradictions import contradictions
from waarmerk.provenance.model import Assurance, Declarations, Hint, Origin
from waarmerk.provenance.sources.metadata import evidence_of

LABEL = '{"Label":"1","ContentProducer":"x"}'
BASE = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def declared(data: bytes) -> Declarations:
    return read(asset_from_bytes(data, name=None, limits=Limits()), Limits())


def synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(*frames: tuple[bytes, bytes], version: int = 4) -> bytes:
    body = b""
    for name, content in frames:
        size = synchsafe(len(content)) if version == 4 else len(content).to_bytes(4)
        body += name + size + b"\0\0" + content
    return b"ID3" + bytes((version, 0, 0)) + synchsafe(len(body)) + body


def xmp(term: str) -> bytes:
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
        f'i:DigitalSourceType="{BASE}{term}"/></rdf:RDF></x:xmpmeta>'
    ).encode()


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("coding", [0, 1, 3])
def test_a_label_in_an_mp3(version: int, coding: int) -> None:
    codec = {0: "latin-1", 1: "utf-16", 3: "utf-8"}[coding]
    content = bytes([coding]) + f"AIGC\0{LABEL}".encode(codec)
    found = declared(id3((b"TXXX", content), (b"TSSE", b"\x03Suno-like 1\0"), version=version))
    assert found.aigc_label == "1"
    assert found.software == "Suno-like 1"
    assert found.containers == ("tags",)


def test_xmp_in_an_mp3() -> None:
    found = declared(id3((b"PRIV", b"XMP\0" + xmp("trainedAlgorithmicMedia"))))
    assert found.source_types == (BASE + "trainedAlgorithmicMedia",)


def comments(*pairs: str) -> bytes:
    out = struct.pack("<I", 3) + b"ven" + struct.pack("<I", len(pairs))
    for pair in pairs:
        out += struct.pack("<I", len(pair.encode())) + pair.encode()
    return out


def test_a_label_in_flac_and_ogg() -> None:
    body = comments(f"AIGC={LABEL}", "ENCODER=Voorbeeld 2")
    flac = b"fLaC" + b"\x00" + (34).to_bytes(3) + bytes(34) + b"\x84" + len(body).to_bytes(3) + body
    packet = b"OpusTags" + body
    ogg = b"OggS\0\2" + bytes(20) + b"\1\x13" + b"OpusHead" + bytes(11)
    ogg += b"OggS\0\0" + bytes(20) + bytes([1, len(packet)]) + packet
    for data in (flac, ogg):
        found = declared(data)
        assert (found.aigc_label, found.software) == ("1", "Voorbeeld 2")


def test_a_label_in_the_id3_chunk_of_a_wave_file() -> None:
    tag = id3((b"TXXX", b"\x03AIGC\0" + LABEL.encode()))
    tag += b"\0" * (len(tag) & 1)
    wave = (ROOT / "samples" / "media" / "audio.wav").read_bytes()
    riff = wave[:4] + (len(wave) + len(tag)).to_bytes(4, "little") + wave[8:]
    assert declared(riff + b"id3 " + len(tag).to_bytes(4, "little") + tag).aigc_label == "1"


def test_a_label_in_a_document() -> None:
    pdf = b"%PDF-1.7\n1 0 obj << /Title (x) /AIGC (" + LABEL.encode() + b") >> endobj\n%%EOF"
    assert declared(pdf).aigc_label == "1"


@pytest.mark.parametrize("cut", range(0, 120, 3))
def test_what_is_cut_short_never_raises(cut: int) -> None:
    body = comments(f"AIGC={LABEL}")
    for data in (
        id3((b"TXXX", b"\x03AIGC\0" + LABEL.encode())),
        b"fLaC\x84" + len(body).to_bytes(3) + body,
        b"OggS\0\0" + bytes(20) + bytes([1, 200]) + b"OpusTags" + body,
    ):
        if len(data) > cut > 16:
            try:
                declared(data[:cut])
            except UnsupportedAsset:
                continue


def test_a_sidecar_speaks_for_the_file_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "foto.jpg"
    path.write_bytes((ROOT / "samples" / "media" / "stripped.jpg").read_bytes())
    (tmp_path / "foto.xmp").write_bytes(xmp("trainedAlgorithmicMedia"))
    asset = open_asset(path, limits=Limits())
    assert read(asset, Limits()).source_types == (BASE + "trainedAlgorithmicMedia",)
    (hint,) = asset.hints
    assert hint.code == "metadata.sidecar"
    assert hint.about.startswith("foto.xmp, sha256 ")
    (tmp_path / "foto.jpg.xmp").write_bytes(xmp("digitalArt"))  # the nearer name
    assert read(open_asset(path, limits=Limits()), Limits()).source_types == (BASE + "digitalArt",)


def test_a_link_a_folder_and_a_giant_are_no_sidecars(tmp_path: Path) -> None:
    path = tmp_path / "foto.jpg"
    path.write_bytes((ROOT / "samples" / "media" / "stripped.jpg").read_bytes())
    secret = tmp_path / "secret"
    secret.write_bytes(xmp("digitalArt"))
    (tmp_path / "foto.jpg.xmp").symlink_to(secret)
    (tmp_path / "foto.c2pa").mkdir()
    (tmp_path / "foto.xmp").write_bytes(bytes(Limits().xmp_bytes + 1))
    assert not open_asset(path, limits=Limits()).sidecars


def states(*terms: str, **more: object) -> Declarations:
    return Declarations(source_types=tuple(BASE + term for term in terms), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        (states("digitalCapture", "trainedAlgorithmicMedia"), ["metadata.contradiction"]),
        (states("digitalCapture", "digitalArt"), ["metadata.contradiction"]),
        (states("digitalCapture", "compositeWithTrainedAlgorithmicMedia"), []),
        (states("trainedAlgorithmicMedia"), []),
        (states("digitalCapture", aigc_label="1"), ["metadata.label-contradicts"]),
        (states("digitalCapture", aigc_label="3"), []),
        (states("trainedAlgorithmicMedia", aigc_label="1"), []),
        (states(aigc_label="1"), []),
        (states(camera="X 1", hints=(Hint(tool="Midjourney", where="x"),)), ["metadata.camera-and-generator"]),
        (states(camera="X 1", ai_system="Y"), ["metadata.camera-and-generator"]),
        (states("compositeWithTrainedAlgorithmicMedia", camera="X 1", ai_system="Y"), []),
        (states("trainedAlgorithmicMedia", camera="X 1", ai_system="Y"), ["metadata.camera-and-generator"]),
        (states(camera="X 1"), []),
    ],
)
def test_declarations_that_cannot_all_be_true(found: Declarations, codes: list[str]) -> None:
    assert [finding.code for finding in contradictions(found)] == codes


def test_a_contradiction_supports_no_claim_of_its_own() -> None:
    odd = [e for e in evidence_of(states("digitalCapture", "trainedAlgorithmicMedia")) if e.findings]
    assert [(e.assurance, e.origin) for e in odd] == [(Assurance.ABSENT, Origin.UNKNOWN)]


def test_heic_pixels_with_the_extra() -> None:
    heif = pytest.importorskip("pillow_heif", reason="the extra heic is not installed")
    out = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 48), (200, 30, 40))).save(out, quality=90)
    asset = asset_from_bytes(out.getvalue(), name="x.heic", limits=Limits())
    picture = decode_rgb(asset, Limits())
    assert picture.rgb.shape == (48, 64, 3)
    assert abs(int(picture.rgb[20, 20, 0]) - 200) < 12
    broken = asset_from_bytes(out.getvalue()[:-30], name="x.heic", limits=Limits())
    with pytest.raises(UnsupportedAsset):
        decode_rgb(broken, Limits())
