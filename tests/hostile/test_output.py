# SPDX-License-Identifier: Apache-2.0
"""Text and names that files choose, through every form the command has: never a control character, never code (P17)."""

import json
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.hostile.test_canaries import CONTROLS, HOSTILE


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A picture that says hostile things of itself, under a hostile name."""
    from PIL import Image, PngImagePlugin

    texts = PngImagePlugin.PngInfo()
    for name in ("Title", "Software", "parameters", "Description", "XML:com.adobe.xmp"):
        texts.add_itxt(name, HOSTILE)
    path = tmp_path / "=\x1b]0;x\x07\u202egnp.\n<script>alert(1)<\u2028script>.png"
    Image.linear_gradient("L").save(path, pnginfo=texts)
    return path


def require_harmless(text: str) -> None:
    assert [hex(ord(c)) for c in CONTROLS if c in text] == []


@pytest.mark.parametrize("form", ["human", "json", "jsonl", "csv", "html"])
def test_no_form_lets_out_what_a_file_says_as_it_says_it(form: str, waarmerk: Run, hostile: Path) -> None:
    done = waarmerk("verify", "--format", form, "--fail-on", "", hostile)
    assert (done.returncode, bool(done.stdout)) == (0, True)
    require_harmless(done.stdout)
    require_harmless(done.stderr)
    match form:
        case "html":
            assert "<script>alert" not in done.stdout
        case "csv":
            assert not any(line.startswith(("=", "+", "-", "@", "\t")) for line in done.stdout.splitlines())
        case "json" | "jsonl":
            assert "CANARY-IN-A-TITLE" in done.stdout
            assert done.stdout.isascii()
            json.loads(done.stdout)


def test_neither_does_a_message_or_the_store(waarmerk: Run, hostile: Path) -> None:
    hostile.write_bytes(b"no picture")
    for arguments in (("inspect", "--tree", hostile), ("verify", hostile), ("verify", str(hostile) + "x")):
        done = waarmerk(*arguments)
        assert done.returncode == 3
        require_harmless(done.stdout)
        require_harmless(done.stderr)
