# SPDX-License-Identifier: Apache-2.0
"""Key files of the mark: a new one in place of another, which stays beside it. Marks under it are read by it alone."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.media.staging import synchronise_folder
from waarmerk.provenance.media.write import PREFIX, SUFFIX, require_target, sweep
from waarmerk.provenance.report.wording import Wording
from waarmerk.watermark import Key

_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK)  # file systems without hard links


def put_key(key: Key, path: Path, *, force: bool, words: Wording) -> Path | None:
    """Write a new key file; with ``force`` also where one stands, which is then kept. Returns where it is kept.

    Until the new key stands there the old one does, and from before that moment under its other name too.
    Raises ConfigurationError for a place where nothing may be written, StoreError where the machine does not let us.
    """
    if not force and path.is_file() and not path.is_symlink():
        other = next(each for number in count(2) if not os.path.lexists(each := _numbered(path, number)))
        raise ConfigurationError("watermark.key-exists", words.say("watermark", "key-exists", path=path, other=other))
    require_target(path, source=None, force=force)
    try:
        with _alone(path.parent):
            sweep(path.parent)
            if not force:
                key.save(path)
                return None
            draft = path.with_name(f"{PREFIX}{os.urandom(8).hex()}{SUFFIX}")  # swept next time if we die here
            key.save(draft)
            kept = _kept(path) if path.exists() else None
            draft.replace(path)
            synchronise_folder(path.parent)
            return kept
    except OSError as error:
        raise StoreError("write.failed", f"{path.name} was not written: {error.strerror or error}") from error


def _numbered(path: Path, number: int) -> Path:
    return path.with_name(f"{path.stem}-{number}{path.suffix}")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """No other command of ours replaces a key in this folder meanwhile: the one it just made would be kept nowhere."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _kept(path: Path) -> Path:
    """The file under a second name that nothing had, its key id behind its own. Raises OSError, StoreError."""
    old = _key_in(path)
    name = f"{path.name}.{'old' if old is None else old.key_id}"
    for each in chain((path.with_name(name),), (path.with_name(f"{name}.{number}") for number in count(2))):
        if os.path.lexists(each):
            if each.is_file() and not each.is_symlink() and (each.samefile(path) or (old and _key_in(each) == old)):
                return each  # from a command that was ended halfway
            continue
        try:
            os.link(path, each, follow_symlinks=False)  # never replaces anything, and keeps the permissions
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            if old is None:
                raise StoreError("write.failed", f"{path.name} is no key of ours and cannot be kept here") from error
            old.save(each)
        synchronise_folder(path.parent)
        return each
    raise AssertionError("numbers do not end")


def _key_in(path: Path) -> Key | None:
    """The key, None where there is none that can be read: such a file is kept as it is."""
    try:
        return Key.load(path)
    except (OSError, ValueError):
        return None
