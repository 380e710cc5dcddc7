# SPDX-License-Identifier: Apache-2.0
"""The tables of jobs and batches, the same for SQLite and PostgreSQL. Moments are milliseconds since 1970."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

METADATA = sa.MetaData()

JOB = sa.Table(
    "job",
    METADATA,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),  # '' for strangers
    sa.Column("identity", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("spool", sa.Text, nullable=False),
    sa.Column("file", sa.Text),
    sa.Column("bytes", sa.BigInteger, nullable=False),
    sa.Column("wishes", sa.JSON, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False, default=0),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", sa.BigInteger),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("finished_at", sa.BigInteger),
    sa.Column("keep_until", sa.BigInteger, nullable=False),
    sa.Column("result", sa.Text),
    sa.Column("code", sa.Text),
    sa.Index("job_to_lease", "spool", "state", "number"),
    sa.Index("job_of_tenant", "tenant", "number"),
    sa.Index("job_kept", "keep_until"),
    sqlite_autoincrement=True,
)

BATCH = sa.Table(
    "batch",
    METADATA,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("keep_until", sa.BigInteger, nullable=False),
)

ITEM = sa.Table(
    "batch_item",
    METADATA,
    sa.Column("batch", sa.Text, sa.ForeignKey("batch.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("job", sa.Text),
    sa.Column("code", sa.Text),
)

ONCE = sa.Table(
    "idempotency_key",
    METADATA,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("body", sa.LargeBinary),
    sa.Column("answer", sa.Text),
    sa.Column("started_at", sa.BigInteger, nullable=False),
)


def insert_new(connection: sa.Connection, table: sa.Table, row: Mapping[str, Any]) -> bool:
    """Insert ``row`` unless one like it is there; whether it was inserted."""
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    (key, *_) = table.primary_key.columns
    made = insert(table).values(**row).on_conflict_do_nothing().returning(key)
    return connection.execute(made).first() is not None
