# SPDX-License-Identifier: Apache-2.0
"""Where reports go: one printer a format. All but ``jsonl`` keep the order of the inputs."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TextIO

from waarmerk.cli.repeated import Given
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.report.document import canonical
from waarmerk.provenance.report.repeat import name_of

Document = dict[str, Any]
MAX_DOSSIER_FILES = 500  # with their pictures 0.25 GB; nobody reads a page of more


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How text for a person looks; ``width`` in characters."""

    language: str
    colour: bool = False
    width: int = 100


class Printer(Protocol):
    """Takes reports as they finish and writes them in its form."""

    language: str
    verb: str  # what the worker is asked for: ``verify``, or ``dossier`` for a form that shows pictures

    def begin(self) -> None:
        """Write what stands before the first report."""
        ...

    def report(
        self, position: int, document: Document, dossier: Document | None = None, *, path: Path | None = None
    ) -> None:
        """Take the report of the input at ``position``, what a dossier shows beside it, and where the input lies."""
        ...

    def skip(self, position: int) -> None:
        """The input at ``position`` has no report."""
        ...

    def end(self) -> None:
        """Write what stands after the last report."""
        ...


class _InOrder:
    """Holds finished reports back until all before them are written."""

    verb = "verify"

    def __init__(self, stream: TextIO, language: str) -> None:
        self._stream = stream
        self.language = language
        self._waiting: dict[int, Document | None] = {}
        self._next = 0
        self._written = 0

    def begin(self) -> None:
        pass

    def report(
        self, position: int, document: Document, dossier: Document | None = None, *, path: Path | None = None
    ) -> None:
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

    def _write(self, document: Document) -> None:
        self._stream.write(",\n" if self._written else "[\n")  # not before: a run may yet be refused
        self._stream.write(json.dumps(document, ensure_ascii=True, allow_nan=False, indent=2))

    def end(self) -> None:
        """Close the array."""
        self._stream.write("\n]\n" if self._written else "[]\n")
        self._stream.flush()


class Human(_InOrder):
    """A panel a report."""

    def __init__(self, stream: TextIO, language: str, *, colour: bool, width: int) -> None:
        super().__init__(stream, language)
        self._colour = colour
        self._width = width
        self._unread: dict[str, None] = {}  # a set that keeps its order

    def _write(self, document: Document) -> None:
        from waarmerk.provenance.report.human import is_general, render  # noqa: PLC0415 - only for this form

        codes = (channel["code"] for channel in document["channels"] if channel["state"] == "unread")
        self._unread.update(dict.fromkeys(code for code in codes if code and is_general(code)))
        self._stream.write("\n" if self._written else "")
        self._stream.write(render(document, language=self.language, colour=self._colour, width=self._width) + "\n")

    def end(self) -> None:
        """What holds for every file, once."""
        from waarmerk.provenance.report.human import render_footer  # noqa: PLC0415 - only for this form

        if self._unread:
            footer = render_footer(self._unread, language=self.language, colour=self._colour, width=self._width)
            self._stream.write("\n" + footer + "\n")
        self._stream.flush()


class Csv(_InOrder):
    """A table: a header, then a row a report."""

    def begin(self) -> None:
        """Write the header."""
        from waarmerk.provenance.report import table  # noqa: PLC0415 - only for this form

        self._table = table
        self._stream.write(table.header() + "\r\n")

    def _write(self, document: Document) -> None:
        self._stream.write(self._table.row(document, language=self.language) + "\r\n")


class Html(_InOrder):
    """One page for the whole run, written when the last report is there."""

    verb = "dossier"

    def __init__(self, stream: TextIO, language: str, *, given: Given, answers: Sequence[str]) -> None:
        """``given`` and the ``answers`` to questions say how the run is repeated."""
        from waarmerk.provenance.report.html import Dossier, Run  # noqa: PLC0415 - only for this form

        super().__init__(stream, language)
        self._page = Dossier(language, Run(options=given.words(answers), rests_on=given.rests_on()))
        self._payloads: dict[int, tuple[Document | None, Path | None]] = {}

    def report(
        self, position: int, document: Document, dossier: Document | None = None, *, path: Path | None = None
    ) -> None:
        """Keep the report with its picture and tree."""
        self._payloads[position] = dossier, path
        super().report(position, document)

    def _write(self, document: Document) -> None:
        if self._written >= MAX_DOSSIER_FILES:
            raise ConfigurationError(
                "dossier.too-many", f"a dossier holds at most {MAX_DOSSIER_FILES} files; use json or csv for more"
            )
        dossier, path = self._payloads.pop(self._next - 1)
        self._page.add(document, dossier, given=None if path is None else name_of(path))

    def end(self) -> None:
        """Write the page."""
        self._stream.write(self._page.render())
        self._stream.flush()


class Pdf(Html):
    """The same as one PDF. Raises ConfigurationError where the extra is missing, or the output is a terminal."""

    def __init__(self, stream: TextIO, language: str, *, given: Given, answers: Sequence[str]) -> None:
        super().__init__(stream, language, given=given, answers=answers)
        if find_spec("reportlab") is None:
            raise ConfigurationError("dossier.no-pdf", "PDF needs the extra `pdf` (pip install 'waarmerk[pdf]')")
        if stream.isatty():
            raise ConfigurationError("dossier.to-terminal", "a PDF is no text; send the output to a file")

    def end(self) -> None:
        """Write the document."""
        from waarmerk.provenance.report.pdf import render  # noqa: PLC0415 - only for this form

        self._stream.flush()
        self._stream.buffer.write(render(self._page))
        self._stream.buffer.flush()


class JsonLines:
    """One report a line, as they finish."""

    verb = "verify"

    def __init__(self, stream: TextIO, language: str) -> None:
        self._stream = stream
        self.language = language

    def begin(self) -> None:
        """Nothing stands before the first line."""

    def report(
        self, position: int, document: Document, dossier: Document | None = None, *, path: Path | None = None
    ) -> None:
        """Write the line at once."""
        self._stream.write(canonical(self._line(position, document, path)) + "\n")
        self._stream.flush()

    def _line(self, position: int, document: Document, path: Path | None) -> Document:
        return document

    def skip(self, position: int) -> None:
        """A skipped input leaves no line."""

    def end(self) -> None:
        """Nothing stands after the last line."""


class NumberedLines(JsonLines):
    """The same, each report inside a frame that says which input it is about: its number from 0, and its path."""

    def _line(self, position: int, document: Document, path: Path | None) -> Document:
        return {"input": position, "path": None if path is None else str(path), "report": document}


class WithSearch:
    """Another printer, with the addresses of searches for the picture among the steps of every report."""

    def __init__(self, inner: Printer, address: str) -> None:
        self._inner = inner
        self._address = address
        self.language = inner.language
        self.verb = inner.verb
        self.begin = inner.begin
        self.skip = inner.skip
        self.end = inner.end

    def report(
        self, position: int, document: Document, dossier: Document | None = None, *, path: Path | None = None
    ) -> None:
        """Add the addresses and pass the report on."""
        from waarmerk.provenance.report.search import with_links  # noqa: PLC0415 - only where an address is given

        self._inner.report(position, with_links(document, self._address), dossier, path=path)


FORMS = ("human", "json", "jsonl", "csv", "html", "pdf")
_DOSSIERS = {"html": Html, "pdf": Pdf}


def verb_of(form: str) -> str:
    """What a worker is asked for: ``verify``, or ``dossier`` for a form that shows pictures."""
    return "dossier" if form in _DOSSIERS else "verify"


def printer(
    form: str,
    stream: TextIO,
    look: Look,
    *,
    numbered: bool = False,
    given: Given | None = None,
    answers: Sequence[str] = (),
) -> Printer:
    """The printer of a format. Raises KeyError for an unknown one.

    ``given`` is how the run was asked for, which a dossier repeats; ``answers`` are facts that were asked for since.
    """
    if form in _DOSSIERS and given is not None:
        chosen: Printer = _DOSSIERS[form](stream, look.language, given=given, answers=answers)
    elif form == "human":
        chosen = Human(stream, look.language, colour=look.colour, width=look.width)
    else:
        lines = NumberedLines if numbered else JsonLines
        plain: dict[str, Callable[[TextIO, str], Printer]] = {"json": Json, "jsonl": lines, "csv": Csv}
        chosen = plain[form](stream, look.language)
    address = None if given is None else given.public_url
    return chosen if address is None else WithSearch(chosen, address)
