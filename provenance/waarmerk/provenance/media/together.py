# SPDX-License-Identifier: Apache-2.0
"""Several files of one folder that appear together: a picture and the sidecar without which it says less.

No system moves two files at once. So a journal says what is about to be moved before anything is; a process that
dies in between leaves it, and the next writer in the folder completes the move, or puts the old files back where that
cannot be done any more. While the process lives, a move that fails is undone by itself.
"""

import json
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from waarmerk.provenance.media.staging import (
    JOURNAL_SUFFIX,
    PREFIX,
    abandoned,
    fill,
    journal_path,
    move,
    synchronise_folder,
    temporary,
    temporary_path,
)

_MAX_JOURNAL = 1 << 16
_BACKUP_SUFFIX = ".old"

Identity = tuple[int, int, int]  # inode, time of the last change in ns, bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One file on its way. ``new`` is the inode of the temporary file, ``old`` what stands at the target before."""

    temporary: Path
    target: Path
    backup: Path
    new: int
    old: Identity | None

    @property
    def is_done(self) -> bool:
        """Whether the new file stands at the target."""
        found = _identity(self.target)
        return found is not None and found[0] == self.new

    @property
    def is_possible(self) -> bool:
        """Whether the new file waits and the target is as it was."""
        found = _identity(self.temporary)
        return found is not None and found[0] == self.new and _identity(self.target) == self.old

    @property
    def is_past(self) -> bool:
        """Whether it was done, whatever somebody made of the target since."""
        return self.is_done or (_identity(self.temporary) is None and _identity(self.target) != self.old)

    def do(self) -> None:
        """Keep what is there and move. Raises OSError."""
        if self.old is not None:
            _keep(self.target, self.backup)
        move(self.temporary, self.target, force=self.old is not None)

    def undo(self) -> None:
        """Put back what was there; nothing where the target is neither gone nor ours. Raises OSError."""
        if not self.is_done and _identity(self.target) is not None:
            return
        if self.old is not None and self.backup.exists():
            os.replace(self.backup, self.target)  # noqa: PTH105 - named as the tests count it
        elif self.old is None:
            self.target.unlink(missing_ok=True)


def moves_of(folder: Path, name: str, targets: Sequence[Path]) -> tuple[Move, ...]:
    """The moves of the writing ``name``, whose temporary files are there. Raises OSError."""
    waiting = [(temporary_path(folder, name, number), target) for number, target in enumerate(targets)]
    return tuple(_move(path, target, path.stat().st_ino, _identity(target)) for path, target in waiting)


def move_together(folder: Path, name: str, moves: Sequence[Move]) -> None:
    """Move all of them, the last one last; where one fails, undo the others.

    Raises what failed. Where undoing fails too, the journal stays: the next writer in the folder ends it.
    """
    journal, draft = journal_path(folder, name), temporary_path(folder, name, len(moves))
    with temporary(draft) as descriptor:
        fill(descriptor, _written(moves), 0o600)
        os.replace(draft, journal)  # noqa: PTH105 - named as the tests count it; the lock goes along
        try:
            synchronise_folder(folder)
            for each in moves:
                each.do()
        except BaseException:
            if not all(each.is_done for each in moves):
                for each in reversed(moves):
                    each.undo()
            _tidy(journal, moves)
            raise
        with suppress(OSError):  # moved they are; the caller says whether that is certain
            synchronise_folder(folder)
        _tidy(journal, moves)


def complete(folder: Path) -> int:
    """End what killed writers had begun to move in ``folder``; returns how many of them there were."""
    ended = 0
    for journal in folder.glob(f"{PREFIX}*{JOURNAL_SUFFIX}"):
        with suppress(OSError), abandoned(journal) as descriptor:  # another was faster, or it is not ours to open
            if descriptor is not None:
                _end(journal, _read(journal, os.read(descriptor, _MAX_JOURNAL)))
                ended += 1
    return ended


def _end(journal: Path, moves: Sequence[Move]) -> None:
    if all(each.is_past or each.is_possible for each in moves):
        for each in moves:
            if not each.is_past:
                each.do()
    else:
        for each in reversed(moves):
            each.undo()
    synchronise_folder(journal.parent)
    for each in moves:
        with suppress(OSError):
            each.temporary.unlink()
    _tidy(journal, moves)


def _tidy(journal: Path, moves: Sequence[Move]) -> None:
    """Take the kept files and then the journal away; what stays is found by the next writer."""
    with suppress(OSError):
        for each in moves:
            each.backup.unlink(missing_ok=True)
        journal.unlink()


def _keep(target: Path, backup: Path) -> None:
    try:
        os.link(target, backup, follow_symlinks=False)
    except FileExistsError:
        return  # kept before the writer died
    except OSError:  # a file system without hard links
        shutil.copy2(target, backup)


def _identity(path: Path) -> Identity | None:
    try:
        seen = path.lstat()
    except FileNotFoundError:
        return None
    return seen.st_ino, seen.st_mtime_ns, seen.st_size


def _move(temporary: Path, target: Path, new: int, old: Identity | None) -> Move:
    return Move(temporary=temporary, target=target, backup=temporary.with_suffix(_BACKUP_SUFFIX), new=new, old=old)


def _written(moves: Sequence[Move]) -> bytes:
    rows = [{"target": each.target.name, "new": each.new, "old": each.old} for each in moves]
    return json.dumps({"format": "waarmerk.moves/1", "moves": rows}).encode("ascii")


def _read(journal: Path, data: bytes) -> tuple[Move, ...]:
    """The moves that a journal names, all within its folder; none where it is damaged."""
    folder, name = journal.parent, journal.name.removeprefix(PREFIX).removesuffix(JOURNAL_SUFFIX)
    try:
        rows = json.loads(data)["moves"]
        waiting = [(temporary_path(folder, name, number), row) for number, row in enumerate(rows)]
        return tuple(_move(path, folder / _plain(row["target"]), int(row["new"]), _old(row)) for path, row in waiting)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ()


def _plain(name: Any) -> str:
    if not isinstance(name, str) or Path(name).name != name or name.startswith(PREFIX):
        raise ValueError("no name of a file in this folder")
    return name


def _old(row: Any) -> Identity | None:
    if row["old"] is None:
        return None
    inode, changed, size = row["old"]
    return int(inode), int(changed), int(size)
