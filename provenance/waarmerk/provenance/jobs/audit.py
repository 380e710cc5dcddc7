# SPDX-License-Identifier: Apache-2.0
"""What a service did, in a log that cannot be changed unseen and holds nothing of anybody.

One line of JSON an event, in order; the lines are the leaves of a Merkle tree (RFC 6962, 2.1), whose head is signed now
and then (checkpoints in the form of a C2SP signed note, Ed25519). A line says that something happened and when; to what
it happened stands behind a commitment, SHA-256 over 32 random bytes and the record. Record and random bytes lie in the
database: who deletes them has erased what was known, and the log still verifies.

A checkpoint that somebody else keeps proves that the log was not cut off or begun anew: hand them out. The verifier
(``audit_check.py``) shares no code with this file.
"""

import base64
import fcntl
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.database import Database, milliseconds
from waarmerk.provenance.model.moment import rfc3339

CHECKPOINT_EVERY = 64
TABLES = sa.MetaData()
RECORD = sa.Table(
    "audit_record",
    TABLES,
    sa.Column("log", sa.Text, primary_key=True),
    sa.Column("n", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("tenant", sa.Text, nullable=False, index=True),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("keep_until", sa.BigInteger, nullable=False, index=True),
)


class Audit:
    """One log: ``audit.log``, ``audit.checkpoints`` and ``audit.pub`` in a folder, one writer at a time.

    Safe to use from several threads. ``entropy`` gives the salts.
    """

    def __init__(
        self,
        folder: Path,
        database: Database,
        *,
        clock: Callable[[], datetime],
        entropy: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        """Open the log, or begin one; a last line that was cut short by a crash is taken back.

        Raises StoreError where another process writes it (``audit.busy``), or it is shorter or another than its last
        checkpoint.
        """
        self._folder = folder
        self._database = database
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._key = _signing_key(folder)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            self._log = os.open(folder / "audit.log", flags, 0o600)
            self._take()
            self._notes = os.open(folder / "audit.checkpoints", flags, 0o600)
            database.create(TABLES)
            self._tree = self._recovered()
        except OSError as error:
            raise StoreError("audit.failed", f"the audit log cannot be opened: {type(error).__name__}") from error
        self.origin = f"waarmerk.audit/{self._key_id()}"
        self._require_last_checkpoint()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def size(self) -> int:
        """How many events are in the log."""
        return self._tree.size

    def write(self, event: str, record: Mapping[str, Any], *, tenant: str = "", keep: timedelta) -> int:
        """Log that ``event`` happened to what ``record`` tells; its number. It is on the disk. Raises StoreError."""
        told = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        with self._lock:
            number, salt, now = self._tree.size, self._entropy(32), self._clock()
            commitment = hashlib.sha256(salt + told.encode("ascii")).hexdigest()
            line = json.dumps(
                {"n": number, "at": rfc3339(now), "event": event, "commitment": commitment},
                separators=(",", ":"),
                ensure_ascii=True,
            ).encode("ascii")
            row = {"log": self.origin, "n": number, "tenant": tenant, "salt": salt, "record": told}
            mine = sa.and_(RECORD.c.log == self.origin, RECORD.c.n == number)
            with self._database.writing() as connection:  # what a crash left under this number was never logged
                connection.execute(sa.delete(RECORD).where(mine))
                connection.execute(sa.insert(RECORD).values(**row, keep_until=milliseconds(now + keep)))
            self._append(self._log, line + b"\n")
            self._tree.add(line)
            if self._tree.size % CHECKPOINT_EVERY == 0:
                self._checkpoint()
        return number

    def checkpoint(self) -> str:
        """Sign the log as it is: a note that somebody else may keep. Raises StoreError."""
        with self._lock:
            return self._checkpoint()

    def reveal(self, number: int) -> tuple[bytes, str] | None:
        """Salt and record of an event, which open its commitment; None once they are erased. Raises StoreError."""
        wanted = sa.select(RECORD.c.salt, RECORD.c.record).where(RECORD.c.log == self.origin, RECORD.c.n == number)
        with self._database.reading() as connection:
            row = connection.execute(wanted).first()
        return None if row is None else (bytes(row[0]), str(row[1]))

    def forget(self, *, tenant: str | None = None) -> int:
        """Erase what is behind events whose time is over, or behind all of a tenant; how many. The log stays."""
        late = RECORD.c.keep_until < milliseconds(self._clock())
        with self._database.writing() as connection:
            gone = sa.delete(RECORD).where(late if tenant is None else RECORD.c.tenant == tenant)
            return int(connection.execute(gone).rowcount)

    def close(self) -> None:
        """Sign what is there and let go of the files."""
        with self._lock:
            if self._log < 0:
                return
            if self._tree.size:
                self._checkpoint()
            os.close(self._notes)
            os.close(self._log)
            self._log = -1

    def _take(self) -> None:
        """Become the one writer."""
        try:
            fcntl.flock(self._log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._log)
            raise StoreError("audit.busy", "another process writes the audit log") from None

    def _recovered(self) -> "_Tree":
        """The tree of the lines in the log; a torn last line is cut off, for nobody was told that it is there."""
        tree, whole = _Tree(), 0
        with open(self._log, "rb", closefd=False) as file:
            file.seek(0)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                whole += len(line)
                tree.add(line[:-1])
        os.ftruncate(self._log, whole)
        notes = os.pread(self._notes, os.fstat(self._notes).st_size, 0)
        os.ftruncate(self._notes, notes.rfind(b"\n\n\n") + 3 if b"\n\n\n" in notes else 0)
        return tree

    def _require_last_checkpoint(self) -> None:
        """Raise StoreError where the log no longer holds what was signed last: going on would sign the damage."""
        notes = os.pread(self._notes, os.fstat(self._notes).st_size, 0).decode("ascii", "replace")
        last = notes.rstrip("\n").rpartition("\n\n\n")[2].split("\n")
        if last == [""]:
            return
        size = int(last[1]) if len(last) > 2 and last[1].isdecimal() else -1
        tree = _Tree()
        with (self._folder / "audit.log").open("rb") as file:
            for line in file:
                if tree.size == size:
                    break
                tree.add(line.rstrip(b"\n"))
        if tree.size != size or base64.b64encode(tree.root()).decode("ascii") != last[2]:
            os.close(self._notes)
            os.close(self._log)
            raise StoreError("audit.damaged", "the audit log is not what its last checkpoint signed")

    def _checkpoint(self) -> str:
        root = base64.b64encode(self._tree.root()).decode("ascii")
        body = f"{self.origin}\n{self._tree.size}\n{root}\n{rfc3339(self._clock())}\n"
        mark = base64.b64encode(bytes.fromhex(self._key_id()) + self._key.sign(body.encode("ascii"))).decode("ascii")
        note = f"{body}\n— {self.origin} {mark}\n"
        self._append(self._notes, note.encode("utf-8") + b"\n\n")
        return note

    def _append(self, descriptor: int, data: bytes) -> None:
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError("short write")
            os.fsync(descriptor)
        except OSError as error:
            raise StoreError("audit.failed", "the audit log cannot be written") from error

    def _key_id(self) -> str:
        public = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return hashlib.sha256(b"waarmerk.audit\n\x01" + public).hexdigest()[:8]


class _Tree:
    """The head of a Merkle tree that only grows: the roots of its whole subtrees, largest first."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Add one leaf (RFC 6962, 2.1: leaves are hashed with 0x00, nodes with 0x01)."""
        node, count = hashlib.sha256(b"\x00" + leaf).digest(), self.size
        while count & 1:
            node = hashlib.sha256(b"\x01" + self._peaks.pop() + node).digest()
            count >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The hash of the whole tree; of none, that of nothing."""
        if not self._peaks:
            return hashlib.sha256(b"").digest()
        node = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            node = hashlib.sha256(b"\x01" + peak + node).digest()
        return node


def _signing_key(folder: Path) -> Ed25519PrivateKey:
    """The key of the log, 32 bytes in ``audit.key``; the public half beside it in hexadecimal."""
    path = folder / "audit.key"
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(made, "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()))
            file.flush()
            os.fsync(file.fileno())
    if path.stat().st_mode & 0o077:
        raise StoreError("audit.key", "audit.key is readable by others; chmod 600 it")
    try:
        key = Ed25519PrivateKey.from_private_bytes(path.read_bytes())
    except ValueError as error:
        raise StoreError("audit.key", "audit.key is no key of an audit log") from error
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    (folder / "audit.pub").write_text(public.hex() + "\n", "ascii")
    return key
