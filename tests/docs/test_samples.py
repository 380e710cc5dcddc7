# SPDX-License-Identifier: Apache-2.0
"""The samples say what their README says: the documented command, compared axis by axis, and the Python example."""

import json
import subprocess
import sys
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "samples"
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text())
AT = "2026-11-21T12:00:00Z"


def at_path(report: dict[str, Any], path: str) -> Any:
    return reduce(lambda found, key: found[key], path.split("."), report)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def reports() -> dict[str, dict[str, Any]]:
    done = run(
        *("-m", "waarmerk.cli", "verify", "--format", "json", "-r", "samples/media"),
        *("--trust", "samples/trust", "--at", AT, "--fail-on", ""),
    )
    assert done.returncode == 0, done.stderr
    return {report["asset"]["name"]: report for report in json.loads(done.stdout)}


def test_every_file_has_an_expectation_and_a_line_in_the_readme() -> None:
    files = {path.name for path in (SAMPLES / "media").iterdir()}
    readme = (SAMPLES / "README.md").read_text()
    assert files == set(EXPECTED)
    assert [name for name in files if f"`{name}`" not in readme] == []


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_report_says_what_is_expected(name: str, reports: dict[str, dict[str, Any]]) -> None:
    report = reports[name]
    assert report["status"] == "examined", report["error"]
    assert {path: at_path(report, path) for path in EXPECTED[name]} == EXPECTED[name]


def test_no_sample_but_the_signed_captures_gets_the_badge(reports: dict[str, dict[str, Any]]) -> None:
    badges = {name for name, report in reports.items() if report["verdict"]["authentic_capture"]}
    assert badges == {"camera-capture.jpg", "clip.mp4"}


def test_without_the_sample_list_nobody_is_trusted(tmp_path: Path) -> None:
    done = run(
        *("-m", "waarmerk.cli", "verify", "--format", "json", "samples/media/camera-capture.jpg"),
        *("--trust", str(tmp_path), "--at", AT, "--fail-on", ""),
    )
    (report,) = json.loads(done.stdout)
    assert report["credentials"]["signer"]["status"] == "unknown"
    assert report["verdict"]["origin"] == "unknown"
    assert report["verdict"]["authentic_capture"] is False


def test_the_quickstart_runs_and_names_every_sample() -> None:
    done = run("samples/quickstart.py")
    assert done.returncode == 0, done.stderr
    assert [name for name in EXPECTED if name not in done.stdout] == []
