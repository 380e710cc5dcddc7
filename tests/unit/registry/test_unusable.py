# SPDX-License-Identifier: Apache-2.0
"""A registry that cannot be used: said in words by its code, and a channel of the report that was not read."""

import ast
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AT, ROOT
from waarmerk.provenance import Settings, build_verifier
from waarmerk.provenance.build import assemble, build_recovery, load_rules, load_trust, require_registry
from waarmerk.provenance.errors import Error, StoreError
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.report.wording import LANGUAGES, wording

PICTURE = ROOT / "samples" / "media" / "ai-generated.png"
REGISTRY = ROOT / "provenance" / "waarmerk" / "provenance" / "registry"
# Who examines a file enters and erases nothing, and asks no server.
_ELSEWHERE = {
    f"registry.{name}" for name in ("known", "withdrawn", "not-erased", "no-driver", "no-folder", "not-a-copy")
}


@pytest.fixture
def known(tmp_path: Path) -> Path:
    path = tmp_path / "known.sqlite"
    build_recovery(Settings(registry=str(path)), at=AT).add(PICTURE, Wishes(), at=AT)
    return path


def changed(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


def code_of(path: Path | str) -> str:
    with pytest.raises(Error) as caught:
        require_registry(Settings(registry=str(path)), wait_seconds=0.05)
    assert "Error" not in caught.value.message, "no class of an exception is a sentence"
    return caught.value.code


def test_what_is_wrong_has_a_code_of_its_own(known: Path, tmp_path: Path) -> None:
    require_registry(Settings(registry=str(known)))
    require_registry(Settings())
    with closing(sqlite3.connect(known)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert code_of(known) == "registry.busy"
    whole = known.read_bytes()
    known.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
    assert code_of(known) == "registry.damaged"
    known.write_bytes(b"\xff" * 100 + whole[100:])
    assert code_of(known) == "registry.damaged"
    known.write_bytes(whole)
    changed(known, "UPDATE registry_version SET version = version + 1")
    assert code_of(known) == "registry.newer"
    assert code_of(tmp_path / "none.sqlite") == "registry.missing"
    (tmp_path / "empty.sqlite").touch()
    assert code_of(tmp_path / "empty.sqlite") == "registry.unknown"
    assert code_of("postgresql://host/name") == "registry.address"


def examined(settings: Settings) -> dict[str, Any]:
    verifier = assemble(settings, load_trust(settings, at=AT), load_rules(settings), AT)
    return to_dict(verifier.verify(PICTURE), tool_version="1")


def channel(report: dict[str, Any]) -> tuple[str, str | None]:
    (found,) = [each for each in report["channels"] if each["channel"] == "registry"]
    return found["state"], found["code"]


def test_files_are_examined_without_it_and_told_so(known: Path, tmp_path: Path) -> None:
    """The library refuses it at the start; who examines for many goes on, and takes it once it is there."""
    none = Settings(registry=str(tmp_path / "none.sqlite"))
    with pytest.raises(StoreError, match="there is no registry"):
        build_verifier(none, at=AT)
    without = examined(none)
    assert channel(without) == ("unread", "registry.unreadable")
    (told,) = [each for each in without["verdict"]["concerns"] if each["code"].startswith("registry.")]
    assert told["code"] == "registry.missing"
    assert "does not exist" in told["message"]
    bare = examined(Settings())
    for same in ("credentials", "metadata", "matches"):
        assert without[same] == bare[same]
    assert channel(examined(Settings(registry=str(known)))) == ("found", None)


def test_damage_while_it_is_open_is_told_in_words(known: Path) -> None:
    settings = Settings(registry=str(known))
    verifier = assemble(settings, load_trust(settings, at=AT), load_rules(settings), AT)
    known.write_bytes(known.read_bytes()[:100] + b"\xff" * 20000)
    report = to_dict(verifier.verify(PICTURE), tool_version="1")
    (told,) = [each for each in report["verdict"]["concerns"] if each["code"].startswith("registry.")]
    assert told["code"] == "registry.damaged"
    assert "damaged" in told["message"]


def test_every_code_of_a_registry_has_its_sentence_in_a_report() -> None:
    codes = {
        node.args[0].value
        for path in REGISTRY.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("StoreError", "ConfigurationError")
        if isinstance(node.args[0], ast.Constant) and str(node.args[0].value).startswith("registry.")
    } - _ELSEWHERE
    assert len(codes) >= 8
    for language in LANGUAGES:
        assert {code for code in codes if not wording(language).has("concern", str(code))} == set()


def test_a_copy_that_is_read_does_not_wait_long(known: Path) -> None:
    with closing(sqlite3.connect(known)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match="another program"):
            Store(str(known), wait_seconds=0.05).held(1)
