# SPDX-License-Identifier: Apache-2.0
"""Which files are meant: names, folders, standard input, lists of names."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO

import click

from waarmerk.provenance.jobs.spool import nameless_file

MAX_STANDARD_INPUT_BYTES = 512 * 2**20
_PIECE_BYTES = 2**20
_LIST_PIECE_BYTES = 2**16
_NO_MEDIA = frozenset({"media.unsupported", "media.empty", "media.not-a-file"})
MAX_NAME_BYTES = 65536  # longer than PATH_MAX anywhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One file to examine. ``chosen`` is False for a file met in a folder: there, unsupported ones are skipped."""

    path: Path
    named: bool = True
    chosen: bool = True

    @property
    def shown_name(self) -> str | None:
        """What a report calls it."""
        return self.path.name if self.named else None


def gather(names: Iterable[str], *, recursive: bool, held: ExitStack) -> Iterator[Input]:
    """The inputs behind ``names``, lazily and in order; a folder's files sorted by name, hidden ones left out.

    Standard input is kept in a file without a name for as long as ``held`` lasts.
    """
    for name in names:
        if name == "-":
            copy, path = held.enter_context(nameless_file())
            _fill(copy)
            yield Input(path=path, named=False)
        elif is_folder(name):
            yield from (Input(path=path, chosen=False) for path in _files_of(Path(name), recursive=recursive))
        else:
            yield Input(path=Path(name))


def passes_over(item: Input, code: str) -> bool:
    """Whether a fault of this code is none of a file met in a folder: it is no media and its name promises none.

    An empty ``photo.jpg`` is a file that somebody misses, not one that lies between the others.
    """
    if item.chosen or code not in _NO_MEDIA:
        return False
    from waarmerk.provenance.media import promises_media  # noqa: PLC0415 - brings the decoders; most runs have no such file

    return code == "media.not-a-file" or not promises_media(item.path.name)


def is_folder(name: str) -> bool:
    """Whether ``name`` is a folder; a name that no file system can hold is none."""
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):
        return False


def is_same_file(path: Path, name: str) -> bool:
    """Whether both are the same file, links followed."""
    try:
        return path.samefile(name)
    except (OSError, ValueError):
        return False


def _files_of(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if recursive else []
        yield from (Path(here, name) for name in sorted(files) if not name.startswith("."))


def _fill(copy: IO[bytes]) -> None:
    """Standard input into ``copy``. Raises UsageError where it is closed or larger than any file may be."""
    left = MAX_STANDARD_INPUT_BYTES
    for piece in iter(lambda: _standard_input().read(_PIECE_BYTES), b""):
        left -= len(piece)
        if left < 0:
            raise click.UsageError("standard input is larger than 512 MiB")
        copy.write(piece)
    copy.flush()


def _standard_input() -> IO[bytes]:
    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    return sys.stdin.buffer


def read_list(source: str, *, nul: bool) -> Iterator[str]:
    """The names in the file ``source`` (``-``: standard input), a line or a NUL each, as they come.

    Raises UsageError where it cannot be read, or a name is longer than any path may be.
    """
    try:
        with ExitStack() as stack:
            stream = _standard_input() if source == "-" else stack.enter_context(Path(source).open("rb"))
            yield from (os.fsdecode(name) for name in _split(stream, b"\0" if nul else b"\n") if name)
    except OSError as error:
        raise click.UsageError(f"--files-from {source}: {error.strerror}") from error


def _split(stream: IO[bytes], end: bytes) -> Iterator[bytes]:
    rest = b""
    while piece := _read_some(stream):
        *names, rest = (rest + piece).split(end)
        yield from (name.removesuffix(b"\r") if end == b"\n" else name for name in names)
        if len(rest) > MAX_NAME_BYTES:
            raise click.UsageError(f"--files-from: a name of more than {MAX_NAME_BYTES} bytes")
    yield rest


def _read_some(stream: IO[bytes]) -> bytes:
    """What is there now, so that a list which grows is worked on while it grows."""
    read1 = getattr(stream, "read1", stream.read)
    data: bytes = read1(_LIST_PIECE_BYTES)
    return data


def all_names(inputs: Sequence[str], files_from: str | None, *, nul: bool) -> Iterable[str]:
    """The names given and the names listed. Raises UsageError where there is none, or input is asked for twice."""
    if [*inputs, files_from].count("-") > 1:
        raise click.UsageError("standard input can be read only once")
    if "" in inputs:
        raise click.UsageError("an empty name is no file; is a variable of the shell empty?")
    if files_from is not None and files_from != "-" and not Path(files_from).exists():
        raise click.UsageError(f"--files-from {files_from}: no such file")
    if not inputs and files_from is None:
        raise click.UsageError("nothing to examine: name a file, a folder, or - for standard input")
    return inputs if files_from is None else chain(inputs, read_list(files_from, nul=nul))
