# SPDX-License-Identifier: Apache-2.0
"""What operators are told holds: commands run, options and counters exist, and all that is stored is on the record."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.serving import Service
from waarmerk.api import server
from waarmerk.api.journal import FIELDS
from waarmerk.api.metrics import Metrics
from waarmerk.api.tenants import TABLES
from waarmerk.provenance.jobs.audit import TABLES as AUDIT
from waarmerk.provenance.jobs.tables import METADATA as JOBS

GUIDE = (ROOT / "docs" / "operating.md").read_text("utf-8")
TEMPLATES = ROOT / "docs" / "templates"
RECORDS = [TEMPLATES / f"record-of-processing.{lang}.md" for lang in ("en", "nl")]


def test_the_example_of_the_readme_answers_on_an_empty_machine(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text("utf-8").partition("## As a service")[2]
    serve, ask = re.findall(r"^\$ (.*)$", section.partition("## ")[0], re.MULTILINE)
    assert serve == "waarmerk serve"
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    with Service(tmp_path) as service:
        command = shlex.split(ask.replace("localhost:8000", f"127.0.0.1:{service.port}"))
        done = subprocess.run([*command, "--silent"], cwd=ROOT, capture_output=True, timeout=120, check=True)
        page = service.ask("GET", "/")
    report = json.loads(done.stdout)
    assert (report["format"], report["status"]) == ("waarmerk.report/1", "examined")
    assert page.status == 200


def test_every_counter_that_raises_an_alarm_is_counted() -> None:
    named = set(re.findall(r"waarmerk_[a-z_]+", GUIDE))
    source = Path(server.__file__).read_text("utf-8")
    gauges = {f"waarmerk_{name}" for name in re.findall(r'metrics\.gauge\("(\w+)"', source)}
    kinds = re.findall(r"^# TYPE (\S+) \w+$", Metrics().exposition().decode("ascii"), re.MULTILINE)
    assert len(named) > 5
    assert named <= gauges | set(kinds)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.suffixes[0])
def test_the_record_of_processing_names_every_table(record: Path) -> None:
    text = record.read_text("utf-8")
    tables = {table for each in (TABLES, AUDIT, JOBS) for table in each.tables}
    assert {table for table in tables if f"`{table}`" not in text} == set()
    assert set(re.findall(r"`([a-z]+_[a-z]+)`", text)) <= tables


def test_the_log_holds_what_the_record_says_and_no_more() -> None:
    of_a_request = "at request_id tenant method route status bytes media_type verdict ms code"
    of_the_service = "event job attempt count level where"
    assert set(f"{of_a_request} {of_the_service}".split()) == FIELDS
    line = "request id, tenant, method, route, status, size, type of media, class of verdict, milliseconds"
    assert line in " ".join(RECORDS[0].read_text("utf-8").split())


@pytest.mark.parametrize("name", ["dpia", "record-of-processing"])
def test_both_languages_ask_the_same(name: str) -> None:
    english, dutch = ((TEMPLATES / f"{name}.{lang}.md").read_text("utf-8") for lang in ("en", "nl"))
    for pattern in (r"^## ", r"^\|", r"^- ", r"`[^`]+`"):
        counts = [len(re.findall(pattern, text, re.MULTILINE)) for text in (english, dutch)]
        assert counts[0] == counts[1], pattern
