# SPDX-License-Identifier: Apache-2.0
"""What a run says of rules: nothing on standard output where it is refused, and how sure a duty is."""

from pathlib import Path

from click.testing import CliRunner
from PIL import Image

from waarmerk.cli.main import commands


def test_a_refused_context_opens_no_array(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x")
    refused = CliRunner().invoke(commands, ["verify", str(file), "--format", "json", "--context", "color=red"])
    assert refused.exit_code != 0
    assert refused.stdout == ""


def test_the_panel_says_that_nobody_read_the_source(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    facts = [f"--context={fact}" for fact in ("jur=KR", "role=provider", "decl=ai")]
    for language, said in (
        ("en", "advised, may be a duty: nobody here has"),
        ("nl", "aangeraden, mogelijk een plicht:"),
    ):
        done = CliRunner().invoke(commands, ["verify", str(picture), *facts, "--lang", language])
        assert said in " ".join(done.stdout.split())
        assert "[KR-label]" in done.stdout
