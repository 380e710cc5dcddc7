# SPDX-License-Identifier: Apache-2.0
"""The dossier: one HTML file a run, without script, that opens anywhere and prints well.

Nothing in it is fetched and nothing of an examined file stands in it but text, made safe, and a small picture that
was encoded anew. Every value passes ``escape.plain`` and then jinja's escaping, whoever writes a template.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import BaseLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.repeat import word
from waarmerk.provenance.report.view import View, moment
from waarmerk.provenance.report.wording import wording

_ANY_FILE = "FILE"  # of an upload or of standard input nobody knows a name
MAX_TEXT = 4096  # characters of one text on a page; a field of a file is cut at 256 before


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How the dossier came to be: words of a shell that repeat it, written behind the name of each file.

    ``rests_on`` are further files that mattered (a ledger, a registry): kind, name and SHA-256 of each.
    """

    program: str = "waarmerk verify"
    options: tuple[str, ...] = ()
    rests_on: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One file of a dossier: what is said of it, and the commands that make sure of the file and repeat the answer."""

    view: View
    digest_command: tuple[str, ...]
    command: tuple[str, ...]


@dataclass(slots=True)
class Dossier:
    """A dossier that grows file by file; ``language`` is ``en`` or ``nl``."""

    language: str
    run: Run = field(default_factory=Run)
    sheets: list[Sheet] = field(default_factory=list)
    _heads: list[Mapping[str, Any]] = field(default_factory=list)

    def add(
        self, document: Mapping[str, Any], dossier: Mapping[str, Any] | None = None, *, given: str | None = None
    ) -> None:
        """Add the report of one more file, with its payload: ``picture``, ``inner``, ``manifests``.

        ``given`` is the file as a word of a shell; its bare name where nobody says.
        """
        name = document["asset"]["name"]
        file = given or (word(f"./{name}" if name.startswith("-") else name) if name else _ANY_FILE)
        view = View(document, dossier, wording(self.language))
        self.sheets.append(Sheet(view, ("sha256sum", file), (self.run.program, file, *self.run.options)))
        self._heads.append({"at": moment(document["at"]), "version": document["tool"]["version"]})

    @property
    def head(self) -> Mapping[str, Any]:
        """When the first answer was given (``at``), by which ``version``."""
        return self._heads[0] if self._heads else {"at": "", "version": ""}

    def render(self) -> str:
        """The whole page."""
        page = environment(PARTS).get_template("dossier.html")
        return page.render(words=wording(self.language), sheets=self.sheets, run=self.run, head=self.head)


def render(documents: Sequence[Mapping[str, Any]], *, language: str, run: Run | None = None) -> str:
    """A dossier of reports alone, without pictures and trees."""
    dossier = Dossier(language, run or Run())
    for document in documents:
        dossier.add(document)
    return dossier.render()


def _shown(value: object) -> object:
    """Every value on its way to the page: text is made safe; what a template already escaped stays."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return plain(value, limit=MAX_TEXT)
    return value


_DATA_URI = re.compile(r"data:image/(?:jpeg|png);base64,[A-Za-z0-9+/]+={0,2}")


def _data_uri(value: str) -> Markup:
    """A picture of ours as it stands, everything else as nothing: no other address gets into the page."""
    return Markup(value if _DATA_URI.fullmatch(value) else "data:,")  # noqa: S704 - nothing but base64 passes


PARTS = PackageLoader("waarmerk.provenance.report")


@cache
def environment(loader: BaseLoader) -> Environment:
    """Where pages are made: every value is escaped and made safe, a name that is not given is an error."""
    made = Environment(
        loader=loader,
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["data_uri"] = _data_uri
    return made
