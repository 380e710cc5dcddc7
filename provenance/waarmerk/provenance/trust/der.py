# SPDX-License-Identifier: Apache-2.0
"""The little DER that a time-stamp token needs (ITU-T X.690), read strictly and within bounds.

Definite lengths in their shortest form only, no high tag numbers: all that CMS and RFC 3161 use. ``cryptography``
parses certificates but gives no access to the signed attributes and the content of a CMS message.
"""

from collections.abc import Iterator
from dataclasses import dataclass

SEQUENCE, SET, INTEGER, OCTET_STRING, OID, GENERALIZED_TIME = 0x30, 0x31, 0x02, 0x04, 0x06, 0x18
MAX_CHILDREN = 10_000


class DerError(ValueError):
    """Not the DER that was expected here."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its tag, its content and its whole encoding."""

    tag: int
    content: bytes
    encoded: bytes

    def children(self) -> list["Node"]:
        """The elements inside a constructed element."""
        if not self.tag & 0x20:
            raise DerError("a primitive element has no parts")
        return list(_walk(self.content))

    def expect(self, tag: int) -> "Node":
        """This element, if it carries the tag."""
        if self.tag != tag:
            raise DerError("an element of another kind")
        return self

    @property
    def oid(self) -> str:
        """The dotted form of an object identifier."""
        return _dotted(self.expect(OID).content)

    @property
    def integer(self) -> int:
        """The value of an INTEGER."""
        content = self.expect(INTEGER).content
        if not content:
            raise DerError("an empty integer")
        return int.from_bytes(content, "big", signed=True)


def parse(data: bytes) -> Node:
    """The one element that ``data`` is. Raises DerError for anything else, trailing bytes included."""
    node, end = _element(data, 0)
    if end != len(data):
        raise DerError("bytes after the end")
    return node


def _walk(data: bytes) -> Iterator[Node]:
    position, count = 0, 0
    while position < len(data):
        count += 1
        if count > MAX_CHILDREN:
            raise DerError("too many parts")
        node, position = _element(data, position)
        yield node


def _element(data: bytes, start: int) -> tuple[Node, int]:
    if start + 2 > len(data):
        raise DerError("cut short")
    tag, length, body = data[start], data[start + 1], start + 2
    if tag & 0x1F == 0x1F:
        raise DerError("a high tag number")
    if length & 0x80:
        size = length & 0x7F
        if not 1 <= size <= 4 or body + size > len(data):
            raise DerError("a length of no definite form")
        length = int.from_bytes(data[body : body + size], "big")
        body += size
        if length < 0x80 or length.bit_length() <= 8 * (size - 1):
            raise DerError("a length not in its shortest form")
    if body + length > len(data):
        raise DerError("cut short")
    return Node(tag, data[body : body + length], data[start : body + length]), body + length


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise DerError("not an object identifier")
    arcs, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if not byte & 0x80:
            arcs.append(value)
            value = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
