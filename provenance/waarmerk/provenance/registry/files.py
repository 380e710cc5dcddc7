# SPDX-License-Identifier: Apache-2.0
"""Bytes beside the rows, each under its own digest: manifest stores and the small pictures compared with.

In a folder, or in the database where that is on a server and no folder is shared. Anything with the methods of
``Bytes`` will do in their place.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import sweep, write_file
from waarmerk.provenance.registry.database import reading, writing
from waarmerk.provenance.registry.schema import BLOB


class Bytes(Protocol):
    """Bytes by their sha256. What is there is whole; what was changed is not given out. All raise StoreError."""

    def put(self, data: bytes) -> bytes:
        """Keep ``data``, durably; its digest."""
        ...

    def get(self, digest: bytes, *, max_bytes: int) -> bytes:
        """The bytes with this digest. Raises StoreError where they are missing, changed or too many."""
        ...

    def drop(self, digests: Iterable[bytes]) -> None:
        """Take these away, there or not."""
        ...

    def since_before(self, moment: datetime) -> Iterator[bytes]:
        """The digests of what was put before ``moment``."""
        ...


class Files:
    """A folder of files named by their sha256, readable by its owner alone."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, data: bytes) -> bytes:
        """Keep ``data``; its digest. Written whole and synchronised before its name is there. Raises StoreError."""
        digest = hashlib.sha256(data).digest()
        path = self._path(digest)
        if not path.exists():
            try:
                path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise StoreError("registry.failed", f"{self._folder.name}: {error.strerror}") from error
            write_file(path, data, verify=lambda _: None, force=True, tidy=False)  # the folder may be large
            path.chmod(0o600)
        return digest

    def get(self, digest: bytes, *, max_bytes: int) -> bytes:
        """The bytes with this digest. Raises StoreError where they are missing, changed or too many."""
        try:
            with self._path(digest).open("rb") as stream:
                data = stream.read(max_bytes + 1)
        except OSError as error:
            raise StoreError("registry.damaged", "a file of the registry is missing") from error
        return _unchanged(data, digest, max_bytes)

    def drop(self, digests: Iterable[bytes]) -> None:
        """Take files away, there or not. Raises StoreError where the machine does not let us."""
        for digest in digests:
            try:
                self._path(digest).unlink(missing_ok=True)
            except OSError as error:
                raise StoreError("registry.not-erased", f"a file was not erased: {error.strerror}") from error

    def since_before(self, moment: datetime) -> Iterator[bytes]:
        """The digests of files that were written before ``moment``; what killed writers left goes on the way."""
        for folder in self._folder.glob("??"):
            sweep(folder)
        for path in self._folder.glob("??/*"):
            name = path.parent.name + path.name
            if len(name) == 64 and path.stat().st_mtime < moment.timestamp():
                yield bytes.fromhex(name)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name[2:]


class Blobs:
    """A table of the database: several hosts then need nothing in common but its address."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def put(self, data: bytes) -> bytes:
        """Keep ``data``; its digest. Raises StoreError."""
        digest = hashlib.sha256(data).digest()
        with writing(self._engine) as connection:
            if connection.execute(sa.select(BLOB.c.sha256).where(BLOB.c.sha256 == digest)).first() is None:
                connection.execute(sa.insert(BLOB).values(sha256=digest, data=data))
        return digest

    def get(self, digest: bytes, *, max_bytes: int) -> bytes:
        """The bytes with this digest. Raises StoreError where they are missing, changed or too many."""
        wanted = sa.select(BLOB.c.data).where(BLOB.c.sha256 == digest, sa.func.length(BLOB.c.data) <= max_bytes)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).scalar()
        if found is None:
            raise StoreError("registry.damaged", "a file of the registry is missing")
        return _unchanged(bytes(found), digest, max_bytes)

    def drop(self, digests: Iterable[bytes]) -> None:
        """Take rows away, there or not. Raises StoreError."""
        chosen = list(digests)
        with writing(self._engine) as connection:
            for at in range(0, len(chosen), 1000):
                connection.execute(sa.delete(BLOB).where(BLOB.c.sha256.in_(chosen[at : at + 1000])))

    def since_before(self, moment: datetime) -> Iterator[bytes]:
        """The digests of rows that were written before ``moment``."""
        with reading(self._engine) as connection:
            found = connection.scalars(sa.select(BLOB.c.sha256).where(BLOB.c.put_at < moment)).all()
        return iter([bytes(each) for each in found])


def _unchanged(data: bytes, digest: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes or hashlib.sha256(data).digest() != digest:
        raise StoreError("registry.damaged", "a file of the registry was changed")
    return data
