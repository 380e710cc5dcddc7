# SPDX-License-Identifier: Apache-2.0
"""What many tests need: the shared material where it is there, a clock, the command line as a user runs it."""

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings

from tests.nursery import at_hand
from tests.postgres import server  # noqa: F401 - a fixture for all

ROOT = Path(__file__).resolve().parent.parent
# A deadline would measure how busy the machine is, not whether the code is right.
settings.register_profile("waarmerk", deadline=None)
settings.load_profile("waarmerk")

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


class Clock:
    """A moment that passes when told to."""

    def __init__(self, now: datetime = AT) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **length: float) -> None:
        self.now += timedelta(**length)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared material beside the project; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared corpus is not beside this checkout")
    return folder


@pytest.fixture
def at() -> datetime:
    """The moment of every decision in the tests."""
    return AT


@pytest.fixture
def clock() -> Clock:
    return Clock()


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def waarmerk(tmp_path: Path) -> Run:
    """Run the command as a user does, with a data folder of its own."""

    def run(
        *arguments: str | Path, stdin: str | bytes | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        data = stdin.encode() if isinstance(stdin, str) else stdin
        env = {"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)}
        done = at_hand().run([*map(str, arguments)], env=env, cwd=cwd, data=data)
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        )

    return run
