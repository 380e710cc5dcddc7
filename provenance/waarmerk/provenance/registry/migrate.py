# SPDX-License-Identifier: Apache-2.0
"""Make the tables of this version, or bring older ones up to it, within the transaction of a connection."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

_STEPS = Path(__file__).with_name("migrations")


def upgrade(connection: sa.Connection) -> None:
    """Run what steps are missing. All or nothing: the caller commits, and no step leaves anything half done."""
    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    names = set(sa.inspect(connection).get_table_names())
    if "registry_version" in names and "alembic_version" not in names:  # version 1 was made without alembic
        command.stamp(config, "0001")
    command.upgrade(config, "head")
