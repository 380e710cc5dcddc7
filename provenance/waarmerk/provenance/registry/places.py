# SPDX-License-Identifier: Apache-2.0
"""Search of the hashes that a crop leaves alone: up to sixty-four an entry, sixty-four million in a million entries.

Of the 128 bits of a row 34 are kept here, those that copies leave alone and that tell places apart (decision 99).
Rows stand sorted by them: the first bits are where a row stands, the rest and the number of its entry fill 32 bits.
Looked at are rows whose first bits are those of the query, the nearest ones where there are many. So this points at
entries, misses some and proves nothing; the caller compares the whole hashes of those that are pointed at.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry.hamming import Bytes, Owners, Rows

Numbers = npt.NDArray[np.uint32]
Codes = npt.NDArray[np.uint64]
Votes = npt.NDArray[np.int64]
DAMAGED = "a shard of the index is damaged; remove the folder index, it is made anew"
MOST_ENTRIES = (1 << 20) - 1  # of one part
GENEROUS_ROWS = 1 << 20  # with fewer in all, keys one bit off are looked at as well
_CODE = 34
_ENTRY = 20  # bits that the number of an entry takes in a value: the code above them
_SPARE = 2  # bits of the key beyond those of the number of an entry: sixteen rows a key, with 64 an entry
_LEAST_KEY = 8
_WINDOW = 64  # rows looked at for one key
_NEAR_ENOUGH = 8  # rows that the middle of these may be off
_FEW = 7  # one in so many bits beside the key may be wrong
_LEAST = 2  # queries that point at an entry
_THINGS = 32  # bits for a query or a row
_SLICES = 64  # of a merge, so that a small part of it is in memory
# Positions among the 128 bits of a descriptor, best first (benchmarks/registry_places.json).
_FIRST = (83, 12, 53, 46, 124, 75, 34, 90, 100, 24, 110, 106, 77, 29, 27, 14, 103)
_PICKED = np.array((*_FIRST, 63, 18, 3, 86, 117, 120, 5, 9, 119, 39, 20, 45, 66, 113, 25, 33, 47))
_VALUE = 1 << np.arange(_CODE, dtype=np.uint64)[::-1]


class Places(NamedTuple):
    """Rows in the order of their codes.

    ``starts`` (2**K + 1) says where the rows of each key of K bits begin. A posting (one a row) has the other 34 - K
    bits of the code, and below them K - 2 bits that say which of ``owners``. The first of these is nobody.
    """

    postings: Numbers
    starts: Numbers
    owners: Owners

    @property
    def key_bits(self) -> int:
        """K."""
        return (len(self.starts) - 1).bit_length() - 1

    def require(self) -> None:
        """Raise ValueError where lists point beyond the rows.

        Whether a row names an owner that there is, is asked of those that are looked at: all would be read for it.
        """
        bits = self.key_bits
        if len(self.starts) != (1 << bits) + 1 or int(self.starts[-1]) != len(self.postings):
            raise ValueError("lists beyond the rows")
        if self.starts[0] or bool((self.starts[1:] < self.starts[:-1]).any()):
            raise ValueError("lists that run backwards")
        if not _LEAST_KEY <= bits <= _ENTRY + _SPARE or not 1 <= len(self.owners) <= 1 << (bits - _SPARE):
            raise ValueError("more owners than there is room for")


def key_bits_for(entries: int) -> int:
    """The bits of a key in a part with so many entries. Raises ValueError beyond ``MOST_ENTRIES``."""
    if entries > MOST_ENTRIES:
        raise ValueError("too many entries for one part")
    return max(_LEAST_KEY, entries.bit_length() + _SPARE)


def listed(part: Rows) -> Places:
    """The rows of a part (W = 2) in the order of their codes."""
    owners, numbers = np.unique(part.owners, return_inverse=True)
    bits = key_bits_for(len(owners))
    values = np.sort(_codes(part.words) << np.uint64(_ENTRY) | (numbers + 1).astype(np.uint64))
    keys = (values >> np.uint64(_ENTRY + _CODE - bits)).astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(np.bincount(keys, minlength=1 << bits))]).astype(np.uint32)
    return Places(_postings(values, bits), starts, np.concatenate([[0], owners]).astype(np.uint32))


def merged(parts: Sequence[Places]) -> tuple[Numbers, Owners, Iterator[Numbers]]:
    """``starts`` and ``owners`` of all parts as one, and its postings piece by piece.

    Raises ValueError for more than ``MOST_ENTRIES``.
    """
    owners = np.concatenate([[np.uint32(0)], *(part.owners[1:] for part in parts)])
    bits = key_bits_for(len(owners) - 1)
    counts = np.zeros(1 << bits, np.int64)
    for piece in _sorted_values(parts):
        keys = (piece >> np.uint64(_ENTRY + _CODE - bits)).astype(np.int64)
        if len(keys):
            counts[: int(keys[-1]) + 1] += np.bincount(keys)
    starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint32)
    return starts, owners, (_postings(piece, bits) for piece in _sorted_values(parts))


def pointed(parts: Sequence[Places], queries: Bytes, *, mirrored_from: int) -> tuple[Owners, Votes]:
    """Owners that ``queries`` (Q x 16 bytes) point at, and how many do, two at least, the most first.

    Those before and from ``mirrored_from`` on are two ways to see one picture: the better one counts. Where many
    queries point at few places the places are counted: a picture of bricks asks the same a hundred times. Raises
    StoreError where a row names an owner that there is not.
    """
    asked = _codes(np.ascontiguousarray(queries).view(np.uint64))
    if not len(asked) or not parts:
        return np.zeros(0, np.uint32), np.zeros(0, np.int64)
    order = np.argsort(asked)  # what stands together is read together
    generous = sum(len(part.postings) for part in parts) < GENEROUS_ROWS
    found, before = [], 0
    for part in parts:
        owners, who, rows = _near(part, asked[order], generous=generous)
        found.append((owners, who, rows + before))
        before += len(part.postings)
    owners, who, rows = (np.concatenate(each) for each in zip(*found, strict=True))
    sides = owners.astype(np.int64) << 1 | (order[who] >= mirrored_from)
    there, by_query = _distinct(sides, who)
    votes = np.minimum(by_query, _distinct(sides, rows)[1])
    many = (votes >= _LEAST) & (there > 1)  # below are rows of nobody
    there, votes = there[many], votes[many]
    ranked = np.argsort(-votes, kind="stable")
    _, first = np.unique(there[ranked] >> 1, return_index=True)
    chosen = ranked[np.sort(first)]
    return (there[chosen] >> 1).astype(np.uint32), votes[chosen]


def erase(part: Places, owners: Sequence[int]) -> bool:
    """Take the rows of ``owners`` out of a part that may be written to; whether there were any.

    Raises IndexError where a row names an owner that there is not.

    The rows stay in place and in order, with the code of a neighbour, and belong to nobody.
    """
    gone = np.isin(part.owners, np.asarray(owners, np.uint32))
    gone[0] = False
    if not gone.any():
        return False
    bits = part.key_bits
    number, code = np.uint32((1 << (bits - _SPARE)) - 1), np.uint32(bits - _SPARE)
    for begin in range(0, len(part.postings), 1 << 22):
        piece = part.postings[begin : begin + (1 << 22)]
        for at in (np.flatnonzero(gone[piece & number]) + begin).tolist():
            key = int(np.searchsorted(part.starts, at, side="right")) - 1
            is_first = int(part.starts[key]) == at
            part.postings[at] = 0 if is_first else part.postings[at - 1] >> code << code
    part.owners[gone] = 0
    return True


def _near(part: Places, asked: Codes, *, generous: bool) -> tuple[Owners, Votes, Votes]:
    """Rows that are looked at and have nearly all of a query's bits: whose they are, which query, and which row."""
    bits = part.key_bits
    rest, number_bits = _CODE - bits, np.uint32(bits - _SPARE)
    keys = (asked >> np.uint64(rest)).astype(np.int64)
    tails = (asked & np.uint64((1 << rest) - 1)).astype(np.uint32) << number_bits
    who = np.arange(len(asked))
    if generous:
        flips = np.concatenate([[0], 1 << np.arange(bits)])
        keys, tails, who = (keys[:, None] ^ flips).ravel(), np.repeat(tails, bits + 1), np.repeat(who, bits + 1)
    begin, end = part.starts[keys].astype(np.int64), part.starts[keys + 1].astype(np.int64)
    _narrow(part, tails, begin, end)
    lengths = end - begin
    ends = np.cumsum(lengths)
    at = np.repeat(end - ends, lengths)
    at += np.arange(len(at))
    held = part.postings[at]
    apart = np.bitwise_count((held ^ np.repeat(tails, lengths)) >> number_bits)
    near = np.flatnonzero(apart <= rest // _FEW)
    numbers = held[near] & np.uint32((1 << (bits - _SPARE)) - 1)
    if len(numbers) and int(numbers.max()) >= len(part.owners):
        raise StoreError("registry.damaged", DAMAGED)
    return part.owners[numbers], who[np.searchsorted(ends, near, side="right")], at[near]


def _distinct(sides: Votes, what: Votes) -> tuple[Votes, Votes]:
    """The sides there are, and with how many different things each comes."""
    pairs = np.sort(sides << _THINGS | what)
    found = pairs[_begins(pairs)] >> _THINGS
    first = np.flatnonzero(_begins(found))
    return found[first], np.diff(np.append(first, len(found)))


def _begins(ordered: Votes) -> npt.NDArray[np.bool_]:
    """Whether each differs from the one before it."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]]) if len(ordered) else np.zeros(0, bool)


def _narrow(part: Places, tails: Numbers, begin: Votes, end: Votes) -> None:
    """Leave of each long stretch the rows around where a tail would stand: they share most of its first bits."""
    many = np.flatnonzero(end - begin > _WINDOW)
    wanted, first, last = tails[many], begin[many], end[many]
    stand, step = first.copy(), 1 << int((last - first).max(initial=0)).bit_length()
    while (step := step >> 1) >= _NEAR_ENOUGH:
        beyond = stand + step
        is_less = part.postings[np.minimum(beyond, last) - 1] < wanted
        stand += (is_less & (beyond <= last)) * step
    begin[many] = np.clip(stand - (_WINDOW - _NEAR_ENOUGH) // 2, first, last - _WINDOW)
    end[many] = begin[many] + _WINDOW


def _codes(words: npt.NDArray[np.uint64]) -> Codes:
    """The code of each row (N x 2 words)."""
    found = np.empty(len(words), np.uint64)
    for begin in range(0, len(words), 1 << 16):
        piece = np.ascontiguousarray(words[begin : begin + (1 << 16)]).view(np.uint8).reshape(-1, 16)
        found[begin : begin + (1 << 16)] = np.unpackbits(piece, axis=1)[:, _PICKED].astype(np.uint64) @ _VALUE
    return found


def _postings(values: Codes, bits: int) -> Numbers:
    rest = np.uint64((1 << (_CODE - bits)) - 1)
    codes = (values >> np.uint64(_ENTRY)) & rest
    return (codes << np.uint64(bits - _SPARE) | (values & np.uint64(MOST_ENTRIES))).astype(np.uint32)


def _sorted_values(parts: Sequence[Places]) -> Iterator[Codes]:
    """Code and number, in the order of all parts, of one slice of the codes after the other."""
    for number in range(_SLICES):
        before, found = 0, []
        for part in parts:
            found.append(_values(part, number, before))
            before += len(part.owners) - 1
        yield np.sort(np.concatenate(found))


def _values(part: Places, number: int, before: int) -> Codes:
    bits = part.key_bits
    width = (1 << bits) // _SLICES
    first = number * width
    starts = part.starts[first : first + width + 1].astype(np.int64)
    keys = np.repeat(np.arange(first, first + width, dtype=np.uint64), np.diff(starts))
    held = part.postings[int(starts[0]) : int(starts[-1])].astype(np.uint64)
    owners = held & np.uint64((1 << (bits - _SPARE)) - 1)
    if len(owners) and int(owners.max()) >= len(part.owners):
        raise ValueError("a row of nobody")
    codes = keys << np.uint64(_CODE - bits) | held >> np.uint64(bits - _SPARE)
    return codes << np.uint64(_ENTRY) | np.where(owners > 0, owners + np.uint64(before), owners)
