# SPDX-License-Identifier: Apache-2.0
"""The index of one registry: shards on disk, and in memory what was entered since.

It names entries whose hashes are within reach of a hash. What they are is in the database, which it follows.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.registry import lineage
from waarmerk.provenance.registry.hamming import Bytes, Halves, Rows, search
from waarmerk.provenance.registry.hashes import mirrored
from waarmerk.provenance.registry.model import LOCAL_BYTES, PDQ_BYTES, PHASH_BYTES, SHADES_BYTES, BindingKind
from waarmerk.provenance.registry.places import Places, listed, pointed
from waarmerk.provenance.registry.shards import SHARD_ENTRIES, Shards, extended, keeping
from waarmerk.provenance.registry.store import Store

HASH_BYTES = {
    BindingKind.PHASH: PHASH_BYTES,
    BindingKind.PDQ: PDQ_BYTES,
    BindingKind.LOCAL: LOCAL_BYTES,
    BindingKind.SHADES: SHADES_BYTES,
}
# Bits apart at which hashes point at each other. Generous, for whatever they point at is compared.
REACH = {BindingKind.PHASH: 10, BindingKind.PDQ: 40, BindingKind.LOCAL: 16, BindingKind.SHADES: 24}
_LEAST_LOCAL = 3  # local hashes that must point at one entry, as a whole
_MOST_POINTED = 16  # entries whose local hashes are read


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The index of one kind in memory: mapped shards, and what came ``after`` as rows; all of it as ``places``."""

    after: int = 0
    last: int = 0
    count: int = 0  # entries of the tail
    sealed: tuple[Halves | Places, ...] = ()
    tail: tuple[Rows, ...] = ()
    listed: tuple[Places, ...] = ()  # of the tail

    @property
    def flat(self) -> list[Rows | Halves]:
        """The parts that are searched as rows."""
        return [part for part in (*self.sealed, *self.tail) if not isinstance(part, Places)]

    @property
    def places(self) -> list[Places]:
        """The parts that are searched by the first bits of a row."""
        return [part for part in (*self.sealed, *self.listed) if isinstance(part, Places)]


class Index:
    """Keeps what it read between searches; what was added since is read with each of them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[BindingKind, Held] = {}

    def nearest(self, kind: BindingKind, value: bytes) -> dict[int, int]:
        """The least distance of each entry that has a hash within reach of ``value``. Raises StoreError."""
        hits = search(self.held(kind).flat, np.frombuffer(value, np.uint8)[None], max_distance=REACH[kind])
        order = np.argsort(hits.distances, kind="stable")
        owners, first = np.unique(hits.owners[order], return_index=True)
        found = dict(zip(owners.tolist(), hits.distances[order][first].tolist(), strict=True))
        found.pop(0, None)
        return found

    def votes(self, local: Bytes) -> dict[int, int]:
        """How many of the local hashes of a picture (N x 16) point at which entries, three at least. Raises StoreError.

        As they are or all of them mirrored. The index names entries; then all of their hashes are compared.
        """
        asked = np.concatenate([local, mirrored(local)])
        owners, _ = pointed(self.held(BindingKind.LOCAL).places, asked, mirrored_from=len(local))
        named = owners[:_MOST_POINTED].tolist()
        held = _rows(BindingKind.LOCAL, self._store.values(BindingKind.LOCAL, named))
        hits = search([held], asked, max_distance=REACH[BindingKind.LOCAL])
        pairs = set(zip(hits.owners.tolist(), hits.queries.tolist(), strict=True))
        found = Counter(owner for owner, query in pairs if query < len(local))
        found |= Counter(owner for owner, query in pairs if query >= len(local))  # the larger of the two
        return {number: count for number, count in found.items() if count >= _LEAST_LOCAL}

    def held(self, kind: BindingKind) -> Held:
        """The index of a kind, brought up to date. Raises StoreError."""
        held = self._held.get(kind)
        if held is not None and held.count > 2 * SHARD_ENTRIES:  # a process that lasts; others have sealed meanwhile
            held = held if all(each.last <= held.after for each in self._shards(kind).there()) else None
        if held is None:
            # Of another database: all rows are read from this one, until the next one that writes makes an index of it.
            is_own = lineage.follows(self._folder, self._store)
            last, parts = self._shards(kind).load() if is_own else (0, [])
            held = Held(after=last, last=last, sealed=tuple(parts))
        page = self._store.bindings(kind, after=held.last)
        if page:
            tail = tuple(extended(list(held.tail), _rows(kind, page)))
            ready = {id(rows): places for rows, places in zip(held.tail, held.listed, strict=False)}
            lists = [ready.get(id(rows)) or listed(rows) for rows in tail] if kind is BindingKind.LOCAL else []
            held = replace(held, last=page[-1][0], count=held.count + len(page), tail=tail, listed=tuple(lists))
        self._held[kind] = held
        return held

    def seal(self) -> None:
        """Write full shards of the index, so that a search has less to read. Raises StoreError.

        Where another process is at it, it is left to that one.
        """
        with keeping(self._folder, wait=False) as is_ours:
            if is_ours:
                self._disown()
            for kind in HASH_BYTES if is_ours else ():
                shards = self._shards(kind)
                shards.tidy()
                before = -1
                while before < (last := shards.last):  # less after damage, when all went: the next one makes it anew
                    page = self._store.bindings(kind, after=last, limit=SHARD_ENTRIES)
                    if len(page) < SHARD_ENTRIES:
                        break
                    lineage.follow(self._folder, self._store)
                    shards.seal(page[-1][0], _rows(kind, page))
                    before = last

    def settle(self) -> None:
        """Overwrite in the index what was erased from the database since the last time. Raises StoreError.

        The database goes first: killed between, this is made good by the next one who writes.
        """
        with keeping(self._folder, wait=True):
            self._disown()
            mark = self._erased
            after = int(mark.read_text("ascii")) if mark.is_file() else 0
            last, gone = self._store.erased(after=after)
            if last == after:
                return
            self._held.clear()
            lineage.follow(self._folder, self._store)
            for kind in HASH_BYTES if gone else ():
                self._shards(kind).erase(gone)
            write_file(mark, str(last).encode("ascii"), verify=lambda _: None, force=True)

    def forget(self) -> None:
        """Take the index away; it is made anew from the database."""
        self._held.clear()
        for kind in HASH_BYTES:
            self._shards(kind).forget()
        self._erased.unlink(missing_ok=True)
        lineage.forget(self._folder)

    def _disown(self) -> None:
        """Take away an index of another database, such as this one was before a backup was put back."""
        if not lineage.follows(self._folder, self._store):
            self.forget()

    @property
    def _folder(self) -> Path:
        return self._store.folder / "index"

    @property
    def _erased(self) -> Path:
        return self._folder / "erased"

    def _shards(self, kind: BindingKind) -> Shards:
        return Shards(self._folder, kind.value, lists=kind is BindingKind.LOCAL, words=HASH_BYTES[kind] // 8)


def _rows(kind: BindingKind, page: Sequence[tuple[int, int, bytes]]) -> Rows:
    size = HASH_BYTES[kind]
    counts = [len(value) // size for _, _, value in page]
    words = np.frombuffer(b"".join(value for _, _, value in page), np.uint64).reshape(-1, size // 8)
    return Rows(words, np.repeat(np.array([owner for _, owner, _ in page], np.uint32), counts))
