# SPDX-License-Identifier: Apache-2.0
"""Photoshop image resources (Adobe Photoshop File Formats Specification, "Image Resources Section").

JPEG keeps them in APP13, TIFF in tag 34377; one of them, 1028, holds IPTC-IIM.
"""

import re
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

PREFIX = b"Photoshop 3.0\0"
IIM = 1028
THUMBNAILS = frozenset({1033, 1036})  # the picture as it was when they were written
COPIES = frozenset({1058, 1059, 1060})  # EXIF and XMP once more
_SIGNATURES = (b"8BIM", b"MeSa", b"AgHg", b"PHUT", b"DCSR")
_SEGMENT = 65_533 - len(PREFIX)  # of a JPEG: what its two bytes of length leave over
_DATA_SET = re.compile(rb"\x1c([\x00-\xff])([\x00-\xff])")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource: its number, its content, and all of its bytes as they stand in the file."""

    number: int
    content: bytes
    whole: bytes


def resources(data: bytes) -> Iterator[Resource]:
    """The resources in order; what stands behind the last whole one comes as number 0."""
    at = 0
    while data[at : at + 4] in _SIGNATURES and at + 7 <= len(data):
        name = at + 6
        start = name + (data[name] + 2 & ~1)  # a Pascal string, padded to an even length
        if start + 4 > len(data):
            break
        (number,), (size,) = struct.unpack_from(">H", data, at + 4), struct.unpack_from(">I", data, start)
        if start + 4 + size > len(data):
            break
        end = min(len(data), start + 4 + size + (size & 1))
        yield Resource(number, data[start + 4 : start + 4 + size], data[at:end])
        at = end
    if at < len(data):
        yield Resource(0, data[at:], data[at:])


def without(data: bytes, numbers: frozenset[int]) -> bytes:
    """The resources without those of ``numbers``; the others byte for byte."""
    return b"".join(each.whole for each in resources(data) if each.number not in numbers)


def without_data_sets(data: bytes, numbers: frozenset[int]) -> bytes:
    """The resources, with those data sets of record 2 left out of IPTC-IIM."""
    return b"".join(_cleaned(each, lambda iim: iim_without(iim, numbers)) for each in resources(data))


def _cleaned(resource: Resource, edit: Callable[[bytes], bytes]) -> bytes:
    if resource.number != IIM:
        return resource.whole
    content = edit(resource.content)
    if content == resource.content:
        return resource.whole
    return b"8BIM" + struct.pack(">HHI", IIM, 0, len(content)) + content + bytes(len(content) & 1)


def iim_without(iim: bytes, numbers: frozenset[int]) -> bytes:
    """IPTC-IIM without those data sets of record 2 (IIM 4.2, 1.5); what cannot be read as data sets stays."""
    out, at = [], 0
    while (head := _DATA_SET.match(iim, at)) is not None and at + 5 <= len(iim):
        (size,) = struct.unpack_from(">H", iim, at + 3)
        if size & 0x8000:  # an extended data set states how long its length is
            wide = size & 0x7FFF
            start = at + 5 + wide
            size = int.from_bytes(iim[at + 5 : start])
        else:
            start = at + 5
        end = start + size
        if end > len(iim):
            break
        if not (head[1] == b"\x02" and head[2][0] in numbers):
            out.append(iim[at:end])
        at = end
    return b"".join([*out, iim[at:]])


def segments(bodies: Sequence[bytes], edit: Callable[[bytes], bytes]) -> list[bytes]:
    """The bodies of all Photoshop segments of a JPEG after ``edit`` of what they hold together.

    As they were where that changes nothing; none where nothing stays.
    """
    joined = b"".join(body.removeprefix(PREFIX) for body in bodies)
    edited = edit(joined)
    if edited == joined:
        return list(bodies)
    return [PREFIX + edited[at : at + _SEGMENT] for at in range(0, len(edited), _SEGMENT)]
