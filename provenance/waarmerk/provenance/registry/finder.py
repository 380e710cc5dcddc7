# SPDX-License-Identifier: Apache-2.0
"""Find a picture again: exactly, by its mark, by its fingerprint; and compare what was found before it counts.

Whole-picture hashes are searched first. Only where nothing they point at holds are the hashes searched that a crop
leaves alone: these are sixty-four an entry.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.image import Picture, decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.registry import lineage
from waarmerk.provenance.registry.framed import framed
from waarmerk.provenance.registry.hamming import Rows, search
from waarmerk.provenance.registry.hashes import (
    HASHED_SIDE,
    LOCAL_ASKED,
    LOCAL_KEPT,
    fingerprints,
    local_hashes,
    luma,
    mirrored,
    reduced,
)
from waarmerk.provenance.registry.index import SHARD_ENTRIES, Shards, extended, keeping
from waarmerk.provenance.registry.model import LOCAL_BYTES, PDQ_BYTES, PHASH_BYTES, Binding, BindingKind, Entry
from waarmerk.provenance.registry.places import Places, listed, pointed
from waarmerk.provenance.registry.resemblance import Look, Resemblance, compare, look, reference_of
from waarmerk.provenance.registry.store import Store

Bytes = npt.NDArray[np.uint8]

HASH_BYTES = {BindingKind.PHASH: PHASH_BYTES, BindingKind.PDQ: PDQ_BYTES, BindingKind.LOCAL: LOCAL_BYTES}
# Bits apart at which hashes point at each other. Generous, for whatever they point at is compared.
REACH = {BindingKind.PHASH: 10, BindingKind.PDQ: 40, BindingKind.LOCAL: 16}
_LEAST_LOCAL = 3  # local hashes that must point at one entry, as a whole
_MOST_POINTED = 16  # entries whose local hashes are read
_MOST_COMPARED = 8  # candidates of one search; each costs a comparison
_MOST_OF_IT = 0.75  # of the picture that is looked up
_QUALITY = 85  # of the JPEG that is kept to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry that a picture equals or resembles. ``kind`` is ``exact``, ``watermark`` or ``fingerprint``.

    ``distance`` is that of the nearest whole-picture hash in bits, 0 for an exact match, None where no such hash led
    here. ``resemblance`` is None where nothing was compared: an exact match needs no comparison, and without pixels
    there is none.
    """

    entry: Entry
    kind: str
    distance: int | None
    resemblance: Resemblance | None = None

    @property
    def verified(self) -> bool:
        """Whether it counts."""
        return self.kind == "exact" or (self.resemblance is not None and self.resemblance.verified)

    @property
    def whole(self) -> bool:
        """Whether nothing of note differs between the two."""
        return self.kind == "exact" or (self.resemblance is not None and self.resemblance.whole)


def upright(picture: Picture) -> Bytes:
    """The pixels turned as they are meant to be seen (EXIF orientation 1 to 8)."""
    turns = {3: 2, 4: 2, 5: 3, 6: 3, 7: 1, 8: 1}.get(picture.orientation, 0)
    turned = np.rot90(picture.rgb, turns)
    if picture.orientation in (2, 4, 5, 7):
        turned = turned[:, ::-1]
    return np.ascontiguousarray(turned)


def ties(rgb: Bytes) -> list[Binding]:
    """The hashes under which H x W x 3 RGB is found again."""
    whole, local = fingerprints(rgb), local_hashes(rgb, LOCAL_KEPT)
    tied = [Binding(kind=BindingKind.PHASH, value=whole.phash)]
    if whole.pdq is not None:
        tied.append(Binding(kind=BindingKind.PDQ, value=whole.pdq))
    if len(local):
        tied.append(Binding(kind=BindingKind.LOCAL, value=local.tobytes()))
    return tied


def reference_file(rgb: Bytes) -> bytes:
    """The small picture that is kept to compare with, as a JPEG without metadata."""
    from PIL import Image  # noqa: PLC0415 - loaded already, where there are pixels

    out = io.BytesIO()
    Image.fromarray(reference_of(rgb)).save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """The index of one kind in memory: mapped shards, and what came ``after`` as rows; all of it as ``places``."""

    after: int = 0
    last: int = 0
    count: int = 0  # entries of the tail
    sealed: tuple[Rows | Places, ...] = ()
    tail: tuple[Rows, ...] = ()
    listed: tuple[Places, ...] = ()  # of the tail

    @property
    def flat(self) -> list[Rows]:
        return [part for part in (*self.sealed, *self.tail) if isinstance(part, Rows)]

    @property
    def places(self) -> list[Places]:
        return [part for part in (*self.sealed, *self.listed) if isinstance(part, Places)]


class Finder:
    """Searches one registry. Keeps the index between files; what was added since is read with each search."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._held: dict[BindingKind, _Held] = {}

    def find(
        self, sha256: bytes, rgb: Bytes | None, marks: Sequence[tuple[str, bytes]], *, by_pixels: bool = True
    ) -> tuple[Found, ...]:
        """What is known of a file with this digest, these pixels (upright, None for none) and these marks.

        ``marks`` are pairs of key id and payload. Verified entries first, exact before marked before near; each entry
        once. Without ``by_pixels`` no fingerprint is searched. Raises StoreError.
        """
        found: dict[int, Found] = {}
        ready = _Lazy(rgb)
        exact = self._store.of_file(sha256)
        if exact is not None:
            found[exact.number] = Found(entry=exact, kind="exact", distance=0)
        for key_id, payload in marks:
            for entry in self._store.of_mark(key_id, payload)[:_MOST_COMPARED]:
                found.setdefault(entry.number, self._compared(entry, "watermark", None, ready))
        if rgb is not None and by_pixels:
            try:
                self._near(rgb, ready, found)
            except (StoreError, cv2.error):  # an index that cannot be read, pixels that cannot be searched
                if exact is None:
                    raise
        order = {"exact": 0, "watermark": 1, "fingerprint": 2}
        return tuple(sorted(found.values(), key=lambda f: (not f.verified, order[f.kind], f.entry.number)))

    def near(self, kind: BindingKind, value: bytes) -> tuple[tuple[int, int], ...]:
        """Numbers of the entries whose hash of a kind is within reach of ``value``, and how far apart in bits.

        The nearest first. Nothing is compared: these are candidates. Raises StoreError.
        """
        nearest = self._nearest(kind, value)
        return tuple(sorted(nearest.items(), key=lambda pair: (pair[1], pair[0])))

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

    def _near(self, rgb: Bytes, ready: "_Lazy", found: dict[int, Found]) -> None:
        nearest: dict[int, int] = {}
        for shown in (rgb, *_framed(rgb)):
            whole, near = fingerprints(shown), dict[int, int]()
            for kind, value in ((BindingKind.PHASH, whole.phash), (BindingKind.PDQ, whole.pdq)):
                for number, distance in () if value is None else self._nearest(kind, value).items():
                    near[number] = min(distance, near.get(number, 256))
            nearest = {**near, **nearest}  # the distance of the whole picture where it has one
            self._take(sorted(near, key=lambda number: (near[number], number)), nearest, ready, found)
            if any(each.verified and _fills(each, rgb) for each in found.values()):
                return
        local = local_hashes(rgb, LOCAL_ASKED, everywhere=True)
        votes = self.votes(local)
        self._take(sorted(votes, key=lambda number: (-votes[number], number)), nearest, ready, found)

    def votes(self, local: Bytes) -> dict[int, int]:
        """How many of the local hashes of a picture (N x 16) point at which entries, three at least. Raises StoreError.

        As they are or all of them mirrored. The index names entries; then all of their hashes are compared.
        """
        asked = np.concatenate([local, mirrored(local)])
        owners, _ = pointed(self._index(BindingKind.LOCAL).places, asked, mirrored_from=len(local))
        named = owners[:_MOST_POINTED].tolist()
        held = _rows(BindingKind.LOCAL, self._store.values(BindingKind.LOCAL, named))
        hits = search([held], asked, max_distance=REACH[BindingKind.LOCAL])
        pairs = set(zip(hits.owners.tolist(), hits.queries.tolist(), strict=True))
        found = Counter(owner for owner, query in pairs if query < len(local))
        found |= Counter(owner for owner, query in pairs if query >= len(local))  # the larger of the two
        return {number: count for number, count in found.items() if count >= _LEAST_LOCAL}

    def _take(self, ranked: list[int], nearest: dict[int, int], ready: "_Lazy", found: dict[int, Found]) -> None:
        fresh = map(self._store.entry, (number for number in ranked if number not in found))
        # An index may know what was removed or withdrawn meanwhile; that takes nobody's place.
        for entry in islice(filter(None, fresh), _MOST_COMPARED):
            found[entry.number] = self._compared(entry, "fingerprint", nearest.get(entry.number), ready)

    def _compared(self, entry: Entry, kind: str, distance: int | None, ready: "_Lazy") -> Found:
        resemblance = None
        examined = ready.look() if entry.reference is not None else None
        if examined is not None and entry.reference is not None:
            try:
                data = self._store.files.get(entry.reference, max_bytes=self._limits.image_bytes)
                kept = decode_rgb(asset_from_bytes(data, name=None, limits=self._limits), self._limits)
                is_grey = kept.mode == "L"  # of registries of before: there are no colours to compare
                resemblance = compare(np.ascontiguousarray(kept.rgb[:, :, 0]) if is_grey else kept.rgb, examined)
            except (StoreError, UnsupportedAsset, LimitExceeded):
                resemblance = None  # nothing to compare with: it stays a candidate
        return Found(entry=entry, kind=kind, distance=distance, resemblance=resemblance)

    def _nearest(self, kind: BindingKind, value: bytes) -> dict[int, int]:
        """The least distance of each entry that has a hash within reach of ``value``."""
        hits = search(self._index(kind).flat, np.frombuffer(value, np.uint8)[None], max_distance=REACH[kind])
        order = np.argsort(hits.distances, kind="stable")
        owners, first = np.unique(hits.owners[order], return_index=True)
        found = dict(zip(owners.tolist(), hits.distances[order][first].tolist(), strict=True))
        found.pop(0, None)
        return found

    def _index(self, kind: BindingKind) -> _Held:
        """The index of a kind, brought up to date."""
        held = self._held.get(kind)
        if held is not None and held.count > 2 * SHARD_ENTRIES:  # a process that lasts; others have sealed meanwhile
            held = held if all(each.last <= held.after for each in self._shards(kind).there()) else None
        if held is None:
            # Of another database: all rows are read from this one, until the next one that writes makes an index of it.
            is_own = lineage.follows(self._folder, self._store)
            last, parts = self._shards(kind).load() if is_own else (0, [])
            held = _Held(after=last, last=last, sealed=tuple(parts))
        page = self._store.bindings(kind, after=held.last)
        if page:
            tail = tuple(extended(list(held.tail), _rows(kind, page)))
            ready = {id(rows): places for rows, places in zip(held.tail, held.listed, strict=False)}
            lists = [ready.get(id(rows)) or listed(rows) for rows in tail] if kind is BindingKind.LOCAL else []
            held = replace(held, last=page[-1][0], count=held.count + len(page), tail=tail, listed=tuple(lists))
        self._held[kind] = held
        return held

    @property
    def _folder(self) -> Path:
        return self._store.folder / "index"

    @property
    def _erased(self) -> Path:
        return self._folder / "erased"

    def _shards(self, kind: BindingKind) -> Shards:
        return Shards(self._folder, kind.value, lists=kind is BindingKind.LOCAL)


def _framed(rgb: Bytes) -> list[Bytes]:
    """The pictures on a page: a border or a caption changes the hashes of the whole beyond reach."""
    small = reduced(rgb, HASHED_SIDE)
    boxes = framed(np.rint(luma(small)).astype(np.uint8))
    return [np.ascontiguousarray(small[top:bottom, left:right]) for left, top, right, bottom in boxes]


def _fills(found: Found, rgb: Bytes) -> bool:
    """Whether an entry is most of what there is to see: beside it nothing else of size can be shown."""
    region = found.resemblance.region if found.resemblance is not None else None
    return region is None or region[2] * region[3] >= _MOST_OF_IT * rgb.shape[0] * rgb.shape[1]


class _Lazy:
    """The picture that is looked up, made ready once, and only where there is something to compare it with."""

    def __init__(self, rgb: Bytes | None) -> None:
        self._rgb = rgb
        self._look: Look | None = None

    def look(self) -> Look | None:
        if self._look is None and self._rgb is not None:
            self._look = look(self._rgb)
        return self._look


def _rows(kind: BindingKind, page: Sequence[tuple[int, int, bytes]]) -> Rows:
    size = HASH_BYTES[kind]
    counts = [len(value) // size for _, _, value in page]
    words = np.frombuffer(b"".join(value for _, _, value in page), np.uint64).reshape(-1, size // 8)
    return Rows(words, np.repeat(np.array([owner for _, owner, _ in page], np.uint32), counts))
