# SPDX-License-Identifier: Apache-2.0
"""What was issued under our own marks: one SQLite file, append-only, that survives a crash at any moment.

An entry is added in one transaction and never changed; the database itself refuses. It leaves only by ``forget``,
which records that something was erased, when, and nothing else, and overwrites what it erases (docs/privacy.md).
"""

import os
import sqlite3
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.staging import database_file
from waarmerk.provenance.registry.model import Chroma, Issuance, Thumbnail
from waarmerk.provenance.registry.stills import packed, unpacked

SCHEMA_VERSION = 3
_READABLE = (1, 2, 3)
_APPLICATION = 0x57414D4B  # "WAMK": no other program's database is written into
_WAIT_SECONDS = 20.0
_MAX_THUMBNAIL = 1 << 20

_SCHEMA = """
CREATE TABLE issuance (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key_id TEXT NOT NULL, payload BLOB NOT NULL, scheme TEXT NOT NULL,
    issued_at TEXT NOT NULL, says TEXT NOT NULL, sha256 BLOB NOT NULL, media_type TEXT NOT NULL,
    width INTEGER NOT NULL, height INTEGER NOT NULL, phash BLOB NOT NULL, pdq BLOB,
    thumbnail_width INTEGER NOT NULL, thumbnail_height INTEGER NOT NULL, thumbnail BLOB NOT NULL,
    geometry BLOB, manifest TEXT, chroma_width INTEGER, chroma_height INTEGER, chroma BLOB, label BLOB,
    stills BLOB,
    UNIQUE (key_id, payload)
) STRICT;
CREATE INDEX issuance_sha256 ON issuance (sha256);
CREATE TABLE erasure (id INTEGER PRIMARY KEY, issuance_id INTEGER NOT NULL UNIQUE, erased_at TEXT NOT NULL) STRICT;
CREATE TRIGGER issuance_is_never_changed BEFORE UPDATE ON issuance
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER issuance_leaves_by_erasure BEFORE DELETE ON issuance
WHEN NOT EXISTS (SELECT 1 FROM erasure WHERE issuance_id = OLD.id)
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER erasure_is_never_changed BEFORE UPDATE ON erasure
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER erasure_stays BEFORE DELETE ON erasure
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""
_COLUMNS = (
    "key_id, payload, scheme, issued_at, says, sha256, media_type, width, height, phash, pdq,"
    " thumbnail_width, thumbnail_height, thumbnail, geometry, manifest"
)
_SECOND = "chroma_width, chroma_height, chroma, label"  # added by version 2; rows of version 1 hold NULL there
_THIRD = "stills"  # added by version 3
_TO_SECOND = "".join(
    f"ALTER TABLE issuance ADD COLUMN {column};\n"
    for column in ("chroma_width INTEGER", "chroma_height INTEGER", "chroma BLOB", "label BLOB")
)
_TO_THIRD = "ALTER TABLE issuance ADD COLUMN stills BLOB;\n"
_STEPS = {0: _SCHEMA, 1: _TO_SECOND + _TO_THIRD, 2: _TO_THIRD}
_MATRIX, _PLACE = "<9d", "<4I"


class Ledger:
    """The ledger in one file. It is opened for each call and holds no connection, so that a fork is no matter."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> None:
        """Make an empty ledger, readable by its owner alone, unless it is there; bring an earlier one up to date.

        Raises StoreError.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            database_file(self._path)
        except OSError as error:
            raise StoreError("ledger.failed", f"{self._path.name}: {error.strerror}") from error
        with self._writing() as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version < SCHEMA_VERSION:
                for statement in _statements(_STEPS[version]):
                    database.execute(statement)
                database.execute(f"PRAGMA application_id = {_APPLICATION}")
                database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def require(self) -> None:
        """Raise StoreError where no entry could be added, as far as can be seen without writing."""
        ground = next(each for each in (self._path, *self._path.absolute().parents) if each.exists())
        if ground == self._path:
            with self._reading():
                pass
        if not os.access(ground, os.W_OK):
            raise StoreError("ledger.failed", f"{self._path.name}: {ground} may not be written to")

    def add(self, issuance: Issuance) -> None:
        """Add an entry, durably. Raises StoreError; ``ledger.known`` where the payload was issued before."""
        small, colour = issuance.thumbnail, issuance.chroma
        row = (
            *(issuance.key_id, issuance.payload, issuance.scheme, issuance.issued_at, issuance.says, issuance.sha256),
            *(issuance.media_type, issuance.width, issuance.height, issuance.phash, issuance.pdq),
            *(small.width, small.height, zlib.compress(small.pixels, 9)),
            None if issuance.geometry is None else struct.pack(_MATRIX, *issuance.geometry),
            issuance.manifest,
            *((None, None, None) if colour is None else (colour.width, colour.height, zlib.compress(colour.pixels, 9))),
            None if issuance.label is None else struct.pack(_PLACE, *issuance.label),
            packed(issuance.stills),
        )
        marks = ", ".join("?" * len(row))
        with self._writing() as database:
            try:
                into = f"INSERT INTO issuance ({_COLUMNS}, {_SECOND}, {_THIRD}) VALUES ({marks})"  # noqa: S608 - constants
                database.execute(into, row)
            except sqlite3.IntegrityError as error:
                raise StoreError("ledger.known", "this mark was issued before") from error

    def find(self, key_id: str, payload: bytes) -> Issuance | None:
        """The entry of a mark, None where there is none. Raises StoreError where the ledger cannot be read."""
        return next(self._select("key_id = ? AND payload = ?", (key_id, payload)), None)

    def of_file(self, sha256: bytes) -> tuple[Issuance, ...]:
        """The entries of a file."""
        return tuple(self._select("sha256 = ?", (sha256,)))

    def entries(self) -> Iterator[Issuance]:
        """All entries, the oldest first."""
        return self._select("1 = 1", ())

    def forget(self, *, payload: bytes | None = None, sha256: bytes | None = None, at: str) -> int:
        """Erase the entries of a mark or of a file; how many there were. Raises StoreError.

        The bytes are overwritten in the file. What stays is that an entry with a number was erased at ``at``.
        """
        with self._writing() as database:
            found = database.execute(
                "SELECT id FROM issuance WHERE payload = ? OR sha256 = ?", (payload, sha256)
            ).fetchall()
            for (number,) in found:
                database.execute("INSERT INTO erasure (issuance_id, erased_at) VALUES (?, ?)", (number, at))
                database.execute("DELETE FROM issuance WHERE id = ?", (number,))
        return len(found)

    def damage(self) -> str | None:
        """What SQLite finds wrong with the file, None for nothing. Raises StoreError where it cannot be read."""
        with self._reading() as database:
            (answer,) = database.execute("PRAGMA integrity_check").fetchone()
        return None if answer == "ok" else str(answer)

    def _select(self, where: str, values: tuple[object, ...]) -> Iterator[Issuance]:
        with self._reading() as database:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            second = _SECOND if version > 1 else "NULL, NULL, NULL, NULL"
            third = _THIRD if version > 2 else "NULL"
            rows = database.execute(
                f"SELECT {_COLUMNS}, {second}, {third} FROM issuance WHERE {where} ORDER BY id",  # noqa: S608 - constants
                values,
            )
            found = [_issuance(row) for row in rows]
        return iter(found)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._faults(), closing(self._connected("rw")) as database:
            database.execute("PRAGMA journal_mode = DELETE")  # no files beside it but while it is written
            database.execute("PRAGMA synchronous = FULL")
            database.execute("PRAGMA secure_delete = ON")
            database.execute("BEGIN IMMEDIATE")
            self._require_ours(database, empty=True)
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._faults():
            self._recover()
        with self._faults(), closing(self._connected("ro")) as database:
            self._require_ours(database, empty=False)
            yield database

    def _recover(self) -> None:
        """Let SQLite undo what a killed writer left half done: who only reads may not."""
        if not self._path.with_name(self._path.name + "-journal").exists():
            return
        with closing(self._connected("rw")) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")

    def _connected(self, mode: str) -> sqlite3.Connection:
        address = f"{self._path.absolute().as_uri()}?mode={mode}"
        return sqlite3.connect(address, uri=True, timeout=_WAIT_SECONDS, isolation_level=None)

    def _require_ours(self, database: sqlite3.Connection, *, empty: bool) -> None:
        state = (
            database.execute("PRAGMA application_id").fetchone() + database.execute("PRAGMA user_version").fetchone()
        )
        if empty and state == (0, 0) and database.execute("SELECT count(*) FROM sqlite_schema").fetchone() == (0,):
            return
        if state[0] != _APPLICATION or state[1] not in _READABLE:
            raise StoreError("ledger.unknown", f"{self._path.name} is no ledger of this version")

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """Faults of the file as errors of ours; a ledger that others can read is refused."""
        try:
            mode = self._path.stat().st_mode
            if not stat.S_ISREG(mode) or mode & 0o077:
                raise StoreError("ledger.open-to-others", f"{self._path.name} must be a file of mode 0600")
            yield
        except FileNotFoundError as error:
            raise StoreError("ledger.missing", f"there is no ledger {self._path.name}") from error
        except (sqlite3.Error, OSError) as error:
            raise StoreError("ledger.failed", f"{self._path.name}: {error}") from error


def _statements(script: str) -> Iterator[str]:
    """The statements of a script one by one: ``executescript`` would end our transaction."""
    held = ""
    for line in script.splitlines():
        held += line + "\n"
        if sqlite3.complete_statement(held):
            yield held
            held = ""


def _issuance(row: tuple[object, ...]) -> Issuance:
    """A row as it was added. Raises StoreError where somebody else wrote into it."""
    (*plain, phash, pdq, wide, high, small, geometry, manifest, across, down, colour, label, stills) = row
    key_id, payload, scheme, issued_at, says, sha256, media_type, width, height = plain
    try:
        pixels = _unpacked(small)
        shades = None
        if colour is not None:
            shades = Chroma(width=_number(across), height=_number(down), pixels=_unpacked(colour))
        return Issuance(
            key_id=str(key_id),
            payload=_bytes(payload),
            scheme=str(scheme),
            issued_at=str(issued_at),
            says=str(says),
            sha256=_bytes(sha256),
            media_type=str(media_type),
            width=_number(width),
            height=_number(height),
            phash=_bytes(phash),
            pdq=None if pdq is None else _bytes(pdq),
            thumbnail=Thumbnail(width=_number(wide), height=_number(high), pixels=pixels),
            geometry=None if geometry is None else struct.unpack(_MATRIX, _bytes(geometry)),
            manifest=None if manifest is None else str(manifest),
            chroma=shades,
            label=None if label is None else struct.unpack(_PLACE, _bytes(label)),
            stills=() if stills is None else unpacked(_bytes(stills)),
        )
    except (ValueError, zlib.error, struct.error) as error:
        raise StoreError("ledger.failed", "an entry of the ledger is damaged") from error


def _unpacked(value: object) -> bytes:
    return zlib.decompressobj().decompress(_bytes(value), _MAX_THUMBNAIL)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("not bytes")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int):
        raise ValueError("not a number")
    return value
