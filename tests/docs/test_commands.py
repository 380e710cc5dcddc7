# SPDX-License-Identifier: Apache-2.0
"""Every call of ``waarmerk`` that a page shows is one that the program takes."""

import re
import shlex
from pathlib import Path

import click
import pytest

from tests.conftest import ROOT
from waarmerk.cli.main import commands

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "samples" / "README.md"]


def shown(text: str) -> list[list[str]]:
    """The words of every call of ``waarmerk`` in a text, in its blocks and in its sentences."""
    blocks = re.findall(r"```(?:console|sh)?\n(.*?)```", text, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    calls = [line.removeprefix("$ ").partition("  #")[0] for line in lines]
    calls += re.findall(r"`(waarmerk [a-z]+(?: [^`]*)?)`", text)
    return [shlex.split(call)[1:] for call in calls if call.startswith("waarmerk ")]


def test_most_pages_show_how() -> None:
    assert sum(len(shown(page.read_text("utf-8"))) for page in PAGES) > 100


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    for call in shown(page.read_text("utf-8")):
        command: click.Command | None = commands
        context = click.Context(commands)
        rest = list(call)
        while isinstance(command, click.Group) and rest and re.match(r"[a-z]", rest[0]):
            name = rest.pop(0).partition("|")[0].rstrip(",")
            command = command.get_command(context, name)
            assert command is not None, call
        assert command is not None
        known = {each for option in command.params for each in (*option.opts, *option.secondary_opts)}
        assert {word for word in rest if word.startswith("--")} - {"--help"} <= known, call
