# SPDX-License-Identifier: Apache-2.0
"""Where reports go: one printer a format. All but ``jsonl`` keep the order of the inputs."""

import json
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from waarmerk.provenance.report.document import canonical

Document = dict[str, Any]


class Printer(Protocol):
    """Takes reports as they finish and writes them in its form."""

    language: str

    def begin(self) -> None:
        """Write what stands before the first report."""
        ...

    def report(self, position: int, document: Document) -> None:
        """Take the report of the input at ``position``."""
        ...

    def skip(self, position: int) -> None:
        """The input at ``position`` has no report."""
        ...

    def end(self) -> None:
        """Write what stands after the last report."""
        ...


class _InOrder:
    """Holds finished reports back until all before them are written."""

    def __init__(self, stream: TextIO, language: str) -> None:
        self._stream = stream
        self.language = language
        self._waiting: dict[int, Document | None] = {}
        self._next = 0
        self._written = 0

    def begin(self) -> None:
        pass

    def report(self, position: int, document: Document) -> None:
        self._waiting[position] = document
        self._flush()

    def skip(self, position: int) -> None:
        self._waiting[position] = None
        self._flush()

    def end(self) -> None:
        self._stream.flush()

    def _flush(self) -> None:
        while self._next in self._waiting:
            document = self._waiting.pop(self._next)
            self._next += 1
            if document is not None:
                self._write(document)
                self._written += 1
        self._stream.flush()

    def _write(self, document: Document) -> None:
        raise NotImplementedError


class Json(_InOrder):
    """One JSON array, written as it grows."""

    def begin(self) -> None:
        """Open the array."""
        self._stream.write("[")

    def _write(self, document: Document) -> None:
        self._stream.write(",\n" if self._written else "\n")
        self._stream.write(json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2))

    def end(self) -> None:
        """Close the array."""
        self._stream.write("\n]\n" if self._written else "]\n")
        self._stream.flush()


class Human(_InOrder):
    """A panel a report."""

    def __init__(self, stream: TextIO, language: str, *, colour: bool, width: int) -> None:
        super().__init__(stream, language)
        self._colour = colour
        self._width = width

    def _write(self, document: Document) -> None:
        from waarmerk.provenance.report.human import render  # noqa: PLC0415 - only for this form

        self._stream.write("\n" if self._written else "")
        self._stream.write(render(document, language=self.language, colour=self._colour, width=self._width) + "\n")


class Csv(_InOrder):
    """A table: a header, then a row a report."""

    def begin(self) -> None:
        """Write the header."""
        from waarmerk.provenance.report import table  # noqa: PLC0415 - only for this form

        self._table = table
        self._stream.write(table.header() + "\r\n")

    def _write(self, document: Document) -> None:
        self._stream.write(self._table.row(document, language=self.language) + "\r\n")


class JsonLines:
    """One report a line, as they finish."""

    def __init__(self, stream: TextIO, language: str) -> None:
        self._stream = stream
        self.language = language

    def begin(self) -> None:
        """Nothing stands before the first line."""

    def report(self, position: int, document: Document) -> None:
        """Write the line at once."""
        self._stream.write(canonical(document) + "\n")
        self._stream.flush()

    def skip(self, position: int) -> None:
        """A skipped input leaves no line."""

    def end(self) -> None:
        """Nothing stands after the last line."""


def printer(form: str, stream: TextIO, *, language: str, colour: bool, width: int) -> Printer:
    """The printer of a format. Raises KeyError for an unknown one."""
    if form == "human":
        return Human(stream, language, colour=colour, width=width)
    plain: dict[str, Callable[[TextIO, str], Printer]] = {"json": Json, "jsonl": JsonLines, "csv": Csv}
    return plain[form](stream, language)
