# SPDX-License-Identifier: Apache-2.0
"""What a registry of a million entries needs: what is due, and whose bytes these are, without reading all rows.

The index of marks held every other binding as well, a kilobyte of local hashes an entry.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_INDEXES = {
    "entry_due": ("entry", ["keep_until"], "keep_until"),
    "entry_manifest": ("entry", ["manifest"], "manifest"),
    "entry_reference": ("entry", ["reference"], "reference"),
    "binding_of_mark": ("binding", ["value", "key_id"], "key_id"),
}


def upgrade() -> None:
    """From version 2 to version 3: indexes alone."""
    op.drop_index("binding_of_mark", "binding")
    for name, (table, columns, held) in _INDEXES.items():
        where = sa.text(f"{held} IS NOT NULL")
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
    op.create_index("history_entry", "history", ["entry"])
    op.execute("UPDATE registry_version SET version = 3")
