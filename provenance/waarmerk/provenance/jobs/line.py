# SPDX-License-Identifier: Apache-2.0
"""A line between whoever has tasks and one process that does them: theirs alone, and gone with either.

A worker is handed the other end of each over the socket that is its standard input, so that no two of its children
ever have one in common: what an earlier one wrote or kept open reaches nobody. Sockets, unlike pipes, cannot be opened
anew under ``/proc``.
"""

import os
import socket
from array import array
from contextlib import ExitStack, suppress
from typing import Any

from waarmerk.provenance.jobs.frames import SECONDS_TO_READ, FrameError, await_room, packed, receive, seconds_from_now
from waarmerk.provenance.jobs.spool import Spooled, is_nameless
from waarmerk.provenance.jobs.tray import Tray

_MARK = b"\0"  # what files travel with
_MOST_FILES = 2
_FILES = ("path", "source", "store")  # of a task and of its options


class Line:
    """One end of it, and of the tray in which small files are handed over (None: they travel as the others do)."""

    def __init__(self, end: socket.socket, tray: Tray | None = None) -> None:
        self._end = end
        self._tray = tray
        self._held: list[int] = []

    def fileno(self) -> int:
        """For ``frames.send`` and ``frames.receive``."""
        return self._end.fileno()

    def ask(self, task: dict[str, Any], *, wait: bool = True) -> None:
        """Send a task, and with it files that have no name or are ``Spooled``; one that does not fit in what a socket
        holds is given ``SECONDS_TO_READ`` to be read, or none unless ``wait``.

        Raises ConnectionError where nobody listens any more, BlockingIOError where it is not read, OSError where such
        a file is gone.
        """
        options = dict(task.get("options") or {})
        with ExitStack() as stack:
            files: list[int] = []
            told = task | ({"options": options} if options else {})
            if isinstance(spooled := told.get("path"), Spooled):
                told["path"] = self._laid(spooled)
            for where in (told, options):
                for name in _FILES:
                    if isinstance(path := where.get(name), str) and is_nameless(path):
                        where[name] = {"file": len(files)}
                        files.append(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
                        stack.callback(os.close, files[-1])
            data = memoryview(_MARK + packed(told))
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", files))] if files else []
            until = seconds_from_now(SECONDS_TO_READ if wait else 0)
            while data:
                try:
                    data, rights = data[self._end.sendmsg([data], rights) :], []
                except BlockingIOError:
                    await_room(self.fileno(), until)

    def _laid(self, spooled: Spooled) -> dict[str, int] | str:
        data = spooled.in_memory
        if data is None or self._tray is None:
            return str(spooled.path)
        self._tray.put(data)
        return {"bytes": len(data)}

    def task(self) -> dict[str, Any] | None:
        """The next task, None where there is no other; the files of the last one are closed. ``path`` may be the bytes
        of the file themselves. Raises FrameError.
        """
        while self._held:
            os.close(self._held.pop())
        mark, self._held, _, _ = socket.recv_fds(self._end, len(_MARK), _MOST_FILES)
        told = receive(self.fileno()) if mark else None
        for where in (told or {}, (told or {}).get("options") or {}):
            for name in _FILES:
                match where.get(name):
                    case {"file": int(number)}:
                        where[name] = f"/proc/self/fd/{self._held[number]}"
                    case {"bytes": int(size)}:
                        if self._tray is None:  # it was lost on the way
                            raise FrameError
                        where[name] = self._tray.take(size)
        return told

    def close(self) -> None:
        """Hang up."""
        self._end.close()
        if self._tray is not None:
            self._tray.close()


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends that know each other and have no address: no network. Nobody is held up at the first of them."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def open_line(control: socket.socket) -> Line:
    """A new line to whoever listens at the other end of ``control``; closed from the start where nobody does."""
    (ours, theirs), made = pair(), Tray.made()
    tray, *others = made or (None,)
    with theirs, ExitStack() as handed:
        for each in others:
            handed.callback(os.close, each)
        with suppress(ConnectionError, BlockingIOError):
            socket.send_fds(control, [_MARK], [theirs.fileno(), *others])
    return Line(ours, tray)


def next_line(control: int = 0) -> Line | None:
    """The line that comes next, None where there is no other."""
    end = socket.socket(fileno=control)
    try:
        mark, ends, _, _ = socket.recv_fds(end, len(_MARK), 2)
    except ConnectionError:
        return None
    finally:
        end.detach()
    if not mark or not ends:
        return None
    return Line(socket.socket(fileno=ends[0]), Tray.taken(ends[1]) if len(ends) > 1 else None)
