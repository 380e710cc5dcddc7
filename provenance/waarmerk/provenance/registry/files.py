# SPDX-License-Identifier: Apache-2.0
"""Bytes beside the database, each under its own digest: manifest stores and the small pictures compared with."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import write_file


class Files:
    """A folder of files named by their sha256. What is there is whole; what was changed is not given out."""

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
            write_file(path, data, verify=lambda _: None, force=True)
            path.chmod(0o600)
        return digest

    def get(self, digest: bytes, *, max_bytes: int) -> bytes:
        """The bytes with this digest. Raises StoreError where they are missing, changed or too many."""
        try:
            with self._path(digest).open("rb") as stream:
                data = stream.read(max_bytes + 1)
        except OSError as error:
            raise StoreError("registry.damaged", "a file of the registry is missing") from error
        if len(data) > max_bytes or hashlib.sha256(data).digest() != digest:
            raise StoreError("registry.damaged", "a file of the registry was changed")
        return data

    def drop_all_but(self, kept: Iterable[bytes]) -> int:
        """Take away what no entry refers to, for instance after a killed writer; how many."""
        wanted, dropped = {digest.hex() for digest in kept}, 0
        for path in self._folder.glob("??/*"):
            if path.parent.name + path.name not in wanted:
                path.unlink(missing_ok=True)
                dropped += 1
        return dropped

    def drop(self, digest: bytes) -> None:
        """Take one file away, there or not."""
        self._path(digest).unlink(missing_ok=True)

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name[2:]
