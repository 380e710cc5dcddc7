# SPDX-License-Identifier: Apache-2.0
"""What others sent in packages, searched apart from our own: there are hashes and no picture to compare with.

A near hash of theirs is a hint to look, at most; it can be forged at will, by them or by whoever made the picture.
"""

from collections.abc import Iterable

import numpy as np

from waarmerk.provenance.registry.hamming import Rows, rows, search
from waarmerk.provenance.registry.model import PDQ_BYTES, PHASH_BYTES, Binding, BindingKind, Entry, Role
from waarmerk.provenance.registry.store import Store

_REACH = {BindingKind.PHASH: (PHASH_BYTES, 8), BindingKind.PDQ: (PDQ_BYTES, 31)}  # bytes of a hash; bits apart
_MOST = 3  # hints of one search


class Signals:
    """Searches what accepted issuers sent. Keeps the hashes between files."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[BindingKind, tuple[int, list[Rows]]] = {}

    def any(self) -> bool:
        """Whether there is anything to search, so that nobody computes hashes for nothing. Raises StoreError."""
        return any(self._parts(kind) for kind in _REACH)

    def near(self, tied: Iterable[Binding]) -> tuple[tuple[Entry, int], ...]:
        """Entries of others whose hashes are near to these, and how far apart in bits; the nearest first.

        Raises StoreError.
        """
        nearest: dict[int, int] = {}
        for tie in tied:
            if tie.kind not in _REACH:
                continue
            query = np.frombuffer(tie.value, np.uint8)[None]
            hits = search(self._parts(tie.kind), query, max_distance=_REACH[tie.kind][1])
            for owner, distance in zip(hits.owners.tolist(), hits.distances.tolist(), strict=True):
                nearest[owner] = min(distance, nearest.get(owner, distance))
        found: list[tuple[Entry, int]] = []
        for number, distance in sorted(nearest.items(), key=lambda pair: (pair[1], pair[0])):
            entry = self._store.entry(number)  # none where it was withdrawn, or its issuer is not accepted
            if entry is not None and entry.role is Role.ITEM:
                found.append((entry, distance))
            if len(found) == _MOST:
                break
        return tuple(found)

    def _parts(self, kind: BindingKind) -> list[Rows]:
        last, parts = self._held.get(kind, (0, []))
        page = self._store.bindings(kind, after=last, foreign=True)
        if page:
            size = _REACH[kind][0]
            parts = [*parts, rows([value for _, _, value in page], [owner for _, owner, _ in page], hash_bytes=size)]
            self._held[kind] = page[-1][0], parts
        return parts
