# SPDX-License-Identifier: Apache-2.0
"""The tables of the registry as this version writes them, the same for SQLite and PostgreSQL.

How older ones become these: ``migrations``. A test holds the two together.
"""

import sqlalchemy as sa

SCHEMA_VERSION = 3
METADATA = sa.MetaData()

VERSION = sa.Table(
    "registry_version", METADATA, sa.Column("version", sa.Integer, primary_key=True, autoincrement=False)
)

# Who sends packages of signals, by key; what came last, so that nothing older is taken for news.
ISSUER = sa.Table(
    "issuer",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("key_id", sa.Text, nullable=False, unique=True),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("sequence", sa.Integer, nullable=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("issued_at", sa.Text, nullable=False),
    sa.Column("received_at", sa.Text, nullable=False),
    sqlite_autoincrement=True,
)

_OWN = sa.text("issuer IS NULL")
_DUE, _MANIFEST = sa.text("keep_until IS NOT NULL"), sa.text("manifest IS NOT NULL")
_REFERENCE, _MARK = sa.text("reference IS NOT NULL"), sa.text("key_id IS NOT NULL")

ENTRY = sa.Table(
    "entry",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
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
    sa.Column("manifest_label", sa.Text),
    sa.Column("state", sa.Text, nullable=False, server_default="active"),
    sa.Column("role", sa.Text, nullable=False, server_default="item"),
    sa.Column("basis", sa.Text, nullable=False, server_default="entered"),
    sa.Column("published", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("issuer", sa.Integer, sa.ForeignKey("issuer.number", name="entry_issuer_fkey")),
    sa.Column("foreign_id", sa.Text),
    sa.Index("entry_of_file", "sha256", unique=True, sqlite_where=_OWN, postgresql_where=_OWN),
    sa.Index("entry_of_issuer", "issuer", "foreign_id", unique=True),
    sa.Index("entry_digest", "sha256"),
    sa.Index("entry_manifest_label", "manifest_label"),
    sa.Index("entry_due", "keep_until", sqlite_where=_DUE, postgresql_where=_DUE),
    sa.Index("entry_manifest", "manifest", sqlite_where=_MANIFEST, postgresql_where=_MANIFEST),
    sa.Index("entry_reference", "reference", sqlite_where=_REFERENCE, postgresql_where=_REFERENCE),
    sqlite_autoincrement=True,  # a number is never given twice: an old report must not point at another picture
)

BINDING = sa.Table(
    "binding",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("entry", sa.Integer, sa.ForeignKey("entry.number", name="binding_entry_fkey"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("value", sa.LargeBinary, nullable=False),
    sa.Column("key_id", sa.Text),
    sa.Index("ix_binding_entry", "entry"),
    sa.Index("binding_of_kind", "kind", "id"),
    sa.Index("binding_of_mark", "value", "key_id", sqlite_where=_MARK, postgresql_where=_MARK),
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
    sa.Column("why", sa.Text),
    sa.Index("history_entry", "entry"),
)

# How many copies of an entry were counted in an hour: no file, no account, no address.
SIGHTING = sa.Table(
    "sighting",
    METADATA,
    sa.Column("entry", sa.Integer, sa.ForeignKey("entry.number", name="sighting_entry_fkey"), primary_key=True),
    sa.Column("hour", sa.Text, primary_key=True),
    sa.Column("copies", sa.Integer, nullable=False),
)

# What was exported under our key: its number, so that the next one has a higher one.
EXPORT = sa.Table(
    "export",
    METADATA,
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sha256", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.Text, nullable=False),
)

# Manifests and pictures to compare with, where the database is on a server and no folder was named for them.
BLOB = sa.Table(
    "blob",
    METADATA,
    sa.Column("sha256", sa.LargeBinary, primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
    sa.Column("put_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
