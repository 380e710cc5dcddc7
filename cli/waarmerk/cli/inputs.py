# SPDX-License-Identifier: Apache-2.0
"""Which files are meant: names, folders, standard input, lists of names."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click

MAX_STANDARD_INPUT_BYTES = 512 * 2**20
_PIECE_BYTES = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One file to examine. ``chosen`` is False for a file met in a folder: there, unsupported ones are skipped."""

    path: Path
    named: bool = True
    chosen: bool = True


def gather(names: Sequence[str], *, recursive: bool, spool: Path) -> Iterator[Input]:
    """The inputs behind ``names``, lazily and in order; a folder's files sorted by name, hidden ones left out."""
    for name in names:
        if name == "-":
            yield Input(path=_spooled(spool), named=False)
        elif Path(name).is_dir():
            yield from (Input(path=path, chosen=False) for path in _files_of(Path(name), recursive=recursive))
        else:
            yield Input(path=Path(name))


def _files_of(folder: Path, *, recursive: bool) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if recursive else []
        yield from (Path(here, name) for name in sorted(files) if not name.startswith("."))


def _spooled(spool: Path) -> Path:
    """Standard input as a file in ``spool``. Raises UsageError where it is larger than any file may be."""
    path = spool / "standard-input"
    left = MAX_STANDARD_INPUT_BYTES
    with path.open("xb") as copy:
        while piece := sys.stdin.buffer.read(_PIECE_BYTES):
            left -= len(piece)
            if left < 0:
                raise click.UsageError("standard input is larger than 512 MiB")
            copy.write(piece)
    return path


@contextmanager
def spool_folder() -> Iterator[Path]:
    """A private folder for copies of standard input, gone at the end."""
    with TemporaryDirectory(prefix="waarmerk-spool-") as folder:
        yield Path(folder)


def read_list(source: str | None, *, nul: bool) -> list[str]:
    """The names in the file ``source`` (``-``: standard input), a line or a NUL each. Raises UsageError."""
    if source is None:
        return []
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise click.UsageError(f"--files-from {source}: {error.strerror}") from error
    parts: Iterable[bytes] = data.split(b"\0") if nul else data.splitlines()
    return [os.fsdecode(part) for part in parts if part]


def all_names(inputs: Sequence[str], files_from: str | None, *, nul: bool) -> list[str]:
    """The names given and the names listed. Raises UsageError where there is none, or input is asked for twice."""
    if [*inputs, files_from].count("-") > 1:
        raise click.UsageError("standard input can be read only once")
    names = [*inputs, *read_list(files_from, nul=nul)]
    if not names and files_from is None:
        raise click.UsageError("nothing to examine: name a file, a folder, or - for standard input")
    return names
