# SPDX-License-Identifier: Apache-2.0
"""Whether something is a report: as a validator of JSON Schema says, and beyond it where that is lenient."""

import copy
import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import jsonschema
import pytest

from tests.conftest import AT, ROOT
from waarmerk.provenance.build import build_verifier, load_trust, tool_version
from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.report.branches import tree_of
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.report.dossier import payload
from waarmerk.provenance.report.shape import check_of, is_part, is_payload, is_report
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings

SCHEMA = json.loads((files("waarmerk.provenance.report") / "schema" / "report-1.schema.json").read_text("utf-8"))
OTHERS: tuple[Any, ...] = (None, True, 0, -1, 2.5, "", "x", "\x1b[2J", [], [1], [[]], {}, {"x": 1})


@pytest.fixture(scope="module")
def reports() -> list[dict[str, Any]]:
    verifier = build_verifier(Settings(trust=ROOT / "samples" / "trust"), at=AT)
    paths = [*sorted((ROOT / "samples" / "media").iterdir()), ROOT / "none"]
    return [to_dict(verifier.verify(path), tool_version=tool_version()) for path in paths]


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a document; of labels the first alone."""
    yield at
    if isinstance(value, dict):
        for name, told in value.items():
            yield from places(told, (*at, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*at, 0))


def changed(document: dict[str, Any], at: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made: Any = copy.deepcopy(document)
    inner = made
    for step in at[:-1]:
        inner = inner[step]
    inner[at[-1]] = value
    return dict(made)


def test_reports_are_reports(reports: list[dict[str, Any]]) -> None:
    for each in reports:
        assert is_report(each)
        assert all(is_part(key, value) for key, value in each.items())
        jsonschema.validate(each, SCHEMA)


def test_what_was_changed_anywhere_is_one_where_the_schema_says_so(reports: list[dict[str, Any]]) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    report = max(reports, key=lambda each: len(list(places(each))))
    told = {True: 0, False: 0}
    for at in [place for place in places(report) if place]:
        for value in OTHERS:
            made = changed(report, at, value)
            told[is_report(made)] += 1
            assert is_report(made) == validator.is_valid(made), (at, value)
            assert is_part(str(at[0]), made[at[0]]) == is_report(made)
            assert is_report(made, sound=(at[0],))
    assert min(told.values()) > 100


@pytest.mark.parametrize("key", [*SCHEMA["properties"]])
def test_a_key_that_is_missing_or_too_much(reports: list[dict[str, Any]], key: str) -> None:
    report = reports[0]
    assert not is_report({name: value for name, value in report.items() if name != key})
    assert not is_report({**report, "another": 1})


def test_what_a_dossier_shows_is_told_from_what_it_is_not() -> None:
    limits, kinds = Limits(), {True: 0, False: 0}
    reader = CredentialReader(load_trust(Settings(trust=ROOT / "samples" / "trust"), at=AT), at=AT)
    asset = open_asset(ROOT / "samples" / "media" / "ai-edited.jpg", limits=limits)
    shown = json.loads(json.dumps(payload(asset, reader.manifests(asset), limits)))
    assert is_payload(shown)
    for at in [place for place in places(shown) if place]:
        for value in OTHERS:
            made = changed(shown, at, value)
            kinds[is_payload(made)] += 1
            if is_payload(made):
                tree_of(made["manifests"], wording("en"), is_detailed=True)
    assert min(kinds.values()) > 50
    assert is_payload(None)
    assert not any(map(is_payload, ([], 1, {}, "x")))


def test_a_line_end_behind_a_code_is_none_of_it(reports: list[dict[str, Any]]) -> None:
    assert is_report({**reports[0], "error": {"code": "media.broken", "message": ""}})
    assert not is_report({**reports[0], "error": {"code": "media.broken\n", "message": ""}})


def test_true_is_no_number(reports: list[dict[str, Any]]) -> None:
    assert not is_report(changed(reports[0], ("asset", "bytes"), True))


@pytest.mark.parametrize(
    ("schema", "named"),
    [
        ({"type": "object", "oneOf": []}, "oneOf"),
        ({"type": ["string", "integer"], "pattern": "x"}, "pattern of"),
        ({"type": "string", "minimum": 3}, "minimum of"),
        ({"type": "object", "properties": {"x": {"type": "string"}}}, "missing"),
        ({"type": "array", "items": {"type": "object", "oneOf": []}}, "oneOf"),
    ],
)
def test_what_is_not_known_of_schemas_is_not_passed_over(schema: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        check_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "null"},
        {"enum": [None]},
        {"enum": ["x", None]},
        {"const": "x"},
        {"type": ["string", "integer"]},
        {"type": ["number", "null"], "minimum": 0, "maximum": 3},
        {"type": "array", "items": {"type": "array", "items": {"type": ["integer", "null"]}}, "minItems": 1},
        {"type": ["object", "null"], "required": ["x"], "additionalProperties": {"type": "integer"}},
        {"type": "object"},
    ],
)
def test_a_schema_says_the_same_to_a_validator(schema: dict[str, Any]) -> None:
    validator, says = jsonschema.Draft202012Validator(schema), check_of(schema)
    for value in (*OTHERS, 3, 3.5, ["x"], [[1, None]], [[True]], {"x": "x"}, {"x": 1, "y": 2}, {"y": 2}):
        assert says(value) == validator.is_valid(value), value
