# SPDX-License-Identifier: Apache-2.0
"""The command ``waarmerk rules``."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from tests.unit.labelling.test_loader import FILES
from waarmerk.cli.main import commands
from waarmerk.provenance.labelling.facts import FINDING

AT = ("--at", "2026-11-21T12:00:00Z")


def run(*arguments: str | Path, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(commands, ["rules", *map(str, arguments)], input=given)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "house" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "house"


def test_list_and_show() -> None:
    listed = run("list")
    assert listed.exit_code == 0
    assert len(listed.stdout.splitlines()) == 70
    data: list[dict[str, Any]] = json.loads(run("list", "--format", "json").stdout)
    assert {entry["rule"] for entry in data} >= {"EU-50-4-deepfake", "TF-report"}
    fields = run("list", "--fields", "--lang", "nl").stdout
    assert "In welke landen" in fields
    assert any(f["field"] == "edit" for f in json.loads(run("list", "--fields", "--format", "json").stdout))
    shown = run("show", "EU-50-4-deepfake").stdout
    for part in ("confidence: the source was read", "checked on: 2026-11-21", "No lawyer", "Gemaakt met AI", "50(4)"):
        assert part in shown
    assert json.loads(run("show", "TF-report", "--format", "json").stdout)["when"].startswith("role ==")
    assert run("show", "nothing").exit_code == 2


def test_decide_answers_in_the_order_of_the_inputs() -> None:
    lines = '{"decl": "ai"}\n{"c2pa": "trusted", "c2pa_dst": ["digitalCapture"]}\n'
    done = run("decide", "--facts", "-", "--format", "jsonl", *AT, given=lines)
    assert done.exit_code == 0
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["finding"]["origin"] for answer in answers] == ["ai-generated", "captured"]
    assert set(answers[0]["finding"]) == {"origin", "tier", "authentic_capture", "conflict"}
    assert {
        "rule",
        "status",
        "because",
        "asks",
        "source",
        "basis",
        "confidence",
        "status_if_confirmed",
        "ui_string",
    } <= set(answers[0]["labels"][0])
    assert json.loads(run("decide", "--facts", "-", "--format", "json", *AT, given=lines).stdout) == answers


def test_decide_for_people() -> None:
    facts = "decl: ai\njur: [NL]\nrole: deployer\nprofessional: true\nmodality: video\n"
    text = run("decide", "--facts", "-", "--lang", "nl", *AT, given=facts).stdout
    assert text.startswith("Gemaakt met AI; beweerd, niet bewezen\n")
    assert "nog niet beslist  EU-50-4-deepfake (wie voor AI koos)" in text
    assert "zo ja: Gemaakt met AI" in text
    assert "? appears_authentic: Kan iemand in het publiek denken" in text
    assert "- decl" not in text


def test_the_clock_decides_what_no_date_does(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("{jur: [NL], role: provider, decl: ai, system_placed: 2025-01-01}")

    def status(at: str) -> dict[str, str]:
        answer = json.loads(run("decide", "--facts", path, "--format", "jsonl", "--at", at).stdout)
        return {label["rule"]: label["status"] for label in answer["labels"]}

    assert status("2026-12-01T12:00:00Z")["EU-50-2-grace"] == "info"
    assert status("2026-12-02T12:00:00Z")["EU-50-2-marking"] == "required"
    again = [run("decide", "--facts", path, "--format", "json", *AT).stdout_bytes for _ in range(2)]
    assert again[0] == again[1]


def test_an_input_that_is_refused_does_not_stop_the_others() -> None:
    done = run("decide", "--facts", "-", "--format", "jsonl", *AT, given='{"role": "king\\u001b"}\n{"decl": "ai"}\n')
    assert done.exit_code == 2
    first, second = map(json.loads, done.stdout.splitlines())
    assert first["error"]["code"] == "labelling.fact-refused"
    assert second["finding"]["tier"] == "claimed"
    assert "input 1: role is one of" in done.stderr
    assert "\x1b" not in done.stderr
    human = run("decide", "--facts", "-", *AT, given='{"role": "king"}')
    assert "refused: role is one of" in human.stdout


def test_what_cannot_be_read(tmp_path: Path) -> None:
    assert run("decide", "--facts", tmp_path / "absent").exit_code == 3
    assert run("decide", "--facts", "-", given=b"\xff").exit_code == 3
    assert run("decide").exit_code == 2
    assert run("decide", "--facts", "-", "--at", "yesterday", given="{}").exit_code == 2


def test_a_house_rule_is_linted_tested_and_fires(house: Path) -> None:
    assert run("lint", house).exit_code == 0
    tested = run("test", house)
    assert tested.exit_code == 0
    assert tested.stdout.startswith("house 1: 1 rule, 3 examples ran, sha256 ")
    facts = "{decl: ai, role: deployer, real_person: public}"
    done = run("decide", "--facts", "-", "--pack", house, "--format", "jsonl", *AT, given=facts)
    assert "HOUSE-portrait" in {label["rule"] for label in json.loads(done.stdout)["labels"]}
    assert "HOUSE-portrait" in run("list", "--pack", house).stdout
    rules = house / "rules" / "house.yaml"
    rules.write_text(rules.read_text().replace("role == 'deployer'", "rolle == 'deployer'"))
    for command in ("lint", "test"):
        refused = run(command, house)
        assert refused.exit_code == 2
        assert "rules/house.yaml:12: rules.HOUSE-portrait.when: unknown name 'rolle'" in refused.stderr
    rules.write_text(FILES["rules/house.yaml"].replace("        nl: Vraag het eerst aan de redactie.\n", ""))
    refused = run("test", house)
    assert refused.exit_code == 2
    assert "nl is missing" in refused.stderr
    assert "refused: 1 problem\n" in refused.stderr


def test_what_people_read_is_in_their_language() -> None:
    facts = '{"jur": ["KR"], "role": "provider", "decl": "ai", "fc_match": "near", "fc_labelled": false}'
    dutch = run("decide", "--facts", "-", "--lang", "nl", *AT, given=facts).stdout
    assert "aangeraden" in dutch
    assert "[een mens bevestigt]" in dutch
    assert "! mogelijk een plicht: niemand hier heeft de bron zelf gelezen" in dutch
    for word in ("recommended", "a person confirms", "(provider)", "tier"):
        assert word not in dutch
    assert "! may be a duty: nobody here has read" in run("decide", "--facts", "-", *AT, given=facts).stdout
    shown = run("show", "KR-label", "--lang", "nl").stdout
    assert "wie: de aanbieder van het AI-systeem\n" in shown
    assert "indien bevestigd: mogelijk een plicht" in shown


def test_show_spells_out_what_the_condition_and_the_sources_stand_for() -> None:
    shown = run("show", "EU-50-4-deepfake").stdout
    assert "    eu_deployer_duty: 'EU' in jur and role == 'deployer'" in shown
    assert "    visible_change: ai in ('generated', 'modified') and edit" in shown
    assert "also: Commission guidelines on Article 50 AI Act" in shown


def test_the_list_has_days_and_the_values_of_facts() -> None:
    def line(day: str, rule: str) -> str:
        listed = run("list", "--at", f"{day}T12:00:00Z").stdout
        return next(line for line in listed.splitlines() if line.startswith(rule))

    assert "2026-08-02 .. 2026-12-01" in line("2026-11-21", "EU-50-2-grace")
    assert "[" not in line("2026-11-21", "EU-50-2-grace")
    assert line("2026-12-02", "EU-50-2-grace").endswith("[no longer in force]")
    assert line("2026-11-21", "CA-platform-keep").endswith("[from a later day]")
    assert "= none, minor, substantial, full\n" in run("list", "--fields").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 110])
@pytest.mark.parametrize("lang", ["en", "nl"])
def test_the_list_of_facts_is_as_wide_as_the_terminal(columns: int, lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("list", "--fields", "--lang", lang).stdout.splitlines()
    assert max(map(len, lines)) <= columns
    names = [each["field"] for each in json.loads(run("list", "--fields", "--format", "json").stdout)]
    assert [line.split()[0] for line in lines if not line.startswith(" ")] == names, "a fact begins at the margin"
    if columns >= 80:
        starts = {
            len(line) - len(line.lstrip()) for line in lines if line.startswith(" ") and not line.startswith("  =")
        }
        assert len({start for start in starts if start}) <= 2, "one column, and values that go on below it"


def test_derived_facts_explain_themselves() -> None:
    fields = json.loads(run("list", "--fields", "--format", "json").stdout)
    derived = {each["field"]: each["help"] for each in fields if each["group"] == "finding"}
    assert set(derived) == set(FINDING)
    assert all(set(words) == {"en", "nl"} for words in derived.values())


def test_a_pack_without_examples_is_told_so(house: Path) -> None:
    (house / "scenarios" / "house.yaml").unlink()
    assert "no examples: nothing was tried" in run("test", house).stdout
    assert "examples" not in run("lint", house).stdout


def test_the_shipped_pack_passes_its_own_tests() -> None:
    assert run("test").stdout.startswith("waarmerk-base 2026-11-21: 70 rules")
    assert run("lint").exit_code == 0


def test_a_replay_shows_what_a_new_pack_would_change(house: Path, tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    facts = '{"decl": "ai", "role": "deployer", "real_person": "public"}\n{"decl": "none"}\n'
    for _ in range(2):
        assert run("decide", "--facts", "-", "--record", log, *AT, given=facts).exit_code == 0
    recorded = log.read_bytes().splitlines()
    assert recorded[:2] == recorded[2:]
    done = run("replay", log, "--pack", house)
    assert done.exit_code == 0
    assert "line 1: HOUSE-portrait: absent -> recommended" in done.stdout
    assert "2 of 4 decisions would change" in done.stdout
    lines = run("replay", log, "--pack", house, "--format", "jsonl").stdout.splitlines()
    assert json.loads(lines[0]) == {"line": 1, "rule": "HOUSE-portrait", "then": None, "now": "recommended"}
    log.write_text("{}")
    broken = run("replay", log, "--pack", house)
    assert "line 1: no decision record: 'format' is missing" in str(broken.exception)


def test_a_pack_cannot_write_to_the_terminal(house: Path) -> None:
    rules = house / "rules" / "house.yaml"
    rules.write_text(rules.read_text().replace("    who:", '    "\\e[2Jwho": x\n    who:'))
    refused = run("lint", house)
    assert refused.exit_code == 2
    assert "unknown key" in refused.stderr
    assert refused.stderr.replace("\n", "").isprintable()
    assert str(run("list", "--pack", house).exception).replace("\n", "").isprintable()


def test_an_answer_in_dutch_says_where_why_and_what_it_rests_on_in_dutch() -> None:
    facts = '{"decl": "ai", "jur": ["NL"], "role": "deployer", "modality": "image", "platform": "tiktok"}'
    text = run("decide", "--facts", "-", "--lang", "nl", given=facts).stdout
    assert "plaats: in het beeld met niets ervoor" in text
    assert "modality = image (het bestand)" in text
    assert "law_enf = nee (niemand zei iets anders)" in text
    shown = run("show", "EU-50-4-deepfake", "--lang", "nl").stdout
    assert "film: vanaf het eerste moment" in shown
    assert "wordt vanzelf geplaatst: ja" in shown
    assert not [line for line in shown.splitlines() if line.startswith(("law:", "basis:", "shown_to:", "automatic:"))]


def test_the_columns_of_the_list_never_touch() -> None:
    for lang in ("en", "nl"):
        rows = run("list", "--lang", lang, *AT).stdout.splitlines()
        assert all(len(re.split(r" {2,}", row)) >= 5 for row in rows), lang


@pytest.mark.parametrize(("code", "hint"), [("XX", ""), ("UK", "GB"), ("EL", "GR"), ("ZZ-1", ""), ("EU-1", "")])
def test_the_code_of_no_country_is_refused(code: str, hint: str) -> None:
    done = run("decide", "--facts", "-", given=json.dumps({"jur": [code]}))
    assert done.exit_code == 2
    assert "no country" in done.stderr
    assert hint in done.stderr
    for known in ("NL", "EU", "US-CA", "GB"):
        assert run("decide", "--facts", "-", given=json.dumps({"jur": [known]})).exit_code == 0
