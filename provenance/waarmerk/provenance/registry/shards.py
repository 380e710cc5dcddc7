# SPDX-License-Identifier: Apache-2.0
"""The index of hashes on disk: shards, files of numpy that are written once and mapped into memory.

The database keeps the truth; shards are made anew from it. What came after the last shard is held as a tail. A shard
that is less than four times those after it becomes one with them: a search goes through few, and a row is written nine
times on average until there are a million (decision 113).
"""

import fcntl
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.staging import (
    move,
    sweep_temporary,
    synchronise_folder,
    temporary,
    temporary_path,
    token,
)
from waarmerk.provenance.registry.hamming import Halves, Rows, halved, layout
from waarmerk.provenance.registry.places import DAMAGED, MOST_ENTRIES, Places, erase, listed, merged

SHARD_ENTRIES = 4000  # a process that starts reads fewer than these from the database
_TIMES = 4  # that a shard is as large as all those after it, or it becomes one with them
_ZEROS = 1 << 20  # bytes that are overwritten at once
_AGAIN = 5  # times that a shard may vanish while it is opened, because it became part of a larger one
_ROWS, _PLACES = ("owners", "halves"), ("owners", "starts", "postings")  # the last one makes a shard seen


class Shard(NamedTuple):
    """Rows of one kind from beyond ``first`` up to ``last``, as the database numbers them."""

    first: int
    last: int

    @property
    def name(self) -> str:
        """How its files begin, after the kind."""
        return f"{self.first}-{self.last}"


class Shards:
    """Parts of one kind of hash on disk: ``KIND-FIRST-LAST.ARRAY.npy``. With ``lists`` they are ``Places``.

    Of flat rows the first halves of all stand together, then the second ones: a search reads the first ones (decision
    113). Earlier versions kept them row by row, in a file of another name: that is not read, and taken away. ``words``
    is how many a flat hash has; a shard with others is damaged. None takes what is there.
    """

    def __init__(self, folder: Path, kind: str, *, lists: bool = False, words: int | None = None) -> None:
        self._folder = folder
        self._kind = kind
        self._words = words
        self._names = _PLACES if lists else _ROWS

    def there(self) -> list[Shard]:
        """The shards that hold all rows together, in order; what became part of a larger one is left out."""
        name = re.compile(rf"{self._kind}-(\d+)-(\d+)\.{self._names[-1]}\.npy")
        seen = [Shard(*map(int, found.groups())) for path in self._files() if (found := name.fullmatch(path.name))]
        chosen: list[Shard] = []
        for shard in sorted(seen, key=lambda each: (each.first, -each.last)):
            if shard.first == (chosen[-1].last if chosen else 0):
                chosen.append(shard)
        return chosen

    @property
    def last(self) -> int:
        """The last row in a shard, 0 without any."""
        return max((each.last for each in self.there()), default=0)

    def load(self) -> tuple[int, list[Halves] | list[Places]]:
        """The last row in a shard (0 without any), and the shards, mapped. Raises StoreError for damaged ones."""
        for again in range(_AGAIN):
            there = self.there()
            with suppress(FileNotFoundError):
                return (there[-1].last if there else 0), [self._mapped(each) for each in there]  # type: ignore[return-value]
            if again and there == self.there():
                break
        raise StoreError("registry.damaged", DAMAGED)

    def seal(self, last: int, part: Rows) -> None:
        """Write a shard that ends with row ``last``, and make one of it and those that are not much larger.

        Where one of these is damaged, all shards go. Raises StoreError.
        """
        there = self.there()
        shard = Shard(there[-1].last if there else 0, last)
        if self._names is _PLACES:
            self._write(shard, {name: [array] for name, array in listed(part)._asdict().items()})
        else:
            self._write_flat(shard, [halved(part)])
        try:
            self._join()
        except (FileNotFoundError, IndexError, ValueError):
            self.forget()
        except StoreError as error:
            if error.code != "registry.damaged":
                raise
            self.forget()

    def erase(self, owners: Sequence[int]) -> None:
        """Overwrite all hashes of these owners. Where a shard is damaged, all go. Nobody else may be writing."""
        try:
            self._overwrite_earlier()
            self.tidy()
            for part in [self._mapped(shard, mode="r+") for shard in self.there()]:
                _erase(part, owners)
        except (OSError, StoreError, IndexError, ValueError):
            self.forget()

    def forget(self) -> None:
        """Take all shards away. They are made anew from the database."""
        for path in self._files():
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Take away what is part of a larger shard, and what a killed writer left. Nobody else may be writing."""
        kept = {f"{self._kind}-{each.name}.{name}.npy" for each in self.there() for name in self._names}
        for path in self._files():
            if path.name not in kept:
                path.unlink(missing_ok=True)

    def _join(self) -> None:
        """Make one shard of the last ones that are not much larger than what comes after them."""
        there = self.there()
        held = [self._mapped(each) for each in there]
        at = joining([len(part.owners) - isinstance(part, Places) for part in held])
        these, parts = there[at:], held[at:]
        if len(these) < 2:
            return
        shard = Shard(these[0].first, these[-1].last)
        places = [part for part in parts if isinstance(part, Places)]
        if places:
            starts, owners, postings = merged(places)
            self._write(shard, {"starts": [starts], "owners": [owners], "postings": postings})
        else:
            self._write_flat(shard, [part for part in parts if isinstance(part, Halves)])
        self.tidy()

    def _overwrite_earlier(self) -> None:
        """What an earlier version kept holds all hashes: it is overwritten whole, before it is taken away."""
        for path in self._files():
            if not path.name.endswith(tuple(f".{name}.npy" for name in self._names)):
                with path.open("r+b") as stream:
                    left = os.fstat(stream.fileno()).st_size
                    while left > 0:
                        left -= stream.write(bytes(min(left, _ZEROS)))
                    stream.flush()
                    os.fsync(stream.fileno())

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"{self._kind}-*.npy")

    def _path(self, shard: Shard, name: str) -> Path:
        return self._folder / f"{self._kind}-{shard.name}.{name}.npy"

    def _write_flat(self, shard: Shard, parts: Sequence[Halves]) -> None:
        halves = len(parts[0].words)
        pieces = [part.words[half] for half in range(halves) for part in parts]
        self._write(shard, {"owners": [part.owners for part in parts], "halves": pieces}, halves=halves)

    def _write(self, shard: Shard, arrays: Mapping[str, Iterable[npt.NDArray[Any]]], *, halves: int = 1) -> None:
        """The array that makes the shard seen comes last, so that it is whole then."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            sweep_temporary(self._folder)
            for name in self._names:
                _write_array(self._path(shard, name), arrays[name], halves=halves if name == "halves" else None)
            synchronise_folder(self._folder)
        except OSError as error:
            raise StoreError("registry.failed", f"the index was not written: {error.strerror or error}") from error

    def _mapped(self, shard: Shard, mode: Literal["r", "r+"] = "r") -> Halves | Places:
        try:
            held = {name: np.load(self._path(shard, name), mmap_mode=mode) for name in self._names}
            if any(array.dtype != (np.uint64 if name == "halves" else np.uint32) for name, array in held.items()):
                raise ValueError("arrays of a shard hold something else")
            if mode == "r":  # the same memory as plain arrays: each look at a mapped one costs a microsecond more
                held = {name: np.asarray(array) for name, array in held.items()}
            part = Places(**held) if self._names is _PLACES else Halves(held["halves"], held["owners"])
            if isinstance(part, Places):
                part.require()
            elif part.words.ndim != 3 or part.words.shape[1] != len(part.owners):
                raise ValueError("arrays of a shard differ in length")
            elif self._words is not None and part.words.shape[::2] != layout(self._words):
                raise ValueError("rows of a shard are of another kind")
        except FileNotFoundError:
            raise
        except (OSError, ValueError) as error:
            raise StoreError("registry.damaged", DAMAGED) from error
        return part


def joining(sizes: Sequence[int]) -> int:
    """From which of shards of so many entries on all should become one; the last one alone stays as it is."""
    at, together = len(sizes) - 1, sizes[-1]
    while at and sizes[at - 1] < _TIMES * together and sizes[at - 1] + together <= MOST_ENTRIES:
        at -= 1
        together += sizes[at]
    return at


@contextmanager
def keeping(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Be the only one that writes the index; yields whether this is so, always where it may ``wait``."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _write_array(target: Path, pieces: Iterable[npt.NDArray[Any]], *, halves: int | None) -> None:
    """A file of numpy from arrays that follow each other in it; a few at a time are in memory.

    With ``halves`` so many arrays of the same length are stacked in it, each of them in pieces.
    """
    with temporary(path := temporary_path(target.parent, token(), 0)) as descriptor:
        with os.fdopen(os.dup(descriptor), "wb") as stream:
            count, shape, kind = 0, tuple[int, ...](), np.dtype(np.uint32)
            _header(stream, (0,), kind)
            for piece in pieces:
                count, shape, kind = count + len(piece), piece.shape, piece.dtype
                stream.write(np.ascontiguousarray(piece).tobytes())
            stream.seek(0)
            stacked = (count,) if halves is None else (halves, count // halves)
            _header(stream, (*stacked, *shape[1:]), kind)
            stream.flush()
            os.fsync(descriptor)
        move(path, target, force=True)


def _header(stream: io.BufferedWriter, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    np.lib.format.write_array_header_1_0(
        stream, {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    )


def _erase(part: Halves | Places, owners: Sequence[int]) -> None:
    if isinstance(part, Places):
        erase(part, owners)
    else:
        gone = np.isin(part.owners, np.asarray(owners, np.uint32))
        part.words[:, gone] = 0
        part.owners[gone] = 0
    for array in part:
        if isinstance(array, np.memmap):
            array.flush()


def extended(parts: list[Rows], part: Rows) -> list[Rows]:
    """``parts`` with one more. Those that are not much larger are joined with it, so they stay few."""
    kept = list(parts)
    while kept and len(kept[-1].words) <= 2 * len(part.words):
        other = kept.pop()
        part = Rows(np.concatenate([other.words, part.words]), np.concatenate([other.owners, part.owners]))
    return [*kept, part]
