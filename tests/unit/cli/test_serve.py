# SPDX-License-Identifier: Apache-2.0
"""What the options of ``serve`` come to in the settings of its workers."""

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
