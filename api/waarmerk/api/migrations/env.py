# SPDX-License-Identifier: Apache-2.0
"""What alembic runs: the steps, on the connection and within the transaction that it is handed."""

from alembic import context

from waarmerk.api.migrate import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
