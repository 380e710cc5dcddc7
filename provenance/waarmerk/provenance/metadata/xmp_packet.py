# SPDX-License-Identifier: Apache-2.0
"""Compose an XMP packet (ISO 16684-1): state what is ours, keep everything else that stands in the earlier one.

The packet is written by a serializer of our own, so that the earlier writer's prefixes stay and nothing is declared
that is not used. Nothing here knows a clock: the packet says what it is told and no more.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from waarmerk.provenance.errors import ConfigurationError, UnsupportedAsset
from waarmerk.provenance.model.source_types import SourceClass, canonical, class_of, term_of

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

RDF_NS = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
META_NS = "adobe:ns:meta/"
IPTC_EXT_NS = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
IPTC_CORE_NS = "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/"
DC_NS = "http://purl.org/dc/elements/1.1/"
XML_NS = "http://www.w3.org/XML/1998/namespace"
_PREFIXES = {RDF_NS: "rdf", META_NS: "x", IPTC_EXT_NS: "Iptc4xmpExt", DC_NS: "dc", XML_NS: "xml"}
_PREFIXES[IPTC_CORE_NS] = "Iptc4xmpCore"
_RDF, _EXT, _CORE, _DC, _XML = (f"{{{name}}}" for name in (RDF_NS, IPTC_EXT_NS, IPTC_CORE_NS, DC_NS, XML_NS))
_HEAD = b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = b'\n<?xpacket end="w"?>'
_ELEMENTS = 100_000  # as the reader takes
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
MAX_TEXT = 2_000  # characters of a text that a person gives


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the packet shall say of the file; None leaves an earlier statement as it is.

    ``source_type`` is a digital source type of a vocabulary. Raises ConfigurationError for any other.
    """

    source_type: str
    system: str | None = None
    system_version: str | None = None
    title: str | None = None
    alt: str | None = None  # what the picture shows, for who cannot see it

    def __post_init__(self) -> None:
        if class_of(self.source_type) is SourceClass.UNKNOWN:
            raise ConfigurationError("metadata.unknown-source-type", "no vocabulary lists this digital source type")
        for text in (self.system, self.system_version, self.title, self.alt):
            if text is not None and (len(text) > MAX_TEXT or _NOT_XML.search(text)):
                raise ConfigurationError("metadata.bad-text", f"a text is up to {MAX_TEXT} characters, none of control")


def compose(statement: Statement, earlier: bytes | None = None) -> bytes:
    """The packet that says ``statement`` and keeps what else ``earlier`` says.

    Raises UnsupportedAsset (``metadata.unreadable``) where the earlier packet cannot be read and so cannot be kept.
    """
    root, prefixes = _parsed(earlier) if earlier is not None else _empty()
    rdf = root if root.tag == _RDF + "RDF" else root.find(_RDF + "RDF")
    if rdf is None:
        raise _unreadable()
    for node in rdf:
        _forget(node, statement)
    first = next(iter(rdf), None)
    if first is None:
        first = ElementTree.SubElement(rdf, _RDF + "Description", {_RDF + "about": ""})
    _state(first, statement)
    try:
        return _HEAD + _Writer(prefixes).written(root).encode("utf-8") + _TAIL
    except RecursionError as error:  # thousands of elements inside each other
        raise _unreadable() from error


def replaced(statement: Statement, earlier: bytes) -> tuple[str, ...]:
    """What ``earlier`` says that ``statement`` says otherwise: names of properties, with the short value if listed.

    Raises as ``compose`` does.
    """
    root, _ = _parsed(earlier)
    rdf = root if root.tag == _RDF + "RDF" else root.find(_RDF + "RDF")
    stated = {
        "DigitalSourceType": (_EXT, canonical(statement.source_type)),
        "AISystemUsed": (_EXT, statement.system),
        "AISystemVersionUsed": (_EXT, statement.system_version),
        "title": (_DC, statement.title),
        "AltTextAccessibility": (_CORE, statement.alt),
    }
    going = _stated_anew(statement)
    found = []
    for name, (space, new) in stated.items():
        if going[space + name]:
            olds = {
                canonical(text) for node in (rdf if rdf is not None else ()) for text in _values(node, space + name)
            }
            found += [_named(name, old) for old in sorted(olds - {new or "", ""})]
    return tuple(dict.fromkeys(found))


def without(earlier: bytes, drops: Callable[[str], bool]) -> bytes | None:
    """The packet without the properties, at any depth, whose ``{namespace}name`` ``drops`` says; None if it has none.

    Raises as ``compose`` does.
    """
    root, prefixes = _parsed(earlier)
    found = False
    for node in list(root.iter()):
        for name in [name for name in node.attrib if drops(name)]:
            del node.attrib[name]
            found = True
        for element in [element for element in node if drops(element.tag)]:
            node.remove(element)
            found = True
    if not found:
        return None
    try:
        return _HEAD + _Writer(prefixes).written(root).encode("utf-8") + _TAIL
    except RecursionError as error:
        raise _unreadable() from error


def _values(node: "Element", name: str) -> Iterator[str]:
    yield node.get(name, "").strip()
    for element in node.findall(name):
        for part in element.iter():
            yield part.get(_RDF + "resource", "").strip()
            yield (part.text or "").strip()


def _named(name: str, value: str) -> str:
    """A source type of the vocabulary by its term; no other text of the file is repeated."""
    return f"{name} {term_of(value)}" if class_of(value) is not SourceClass.UNKNOWN else name


def _empty() -> tuple["Element", dict[str, str]]:
    root = ElementTree.Element(f"{{{META_NS}}}xmpmeta")
    ElementTree.SubElement(root, _RDF + "RDF")
    return root, {}


def _parsed(packet: bytes) -> tuple["Element", dict[str, str]]:
    """The earlier packet and the prefixes it used, by namespace."""
    from defusedxml.ElementTree import iterparse  # noqa: PLC0415 - most files hold no packet

    wide = packet.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = packet.decode("utf-16").encode() if wide else packet.removeprefix(b"\xef\xbb\xbf")
        text = text.strip(b"\x00 \t\r\n")
        if b"</x:xmpmeta>" in text:  # padding stands behind
            text = text[: text.rindex(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")]
        if text.count(b"<") > _ELEMENTS:
            raise _unreadable()
        prefixes: dict[str, str] = {}
        root: Element | None = None
        for event, met in iterparse(BytesIO(text), events=("start", "start-ns"), forbid_dtd=True):
            if event == "start-ns":
                prefixes.setdefault(met[1], met[0])
            elif root is None:
                root = met
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise _unreadable() from error
    if root is None:
        raise _unreadable()
    return root, prefixes


def _unreadable() -> UnsupportedAsset:
    return UnsupportedAsset("metadata.unreadable", "the XMP packet in the file cannot be read, so it cannot be kept")


def _stated_anew(statement: Statement) -> dict[str, bool]:
    """Which properties the statement replaces. A version belongs to its system: it goes with it."""
    return {
        _EXT + "DigitalSourceType": True,
        _EXT + "AISystemUsed": statement.system is not None,
        _EXT + "AISystemVersionUsed": statement.system is not None or statement.system_version is not None,
        _DC + "title": statement.title is not None,
        _CORE + "AltTextAccessibility": statement.alt is not None,
    }


def _forget(node: "Element", statement: Statement) -> None:
    """Take the earlier values of what is stated anew out of one description."""
    for name, stated in _stated_anew(statement).items():
        if stated:
            node.attrib.pop(name, None)
            for element in node.findall(name):
                node.remove(element)


def _state(node: "Element", statement: Statement) -> None:
    for name, text in (
        ("DigitalSourceType", canonical(statement.source_type)),
        ("AISystemUsed", statement.system),
        ("AISystemVersionUsed", statement.system_version),
    ):
        if text is not None:
            ElementTree.SubElement(node, _EXT + name).text = text
    for name, text in ((_DC + "title", statement.title), (_CORE + "AltTextAccessibility", statement.alt)):
        if text is not None:  # a language alternative: ISO 16684-1, 8.2.2.4
            choices = ElementTree.SubElement(ElementTree.SubElement(node, name), _RDF + "Alt")
            ElementTree.SubElement(choices, _RDF + "li", {_XML + "lang": "x-default"}).text = text


class _Writer:
    """Writes a tree with all namespaces declared at its root, under their earlier prefixes where they had one."""

    def __init__(self, prefixes: Mapping[str, str]) -> None:
        self._prefixes = dict(_PREFIXES)
        taken = set(self._prefixes.values())
        for name, prefix in prefixes.items():
            if name not in self._prefixes and prefix and prefix not in taken:
                self._prefixes[name] = prefix
                taken.add(prefix)
        self._used: set[str] = set()

    def written(self, root: "Element") -> str:
        body = "".join(self._element(root, declare=True))
        names = sorted((self._prefixes[name], name) for name in self._used if name != XML_NS)
        declared = "".join(f" xmlns:{prefix}={quoteattr(name)}" for prefix, name in names)
        return body.replace(_PLACE, declared, 1)

    def _element(self, element: "Element", *, declare: bool = False) -> Iterator[str]:
        name = self._name(element.tag)
        attributes = "".join(f" {self._name(key)}={quoteattr(value, _BREAKS)}" for key, value in element.attrib.items())
        yield f"<{name}{_PLACE if declare else ''}{attributes}>{escape(element.text or '')}"
        for inner in element:
            yield from self._element(inner)
        yield f"</{name}>{'' if declare else escape(element.tail or '')}"

    def _name(self, tag: str) -> str:
        """``{namespace}name`` as ``prefix:name``; a name without namespace stays bare."""
        if not tag.startswith("{"):
            return tag
        namespace, _, local = tag[1:].partition("}")
        if namespace not in self._prefixes:
            number = sum(prefix.startswith("ns") for prefix in self._prefixes.values()) + 1
            while f"ns{number}" in self._prefixes.values():
                number += 1
            self._prefixes[namespace] = f"ns{number}"
        self._used.add(namespace)
        return f"{self._prefixes[namespace]}:{local}"


_PLACE = "\x00"  # where the declarations go; no XML text holds this character
_BREAKS = {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}
