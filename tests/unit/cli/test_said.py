# SPDX-License-Identifier: Apache-2.0
"""What goes wrong is said in the language that was asked for, wrong use included."""

import ast
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.conftest import ROOT, Run
from waarmerk.cli.said import language_of, said, templates, usage

API = ROOT / "api" / "waarmerk" / "api"
PROVENANCE = ROOT / "provenance" / "waarmerk" / "provenance"
CLI = ROOT / "cli" / "waarmerk" / "cli"
_USAGE = frozenset({"UsageError", "BadParameter", "FactError"})
# Of the rare commands of desks, where the history is one's own; may shrink, never grow.
_LEFT = frozenset(
    {
        "the decision on line {} did not bring {}",
        "{} is not in the form in which it was written",
        "{} is there already; a history starts once",
        "{} has no line {}",
        "{} is no history: it is too large",
    }
)


def texts(place: Path, raised: frozenset[str]) -> Iterator[str]:
    for path in [place] if place.is_file() else sorted(place.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            name = getattr(getattr(node, "func", None), "id", getattr(getattr(node, "func", None), "attr", ""))
            if isinstance(node, ast.Call) and name in raised:
                yield from (text for text in map(_template, node.args) if " " in text)


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def test_every_text_of_wrong_use_and_of_ones_own_settings_has_its_dutch() -> None:
    found = {text for place in (CLI, PROVENANCE / "labelling") for text in texts(place, _USAGE)}
    for place in (CLI, PROVENANCE / "marking", PROVENANCE / "build.py", PROVENANCE / "media" / "write.py"):
        found |= set(texts(place, frozenset({"ConfigurationError"})))
    stored = ("registry", "jobs/database.py", "trust/lists.py", "trust/store.py")
    tenants = ("tenants.py", "webhooks.py", "erasure.py", "migrate.py")
    for place in (*(PROVENANCE / name for name in stored), *(API / name for name in tenants)):
        found |= set(texts(place, frozenset({"ConfigurationError", "StoreError", "TrustListError"})))
    assert len(found) > 170
    assert {text for text in found if text not in templates()} == _LEFT


def test_both_fill_in_the_same() -> None:
    for text, other in templates().items():
        assert text.count("{}") == other.count("{}") + other.count("{...}"), text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Invalid value for '--at': 'x' is not a moment such as 2026-11-21T12:00:00Z", "is geen tijdstip zoals 2026-"),
        ("a b/c.jpg is there already; --force replaces it", "a b/c.jpg is er al; --force vervangt het"),
        ("'x {y}' is no platform; choose from own, x", "'x {y}' is geen platform; kies uit own, x"),
        ("nothing of the kind", "nothing of the kind"),
        ("Invalid value: File 'interrupted' does not exist.", "er is geen bestand 'interrupted'."),
        ("there is no folder interrupted", "er is geen map interrupted"),
        ("interrupted: Permission denied", "interrupted: dat mag niet van dit systeem"),
        ("Permission denied: not UTF-8", "Permission denied: geen UTF-8"),
        ("a.toml: unknown setting not UTF-8", "a.toml: onbekende instelling not UTF-8"),
        ("no such thing: interrupted", "no such thing: interrupted"),
        ("jur: 'UK' is the code of no country (ISO 3166-1); did you mean GB?", "(ISO 3166-1); bedoelt u GB?"),
        ("a b.jsonl: no log of decisions; nothing was written to it", "a b.jsonl: geen logboek van beslissingen; er"),
        ("interrupted", "onderbroken"),
    ],
)
def test_what_is_filled_in_stays(text: str, expected: str) -> None:
    assert expected in said(text, "nl")
    assert said(text, "en") == text


def test_a_long_text_of_strangers_stays_as_it_is() -> None:
    text = "x" * 20_000
    assert said(f"there is no folder {text}", "nl") == f"there is no folder {text}", "too long to be one of these"


@pytest.mark.parametrize(
    ("arguments", "language"),
    [
        (["verify", "--lang", "nl"], "nl"),
        (["verify", "--lang=nl", "x"], "nl"),
        (["verify", "--lang", "nl", "--lang", "en"], "en"),
        (["verify", "--lang"], "en"),
        (["verify", "--", "--lang", "nl"], "en"),
        (["verify", "--lang", "fr"], "en"),
    ],
)
def test_the_language_is_known_before_an_option_is_read(arguments: list[str], language: str) -> None:
    assert language_of(arguments) == language


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["verify", "--bogus"], ["Gebruik: waarmerk verify", "Hulp: 'waarmerk verify", "Er is geen optie '--bogus'"]),
        (["verify", "x", "--context", "jur=1"], ["jur bevat codes als NL, EU of US-CA, niet '1'"]),
        (["verify", "x", "--context", "generated_on=2026-13-01"], ["generated_on: '2026-13-01' is geen dag"]),
        (["rules", "decide", "--facts", "none.json"], ["none.json: er is geen bestand of map met die naam"]),
        (["registry", "list", "--registry", "none.sqlite"], ["er is geen register"]),
        (["registry", "add", "none.jpg", "--registry", "{folder}/new.sqlite"], ["none.jpg: het bestaat niet"]),
        (["inspect", "none.jpg"], ["waarmerk: het bestaat niet. [media.missing]"]),
        (["tenant", "key", "none", "--scope", "verify", "--data", "{folder}/service"], ["er is geen tenant none"]),
        (["tenant", "add", "A B", "--data", "{folder}/service"], ["de naam van een tenant bestaat uit a-z"]),
    ],
)
def test_a_command_says_it_in_dutch(waarmerk: Run, arguments: list[str], expected: list[str], tmp_path: Path) -> None:
    done = waarmerk(*(each.replace("{folder}", str(tmp_path)) for each in arguments), "--lang", "nl")
    assert done.returncode in (2, 3)
    for text in expected:
        assert text in done.stderr
    assert not [word for word in ("Usage", "Error:", "Try ", "there is no") if word in done.stderr]


def test_a_message_that_begins_with_what_is_filled_in_stands_in_its_frame() -> None:
    """Error: 00: geen 16 hexadecimale cijfers: the text took the frame for its first hole."""
    told = usage(click.UsageError("00: neither 16 hex digits nor a readable file"), "nl")
    assert told == "Fout: 00: geen 16 hexadecimale cijfers en geen leesbaar bestand"
    assert usage(click.UsageError("nothing of the kind"), "nl") == "Fout: nothing of the kind"
    assert usage(click.UsageError("nothing of the kind"), "en") == "Error: nothing of the kind"
