# SPDX-License-Identifier: Apache-2.0
"""A pack that takes a rule out of force: every output for people says which, by whom and why."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tests.unit.labelling.test_loader import PACK, RULES
from waarmerk.cli.main import commands

FACTS = json.dumps(
    {
        "jur": ["NL"],
        "role": "deployer",
        "professional": True,
        "modality": "image",
        "decl": "ai",
        "exists_or_plausible": True,
        "appears_authentic": True,
        "generated_on": "2026-11-01",
        "art": False,
    }
)
CONTEXT = {
    "jur": "NL",
    "role": "deployer",
    "professional": "yes",
    "decl": "ai",
    "exists_or_plausible": "yes",
    "appears_authentic": "yes",
    "generated_on": "2026-11-01",
    "art": "no",
}
AT = ("--at", "2026-11-21T12:00:00Z")
WHY = "Our readers know. " + "And they were asked. " * 20 + "All of them."
SAID = f"Rule EU-50-4-deepfake of waarmerk-base (required, law) was removed, with nothing in its place, by house: {WHY}"


def run(*arguments: str | Path, given: str | None = None) -> Result:
    return CliRunner().invoke(commands, [*map(str, arguments)], input=given)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "pack.yaml").write_text(PACK + f"overrides:\n  EU-50-4-deepfake: {WHY}\n")
    (tmp_path / "rules" / "house.yaml").write_text(RULES)
    return tmp_path


def weakened(house: Path) -> Path:
    (house / "rules" / "house.yaml").write_text(RULES.replace("HOUSE-portrait", "EU-50-4-deepfake"))
    return house


def test_a_decision_says_which_duty_is_gone_and_why(house: Path) -> None:
    human = run("rules", "decide", "--facts", "-", "--pack", house, *AT, given=FACTS)
    assert SAID in human.stdout
    dutch = run("rules", "decide", "--facts", "-", "--pack", house, "--lang", "nl", *AT, given=FACTS)
    assert "Regel EU-50-4-deepfake van waarmerk-base (required, law) is weggehaald, zonder iets" in dutch.stdout
    done = run("rules", "decide", "--facts", "-", "--pack", house, "--format", "json", *AT, given=FACTS)
    (note,) = [entry for entry in json.loads(done.stdout)[0]["labels"] if entry["label"] == "rule_replaced"]
    assert note["rule"] == "replaced:house:EU-50-4-deepfake"
    assert (note["status"], note["automatic"], note["shown_to"], note["asks"]) == ("info", False, "case_file", [])
    assert note["wording"]["en"] == SAID


def test_nothing_is_said_where_the_rule_would_not_have_applied(house: Path) -> None:
    elsewhere = FACTS.replace('"NL"', '"US"')
    assert (
        "EU-50-4-deepfake" not in run("rules", "decide", "--facts", "-", "--pack", house, *AT, given=elsewhere).stdout
    )
    asked = json.dumps({**json.loads(FACTS), "professional": None})
    assert SAID in run("rules", "decide", "--facts", "-", "--pack", house, *AT, given=asked).stdout


def test_verify_says_it_too(house: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    picture = tmp_path_factory.mktemp("in") / "a.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    context = [f"--context={key}={value}" for key, value in CONTEXT.items()]
    done = run("verify", picture, "--rules", house, *context, "--for", "own", "--for", "tiktok", *AT)
    assert "Rule EU-50-4-deepfake of waarmerk-base (required, law) was removed" in " ".join(done.stdout.split())
    data = json.loads(run("verify", picture, "--rules", house, *context, "--format", "json", *AT).stdout)
    assert SAID in {entry["wording"]["en"] for entry in data[0]["labels"]}


def test_list_and_show_name_the_override(house: Path) -> None:
    line = f"rule EU-50-4-deepfake of waarmerk-base replaced by house: {WHY}"
    assert line in run("rules", "list", "--pack", house).stdout
    assert "replaced by" not in run("rules", "list").stdout
    assert f"replaced by: house: {WHY}" in run("rules", "show", "EU-50-4-deepfake", "--pack", house).stdout
    shown = run("rules", "show", "EU-50-4-deepfake", "--pack", weakened(house)).stdout
    assert f"replaces: the rule of waarmerk-base (required, law): {WHY}" in shown


def test_lint_warns_of_law_that_is_lost(house: Path) -> None:
    gone = run("rules", "lint", house)
    assert gone.exit_code == 0
    place = "warning: pack.yaml:7: overrides.EU-50-4-deepfake: EU-50-4-deepfake is law (required) and is"
    assert f"{place} removed, with nothing in its place: {WHY}" in gone.stderr
    weak = run("rules", "lint", weakened(house))
    assert f"{place} replaced by a weaker one (recommended, house): {WHY}" in weak.stderr
    (house / "pack.yaml").write_text(PACK + "overrides:\n  EU-50-4-deepfake: ''\n")
    silent = run("rules", "lint", house)
    assert silent.exit_code == 2
    assert "pack.yaml:7: overrides.EU-50-4-deepfake: a text is due" in silent.stderr
