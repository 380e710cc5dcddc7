# SPDX-License-Identifier: Apache-2.0
"""Exact search of flat rows for hashes within a Hamming distance, by numpy or, where it is installed, by faiss.

Both read the rows where they lie, mapped or held, and give the same answer (a property test). Nothing is approximated.
Owner 0 is nobody: such a row was erased.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Owners = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]
_SELECTIVE = 20  # bits of a word of 64 that fewer than two random rows in a thousand stay within
_BLOCK = 1 << 16  # rows compared at once: half a megabyte a word stays in the cache


class Hits(NamedTuple):
    """Rows within the distance: whose hash each is, which query found it, and how far apart they are, in bits."""

    owners: Owners
    queries: Numbers
    distances: Numbers


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


def search(parts: Sequence[Rows], queries: Bytes, *, max_distance: int, plain: bool = False) -> Hits:
    """All rows of ``parts`` within ``max_distance`` bits of one of ``queries`` (Q x bytes), part by part.

    ``plain`` keeps to numpy where faiss is installed.
    """
    asked = np.ascontiguousarray(queries).view(np.uint64)
    faiss = None if plain else _faiss()
    found = [
        _by_numpy(part, asked, max_distance) if faiss is None else _by_faiss(faiss, part, asked, max_distance)
        for part in parts
        if len(part.owners) and len(asked)
    ]
    if not found:
        return Hits(np.zeros(0, np.uint32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    return Hits(*map(np.concatenate, zip(*found, strict=True)))


@cache
def _faiss() -> Any:
    """The library, None without the extra ``index``. One thread: a confined process may not start others."""
    try:
        import faiss  # noqa: PLC0415 - optional
    except ImportError:
        return None
    faiss.omp_set_num_threads(1)
    return faiss


def _by_faiss(faiss: Any, part: Rows, asked: Words, max_distance: int) -> Hits:
    """What ``IndexBinaryFlat.range_search`` does, without its copy of the rows: they may be mapped."""
    known, wanted = np.ascontiguousarray(part.words).view(np.uint8), np.ascontiguousarray(asked).view(np.uint8)
    found = faiss.RangeSearchResult(len(wanted))
    faiss.hamming_range_search(
        faiss.swig_ptr(wanted), faiss.swig_ptr(known), len(wanted), len(known), max_distance + 1, known.shape[1], found
    )  # its limit is exclusive
    ends = faiss.rev_swig_ptr(found.lims, len(wanted) + 1).astype(np.int64)
    total = int(ends[-1])
    if total == 0:
        return Hits(part.owners[:0], ends[:0], ends[:0])
    places = faiss.rev_swig_ptr(found.labels, total)
    apart = faiss.rev_swig_ptr(found.distances, total).astype(np.int64)
    return Hits(np.asarray(part.owners[places]), np.repeat(np.arange(len(wanted)), np.diff(ends)), apart)


def _by_numpy(part: Rows, asked: Words, max_distance: int) -> Hits:
    found = []
    for start in range(0, len(part.owners), _BLOCK):
        block, owners = part.words[start : start + _BLOCK], part.owners[start : start + _BLOCK]
        for number, query in enumerate(asked):
            near, apart = _within(block, query, max_distance)
            found.append(Hits(owners[near], np.full(len(near), number), apart))
    return Hits(*map(np.concatenate, zip(*found, strict=True)))


def _within(block: Words, query: Words, max_distance: int) -> tuple[Numbers, Numbers]:
    """Rows of ``block`` (N x W) near ``query`` (W), and their distance.

    Where the distance is far below half a word, the first word alone rules nearly all rows out: none is within the
    distance as a whole whose first word is not.
    """
    apart = np.bitwise_count(block[:, 0] ^ query[0]).astype(np.uint16)
    if max_distance > _SELECTIVE:
        for word in range(1, len(query)):
            apart += np.bitwise_count(block[:, word] ^ query[word])
        near = np.flatnonzero(apart <= max_distance)
        return near, apart[near].astype(np.int64)
    near = np.flatnonzero(apart <= max_distance)
    whole = np.bitwise_count(block[near] ^ query).sum(axis=1, dtype=np.int64)
    is_near = whole <= max_distance
    return near[is_near], whole[is_near]
