# SPDX-License-Identifier: Apache-2.0
"""A multipart form (RFC 7578) with one file in it, as it streams in: the file goes where it is to lie, piece by piece.

The parser is python-multipart's. The one of the web framework above it would hold the file in an object of its own, a
thread away; this is what every upload pays.
"""

from collections.abc import AsyncIterable, Callable
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

MAX_FIELD_BYTES = 2**20
MAX_HEAD_BYTES = 16 * 2**10  # of one part


class FormError(Exception):
    """A body that is no such form; the text is for whoever sent it, and holds nothing of it."""


class Form:
    """A form as it is read. ``file`` is where the bytes of its file go, once there is one; ``field`` is its name."""

    def __init__(self, *, open_file: Callable[[], Callable[[memoryview], Any]], max_parts: int) -> None:
        """``open_file`` is called at the first byte of the file, and gives what is called with each piece."""
        self._open = open_file
        self._left = max_parts
        self._write: Callable[[memoryview], Any] | None = None
        self._in_file = False
        self._name, self._field, self._disposition = b"", bytearray(), bytearray()
        self._header, self._value = bytearray(), bytearray()
        self._head_bytes = 0
        self._ended = False
        self.file_field: str | None = None
        self.fields: dict[str, str] = {}

    async def read(self, content_type: str, stream: AsyncIterable[bytes]) -> None:
        """Read to the end. Raises FormError, and what the stream and ``open_file`` raise."""
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise FormError("the content type of the form names no boundary")
        try:
            parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_goes_on,
                    "on_header_value": self._value_goes_on,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_goes_on,
                    "on_part_end": self._part_ends,
                    "on_end": self._end,
                },
            )
            async for piece in stream:
                if piece:
                    parser.write(piece)
        except (FormParserError, ValueError) as error:
            raise FormError("the body is not the form that its content type says") from error
        if not self._ended:
            raise FormError("the form ends before its last boundary")

    def _part_begins(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise FormError("the form has too many parts")
        self._in_file = False
        self._field, self._disposition = bytearray(), bytearray()
        self._head_bytes = 0

    def _header_goes_on(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._header += data[start:end]

    def _value_goes_on(self, data: bytes, start: int, end: int) -> None:
        self._count(end - start)
        self._value += data[start:end]

    def _count(self, size: int) -> None:
        """Bound the head of a part, whatever the parser bounds."""
        self._head_bytes += size
        if self._head_bytes > MAX_HEAD_BYTES:
            raise FormError("the head of a part of the form is too long")

    def _header_ends(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header, self._value = bytearray(), bytearray()

    def _headers_end(self) -> None:
        options = parse_options_header(bytes(self._disposition))[1]
        if b"name" not in options:
            raise FormError("a part of the form has no name")
        self._name = options[b"name"]
        if b"filename" in options:  # what it says is never used
            if self._write is not None:
                raise FormError("the form has more than one file; send each in a request of its own")
            self._write, self._in_file = self._open(), True
            self.file_field = _text(self._name)

    def _part_goes_on(self, data: bytes, start: int, end: int) -> None:
        if self._in_file and self._write is not None:
            self._write(memoryview(data)[start:end])
        elif len(self._field) + end - start > MAX_FIELD_BYTES:
            raise FormError("a field of the form is too long")
        else:
            self._field += data[start:end]

    def _part_ends(self) -> None:
        if not self._in_file:
            self.fields[_text(self._name)] = _text(self._field)

    def _end(self) -> None:
        self._ended = True


def _text(data: bytes | bytearray) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
