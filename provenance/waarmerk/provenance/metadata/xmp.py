# SPDX-License-Identifier: Apache-2.0
"""XMP packets (ISO 16684-1), parsed without DTD and entities; read for the few properties a verdict can use."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from waarmerk.provenance.metadata import aigc
from waarmerk.provenance.metadata.found import Found
from waarmerk.provenance.metadata.generators import commented_tool, named_tool

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
IPTC_EXT = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}"
_XAP = "{http://ns.adobe.com/xap/1.0/}"
_NOTE = "{http://ns.adobe.com/xmp/note/}"
_AIGC = f"{{{aigc.NAMESPACE}}}"
_PHOTOSHOP = "{http://ns.adobe.com/photoshop/1.0/}"
_PROPERTIES = {
    IPTC_EXT + "DigitalSourceType": "source",
    IPTC_EXT + "AISystemUsed": "system",  # IPTC Photo Metadata 2025.1
    IPTC_EXT + "AISystemVersionUsed": "version",
    IPTC_EXT + "AIPromptInformation": "prompt",
    IPTC_EXT + "AIPromptWriterName": "prompt",
    "{http://purl.org/dc/terms/}provenance": "remote",  # C2PA 2.2, 11.5
    _XAP + "CreatorTool": "tool",
    "{http://ns.adobe.com/tiff/1.0/}Software": "tool",
    _PHOTOSHOP + "Credit": "credit",
    "{http://purl.org/dc/elements/1.1/}description": "description",
    _AIGC + "AIGC": "aigc",
    _AIGC + "Label": "aigc-label",
    _NOTE + "HasExtendedXMP": "extension",
}
_ELEMENTS = 100_000  # a packet of 1 MiB can hold three times as many empty ones, and no camera writes so many


def read_packet(packet: bytes, found: Found) -> str | None:
    """Note what the packet declares; the identifier of an extended packet if it names one."""
    root = _parse(packet)
    if root is None:
        found.note_finding("metadata.unreadable", "xmp")
        return None
    found.containers.add("xmp")
    values: dict[str, list[str]] = {}
    for tag, text in _properties(root):
        name = _PROPERTIES.get(tag)
        if name is not None:
            values.setdefault(name, []).append(text)
    _note(values, found)
    return next(iter(values.get("extension", ())), None)


def _parse(packet: bytes) -> "Element | None":
    from defusedxml import ElementTree  # noqa: PLC0415 - most files hold no packet
    from defusedxml.common import DefusedXmlException  # noqa: PLC0415

    try:
        wide = packet.startswith((b"\xff\xfe", b"\xfe\xff"))  # a packet may be UTF-16, and is then padded in UTF-16
        text = packet.decode("utf-16").encode() if wide else packet.removeprefix(b"\xef\xbb\xbf")
        text = text.strip(b"\x00 \t\r\n")
        if text.count(b"<") > _ELEMENTS:
            return None
        root: Element = ElementTree.fromstring(text, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (DefusedXmlException, ElementTree.ParseError, ValueError, LookupError):
        return None
    return root


def _properties(root: "Element") -> Iterator[tuple[str, str]]:
    """Properties of the resource itself: attributes and children of the nodes directly under ``rdf:RDF``.

    What stands deeper describes something else, e.g. an ingredient or a region of the picture.
    """
    outer = root if root.tag == RDF + "RDF" else root.find(RDF + "RDF")
    for node in outer if outer is not None else ():
        yield from node.attrib.items()
        for element in node:
            for text in _texts(element):
                yield element.tag, text


def _texts(element: "Element") -> Iterator[str]:
    """A simple value, a resource, a structure's label, or the items of an array."""
    if (resource := element.get(RDF + "resource")) is not None:
        yield resource
    yield element.text or ""
    for inner in element:
        if inner.tag in (RDF + "Alt", RDF + "Bag", RDF + "Seq"):
            for item in inner:
                yield item.get(RDF + "resource") or item.text or ""
        elif inner.tag == _AIGC + "Label":
            yield inner.text or ""
    if (label := element.get(_AIGC + "Label")) is not None:
        yield label


def _note(values: dict[str, list[str]], found: Found) -> None:
    for text in values.get("source", ()):
        found.note_source_type(text)
    for text in values.get("remote", ()):
        if text.strip().lower().startswith(("http://", "https://")):  # "self#jumbf=" names the store in the file
            found.note("remote_manifest", text)
    for text in values.get("tool", ()):
        found.note("software", text)
        found.note_hint(named_tool(text), "xmp:CreatorTool")
    for text in values.get("credit", ()):
        found.note("credit", text)
        found.note_hint(named_tool(text), "xmp:Credit")
    for text in values.get("description", ()):
        found.note_hint(commented_tool(text), "xmp:description")
    _note_system(values, found)
    _note_label(values, found)


def _note_system(values: dict[str, list[str]], found: Found) -> None:
    systems = [text.strip() for text in values.get("system", ()) if text.strip()]
    versions = [text.strip() for text in values.get("version", ()) if text.strip()]
    if systems:
        found.note("ai_system", " ".join(systems[:1] + versions[:1]))
    if any(text.strip() for text in values.get("prompt", ())):
        found.note_hint("prompt", "xmp:AIPromptInformation")


def _note_label(values: dict[str, list[str]], found: Found) -> None:
    for text in values.get("aigc", ()):
        if text.strip():
            found.note("aigc_label", aigc.label_of(text, found.limits.text_kept))
    for text in values.get("aigc-label", ()):
        found.note("aigc_label", aigc.normal(text))
