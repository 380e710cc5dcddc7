# SPDX-License-Identifier: Apache-2.0
"""The tables of a service as this version needs them: made, or brought up from an earlier version, whole or not at all.

A database that a later version wrote is left alone. Several hosts may start at once: one changes the tables, the
others wait for it. Which version a database has stands in its table ``service_schema``; the first release did not
write that down.
"""

from pathlib import Path

import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.database import Database

SCHEMA = "0001"
VERSION_TABLE = "service_schema"  # not alembic's own name: a registry may lie in the same database
STEPS = Path(__file__).with_name("migrations")
_TURN = 0x57414D53  # "WAMS": the advisory lock of who changes tables


def prepare(database: Database, *, steps: Path = STEPS, schema: str = SCHEMA) -> bool:
    """Bring the tables of ``database`` to this version; whether anything was to do.

    Raises StoreError: ``database.newer`` for one of a later version, ``database.failed`` where a step fails, and then
    everything is as it was.
    """
    database.create(sa.MetaData())  # the file, for its owner alone
    with database.reading() as connection:
        if _version(connection) == schema:
            return False
    from alembic import command  # noqa: PLC0415 - 0.3 s, once in the life of a version
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(steps).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
        found = _version(connection)
        if found is not None and found > schema:
            raise StoreError("database.newer", "a later version wrote this database; go back to that, or to the backup")
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
    return found != schema


def _version(connection: sa.Connection) -> str | None:
    """The version of the tables, None where none is written down."""
    if not sa.inspect(connection).has_table(VERSION_TABLE):
        return None
    found = connection.execute(sa.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - ours
    return None if found is None else str(found)
