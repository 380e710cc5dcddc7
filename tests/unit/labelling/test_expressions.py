# SPDX-License-Identifier: Apache-2.0
"""The language of conditions: what it says, what it asks, what it refuses."""

import time
from collections.abc import Mapping

import pytest

from waarmerk.provenance.labelling.expressions import MAX_CHARACTERS, Condition, ExpressionError, condition
from waarmerk.provenance.labelling.fields import Field, Value

FIELDS = {
    f.name: f
    for f in (
        Field(name="a", group="context", kind="bool"),
        Field(name="b", group="context", kind="bool"),
        Field(name="c", group="context", kind="bool"),
        Field(name="size", group="context", kind="int"),
        Field(name="day", group="context", kind="date"),
        Field(name="role", group="context", kind="enum", values=("maker", "placer")),
        Field(name="jur", group="context", kind="codes"),
    )
}
UNKNOWN: Mapping[str, Value] = dict.fromkeys(FIELDS)


def read(text: str, **defines: str) -> Condition:
    return condition(text, FIELDS, defines)


def value(text: str, **facts: Value) -> bool | None:
    return read(text).evaluate({**UNKNOWN, **facts})


@pytest.mark.parametrize(
    ("text", "facts", "expected"),
    [
        ("a and b", {"a": True, "b": True}, True),
        ("a and b", {"a": False}, False),
        ("a and b", {"b": False}, False),
        ("a and b", {"a": True}, None),
        ("a or b", {"b": True}, True),
        ("a or b", {"a": False}, None),
        ("a or b", {"a": False, "b": False}, False),
        ("not a", {}, None),
        ("not a", {"a": False}, True),
        ("a is True", {}, False),
        ("a is not True", {}, True),
        ("a is False", {}, False),
        ("a is not False", {}, True),
        ("a is False", {"a": False}, True),
        ("a is not True", {"a": True}, False),
        ("size > 3", {}, None),
        ("size > 3", {"size": 3}, False),
        ("size >= 3", {"size": 3}, True),
        ("size != 3", {"size": 4}, True),
        ("day >= '2026-08-02'", {"day": "2026-08-02"}, True),
        ("day < '2026-08-02'", {"day": "2026-08-01"}, True),
        ("day == '2026-08-02'", {"day": "2026-08-01"}, False),
        ("role == 'maker'", {"role": "maker"}, True),
        ("role != 'maker'", {"role": "maker"}, False),
        ("role in ('maker', 'placer')", {"role": "placer"}, True),
        ("role not in ('maker',)", {"role": "placer"}, True),
        ("role not in ('maker',)", {}, None),
        ("'NL' in jur", {"jur": ("EU", "NL")}, True),
        ("'NL' not in jur", {"jur": ("EU", "NL")}, False),
        ("'NL' in jur", {}, None),
        ("a and (b or c)", {"a": True, "c": True}, True),
        ("not (a and b)", {"b": False}, True),
    ],
)
def test_it_says(text: str, facts: dict[str, Value], expected: bool | None) -> None:
    assert value(text, **facts) is expected


@pytest.mark.parametrize(
    ("text", "facts", "asked"),
    [
        ("a and b", {"a": True}, {"b"}),
        ("a and b", {}, {"a", "b"}),
        ("a and b", {"a": False}, set()),
        ("a and (b or c)", {"c": True}, {"a"}),
        ("a and (b or c)", {"a": True, "c": False}, {"b"}),
        ("(a and b) or c", {"a": False}, {"c"}),
        ("a and b is not True", {"b": None}, {"a"}),
        ("not (a and b)", {"b": True}, {"a"}),
        ("size > 3 and role == 'maker'", {"size": 4}, {"role"}),
    ],
)
def test_it_asks_only_what_can_change_the_outcome(text: str, facts: dict[str, Value], asked: set[str]) -> None:
    assert read(text).open_fields({**UNKNOWN, **facts}) == asked


@pytest.mark.parametrize(
    ("text", "facts", "support"),
    [
        ("a and b", {"a": True, "b": True}, {"a", "b"}),
        ("a or b", {"a": True, "b": False}, {"a"}),
        ("a and b", {"a": True}, {"a"}),
        ("a and b is not True", {"a": True}, {"a", "b"}),
        ("not a", {"a": False}, {"a"}),
    ],
)
def test_it_knows_what_the_outcome_rests_on(text: str, facts: dict[str, Value], support: set[str]) -> None:
    assert read(text).support({**UNKNOWN, **facts}) == support


def test_a_define_stands_for_its_condition() -> None:
    made = read("both and c", both="a and b")
    assert made.names == {"a", "b", "c"}
    assert made.evaluate({**UNKNOWN, "a": True, "b": True, "c": True}) is True
    assert made.open_fields({**UNKNOWN, "a": True, "c": True}) == {"b"}
    assert read("both is not True", both="a and b").evaluate(UNKNOWN) is True


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a condition"),
        ("a and", "not a condition"),
        ("a; b", "not a condition"),
        ("a == True", "not compared"),
        ("nobody", "unknown name"),
        ("nobody == 3", "unknown name"),
        ("role", "not true or false"),
        ("role == 'king'", "one of"),
        ("role < 'maker'", "no order"),
        ("role == 3", "compared with texts"),
        ("size == 'big'", "whole number"),
        ("size == True", "whole number"),
        ("day > '2026-02-30'", "day"),
        ("day > 'tomorrow'", "day"),
        ("'nl' in jur", "codes"),
        ("jur == 'NL'", "not compared"),
        ("3 < size", "starts with the name"),
        ("1 < size < 3", "not part of the language"),
        ("size < day", "literal"),
        ("a is b", "literal is due"),
        ("size is True", "not true or false"),
        ("a is 1", "'is' goes between"),
        ("role in 'maker'", "'in' goes between"),
        ("a in (True,)", "no list of values"),
        ("'x' in role", "not a list"),
        ("a if b else c", "not part of the language"),
        ("f(a)", "not part of the language"),
        ("a.b", "not part of the language"),
        ("[a for a in b]", "not part of the language"),
        ("lambda: a", "not part of the language"),
        ("(a := b)", "not part of the language"),
        ("a + b", "not part of the language"),
        ("-a", "not part of the language"),
        ("f'{a}'", "not part of the language"),
        ("True", "not part of the language"),
        ("__import__('os')", "not part of the language"),
        ("a ==  'x\\n'", "backslash"),
        ("a and ｂ", "ASCII"),
        ("not " * 30 + "a", "deeper"),
        ("(" * 300 + "a" + ")" * 300, "not a condition"),
        ("a" + " or a" * 399, "longer"),
        ("a and " * (MAX_CHARACTERS // 6) + "abc", "characters"),
    ],
)
def test_it_refuses(text: str, reason: str) -> None:
    with pytest.raises(ExpressionError, match=reason):
        read(text)


def test_a_megabyte_is_refused_before_it_is_parsed() -> None:
    started = time.perf_counter()
    with pytest.raises(ExpressionError, match="1000000 characters"):
        read("(" * 1_000_000)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    "defines",
    [{"x": "x"}, {"x": "y", "y": "x"}, {"x": "a and y", "y": "b or z", "z": "not x"}],
    ids=["self", "two", "three"],
)
def test_defines_do_not_run_in_circles(defines: dict[str, str]) -> None:
    with pytest.raises(ExpressionError, match="leads back to itself: x"):
        read("x", **defines)


def test_defines_that_double_each_time_are_refused() -> None:
    defines = {f"d{n}": f"d{n - 1} and d{n - 1}" for n in range(1, 20)} | {"d0": "a"}
    with pytest.raises(ExpressionError, match="deeper than"):
        read("d19", **defines)
