# SPDX-License-Identifier: Apache-2.0
"""Entries of others, states and roles, counts of copies, exports, and bytes within the database.

One file may now be known twice: once as our own, and once to each of those who send packages.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_OWN = sa.text("issuer IS NULL")


def upgrade() -> None:
    """From version 1 to version 2. Numbers stay as they are, and none is given a second time."""
    op.create_table(
        "issuer",
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
    _entries()
    op.create_index("entry_of_file", "entry", ["sha256"], unique=True, sqlite_where=_OWN, postgresql_where=_OWN)
    op.create_index("entry_of_issuer", "entry", ["issuer", "foreign_id"], unique=True)
    op.create_index("entry_digest", "entry", ["sha256"])
    op.create_index("entry_manifest_label", "entry", ["manifest_label"])
    op.add_column("history", sa.Column("why", sa.Text))
    op.create_table(
        "sighting",
        sa.Column("entry", sa.Integer, sa.ForeignKey("entry.number", name="sighting_entry_fkey"), primary_key=True),
        sa.Column("hour", sa.Text, primary_key=True),
        sa.Column("copies", sa.Integer, nullable=False),
    )
    op.create_table(
        "export",
        sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.LargeBinary, primary_key=True),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("put_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )
    op.execute("UPDATE registry_version SET version = 2")


def _entries() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    last = _last_number() if is_sqlite else None
    with op.batch_alter_table(
        "entry", copy_from=_first_version(), recreate="auto", table_kwargs={"sqlite_autoincrement": True}
    ) as batch:
        batch.drop_constraint("entry_sha256_key", type_="unique")
        batch.add_column(sa.Column("manifest_label", sa.Text))
        batch.add_column(sa.Column("state", sa.Text, nullable=False, server_default="active"))
        batch.add_column(sa.Column("role", sa.Text, nullable=False, server_default="item"))
        batch.add_column(sa.Column("basis", sa.Text, nullable=False, server_default="entered"))
        batch.add_column(sa.Column("published", sa.Boolean, nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("issuer", sa.Integer))
        batch.add_column(sa.Column("foreign_id", sa.Text))
        batch.create_foreign_key("entry_issuer_fkey", "issuer", ["issuer"], ["number"])
    if last is not None:  # the table was made anew, and would count on from the highest that is left
        op.execute(sa.text("DELETE FROM sqlite_sequence WHERE name = 'entry'"))
        op.execute(sa.text("INSERT INTO sqlite_sequence (name, seq) VALUES ('entry', :last)").bindparams(last=last))


def _last_number() -> int | None:
    found = op.get_bind().execute(sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'entry'")).scalar()
    return None if found is None else int(found)


def _first_version() -> sa.Table:
    """The table of version 1; older files of it name its constraint in no way."""
    return sa.Table(
        "entry",
        sa.MetaData(),
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
