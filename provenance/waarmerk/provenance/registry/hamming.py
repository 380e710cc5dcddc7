# SPDX-License-Identifier: Apache-2.0
"""Exact search of flat rows for hashes within a Hamming distance, by numpy or, where it is installed, by faiss.

Both read the rows where they lie, mapped or held, and give the same answer (a property test). Nothing is approximated.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Owners = npt.NDArray[np.uint32]
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
    owners: Owners


def rows(hashes: Sequence[bytes], owners: Sequence[int], *, hash_bytes: int) -> Rows:
    """Rows of ``hashes``, all ``hash_bytes`` long (a multiple of 8). Raises ValueError for another length."""
    if hash_bytes % 8 or any(len(each) != hash_bytes for each in hashes):
        raise ValueError(f"a hash has {hash_bytes} bytes, a multiple of 8")
    words = np.frombuffer(b"".join(hashes), np.uint64).reshape(-1, hash_bytes // 8)
    return Rows(words, np.asarray(owners, np.uint32))


def search(parts: Sequence[Rows], queries: Bytes, *, max_distance: int, plain: bool = False) -> Iterator[Hit]:
    """All rows of ``parts`` within ``max_distance`` bits of one of ``queries`` (Q x bytes), part by part.

    ``plain`` keeps to numpy where faiss is installed.
    """
    asked = np.ascontiguousarray(queries).view(np.uint64)
    faiss = None if plain else _faiss()
    for part in parts:
        if faiss is not None and len(part.owners) and len(asked):
            yield from _by_faiss(faiss, part, asked, max_distance)
        else:
            yield from _by_numpy(part, asked, max_distance)


@cache
def _faiss() -> Any:
    """The library, None without the extra ``index``. One thread: a confined process may not start others."""
    try:
        import faiss  # noqa: PLC0415 - optional
    except ImportError:
        return None
    faiss.omp_set_num_threads(1)
    return faiss


def _by_faiss(faiss: Any, part: Rows, asked: Words, max_distance: int) -> Iterator[Hit]:
    """What ``IndexBinaryFlat.range_search`` does, without its copy of the rows: they may be mapped."""
    known, wanted = np.ascontiguousarray(part.words).view(np.uint8), np.ascontiguousarray(asked).view(np.uint8)
    found = faiss.RangeSearchResult(len(wanted))
    faiss.hamming_range_search(
        faiss.swig_ptr(wanted), faiss.swig_ptr(known), len(wanted), len(known), max_distance + 1, known.shape[1], found
    )  # its limit is exclusive
    ends = faiss.rev_swig_ptr(found.lims, len(wanted) + 1)
    total = int(ends[-1])
    if total == 0:
        return
    places = faiss.rev_swig_ptr(found.labels, total).copy()
    apart = faiss.rev_swig_ptr(found.distances, total).copy()
    numbers = np.repeat(np.arange(len(wanted)), np.diff(ends.astype(np.int64)))
    for place, number, distance in zip(places.tolist(), numbers.tolist(), apart.tolist(), strict=True):
        yield Hit(int(part.owners[place]), number, int(distance))


def _by_numpy(part: Rows, asked: Words, max_distance: int) -> Iterator[Hit]:
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
