# SPDX-License-Identifier: Apache-2.0
"""What alembic runs: the steps, on the connection and within the transaction that it is handed."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
