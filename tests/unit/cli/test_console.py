# SPDX-License-Identifier: Apache-2.0
"""What a person reads fits the terminal; what a program reads is one line a thing."""

import os
import pty
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest

from waarmerk.cli.console import fitted, wrapped


@pytest.mark.parametrize("most", [40, 80, 110])
def test_a_long_line_goes_on_below_and_no_word_is_broken(most: int) -> None:
    path = "/home/desk/" + "a-long-name/" * 12 + "poster.jpg"
    line = "  ? 8 more may be owed; that hangs on: appears_authentic, edit, exists_or_plausible, jur. " + path
    parts = wrapped(line, most)
    assert " ".join(part.strip() for part in parts) == line.strip()
    assert parts[0].startswith("  ? 8 more")
    assert all(part.startswith("      ") for part in parts[1:])
    assert all(len(part) <= most or path in part for part in parts)
    assert wrapped("", most) == [""]


def test_into_a_pipe_lines_go_as_they_are() -> None:
    lines = ["x " * 200, ""]
    assert fitted(lines, StringIO()) == lines


def test_a_decision_fits_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "facts.json").write_text('{"decl": "ai", "role": "deployer", "jur": ["NL"]}')
    command = [sys.executable, "-m", "waarmerk.cli", "rules", "decide", "--facts", str(tmp_path / "facts.json")]
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", buffering=0) as screen:
        environment = {**os.environ, "COLUMNS": "72", "NO_COLOR": "1"}
        process = subprocess.Popen(command, stdout=theirs, env=environment)
        os.close(theirs)
        read = b""
        try:
            while piece := screen.read(65536):
                read += piece
        except OSError:  # the other end of a terminal that is gone
            pass
    assert process.wait(60) == 0
    lines = read.decode().splitlines()
    assert len(lines) > 20
    assert max(map(len, lines)) <= 72
