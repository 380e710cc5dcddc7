# SPDX-License-Identifier: Apache-2.0
"""What a manifest states of AI beside its actions: signed metadata, and the disclosure of AI.

C2PA 2.2, section 18.16 and 18.17 (``c2pa.metadata``), 1.x ``stds.*``, CAWG metadata; C2PA 2.4 ``c2pa.ai-disclosure``.
A camera claim is made by the actions alone, so a capture that stands only in metadata is left out here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from waarmerk.provenance.credentials.plain import MAX_SHORT
from waarmerk.provenance.model import SourceClass
from waarmerk.provenance.model.source_types import class_of

_METADATA = ("c2pa.metadata", "cawg.metadata", "stds.")
_DISCLOSURE = "c2pa.ai-disclosure"
_MAX_VALUES = 10_000
_MAX_TYPES = 64
_MAX_DEPTH = 8
_KEY = "digitalsourcetype"
_SCHEMA_ORG = ("https://schema.org/", "http://schema.org/", "schema:")
_SUFFIX = "DigitalSource"
# All three say that a model's output is in it; they differ in how far a person looked at it.
_OVERSIGHT = frozenset({"fully_autonomous", "prompt_guided", "human_validated"})


def source_types_of(assertions: list[Mapping[str, Any]]) -> tuple[str, ...]:
    """The source types in the signed metadata, as terms of IPTC, whichever form they were written in."""
    found: dict[str, None] = {}
    for assertion in assertions:
        if not str(assertion.get("label")).startswith((*_METADATA, _DISCLOSURE)):
            continue
        for name, value in texts_of(assertion.get("data")):
            if name.endswith(_KEY) and len(found) < _MAX_TYPES:
                term = _term(value)
                if term and class_of(term) is not SourceClass.CAPTURE:
                    found[term] = None
    return tuple(found)


def discloses_ai(assertions: list[Mapping[str, Any]]) -> bool:
    """Whether a disclosure says in its content that a model made it, wholly or partly."""
    return any(
        name == "humanoversightlevel" and value in _OVERSIGHT
        for assertion in assertions
        if str(assertion.get("label")).startswith(_DISCLOSURE)
        for name, value in texts_of(assertion.get("data"))
    )


def texts_of(data: Any) -> Iterator[tuple[str, str]]:
    """Every text with the name of its property, in small letters and without prefix or namespace."""
    stack: list[tuple[str, Any, int]] = [("", data, 0)]
    for _ in range(_MAX_VALUES):
        if not stack:
            return
        name, value, depth = stack.pop()
        if isinstance(value, str):
            yield name, value[:MAX_SHORT]
        elif depth < _MAX_DEPTH and isinstance(value, list):
            stack += [(name, each, depth + 1) for each in value[:_MAX_VALUES]]
        elif depth < _MAX_DEPTH and isinstance(value, Mapping):
            stack += [(_local(str(key), name), each, depth + 1) for key, each in value.items()]


def _local(key: str, outer: str) -> str:
    """``Iptc4xmpExt:DigitalSourceType`` and its full address are one name; ``@id`` speaks for what it stands in."""
    if key.startswith("@"):
        return outer
    return key.replace("#", ":").replace("/", ":").rpartition(":")[2].casefold()


def _term(value: str) -> str:
    """The value as IPTC writes it; schema.org has the same vocabulary under names of its own."""
    text = value.strip()
    for prefix in _SCHEMA_ORG:
        text = text.removeprefix(prefix)
    if text.endswith(_SUFFIX):
        text = text.removesuffix(_SUFFIX)
        text = text[:1].lower() + text[1:]
    return text
