# SPDX-License-Identifier: Apache-2.0
"""The bytes of a file that is being made: small ones in memory, large ones in a file of ours that no folder lists.

A clip goes through several hands before it stands where it is wanted. None of them needs all of it at once.
"""

import io
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

IN_MEMORY_BYTES = 8 * 2**20  # beyond it a file lies on the disk
_PIECE_BYTES = 2**20


class Content:
    """``size`` bytes that can be opened as often as needed. On a disk they are gone with the last that refers to them.

    Safe to read from several threads.
    """

    __slots__ = ("__weakref__", "_data", "_descriptor", "size")

    def __init__(self, data: bytes | None, descriptor: int | None) -> None:
        """One of the two; use ``of``, ``copied`` or ``taken``."""
        self._data = data
        self._descriptor = descriptor
        self.size = len(data) if data is not None else 0
        if descriptor is not None:
            self.size = os.fstat(descriptor).st_size
            weakref.finalize(self, os.close, descriptor)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """These bytes."""
        return cls(data, None)

    @classmethod
    def copied(cls, source: IO[bytes]) -> Self:
        """What is left of a stream, which stays as it is. Raises OSError."""
        head = source.read(IN_MEMORY_BYTES + 1)
        if len(head) <= IN_MEMORY_BYTES:
            return cls.of(head)
        with tempfile.TemporaryFile() as file:
            file.write(head)
            shutil.copyfileobj(source, file, _PIECE_BYTES)
            return cls.filled(file)

    @classmethod
    def filled(cls, file: IO[bytes]) -> Self:
        """What was written to a temporary file, which may be closed then. Raises OSError."""
        file.flush()
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= IN_MEMORY_BYTES:
            return cls.of(file.read())
        return cls(None, os.dup(file.fileno()))

    @classmethod
    def taken(cls, path: Path) -> Self:
        """A file of ours, which is taken away from its folder. Raises OSError."""
        with path.open("r+b") as file:
            path.unlink()
            return cls.filled(file)

    @property
    def lies_on_disk(self) -> bool:
        """Whether it is too large to be taken into memory without need."""
        return self._descriptor is not None

    def open(self) -> BinaryIO:
        """A fresh stream over it, with a place of its own."""
        if self._data is not None:
            return io.BytesIO(self._data)
        return cast("BinaryIO", io.BufferedReader(_Stream(self), _PIECE_BYTES))

    def read(self) -> bytes:
        """All of it, in memory."""
        return b"".join(self.pieces())

    def pieces(self) -> Iterator[bytes | memoryview]:
        """All of it, a little at a time."""
        if self._data is not None:
            yield memoryview(self._data)
            return
        with self.open() as stream:
            while piece := stream.read(_PIECE_BYTES):
                yield piece

    def is_that_of(self, stream: IO[bytes]) -> bool:
        """Whether a stream holds these bytes from where it stands, and no others."""
        for piece in self.pieces():
            for at in range(0, len(piece), _PIECE_BYTES):
                part = piece[at : at + _PIECE_BYTES]
                if stream.read(len(part)) != part:
                    return False
        return not stream.read(1)

    def stands_at(self, path: Path) -> bool:
        """Whether a file holds these bytes and no others. Raises OSError."""
        with path.open("rb") as stream:
            return self.is_that_of(stream)

    def edited(self, places: Sequence[tuple[int, bytes]], *, size: int | None = None, tail: bytes = b"") -> "Content":
        """Another content: with other bytes at some places, cut off at ``size``, and with ``tail`` behind it.

        Raises OSError.
        """
        size = self.size if size is None else size
        if self._data is not None:
            out = bytearray(self._data)
            for at, data in places:
                out[at : at + len(data)] = data
            return Content.of(bytes(out[:size]) + tail)
        with tempfile.TemporaryFile() as file, self.open() as source:
            shutil.copyfileobj(source, file, _PIECE_BYTES)
            for at, data in places:
                file.seek(at)
                file.write(data)
            file.truncate(size)
            file.seek(size)
            file.write(tail)
            return Content.filled(file)

    def into(self, buffer: bytearray | memoryview, at: int) -> int:
        """Fill ``buffer`` with what stands on the disk from ``at`` on; how many bytes that were. Raises OSError."""
        return 0 if self._descriptor is None else os.preadv(self._descriptor, [buffer], at)


class _Stream(io.RawIOBase):
    """A place of its own in a content that lies on a disk."""

    def __init__(self, content: Content) -> None:
        super().__init__()
        self._content = content
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        ground = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._content.size}[whence]
        if ground + offset < 0:
            raise ValueError("before the beginning")
        self._at = ground + offset
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # as the base class takes it
        count = self._content.into(buffer, self._at)
        self._at += count
        return count
