# SPDX-License-Identifier: Apache-2.0
"""A folder that its user may not write to: said clearly, in the user's language, and nothing is left."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.marking.conftest import saved

_NOBODY = 65_534
_WORDS = {"en": "cannot be written there", "nl": "kan niet worden geschreven"}


def as_user(*arguments: str | Path, home: Path) -> "subprocess.CompletedProcess[str]":
    """Run the command as somebody who is not root: root may write everywhere."""
    command = [sys.executable, "-m", "waarmerk.cli", *map(str, arguments)]
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root may write everywhere, and there is no setpriv to be somebody else")
        reads = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]  # the interpreter may be root's own
        command = ["setpriv", f"--reuid={_NOBODY}", f"--regid={_NOBODY}", "--clear-groups", *reads, *command]
        for path in (home, *home.rglob("*")):
            os.chown(path, _NOBODY, _NOBODY)
    names = {"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_DATA_HOME": str(home)}
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=names, cwd="/")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody may read, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.parametrize("language", ["nl", pytest.param("en", marks=pytest.mark.slow)])
def test_it_is_said_and_nothing_is_left(place: Path, language: str) -> None:
    home, closed, pictures = place / "home", place / "closed", place / "in"
    for folder in (home, closed, pictures):
        folder.mkdir()
    source = saved(pictures / "in.png", "PNG")
    (closed / "there.txt").write_text("there")
    closed.chmod(0o555)
    first = ("--yes", "--organisation", "Campagne Delta", "--lang", language)
    try:
        done = as_user("label", source, closed / "out.png", "--ai", "generated", *first, home=home)
        if "Operation not permitted" in done.stderr and "setpriv" in done.stderr:
            pytest.skip("this root may not hand its rights on")
        assert done.returncode == 1
        assert _WORDS[language] in done.stderr
        many = as_user("label", pictures, closed, "--ai", "generated", "--lang", language, home=home)
        assert many.returncode == 1
        assert _WORDS[language] in many.stderr
        assert many.stdout.startswith("0 ")
    finally:
        closed.chmod(0o755)
    assert [path.name for path in closed.iterdir()] == ["there.txt"]
    listed = as_user("ledger", "list", home=home)
    assert "generated" not in listed.stdout
