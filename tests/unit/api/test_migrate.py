# SPDX-License-Identifier: Apache-2.0
"""The service's own tables: made, brought up from the first release, whole or not at all; a later one is left alone."""

import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.conftest import AT
from tests.postgres import Server
from waarmerk.api import disputes, migrate, tenants, webhooks
from waarmerk.api.migrate import SCHEMA, STEPS, VERSION_TABLE, prepare
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs import audit, tables
from waarmerk.provenance.jobs.database import Database

ALL = (tables.METADATA, audit.TABLES, tenants.TABLES, webhooks.TABLES, disputes.TABLES)
# As the first release wrote it on SQLite, with what a service of some age holds.
FIRST = """
CREATE TABLE job (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, tenant TEXT NOT NULL, identity BLOB NOT NULL,
    state TEXT NOT NULL, spool TEXT NOT NULL, file TEXT, bytes BIGINT NOT NULL, wishes JSON NOT NULL,
    attempts INTEGER NOT NULL, lease_owner TEXT, lease_until BIGINT, created_at BIGINT NOT NULL, finished_at BIGINT,
    keep_until BIGINT NOT NULL, result TEXT, code TEXT, UNIQUE (id), UNIQUE (identity)
);
CREATE INDEX job_kept ON job (keep_until);
CREATE INDEX job_of_tenant ON job (tenant, number);
CREATE INDEX job_to_lease ON job (spool, state, number);
CREATE TABLE tenant (
    name TEXT NOT NULL PRIMARY KEY, settings JSON NOT NULL, per_minute INTEGER NOT NULL, keep_days INTEGER NOT NULL,
    added_at TEXT NOT NULL
);
CREATE TABLE api_key (
    prefix TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, hash BLOB NOT NULL, scopes JSON NOT NULL,
    added_at TEXT NOT NULL, revoked_at TEXT, FOREIGN KEY(tenant) REFERENCES tenant (name)
);
CREATE INDEX ix_api_key_tenant ON api_key (tenant);
CREATE TABLE webhook (
    id TEXT NOT NULL PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL, added_at TEXT NOT NULL, ended_at TEXT,
    FOREIGN KEY(tenant) REFERENCES tenant (name)
);
CREATE INDEX ix_webhook_tenant ON webhook (tenant);
INSERT INTO tenant VALUES ('north', '{}', 60, 30, '2026-01-01T00:00:00Z');
INSERT INTO api_key VALUES ('000000000000', 'north', x'00', '["verify"]', '2026-01-01T00:00:00Z', NULL);
INSERT INTO webhook VALUES ('wh_1', 'north', 'https://x.example/', '2026-01-01T00:00:00Z', NULL);
INSERT INTO job (id, tenant, identity, state, spool, bytes, wishes, attempts, created_at, keep_until, result)
VALUES ('j1', 'north', x'01', 'done', 's', 1, '{}', 1, 1, 9, '{"status": "examined"}');
"""
_POSTGRES = (
    ("INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT", "BIGSERIAL NOT NULL PRIMARY KEY"),
    ("BLOB", "BYTEA"),
    ("x'00'", "'\\x00'"),
    ("x'01'", "'\\x01'"),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database with nothing in it."""
    if request.param == "sqlite":
        made = Database(str(tmp_path / "service.sqlite"))
    else:
        server: Server = request.getfixturevalue("server")
        made = Database(server.fresh())
    yield made
    made.close()


@pytest.fixture
def first(empty: Database) -> Database:
    """A database as the first release left it: some tables were made when they were first needed, not these."""
    empty.create(sa.MetaData())
    text = FIRST
    for ours, theirs in () if empty.is_sqlite else _POSTGRES:
        text = text.replace(ours, theirs)
    with empty.writing() as connection:
        for statement in filter(str.strip, text.split(";\n")):
            connection.exec_driver_sql(statement)
    return empty


def dump(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every table with its columns and rows."""
    with database.reading() as connection:
        names = sorted(sa.inspect(connection).get_table_names())
        columns = {name: [each["name"] for each in sa.inspect(connection).get_columns(name)] for name in names}
        rows = {name: connection.exec_driver_sql(f"SELECT * FROM {name}").all() for name in names}
    return {name: [tuple(columns[name]), *map(tuple, rows[name])] for name in names}


def require_current(database: Database) -> None:
    merged = sa.MetaData()
    for each in ALL:
        for table in each.tables.values():
            if table.name not in merged.tables:
                table.to_metadata(merged)
    with database.reading() as connection:
        found = compare_metadata(MigrationContext.configure(connection), merged)
        assert migrate._version(connection) == SCHEMA
    assert [each for each in found if VERSION_TABLE not in str(each)] == []


def test_the_steps_make_what_the_program_uses(empty: Database) -> None:
    assert prepare(empty) is True
    require_current(empty)
    assert prepare(empty) is False
    if empty.path is not None:
        assert empty.path.stat().st_mode & 0o077 == 0


def test_a_database_of_the_first_release_becomes_this_one_with_all_it_holds(first: Database) -> None:
    before = dump(first)
    assert prepare(first) is True
    require_current(first)
    after = dump(first)
    assert {name: after[name] for name in before} == before
    ring = Keyring(first, bytes(32), monotonic=lambda: 0.0)
    held = ring.keys()
    assert [(each.prefix, each.tenant) for each in held] == [("000000000000", "north")]
    assert ring.find(ring.add_key("north", [Scope.VERIFY], at=AT)) is not None
    ring.add_tenant(Tenant(name="south"), at=AT)


def test_a_step_that_fails_leaves_everything_as_it_was(first: Database, tmp_path: Path) -> None:
    steps = tmp_path / "steps"
    shutil.copytree(STEPS, steps, ignore=shutil.ignore_patterns("__pycache__"))
    (steps / "versions" / "m0002_next.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision, down_revision = '0002', '0001'\n"
        "def upgrade():\n"
        "    op.add_column('tenant', sa.Column('note', sa.Text))\n"
        "    op.execute(\"UPDATE tenant SET note = 'x'\")\n"
        "    op.execute('SELECT * FROM no_such_table')\n"
    )
    before = dump(first)
    with pytest.raises(StoreError) as caught:
        prepare(first, steps=steps, schema="0002")
    assert caught.value.code == "database.failed"
    assert dump(first) == before
    (steps / "versions" / "m0002_next.py").write_text(
        (steps / "versions" / "m0002_next.py").read_text().replace("SELECT * FROM no_such_table", "SELECT 1")
    )
    assert prepare(first, steps=steps, schema="0002") is True
    assert dump(first)["tenant"][0][-1] == "note"
    with pytest.raises(StoreError) as caught:
        prepare(first)  # now it is a later version's
    assert caught.value.code == "database.newer"


def test_hosts_that_start_at_once_wait_for_each_other(empty: Database) -> None:
    done, faults = list[bool](), list[Exception]()

    def start() -> None:
        own = Database(str(empty.path) if empty.path else empty.engine.url.render_as_string(hide_password=False))
        try:
            done.append(prepare(own))
        except Exception as error:
            faults.append(error)
        finally:
            own.close()

    threads = [threading.Thread(target=start) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert faults == []
    assert sorted(done) == [False, False, False, True]
    require_current(empty)
