# SPDX-License-Identifier: Apache-2.0
"""The database of a service: tenants, jobs, batches. SQLite for one host, PostgreSQL for many; the same tables.

SQLite writes ahead and takes its write lock when a transaction begins (``BEGIN IMMEDIATE``): two writers then wait for
each other instead of one failing half way. A commit is on the disk before it is acknowledged (``synchronous = FULL``).
A password for PostgreSQL belongs into libpq's own password file, not into an address.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.media.staging import database_file

_WAIT_SECONDS = 20.0
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgresql+psycopg://")


class Taken(StoreError):
    """What was to be added is there already."""


class Database:
    """One database, opened when first used. Safe to use from several threads."""

    def __init__(self, address: str) -> None:
        """``address`` is a path, ``sqlite:///PATH`` or ``postgresql://…``. Raises ConfigurationError for another."""
        self.path: Path | None = None
        if address.startswith(_POSTGRES):
            url = "postgresql+psycopg://" + address.partition("://")[2]
            try:
                self.engine = sa.create_engine(url, pool_pre_ping=True, pool_size=8, max_overflow=8)
            except ImportError:
                raise ConfigurationError(
                    "database.no-driver", "PostgreSQL needs psycopg: pip install 'waarmerk[postgres]'"
                ) from None
        elif "://" not in address or address.startswith(_SQLITE):
            self.path = Path(address.removeprefix(_SQLITE)).absolute()
            self.engine = _sqlite(self.path)
        else:
            raise ConfigurationError("database.address", "a database is a path, sqlite:///PATH or postgresql://…")

    @property
    def is_sqlite(self) -> bool:
        """Whether one host has it to itself."""
        return self.path is not None

    def create(self, tables: sa.MetaData) -> None:
        """Make what is missing of ``tables``; a file is readable by its owner alone. Raises StoreError."""
        with self.faults():
            if self.path is not None:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                database_file(self.path)
            with self.engine.begin() as connection:
                if not self.is_sqlite:  # two hosts that start at once: one makes the tables, the other waits
                    connection.execute(sa.text("SELECT pg_advisory_xact_lock(8411974)"))
                tables.create_all(connection)

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction; all of it happens or nothing. Raises StoreError."""
        with self.faults(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing. Raises StoreError."""
        with self.faults(), self.engine.connect().execution_options(reading=True) as connection:
            yield connection

    def probe(self) -> str | None:
        """None where it answers, else a code."""
        if self.path is not None and not self.path.is_file():
            return "database.missing"
        try:
            with self.reading() as connection:
                connection.execute(sa.select(1)).all()
        except StoreError as error:
            return error.code
        return None

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Faults of the database as errors of ours, without a word of what is in it."""
        try:
            yield
        except IntegrityError as error:
            raise Taken("database.taken", "this is there already") from error
        except (SQLAlchemyError, OSError, ImportError) as error:
            raise StoreError("database.failed", f"the database cannot be used: {type(error).__name__}") from error


def _sqlite(path: Path) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path.as_uri()}?mode=rw&uri=true",
        poolclass=sa.QueuePool,
        pool_size=8,
        max_overflow=8,
        connect_args={"timeout": _WAIT_SECONDS, "check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where we say so, below
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def milliseconds(moment: datetime) -> int:
    """``moment`` as the database keeps it."""
    return int(moment.timestamp() * 1000)


def moment(milliseconds: int) -> datetime:
    """A moment from the database."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
