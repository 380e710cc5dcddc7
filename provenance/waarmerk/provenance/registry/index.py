# SPDX-License-Identifier: Apache-2.0
"""Exact search for hashes within a Hamming distance.

Nothing is approximated: below some fifty million hashes an exact search of flat rows is fast enough, and an
approximate one forgets a tenth of what it should find. Rows live in shards, files of numpy that are mapped into
memory, and in a tail that is held; the database keeps the truth, and shards are rebuilt from it.
"""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.media.write import write_file

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int64]
SHARD_ROWS = 1 << 18  # hashes of 64 bits: 4 MiB with their owners
_SELECTIVE = 20  # bits of a word of 64 that fewer than two random rows in a thousand stay within
_BLOCK = 1 << 16  # rows compared at once: half a megabyte a word stays in the cache


class Hit(NamedTuple):
    """One row within the distance: whose hash it is, which query found it, and how far apart they are, in bits."""

    owner: int
    query: int
    distance: int


class Rows(NamedTuple):
    """N hashes of W words each, and the number of the entry that each belongs to."""

    words: Words
    owners: Numbers


def rows(hashes: Sequence[bytes], owners: Sequence[int], *, hash_bytes: int) -> Rows:
    """Rows of ``hashes``, all ``hash_bytes`` long (a multiple of 8). Raises ValueError for another length."""
    if hash_bytes % 8 or any(len(each) != hash_bytes for each in hashes):
        raise ValueError(f"a hash has {hash_bytes} bytes, a multiple of 8")
    words = np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, hash_bytes // 8)
    return Rows(words, np.asarray(owners, np.int64))


def search(parts: Sequence[Rows], queries: Bytes, *, max_distance: int) -> Iterator[Hit]:
    """All rows of ``parts`` within ``max_distance`` bits of one of ``queries`` (Q x bytes), part by part."""
    asked = np.ascontiguousarray(queries).view(np.uint64)
    for part in parts:
        for start in range(0, len(part.owners), _BLOCK):
            block = part.words[start : start + _BLOCK]
            for number, query in enumerate(asked):
                for row, apart in _within(block, query, max_distance):
                    yield Hit(int(part.owners[start + row]), number, apart)


def _within(block: Words, query: Words, max_distance: int) -> Iterator[tuple[int, int]]:
    """Rows of ``block`` (N x W) near ``query`` (W), with their distance.

    Where the distance is far below half a word, the first word alone rules nearly all rows out: none is within the
    distance as a whole whose first word is not.
    """
    apart = np.bitwise_count(block[:, 0] ^ query[0]).astype(np.uint16)
    if max_distance > _SELECTIVE:
        for word in range(1, len(query)):
            apart += np.bitwise_count(block[:, word] ^ query[word])
        near = np.flatnonzero(apart <= max_distance)
        yield from zip(near.tolist(), apart[near].tolist(), strict=True)
        return
    for row in np.flatnonzero(apart <= max_distance).tolist():
        whole = int(np.bitwise_count(block[row] ^ query).sum(dtype=np.int64))
        if whole <= max_distance:
            yield row, whole


class Shards:
    """Full parts of one kind of hash on disk, each written once: ``KIND-LAST.npz`` ends with row ``LAST``."""

    def __init__(self, folder: Path, kind: str) -> None:
        self._folder = folder
        self._kind = kind

    def files(self) -> list[tuple[int, Path]]:
        """The shards there are, each with the number of its last row, in order."""
        found = self._folder.glob(f"{self._kind}-*.words.npy")
        return sorted((int(path.name.split("-")[1].split(".")[0]), path) for path in found)

    def load(self) -> tuple[int, list[Rows]]:
        """The last row in a shard (0 without any), and the shards, mapped. Raises StoreError for damaged ones."""
        files = self.files()
        try:
            parts = [Rows(np.load(path, mmap_mode="r"), np.load(_owners_of(path), mmap_mode="r")) for _, path in files]
        except (OSError, ValueError) as error:
            raise StoreError(
                "registry.damaged", "a shard of the index is damaged; remove the folder index, it is made anew"
            ) from error
        if any(len(part.words) != len(part.owners) for part in parts):
            raise StoreError(
                "registry.damaged", "a shard of the index is damaged; remove the folder index, it is made anew"
            )
        return (files[-1][0] if files else 0), parts

    def seal(self, last: int, part: Rows) -> None:
        """Write a shard that ends with row ``last``; the words last, so that it is whole once it can be seen."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self._folder / f"{self._kind}-{last}.words.npy"
        for target, array in ((_owners_of(path), part.owners), (path, part.words)):
            data = io.BytesIO()
            np.save(data, array)
            write_file(target, data.getvalue(), verify=lambda _: None, force=True)

    def forget(self) -> None:
        """Take all shards away: what was erased must not live on in them. They are made anew from the database."""
        for _, path in self.files():
            path.unlink(missing_ok=True)
            _owners_of(path).unlink(missing_ok=True)


def _owners_of(path: Path) -> Path:
    return path.with_name(path.name.replace(".words.", ".owners."))
