# SPDX-License-Identifier: Apache-2.0
"""IPTC-IIM 4.2 datasets, alone (TIFF) or inside Photoshop image resources (JPEG): credit and program."""

from collections.abc import Iterator

from waarmerk.provenance.metadata.found import Found
from waarmerk.provenance.metadata.generators import named_tool

_IIM_RESOURCE = 0x0404
_PROGRAM, _CREDIT = 65, 110  # record 2


def read_resources(data: bytes, found: Found) -> None:
    """Image resource blocks: ``8BIM``, number, padded name, padded data (Photoshop file format, 2019)."""
    at = 0
    while data[at : at + 4] == b"8BIM":
        number = int.from_bytes(data[at + 4 : at + 6])
        named = at + 7 + data[at + 6] if at + 6 < len(data) else len(data)
        start = named + (named - at & 1)
        size = int.from_bytes(data[start : start + 4])
        if start + 4 + size > len(data):
            found.note_finding("metadata.unreadable", "iptc")
            return
        if number == _IIM_RESOURCE:
            read_iim(data[start + 4 : start + 4 + size], found)
        at = start + 4 + size + (size & 1)


def read_iim(data: bytes, found: Found) -> None:
    """Note credit and program."""
    found.containers.add("iptc")
    for dataset, value in _datasets(data):
        text = value[:1024].decode("utf-8", "replace")
        if dataset == _CREDIT:
            found.note("credit", text)
            found.note_hint(named_tool(text), "iptc:Credit")
        elif dataset == _PROGRAM:
            found.note("software", text)
            found.note_hint(named_tool(text), "iptc:OriginatingProgram")


def _datasets(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Standard datasets of record 2: tag marker 0x1C, record, dataset, 15 bits of length (IIM 1.5)."""
    at = 0
    while at + 5 <= len(data) and data[at] == 0x1C:
        size = int.from_bytes(data[at + 3 : at + 5])
        if size & 0x8000 or at + 5 + size > len(data):  # extended datasets hold pictures
            return
        if data[at + 1] == 2:
            yield data[at + 2], data[at + 5 : at + 5 + size]
        at += 5 + size
