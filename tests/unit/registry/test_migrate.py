# SPDX-License-Identifier: Apache-2.0
"""Registries of other versions: an older one becomes this one whole, a newer one is left alone."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.conftest import Run
from tests.unit.registry.test_store import TIES, entry
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry.model import BindingKind, State
from waarmerk.provenance.registry.schema import METADATA, SCHEMA_VERSION
from waarmerk.provenance.registry.store import Store

# As version 1 made it on SQLite, before alembic: its constraint has no name.
FIRST = """
CREATE TABLE registry_version (version INTEGER NOT NULL, PRIMARY KEY (version));
INSERT INTO registry_version VALUES (1);
CREATE TABLE entry (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, sha256 BLOB NOT NULL, media_type TEXT NOT NULL, width INTEGER,
    height INTEGER, origin TEXT NOT NULL, labels JSON NOT NULL, fact_checks JSON NOT NULL, source TEXT NOT NULL,
    added_at TEXT NOT NULL, keep_until TEXT, manifest BLOB, reference BLOB, UNIQUE (sha256)
);
CREATE TABLE binding (
    id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, entry INTEGER NOT NULL, kind TEXT NOT NULL, value BLOB NOT NULL,
    key_id TEXT, FOREIGN KEY(entry) REFERENCES entry (number)
);
CREATE INDEX ix_binding_entry ON binding (entry);
CREATE INDEX binding_of_kind ON binding (kind, id);
CREATE INDEX binding_of_mark ON binding (key_id, value);
CREATE TABLE history (
    id INTEGER NOT NULL PRIMARY KEY, entry INTEGER NOT NULL, what TEXT NOT NULL, at TEXT NOT NULL
);
INSERT INTO entry (sha256, media_type, origin, labels, fact_checks, source, added_at)
VALUES (zeroblob(32), 'image/jpeg', 'ai-generated', '["satire"]', '[]', 'own', '2026-01-01T00:00:00Z');
INSERT INTO entry (sha256, media_type, origin, labels, fact_checks, source, added_at)
VALUES (x'00', 'image/jpeg', 'unknown', '[]', '[]', 'own', '2026-01-01T00:00:00Z');
DELETE FROM entry WHERE number = 2;
INSERT INTO binding (entry, kind, value) VALUES (1, 'phash', x'6162636465666768');
INSERT INTO history (entry, what, at) VALUES (1, 'added', '2026-01-01T00:00:00Z');
"""


def first(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(FIRST)
    return path


def test_the_steps_make_what_the_program_writes(store: Store) -> None:
    with store.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), METADATA)
    assert [each for each in found if "alembic_version" not in str(each)] == []
    if store.path is not None:
        with closing(sqlite3.connect(store.path)) as database:
            made = dict(database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
        assert all("AUTOINCREMENT" in made[name] for name in ("entry", "binding", "issuer")), made


def test_an_older_registry_says_so_and_becomes_this_one(tmp_path: Path, waarmerk: Run) -> None:
    path = first(tmp_path / "old.sqlite")
    with pytest.raises(StoreError) as caught:
        Store(str(path)).require()
    assert caught.value.code == "registry.older"
    done = waarmerk("registry", "upgrade", "--registry", path)
    assert (done.returncode, done.stderr) == (0, "")
    store = Store(str(path), writing=True)
    store.require()
    (old,) = store.entries()
    assert (old.number, old.labels, old.state, old.issuer) == (1, ("satire",), State.ACTIVE, None)
    assert [row[1:] for row in store.bindings(BindingKind.PHASH, after=0)] == [(1, b"abcdefgh")]
    assert store.history() == [(1, "added", "2026-01-01T00:00:00Z")]
    assert store.add(entry(7), TIES).number == 3, "the number 2 was given once, and is not given again"
    assert store.upgrade() is False
    with pytest.raises(StoreError, match="already"):
        store.add(entry(7), TIES)


def test_a_step_that_fails_leaves_the_older_registry_as_it_was(tmp_path: Path) -> None:
    path = first(tmp_path / "old.sqlite")
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE blob (something TEXT)")  # in the way of the last step
        before = list(database.iterdump())
    with pytest.raises(StoreError):
        Store(str(path), writing=True).upgrade()
    with closing(sqlite3.connect(path)) as database:
        assert list(database.iterdump()) == before


def test_a_newer_registry_is_left_alone(store: Store, on_disk: Callable[[], bytes]) -> None:
    with store.engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE registry_version SET version = {SCHEMA_VERSION + 1}"))
    for use in (store.require, store.create, store.upgrade):
        with pytest.raises(StoreError) as caught:
            use()
        assert caught.value.code == "registry.newer"


def test_another_database_is_no_registry(tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE cats (name TEXT)")
    for use in (Store(str(other)).require, Store(str(other), writing=True).upgrade):
        with pytest.raises(StoreError) as caught:
            use()
        assert caught.value.code == "registry.unknown"
