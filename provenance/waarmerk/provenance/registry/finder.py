# SPDX-License-Identifier: Apache-2.0
"""Find a picture again: exactly, by its mark, by its fingerprint; and compare what was found before it counts.

Whole-picture hashes are searched first. Only where nothing they point at holds are the hashes searched that a crop
leaves alone: these are sixty-four an entry.
"""

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.image import Picture, decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes
from waarmerk.provenance.registry.framed import framed
from waarmerk.provenance.registry.hashes import (
    HASHED_SIDE,
    LOCAL_ASKED,
    LOCAL_KEPT,
    fingerprints,
    local_hashes,
    luma,
    reduced,
)
from waarmerk.provenance.registry.index import Index
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry
from waarmerk.provenance.registry.resemblance import Look, Resemblance, compare, look, reference_of
from waarmerk.provenance.registry.shades import shades
from waarmerk.provenance.registry.store import Store

Bytes = npt.NDArray[np.uint8]

_MOST_COMPARED = 8  # candidates of one search; each costs a comparison
NEARLY_ALL = 0.90  # of what was entered, as for ``whole``: below that a part of it is missing
_MOST_OF_IT = 0.75  # of the picture that is looked up: beside it nothing else of size can be shown
_QUALITY = 85  # of the JPEG that is kept to compare with


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An entry that a picture equals or resembles. ``kind`` is ``exact``, ``watermark`` or ``fingerprint``.

    ``distance`` is that of the nearest whole-picture hash in bits, 0 for an exact match, None where no such hash led
    here. ``resemblance`` is None where nothing was compared: an exact match needs no comparison, and without pixels
    there is none. ``fills`` is how much of the examined picture the entry takes, 0 to 1. ``is_put_together``: the
    entry is known to be made of parts; asked only where a part of it was seen. ``edit_of``: the entry that the examined
    picture is the whole of, where this one is known as an edit of it. ``is_lost``: what was kept of it to compare with
    is gone or damaged.
    """

    entry: Entry
    kind: str
    distance: int | None
    resemblance: Resemblance | None = None
    fills: float = 1.0
    is_put_together: bool = False
    edit_of: str | None = None
    is_lost: bool = False

    @property
    def verified(self) -> bool:
        """Whether it counts."""
        return self.kind == "exact" or (self.resemblance is not None and self.resemblance.verified)

    @property
    def whole(self) -> bool:
        """Whether nothing of note differs between the two."""
        return self.kind == "exact" or (self.resemblance is not None and self.resemblance.whole)

    @property
    def share(self) -> float:
        """How much of the entry was seen, 0 to 1."""
        return 1.0 if self.kind == "exact" else 0.0 if self.resemblance is None else self.resemblance.overlap

    @property
    def agreement(self) -> float:
        """How much of what could be compared agrees, 0 to 1."""
        return 1.0 if self.kind == "exact" else 0.0 if self.resemblance is None else self.resemblance.share

    @property
    def of_all(self) -> bool:
        """Whether nothing of note differs, nearly all of the entry is there, and hardly anything beside it."""
        return self.whole and min(self.share, self.fills) >= NEARLY_ALL


_ORDER = {"exact": 0, "watermark": 1, "fingerprint": 2}
_FARTHEST = 257  # bits: more than any two hashes are apart


def strongest_first(found: Iterable[Found]) -> tuple[Found, ...]:
    """The one order of what is known of a file, for whoever lists it or takes the first of it.

    Verified before candidates; the file itself; the whole of an entry; where nothing differs before where a part does;
    by how much of the entry is there and agrees, to the hundredth, and how much agrees, to the thousandth; marked
    before near; by distance; by number.
    """

    def rank(each: Found) -> tuple[bool, bool, bool, bool, float, float, int, int, int]:
        there, agrees = (each.share * each.agreement, each.agreement) if each.verified else (0.0, 0.0)
        return (
            not each.verified,
            each.kind != "exact",
            not each.of_all,
            not each.whole,
            -round(there, 2),
            -round(agrees, 3),
            _ORDER[each.kind],
            _FARTHEST if each.distance is None else each.distance,
            each.entry.number,
        )

    return tuple(sorted(found, key=rank))


def origins(found: Iterable[Found]) -> tuple[Found, ...]:
    """Which of what was found (``strongest_first``) may have its credentials given back for the file that was examined.

    What is verified, and the whole alone where the whole of anything is known: of what differs in a part from a file
    that is known itself, the credentials tell of another picture.
    """
    verified = tuple(each for each in found if each.verified)
    return tuple(each for each in verified if each.of_all) or verified


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
    smooth = shades(rgb, registered=True)
    if smooth is not None:
        tied.append(Binding(kind=BindingKind.SHADES, value=smooth))
    return tied


def reference_file(rgb: Bytes) -> bytes:
    """The small picture that is kept to compare with, as a JPEG without metadata."""
    from PIL import Image  # noqa: PLC0415 - loaded already, where there are pixels

    out = io.BytesIO()
    Image.fromarray(reference_of(rgb)).save(out, "JPEG", quality=_QUALITY, optimize=True)
    return out.getvalue()


class Finder:
    """Searches one registry. Keeps the index between files; what was added since is read with each search."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self.index = Index(store)

    def find(
        self, sha256: bytes, rgb: Bytes | None, marks: Sequence[tuple[str, bytes]], *, by_pixels: bool = True
    ) -> tuple[Found, ...]:
        """What is known of a file with this digest, these pixels (upright, None for none) and these marks.

        ``marks`` are pairs of key id and payload. The strongest first (``strongest_first``), each entry once.
        Without ``by_pixels`` no fingerprint is searched. Raises StoreError.
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
        return strongest_first(found.values())

    def near(self, kind: BindingKind, value: bytes) -> tuple[tuple[int, int], ...]:
        """Numbers of the entries whose hash of a kind is within reach of ``value``, and how far apart in bits.

        The nearest first. Nothing is compared: these are candidates. Raises StoreError.
        """
        nearest = self.index.nearest(kind, value)
        return tuple(sorted(nearest.items(), key=lambda pair: (pair[1], pair[0])))

    def _near(self, rgb: Bytes, ready: "_Lazy", found: dict[int, Found]) -> None:
        nearest: dict[int, int] = {}
        for shown in (rgb, *_framed(rgb)):
            whole, near = fingerprints(shown), dict[int, int]()
            for kind, value in ((BindingKind.PHASH, whole.phash), (BindingKind.PDQ, whole.pdq)):
                for number, distance in () if value is None else self.index.nearest(kind, value).items():
                    near[number] = min(distance, near.get(number, 256))
            nearest = {**near, **nearest}  # the distance of the whole picture where it has one
            self._take(sorted(near, key=lambda number: (near[number], number)), nearest, ready, found)
            if any(each.verified and each.fills >= _MOST_OF_IT for each in found.values()):
                return
            smooth = shades(shown, registered=False)
            alike = {} if smooth is None else self.index.nearest(BindingKind.SHADES, smooth)
            self._take(sorted(alike, key=lambda number: (alike[number], number)), nearest, ready, found)
            if any(each.verified and each.fills >= _MOST_OF_IT for each in found.values()):
                return
        local = local_hashes(rgb, LOCAL_ASKED, everywhere=True)
        votes = self.index.votes(local)
        self._take(sorted(votes, key=lambda number: (-votes[number], number)), nearest, ready, found)

    def _take(self, ranked: list[int], nearest: dict[int, int], ready: "_Lazy", found: dict[int, Found]) -> None:
        fresh = map(self._store.entry, (number for number in ranked if number not in found))
        # An index may know what was removed or withdrawn meanwhile; that takes nobody's place.
        for entry in islice(filter(None, fresh), _MOST_COMPARED):
            found[entry.number] = self._compared(entry, "fingerprint", nearest.get(entry.number), ready)

    def _compared(self, entry: Entry, kind: str, distance: int | None, ready: "_Lazy") -> Found:
        resemblance, is_lost = None, False
        examined = ready.look() if entry.reference is not None else None
        if examined is not None and entry.reference is not None:
            try:
                data = self._store.files.get(entry.reference, max_bytes=self._limits.image_bytes)
                kept = decode_rgb(asset_from_bytes(data, name=None, limits=self._limits), self._limits)
                is_grey = kept.mode == "L"  # of registries of before: there are no colours to compare
                resemblance = compare(np.ascontiguousarray(kept.rgb[:, :, 0]) if is_grey else kept.rgb, examined)
            except (StoreError, UnsupportedAsset, LimitExceeded):
                is_lost = True  # whether they are the same cannot be told
        fills = 1.0 if examined is None else _filling(resemblance, examined.shape)
        return Found(entry=entry, kind=kind, distance=distance, resemblance=resemblance, fills=fills, is_lost=is_lost)


def _framed(rgb: Bytes) -> list[Bytes]:
    """The pictures on a page: a border or a caption changes the hashes of the whole beyond reach."""
    small = reduced(rgb, HASHED_SIDE)
    boxes = framed(np.rint(luma(small)).astype(np.uint8))
    return [np.ascontiguousarray(small[top:bottom, left:right]) for left, top, right, bottom in boxes]


def _filling(resemblance: Resemblance | None, shape: tuple[int, int]) -> float:
    """How much of a picture (H, W) the box takes in which an entry lies; all of it where there is none."""
    region = None if resemblance is None else resemblance.region
    return 1.0 if region is None else min(1.0, region[2] * region[3] / max(1, shape[0] * shape[1]))


class _Lazy:
    """The picture that is looked up, made ready once, and only where there is something to compare it with."""

    def __init__(self, rgb: Bytes | None) -> None:
        self._rgb = rgb
        self._look: Look | None = None

    def look(self) -> Look | None:
        if self._look is None and self._rgb is not None:
            self._look = look(self._rgb)
        return self._look
