# SPDX-License-Identifier: Apache-2.0
"""The log of decisions: one line a decision, in the order of the inputs; it only grows."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from waarmerk.provenance.errors import ConfigurationError

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


class DecisionLog:
    """A file that decision records are appended to; readable by its owner alone where it is made here.

    Each line is one write, so that two runs may share a log.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError where ``path`` cannot be written or holds something else."""
        try:
            self._descriptor = os.open(path, _FLAGS, 0o600)
        except OSError as error:
            raise ConfigurationError("record.unwritable", f"{path} cannot be written: {error.strerror}") from error
        self._waiting: dict[int, Mapping[str, Any] | None] = {}
        self._next = 0
        if (reason := self._unfit()) is not None:
            os.close(self._descriptor)
            raise ConfigurationError("record.no-log", f"{path}: {reason}; nothing was written to it")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def add(self, position: int, record: Mapping[str, Any] | None) -> None:
        """Take the record of the input at ``position``, None where nothing was decided; written in their order."""
        self._waiting[position] = record
        while self._next in self._waiting:
            self._write(self._waiting.pop(self._next))
            self._next += 1

    def close(self) -> None:
        """Write what waits for an input that never came, and put everything on the disk."""
        try:
            for position in sorted(self._waiting):
                self._write(self._waiting[position])
            os.fsync(self._descriptor)
        finally:
            os.close(self._descriptor)

    def _write(self, record: Mapping[str, Any] | None) -> None:
        from waarmerk.provenance.labelling.record import record_line  # noqa: PLC0415 - only where a log is kept

        left = memoryview(b"" if record is None else record_line(record))
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _unfit(self) -> str | None:
        """Why what is there already is no log, None where it is one or empty."""
        seen = os.fstat(self._descriptor)
        if not stat.S_ISREG(seen.st_mode):
            return "no regular file"
        if seen.st_size == 0:
            return None
        if os.pread(self._descriptor, 1, 0) != b"{":
            return "no log of decisions"
        return None if os.pread(self._descriptor, 1, seen.st_size - 1) == b"\n" else "it ends in the middle of a line"
