# SPDX-License-Identifier: Apache-2.0
"""Bounded random access to the bytes of an untrusted file."""

import struct
from dataclasses import dataclass
from typing import BinaryIO


class Truncated(EOFError):
    """A structure reaches past the end of what holds it. Never leaves ``media`` and ``metadata``."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a stream that answers only for bytes inside it.

    A length field of 4 GiB costs nothing: what is asked for is compared with what is there before any read.
    """

    stream: BinaryIO
    size: int
    start: int = 0

    def at(self, offset: int, count: int) -> bytes:
        """Exactly ``count`` bytes at ``offset``, else Truncated."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise Truncated
        self.stream.seek(self.start + offset)
        found = self.stream.read(count)
        if len(found) != count:
            raise Truncated
        return found

    def up_to(self, offset: int, count: int) -> bytes:
        """At most ``count`` bytes at ``offset``, as many as there are."""
        if not 0 <= offset < self.size:
            return b""
        return self.at(offset, min(count, self.size - offset))

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        """Integers at ``offset`` in a ``struct`` layout, else Truncated."""
        return struct.unpack(layout, self.at(offset, struct.calcsize(layout)))

    def part(self, offset: int, count: int) -> "Window":
        """The window of ``count`` bytes at ``offset``, else Truncated."""
        if offset < 0 or count < 0 or offset + count > self.size:
            raise Truncated
        return Window(self.stream, count, self.start + offset)
