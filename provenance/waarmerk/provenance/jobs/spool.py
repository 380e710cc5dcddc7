# SPDX-License-Identifier: Apache-2.0
"""Nothing stays behind: bytes without a name on their way to a worker, and an empty folder for workers to stand in."""

import contextlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile, gettempdir, mkdtemp
from types import TracebackType
from typing import IO, Self

from waarmerk.provenance.jobs.tray import TRAY_BYTES, has_trays

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


class Spooled:
    """Bytes on their way to a worker: what fits into a tray (``tray.py``) stays in memory, as long as there is room for
    it, all else goes into a file without a name. Both last as long as the block.
    """

    def __init__(self, *, has_room: Callable[[], bool]) -> None:
        """``has_room``: whether memory may be taken; asked with every piece."""
        self._has_room = has_room
        self._memory: BytesIO | None = BytesIO() if has_trays() else None
        self._file: tuple[IO[bytes], Path] | None = None
        self._held = ExitStack()
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with suppress(OSError):  # what could not be written is thrown away as well
            self._held.close()

    def write(self, piece: bytes) -> None:
        """Add a piece. Raises OSError where the disk is full, or ``flush`` does."""
        if self._memory is not None and self.size + len(piece) <= TRAY_BYTES and self._has_room():
            self._memory.write(piece)
        else:
            self._on_disk()[0].write(piece)
        self.size += len(piece)

    def flush(self) -> None:
        """Have all pieces where others find them. Raises OSError where the disk is full."""
        if self._file is not None:
            self._file[0].flush()

    @property
    def in_memory(self) -> memoryview | None:
        """All of it, None where it lies in a file."""
        return None if self._memory is None else self._memory.getbuffer()

    def head(self, size: int) -> bytes:
        """The first ``size`` bytes."""
        if (data := self.in_memory) is not None:
            return bytes(data[:size])
        with self.path.open("rb") as file:
            return file.read(size)

    @property
    def path(self) -> Path:
        """Where this process and its workers open it, from now on a file. Raises OSError where the disk is full."""
        path = self._on_disk()[1]
        self.flush()
        return path

    def _on_disk(self) -> tuple[IO[bytes], Path]:
        if self._file is None:
            with ExitStack() as unless_written:
                made = unless_written.enter_context(nameless_file())
                if self._memory is not None:
                    made[0].write(self._memory.getbuffer())
                    made[0].flush()
                self._held.push(unless_written.pop_all())
            self._file, self._memory = made, None
        return self._file


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
