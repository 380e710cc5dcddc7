# SPDX-License-Identifier: Apache-2.0
"""The folder in which files of jobs wait: for its owner alone, each file on the disk before it is acknowledged, and
gone when its job is done, or when no job knows it after an hour.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from waarmerk.provenance.errors import ConfigurationError, StoreError

_NAME_BYTES = 16
_UNKNOWN = timedelta(hours=1)
_ID = "spool.id"
_PIECE_BYTES = 2**20


class Keep:
    """One spool folder. ``id`` is its name, the same for all hosts that share it."""

    def __init__(self, folder: Path, *, clock: Callable[[], datetime]) -> None:
        """Make the folder if it is not there. Raises ConfigurationError where others may look into it."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = folder.lstat()
        if not stat.S_ISDIR(state.st_mode) or stat.S_IMODE(state.st_mode) & 0o077 or state.st_uid != os.geteuid():
            raise ConfigurationError("serve.spool", f"{folder.name}: not a folder of mode 700 of this user")
        self.folder = folder
        self._clock = clock
        self.id = self._own_id()

    def put(self, source: IO[bytes] | Path) -> tuple[str, int, bytes]:
        """Copy a file in: its name here, its length and its sha256. Raises StoreError."""
        name, digest, size = secrets.token_hex(_NAME_BYTES), hashlib.sha256(), 0
        path = self.path(name)
        try:
            with contextlib.ExitStack() as stack:
                reading = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
                made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                writing = stack.enter_context(os.fdopen(made, "wb"))
                while piece := reading.read(_PIECE_BYTES):
                    digest.update(piece)
                    writing.write(piece)
                    size += len(piece)
                writing.flush()
                os.fsync(writing.fileno())
            self.synchronise()
        except OSError as error:
            self.drop(name)
            raise StoreError("spool.failed", "the spool cannot be written") from error
        return name, size, digest.digest()

    def path(self, name: str) -> Path:
        """Where the file of this name lies. Raises ValueError for what is no name of ours."""
        if len(name) != 2 * _NAME_BYTES or not set(name) <= set("0123456789abcdef"):
            raise ValueError("not a name in the spool")
        return self.folder / name

    def draft(self) -> Path:
        """Where a file may grow that no job knows yet; one that is left behind is swept."""
        return self.folder / f"{secrets.token_hex(_NAME_BYTES)}.draft"

    def drop(self, name: str) -> None:
        """Take a file away, if it is there."""
        with contextlib.suppress(OSError):
            self.path(name).unlink()

    def sweep(self, known: Collection[str]) -> int:
        """Take away what no job knows; how many files. What is younger than an hour may be about to be known."""
        gone, limit = 0, (self._clock() - _UNKNOWN).timestamp()
        for path in self.folder.iterdir():
            if path.name in known or path.name == _ID:
                continue
            with contextlib.suppress(OSError):
                if path.lstat().st_mtime < limit:
                    path.unlink() if not path.is_dir() else shutil.rmtree(path)
                    gone += 1
        return gone

    def _own_id(self) -> str:
        path = self.folder / _ID
        with contextlib.suppress(FileExistsError):
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(made, "w", encoding="ascii") as file:
                file.write(secrets.token_hex(8))
                file.flush()
                os.fsync(file.fileno())
        found = path.read_text("ascii").strip()
        if not found:
            raise ConfigurationError("serve.spool", f"{_ID} is empty; remove it")
        return found

    def synchronise(self) -> None:
        """Make what was put in here or moved survive a power cut. Raises OSError."""
        descriptor = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
