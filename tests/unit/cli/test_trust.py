# SPDX-License-Identifier: Apache-2.0
"""``waarmerk trust`` and ``inspect --crjson --rubric`` as a user runs them."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run

SAMPLES = ROOT / "samples"
CLOCK = ("--at", "2026-11-21T12:00:00Z")
EMPTY = '{{"format": "waarmerk.denylist/1", "issued": "{issued}", "entries": []}}'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lists = tmp_path / "lists"
    shutil.copytree(SAMPLES / "trust", lists)
    return lists


def test_the_lists_at_a_glance(waarmerk: Run, folder: Path) -> None:
    (folder / "denylist.json").write_text(EMPTY.format(issued="2026-11-10T00:00:00Z"), "utf-8")
    done = waarmerk("trust", "list", "--trust", folder, *CLOCK)
    assert done.returncode == 0
    head, *lines = done.stdout.splitlines()
    assert head.split()[:3] == ["List", "Entries", "Issued"]
    rows = {line.split()[0]: line for line in lines}
    assert "2026-11-10" in rows["denylist"]
    assert "11 days" in rows["denylist"]
    assert "more than a week old" in done.stdout
    assert max(map(len, done.stdout.splitlines()[: 1 + len(list(folder.glob("*.pem")))])) <= 100
    dutch = waarmerk("trust", "list", "--trust", folder, *CLOCK, "--lang", "nl")
    assert "ouder dan een week" in dutch.stdout
    found = json.loads(waarmerk("trust", "list", "--trust", folder, *CLOCK, "--format", "json").stdout)
    assert found[-1] == {
        "id": "denylist",
        "file": "denylist.json",
        "certificates": 0,
        "issued": "2026-11-10T00:00:00Z",
        "next_update": None,
        "age_days": 11,
        "sha256": found[-1]["sha256"],
    }


@pytest.mark.parametrize(
    ("issued", "said"), [("2026-11-20", ""), ("2026-11-10", "a week old"), ("2026-10-01", "30 days")]
)
def test_the_age_of_a_denylist(waarmerk: Run, tmp_path: Path, issued: str, said: str) -> None:
    shutil.copy(next((SAMPLES / "trust").glob("*.pem")), tmp_path / "user.pem")
    (tmp_path / "denylist.json").write_text(EMPTY.format(issued=f"{issued}T00:00:00Z"), "utf-8")
    lines = waarmerk("trust", "list", "--trust", tmp_path, *CLOCK).stdout.splitlines()
    warned = [line for line in lines if "denylist" in line and not line.startswith("denylist ")]
    assert len(warned) == bool(said)
    assert said in "".join(warned)
    (report,) = json.loads(
        waarmerk("verify", SAMPLES / "media" / "tampered.jpg", "--trust", tmp_path, *CLOCK, "--format", "json").stdout
    )
    concerns = {concern["code"] for concern in report["verdict"]["concerns"]}
    assert ("trust.stale" in concerns) is (said == "30 days")
    assert "denylist" in {each["id"] for each in report["basis"]["trust_lists"]}


def test_importing_again_changes_nothing(waarmerk: Run, folder: Path) -> None:
    first = waarmerk("trust", "import", folder)
    assert first.returncode == 0, first.stderr
    assert "taken" in first.stdout
    again = waarmerk("trust", "import", folder)
    assert "taken" not in again.stdout
    assert "the same as held" in again.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("--only", "denylist"),
        ("--only", "everything"),
        ("--proxy", "example.org"),
    ],
)
def test_wrong_use_of_update(waarmerk: Run, arguments: tuple[str, ...]) -> None:
    done = waarmerk("trust", "update", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/d", "https://127.0.0.1:1/d", "file:///etc/passwd"])
def test_an_update_that_fails_says_why_and_keeps_what_is_held(waarmerk: Run, tmp_path: Path, url: str) -> None:
    held = tmp_path / "data" / "waarmerk" / "trust"
    held.mkdir(parents=True)
    (held / "denylist.json").write_text(EMPTY.format(issued="2026-11-20T00:00:00Z"), "utf-8")
    done = waarmerk("trust", "update", "--only", "denylist", "--denylist", url)
    assert (done.returncode, done.stdout) == (3, "")
    assert "what was held stays" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in held.iterdir()] == ["denylist.json"]


def test_the_harness(waarmerk: Run) -> None:
    asset = SAMPLES / "media" / "ai-generated.png"
    arguments = ("inspect", asset, "--crjson", "--trust", SAMPLES / "trust", *CLOCK)
    plain, whole = waarmerk(*arguments), waarmerk(*arguments, "--rubric")
    assert (plain.returncode, whole.returncode) == (0, 0)
    document = json.loads(whole.stdout)
    assert document["manifests"][0]["validationResults"]["validationTime"] == "2026-11-21T12:00:00Z"
    assert document.pop("waarmerk:rubric")["ai_signal"] == "generated"
    assert document.pop("waarmerk:report")["verdict"]["origin"] == "ai-generated"
    assert document == json.loads(plain.stdout)
    assert waarmerk(*arguments).stdout == plain.stdout, "the same bytes for the same input"
    assert waarmerk("inspect", asset, "--detailed", "--rubric").returncode == 2


def test_the_rubric_beside_our_verdict(waarmerk: Run) -> None:
    asset = SAMPLES / "media" / "ai-generated.png"
    done = waarmerk("inspect", asset, "--rubric", "--trust", SAMPLES / "trust", *CLOCK)
    assert "Contains Fully GenAI Media" in done.stdout
    assert "The rubric on AI: generated" in done.stdout
    assert "Our reading: Made with AI." in done.stdout
    dutch = waarmerk("inspect", SAMPLES / "media" / "stripped.jpg", "--rubric", "--lang", "nl", *CLOCK)
    assert "geen manifest te lezen" in dutch.stdout


def test_a_second_opinion_that_is_not_installed_is_wrong_use(tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    (tmp_path / "encypher_c2pa.py").write_text("raise ImportError('not here')\n", "utf-8")
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "--second-opinion", str(SAMPLES / "media" / "audio.wav")]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'waarmerk[second-opinion]'" in done.stderr


def test_a_root_of_ones_own_is_no_longer_believed(waarmerk: Run, tmp_path: Path) -> None:
    own = tmp_path / "data" / "waarmerk" / "trust"
    own.mkdir(parents=True)
    for source in (SAMPLES / "trust").iterdir():
        shutil.copy(source, own)
    ids = [row["id"] for row in json.loads(waarmerk("trust", "list", "--format", "json").stdout)]
    user = next(each for each in ids if each.startswith("user:"))
    assert "trust remove user:" in waarmerk("--help").stdout
    assert user in waarmerk("trust", "remove", user, "--lang", "nl").stdout
    assert user not in waarmerk("trust", "list").stdout
    assert not list(own.glob("user*"))
    for refused in (user, "user:../x.pem", "C2PA-TRUST-LIST.pem", "official"):
        assert waarmerk("trust", "remove", refused).returncode == 2, refused
