# SPDX-License-Identifier: Apache-2.0
"""Entries, their bindings, and what became of them: the tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of version 1."""
    op.create_table("registry_version", sa.Column("version", sa.Integer, primary_key=True, autoincrement=False))
    op.create_table(
        "entry",
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
        sa.UniqueConstraint("sha256", name="entry_sha256_key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("entry", sa.Integer, sa.ForeignKey("entry.number", name="binding_entry_fkey"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sa.Column("key_id", sa.Text),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_binding_entry", "binding", ["entry"])
    op.create_index("binding_of_kind", "binding", ["kind", "id"])
    op.create_index("binding_of_mark", "binding", ["key_id", "value"])
    op.create_table(
        "history",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("entry", sa.Integer, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO registry_version (version) VALUES (1)")
