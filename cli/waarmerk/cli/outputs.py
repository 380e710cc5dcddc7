# SPDX-License-Identifier: Apache-2.0
"""Where reports go: one printer a format. All but ``jsonl`` keep the order of the inputs."""

import json
from collections.abc import Callable
from typing import Any, Protocol, TextIO

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.report.document import canonical

Document = dict[str, Any]
MAX_DOSSIER_FILES = 500  # with their pictures 0.25 GB; nobody reads a page of more


class Printer(Protocol):
    """Takes reports as they finish and writes them in its form."""

    language: str
    verb: str  # what the worker is asked for: ``verify``, or ``dossier`` for a form that shows pictures

    def begin(self) -> None:
        """Write what stands before the first report."""
        ...

    def report(self, position: int, document: Document, dossier: Document | None = None) -> None:
        """Take the report of the input at ``position``, and what a dossier shows beside it."""
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

    def report(self, position: int, document: Document, dossier: Document | None = None) -> None:
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

    def __init__(self, stream: TextIO, language: str, *, options: tuple[str, ...]) -> None:
        """``options`` repeat the run, as they would be typed behind the name of a file."""
        from waarmerk.provenance.report.html import Dossier, Run  # noqa: PLC0415 - only for this form

        super().__init__(stream, language)
        self._page = Dossier(language, Run(options=options))
        self._payloads: dict[int, Document | None] = {}

    def report(self, position: int, document: Document, dossier: Document | None = None) -> None:
        """Keep the report with its picture and tree."""
        self._payloads[position] = dossier
        super().report(position, document)

    def _write(self, document: Document) -> None:
        if self._written >= MAX_DOSSIER_FILES:
            raise ConfigurationError(
                "dossier.too-many", f"a dossier holds at most {MAX_DOSSIER_FILES} files; use json or csv for more"
            )
        self._page.add(document, self._payloads.pop(self._next - 1, None))

    def end(self) -> None:
        """Write the page."""
        self._stream.write(self._page.render())
        self._stream.flush()


class JsonLines:
    """One report a line, as they finish."""

    verb = "verify"

    def __init__(self, stream: TextIO, language: str) -> None:
        self._stream = stream
        self.language = language

    def begin(self) -> None:
        """Nothing stands before the first line."""

    def report(self, position: int, document: Document, dossier: Document | None = None) -> None:
        """Write the line at once."""
        self._stream.write(canonical(document) + "\n")
        self._stream.flush()

    def skip(self, position: int) -> None:
        """A skipped input leaves no line."""

    def end(self) -> None:
        """Nothing stands after the last line."""


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

    def report(self, position: int, document: Document, dossier: Document | None = None) -> None:
        """Add the addresses and pass the report on."""
        from waarmerk.provenance.report.search import with_links  # noqa: PLC0415 - only where an address is given

        self._inner.report(position, with_links(document, self._address), dossier)


def printer(
    form: str,
    stream: TextIO,
    *,
    language: str,
    colour: bool,
    width: int,
    options: tuple[str, ...] = (),
    address: str | None = None,
) -> Printer:
    """The printer of a format. Raises KeyError for an unknown one.

    ``options`` are those that repeat the run, ``address`` where the one input stands on the web.
    """
    chosen = _chosen(form, stream, language, colour=colour, width=width, options=options)
    return chosen if address is None else WithSearch(chosen, address)


def _chosen(form: str, stream: TextIO, language: str, *, colour: bool, width: int, options: tuple[str, ...]) -> Printer:
    if form == "human":
        return Human(stream, language, colour=colour, width=width)
    if form == "html":
        return Html(stream, language, options=options)
    plain: dict[str, Callable[[TextIO, str], Printer]] = {"json": Json, "jsonl": JsonLines, "csv": Csv}
    return plain[form](stream, language)
