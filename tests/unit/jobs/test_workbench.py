# SPDX-License-Identifier: Apache-2.0
"""A bench keeps what is costly, and gives what a new one would give: at any time, with the lists as they are now."""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AT, ROOT
from waarmerk.provenance.jobs import workbench
from waarmerk.provenance.jobs.frames import Written
from waarmerk.provenance.jobs.workbench import Workbench
from waarmerk.provenance.model import Match
from waarmerk.provenance.report.document import Writer, canonical, to_dict
from waarmerk.provenance.settings import Settings

MEDIA = ROOT / "samples" / "media"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copied = tmp_path / "trust"
    shutil.copytree(ROOT / "samples" / "trust", copied)
    for path in copied.glob("*.pem"):
        dates = {"issued": "2026-01-01T00:00:00Z", "next_update": "2026-12-01T00:00:00Z"}
        path.with_suffix(".json").write_text(json.dumps(dates), "utf-8")
    return copied


def told(bench: Workbench, at: datetime, name: str = "ai-edited.jpg", **more: Any) -> dict[str, Any]:
    report: dict[str, Any] = bench.perform("verify", MEDIA / name, named=True, at=at, **more)
    return report


@pytest.mark.parametrize("second", [False, True])
def test_a_bench_at_many_times_is_as_good_as_a_new_one_at_each(folder: Path, second: bool) -> None:
    settings = Settings(trust=folder, second_opinion=second)
    kept = Workbench(settings)
    for days in (0, 30, 4000, -4000, 0):  # in time; past the next update; certificates ended; not begun; and back
        at = AT + timedelta(days=days)
        for name in ("ai-edited.jpg", "stripped.jpg"):
            assert told(kept, at, name) == told(Workbench(settings), at, name), (days, name)
    codes = {concern["code"] for concern in told(kept, AT + timedelta(days=30))["verdict"]["concerns"]}
    assert "trust.expired" in codes


def test_lists_are_read_once_until_they_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[datetime] = []
    load = workbench.load_trust

    def counted(settings: Settings, *, at: datetime) -> Any:
        read.append(at)
        return load(settings, at=at)

    monkeypatch.setattr(workbench, "load_trust", counted)
    bench = Workbench(Settings(trust=folder))
    for seconds in range(5):
        assert told(bench, AT + timedelta(seconds=seconds))["credentials"]["signer"]["status"] == "user"
    assert len(read) == 1
    for path in folder.glob("user*.pem"):
        path.rename(path.with_name("C2PA-TRUST-LIST.pem"))
    assert told(bench, AT + timedelta(seconds=6))["credentials"]["signer"]["status"] == "official"
    assert len(read) == 2


def test_further_facts_cost_no_new_lists(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Workbench(Settings(trust=folder))
    plain = told(bench, AT)
    monkeypatch.setattr(workbench, "CredentialReader", None)
    facts = told(bench, AT, facts=["jur=NL", "role=deployer"])
    assert facts["credentials"] == plain["credentials"]
    assert facts["labels"] != plain["labels"]


@pytest.mark.parametrize("named", [True, False])
def test_a_report_that_is_written_at_once_is_the_same_report(folder: Path, named: bool) -> None:
    """Twice over, so that labels which were written before are met again; with matches that have labels too."""
    bench = Workbench(Settings(trust=folder, context=("platform=youtube",)))
    seen = set()
    for path in 2 * sorted(MEDIA.iterdir()):
        plain = bench.perform("verify", path, named=named, at=AT)
        written = bench.perform("verify", path, named=named, at=AT, written=True)
        assert isinstance(written, Written)
        assert written.text == canonical(plain), path.name
        seen.add(len(plain["labels"]))
    assert len(seen) > 1


def test_what_stands_beside_others_is_not_written(folder: Path) -> None:
    bench, path = Workbench(Settings(trust=folder)), MEDIA / "ai-edited.jpg"
    for verb, options in (("verify", {"record": True}), ("verify", {"fingerprint": True}), ("dossier", {})):
        wishes = {"named": True, "at": AT, "options": options}
        assert bench.perform(verb, path, **wishes, written=True) == bench.perform(verb, path, **wishes)


def test_labels_are_written_where_those_of_the_report_stand(folder: Path) -> None:
    """A known picture has labels of its own before them; here it has none, and is called as if it had."""
    bench = Workbench(Settings(trust=folder))
    report = bench._decided(MEDIA / "ai-edited.jpg", AT).report
    match = Match(registry_id="x", kind="exact", distance=None, verified=True, source='"labels":[]')
    for duties in ((), report.duties):
        changed = replace(report, matches=(match, match), duties=duties)
        assert Writer(tool_version="1").written(changed) == canonical(to_dict(changed, tool_version="1"))


@pytest.mark.parametrize("path", sorted(MEDIA.iterdir()), ids=lambda path: path.name)
def test_a_file_in_memory_is_the_same_file(folder: Path, path: Path, tmp_path: Path) -> None:
    bench = Workbench(Settings(trust=folder))
    alone = tmp_path / "file"  # without what stands beside it, and an extension that could differ
    shutil.copyfile(path, alone)
    for verb in ("verify", "dossier"):
        asked = {"named": False, "at": AT}
        assert bench.perform(verb, path.read_bytes(), **asked) == bench.perform(verb, alone, **asked)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\xff\xd8\xff"])
def test_what_is_no_file_in_memory_is_a_report_without_a_name(folder: Path, data: bytes, tmp_path: Path) -> None:
    bench, path = Workbench(Settings(trust=folder)), tmp_path / "file"
    path.write_bytes(data)
    report = bench.perform("verify", data, named=True, at=AT)
    assert report == bench.perform("verify", path, named=False, at=AT)
    assert report["asset"]["name"] is None
