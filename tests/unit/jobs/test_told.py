# SPDX-License-Identifier: Apache-2.0
"""What another process told is what any reader of JSON reads in it, however it was put together."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.conftest import AT, ROOT
from waarmerk.provenance.build import build_verifier
from waarmerk.provenance.jobs.answers import document_of
from waarmerk.provenance.jobs.told import Told, read
from waarmerk.provenance.report.document import canonical, to_dict
from waarmerk.provenance.settings import Settings

BASIS: dict[str, Any] = {"rule_packs": [], "trust_lists": [], "platforms": []}
SHORT = json.dumps(BASIS, separators=(",", ":"))
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", ',"labels":', ',"basis":', '"labels":[],"']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["labels", "basis", "a", ',"labels":']), inner, max_size=3)
    ),
    max_leaves=12,
)
_PIECES = st.sampled_from(
    ["{", "}", "[", "]", ",", '"a":1', '"x', '"', '"labels":', ',"labels":[]', f',"basis":{SHORT}', SHORT, "\\"]
)


def plainly(text: str) -> Any:
    """What the standard library reads, None for what is no object."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and text[:1] == "{" and text[-1:] == "}" else None


def told(text: str) -> Any:
    try:
        return Told(text.encode("ascii"))
    except ValueError:
        return None


@given(
    st.just([]) | _VALUES,
    st.just(BASIS) | _VALUES,
    st.dictionaries(st.sampled_from(["a", "labels", "basis", ""]), _VALUES, max_size=3),
)
def test_a_report_is_read_as_any_object_is(labels: Any, basis: Any, rest: dict[str, Any]) -> None:
    text = json.dumps({**rest, "labels": labels, "basis": basis}, separators=(",", ":"))
    assert told(text) == json.loads(text)
    assert list(Told(text.encode("ascii"))) == list(json.loads(text))


@given(st.lists(_PIECES, max_size=9).map("".join))
@example(f'{{,"labels":[],"basis":{SHORT}}}')
@example(f'{{"a":1,"labels":[],"basis":{SHORT}}}}}')
@example(f'{{"a":{{"b":1,"labels":[],"basis":{SHORT}}},"c":2}}')
@example(f'{{"labels":[2],"a":{{"b":1,"labels":[],"basis":{SHORT}}}}}')
@example(f'{{"a":1,"labels":[],"basis":{SHORT},"labels":[1],"basis":2}}')
@example(f'{{"a":1,"labels":[],"basis":{SHORT},"labels":[1]}}')
@example(f'["a","labels":[],"basis":{SHORT}}}')
@example('{"a":",\\"labels\\":[],\\"basis\\":{}"}')
@example(f'{{"a":1,"labels":[],"b":2,"basis":{SHORT}}}')
def test_what_is_put_together_wrongly_is_not_read_as_a_report(text: str) -> None:
    assert told(text) == plainly(text)


@pytest.mark.parametrize(
    "text", ['{"a":NaN}', '{"a":1,"labels":[NaN],"basis":{}}', '{"a":1,"labels":[],"basis":{}} ', "1"]
)
def test_only_what_json_knows_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which one is the reader's
        Told(text.encode("ascii"))


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    verifier = build_verifier(Settings(trust=ROOT / "samples" / "trust"), at=AT)
    return to_dict(verifier.verify(ROOT / "samples" / "media" / "ai-edited.jpg"), tool_version="1")


def test_what_many_answers_share_cannot_be_changed_in_one(report: dict[str, Any]) -> None:
    text = canonical(report).encode("ascii")
    one, other = Told(text), Told(text)
    assert one == report
    assert list(one) == list(report)
    assert one.sound == ("labels", "basis")
    assert one["labels"] is other["labels"]
    assert one["basis"] is other["basis"]
    for change in (
        lambda: one.update(at="2"),
        lambda: one["labels"].append(1),
        one["labels"].clear,
        lambda: one["labels"][0].__setitem__("rule", "s"),
        lambda: one["labels"][0]["because"].__iadd__(["y"]),
        lambda: one["basis"].setdefault("x", 1),
    ):
        with pytest.raises(TypeError, match="copy"):
            change()
    assert canonical(other) == canonical(report)
    assert document_of({"answer": one}, at=AT, name=None) is one


@pytest.mark.parametrize("part", ["labels", "basis"])
def test_what_no_report_has_there_is_not_taken_for_sound(report: dict[str, Any], part: str) -> None:
    told = Told(canonical(report | {part: [1]}).encode("ascii"))
    assert told == report | {part: [1]}
    assert not told.sound
    assert document_of({"answer": told}, at=AT, name=None)["error"]["code"] == "worker.answer"


def test_only_ascii_without_a_space_is_read() -> None:
    assert read(b'"\\u00e9"') == "é"
    for text in (b'"\xc3\xa9"', b" 1", b"1 ", b""):
        with pytest.raises(ValueError):  # noqa: PT011 - which one is the reader's
            read(text)
