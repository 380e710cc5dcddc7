# SPDX-License-Identifier: Apache-2.0
"""The shape of a pack's files, verified by hand so that a refusal can name the line and say what is wrong.

An unknown key is a mistake, never an extension: a misspelt ``untill`` would otherwise keep a rule in force for ever.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from waarmerk.provenance.labelling.documents import Path
from waarmerk.provenance.labelling.fields import GROUPS, KINDS, ORIGINS, day_of, shown
from waarmerk.provenance.model.labelling import DutyStatus

Problem = tuple[Path, str]
Shape = Callable[[Any, Path], Iterator[Problem]]

PACK_FORMAT = "waarmerk.pack/1"
BASES = ("law", "guideline", "voluntary_code", "platform_policy", "workflow", "evidence", "house")
CONFIDENCES = ("read", "secondary", "memory")
WHO = (
    *("provider", "deployer", "provider or deployer", "uploader", "platform", "ad_publisher", "sponsor", "publisher"),
    *("editor", "reviewer", "trusted_flagger", "labeler", "capture_manufacturer", "supervisor", "engine", "any"),
)
"""Whose duty it is; each has its words in the reports."""
AUDIENCES = ("public", "actor", "case_file")
MEDIA = ("image", "video", "audio", "text", "any")
VARIANTS = ("any", "generated", "modified")
STATED = tuple(status.value for status in DutyStatus if status is not DutyStatus.UNDECIDED)
FINDING = ("origin", "tier", "authentic_capture", "conflict")

_ID = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}\Z")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")
_LANGUAGE = re.compile(r"[a-z]{2}\Z")


def text(longest: int = 1_500) -> Shape:
    """A text that is not empty."""

    def shape(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, str) or not value.strip():
            yield path, f"a text is due, not {shown(value)}"
        elif len(value) > longest:
            yield path, f"text of {len(value)} characters, at most {longest}"

    return shape


def one_of(*allowed: object) -> Shape:
    """One of a closed list of values."""

    def shape(value: Any, path: Path) -> Iterator[Problem]:
        if value not in allowed or isinstance(value, bool) != isinstance(allowed[0], bool):
            yield path, f"one of {', '.join(str(a) for a in allowed)} is due, not {shown(value)}"

    return shape


def matching(pattern: re.Pattern[str], what: str) -> Shape:
    """A text of a certain form."""

    def shape(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, str) or not pattern.match(value):
            yield path, f"{what} is due, not {shown(value)}"

    return shape


def day(value: Any, path: Path) -> Iterator[Problem]:
    """A calendar day."""
    try:
        day_of(str(value))
    except ValueError as error:
        yield path, str(error)


def anything(value: Any, path: Path) -> Iterator[Problem]:
    """A value that is looked at later, by those who know its field."""
    yield from ()


def optional(inner: Shape) -> Shape:
    """A value that may be null."""
    return lambda value, path: iter(()) if value is None else inner(value, path)


def list_of(inner: Shape, *, least: int = 0) -> Shape:
    """A list."""

    def shape(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, list) or len(value) < least:
            yield path, "a list is due" + (" with an entry" if least else "")
            return
        for position, part in enumerate(value):
            yield from inner(part, (*path, position))

    return shape


def mapping_of(keys: Shape, inner: Shape) -> Shape:
    """A mapping with free keys of one form."""

    def shape(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield path, "a mapping is due"
            return
        for key, part in value.items():
            yield from keys(key, (*path, key))
            yield from inner(part, (*path, key))

    return shape


def record(required: Mapping[str, Shape], allowed: Mapping[str, Shape] | None = None) -> Shape:
    """A mapping with exactly these keys; those in ``allowed`` may be left out."""
    shapes = {**required, **(allowed or {})}

    def shape(value: Any, path: Path) -> Iterator[Problem]:
        if not isinstance(value, dict):
            yield path, f"a mapping with {', '.join(required) or 'keys'} is due"
            return
        for key in required:
            if key not in value:
                yield path, f"{key} is missing"
        for key, part in value.items():
            if key not in shapes:
                yield (*path, key), f"unknown key {shown(key)}; known are {', '.join(shapes)}"
            else:
                yield from shapes[key](part, (*path, key))

    return shape


_ID_TEXT = matching(_ID, "an id of letters, digits, dot, dash, underscore")
_FIELD_NAME = matching(_NAME, "a name in lower case")
_LANGUAGES = list_of(matching(_LANGUAGE, "a language of two letters"))
_WORDS = mapping_of(matching(_LANGUAGE, "a language of two letters"), text(400))
_VARIANT = one_of(*VARIANTS)


def _place(value: Any, path: Path) -> Iterator[Problem]:
    """A text, or the same in several languages."""
    yield from (_WORDS if isinstance(value, dict) else text())(value, path)


_SOURCES = mapping_of(_ID_TEXT, record({"title": text()}, {"url": optional(text()), "document": text()}))
_FIELD = record(
    {"type": one_of(*KINDS)},
    {
        "values": list_of(text(60), least=1),
        "known_by": list_of(one_of(*ORIGINS), least=1),
        "unknown": one_of(True, False),
        "absent": anything,
        "question": _WORDS,
        "help": _WORDS,
    },
)
_RULE = record(
    {
        "who": one_of(*WHO),
        "basis": one_of(*BASES),
        "when": text(10**7),  # the language refuses long ones itself, with its own reason
        "status": one_of(*STATED),
        "label": _FIELD_NAME,
        "shown_to": one_of(*AUDIENCES),
        "wording": mapping_of(_VARIANT, _WORDS),
        "source": record({"ref": _ID_TEXT}, {"paragraph": text(), "also": list_of(_ID_TEXT)}),
        "confidence": one_of(*CONFIDENCES),
    },
    {
        "from": optional(day),
        "until": optional(day),
        "dates": one_of("exact", "approximate"),
        "status_if_confirmed": one_of("required"),
        "automatic": one_of(True, False),
        "ui_string": text(200),
        "placement": mapping_of(one_of(*MEDIA), _place),
        "except": list_of(text()),
        "reports": list_of(_FIELD_NAME),
        "notes": text(),
        "read_on": day,
    },
)
_EXPECTED = record(
    {},
    {
        **{status.value: list_of(_ID_TEXT) for status in DutyStatus},
        **dict.fromkeys(FINDING, anything),
        "not": list_of(_ID_TEXT),
        "asks": mapping_of(_ID_TEXT, list_of(_FIELD_NAME)),
        "exact": one_of(True, False),
    },
)

SHAPES: Mapping[str, Shape] = {
    "pack": record(
        {
            "format": one_of(PACK_FORMAT),
            "id": _ID_TEXT,
            "version": text(40),
            "languages": _LANGUAGES,
            "review": text(),
        },
        {"about": text(), "public_languages": _LANGUAGES, "overrides": mapping_of(_ID_TEXT, text())},
    ),
    "fields": record(
        {"fields": mapping_of(one_of(*GROUPS), mapping_of(_FIELD_NAME, _FIELD))},
        {"defines": mapping_of(_FIELD_NAME, text(10**7))},
    ),
    "sources": record({"sources": _SOURCES}),
    "phrases": record(
        {"claims": mapping_of(_ID_TEXT, _WORDS), "placeholders": mapping_of(_FIELD_NAME, _WORDS)},
        {"signatures": mapping_of(_ID_TEXT, _WORDS)},
    ),
    "elections": record(
        {
            "elections": list_of(
                record({"name": text(100), "jurisdiction": text(8), "from": day, "until": day, "vote": day})
            )
        }
    ),
    "rules": record(
        {
            "law": record({"title": text(200), "zone": text(40), "read_on": day}, {"note": text()}),
            "rules": mapping_of(_ID_TEXT, _RULE),
        },
        {"sources": _SOURCES},
    ),
    "translations": record(
        {
            "language": matching(_LANGUAGE, "a language of two letters"),
            "rules": mapping_of(_ID_TEXT, mapping_of(_VARIANT, text(400))),
        }
    ),
    "scenarios": record(
        {
            "cases": list_of(
                record(
                    {"id": _ID_TEXT, "text": text(), "expect": _EXPECTED},
                    {
                        "in": mapping_of(_FIELD_NAME, anything),
                        "rule": _ID_TEXT,
                        "unless": list_of(mapping_of(_FIELD_NAME, anything)),
                        "open": list_of(_FIELD_NAME),
                    },
                )
            )
        },
        {"base": mapping_of(_FIELD_NAME, anything)},
    ),
}


def kind_of(name: str) -> str | None:
    """Which shape a file of a pack has, by its place in the folder; None for a file that does not belong there."""
    folder, _, rest = name.rpartition("/")
    stem, _, ending = rest.rpartition(".")
    if ending != "yaml":
        return None
    if folder in ("rules", "translations", "scenarios"):
        return folder
    return stem if not folder and stem in ("pack", "fields", "sources", "phrases", "elections") else None
