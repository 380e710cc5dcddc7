# SPDX-License-Identifier: Apache-2.0
"""The tables of the registry, the same for SQLite and PostgreSQL."""

import sqlalchemy as sa

SCHEMA_VERSION = 1
METADATA = sa.MetaData()

VERSION = sa.Table("registry_version", METADATA, sa.Column("version", sa.Integer, primary_key=True))

ENTRY = sa.Table(
    "entry",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("sha256", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("fact_checks", sa.JSON, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("keep_until", sa.Text),
    sa.Column("manifest", sa.LargeBinary),
    sa.Column("reference", sa.LargeBinary),
    sqlite_autoincrement=True,  # a number is never given twice: an old report must not point at another picture
)

BINDING = sa.Table(
    "binding",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("entry", sa.Integer, sa.ForeignKey("entry.number"), nullable=False, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.Text),
    sa.Index("binding_of_kind", "kind", "id"),
    sa.Index("binding_of_mark", "key_id", "value"),
    sqlite_autoincrement=True,
)

# Of what was removed, only that and when: no digest, no hash, no name.
HISTORY = sa.Table(
    "history",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("entry", sa.Integer, nullable=False),
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)
