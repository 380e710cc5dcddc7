# SPDX-License-Identifier: Apache-2.0
"""The tables of the first release, which made them where they were missing and wrote no version down.

They are made where they are missing here too: a database of that release has all of them, or those of the parts that
were used.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_TABLES = sa.MetaData()
sa.Table(
    "job",
    _TABLES,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),
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
sa.Table(
    "batch",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("items", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("keep_until", sa.BigInteger, nullable=False),
)
sa.Table(
    "batch_item",
    _TABLES,
    sa.Column("batch", sa.Text, sa.ForeignKey("batch.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("job", sa.Text),
    sa.Column("code", sa.Text),
)
sa.Table(
    "idempotency_key",
    _TABLES,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("body", sa.LargeBinary),
    sa.Column("answer", sa.Text),
    sa.Column("started_at", sa.BigInteger, nullable=False),
)
sa.Table(
    "audit_record",
    _TABLES,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.Text, nullable=False, index=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("keep_until", sa.BigInteger, nullable=False, index=True),
)
sa.Table(
    "tenant",
    _TABLES,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("settings", sa.JSON, nullable=False),
    sa.Column("per_minute", sa.Integer, nullable=False),
    sa.Column("keep_days", sa.Integer, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
)
sa.Table(
    "api_key",
    _TABLES,
    sa.Column("prefix", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenant.name"), nullable=False, index=True),
    sa.Column("hash", sa.LargeBinary, nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("revoked_at", sa.Text),
)
sa.Table(
    "webhook",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, sa.ForeignKey("tenant.name"), nullable=False, index=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("added_at", sa.Text, nullable=False),
    sa.Column("ended_at", sa.Text),
)
sa.Table(
    "webhook_message",
    _TABLES,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("target", sa.Text, sa.ForeignKey("webhook.id"), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.BigInteger, nullable=False, index=True),
)
sa.Table(
    "dispute",
    _TABLES,
    sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("registry_id", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("contact", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("answer", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("keep_until", sa.BigInteger, nullable=False),
    sa.Index("dispute_of_tenant", "tenant", "number"),
    sqlite_autoincrement=True,
)


def upgrade() -> None:
    """Make what is missing of version 1."""
    _TABLES.create_all(op.get_bind())
