# SPDX-License-Identifier: Apache-2.0
"""Files on their way: locked temporary files, the move into place, and what a killed writer left behind.

A file that somebody is still writing holds a lock, so one without a lock is left over.
"""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.media.content import Content

PREFIX, SUFFIX = ".waarmerk-", ".tmp"
JOURNAL_SUFFIX = ".job"  # of ``together.py``
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)  # file systems without hard links


def token() -> str:
    """What the temporary files of one writing have in common."""
    return secrets.token_hex(8)


def temporary_path(folder: Path, name: str, number: int) -> Path:
    """The temporary file of a writing."""
    return folder / f"{PREFIX}{name}-{number}{SUFFIX}"


def journal_path(folder: Path, name: str) -> Path:
    """The journal of a writing."""
    return folder / f"{PREFIX}{name}{JOURNAL_SUFFIX}"


def database_file(path: Path) -> None:
    """Make an empty file for a database, readable by its owner alone, where there is none.

    One that is there is not opened: closing it again would drop the locks that this process holds on it by way of
    SQLite, and others would write into what is open here (sqlite.org/howtocorrupt.html, section 2.2). Raises OSError,
    for a link too.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, _NEW_FILE, 0o600))
    if path.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))


@contextmanager
def temporary(path: Path) -> Iterator[int]:
    """A new, locked file at ``path``; gone at the end unless it was moved. Yields its descriptor."""
    while True:
        descriptor = os.open(path, _NEW_FILE, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else a sweep came between the two lines above
                try:
                    yield descriptor
                finally:
                    with suppress(OSError):
                        path.unlink()
                return
        finally:
            os.close(descriptor)


def fill(descriptor: int, data: bytes | Content, mode: int | None) -> None:
    """Write ``data`` and synchronise; ``mode`` None leaves that of any new file."""
    if mode is not None:
        os.fchmod(descriptor, mode)
    for piece in data.pieces() if isinstance(data, Content) else (data,):
        left = memoryview(piece)
        while left:
            left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def mode_of(path: Path) -> int | None:
    """The permissions of the file that will be replaced, None where there is none."""
    with suppress(OSError):
        return stat.S_IMODE(path.lstat().st_mode) & 0o777
    return None


def move(path: Path, target: Path, *, force: bool) -> None:
    """Put a temporary file in place. Raises OSError; ConfigurationError where ``target`` appeared meanwhile."""
    if force:
        os.replace(path, target)  # noqa: PTH105 - named as the tests count it
        return
    try:
        os.link(path, target, follow_symlinks=False)  # unlike a rename, this never replaces anything
    except FileExistsError as error:
        raise ConfigurationError("write.exists", f"{target} is there already; --force replaces it") from error
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.replace(path, target)  # noqa: PTH105 - its absence was seen a moment ago; there is nothing better here


def synchronise_folder(folder: Path) -> None:
    """Make what was moved in ``folder`` survive a power cut. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def abandoned(path: Path) -> Iterator[int | None]:
    """A descriptor of a file of ours that nobody holds any more, None where it is not ours. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid():
            yield None
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield descriptor
    finally:
        os.close(descriptor)


def sweep_temporary(folder: Path) -> int:
    """Take away temporary files that nobody writes any more and no journal names; returns how many."""
    swept = 0
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        name = path.name.removeprefix(PREFIX).partition("-")[0]
        if journal_path(folder, name).exists():  # whoever holds the journal is moving it into place
            continue
        with suppress(OSError), abandoned(path) as descriptor:  # another sweep was faster, or it is not ours to open
            if descriptor is not None:
                path.unlink()
                swept += 1
    return swept
