# SPDX-License-Identifier: Apache-2.0
"""The database of a service in one file: who else opens it, and what that must not do to who has it open."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.media.staging import database_file
from waarmerk.provenance.registry import Ledger
from waarmerk.provenance.registry.store import Store

TABLES = sa.MetaData()
THING = sa.Table("thing", TABLES, sa.Column("number", sa.Integer, primary_key=True))
PASSER_BY = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT * FROM thing').fetchall(); c.close()"
)


def pass_by(path: Path) -> None:
    """Another program reads the database and goes, as ``waarmerk tenant list`` does beside a running service."""
    subprocess.run([sys.executable, "-c", PASSER_BY, str(path)], check=True, timeout=60)


def test_who_passes_by_takes_nothing_away_from_who_has_it_open(tmp_path: Path) -> None:
    path = tmp_path / "service.sqlite"
    database = Database(str(path))
    database.create(TABLES)
    with database.writing() as connection:
        connection.execute(THING.insert().values(number=1))
    database.create(TABLES)  # each part of a service makes what it needs, while others have it open
    pass_by(path)
    assert path.with_name("service.sqlite-wal").exists(), "it is deleted by the last who has the database open"
    with database.writing() as connection:
        connection.execute(THING.insert().values(number=2))
    other = sqlite3.connect(path)
    assert other.execute("SELECT number FROM thing ORDER BY number").fetchall() == [(1,), (2,)]
    assert other.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    other.close()
    database.close()


def test_a_file_that_is_there_is_not_opened_to_be_made(tmp_path: Path) -> None:
    path = tmp_path / "there.sqlite"
    database_file(path)
    assert path.stat().st_mode & 0o777 == 0o600
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("CREATE TABLE thing (number)")
    held.execute("BEGIN")
    held.execute("SELECT * FROM thing").fetchall()
    before = _locks(path)
    assert before, "a transaction holds a lock"
    database_file(path)
    assert _locks(path) == before
    held.close()


@pytest.mark.parametrize("target", ["elsewhere.sqlite", "nowhere.sqlite"])
def test_a_link_is_no_place_for_a_database(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere.sqlite").touch()
    path = tmp_path / "link.sqlite"
    path.symlink_to(tmp_path / target)
    for make in (
        lambda: Database(str(path)).create(TABLES),
        Ledger(path).create,
        Store(str(path), writing=True).create,
    ):
        with pytest.raises(StoreError):
            make()
    assert not (tmp_path / "nowhere.sqlite").exists()


def _locks(path: Path) -> list[str]:
    """The record locks of this process on a file (proc_locks(5)), without their numbers."""
    if not Path("/proc/locks").exists():
        pytest.skip("the system does not list its locks")
    inode, own = f":{path.stat().st_ino}", str(os.getpid())
    lines = [line.split()[1:] for line in Path("/proc/locks").read_text("ascii").splitlines()]
    return sorted(" ".join(line) for line in lines if line[-4] == own and line[-3].endswith(inode))
