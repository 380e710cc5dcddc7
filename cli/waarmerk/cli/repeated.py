# SPDX-License-Identifier: Apache-2.0
"""How a run of ``verify`` is written down, so that another person can repeat it: every option that mattered.

Files are named without their folders: a dossier is passed on, and whose computer it was made on is nobody's business.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from waarmerk.provenance.report.repeat import name_of, word
from waarmerk.provenance.settings import Settings

_SQLITE = "sqlite:///"
_PASSWORD = re.compile(r"(//[^/@:]*):[^/@]*@")
RestsOn = tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options of one run. ``settings`` name the ledger that was found where none was given, and the file that a
    registry on a server was copied to; ``registry`` is that registry as it was typed.

    ``facts`` are the arguments of ``--context`` as they were typed, ``public_url`` the address that search links are
    made of.
    """

    at: str
    settings: Settings
    facts: tuple[str, ...]
    registry: str | None = None
    public_url: str | None
    language: str
    form: str

    def words(self, answers: Sequence[str] = ()) -> tuple[str, ...]:
        """The options as words of a shell; ``answers`` are facts that were asked for on the terminal."""
        return tuple(self._words((*self.facts, *answers)))

    def _words(self, facts: Sequence[str]) -> Iterator[str]:
        chosen = self.settings
        yield from ("--at", word(self.at))
        yield from self._each("--trust", () if chosen.trust is None else (chosen.trust,))
        yield from self._each("--key", chosen.keys)
        yield from self._each("--ledger", () if chosen.ledger is None else (chosen.ledger,))
        if self.registry is not None:
            yield from ("--registry", self._address(self.registry))
        for fact, typed in zip(facts, (*chosen.context, *facts[len(chosen.context) :]), strict=True):
            yield from ("--context", word(fact) if isinstance(typed, str) else name_of(Path(fact)))
        if chosen.platforms:
            yield from ("--for", word(",".join(chosen.platforms)))
        yield from self._each("--rules", chosen.rule_packs)
        if self.public_url is not None:
            yield from ("--public-url", word(self.public_url))
        yield from (("--open-marks",) if chosen.open_marks else ())
        yield from (part for detector in chosen.detectors for part in ("--detector", word(detector)))
        yield from (("--second-opinion",) if chosen.second_opinion else ())
        yield from (() if chosen.labels else ("--no-labels",))
        yield from ("--lang", self.language, "--format", self.form)

    def _each(self, option: str, paths: Sequence[Path]) -> Iterator[str]:
        for path in paths:
            yield from (option, name_of(path))

    def _address(self, address: str) -> str:
        """A registry as a word of a shell; of one on a server the address without its password and its settings,
        which may name files and hold a password too."""
        if address.startswith("postgresql"):
            return word(_PASSWORD.sub(r"\1@", address.partition("?")[0]))
        return name_of(Path(address.removeprefix(_SQLITE)))

    def rests_on(self) -> RestsOn:
        """The ledger and the registry: kind, name and SHA-256, for what they say changes with every entry.

        Of a registry on a server the digest is that of the copy that was looked into.
        """
        found = []
        if self.settings.ledger is not None:
            found.append(("ledger", name_of(self.settings.ledger), _sha256(self.settings.ledger)))
        if self.registry is not None and self.settings.registry is not None:
            looked_into = Path(self.settings.registry.removeprefix(_SQLITE))
            found.append(("registry", self._address(self.registry), _sha256(looked_into)))
        return tuple(found)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
