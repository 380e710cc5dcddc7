# SPDX-License-Identifier: Apache-2.0
"""Labels through ``verify``: the context a user gives, the questions that are left, the days that switch."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Run

SAMPLES = ROOT / "samples" / "media"
BASE = ("--trust", ROOT / "samples" / "trust", "--at", "2026-11-21T12:00:00Z")
DEEPFAKE = {
    "jur": "NL",
    "role": "deployer",
    "professional": "yes",
    "exists_or_plausible": "yes",
    "appears_authentic": "yes",
    "generated_on": "2026-11-01",
}


def given(facts: dict[str, str]) -> list[str]:
    return [part for name, value in facts.items() for part in ("--context", f"{name}={value}")]


def labels(run: Run, *arguments: str | Path) -> dict[str, dict[str, Any]]:
    done = run("verify", SAMPLES / "ai-generated.png", *BASE, "--format", "jsonl", *arguments)
    assert done.returncode == 0, done.stderr
    return {label["rule"]: label for label in json.loads(done.stdout)["labels"]}


def test_without_context_a_proven_ai_picture_brings_questions_not_duties(waarmerk: Run) -> None:
    found = labels(waarmerk)
    assert found["EU-50-4-deepfake"]["status"] == "undecided"
    assert {"jur", "role"} <= {ask["field"] for ask in found["EU-50-4-deepfake"]["asks"]}
    assert not [rule for rule, label in found.items() if label["status"] == "required"]


def test_with_context_the_duty_stands_with_its_words_and_source(waarmerk: Run) -> None:
    duty = labels(waarmerk, *given(DEEPFAKE))["EU-50-4-deepfake"]
    assert (duty["status"], duty["who"], duty["automatic"]) == ("required", "deployer", True)
    assert {"en", "nl", "de", "fr"} <= duty["wording"].keys()
    assert duty["source"]["paragraph"]
    assert any(fact.startswith("ai = generated") for fact in duty["because"])


def test_a_context_file_is_the_same_as_its_facts(waarmerk: Run, tmp_path: Path) -> None:
    facts: dict[str, Any] = {name: {"yes": True}.get(value, value) for name, value in DEEPFAKE.items()}
    path = tmp_path / "context.json"
    path.write_text(json.dumps(facts | {"jur": ["NL"]}))
    assert labels(waarmerk, "--context", path) == labels(waarmerk, *given(DEEPFAKE))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_the_facts_that_are_open_are_named_and_the_given_ones_are_not(waarmerk: Run, language: str) -> None:
    facts = ("--context", "political_ad=true", "--context", "jur=NL")
    open_line = {"en": "that no file can tell: role, ", "nl": "geen bestand kan vertellen: role, "}[language]
    command = ("verify", SAMPLES / "ai-generated.png", *BASE, *facts, "--lang", language)
    named = " ".join(waarmerk(*command).stdout.split()).partition(open_line)[2].partition(". ")[0]
    assert "platform" in named
    assert not {"jur", "political_ad", "role"} & set(named.split(", "))
    assert open_line not in " ".join(waarmerk(*command, "--context", "role=deployer").stdout.split())


def test_platforms_are_named_with_for(waarmerk: Run) -> None:
    found = labels(waarmerk, *given(DEEPFAKE), "--for", "tiktok,own")
    assert found["TT-selflabel"]["status"] == "required"
    assert "YT-disclose" not in found


def test_an_unlabelled_duty_can_fail_the_run(waarmerk: Run) -> None:
    done = waarmerk("verify", SAMPLES / "ai-generated.png", *BASE, *given(DEEPFAKE), "--fail-on", "unlabelled")
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--context", "nonsense=1"], "nonsense"),
        (["--context", "role=king"], "role"),
        (["--context", "/does/not/exist"], "neither"),
        (["--context", "c2pa=trusted"], "c2pa"),
        (["--for", "myspace"], "myspace"),
        (["--ask", "second.png"], "one file"),
    ],
)
def test_wrong_context_is_wrong_usage(waarmerk: Run, arguments: list[str], text: str) -> None:
    done = waarmerk("verify", SAMPLES / "ai-generated.png", *BASE, *arguments)
    assert done.returncode == 2
    assert text in done.stderr


def test_questions_are_asked_until_none_is_open(waarmerk: Run) -> None:
    """Dutch answers count; a wrong one is asked again; Enter means unknown and is not asked twice."""
    answers = "NL\n" + "king\n" + "\n" * 40
    done = waarmerk("verify", SAMPLES / "ai-generated.png", *BASE, "--ask", "--format", "jsonl", stdin=answers)
    assert done.returncode == 0, done.stderr
    assert "role is one of" in done.stderr
    report = json.loads(done.stdout)
    assert "jur = EU, NL (uploader, derived)" in {fact for label in report["labels"] for fact in label["because"]}
    assert done.stderr.count("In which countries") == 1
