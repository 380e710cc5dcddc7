# SPDX-License-Identifier: Apache-2.0
"""Exact search of flat rows for hashes within a Hamming distance, by numpy or, where it is installed, by faiss.

Both read the first halves where they lie, mapped or held: no row is within a distance whose first half is not. Of the
few that are left the second halves are read. Both give the same answer (a property test); nothing is approximated.
Owner 0 is nobody: such a row was erased.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Owners = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]
_BLOCK = 1 << 15  # words compared at once: a quarter of a megabyte, thrice, stays in the cache


class Hits(NamedTuple):
    """Rows within the distance: whose hash each is, which query found it, and how far apart they are, in bits."""

    owners: Owners
    queries: Numbers
    distances: Numbers


class Pairs(NamedTuple):
    """Rows of a part and queries, and by how many bits their first halves differ."""

    rows: Numbers
    queries: Numbers
    apart: Numbers


class Rows(NamedTuple):
    """N hashes of W words each, and the number of the entry that each belongs to."""

    words: Words
    owners: Owners


class Halves(NamedTuple):
    """The same, taken apart: ``words`` are 2 x N x W/2, one of single words 1 x N x 1.

    So a search reads half of what there is, from one place.
    """

    words: Words
    owners: Owners


def rows(hashes: Sequence[bytes], owners: Sequence[int], *, hash_bytes: int) -> Rows:
    """Rows of ``hashes``, all ``hash_bytes`` long (a multiple of 8). Raises ValueError for another length."""
    if hash_bytes % 8 or any(len(each) != hash_bytes for each in hashes):
        raise ValueError(f"a hash has {hash_bytes} bytes, a multiple of 8")
    words = np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, hash_bytes // 8)
    return Rows(words, np.asarray(owners, np.uint32))


def halved(part: Rows) -> Halves:
    """The rows of a part taken apart, without a copy."""
    count, words = part.words.shape
    return Halves(part.words.reshape(count, *layout(words)).transpose(1, 0, 2), part.owners)


def layout(words: int) -> tuple[int, int]:
    """In how many halves a hash of so many words is taken apart, and how many words each has."""
    return (1, 1) if words == 1 else (2, words // 2)


def search(parts: Sequence[Rows | Halves], queries: Bytes, *, max_distance: int, plain: bool = False) -> Hits:
    """All rows of ``parts`` within ``max_distance`` bits of one of ``queries`` (Q x bytes), part by part.

    ``plain`` keeps to numpy where faiss is installed.
    """
    asked = np.ascontiguousarray(queries).view(np.uint64)
    held = [part if isinstance(part, Halves) else halved(part) for part in parts if len(part.owners) and len(asked)]
    if not held:
        return Hits(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    faiss = None if plain else _faiss()
    wanted = asked.reshape(len(asked), len(held[0].words), -1)
    bench: _Bench | None = None
    found = [Hits(held[0].owners[:0], np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for part in held:
        first = np.ascontiguousarray(part.words[0])  # those of a shard are
        if faiss is not None:
            near: Iterable[Pairs] = [_by_faiss(faiss, first, wanted[:, 0], max_distance)]
        else:
            bench = bench or _Bench(wanted[:, 0])
            near = bench.near(first, max_distance)
        found += [_whole(part, wanted, pairs, max_distance) for pairs in near]
    return Hits(*map(np.concatenate, zip(*found, strict=True)))


def _whole(part: Halves, asked: Words, pairs: Pairs, max_distance: int) -> Hits:
    """Of pairs whose first halves are near those that are within the distance as a whole."""
    apart = pairs.apart
    for half in range(1, len(part.words)):
        differing = part.words[half][pairs.rows] ^ asked[pairs.queries, half]
        apart = apart + np.bitwise_count(differing).sum(axis=1, dtype=np.int64)
    near = np.flatnonzero(apart <= max_distance)
    return Hits(part.owners[pairs.rows[near]], pairs.queries[near], apart[near])


@cache
def _faiss() -> Any:
    """The library, None without the extra ``index``. One thread: a confined process may not start others."""
    try:
        import faiss  # noqa: PLC0415 - optional
    except ImportError:
        return None
    faiss.omp_set_num_threads(1)
    return faiss


def _by_faiss(faiss: Any, first: Words, asked: Words, max_distance: int) -> Pairs:
    """What ``IndexBinaryFlat.range_search`` does, without its copy of the rows: they may be mapped."""
    known, wanted = first.view(np.uint8), np.ascontiguousarray(asked).view(np.uint8)
    found = faiss.RangeSearchResult(len(wanted))
    faiss.hamming_range_search(
        faiss.swig_ptr(wanted), faiss.swig_ptr(known), len(wanted), len(known), max_distance + 1, known.shape[1], found
    )  # its limit is exclusive
    ends = faiss.rev_swig_ptr(found.lims, len(wanted) + 1).astype(np.int64)
    total = int(ends[-1])
    if total == 0:
        return Pairs(ends[:0], ends[:0], ends[:0])
    rows = faiss.rev_swig_ptr(found.labels, total).astype(np.int64)
    apart = faiss.rev_swig_ptr(found.distances, total).astype(np.int64)
    return Pairs(rows, np.repeat(np.arange(len(wanted)), np.diff(ends)), apart)


class _Bench:
    """Queries laid out, and memory to compare rows with them in, once: anew it would cost as much as comparing."""

    def __init__(self, asked: Words) -> None:
        self._rows = max(1, _BLOCK // asked.size)
        self._asked = np.tile(asked[:, None], (1, self._rows, 1))  # Q x N x words, as rows lie
        self._differing = np.empty_like(self._asked)
        self._counts = np.empty(self._asked.shape, np.uint8)

    def near(self, first: Words, max_distance: int) -> Iterator[Pairs]:
        """Pairs whose first halves are within the distance, of one block of rows after the other."""
        for begin in range(0, len(first), self._rows):
            apart = self._apart(first[begin : begin + self._rows])
            if int(apart.min()) <= max_distance:
                queries, rows = np.nonzero(apart <= max_distance)
                yield Pairs(begin + rows, queries, apart[queries, rows].astype(np.int64))

    def _apart(self, block: Words) -> npt.NDArray[np.uint8]:
        """Bits that differ (Q x N), of up to three words, which have fewer than 256."""
        differing, counts = self._differing[:, : len(block)], self._counts[:, : len(block)]
        np.bitwise_xor(self._asked[:, : len(block)], block, out=differing)
        np.bitwise_count(differing, out=counts)
        total = counts[:, :, 0]
        for word in range(1, block.shape[1]):
            total = total + counts[:, :, word]
        return total
