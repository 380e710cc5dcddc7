# SPDX-License-Identifier: Apache-2.0
"""Write a file so that at every moment the old one or the complete new one is there, never anything between.

A temporary file in the target's folder, written, synchronised, verified by reading it again, then moved into place.
A process that dies leaves at most one temporary file, and the next writer in that folder takes it away: a file that
somebody is still writing holds a lock, so one without a lock is left over.
"""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from waarmerk.provenance.errors import ConfigurationError, StoreError

PREFIX, SUFFIX = ".waarmerk-", ".tmp"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)  # file systems without hard links


def write_file(
    target: Path, data: bytes, *, verify: Callable[[Path], None], source: Path | None = None, force: bool = False
) -> None:
    """Write ``data`` to ``target``.

    ``verify`` is given the path of the synchronised temporary file and raises whatever speaks against it; then nothing
    was changed. The new file has the mode of the one it replaces, else of ``source``. Without ``force`` nothing is ever
    replaced, not even a file that appears in the last moment.

    Raises ConfigurationError (``write.exists``, ``write.same-file``, ``write.symlink``, ``write.not-a-file``,
    ``write.no-folder``) and StoreError (``write.failed``) where the machine does not let us.
    """
    require_target(target, source=source, force=force)
    mode = _mode(target, source)
    try:
        sweep(target.parent)
        with _temporary(target.parent) as (descriptor, path):
            _fill(descriptor, data, mode)
            verify(path)
            require_target(target, source=source, force=force)  # a check of minutes ago is none
            _move(path, target, force=force)
        _synchronise_folder(target.parent)
    except OSError as error:
        raise StoreError("write.failed", f"{target.name} was not written: {error.strerror or error}") from error


def require_target(target: Path, *, source: Path | None, force: bool) -> None:
    """Raise ConfigurationError where ``target`` may not be written. Nothing is touched."""
    if not target.parent.is_dir():
        raise ConfigurationError("write.no-folder", f"there is no folder {target.parent}")
    try:
        seen = target.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError("write.failed", f"{target}: {error.strerror}") from error
    if source is not None and target.exists() and target.samefile(source):
        raise ConfigurationError("write.same-file", f"{target} is the input itself; name another output")
    if stat.S_ISLNK(seen.st_mode):
        raise ConfigurationError("write.symlink", f"{target} is a symbolic link; name the file itself")
    if not stat.S_ISREG(seen.st_mode):
        raise ConfigurationError("write.not-a-file", f"{target} is not a regular file")
    if not force:
        raise ConfigurationError("write.exists", f"{target} is there already; --force replaces it")


def sweep(folder: Path) -> int:
    """Take away temporary files of ours that nobody writes any more; returns how many."""
    swept = 0
    for path in folder.glob(f"{PREFIX}*{SUFFIX}"):
        with suppress(OSError):  # another sweep was faster, or it is not ours to open
            swept += _take_away(path)
    return swept


def _take_away(path: Path) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode) or seen.st_uid != os.geteuid():
            return False
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
        return True
    finally:
        os.close(descriptor)


def _mode(target: Path, source: Path | None) -> int | None:
    """The permissions of the file that is replaced, else of the source; None for those of any new file."""
    for path in (target, source):
        if path is not None:
            with suppress(OSError):
                return stat.S_IMODE(path.stat().st_mode) & 0o777
    return None


@contextmanager
def _temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """A new, locked file in ``folder``; gone at the end unless it was moved."""
    while True:
        path = folder / f"{PREFIX}{secrets.token_hex(8)}{SUFFIX}"
        descriptor = os.open(path, _NEW_FILE, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if os.fstat(descriptor).st_nlink:  # else a sweep came between the two lines above
                try:
                    yield descriptor, path
                finally:
                    with suppress(FileNotFoundError):
                        path.unlink()
                return
        finally:
            os.close(descriptor)


def _fill(descriptor: int, data: bytes, mode: int | None) -> None:
    if mode is not None:
        os.fchmod(descriptor, mode)
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def _move(path: Path, target: Path, *, force: bool) -> None:
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


def _synchronise_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
