# SPDX-License-Identifier: Apache-2.0
"""Whether plain data is a report (``waarmerk.report/1``), by its JSON Schema, or what a dossier shows beside one.

For what comes from a process that a file may have taken over: whoever reads a report goes by its schema. Of JSON Schema
this knows what ours says (``_SAYS``), and takes a tenth of a millisecond for a report, nearly all of it for its labels.
"""

import json
import math
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import is_dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any, get_args, get_origin, get_type_hints

from waarmerk.provenance.model import Manifest

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_SAYS = {"type", "enum", "const", "properties", "required", "additionalProperties", "items", "pattern", "minimum"}
_SAYS |= {"maximum", "minItems", "maxItems"}
_TELLS = {"$schema", "$id", "title", "description", "format"}  # people, not us

Check = Callable[[Any], bool]


def is_report(document: Mapping[str, Any], *, sound: Collection[str] = ()) -> bool:
    """Whether this is a report; the values under ``sound`` are known to be what one has there (``is_part``)."""
    checks = _checks()
    return document.keys() == checks.keys() and all(
        name in sound or checks[name](value) for name, value in document.items()
    )


def is_part(key: str, value: Any) -> bool:
    """Whether this is what a report has under ``key``."""
    return _checks()[key](value)


def is_payload(payload: Any) -> bool:
    """Whether this is what ``report.dossier.payload`` makes, once it was JSON."""
    return _payload()(payload)


@cache
def _payload() -> Check:
    number, text = {"type": "integer", "minimum": 0}, {"type": "string"}
    return check_of(
        {
            **_object(
                {
                    "picture": {
                        **_object({"uri": text, "width": number, "height": number}),
                        "type": ["object", "null"],
                    },
                    "inner": {"type": ["array", "null"], "items": number, "minItems": 4, "maxItems": 4},
                    "manifests": {"type": "array", "items": _schema_of(Manifest)},
                }
            ),
            "type": ["object", "null"],
        }
    )


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _schema_of(kind: Any) -> dict[str, Any]:
    """The schema of what ``asdict`` makes of a dataclass of ours, once it was JSON."""
    if get_origin(kind) is tuple:
        return {"type": "array", "items": _schema_of(get_args(kind)[0])}
    if is_dataclass(kind):
        return _object({name: _schema_of(each) for name, each in get_type_hints(kind).items()})
    either = get_args(kind) or (kind,)
    values = [one.value for each in either if issubclass(each, StrEnum) for one in each]
    if values:
        return {"enum": [*values, *(None for each in either if each is type(None))]}
    return {"type": [name for name, types in _TYPES.items() if name != "number" and types[0] in either]}


@cache
def _checks() -> dict[str, Check]:
    """For each key that a report has."""
    text = (files(__package__) / "schema" / "report-1.schema.json").read_text("utf-8")
    return {name: check_of(told) for name, told in json.loads(text)["properties"].items()}


def check_of(schema: Mapping[str, Any]) -> Check:
    """What says whether plain data is as ``schema`` has it. Raises ValueError for one that says what is not known."""
    if unknown := schema.keys() - _SAYS - _TELLS:
        raise ValueError(f"not known of JSON Schema: {sorted(unknown)}")
    types = _types_of(schema)
    if not schema.keys() & (_SAYS - {"type"}):
        return lambda value: type(value) in types
    return _Shape(types, schema)


def _types_of(schema: Mapping[str, Any]) -> frozenset[type]:
    if "const" in schema or "enum" in schema:
        return frozenset(type(each) for each in schema.get("enum", (schema.get("const"),)))
    named = schema["type"]
    return frozenset(kind for name in ([named] if isinstance(named, str) else named) for kind in _TYPES[name])


class _Shape:
    """What a schema says beyond types."""

    def __init__(self, types: frozenset[type], schema: Mapping[str, Any]) -> None:
        self._types = types
        only = schema.get("enum", (schema["const"],) if "const" in schema else None)
        self._only = None if only is None else tuple(only)
        self._each = {name: check_of(told) for name, told in schema.get("properties", {}).items()}
        self._required = frozenset(schema.get("required", ()))
        others = schema.get("additionalProperties", True)
        self._others: Check = check_of(others) if isinstance(others, dict) else lambda _: bool(others)
        self._items = check_of(schema["items"]) if "items" in schema else None
        self._few, self._many = schema.get("minItems", 0), schema.get("maxItems", 2**62)
        self._like = re.compile(schema["pattern"]).fullmatch if "pattern" in schema else None
        self._least, self._most = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)

    def __call__(self, value: Any) -> bool:
        kind = type(value)
        if kind not in self._types or (self._only is not None and value not in self._only):
            return False
        if kind is dict:
            each, others = self._each, self._others
            return self._required <= value.keys() and all(each.get(name, others)(told) for name, told in value.items())
        if kind is list:
            items = self._items
            return self._few <= len(value) <= self._many and (items is None or all(map(items, value)))
        if kind is str:
            return self._like is None or self._like(value) is not None
        return value is None or bool(self._least <= value <= self._most)
