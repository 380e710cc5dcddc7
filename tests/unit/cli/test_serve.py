# SPDX-License-Identifier: Apache-2.0
"""What the options of ``serve`` come to in the settings of its workers."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from waarmerk.cli import serve as command
from waarmerk.provenance.settings import Settings


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    seen: list[Settings] = []
    door = SimpleNamespace(ServiceOptions=SimpleNamespace, run=lambda options: seen.append(options.settings))
    monkeypatch.setattr(command, "door", lambda module: door)
    return seen


def served(*arguments: Any) -> int:
    return CliRunner().invoke(command.serve, [str(each) for each in arguments]).exit_code


def test_nobody_is_asked_and_nothing_decoded_unless_the_operator_says_so(
    started: list[Settings], tmp_path: Path
) -> None:
    assert served("--data", tmp_path) == 0
    (settings,) = started
    assert not settings.searches_open_marks
    assert settings.detectors == ()


def test_open_marks_and_detectors_reach_the_workers(started: list[Settings], tmp_path: Path) -> None:
    asked = ("--open-marks", "--detector", "acme", "--detector", "SynthID=mark")
    assert served("--data", tmp_path, *asked) == 0
    (settings,) = started
    assert settings.searches_open_marks
    assert settings.declared_detectors == (("acme", "classifier"), ("SynthID", "mark"))
    assert Settings.from_json(settings.to_json()).declared_detectors == settings.declared_detectors


def test_what_an_operator_sets_once_for_all_commands_is_taken_from_the_environment(
    started: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WAARMERK_DATABASE", "postgresql://waarmerk@db/waarmerk")
    monkeypatch.setenv("WAARMERK_DATA", str(tmp_path / "kept"))
    options = command.serve.make_context("serve", []).params
    assert (options["database"], options["folder"]) == ("postgresql://waarmerk@db/waarmerk", tmp_path / "kept")
    assert command.serve.make_context("serve", ["--database", "x.sqlite"]).params["database"] == "x.sqlite"


# Packages of an extra that an installation without it has not.
MISSING = """
import sys
from importlib.abc import MetaPathFinder
class Absent(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Absent())
from waarmerk.cli.main import main
main({arguments!r})
"""


@pytest.mark.parametrize(
    ("absent", "arguments", "told"),
    [
        (("uvicorn", "fastapi", "starlette"), ["serve"], "pip install 'waarmerk[api]'"),
        (("uvicorn", "fastapi", "starlette"), ["tenant", "list"], "pip install 'waarmerk[api]'"),
        (("psycopg",), ["serve", "--port", "0", "--database", "postgresql://x/y"], "pip install 'waarmerk[postgres]'"),
    ],
)
def test_a_missing_extra_is_named(absent: tuple[str, ...], arguments: list[str], told: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MISSING.format(absent=absent, arguments=arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 2, done.stderr
    assert told in done.stderr


def test_it_says_whose_roots_of_ones_own_it_believes(
    started: list[Settings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A root that ``label --yes`` took in on this computer speaks to whoever asks the service."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    own, apart = tmp_path / "waarmerk" / "trust", tmp_path / "apart"
    for folder in (own, apart):
        folder.mkdir(parents=True)
    (own / "user-desk.pem").write_text("a root")
    told = CliRunner().invoke(command.serve, ["--data", str(tmp_path / "data")])
    assert "believes your own roots too: user-desk.pem" in told.stderr
    assert "--trust" in told.stderr
    other = CliRunner().invoke(command.serve, ["--data", str(tmp_path / "data"), "--trust", str(apart)])
    assert (other.stderr, started[-1].trust) == ("", apart)
