# SPDX-License-Identifier: Apache-2.0
"""The published constants of open marks, read from the data that ships."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

_KEYS = {"id", "name", "text", "bits", "centred", "sources", "verified"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedMark:
    """One message that a generator repeats over its pictures. ``by_letter``: centred for each place in a letter."""

    id: str
    name: str
    bits: tuple[bool, ...]
    by_letter: bool
    sources: tuple[str, ...]


@cache
def published_marks() -> tuple[PublishedMark, ...]:
    """All marks of the data that ships, in its order. Raises ValueError where it is damaged."""
    text = files("waarmerk.provenance.marks").joinpath("published.toml").read_text("utf-8")
    return marks_of(tomllib.loads(text))


def marks_of(data: Mapping[str, Any]) -> tuple[PublishedMark, ...]:
    """Marks from plain data. Raises ValueError for an unknown key, an empty message or an id used twice."""
    marks = tuple(_mark(each) for each in data["mark"])
    if not marks or len({mark.id for mark in marks}) != len(marks):
        raise ValueError("every mark has an id of its own")
    return marks


def _mark(data: Mapping[str, Any]) -> PublishedMark:
    if set(data) - _KEYS or ("text" in data) == ("bits" in data) or data["centred"] not in ("mean", "letters"):
        raise ValueError(f"mark {data.get('id')}: unknown key, or not one of text and bits")
    written = "".join(f"{ord(letter):08b}" for letter in data["text"]) if "text" in data else data["bits"]
    by_letter = data["centred"] == "letters"
    if set(written) != {"0", "1"} or (by_letter and len(written) % 8):
        raise ValueError(f"mark {data['id']}: a message is made of bits")
    return PublishedMark(
        id=data["id"],
        name=data["name"],
        bits=tuple(bit == "1" for bit in written),
        by_letter=by_letter,
        sources=tuple(data["sources"]),
    )
