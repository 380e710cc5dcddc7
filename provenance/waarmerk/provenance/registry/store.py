# SPDX-License-Identifier: Apache-2.0
"""The registry's database: entries, their bindings and what became of them, each change in one transaction.

SQLite keeps a rollback journal, not a write-ahead log: a log asks every reader to write beside the database, and those
who examine files of strangers may write nothing (decision 40). PostgreSQL serves many hosts.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.model import Origin
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.registry.files import Files
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry
from waarmerk.provenance.registry.schema import BINDING, ENTRY, HISTORY, METADATA, SCHEMA_VERSION, VERSION

_WAIT_SECONDS = 20.0
_SQLITE = "sqlite:///"


def database_path(url: str) -> Path | None:
    """The file that ``url`` (a path or ``sqlite:///PATH``) names, None for a database on a server.

    Raises ConfigurationError (``registry.address``) for an address of another kind.
    """
    if url.startswith(_SQLITE):
        return Path(url.removeprefix(_SQLITE))
    if "://" not in url:
        return Path(url)
    if url.startswith(("postgresql://", "postgresql+psycopg://")):
        return None
    raise ConfigurationError("registry.address", "a registry is a path, sqlite:///PATH or postgresql://…")


class Store:
    """One registry. ``files`` holds the bytes beside it; for a database on a server their folder is named."""

    def __init__(self, url: str, *, folder: Path | None = None, writing: bool = False) -> None:
        """Nothing is opened yet. Raises ConfigurationError for an address that cannot be used."""
        self.path = database_path(url)
        beside = folder or (None if self.path is None else self.path.with_name(self.path.name + ".files"))
        if beside is None:
            raise ConfigurationError("registry.no-folder", "a registry on a server needs a folder for its files")
        self.folder = beside
        self.files = Files(beside / "bytes")
        self._engine = _engine(url, self.path, writing=writing)

    def create(self) -> None:
        """Make an empty registry, readable by its owner alone, unless it is there. Raises StoreError."""
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))
            except OSError as error:
                raise StoreError("registry.failed", f"{self.path.name}: {error.strerror}") from error
        with _faults(), self._engine.begin() as connection:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not sa.inspect(connection).get_table_names():
                METADATA.create_all(connection)
                connection.execute(sa.insert(VERSION).values(version=SCHEMA_VERSION))
        self.require()

    def require(self) -> None:
        """Raise StoreError unless this is a registry of this version."""
        if self.path is not None and not self.path.is_file():
            raise StoreError("registry.missing", f"there is no registry {self.path.name}")
        with _faults(), self._engine.connect() as connection:
            names = set(sa.inspect(connection).get_table_names())
            versions = connection.scalars(sa.select(VERSION.c.version)).all() if VERSION.name in names else []
        if list(versions) != [SCHEMA_VERSION]:
            raise StoreError("registry.unknown", "this is no registry of this version")

    def add(self, entry: Entry, bindings: Iterable[Binding]) -> Entry:
        """Add an entry with its bindings, all or nothing. Raises StoreError; ``registry.known`` where it is there."""
        row = {
            "sha256": entry.sha256,
            "media_type": entry.media_type,
            "width": entry.width,
            "height": entry.height,
            "origin": entry.origin.value,
            "labels": list(entry.labels),
            "fact_checks": list(entry.fact_checks),
            "source": entry.source,
            "added_at": entry.added_at,
            "keep_until": entry.keep_until,
            "manifest": entry.manifest,
            "reference": entry.reference,
        }
        with _faults(), self._engine.begin() as connection:
            number = int(connection.execute(sa.insert(ENTRY).values(row).returning(ENTRY.c.number)).scalar_one())
            tied = [{"entry": number, "kind": b.kind.value, "value": b.value, "key_id": b.key_id} for b in bindings]
            if tied:
                connection.execute(sa.insert(BINDING), tied)
            connection.execute(sa.insert(HISTORY).values(entry=number, what="added", at=entry.added_at))
        found = self.entry(number)
        if found is None:
            raise StoreError("registry.failed", "what was added is not there")
        return found

    def entry(self, number: int) -> Entry | None:
        """The entry with this number, None where there is none any more."""
        return next(iter(self._select(ENTRY.c.number == number)), None)

    def of_file(self, sha256: bytes) -> Entry | None:
        """The entry of a file with this digest."""
        return next(iter(self._select(ENTRY.c.sha256 == sha256)), None)

    def of_mark(self, key_id: str, payload: bytes) -> tuple[Entry, ...]:
        """The entries that a mark is bound to, the oldest first."""
        marked = sa.select(BINDING.c.entry).where(BINDING.c.key_id == key_id, BINDING.c.value == payload)
        return tuple(self._select(ENTRY.c.number.in_(marked)))

    def entries(self) -> Sequence[Entry]:
        """All entries, the oldest first."""
        return self._select(sa.true())

    def bindings(self, kind: BindingKind, *, after: int, limit: int | None = None) -> list[tuple[int, int, bytes]]:
        """Row, entry and value of the bindings of a kind with rows beyond ``after``, in order."""
        wanted = sa.select(BINDING.c.id, BINDING.c.entry, BINDING.c.value)
        wanted = wanted.where(BINDING.c.kind == kind.value, BINDING.c.id > after).order_by(BINDING.c.id).limit(limit)
        with _faults(), self._engine.connect() as connection:
            return [(int(row[0]), int(row[1]), bytes(row[2])) for row in connection.execute(wanted)]

    def remove(self, numbers: Iterable[int], *, at: datetime) -> int:
        """Erase entries with everything that is held of them; how many. That they were erased, and when, stays.

        The index folder is the caller's to forget (``Finder.forget``). Raises StoreError.
        """
        gone = [number for number in dict.fromkeys(numbers) if self.entry(number) is not None]
        with _faults(), self._engine.begin() as connection:
            connection.execute(sa.delete(BINDING).where(BINDING.c.entry.in_(gone)))
            connection.execute(sa.delete(ENTRY).where(ENTRY.c.number.in_(gone)))
            for number in gone:
                connection.execute(sa.insert(HISTORY).values(entry=number, what="removed", at=rfc3339(at)))
        if gone:
            self.files.drop_all_but(self._referred())
        return len(gone)

    def due(self, *, at: datetime) -> tuple[int, ...]:
        """The numbers of entries whose time is over."""
        kept = [(entry.number, entry.keep_until) for entry in self.entries()]
        return tuple(number for number, until in kept if until is not None and until <= rfc3339(at))

    def history(self) -> list[tuple[int, str, str]]:
        """Number, what and when of all changes, in order."""
        wanted = sa.select(HISTORY.c.entry, HISTORY.c.what, HISTORY.c.at).order_by(HISTORY.c.id)
        with _faults(), self._engine.connect() as connection:
            return [(int(row[0]), str(row[1]), str(row[2])) for row in connection.execute(wanted)]

    def close(self) -> None:
        """Let go of all connections."""
        self._engine.dispose()

    def _referred(self) -> Iterator[bytes]:
        for entry in self.entries():
            yield from (digest for digest in (entry.manifest, entry.reference) if digest is not None)

    def _select(self, where: Any) -> Sequence[Entry]:
        with _faults(), self._engine.connect() as connection:
            found = connection.execute(sa.select(ENTRY).where(where).order_by(ENTRY.c.number))
            return [_entry(row) for row in found.mappings()]


def _engine(url: str, path: Path | None, *, writing: bool) -> sa.Engine:
    if path is None:
        return sa.create_engine(
            url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="SERIALIZABLE"
        )
    address = f"{path.absolute().as_uri()}?mode={'rw' if writing else 'ro'}"
    engine = sa.create_engine(
        f"sqlite:///{address}&uri=true", poolclass=sa.NullPool, connect_args={"timeout": _WAIT_SECONDS}
    )

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        if writing:
            for pragma in ("journal_mode = DELETE", "synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def _faults() -> Iterator[None]:
    """Faults of the database as errors of ours, without a word of what is in it."""
    try:
        yield
    except IntegrityError as error:
        raise StoreError("registry.known", "this file is in the registry already") from error
    except (SQLAlchemyError, OSError, ImportError) as error:
        raise StoreError("registry.failed", f"the registry cannot be used: {type(error).__name__}") from error


def _entry(row: Any) -> Entry:
    """A row as it was added. Raises StoreError where somebody else wrote into it."""
    values = dict(row)
    try:
        values["origin"] = Origin(values["origin"])
        values["labels"], values["fact_checks"] = (tuple(map(str, values[n])) for n in ("labels", "fact_checks"))
        for name in ("sha256", "manifest", "reference"):
            values[name] = None if values[name] is None else bytes(values[name])
        return Entry(**values)
    except (ValueError, TypeError) as error:
        raise StoreError("registry.damaged", "an entry of the registry is damaged") from error
