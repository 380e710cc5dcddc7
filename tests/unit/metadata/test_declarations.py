# SPDX-License-Identifier: Apache-2.0
"""What the fields mean: XMP, EXIF, IIM, PNG text, the AIGC label, traces of generators."""

import io
import json
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from waarmerk.provenance.media import Limits, asset_from_bytes, open_asset
from waarmerk.provenance.metadata import read
from waarmerk.provenance.metadata.aigc import label_of
from waarmerk.provenance.metadata.generators import keyed_tool, named_tool
from waarmerk.provenance.model import Declarations, Finding, Hint

LIMITS = Limits()
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
NAMESPACES = (
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
    'xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:dcterms="http://purl.org/dc/terms/" '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/" '
    'xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
)


def packet(attributes: str = "", children: str = "") -> bytes:
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF {NAMESPACES}>'
        f'<rdf:Description rdf:about="" {attributes}>{children}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def declared(data: bytes) -> Declarations:
    return read(asset_from_bytes(data, name=None, limits=LIMITS), LIMITS)


def picture(form: str = "JPEG", **options: Any) -> bytes:
    target = io.BytesIO()
    Image.new("RGB", (16, 12), (40, 80, 120)).save(target, form, **options)
    return target.getvalue()


def xmp(attributes: str = "", children: str = "") -> Declarations:
    return declared(picture(xmp=packet(attributes, children)))


@pytest.mark.parametrize(
    ("attributes", "children"),
    [
        (f'Iptc4xmpExt:DigitalSourceType="{IPTC}digitalCapture"', ""),
        ("", f"<Iptc4xmpExt:DigitalSourceType>{IPTC}digitalCapture</Iptc4xmpExt:DigitalSourceType>"),
        ("", f'<Iptc4xmpExt:DigitalSourceType rdf:resource="{IPTC}digitalCapture"/>'),
        (
            "",
            f"<Iptc4xmpExt:DigitalSourceType><rdf:Bag><rdf:li>{IPTC}digitalCapture</rdf:li></rdf:Bag></Iptc4xmpExt:DigitalSourceType>",
        ),
    ],
)
def test_every_way_to_write_a_source_type(attributes: str, children: str) -> None:
    assert xmp(attributes, children).source_types == (IPTC + "digitalCapture",)


@pytest.mark.parametrize(
    "value", ["trainedAlgorithmicMedia", IPTC.replace("http:", "https:") + "trainedAlgorithmicMedia"]
)
def test_a_source_type_is_kept_as_written(value: str) -> None:
    assert xmp(f'Iptc4xmpExt:DigitalSourceType="{value}"').source_types == (value,)


def test_several_source_types_are_all_kept_once() -> None:
    found = xmp(
        'Iptc4xmpExt:DigitalSourceType="composite"',
        "<Iptc4xmpExt:DigitalSourceType>print</Iptc4xmpExt:DigitalSourceType>"
        "<Iptc4xmpExt:DigitalSourceType>composite</Iptc4xmpExt:DigitalSourceType>",
    )
    assert found.source_types == ("composite", "print")


def test_what_describes_an_ingredient_does_not_describe_the_picture() -> None:
    inner = (
        '<xmpMM:Ingredients><rdf:Bag><rdf:li rdf:parseType="Resource" Iptc4xmpExt:DigitalSourceType="print">'
        "<Iptc4xmpExt:DigitalSourceType>trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>"
        "</rdf:li></rdf:Bag></xmpMM:Ingredients>"
    )
    assert xmp(children=inner).source_types == ()


def test_the_ai_properties_of_iptc() -> None:
    found = xmp(
        'Iptc4xmpExt:AISystemUsed="Voorbeeldmodel" Iptc4xmpExt:AISystemVersionUsed="2" '
        'Iptc4xmpExt:AIPromptInformation="een geheim verzoek" Iptc4xmpExt:AIPromptWriterName="Iemand"'
    )
    assert found.ai_system == "Voorbeeldmodel 2"
    assert found.hints == (Hint(tool="prompt", where="xmp:AIPromptInformation"),)
    assert "geheim" not in repr(found)
    assert "Iemand" not in repr(found)


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://example.org/m.c2pa", True),
        ("HTTP://127.0.0.1:9/", True),
        ("self#jumbf=/c2pa/urn", False),
        ("file:///etc/passwd", False),
        ("https://example.org/" + "a" * 5000, False),
    ],
)
def test_only_an_address_elsewhere_is_a_remote_manifest(address: str, kept: bool) -> None:
    assert xmp(f'dcterms:provenance="{address}"').remote_manifest == (address if kept else None)


def test_credit_and_tool() -> None:
    found = xmp('photoshop:Credit="Made with Google AI" xmp:CreatorTool="GIMP 3.0"')
    assert (found.credit, found.software) == ("Made with Google AI", "GIMP 3.0")
    assert found.hints == (Hint(tool="Google AI", where="xmp:Credit"),)


def test_long_texts_are_cut() -> None:
    assert len(xmp(f'photoshop:Credit="{"x" * 9000}"').credit or "") == LIMITS.text_shown


@pytest.mark.parametrize(
    "body",
    [
        b"<x:xmpmeta",
        b"not xml",
        b'<!DOCTYPE x [<!ENTITY a "b">]><x:xmpmeta xmlns:x="adobe:ns:meta/">&a;</x:xmpmeta>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><x:xmpmeta xmlns:x="adobe:ns:meta/"></x:xmpmeta>',
        b'<?xml version="1.0" encoding="nonsense"?><x/>',
        b"<x>" + b"<y/>" * 120_000 + b"</x>",
    ],
)
def test_a_packet_that_cannot_be_read_is_a_finding(body: bytes) -> None:
    found = declared(picture("WEBP", xmp=body))
    assert found == Declarations(findings=(Finding("metadata.unreadable", "xmp"),))


def test_entities_are_never_expanded() -> None:
    bomb = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "' + b"&a;" * 9 + b'">]>' + packet('photoshop:Credit="&b;"')
    assert declared(picture("WEBP", xmp=bomb)).credit is None


def test_wide_packets_are_read() -> None:
    wide = packet('Iptc4xmpExt:DigitalSourceType="print"').decode().encode("utf-16")
    assert declared(picture("WEBP", xmp=wide)).source_types == ("print",)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ('{"Label":"1","ContentProducer":"x"}', "1"),
        ('{"Label":2}', "2"),
        ('{"AIGC":{"Label":"3"}}', "3"),
        ('{"Label":"value1"}', "other"),
        ("[]", "other"),
        ("nonsense", "other"),
        ("[" * 50_000, "other"),
        ('{"Label":true}', "other"),
    ],
)
def test_aigc_labels(text: str, label: str) -> None:
    assert label_of(text, 65536) == label


def test_aigc_is_found_in_xmp_png_and_exif_and_its_producer_is_not_kept() -> None:
    text = '{"Label":"1","ContentProducer":"001191110000","ProduceID":"geheim-7"}'
    escaped = text.replace('"', "&quot;")
    written = PngImagePlugin.PngInfo()
    written.add_text("AIGC", text)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0" + json.dumps({"AIGC": json.loads(text)}).encode()
    files = (
        picture(xmp=packet(children=f"<TC260:AIGC>{escaped}</TC260:AIGC>")),
        picture(xmp=packet(f'TC260:AIGC="{escaped}"')),
        picture(xmp=packet('TC260:Label="1"')),
        picture(xmp=packet(children='<TC260:AIGC rdf:parseType="Resource"><TC260:Label>1</TC260:Label></TC260:AIGC>')),
        picture("PNG", pnginfo=written),
        picture(exif=exif),
    )
    for data in files:
        found = declared(data)
        assert found.aigc_label == "1"
        assert "geheim" not in repr(found)


@given(st.text(max_size=200))
def test_any_text_has_a_label(text: str) -> None:
    assert label_of(text, 65536) in {"1", "2", "3", "other"}


def with_exif(tags: dict[int, Any], inner: dict[int, Any] | None = None, form: str = "JPEG") -> Declarations:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    for tag, value in (inner or {}).items():
        exif.get_ifd(0x8769)[tag] = value
    # saving as TIFF, Pillow leaves the inner directory out; the EXIF block itself is a TIFF file
    return declared(exif.tobytes().removeprefix(b"Exif\0\0") if form == "TIFF" else picture(form, exif=exif))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
def test_camera_software_and_time(form: str) -> None:
    found = with_exif(
        {0x010F: "Canon", 0x0110: "Canon EOS R5", 0x0131: "Firmware 1.2"},
        {0x9003: "2026:11:14 09:12:41", 0x9011: "+01:00"},
        form,
    )
    assert (found.camera, found.software) == ("Canon EOS R5", "Firmware 1.2")
    assert found.captured_at == "2026:11:14 09:12:41 +01:00"
    assert found.containers == ("exif",)
    assert found.hints == ()


@pytest.mark.parametrize(
    ("make", "model", "camera"),
    [
        ("Google", "Pixel 9", "Google Pixel 9"),
        ("NIKON CORPORATION", "NIKON Z 9", "NIKON Z 9"),
        ("", "X", "X"),
        ("Firefly", "8SE", "Firefly 8SE"),
    ],
)
def test_camera_names(make: str, model: str, camera: str) -> None:
    found = with_exif({0x010F: make, 0x0110: model})
    assert found.camera == camera
    assert found.hints == ()


def test_zero_dates_are_no_dates() -> None:
    assert with_exif({}, {0x9003: "0000:00:00 00:00:00"}).captured_at is None


def test_position_owner_and_serial_number_are_not_kept() -> None:
    found = with_exif({0x013B: "Jan de Vries", 0x8298: "Jan"}, {0xA431: "SER-12345", 0xA430: "Jan"})
    assert "Jan" not in repr(found)
    assert "SER" not in repr(found)


@pytest.mark.parametrize("encoding", ["utf-16-be", "utf-16-le"])
def test_generation_parameters_in_a_comment(encoding: str) -> None:
    text = "a cat\nNegative prompt: dog\nSteps: 20, Sampler: Euler a, CFG scale: 7"
    found = with_exif({}, {0x9286: b"UNICODE\0" + text.encode(encoding)})
    assert found.hints == (Hint(tool="Stable Diffusion", where="exif:UserComment"),)
    assert "cat" not in repr(found)


def test_a_graph_in_the_maker_field_is_no_camera() -> None:
    found = with_exif({0x010F: 'workflow:{"nodes":[]}', 0x0110: 'prompt:{"1":{"class_type":"KSampler"}}'}, form="WEBP")
    assert found.camera is None
    assert found.hints == (Hint(tool="ComfyUI", where="exif:Make"),)


def test_the_pair_that_grok_leaves() -> None:
    found = with_exif({0x010E: "Signature: " + "Ab0+" * 20, 0x013B: "0f8fad5b-d9cb-469f-a165-70867728950e"})
    assert found.hints == (Hint(tool="Grok", where="exif:ImageDescription"),)
    assert with_exif({0x010E: "Signature: J. Jansen", 0x013B: "J. Jansen"}).hints == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff",
        b"MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01\xff\xff\xff\xff",
    ],
)
def test_broken_exif_is_a_finding(body: bytes) -> None:
    segment = b"Exif\0\0" + body
    data = b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + picture()[2:]
    assert declared(data).findings == (Finding("metadata.unreadable", "exif"),)


def test_an_exif_directory_that_points_at_itself_ends() -> None:
    body = b"II*\0\x08\0\0\0" + struct.pack("<HHHIII", 1, 0x8769, 4, 1, 8, 8)
    segment = b"Exif\0\0" + body
    assert declared(b"\xff\xd8\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + picture()[2:]).findings == ()


def resources(*datasets: tuple[int, bytes], number: int = 0x0404) -> bytes:
    data = b"".join(struct.pack(">BBBH", 0x1C, 2, dataset, len(value)) + value for dataset, value in datasets)
    block = (
        b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(data)) + data + b"\0" * (len(data) & 1)
    )
    segment = b"Photoshop 3.0\0" + block
    return b"\xff\xd8\xff\xed" + struct.pack(">H", 2 + len(segment)) + segment + picture()[2:]


def test_credit_and_program_of_iim() -> None:
    found = declared(resources((110, b"Made with Google AI"), (65, b"Program"), (80, b"J. Jansen")))
    assert (found.credit, found.software, found.containers) == ("Made with Google AI", "Program", ("iptc",))
    assert found.hints == (Hint(tool="Google AI", where="iptc:Credit"),)
    assert "Jansen" not in repr(found)


def test_broken_resources() -> None:
    assert declared(resources((110, b"ANP"), number=0x0405)).containers == ()
    broken = resources((110, b"ANP")).replace(b"8BIM\x04\x04\0\0\0\0", b"8BIM\x04\x04\0\0\xff\xff")
    assert declared(broken).findings == (Finding("metadata.unreadable", "iptc"),)


@pytest.mark.parametrize(
    ("key", "text", "tool"),
    [
        ("parameters", "a cat\nSteps: 20, Sampler: Euler", "Stable Diffusion"),
        ("parameters", '{"sui_image_params": {}}', "SwarmUI"),
        ("prompt", '{"3": {"class_type": "KSampler"}}', "ComfyUI"),
        ("workflow", '{"nodes": []}', "ComfyUI"),
        ("Software", "NovelAI", "NovelAI"),
        ("invokeai_metadata", "{}", "InvokeAI"),
        ("sd-metadata", "{}", "InvokeAI"),
        ("Dream", '"a cat" -s 20', "InvokeAI"),
        ("fooocus_scheme", "a1111", "Fooocus"),
        ("Description", "a cat --v 6 Job ID: 0f8fad5b-d9cb-469f-a165-70867728950e", "Midjourney"),
        ("parameters", "aperture and shutter", None),
        ("prompt", "please crop", None),
        ("workflow", "scan, then crop", None),
        ("Description", "A photo of the Midjourney office", None),
        ("Software", "Adobe Photoshop 27", None),
        ("Comment", "Midjourney", None),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_png_text_of_generators(key: str, text: str, tool: str | None, packed: bool) -> None:
    written = PngImagePlugin.PngInfo()
    written.add_text(key, text, zip=packed)
    found = declared(picture("PNG", pnginfo=written))
    assert found.hints == ((Hint(tool=tool, where=f"png:{key}"),) if tool else ())
    assert found.containers == ("png-text",)
    assert "cat" not in repr(found)


@pytest.mark.parametrize(
    ("text", "tool"),
    [
        ("DALL·E 3", "DALL-E"),
        ("dall-e", "DALL-E"),
        ("Midjourney v7", "Midjourney"),
        ("Adobe Firefly", "Adobe Firefly"),
        ("Firefly", "Adobe Firefly"),
        ("Firefly Camera 8S", None),
        ("Stable-Diffusion XL", "Stable Diffusion"),
        ("Google Imagen", "Google AI"),
        ("Gemini 2.5 Flash", "Google AI"),
        ("Gemini Observatory", None),
        ("Nano Banana", "Google AI"),
        ("FLUX.1 [dev]", "FLUX"),
        ("f.lux", None),
        ("Influx.10", None),
        ("Ideogram 3.0", "Ideogram"),
        ("ideograms", None),
        ("Grok Imagine", "Grok"),
        ("grok", None),
        ("algorithmicMedia", None),
        ("trainedAlgorithmicMedia", None),
        ("Adobe Photoshop 26.0", None),
        ("Studio Meta Aibling", None),
        ("", None),
        (None, None),
    ],
)
def test_names_are_whole_words_in_fields_for_tools(text: str | None, tool: str | None) -> None:
    assert named_tool(text) == tool


@given(st.text(max_size=300), st.sampled_from(["parameters", "prompt", "Software", "Comment", "x"]))
def test_any_text_is_looked_at_without_harm(text: str, key: str) -> None:
    named_tool(text)
    keyed_tool(key, text)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    plain = picture("PNG")
    made = b"".join(struct.pack(">I", len(body)) + name + body + bytes(4) for name, body in chunks)
    return plain[:33] + made + plain[33:]


def test_a_bomb_of_text_costs_little() -> None:
    bomb = b"parameters\0\0" + zlib.compress(bytes(64 * 1024 * 1024), 9)
    data = png(*[(b"zTXt", bomb)] * 40)
    tracemalloc.start()
    started = time.perf_counter()
    found = declared(data)
    cost = time.perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert cost < 2
    assert peak < 16 * 1024 * 1024
    assert found.findings == (Finding("metadata.too-large", "png-text"),)


@pytest.mark.parametrize(
    "chunk",
    [
        (b"zTXt", b"key\0\0not zlib"),
        (b"iTXt", b"key\0\x01\0\0\0not zlib"),
        (b"iTXt", b"key\0\0\0en"),
        (b"tEXt", b"k" * 90),
    ],
)
def test_broken_text_chunks_are_findings(chunk: tuple[bytes, bytes]) -> None:
    assert declared(png(chunk)).findings == (Finding("metadata.unreadable", "png-text"),)


@pytest.mark.parametrize(
    "name", ["gif_13k_frames_1x1.gif", "png_ztxt_bomb.png", "apng_2k_frames_4000.png", "png_30000_1bit.png"]
)
def test_hostile_files_of_the_corpus_cost_little(name: str, shared: Path) -> None:
    started = time.perf_counter()
    found = read(open_asset(shared / "corpus" / "hostile" / name, limits=LIMITS), LIMITS)
    assert time.perf_counter() - started < 1
    assert found.hints == ()


def test_no_photograph_of_the_corpus_is_suspected(shared: Path) -> None:
    for path in (shared / "corpus" / "photos").glob("*.[jp][pn]g"):
        found = read(open_asset(path, limits=LIMITS), LIMITS)
        assert (found.source_types, found.hints, found.aigc_label) == ((), (), None), path.name
