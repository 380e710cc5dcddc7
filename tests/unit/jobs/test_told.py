# SPDX-License-Identifier: Apache-2.0
"""What another process told is what any reader of JSON reads in it, however it was put together."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from waarmerk.provenance.jobs.told import Told, read

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["", ',"labels":', ',"basis":', '"labels":[],"']),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["labels", "basis", "a", ',"labels":']), inner, max_size=3)
    ),
    max_leaves=12,
)
_PIECES = st.sampled_from(
    [
        "{",
        "}",
        "[",
        "]",
        ",",
        '"a":1',
        '"x',
        '"',
        '"labels":',
        ',"labels":',
        ',"basis":',
        '"basis":{}',
        "[]",
        "{}",
        "\\",
    ]
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


@given(_VALUES, _VALUES, st.dictionaries(st.sampled_from(["a", "labels", "basis", ""]), _VALUES, max_size=3))
def test_a_report_is_read_as_any_object_is(labels: Any, basis: Any, rest: dict[str, Any]) -> None:
    text = json.dumps({**rest, "labels": labels, "basis": basis}, separators=(",", ":"))
    assert told(text) == json.loads(text)
    assert list(Told(text.encode("ascii"))) == list(json.loads(text))


@given(st.lists(_PIECES, max_size=9).map("".join))
@example('{,"labels":[],"basis":{}}')
@example('{"a":1,"labels":[],"basis":{}}}')
@example('{"a":{"b":1,"labels":[1],"basis":{}},"c":2}')
@example('{"labels":[2],"a":{"b":1,"labels":[1],"basis":{}}}')
@example('{"a":1,"labels":[],"basis":{},"labels":[1],"basis":2}')
@example('[1,"labels":[],"basis":{}]')
@example('{"a":",\\"labels\\":[],\\"basis\\":{}"}')
@example('{"a":1,"labels":[1],"b":2,"basis":{}}')
def test_what_is_put_together_wrongly_is_not_read_as_a_report(text: str) -> None:
    assert told(text) == plainly(text)


@pytest.mark.parametrize(
    "text", ['{"a":NaN}', '{"a":1,"labels":[NaN],"basis":{}}', '{"a":1,"labels":[],"basis":{}} ', "1"]
)
def test_only_what_json_knows_is_told(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - which one is the reader's
        Told(text.encode("ascii"))


def test_what_many_answers_share_cannot_be_changed_in_one() -> None:
    text = b'{"a":1,"labels":[{"rule":"r","because":["x"]}],"basis":{"packs":[]}}'
    one, other = Told(text), Told(text)
    assert one["labels"] is other["labels"]
    for change in (
        lambda: one.update(a=2),
        lambda: one["labels"].append(1),
        one["labels"].clear,
        lambda: one["labels"][0].__setitem__("rule", "s"),
        lambda: one["labels"][0]["because"].__iadd__(["y"]),
        lambda: one["basis"].setdefault("x", 1),
    ):
        with pytest.raises(TypeError, match="copy"):
            change()
    assert json.loads(json.dumps(other)) == json.loads(text)


def test_only_ascii_without_a_space_is_read() -> None:
    assert read(b'"\\u00e9"') == "é"
    for text in (b'"\xc3\xa9"', b" 1", b"1 ", b""):
        with pytest.raises(ValueError):  # noqa: PT011 - which one is the reader's
            read(text)
