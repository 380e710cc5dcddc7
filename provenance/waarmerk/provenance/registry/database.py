# SPDX-License-Identifier: Apache-2.0
"""Where a registry lies, and how it is opened: SQLite in a file, or PostgreSQL by its address.

SQLite keeps a rollback journal, not a write-ahead log: a log asks every reader to write beside the database, and those
who examine files of strangers may write nothing (decision 40). Writers of PostgreSQL take turns: rows become visible in
the order of their numbers, and the index may read on from the last number that it has seen.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from waarmerk.provenance.errors import ConfigurationError, StoreError

WAIT_SECONDS = 20.0
_SQLITE = "sqlite:///"
_POSTGRES = ("postgresql://", "postgresql+psycopg://")
_SQLITE_FAULTS = {5: "busy", 6: "busy", 11: "damaged", 26: "damaged", 3: "closed", 8: "closed", 14: "closed"}
_SQLITE_FAULTS |= {10: "disk", 13: "disk"}
_TURN = 0x57414D4B  # "WAMK": the advisory lock that writers hold


def database_path(url: str) -> Path | None:
    """The file that ``url`` (a path or ``sqlite:///PATH``) names, None for a database on a server.

    Raises ConfigurationError (``registry.address``) for an address of another kind.
    """
    if url.startswith(_SQLITE):
        return Path(url.removeprefix(_SQLITE))
    if "://" not in url:
        return Path(url)
    if url.startswith(_POSTGRES):
        return None
    raise ConfigurationError("registry.address", "a registry is a path, sqlite:///PATH or postgresql://…")


def server_address(url: str) -> tuple[sa.URL, Path | None]:
    """The address of a database on a server as SQLAlchemy takes it, and the folder of ``?files=``, None without.

    Raises ConfigurationError (``registry.address``).
    """
    try:
        address = sa.make_url(url).set(drivername="postgresql+psycopg")
    except (SQLAlchemyError, ValueError) as error:
        raise ConfigurationError("registry.address", "this is no address of a database") from error
    named = address.query.get("files")
    folder = named[0] if isinstance(named, tuple) else named
    return address.difference_update_query(["files"]), None if folder is None else Path(folder)


def opened_file(path: Path, *, writing: bool, migrating: bool = False, wait_seconds: float = WAIT_SECONDS) -> sa.Engine:
    """SQLite in ``path``; nothing is opened yet. ``migrating`` lets tables be made anew that others refer to.

    ``wait_seconds`` is how long it waits for who else has it.
    """
    address = f"{path.absolute().as_uri()}?mode={'rw' if writing else 'ro'}"
    engine = sa.create_engine(
        f"sqlite:///{address}&uri=true", poolclass=sa.NullPool, connect_args={"timeout": wait_seconds}
    )
    pragmas = ("journal_mode = DELETE", "synchronous = FULL", "secure_delete = ON")

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # else Python ends the transaction before a table is changed
        for pragma in (*pragmas, f"foreign_keys = {'OFF' if migrating else 'ON'}") if writing else ():
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def opened_server(address: sa.URL) -> sa.Engine:
    """PostgreSQL at ``address``; nothing is opened yet. Raises ConfigurationError without its driver."""
    try:
        return sa.create_engine(address, poolclass=sa.NullPool, connect_args={"connect_timeout": int(WAIT_SECONDS)})
    except ImportError as error:
        raise ConfigurationError(
            "registry.no-driver", "a registry on a server needs psycopg: pip install 'waarmerk[postgres]'"
        ) from error


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction in which something is changed. Raises StoreError."""
    with faults(), engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_TURN)))
        yield connection


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction in which nothing is changed. Raises StoreError."""
    with faults(), engine.connect() as connection:
        yield connection


@contextmanager
def faults() -> Iterator[None]:
    """Faults of the database as errors of ours, without a word of what is in it."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError("registry.known", "this file is in the registry already") from error
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise _in_words(error) from error


def _in_words(error: Exception) -> StoreError:
    """What is wrong, as far as the database says (https://sqlite.org/rescode.html)."""
    cause = getattr(error, "orig", None)
    number = getattr(cause, "sqlite_errorcode", None)
    name = "" if number is None else _SQLITE_FAULTS.get(number & 0xFF, "")
    if name == "busy":
        return StoreError("registry.busy", "another program is using the registry; try again when that is done")
    if name == "damaged":
        return StoreError("registry.damaged", "the registry is damaged, or is none; put a copy of before in its place")
    if name == "closed":
        return StoreError("registry.failed", "the registry cannot be opened: look at who may read and write its file")
    if name == "disk":
        return StoreError("registry.failed", "the disk with the registry is full, or cannot be read")
    if number is None and isinstance(error, OperationalError):
        return StoreError("registry.failed", "the server with the registry does not answer, or refuses this address")
    return StoreError("registry.failed", f"the registry cannot be used: {type(error).__name__}")
