# SPDX-License-Identifier: Apache-2.0
"""The page of promises says what the file says, and every test that it names is there and runs when it says so."""

import ast
import importlib.util
import json
import re
from functools import cache
from typing import Any

import pytest

from tests.conftest import ROOT

_spec = importlib.util.spec_from_file_location("promises", ROOT / "benchmarks" / "promises.py")
assert _spec is not None
assert _spec.loader is not None
promises = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(promises)
DATA: dict[str, Any] = json.loads(promises.DATA.read_text("utf-8"))
NAMED = [(each["id"], kind, test) for each in DATA["promises"] for kind in ("tests", "slow") for test in each[kind]]


@cache
def functions(path: str) -> dict[str, str]:
    """Tests of a file, each with its decorators as text; ``law`` makes a slow variant of its own."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    of_all = " ".join(ast.unparse(node) for node in tree.body if "pytestmark" in ast.unparse(node))
    return {
        node.name: " ".join([of_all, *(ast.unparse(each) for each in node.decorator_list)])
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def test_there_are_nineteen_promises_in_order() -> None:
    assert [each["id"] for each in DATA["promises"]] == [f"P{number}" for number in range(1, 20)]
    assert all(each["tests"] and each["promise"] and each["goal"] for each in DATA["promises"])


@pytest.mark.parametrize(("promise", "kind", "test"), NAMED)
def test_what_carries_a_promise_is_there_and_runs_when_it_is_said_to(promise: str, kind: str, test: str) -> None:
    path, _, name = test.partition("::")
    found = functions(path)
    chosen = {name: found[name]} if name else found
    wholly_slow = [bool(re.search(r"(^|\s)pytest\.mark\.slow(\s|$)", text)) for text in chosen.values()]
    if kind == "tests":
        assert not all(wholly_slow), f"{promise}: {test} runs in the slow suite alone"
    else:
        assert any("slow" in text or "law(" in text for text in chosen.values()), f"{promise}: {test} is not slow"


def test_every_run_is_of_a_promise_and_says_how_it_was_made() -> None:
    known = {each["id"] for each in DATA["promises"]}
    for run in DATA["runs"]:
        assert run["promise"] in known
        assert run["held"] in (True, False, None)
        assert re.match(r"[0-9a-f]{7}", run["commit"])
        assert run["command"].startswith(("python -m pytest", "python benchmarks/", "the same"))
        assert any(digit in run["figure"] for digit in "0123456789"), "a figure has numbers"


def test_the_page_is_made_from_the_file() -> None:
    assert promises.PAGE.read_text("utf-8") == promises.page(DATA), "python benchmarks/promises.py page"
