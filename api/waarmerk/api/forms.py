# SPDX-License-Identifier: Apache-2.0
"""A multipart form (RFC 7578) with one file in it, as it streams in: the file goes where it is to lie, piece by piece.

The parser is that of ``multipart``, which looks for lines and boundaries and not at each byte of a head. The one of the
web framework would hold the file in an object of its own, a thread away; this is what every upload pays (decision 130).
"""

import re
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

MAX_FIELD_BYTES = 2**20
MAX_HEADER_BYTES, MAX_HEADERS = 4096, 8  # of one part; a name of a file has 255 bytes
MAX_BOUNDARY_CHARACTERS = 70  # RFC 2046, 5.1.1
# A value in quotes, or up to the next semicolon: clients leave the quotes out where RFC 7578 asks for them.
_OPTION = re.compile(r';[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^;]*))')


class FormError(Exception):
    """A body that is no such form; the text is for whoever sent it, and holds nothing of it."""


class Form:
    """A form as it is read. ``file`` is where the bytes of its file go, once there is one; ``field`` is its name."""

    def __init__(self, *, open_file: Callable[[], Callable[[bytes], Any]], max_parts: int) -> None:
        """``open_file`` is called once the file begins, and gives what is called with each piece."""
        self._open = open_file
        self._max_parts = max_parts
        self._write: Callable[[bytes], Any] | None = None
        self._field: tuple[str, bytearray] | None = None  # the one that is being read, None while the file is
        self.file_field: str | None = None
        self.fields: dict[str, str] = {}

    async def read(self, content_type: str, stream: AsyncIterable[bytes]) -> None:
        """Read to the end. Raises FormError, and what the stream and ``open_file`` raise."""
        boundary = _options(content_type).get("boundary")
        if not boundary or len(boundary) > MAX_BOUNDARY_CHARACTERS:
            raise FormError("the content type of the form names no boundary, or none that may be")
        try:
            with PushMultipartParser(
                boundary,
                max_header_size=MAX_HEADER_BYTES,
                max_header_count=MAX_HEADERS,
                max_segment_count=self._max_parts,
                header_charset="latin-1",  # takes all bytes: what a file is called never matters
            ) as parser:
                async for piece in _from_boundary(stream, parser.boundary):
                    for event in parser.parse(piece) if piece else ():
                        self._take(event)
                _require_end(parser)
        except ParserLimitReached as error:
            raise FormError("the form has more parts, or longer heads of them, than may be") from error
        except (MultipartError, ValueError) as error:
            raise FormError("the body is not the form that its content type says") from error

    def _take(self, event: MultipartSegment | bytes | None) -> None:
        """The head of a part, a piece of what is in it, or its end."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._field is None:
            if event is not None and self._write is not None:
                self._write(event)
        elif event is None:
            name, value = self._field
            self.fields[name] = _text(value)
        elif len(self._field[1]) + len(event) > MAX_FIELD_BYTES:
            raise FormError("a field of the form is too long")
        else:
            self._field[1].extend(event)

    def _begin(self, part: MultipartSegment) -> None:
        if any("\n" in value for _, value in part.headerlist):  # which the parser finds or not, by how the body is cut
            raise FormError("the head of a part of the form has a line end of its own")
        told = _options(part.header("Content-Disposition"))
        if not told.get("name"):
            raise FormError("a part of the form has no name")
        name = _text(told["name"].encode("latin-1"))
        self._field = None if told.keys() & {"filename", "filename*"} else (name, bytearray())
        if self._field is None:
            if self._write is not None:
                raise FormError("the form has more than one file; send each in a request of its own")
            self._write, self.file_field = self._open(), name


async def _from_boundary(stream: AsyncIterable[bytes], boundary: bytes) -> AsyncIterator[bytes]:
    """The body, which begins with its boundary: the parser takes text before it or not, by how the body is cut."""
    opening, head = b"--" + boundary, b""
    pieces = aiter(stream)
    async for piece in pieces:
        head += piece
        if len(head) >= len(opening) + len(b"\r\n"):
            break
    if not head.removeprefix(b"\r\n").startswith(opening):
        raise FormError("the form does not begin with the boundary that its content type names")
    yield head
    async for piece in pieces:
        yield piece


def _require_end(parser: PushMultipartParser) -> None:
    try:
        parser.close()
    except MultipartError as error:
        raise FormError("the body ends before the form does") from error


def _options(header: str) -> dict[str, str]:
    """What stands behind the first word of a header. ``filename*`` (RFC 5987) is not for forms, and clients send it."""
    found = _OPTION.findall(header)
    return {name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare.strip() for name, quoted, bare in found}


def _text(data: bytes | bytearray) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
