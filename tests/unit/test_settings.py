# SPDX-License-Identifier: Apache-2.0
"""What a verifier rests on, read from a file: what is not known, and what would raise a limit, is refused."""

from pathlib import Path

import pytest

from waarmerk.provenance import Settings
from waarmerk.provenance.errors import ConfigurationError

TEXT = """
trust = "lists"
platforms = ["meta", "own"]
context = ["jur=NL"]
second_opinion = true
limits = {frames = 10}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_file_says_what_its_plain_data_say(tmp_path: Path) -> None:
    read = Settings.from_toml(written(tmp_path, TEXT))
    assert (read.trust, read.platforms, read.context) == (Path("lists"), ("meta", "own"), ("jur=NL",))
    assert (read.second_opinion, read.limits.frames) == (True, 10)
    assert Settings.from_json(read.to_json()).to_json() == read.to_json(), "workers are given them as plain data"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("mood = 1", "settings.unknown-key"),
        ("limits = {frames = 10_000}", "limits"),
        ("limits = {mood = 1}", "limits"),
        ("second_opinion = 'yes'", "settings.not-a-flag"),
        ("trust = [", "settings.unreadable"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_toml(written(tmp_path, text))
    assert caught.value.code.startswith(code)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        Settings.from_toml(tmp_path / "none.toml")
