# SPDX-License-Identifier: Apache-2.0
"""The registry's database: entries, their bindings and what became of them, each change in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.media.staging import database_file
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.registry.database import (
    WAIT_SECONDS,
    database_path,
    faults,
    opened_file,
    opened_server,
    reading,
    server_address,
    writing,
)
from waarmerk.provenance.registry.edition import brought_up, require_version, version_of
from waarmerk.provenance.registry.entry_rows import entry_of, insert_entry
from waarmerk.provenance.registry.files import Blobs, Bytes, Files
from waarmerk.provenance.registry.model import BY_ISSUER, Basis, Binding, BindingKind, Entry, Role, State
from waarmerk.provenance.registry.schema import BINDING, ENTRY, HISTORY, ISSUER, SCHEMA_VERSION, SIGHTING

__all__ = ["Store", "database_path"]

Value = TypeVar("Value")
_AT_ONCE = 1000  # values in one statement: SQLite takes 32,766
_UNDER_WAY = timedelta(hours=1)  # bytes are put before the row that refers to them: a writer may still be at it
_ACCEPTED = sa.select(ISSUER.c.number).where(ISSUER.c.state == "accepted")
_OWN = ENTRY.c.issuer.is_(None)
# What a search may find: neither what was withdrawn, nor what a stranger sent and nobody here has accepted.
_LIVE = sa.and_(ENTRY.c.state != State.WITHDRAWN.value, sa.or_(_OWN, ENTRY.c.issuer.in_(_ACCEPTED)))


class Store:
    """One registry. ``files`` holds the bytes beside the rows."""

    def __init__(
        self, url: str, *, folder: Path | None = None, writing: bool = False, wait_seconds: float = WAIT_SECONDS
    ) -> None:
        """Nothing is opened yet. ``folder`` is for the index of a database on a server, which has none beside it.

        ``wait_seconds`` is how long a file is waited for that another program has.

        Raises ConfigurationError for an address that cannot be used.
        """
        self.path = database_path(url)
        if self.path is not None:
            beside = folder or self.path.with_name(self.path.name + ".files")
            self.engine = opened_file(self.path, writing=writing, wait_seconds=wait_seconds)
            self.files: Bytes = Files(beside / "bytes")
            self._folder: Path | None = beside
            return
        address, named = server_address(url)
        self.engine = opened_server(address)
        self.files = Blobs(self.engine) if named is None else Files(named / "bytes")
        self._folder = folder or named

    @property
    def folder(self) -> Path:
        """Where the index made from the rows lies. Raises ConfigurationError where nobody named one."""
        if self._folder is None:
            raise ConfigurationError("registry.no-folder", "a registry on a server needs a folder for its index")
        return self._folder

    def create(self) -> None:
        """Make an empty registry, readable by its owner alone, unless it is there. Raises StoreError."""
        if self.path is not None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                database_file(self.path)
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise StoreError("registry.failed", f"{self.path.name}: {error.strerror}") from error
        with reading(self.engine) as connection:
            is_empty = not sa.inspect(connection).get_table_names()
        if is_empty:
            self.upgrade()
        self.require()

    def upgrade(self) -> bool:
        """Bring an older registry, or an empty database, to this version; whether there was anything to do.

        All or nothing. Raises StoreError, ``registry.newer`` for one that a later version has written.
        """
        before = version_of(self.engine)
        if before == SCHEMA_VERSION:
            return False
        if before is not None and before > SCHEMA_VERSION:
            self.require()
        engine = self.engine if self.path is None else opened_file(self.path, writing=True, migrating=True)
        brought_up(engine, before)
        return True

    def require(self) -> None:
        """Raise StoreError unless this is a registry of this version; the error says which way it differs."""
        if self.path is not None and not self.path.is_file():
            there = self.path.absolute()
            raise StoreError(
                "registry.missing", f"there is no registry {there}: waarmerk registry add makes it with the first file"
            )
        require_version(version_of(self.engine))

    def add(self, entry: Entry, bindings: Iterable[Binding]) -> Entry:
        """Add an entry with its bindings, all or nothing. Raises StoreError; ``registry.known`` where it is there."""
        with writing(self.engine) as connection:
            number = insert_entry(connection, entry, bindings)
        found = self.held(number)
        if found is None:
            raise StoreError("registry.failed", "what was added is not there")
        return found

    def held(self, number: int) -> Entry | None:
        """The entry with this number whatever its state, None where there is none any more."""
        return next(iter(self._select(ENTRY.c.number == number)), None)

    def entry(self, number: int) -> Entry | None:
        """The entry with this number, None where there is none that a search may find."""
        return next(iter(self._select(ENTRY.c.number == number, _LIVE)), None)

    def of_file(self, sha256: bytes) -> Entry | None:
        """The entry of a file with this digest: our own where there is one, else what others sent first."""
        found = self._select(ENTRY.c.sha256 == sha256, _LIVE)
        return min(found, key=lambda entry: (entry.issuer is not None, entry.number), default=None)

    def own_of_file(self, sha256: bytes) -> Entry | None:
        """Our own entry of a file with this digest, whatever its state."""
        return next(iter(self._select(ENTRY.c.sha256 == sha256, _OWN)), None)

    def of_mark(self, key_id: str, payload: bytes) -> tuple[Entry, ...]:
        """Our own entries that a mark is bound to, the oldest first."""
        marked = sa.select(BINDING.c.entry).where(BINDING.c.key_id == key_id, BINDING.c.value == payload)
        return tuple(self._select(ENTRY.c.number.in_(marked), _LIVE, _OWN))

    def of_payload(self, payload: bytes) -> tuple[Entry, ...]:
        """Our own entries that a mark with this payload is bound to, under whatever key, the oldest first."""
        marked = sa.select(BINDING.c.entry).where(
            BINDING.c.kind == BindingKind.WATERMARK.value, BINDING.c.value == payload, BINDING.c.key_id.is_not(None)
        )
        return tuple(self._select(ENTRY.c.number.in_(marked), _LIVE, _OWN))

    def of_manifest(self, label: str) -> tuple[Entry, ...]:
        """Entries whose manifest store has this active manifest, the oldest first."""
        return tuple(self._select(ENTRY.c.manifest_label == label, ENTRY.c.manifest.is_not(None), _LIVE))

    def entries(self) -> Sequence[Entry]:
        """All entries whatever their state, the oldest first."""
        return self._select(sa.true())

    def page(self, *, after: int, most: int) -> Sequence[Entry]:
        """Entries whatever their state with numbers beyond ``after``, in order."""
        wanted = sa.select(ENTRY).where(ENTRY.c.number > after).order_by(ENTRY.c.number).limit(most)
        with reading(self.engine) as connection:
            return [entry_of(row) for row in connection.execute(wanted).mappings()]

    def bindings(
        self, kind: BindingKind, *, after: int, limit: int | None = None, foreign: bool = False
    ) -> list[tuple[int, int, bytes]]:
        """Row, entry and value of the bindings of a kind with rows beyond ``after``, in order.

        Our own, or with ``foreign`` those that others sent: what can be compared is never crowded out by what cannot.
        """
        wanted = sa.select(BINDING.c.id, BINDING.c.entry, BINDING.c.value).join(ENTRY)
        wanted = wanted.where(BINDING.c.kind == kind.value, BINDING.c.id > after, ~_OWN if foreign else _OWN)
        with reading(self.engine) as connection:
            found = connection.execute(wanted.order_by(BINDING.c.id).limit(limit))
            return [(int(row[0]), int(row[1]), bytes(row[2])) for row in found]

    def values(self, kind: BindingKind, numbers: Sequence[int]) -> list[tuple[int, int, bytes]]:
        """Row, entry and value of the bindings of a kind that these entries have (a thousand at most), in order."""
        if not numbers:
            return []
        # The kind is looked at here: asked for it, a database reads all rows of that kind.
        wanted = sa.select(BINDING.c.id, BINDING.c.entry, BINDING.c.value, BINDING.c.kind)
        with reading(self.engine) as connection:
            found = connection.execute(wanted.where(BINDING.c.entry.in_(numbers))).all()
        return sorted((int(row.id), int(row.entry), bytes(row.value)) for row in found if row.kind == kind.value)

    def erased(self, *, after: int) -> tuple[int, list[int]]:
        """The last note of the history (``after`` where there is none beyond), and the entries removed since."""
        beyond = HISTORY.c.id > after
        with reading(self.engine) as connection:
            last = connection.scalar(sa.select(sa.func.max(HISTORY.c.id)).where(beyond))
            gone = connection.scalars(sa.select(HISTORY.c.entry).where(beyond, HISTORY.c.what == "removed")).all()
        return int(last or after), [int(number) for number in gone]

    def change(self, number: int | None = None) -> tuple[int, int, str, str, bytes | None] | None:
        """Number, entry, kind and moment of a note of the history, and the digest of the entry where it is our own.

        The last one where no number is given; None where there is no such note.
        """
        noted = (HISTORY.c.id, HISTORY.c.entry, HISTORY.c.what, HISTORY.c.at, ENTRY.c.sha256)
        wanted = sa.select(*noted).join(ENTRY, sa.and_(ENTRY.c.number == HISTORY.c.entry, _OWN), isouter=True)
        wanted = wanted if number is None else wanted.where(HISTORY.c.id == number)
        with reading(self.engine) as connection:
            row = connection.execute(wanted.order_by(HISTORY.c.id.desc()).limit(1)).first()
        if row is None:
            return None
        return int(row[0]), int(row[1]), str(row[2]), str(row[3]), None if row[4] is None else bytes(row[4])

    def bindings_of(self, *numbers: int) -> dict[int, tuple[Binding, ...]]:
        """The bindings of each of these entries (a thousand at most), in order; entries without any are left out."""
        wanted = sa.select(BINDING.c.entry, BINDING.c.kind, BINDING.c.value, BINDING.c.key_id)
        wanted = wanted.where(BINDING.c.entry.in_(numbers)).order_by(BINDING.c.entry, BINDING.c.id)
        found: dict[int, list[Binding]] = {}
        with reading(self.engine) as connection:
            for row in connection.execute(wanted):
                tie = Binding(kind=BindingKind(row.kind), value=bytes(row.value), key_id=row.key_id)
                found.setdefault(int(row.entry), []).append(tie)
        return {number: tuple(ties) for number, ties in found.items()}

    def mark(
        self, number: int, state: State, *, why: str, at: datetime, agreed: Callable[[], object] = lambda: None
    ) -> bool:
        """Set the state of an entry and note it in the history; whether there is such an entry.

        ``agreed`` is called when nothing is waited for any more but the disk; if it raises, nothing is changed.
        Raises StoreError, ``registry.withdrawn`` for a dispute of what was withdrawn: it would be found again by that.
        """
        with writing(self.engine) as connection:
            changing = sa.update(ENTRY).where(ENTRY.c.number == number)
            if state is State.DISPUTED:
                changing = changing.where(ENTRY.c.state != State.WITHDRAWN.value)
            if not connection.execute(changing.values(state=state.value)).rowcount:
                if connection.scalar(sa.select(ENTRY.c.number).where(ENTRY.c.number == number)) is None:
                    return False
                name = f"r{number}"
                raise StoreError(
                    "registry.withdrawn", f"{name} was withdrawn and is not found; registry reinstate comes first"
                )
            said = f"{why}." if why == BY_ISSUER else why  # what somebody here decides, no package takes back
            note = {"entry": number, "what": state.value, "at": rfc3339(at), "why": said}
            connection.execute(sa.insert(HISTORY).values(note))
            agreed()
        return True

    def check(
        self,
        number: int,
        role: Role = Role.ITEM,
        *,
        labels: Iterable[str],
        fact_checks: Iterable[str],
        at: datetime,
    ) -> bool:
        """Add labels and fact-checks to an entry; whether it did not have all of them. Raises StoreError.

        A fact-check's own picture that ``role`` makes an item is about these fact-checks alone.
        """
        with writing(self.engine) as connection:
            row = connection.execute(
                sa.select(ENTRY.c.labels, ENTRY.c.fact_checks, ENTRY.c.role, ENTRY.c.basis).where(
                    ENTRY.c.number == number
                )
            ).first()
            if row is None:
                return False
            becomes_item = role is Role.ITEM and row.role == Role.DEBUNK.value
            before = [] if becomes_item else row.fact_checks
            told: dict[str, Any] = {"labels": [*dict.fromkeys([*row.labels, *labels])]}
            told["fact_checks"] = [*dict.fromkeys([*before, *fact_checks])]
            if not becomes_item and told == {"labels": row.labels, "fact_checks": row.fact_checks}:
                return False
            if becomes_item:
                told["role"] = role.value
            is_issued = row.basis == Basis.ISSUED.value  # what was issued here stays that
            values = {**told, "basis": (Basis.ISSUED if is_issued else Basis.FACT_CHECK).value}
            connection.execute(sa.update(ENTRY).where(ENTRY.c.number == number).values(values))
            connection.execute(sa.insert(HISTORY).values(entry=number, what="changed", at=rfc3339(at)))
        return True

    def label_manifest(self, number: int, label: str) -> None:
        """Name the active manifest of an entry that was made before such names were kept. Raises StoreError."""
        with writing(self.engine) as connection:
            connection.execute(sa.update(ENTRY).where(ENTRY.c.number == number).values(manifest_label=label))

    def remove(self, numbers: Iterable[int], *, at: datetime, tidy: bool = True) -> int:
        """Erase entries with everything that is held of them; how many. That they were erased, and when, stays.

        With ``tidy`` what killed writers left goes as well, even where there is no entry to erase: all bytes are looked
        at. The index is the caller's (``Index.settle``). Raises StoreError.
        """
        asked = list(dict.fromkeys(numbers))
        gone = [e for some in _portions(asked) for e in self._select(ENTRY.c.number.in_(some))]
        with writing(self.engine) as connection:
            for which in _portions([entry.number for entry in gone]):
                for table in (BINDING, SIGHTING):
                    connection.execute(sa.delete(table).where(table.c.entry.in_(which)))
                connection.execute(sa.delete(ENTRY).where(ENTRY.c.number.in_(which)))
                # What was noted of it goes as well: a reason may say more than that it is gone.
                connection.execute(sa.update(HISTORY).where(HISTORY.c.entry.in_(which)).values(why=None))
                notes = [{"entry": number, "what": "removed", "at": rfc3339(at)} for number in which]
                connection.execute(sa.insert(HISTORY), notes)
        held = [digest for entry in gone for digest in (entry.manifest, entry.reference) if digest is not None]
        self.drop_bytes(held)
        if tidy:
            self.drop_bytes(self.files.since_before(at - _UNDER_WAY))
        if gone:
            self._overwrite()
        return len(gone)

    def drop_bytes(self, digests: Iterable[bytes]) -> None:
        """Take away those of these bytes that no entry refers to. Raises StoreError."""
        chosen = set(digests)
        if chosen:
            self.files.drop(chosen - set(self._referred(chosen)))

    def _overwrite(self) -> None:
        """SQLite overwrites what it deletes (secure_delete); PostgreSQL only once its tables are written anew."""
        if self.path is None:
            with faults(), self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM (FULL) entry, binding, sighting, history, blob")

    def due(self, *, at: datetime) -> tuple[int, ...]:
        """The numbers of entries whose time is over."""
        over = sa.and_(ENTRY.c.keep_until.is_not(None), ENTRY.c.keep_until <= rfc3339(at))
        return tuple(entry.number for entry in self._select(over))

    def history(self) -> list[tuple[int, str, str]]:
        """Number, what and when of all changes, in order."""
        return [(number, what, at) for number, what, at, _ in self.notes()]

    def notes(self) -> list[tuple[int, str, str, str | None]]:
        """Number, what, when and why of all changes, in order."""
        wanted = sa.select(HISTORY.c.entry, HISTORY.c.what, HISTORY.c.at, HISTORY.c.why).order_by(HISTORY.c.id)
        with reading(self.engine) as connection:
            return [(int(row[0]), str(row[1]), str(row[2]), row[3]) for row in connection.execute(wanted)]

    def close(self) -> None:
        """Let go of all connections."""
        self.engine.dispose()

    def _referred(self, digests: Iterable[bytes]) -> Iterator[bytes]:
        """Those of these digests that an entry refers to."""
        with reading(self.engine) as connection:
            for some in _portions(list(digests)):
                for column in (ENTRY.c.manifest, ENTRY.c.reference):
                    found = connection.scalars(sa.select(column).where(column.in_(some)))
                    yield from (bytes(each) for each in found)

    def _select(self, *where: sa.ColumnElement[bool]) -> Sequence[Entry]:
        with reading(self.engine) as connection:
            found = connection.execute(sa.select(ENTRY).where(*where).order_by(ENTRY.c.number))
            return [entry_of(row) for row in found.mappings()]


def _portions(numbers: Sequence[Value]) -> Iterator[Sequence[Value]]:
    """As many at once as a database takes in one statement."""
    return (numbers[at : at + _AT_ONCE] for at in range(0, len(numbers), _AT_ONCE))
