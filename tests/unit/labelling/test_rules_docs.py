# SPDX-License-Identifier: Apache-2.0
"""The pages on rules are run: files and commands as a reader would type them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from waarmerk.cli.main import commands
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.schema import WHO
from waarmerk.provenance.report.wording import wording

DOCS = Path(__file__).parents[3] / "docs" / "rules"
AT = ("--at", "2027-03-03T08:00:00Z")


def files(page: str) -> dict[str, str]:
    """The files a page spells out: a name in backquotes, a colon, and the block below it."""
    text = (DOCS / page).read_text()
    found = re.findall(r"`([\w./-]+\.yaml)`:\n\n```yaml\n(.*?)```", text, re.DOTALL)
    return dict(found)


def labels(facts: dict[str, Any], *more: str) -> dict[str, dict[str, Any]]:
    arguments = ["rules", "decide", "--facts", "-", "--format", "jsonl", *AT, *more]
    done = CliRunner().invoke(commands, arguments, input=json.dumps(facts, default=str))
    assert done.exit_code == 0, done.output
    return {label["rule"]: label for label in json.loads(done.stdout)["labels"]}


def test_the_pack_of_the_page_is_accepted_and_fires(tmp_path: Path) -> None:
    written = files("writing-a-pack.md")
    assert set(written) == {"house/pack.yaml", "house/rules/house.yaml", "house/scenarios/house.yaml", "facts.yaml"}
    for name, block in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(block)
    house = str(tmp_path / "house")
    tested = CliRunner().invoke(commands, ["rules", "test", house])
    assert tested.stdout.startswith("daily-news-house 1: 1 rule, 6 examples ran, sha256 "), tested.output
    asked = ["rules", "decide", "--facts", str(tmp_path / "facts.yaml"), "--pack", house]
    assert "advised           HOUSE-ask-the-desk (the editor)" in CliRunner().invoke(commands, asked).stdout
    for old, new, line in (("real_person ==", "real_persons ==", 15), ("        nl: Vraag", "        fr: Vraag", 20)):
        (tmp_path / "house/rules/house.yaml").write_text(written["house/rules/house.yaml"].replace(old, new))
        refused = CliRunner().invoke(commands, ["rules", "test", house])
        assert refused.exit_code == 2
        assert f"rules/house.yaml:{line}: rules.HOUSE-ask-the-desk" in refused.stderr
        assert refused.stderr.splitlines()[0] in (DOCS / "writing-a-pack.md").read_text()


def test_the_calendar_of_the_page_is_accepted(tmp_path: Path) -> None:
    written = files("writing-a-pack.md")
    page = (DOCS / "writing-a-pack.md").read_text()
    calendar = re.search(r"```yaml\n(elections:.*?)```", page, re.DOTALL)
    assert calendar
    for name, block in {**written, "house/elections.yaml": calendar[1]}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(block)
    facts = {"jur": ["NL"], "role": "platform", "vlop": True, "decl": "ai", "appears_authentic": True}
    found = labels(facts, "--pack", str(tmp_path / "house"))
    assert "election_period = true (config)" in found["DSA-election-guidelines"]["because"]
    assert "DSA-election-guidelines" not in labels(facts)


def test_the_dutch_example_comes_out_as_told() -> None:
    written = files("dutch-election-example.md")
    case, notice = (yaml.safe_load(written[name]) for name in ("case.yaml", "notice.yaml"))
    told = re.findall(r"^\| `([\w.-]+)` \| (\w+) \|", (DOCS / "dutch-election-example.md").read_text(), re.MULTILINE)
    assert len(told) == 5
    assert {(rule, label["status"]) for rule, label in labels(case).items()} == set(told)
    assert labels(case)["EU-50-4-deepfake"]["wording"]["nl"] == "Gemaakt met AI"
    assert "EU-50-4-deepfake-art" in labels({**case, "art": True})
    assert "EU-50-4-deepfake" not in labels({**case, "decl": "none"})
    attacked = labels(
        {**case, "decl": "none", "xmp_dst": ["trainedAlgorithmicMedia"], "c2pa": "trusted"}
        | {"c2pa_dst": ["digitalCapture"]}
    )
    assert attacked["EV-conflict"]["status"] == "info"
    assert not attacked["EU-50-4-deepfake"]["automatic"]
    assert labels(notice)["TF-report"]["status"] == "recommended"
    assert "DSA-22-tf" in labels(notice)
    assert "TF-no-individual" in labels({**notice, "signal_source": "citizen"})
    assert labels({**notice, "signal_source": "own_monitoring"})["TF-no-monitoring"]["status"] == "prohibited"
    asked = labels({**notice, "leads_to": None})["TF-report"]["asks"]
    assert [question["field"] for question in asked] == ["leads_to"]
    assert asked[0]["question"]["nl"] in (DOCS / "dutch-election-example.md").read_text()
    assert "TF-report" not in labels({**notice, "voting_misinfo": False})


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_rules_that_a_page_names_exist(page: str) -> None:
    known = {
        entry["rule"]
        for entry in json.loads(CliRunner().invoke(commands, ["rules", "list", "--format", "json"]).stdout)
    }
    named = set(re.findall(r"`((?:EU|DSA|TTPA|NL|TT|YT|TF|FC|EV|CN|CA)-[\w.-]+)`", (DOCS / page).read_text()))
    assert named <= known


def test_the_python_of_the_pages_runs() -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "exports-and-corrections.md").read_text(), re.DOTALL)
    assert len(blocks) == 1
    for block in blocks:
        exec(compile(block, "exports-and-corrections.md", "exec"), {})


def test_the_links_of_the_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([\w./-]+)\)", page.read_text()):
            assert (page.parent / target).is_file(), (page.name, target)


def test_the_tables_of_the_page_are_complete() -> None:
    page = (DOCS / "writing-a-pack.md").read_text()
    for known in load_packs().fields:
        if known.values:
            assert f"| `{known.name}` | {', '.join(f'`{value}`' for value in known.values)} |" in page
    for role in WHO:
        for language in ("en", "nl"):
            assert wording(language).has("who", role)
        assert f"| `{role}` | {wording('en').say('who', role)} |" in page


def test_the_abbreviation_of_the_page_is_accepted(tmp_path: Path) -> None:
    page = (DOCS / "writing-a-pack.md").read_text()
    block = re.search(r"```yaml\n(fields: .*?)```", page, re.DOTALL)
    assert block
    for name, text in {**files("writing-a-pack.md"), "house/fields.yaml": block[1]}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    tested = CliRunner().invoke(commands, ["rules", "test", str(tmp_path / "house")])
    assert tested.exit_code == 0, tested.output
