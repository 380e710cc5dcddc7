# SPDX-License-Identifier: Apache-2.0
"""The CBOR (RFC 8949) that claims, assertions and COSE use, read within bounds.

Own, because what is read here stands beside the engine's answer and must never be what a hostile file brings down:
depth, number of items and lengths are limited before anything is allocated, a repeated key is an error (two readers
that take different ones would see different claims), and nothing but CborError leaves this module.
"""

import struct
from dataclasses import dataclass
from typing import Any, Final

MAX_DEPTH = 32
MAX_ITEMS = 200_000
_BREAK: Final = object()
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_FLOATS = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}


class CborError(ValueError):
    """Not CBOR that can be read within the limits."""


def decode(data: bytes) -> Any:
    """The one item that ``data`` is; tags are passed over, ``undefined`` is None."""
    reader = _Reader(data)
    value = reader.item(0)
    if reader.position != len(data):
        raise CborError("bytes after the item")
    return value


def encode_bytes(value: bytes) -> bytes:
    """A byte string as CBOR, in the shortest form."""
    return _head(2, len(value)) + value


def encode_text(value: str) -> bytes:
    """A text string as CBOR, in the shortest form."""
    data = value.encode()
    return _head(3, len(data)) + data


def encode_array(items: list[bytes]) -> bytes:
    """An array of items that are encoded already."""
    return _head(4, len(items)) + b"".join(items)


def _head(major: int, value: int) -> bytes:
    if value < 24:
        return bytes((major << 5 | value,))
    for code, size in ((24, 1), (25, 2), (26, 4)):
        if value < 1 << 8 * size:
            return bytes((major << 5 | code,)) + value.to_bytes(size, "big")
    return bytes((major << 5 | 27,)) + value.to_bytes(8, "big")


@dataclass(slots=True)
class _Reader:
    data: bytes
    position: int = 0
    items: int = 0

    def item(self, depth: int) -> Any:
        value = self._any(depth)
        if value is _BREAK:
            raise CborError("a break where nothing is open")
        return value

    def _any(self, depth: int) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise CborError("too deep or too many items")
        initial = self._take(1)[0]
        major, code = initial >> 5, initial & 31
        if major == 7:
            return self._simple(code)
        length = self._length(code) if code != 31 else None
        if major in (0, 1):
            if length is None:
                raise CborError("an integer without an end")
            return length if major == 0 else -1 - length
        if major in (2, 3):
            return self._string(major, length)
        if major == 4:
            return self._array(length, depth)
        if major == 5:
            return self._map(length, depth)
        if length is None:
            raise CborError("a tag without an end")
        return self.item(depth + 1)

    def _take(self, count: int) -> bytes:
        end = self.position + count
        if end > len(self.data):
            raise CborError("cut short")
        found = self.data[self.position : end]
        self.position = end
        return found

    def _length(self, code: int) -> int:
        if code < 24:
            return code
        if code > 27:
            raise CborError("a reserved length")
        return int.from_bytes(self._take(1 << code - 24), "big")

    def _simple(self, code: int) -> Any:
        if code == 31:
            return _BREAK
        if code in _FLOATS:
            layout, size = _FLOATS[code]
            return struct.unpack(layout, self._take(size))[0]
        if code in _SIMPLE:
            return _SIMPLE[code]
        raise CborError("a simple value of no meaning")

    def _string(self, major: int, length: int | None) -> bytes | str:
        if length is not None:
            return self._finished(major, self._take(length))
        parts = []
        while (initial := self._take(1)[0]) != 0xFF:
            self.items += 1
            if initial >> 5 != major or initial & 31 == 31 or self.items > MAX_ITEMS:
                raise CborError("a string in pieces that are none")
            parts.append(self._take(self._length(initial & 31)))
        return self._finished(major, b"".join(parts))

    def _finished(self, major: int, value: bytes) -> bytes | str:
        if major == 2:
            return value
        try:
            return value.decode()
        except UnicodeDecodeError as fault:
            raise CborError("text that is not UTF-8") from fault

    def _array(self, length: int | None, depth: int) -> list[Any]:
        found: list[Any] = []
        while length is None or len(found) < length:
            value = self._any(depth + 1)
            if value is _BREAK:
                if length is None:
                    break
                raise CborError("an array cut short")
            found.append(value)
        return found

    def _map(self, length: int | None, depth: int) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        while length is None or len(found) < length:
            key = self._any(depth + 1)
            if key is _BREAK and length is None:
                break
            if not isinstance(key, (str, int, bytes)) or key in found:
                raise CborError("a key that is repeated or of no simple kind")
            found[key] = self.item(depth + 1)
        return found
