# SPDX-License-Identifier: Apache-2.0
"""A run that is refused leaves nothing on standard output."""

from pathlib import Path

from click.testing import CliRunner

from waarmerk.cli.main import commands


def test_a_refused_context_opens_no_array(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    refused = CliRunner().invoke(commands, ["verify", str(file), "--format", "json", "--context", "color=red"])
    assert refused.exit_code != 0
    assert refused.stdout == ""
