# SPDX-License-Identifier: Apache-2.0
"""Write files so that at every moment the old one or the complete new one is there, never anything between.

A temporary file in the target's folder, written, synchronised, verified by reading it again, then moved into place.
A process that dies leaves at most files of our own prefix, and the next writer in that folder takes them away.
"""

import os
import stat
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.media.content import Content
from waarmerk.provenance.media.staging import (
    PREFIX,
    SUFFIX,
    fill,
    mode_of,
    move,
    sweep_temporary,
    synchronise_folder,
    temporary,
    temporary_path,
    token,
)
from waarmerk.provenance.media.together import Move, complete, move_together, moves_of

__all__ = [
    "PREFIX",
    "SUFFIX",
    "Piece",
    "Uncertain",
    "require_room",
    "require_target",
    "sweep",
    "write_file",
    "write_together",
]


class Uncertain(StoreError):
    """Everything was written and stands in place, but the machine does not say that it would survive a power cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One file to write.

    ``verify`` is given the path of the synchronised temporary file and raises whatever speaks against it.
    """

    target: Path
    data: bytes | Content = field(repr=False)
    verify: Callable[[Path], None]


def _nothing() -> None:
    """Nobody has to be told."""


def write_file(
    target: Path,
    data: bytes | Content,
    *,
    verify: Callable[[Path], None],
    source: Path | None = None,
    force: bool = False,
    tidy: bool = True,
) -> None:
    """Write ``data`` to ``target``; see ``write_together``."""
    write_together((Piece(target=target, data=data, verify=verify),), source=source, force=force, tidy=tidy)


def write_together(
    pieces: Sequence[Piece],
    *,
    source: Path | None = None,
    force: bool = False,
    before: Callable[[], None] = _nothing,
    undone: Callable[[], None] = _nothing,
    tidy: bool = True,
) -> None:
    """Write files of one folder, all or none.

    ``before`` is called when all are verified, a moment before they are moved; ``undone`` where after that none of
    them came to stand. A new file has the mode of any new file, one that replaces another has that one's. Without
    ``force`` nothing is ever replaced, not even a file that appears in the last moment.

    Without ``tidy`` what killed writers left in the folder is the caller's to ``sweep``: that reads the whole folder.

    Raises ConfigurationError (``write.exists``, ``write.same-file``, ``write.symlink``, ``write.not-a-file``,
    ``write.no-folder``), StoreError (``write.failed``) where the machine does not let us and all is as it was,
    Uncertain (``write.uncertain``) where all stands there but the folder could not be synchronised, and StoreError
    (``write.half``) where some could neither be moved nor taken back; the next writer in the folder does that.
    """
    folder = pieces[0].target.parent
    if any(piece.target.parent != folder for piece in pieces):
        raise ValueError("files that appear together stand in one folder")
    _require(pieces, source, force=force)
    name = " + ".join(piece.target.name for piece in pieces)
    try:
        if tidy:
            sweep(folder)
        _write(pieces, folder, source, force=force, before=before, undone=undone)
    except OSError as error:
        raise StoreError("write.failed", f"{name} was not written: {error.strerror or error}") from error
    try:
        synchronise_folder(folder)
    except OSError as error:
        raise Uncertain(
            "write.uncertain",
            f"{name} was written and is there, but it is not certain that it would survive a power cut: "
            f"{error.strerror or error}",
        ) from error


def _write(
    pieces: Sequence[Piece],
    folder: Path,
    source: Path | None,
    *,
    force: bool,
    before: Callable[[], None],
    undone: Callable[[], None],
) -> None:
    name, told = token(), False
    moves: tuple[Move, ...] = ()
    try:
        with ExitStack() as stack:
            for number, piece in enumerate(pieces):
                path = temporary_path(folder, name, number)
                fill(stack.enter_context(temporary(path)), piece.data, mode_of(piece.target))
                piece.verify(path)
            moves = moves_of(folder, name, [piece.target for piece in pieces])
            told = True
            before()
            _require(pieces, source, force=force)  # a check of minutes ago is none
            if len(moves) == 1:
                move(moves[0].temporary, moves[0].target, force=force)
            else:
                move_together(folder, name, moves)
    except BaseException as fault:
        if _stand(moves):
            if isinstance(fault, OSError):
                return  # the system complained of what it had done
            raise  # told to end, a moment too late
        if any(each.is_done for each in moves):
            raise StoreError(
                "write.half",
                f"{pieces[0].target.parent}: only some of the files that belong together could be written, and not "
                "taken away again; the next run that writes there puts back what was there before",
            ) from fault
        if told:
            undone()
        raise


def _stand(moves: Sequence[Move]) -> bool:
    return bool(moves) and all(each.is_done for each in moves)


def _require(pieces: Sequence[Piece], source: Path | None, *, force: bool) -> None:
    for piece in pieces:
        require_target(piece.target, source=source, force=force)


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


def require_room(folder: Path, size: int) -> None:
    """Raise StoreError (``write.no-room``) where ``size`` bytes cannot be written to ``folder``, as far as can be seen
    without writing. A folder that is not there is one to be made.
    """
    ground = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not ground.is_dir():
        raise StoreError("write.no-room", f"{ground} is no folder")
    if not os.access(ground, os.W_OK | os.X_OK):
        raise StoreError("write.no-room", f"the folder {ground} may not be written to")
    disk = os.statvfs(ground)
    if disk.f_bavail * disk.f_frsize < size:
        raise StoreError("write.no-room", f"on the disk of {ground} there is no room for {size} bytes")


def sweep(folder: Path) -> int:
    """End what killed writers left in ``folder`` and take their temporary files away; returns how many there were."""
    return complete(folder) + sweep_temporary(folder)
