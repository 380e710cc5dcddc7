# SPDX-License-Identifier: Apache-2.0
"""Search of the hashes that a crop leaves alone: up to sixty-four an entry, too many to compare with all of them.

A row is looked at only where one of two keys of sixteen bits is that of the query, or one bit off it; then all its 128
bits are compared. The bits of a key come from sixteen different cells of a descriptor: neighbours in one cell say the
same, and keys made of them would crowd a few lists. So nothing within reach is invented, and some of it is missed:
with every eighth bit wrong a row is found with a probability of about 0.7. An entry is pointed at by many rows.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hamming import Bytes, Hit, Owners, Rows, Words, search

Numbers = npt.NDArray[np.uint32]
LISTED_FROM = 1 << 13  # rows; fewer are compared one by one
_KEYS, _BITS = 2, 16
_CELLS = np.arange(_BITS)
_PICKED = tuple(8 * _CELLS + (_CELLS + shift) % 8 for shift in (0, 4))  # positions among the 128 bits
_PROBES = np.concatenate([[0], 1 << np.arange(_BITS)]).astype(np.uint32)
_VALUE = 1 << np.arange(_BITS, dtype=np.uint32)[::-1]


class Places(NamedTuple):
    """Rows by their first key. ``order`` is that of the second, ``starts`` (2 x 65,537) where they begin."""

    words: Words
    owners: Owners
    order: Numbers
    starts: Numbers

    def require(self) -> None:
        """Raise ValueError where lists point beyond the rows."""
        if self.starts.shape != (_KEYS, (1 << _BITS) + 1) or int(self.starts.max()) > len(self.words):
            raise ValueError("lists beyond the rows")


def listed(part: Rows) -> Places:
    """The rows of a part with their lists."""
    first = np.argsort(_keys(part.words, 0), kind="stable")
    words, owners = np.ascontiguousarray(part.words[first]), np.ascontiguousarray(part.owners[first])
    second = _keys(words, 1)
    starts = [_starts(_keys(words, 0)), _starts(second)]
    return Places(words, owners, np.argsort(second, kind="stable").astype(np.uint32), np.stack(starts))


def nearby(parts: Sequence[Rows | Places], queries: Bytes, *, max_distance: int) -> Iterator[Hit]:
    """Rows of ``parts`` within ``max_distance`` bits of one of ``queries`` (Q x 16 bytes), each pair once."""
    asked = np.ascontiguousarray(queries).view(np.uint64)
    if not len(asked):
        return
    for part in parts:
        if isinstance(part, Places):
            yield from _of_lists(part, asked, max_distance)
        else:
            yield from search([part], queries, max_distance=max_distance)


def _of_lists(part: Places, asked: Words, max_distance: int) -> Iterator[Hit]:
    found: set[Hit] = set()
    for number in range(_KEYS):
        keys = (_keys(asked, number)[:, None] ^ _PROBES[None]).ravel()
        begin = part.starts[number][keys].astype(np.int64)
        lengths = part.starts[number][keys + 1].astype(np.int64) - begin
        total = int(lengths.sum())
        if total == 0:
            continue
        at = np.arange(total) + np.repeat(begin - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        where = at if number == 0 else part.order[at].astype(np.int64)
        who = np.repeat(np.arange(len(keys)) // len(_PROBES), lengths)
        apart = np.bitwise_count(part.words[where] ^ asked[who]).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(apart <= max_distance)
        owners = part.owners[where[near]]
        found.update(map(Hit, owners.tolist(), who[near].tolist(), apart[near].tolist()))
    yield from sorted(found)


def _keys(words: Words, number: int) -> Numbers:
    """The key of each row (N x 2 words)."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8).reshape(-1, 16), axis=1)[:, _PICKED[number]]
    return np.asarray(bits.astype(np.uint32) @ _VALUE, np.uint32)


def _starts(keys: Numbers) -> Numbers:
    counts = np.bincount(keys, minlength=1 << _BITS)
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
