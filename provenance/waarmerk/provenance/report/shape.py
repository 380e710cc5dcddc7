# SPDX-License-Identifier: Apache-2.0
"""Whether plain data is a report (``waarmerk.report/1``), by its JSON Schema, or what a dossier shows beside one.

For what comes from a process that a file may have taken over: whoever reads a report goes by its schema. Of JSON Schema
this knows what ours says (``_SAYS``).
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping
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
_ABOUT = {  # what it is said of, by the names of Python's types
    "pattern": ("str",),
    **dict.fromkeys(("minimum", "maximum"), ("int", "float")),
    **dict.fromkeys(("items", "minItems", "maxItems"), ("list",)),
    **dict.fromkeys(("properties", "required", "additionalProperties"), ("dict",)),
}
_SAYS = {"type", "enum", "const", *_ABOUT}
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
    """What says whether plain data is as ``schema`` has it. Raises ValueError for one that says what is not known.

    The schema becomes one expression of Python, as a dataclass becomes its ``__init__``: a call for each value in a
    report took three times as long (decision 131). Schemas are ours; nothing of a file is ever among them.
    """
    known: dict[str, Any] = {}
    says: Check = eval(f"lambda value: {_expression(schema, 'value', known)}", known)  # noqa: S307
    return says


def _expression(schema: Mapping[str, Any], value: str, known: dict[str, Any]) -> str:
    """What is true of what the name ``value`` stands for; ``known`` takes what else the expression names."""
    if unknown := schema.keys() - _SAYS - _TELLS:
        raise ValueError(f"not known of JSON Schema: {sorted(unknown)}")
    allowed = _types_of(schema)
    types = sorted(kind.__name__ for kind in allowed - {type(None)})
    for key in schema.keys() & _ABOUT.keys():
        if not set(_ABOUT[key]).issuperset(types):
            raise ValueError(f"not known of JSON Schema: {key} of {types}")
    terms = [f"({' or '.join(f'type({value}) is {name}' for name in types)})"] if types else []
    terms += _terms(schema, value, known)
    whole = " and ".join(terms)
    if type(None) not in allowed:
        return whole
    return f"({value} is None or {whole})" if types else f"{value} is None"


def _terms(schema: Mapping[str, Any], value: str, known: dict[str, Any]) -> Iterator[str]:
    """What is true of it beyond its type."""
    if "const" in schema or "enum" in schema:
        yield f"{value} in {_named(frozenset(schema.get('enum', (schema.get('const'),))), known)}"
    if "pattern" in schema:
        yield f"{_named(re.compile(schema['pattern']).fullmatch, known)}({value}) is not None"
    for bound, sign in (("minimum", ">="), ("maximum", "<=")):
        if bound in schema:
            yield f"{value} {sign} {schema[bound]!r}"
    for bound, sign in (("minItems", ">="), ("maxItems", "<=")):
        if bound in schema:
            yield f"len({value}) {sign} {schema[bound]!r}"
    if "items" in schema:
        each = _named(None, known)
        yield f"all([{_expression(schema['items'], each, known)} for {each} in {value}])"
    if schema.keys() & {"properties", "required", "additionalProperties"}:
        yield from _of_object(schema, value, known)


def _of_object(schema: Mapping[str, Any], value: str, known: dict[str, Any]) -> Iterator[str]:
    each: Mapping[str, Any] = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    required = frozenset(schema.get("required", ()))
    if others is False and required == each.keys():
        yield f"{value}.keys() == {_named(required, known)}"
        for name, told in each.items():
            part = _named(None, known)
            # A condition on a part names it first where its value is taken: (part := value["name"]).
            yield f"({_expression(told, part, known)})".replace(part, f"({part} := {value}[{name!r}])", 1)
        return
    if each:
        raise ValueError("not known of JSON Schema: properties that may be missing, or others beside them")
    yield f"{value}.keys() >= {_named(required, known)}"
    if isinstance(others, dict):
        part = _named(None, known)
        yield f"all([{_expression(others, part, known)} for {part} in {value}.values()])"


def _named(thing: Any, known: dict[str, Any]) -> str:
    """A name for it in an expression; of None, for what is named there."""
    name = f"_{len(known)}_"
    known[name] = thing
    return name


def _types_of(schema: Mapping[str, Any]) -> frozenset[type]:
    if "const" in schema or "enum" in schema:
        return frozenset(type(each) for each in schema.get("enum", (schema.get("const"),)))
    named = schema["type"]
    return frozenset(kind for name in ([named] if isinstance(named, str) else named) for kind in _TYPES[name])
