# SPDX-License-Identifier: Apache-2.0
"""Nothing stays behind: bytes without a name on their way to a worker, and an empty folder for workers to stand in."""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile, gettempdir, mkdtemp
from typing import IO

_PREFIX, _WORK = "waarmerk-empty-", "waarmerk-work-"


@contextmanager
def nameless_file() -> Iterator[tuple[IO[bytes], Path]]:
    """A private file that no folder lists, and the path under which this process opens it while it lasts.

    On Linux the file has no name from the start, so that even a killed process leaves nothing behind
    (``proc_pid_fd(5)``); a worker is handed it, opened to be read. Elsewhere it has a name until the end of the block.
    """
    if sys.platform == "linux":
        with _without_name() as copy:
            yield copy, _path(copy)
    else:
        with NamedTemporaryFile(prefix="waarmerk-") as named:
            yield named, Path(named.name)


def _without_name() -> IO[bytes]:
    """``TemporaryFile`` tries names and modes first, which takes ten times as long as opening the file."""
    try:
        file = os.open(gettempdir(), os.O_RDWR | os.O_TMPFILE | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError:  # a file system without such files, or one that is full, which it will say again
        return TemporaryFile()
    return os.fdopen(file, "w+b")


def is_nameless(path: str) -> bool:
    """Whether this is such a path of this process; others have to be handed the file itself (``jobs/line.py``)."""
    return path.startswith(_ours())


def _path(file: IO[bytes]) -> Path:
    return Path(f"{_ours()}{file.fileno()}")


def _ours() -> str:
    return f"/proc/{os.getpid()}/fd/"


def empty_folder() -> Path:
    """A new empty folder; those that killed processes of ours left behind are taken away first.

    Raises OSError where no temporary folder can be written.
    """
    for old in Path(gettempdir()).glob(f"{_PREFIX}*"):
        owner = old.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdecimal() and not _lives(int(owner)):
            with contextlib.suppress(OSError):
                old.rmdir()
    return Path(mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


@contextmanager
def private_folder(place: Path | None = None) -> Iterator[Path]:
    """A folder for one piece of work, gone with all that is in it afterwards.

    Those of killed processes go first; not in ``place``, which other hosts may share, whose processes nobody here knows
    (``keep.Keep.sweep`` goes by age). Raises OSError where nothing can be written there.
    """
    for old in Path(gettempdir()).glob(f"{_WORK}*") if place is None else ():
        owner = old.name.removeprefix(_WORK).partition("-")[0]
        if owner.isdecimal() and not _lives(int(owner)):
            shutil.rmtree(old, ignore_errors=True)
    made = Path(mkdtemp(prefix=f"{_WORK}{os.getpid()}-", dir=place))
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
