# SPDX-License-Identifier: Apache-2.0
"""The shipped pack: its own examples hold, and any rule or condition that is wrong breaks one of them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest

from waarmerk.provenance.labelling.expressions import Condition, Is, Joined, Leaf, Node, Not
from waarmerk.provenance.labelling.lint import lint
from waarmerk.provenance.labelling.loader import COMPILED, SHIPPED, compiled_form, load_folder, load_shipped, merge
from waarmerk.provenance.labelling.rules import Rule, RuleSet
from waarmerk.provenance.labelling.scenarios import CLOCK, Case, cases, disagreements, failures
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.verdict import weigh

PACK, DOCUMENTS = load_folder(SHIPPED, None)
PACKS = merge((PACK,))
RULES = {rule.id: rule for rule in PACK.rules}

EQUIVALENT = {"EU-50-marks-not-enough": ["ai = True"]}
"""A machine mark that says AI is itself a claim of AI, so that part of the condition cannot differ from the other."""


@cache
def _cases_of() -> dict[str, list[Case]]:
    """The examples that say something about a rule; those that list everything speak about each."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in cases(DOCUMENTS):
        named = {r for key, listed in case.expect.items() if isinstance(listed, list | dict) for r in listed}
        for rule_id in RULES:
            if rule_id in named or case.expect.get("exact"):
                found[rule_id].append(case)
    return found


def _is_noticed(rule: Rule) -> bool:
    """Whether an example that speaks about the rule fails with this version of it."""
    alone: RuleSet = replace(PACKS, rules=(rule,))
    for case in _cases_of()[rule.id]:
        verdict, duties = decide_stated(alone, case.facts, weigh, CLOCK)
        if any(reason.split()[0] == rule.id for reason in disagreements(case.expect, verdict, duties)):
            return True
    return False


def _always(value: bool | None) -> Node:
    """A part with a fixed value: the tier is never null, a fact that nobody states in the examples always is."""
    return Leaf("tier" if value is not None else "obvious_ai", lambda _: value is True)


def test_every_example_holds_and_there_are_examples_for_every_rule() -> None:
    assert failures(PACKS, DOCUMENTS, weigh) == []
    assert len(list(cases(DOCUMENTS))) > 500
    assert set(_cases_of()) == set(RULES)
    assert len(RULES) == 70


def test_the_pack_is_clean() -> None:
    assert lint(PACK, DOCUMENTS, PACKS) == []


def test_the_pack_says_what_it_is() -> None:
    assert "No lawyer" in PACK.review
    assert (PACK.languages, PACK.public_languages) == (("en", "nl"), ("de", "fr"))
    for rule in PACK.rules:
        assert rule.read_on == "2026-11-21"
        assert rule.source.title
        assert rule.source.paragraph


def test_the_compiled_form_is_that_of_the_files_beside_it() -> None:
    assert (SHIPPED / COMPILED).read_bytes() == compiled_form(), "run python -m waarmerk.provenance.labelling.compile"
    assert replace(load_shipped(), rules=()) == replace(PACK, rules=())
    assert [rule.id for rule in load_shipped().rules] == [rule.id for rule in PACK.rules]
    assert load_shipped().rules == PACK.rules


@pytest.mark.parametrize("rule_id", RULES)
def test_no_version_of_a_rule_that_is_unchanged_is_noticed(rule_id: str) -> None:
    assert not _is_noticed(RULES[rule_id])


@pytest.mark.parametrize("rule_id", RULES)
@pytest.mark.parametrize("value", [True, False, None], ids=["on", "off", "undecided"])
def test_a_rule_forced_to_one_answer_is_noticed(rule_id: str, value: bool | None) -> None:
    rule = RULES[rule_id]
    root = _always(value) if value is not None else Leaf("forensic", lambda _: True)
    forced = Condition(text="forced", root=root, names=rule.condition.names)
    everywhen = replace(rule, condition=forced, starts=None, ends=None) if value else replace(rule, condition=forced)
    assert _is_noticed(everywhen)


@pytest.mark.parametrize("rule_id", RULES)
def test_each_part_of_a_condition_matters(rule_id: str) -> None:
    rule = RULES[rule_id]
    survivors = [
        f"{where} = {value}"
        for value in (True, False)
        for where, root in _mutants(rule.condition.root, value)
        if not _is_noticed(replace(rule, condition=replace(rule.condition, root=root)))
    ]
    assert survivors == EQUIVALENT.get(rule_id, [])


@pytest.mark.parametrize("rule_id", [r.id for r in RULES.values() if r.starts])
def test_a_rule_without_its_first_day_is_noticed(rule_id: str) -> None:
    assert _is_noticed(replace(RULES[rule_id], starts=None))


@pytest.mark.parametrize("rule_id", [r.id for r in RULES.values() if r.ends])
def test_a_rule_without_its_last_day_is_noticed(rule_id: str) -> None:
    assert _is_noticed(replace(RULES[rule_id], ends=None, condition=RULES[rule_id].condition))


def _mutants(node: Node, value: bool) -> Iterator[tuple[str, Node]]:
    """The tree once for each leaf, that leaf fixed."""
    if isinstance(node, Leaf):
        yield node.name, _always(value)
    elif isinstance(node, Not):
        yield from ((where, Not(part)) for where, part in _mutants(node.part, value))
    elif isinstance(node, Is):
        yield from ((where, replace(node, part=part)) for where, part in _mutants(node.part, value))
    elif isinstance(node, Joined):
        for position, part in enumerate(node.parts):
            for where, mutant in _mutants(part, value):
                parts = (*node.parts[:position], mutant, *node.parts[position + 1 :])
                yield where, replace(node, parts=parts)
