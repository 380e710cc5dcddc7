# SPDX-License-Identifier: Apache-2.0
"""The registry's database: whole after any crash, forgetful where it must be, never a half entry."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry, State
from waarmerk.provenance.registry.store import Store, database_path

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = "2026-11-22T12:00:00Z"


def entry(number: int = 1) -> Entry:
    return Entry(
        sha256=number.to_bytes(32),
        media_type="image/jpeg",
        added_at=DAY,
        width=800,
        height=600,
        origin=Origin.AI_GENERATED,
        labels=("ai-generated", "satire"),
        fact_checks=("https://check.example/1",),
    )


TIES = (
    Binding(kind=BindingKind.PHASH, value=b"abcdefgh"),
    Binding(kind=BindingKind.WATERMARK, value=b"payload8", key_id="0011"),
)


def test_what_was_added_is_found(store: Store) -> None:
    digest = store.files.put(b"a manifest store")
    one = store.add(replace(entry(1), manifest=digest), TIES)
    two = store.add(entry(2), TIES[:1])
    assert (one.registry_id, two.registry_id) == ("r1", "r2")
    assert one == replace(entry(1), manifest=digest, number=1)
    assert store.of_file((1).to_bytes(32)) == one
    assert store.of_file((3).to_bytes(32)) is None
    assert store.of_mark("0011", b"payload8") == (one,)
    assert store.of_mark("0022", b"payload8") == ()
    assert [row[1:] for row in store.bindings(BindingKind.PHASH, after=0)] == [(1, b"abcdefgh"), (2, b"abcdefgh")]
    assert store.files.get(digest, max_bytes=100) == b"a manifest store"
    assert store.entries() == [one, two]


def test_a_file_is_known_once_and_nothing_of_the_second_stays(store: Store) -> None:
    store.add(entry(1), TIES)
    with pytest.raises(StoreError) as caught:
        store.add(entry(1), TIES)
    assert caught.value.code == "registry.known"
    assert len(store.bindings(BindingKind.PHASH, after=0)) == 1
    assert len(store.history()) == 1


def test_a_reader_cannot_write_and_a_stranger_cannot_read(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "own" / "registry.sqlite"), writing=True)
    store.create()
    assert store.path is not None
    assert store.path.stat().st_mode & 0o077 == 0
    assert store.folder.stat().st_mode & 0o077 == 0
    with pytest.raises(StoreError):
        Store(str(store.path)).add(entry(1), ())
    assert Store(f"sqlite:///{store.path}").entries() == []


def test_what_is_no_registry_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no registry"):
        Store(str(tmp_path / "none.sqlite")).require()
    other = tmp_path / "text.sqlite"
    other.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError):
        Store(str(other)).require()
    with pytest.raises(ConfigurationError):
        database_path("https://example.org/registry")
    assert database_path("postgresql://host/name") is None
    with pytest.raises(ConfigurationError, match="folder"):
        _ = Store("postgresql://host/name").folder
    assert Store("postgresql://host/name?files=/srv/known").folder == Path("/srv/known")


def test_a_changed_file_is_not_given_out(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "registry.sqlite"), writing=True)
    store.create()
    digest = store.files.put(b"a manifest store")
    (path,) = store.folder.glob("bytes/??/*")
    path.write_bytes(b"another one")
    with pytest.raises(StoreError, match="changed"):
        store.files.get(digest, max_bytes=100)
    path.unlink()
    with pytest.raises(StoreError, match="missing"):
        store.files.get(digest, max_bytes=100)


def test_what_is_removed_is_gone_from_the_disk(store: Store, on_disk: Callable[[], bytes]) -> None:
    secret = b"ein Geheimnis, das niemand kennt"
    kept = store.add(replace(entry(2), manifest=store.files.put(b"kept")), ())
    gone = replace(entry(1), manifest=store.files.put(secret), source=secret.decode())
    assert store.remove([store.add(gone, TIES).number, 77], at=AT) == 1
    assert store.entries() == [kept]
    assert store.bindings(BindingKind.PHASH, after=0) == []
    assert [what for _, what, _ in store.history()] == ["added", "added", "removed"]
    assert store.files.get(kept.manifest or b"", max_bytes=9) == b"kept"
    with pytest.raises(StoreError):
        store.files.get(gone.manifest or b"", max_bytes=99)
    held = on_disk()
    assert secret not in held
    assert b"payload8" not in held
    assert b"kept" in held
    assert store.add(entry(5), ()).number == 3, "a number is never given twice"


def test_retention_names_what_is_due(store: Store) -> None:
    store.add(replace(entry(1), keep_until="2026-11-22T11:59:59Z"), ())
    store.add(replace(entry(2), keep_until="2026-11-22T12:00:01Z"), ())
    store.add(entry(3), ())
    assert store.due(at=AT) == (1,)


def test_two_writers_take_turns_and_their_rows_come_in_order(store: Store, address: str, tmp_path: Path) -> None:
    other = Store(address, folder=tmp_path / "other", writing=True)
    with ThreadPoolExecutor(2) as pool:
        turns = [pool.submit(each.add, entry(n), TIES[:1]) for n, each in enumerate([store, other] * 10, 1)]
        numbers = sorted(turn.result().number for turn in turns)
    assert numbers == list(range(1, 21))
    assert [row[1] for row in store.bindings(BindingKind.PHASH, after=0)] == numbers
    other.close()


_ADDS = """
import sys
from dataclasses import replace
from tests.unit.registry.test_store import TIES, entry
from waarmerk.provenance.registry.store import Store
store = Store(sys.argv[1], writing=True)
for number in range(int(sys.argv[2]), 100000):
    manifest = store.files.put(b"%d" % number)
    store.add(replace(entry(number), manifest=manifest), TIES * 20)
    print(number, flush=True)
"""


def test_killed_at_any_moment_there_is_no_half_entry(store: Store, address: str) -> None:
    for turn in range(4):
        code = [sys.executable, "-c", _ADDS, address, str(turn * 10_000 + 1)]
        with subprocess.Popen(code, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(0.02 + turn * 0.017)
            os.kill(writer.pid, signal.SIGKILL)
            told = [int(line) for line in writer.stdout.read().split()]
        Store(address, writing=True).require()
        held = Store(address).entries()
        assert {one.sha256 for one in held} >= {number.to_bytes(32) for number in told}
        tied = store.bindings(BindingKind.PHASH, after=0)
        assert sorted({owner for _, owner, _ in tied}) == [one.number for one in held]
        assert len(tied) == 20 * len(held)
        for one in held:
            assert one.manifest is not None
            store.files.get(one.manifest, max_bytes=100)


def test_entering_and_finding_read_nothing_that_grows_with_the_registry(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "registry.sqlite"), writing=True)
    store.create()
    asked: list[tuple[str, Any]] = []

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def note(_connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, given))

    number = store.add(replace(entry(1), manifest=store.files.put(b"a manifest store")), TIES).number
    assert store.of_file((1).to_bytes(32))
    assert store.of_mark("0011", b"payload8")
    assert store.of_payload(b"payload8")
    assert [row[1:] for row in store.values(BindingKind.PHASH, [number])] == [(number, b"abcdefgh")]
    assert store.values(BindingKind.PHASH, []) == []
    assert store.bindings(BindingKind.PHASH, after=0)
    assert store.due(at=AT) == ()
    assert store.erased(after=0) == (1, [])
    assert store.remove([number], at=AT, tidy=False) == 1
    selecting = [(text, given) for text, given in asked if text.startswith(("SELECT", "DELETE", "UPDATE"))]
    assert len(selecting) > 10
    with store.engine.connect() as connection:
        for text, given in selecting:
            plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", given)]
            assert plan, text
            assert not {step for step in plan if step.startswith("SCAN")} - {"SCAN issuer"}, (text, plan)
            assert not any(step.endswith("(kind=?)") for step in plan), (text, plan)


def test_a_dispute_does_not_bring_back_what_was_withdrawn(store: Store) -> None:
    """It was found again by that, here and by those who get the packages."""
    number = store.add(entry(1), TIES).number
    assert store.mark(number, State.WITHDRAWN, why="wrong", at=AT)
    with pytest.raises(StoreError) as refused:
        store.mark(number, State.DISPUTED, why="asked", at=AT)
    assert refused.value.code == "registry.withdrawn"
    assert store.entry(number) is None
    assert [what for _, what, _, _ in store.notes()] == ["added", "withdrawn"]
    assert not store.mark(number + 1, State.DISPUTED, why="asked", at=AT)
    assert store.mark(number, State.ACTIVE, why="right after all", at=AT)
    assert store.mark(number, State.DISPUTED, why="asked", at=AT)
