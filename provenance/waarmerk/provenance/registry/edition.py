# SPDX-License-Identifier: Apache-2.0
"""Which version of its tables a registry has, and how it is brought up to this one."""

import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry.database import reading, writing
from waarmerk.provenance.registry.schema import SCHEMA_VERSION, VERSION


def version_of(engine: sa.Engine) -> int | None:
    """The version that the tables say they have, None where they say none. Raises StoreError."""
    with reading(engine) as connection:
        names = set(sa.inspect(connection).get_table_names())
        versions = connection.scalars(sa.select(VERSION.c.version)).all() if VERSION.name in names else []
    return int(versions[0]) if len(versions) == 1 else None


def require_version(version: int | None) -> None:
    """Raise StoreError unless it is that of this program; the error says which way it differs."""
    if version == SCHEMA_VERSION:
        return
    if version is None:
        raise StoreError("registry.unknown", "this is no registry")
    if version > SCHEMA_VERSION:
        raise StoreError("registry.newer", "a later version of waarmerk wrote this registry; it is left alone")
    raise StoreError("registry.older", "an earlier version wrote this registry; run waarmerk registry upgrade")


def brought_up(engine: sa.Engine, before: int | None) -> None:
    """Make the tables, or bring those of version ``before`` up, in one transaction. Raises StoreError."""
    from waarmerk.provenance.registry import migrate  # noqa: PLC0415 - 0.3 s, once in the life of a registry

    with writing(engine) as connection:
        tables = set(sa.inspect(connection).get_table_names())
        if before is None and tables and VERSION.name not in tables:
            raise StoreError("registry.unknown", "this is no registry")
        migrate.upgrade(connection)
        is_file = engine.dialect.name == "sqlite"
        if is_file and connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            raise StoreError("registry.damaged", "entries and bindings do not belong together")
