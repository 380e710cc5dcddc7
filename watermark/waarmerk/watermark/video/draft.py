# SPDX-License-Identifier: Apache-2.0
"""A file that grows under a temporary name and takes its place in one step."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX, SUFFIX = ".waarmerk-", ".tmp"  # swept by whoever writes here next, unless somebody holds the lock


@contextmanager
def temporary(target: Path) -> Iterator[Path]:
    """A new, locked file beside ``target``; gone at the end unless it took its place."""
    path = target.with_name(f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield path
    finally:
        with suppress(FileNotFoundError):
            path.unlink()
        os.close(descriptor)


def place(draft: Path, target: Path, *, force: bool) -> None:
    """Put a finished draft in its place.  Raises FileExistsError unless ``force``, and OSError."""
    with draft.open("rb") as stream:
        os.fsync(stream.fileno())
    if not force and target.exists():
        raise FileExistsError(f"{target.name} is there already")
    draft.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
