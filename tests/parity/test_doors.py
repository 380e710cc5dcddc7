# SPDX-License-Identifier: Apache-2.0
"""The same file gets the same report through every door, on every run."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT
from waarmerk.api.app import create_app
from waarmerk.api.schemas import report_schema
from waarmerk.api.services import Services
from waarmerk.provenance import Pool, Settings, build_verifier
from waarmerk.provenance.report.document import to_dict

SAMPLES = sorted(path for path in (ROOT / "samples" / "media").iterdir() if path.is_file())
TRUST = ROOT / "samples" / "trust"
SETTINGS = Settings(trust=TRUST)


@pytest.fixture(scope="module")
def pool() -> Iterator[Pool]:
    with Pool(SETTINGS.to_json()) as made:
        yield made


@pytest.fixture(scope="module")
def command_line() -> dict[str, dict[str, Any]]:
    return {report["asset"]["name"]: report for report in run(cwd=ROOT)}


def run(*, cwd: Path, **environment: str) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "-q", "--format", "jsonl", "-j", "1", "--fail-on", ""]
    command += ["--trust", str(TRUST), "--at", "2026-11-21T12:00:00Z", *map(str, SAMPLES)]
    done = subprocess.run(command, capture_output=True, check=True, cwd=cwd, env={**os.environ, **environment})
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_there_are_samples() -> None:
    assert len(SAMPLES) >= 8


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_command_line_api_and_library_agree(
    path: Path, pool: Pool, command_line: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    told = command_line[path.name]
    jsonschema.validate(told, report_schema())
    with TestClient(create_app(Services(bench=pool, clock=lambda: AT))) as client:
        raw = client.post("/v1/verify", content=path.read_bytes()).json()
        form = client.post("/v1/verify", files={"file": (path.name, path.read_bytes())}).json()
        page = client.post("/", files={"file": (path.name, path.read_bytes())}).text
    assert raw == form == attached(page)
    unnamed = {**told, "asset": {**told["asset"], "name": None}}
    assert without_names(raw) == without_names(unnamed)
    library = to_dict(build_verifier(SETTINGS, at=AT).verify(path), tool_version=told["tool"]["version"])
    assert json.loads(json.dumps(library)) == told


def attached(page: str) -> dict[str, Any]:
    """The report that a reader of the page can keep."""
    found = re.search(r'href="data:application/json;base64,([A-Za-z0-9+/=]+)"', page)
    assert found is not None
    told: dict[str, Any] = json.loads(base64.b64decode(found[1]))
    return told


def without_names(report: dict[str, Any]) -> dict[str, Any]:
    """An upload has no name, so its name cannot differ from its content."""
    verdict = report["verdict"]
    concerns = [concern for concern in verdict["concerns"] if concern["code"] != "media.name-differs"]
    return {**report, "verdict": {**verdict, "concerns": concerns}}


def test_another_process_folder_and_hash_seed_give_the_same_reports(
    command_line: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    other = run(cwd=tmp_path, PYTHONHASHSEED="12345", TZ="Pacific/Auckland", LANG="C")
    assert [json.dumps(report) for report in other] == [json.dumps(report) for report in command_line.values()]
