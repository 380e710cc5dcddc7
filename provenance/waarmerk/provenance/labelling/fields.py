# SPDX-License-Identifier: Apache-2.0
"""The dictionary of facts: which names a condition may use, which values they take, who can know them.

The dictionary itself is data of the pack (``fields.yaml``); here stands only what a field is.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from waarmerk.provenance.labelling.countries import COUNTRIES, MEANT, UNION

KINDS = ("bool", "int", "number", "date", "enum", "terms", "codes")
"""``terms`` is a list of source types, ``codes`` a set of country codes."""

Value = bool | int | float | str | tuple[str, ...] | None
"""The value of a fact; None is unknown. A day is its ISO text, so that days compare as text."""

GROUPS = ("evidence", "finding", "context")
ORIGINS = ("file", "uploader", "platform", "reviewer", "config")
ASSUMED, DERIVED = "assumed", "derived"
"""Facts that nobody stated: taken to be so of whoever does this, and what follows from others. Neither is anybody's
word, and an assumed one lets no label go out by itself."""
MAX_TEXT = 200
MAX_TERMS = 200
_CODE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")


def day_of(text: str) -> str:
    """The text of a calendar day, if it is one. Raises ValueError otherwise."""
    if not _DAY.match(text):
        raise ValueError(f"{shown(text)} is no day (YYYY-MM-DD)")
    try:
        date.fromisoformat(text)
    except ValueError:  # it says so in English alone
        raise ValueError(f"{shown(text)} is no day (YYYY-MM-DD)") from None
    return text


def shown(value: object) -> str:
    """A value as a message shows it: short, printable."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One fact: ``kind`` is one of ``KINDS``, ``absent`` what holds if nobody says, None for unknown.

    ``question`` and ``help`` hold (language, text) pairs; a field without a question asks with its help.
    """

    name: str
    group: str
    kind: str
    values: tuple[str, ...] = ()
    known_by: tuple[str, ...] = ()
    may_be_unknown: bool = True
    absent: Value = None
    question: tuple[tuple[str, str], ...] = ()
    help: tuple[tuple[str, str], ...] = ()

    @property
    def asked(self) -> tuple[tuple[str, str], ...]:
        """The question in every language it is worded in."""
        return self.question or self.help or (("en", self.name),)

    def accept(self, raw: object) -> Value:
        """The value of this field that ``raw`` stands for. Raises ValueError with the reason."""
        if raw is None:
            if not self.may_be_unknown:
                raise ValueError(f"{self.name} cannot be unknown")
            return None
        return _ACCEPT[self.kind](self, raw)

    def read(self, text: str) -> Value:
        """The value that a person typed as ``field=text``. Raises ValueError with the reason."""
        word = text.strip()
        if word.lower() in ("", "null", "unknown", "onbekend"):
            return self.accept(None)
        if self.kind == "bool":
            return self.accept(_TYPED.get(word.lower(), word))
        if self.kind in ("terms", "codes"):
            parts = [part.strip() for part in word.split(",") if part.strip()]
            return self.accept([part.upper() for part in parts] if self.kind == "codes" else parts)
        if self.kind in ("int", "number"):
            try:
                return self.accept(int(word) if self.kind == "int" else float(word))
            except ValueError as error:
                raise ValueError(f"{self.name} wants a number in its range, not {shown(word)}") from error
        return self.accept(word)


_TYPED = {"true": True, "yes": True, "ja": True, "false": False, "no": False, "nee": False}


def _bool(field: Field, raw: object) -> Value:
    if not isinstance(raw, bool):
        raise ValueError(f"{field.name} is true or false, not {shown(raw)}")
    return raw


def _int(field: Field, raw: object) -> Value:
    if isinstance(raw, bool) or not isinstance(raw, int) or abs(raw) > 10**12:
        raise ValueError(f"{field.name} is a whole number, not {shown(raw)}")
    return raw


def _number(field: Field, raw: object) -> Value:
    if isinstance(raw, bool) or not isinstance(raw, int | float) or not 0 <= raw <= 1:
        raise ValueError(f"{field.name} is a number from 0 to 1, not {shown(raw)}")
    return float(raw)


def _date(field: Field, raw: object) -> Value:
    if not isinstance(raw, str):
        raise ValueError(f"{field.name} is a day (YYYY-MM-DD), not {shown(raw)}")
    try:
        return day_of(raw)
    except ValueError as error:
        raise ValueError(f"{field.name}: {error}") from error


def _enum(field: Field, raw: object) -> Value:
    word = str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
    if not isinstance(word, str) or word not in field.values:
        raise ValueError(f"{field.name} is one of {', '.join(field.values)}, not {shown(raw)}")
    return word


def _strings(field: Field, raw: object) -> tuple[str, ...]:
    if not isinstance(raw, list | tuple) or len(raw) > MAX_TERMS:
        raise ValueError(f"{field.name} is a list of at most {MAX_TERMS} texts, not {shown(raw)}")
    found = []
    for part in raw:
        if not isinstance(part, str) or len(part) > MAX_TEXT:
            raise ValueError(f"{field.name} holds texts of at most {MAX_TEXT} characters, not {shown(part)}")
        found.append(part)
    return tuple(sorted(set(found)))


def _codes(field: Field, raw: object) -> Value:
    codes = _strings(field, raw)
    for code in codes:
        if not _CODE.match(code):
            raise ValueError(f"{field.name} holds codes such as NL, EU or US-CA, not {shown(code)}")
        land = code.partition("-")[0]
        if land not in COUNTRIES and code != UNION:
            meant = MEANT.get(land)
            hint = f"; did you mean {meant}?" if meant else ""
            raise ValueError(f"{field.name}: {shown(code)} is the code of no country (ISO 3166-1){hint}")
    return codes


_ACCEPT: dict[str, Callable[[Field, object], Value]] = {
    "bool": _bool,
    "int": _int,
    "number": _number,
    "date": _date,
    "enum": _enum,
    "terms": _strings,
    "codes": _codes,
}
