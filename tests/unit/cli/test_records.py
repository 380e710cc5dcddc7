# SPDX-License-Identifier: Apache-2.0
"""``verify --record`` and the history of a label: only growing, the same for the same inputs, open to replay."""

import json
import stat
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.conftest import AT, ROOT, Run
from waarmerk.cli.main import commands
from waarmerk.cli.records import DecisionLog
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.context import Context
from waarmerk.provenance.labelling.facts import Facts
from waarmerk.provenance.labelling.loader import SHIPPED, load_packs
from waarmerk.provenance.labelling.record import decision_digest, decision_record, record_line, replay
from waarmerk.provenance.model import Verdict

MEDIA = ROOT / "samples" / "media"
NAMES = ("ai-generated.png", "stripped.jpg", "declared.webp", "camera-capture.jpg")
BASE = ("--trust", ROOT / "samples" / "trust", "--at", "2026-11-21T12:00:00Z", "--fail-on", "")
GIVEN = ("--context", "jur=NL", "--context", "role=platform", "--for", "tiktok,own")
DAY = ("--at", "2026-12-01T00:00:00Z")


def rules(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["rules", *map(str, arguments)])


def refusal(result: Result) -> str:
    assert isinstance(result.exception, ConfigurationError)
    return result.exception.code


def test_verified_files_are_recorded_and_replayed(waarmerk: Run, tmp_path: Path) -> None:
    log, again = tmp_path / "log.jsonl", tmp_path / "again.jsonl"
    files = [MEDIA / NAMES[0], ROOT / "README.md", *(MEDIA / name for name in NAMES[1:])]
    assert waarmerk("verify", *files, *BASE, *GIVEN, "--record", log).returncode == 3
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    first = log.read_bytes()
    assert len(first.splitlines()) == len(NAMES)
    assert not [name for name in NAMES if name.encode() in first]
    origins = [json.loads(line)["finding"]["origin"] for line in first.splitlines()]
    assert origins == ["ai-generated", "unknown", "ai-generated", "captured"]
    assert waarmerk("verify", *files, *BASE, *GIVEN, "--record", log, "--jobs", "1", "--format", "html").returncode == 3
    assert log.read_bytes() == first + first
    done = rules("replay", log, "--pack", SHIPPED)
    assert (done.exit_code, done.stdout) == (0, "0 of 8 decisions would change\n")
    stdin = (MEDIA / NAMES[0]).read_bytes()
    assert waarmerk("verify", "-", *BASE, *GIVEN, "--record", again, stdin=stdin).returncode == 0
    assert again.read_bytes() == first.splitlines(keepends=True)[0]


def test_answers_on_the_terminal_are_in_the_record(waarmerk: Run, tmp_path: Path) -> None:
    asked = ("--ask", "--record", tmp_path / "log")
    assert waarmerk("verify", MEDIA / NAMES[0], *BASE, *asked, stdin="NL\n" + "\n" * 40).returncode == 0
    (line,) = (tmp_path / "log").read_text().splitlines()
    assert {"field": "jur", "value": ["NL"], "by": "uploader"} in json.loads(line)["context"]


def test_a_log_is_never_an_input_nor_another_file(waarmerk: Run, tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    picture.write_bytes((MEDIA / NAMES[0]).read_bytes())
    assert "a file of its own" in waarmerk("verify", picture, *BASE, "--record", picture).stderr
    (tmp_path / "torn").write_text('{"half": ')
    (tmp_path / "notes").write_text("dear diary\n")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name, code in {"torn": "no-log", "notes": "no-log", "link": "unwritable", "no/folder": "unwritable"}.items():
        with pytest.raises(ConfigurationError) as refused:
            DecisionLog(tmp_path / name)
        assert refused.value.code == f"record.{code}"
    assert not (tmp_path / "elsewhere").exists()


def test_lines_keep_the_order_of_the_inputs(tmp_path: Path) -> None:
    with DecisionLog(tmp_path / "log") as log:
        log.add(1, {"n": 1})
        log.add(0, {"n": 0})
        log.add(2, None)
        log.add(4, {"n": 4})
        assert (tmp_path / "log").read_bytes() == b'{"n":0}\n{"n":1}\n'
    assert (tmp_path / "log").read_bytes() == b'{"n":0}\n{"n":1}\n{"n":4}\n'


def test_a_file_that_states_absurdly_much_can_be_replayed() -> None:
    packs = load_packs()
    known = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    facts = Facts(c2pa="trusted", c2pa_dst=(*(f"a{n}" for n in range(500)), "x" * 10_000, known))
    record = decision_record(packs, facts, Verdict(), Context(), AT, duties=())
    replay(record_line(record).decode(), packs)
    assert known in record["evidence"]["c2pa_dst"]


def test_the_history_of_a_label(tmp_path: Path) -> None:
    file, start = tmp_path / "label", ("--rule", "TT-autolabel-cc", "--decision", "0" * 64, *DAY)
    assert rules("published", file, *start).stdout.endswith("The label stands.\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert refusal(rules("published", file, *start)) == "labelling.history-exists"
    assert refusal(rules("uphold", file, "--reason", "x", *DAY)) == "labelling.out-of-turn"
    first = file.read_bytes()
    assert "betwist" in rules("dispute", file, "--reason", "A photograph.", "--lang", "nl", *DAY).stdout
    assert rules("uphold", file, "--reason", "Looked at.", *DAY).exit_code == 0
    negation = ("--atproto", "ai-generated", "--labeler", "did:plc:l", "--uri", "at://did:plc:m/a/1")
    assert rules("withdraw", file, "--reason", "x", "--atproto", "ai-generated", *DAY).exit_code == 2
    assert len(file.read_bytes().splitlines()) == 3
    assert json.loads(rules("withdraw", file, "--reason", "The original.", *negation, *DAY).stdout)["neg"]
    assert file.read_bytes().startswith(first)
    told = rules("history", file).stdout
    assert [word in told for word in ("labelled", "disputed", "upheld", "withdrawn", "no longer stands")] == [True] * 5
    assert rules("history", file, "--format", "jsonl").stdout.encode() == file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["label"]
    file.write_bytes(file.read_bytes().replace(b"A photograph.", b"Something else."))
    assert refusal(rules("dispute", file, "--reason", "x", *DAY)) == "labelling.history-broken"


def test_a_history_starts_from_a_recorded_decision(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "facts").write_text('{"c2pa": "trusted", "c2pa_dst": ["trainedAlgorithmicMedia"], "role": "platform"}')
    assert rules("decide", "--facts", tmp_path / "facts", "--record", log, *DAY).exit_code == 0
    record = json.loads(log.read_text())
    rule = record["result"][0]["rule"]
    assert rules("published", tmp_path / "label", "--rule", rule, "--log", log, *DAY).exit_code == 0
    assert json.loads((tmp_path / "label").read_text())["decision"] == decision_digest(record)
    other = ("published", tmp_path / "other", "--rule")
    assert refusal(rules(*other, "nothing", "--log", log)) == "labelling.not-decided"
    assert refusal(rules(*other, rule, "--log", log, "--line", "2")) == "labelling.record-refused"
    assert rules(*other, rule).exit_code == 2
