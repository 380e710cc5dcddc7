# SPDX-License-Identifier: Apache-2.0
"""The words of the registry. Nothing here names a person, a file or a place."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from waarmerk.provenance.model import Origin

BY_ISSUER = "issuer"  # as a reason in the history: who sent it said so, not somebody here
PAYLOAD_BYTES, DIGEST_BYTES, PHASH_BYTES, PDQ_BYTES, LOCAL_BYTES, SHADES_BYTES = 8, 32, 8, 32, 16, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    """The luma of a picture made very small: ``height`` x ``width`` bytes, row by row."""

    width: int
    height: int
    pixels: bytes

    def __post_init__(self) -> None:
        if not self.width * self.height == len(self.pixels) > 0:
            raise ValueError("a thumbnail has width x height bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Chroma:
    """The colours of a picture made very small: Cb, then Cr, ``height`` x ``width`` bytes each, 128 is grey."""

    width: int
    height: int
    pixels: bytes

    def __post_init__(self) -> None:
        if not 2 * self.width * self.height == len(self.pixels) > 0:
            raise ValueError("two planes of width x height bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """One frame of a clip, ``at`` seconds from its start, made very small."""

    at: float
    thumbnail: Thumbnail
    chroma: Chroma


class Kept(Protocol):
    """What there is of a picture or clip to compare others with; ``Issuance`` and ``Shown`` are such."""

    @property
    def width(self) -> int: ...  # noqa: D102 - as Issuance has them
    @property
    def height(self) -> int: ...  # noqa: D102
    @property
    def thumbnail(self) -> Thumbnail: ...  # noqa: D102
    @property
    def chroma(self) -> Chroma | None: ...  # noqa: D102
    @property
    def geometry(self) -> tuple[float, ...] | None: ...  # noqa: D102
    @property
    def label(self) -> tuple[int, int, int, int] | None: ...  # noqa: D102
    @property
    def stills(self) -> tuple[Still, ...]: ...  # noqa: D102


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One frame, or the frames kept of a clip, to compare with; the fields mean what they mean in ``Issuance``."""

    width: int
    height: int
    thumbnail: Thumbnail
    chroma: Chroma | None
    geometry: tuple[float, ...] | None = None
    label: tuple[int, int, int, int] | None = None
    stills: tuple[Still, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuance:
    """One file that was issued with a mark.

    ``sha256`` is the digest of the issued file; ``says`` what was declared (``generated``, ``modified``, ``none``);
    ``width`` and ``height`` its pixels as stored. ``geometry`` (row-major 3 x 3) takes its pixel centres to the
    reference of the mark, as detected in the issued file. ``manifest`` labels its credential, None without one.
    ``label`` is where the visible label was drawn (left, top, width, height, pixels as stored), None where none was.
    ``chroma`` None: an entry of an earlier version, which knows neither colours nor the place of the label.
    ``stills`` are frames of a clip in the order of time, empty for a picture and for a clip of an earlier version.
    Raises ValueError for parts of other sizes.
    """

    key_id: str
    payload: bytes
    scheme: str
    issued_at: str
    says: str
    sha256: bytes
    media_type: str
    width: int
    height: int
    phash: bytes
    pdq: bytes | None
    thumbnail: Thumbnail
    geometry: tuple[float, ...] | None
    manifest: str | None
    chroma: Chroma | None = None
    label: tuple[int, int, int, int] | None = None
    stills: tuple[Still, ...] = ()

    def __post_init__(self) -> None:
        sizes = ((self.payload, PAYLOAD_BYTES), (self.sha256, DIGEST_BYTES), (self.phash, PHASH_BYTES))
        if any(len(part) != size for part, size in sizes):
            raise ValueError("payload, digest or fingerprint of another size")
        if self.pdq is not None and len(self.pdq) != PDQ_BYTES:
            raise ValueError("a PDQ hash has 32 bytes")
        if self.geometry is not None and len(self.geometry) != 9:
            raise ValueError("a geometry is a 3 x 3 matrix")
        if self.label is not None and min(self.label) < 0:
            raise ValueError("a label has a place and a size")


class BindingKind(StrEnum):
    """What ties an entry to content: hashes of the whole, of what a crop leaves alone, of a smooth one, or a mark."""

    PHASH = "phash"
    PDQ = "pdq"
    LOCAL = "local"
    SHADES = "shades"
    WATERMARK = "watermark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One tie. ``value`` is the hash, the local hashes in a row (16 bytes each), or the payload of key ``key_id``.

    Raises ValueError for a value of another size and for a mark without a key.
    """

    kind: BindingKind
    value: bytes
    key_id: str | None = None

    def __post_init__(self) -> None:
        sizes = {
            BindingKind.PHASH: PHASH_BYTES,
            BindingKind.PDQ: PDQ_BYTES,
            BindingKind.SHADES: SHADES_BYTES,
            BindingKind.WATERMARK: PAYLOAD_BYTES,
        }
        if self.kind is BindingKind.LOCAL:
            if not self.value or len(self.value) % LOCAL_BYTES:
                raise ValueError("local hashes have 16 bytes each")
        elif len(self.value) != sizes[self.kind]:
            raise ValueError(f"a {self.kind} binding has {sizes[self.kind]} bytes")
        if (self.kind is BindingKind.WATERMARK) != (self.key_id is not None):
            raise ValueError("a mark, and nothing else, names its key")


class State(StrEnum):
    """What an entry is good for. Disputed: it is found, and proposes nothing. Withdrawn: it is found no more."""

    ACTIVE = "active"
    DISPUTED = "disputed"
    WITHDRAWN = "withdrawn"


class Role(StrEnum):
    """What an entry shows: the picture itself, or what a fact-check published about it, stamped and framed."""

    ITEM = "item"
    DEBUNK = "debunk"


class Basis(StrEnum):
    """Why an entry says what it says. Issued: it was labelled here, under our own keys."""

    ENTERED = "entered"
    ISSUED = "issued"
    FACT_CHECK = "fact-check"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One known file.

    ``sha256`` is the digest of the original; ``manifest`` the digest of its stored manifest store and ``reference``
    that of the small picture it is compared with, None without one; ``manifest_label`` names the active manifest.
    ``labels`` are proposals, ``fact_checks`` addresses; ``source`` says who entered it. ``published`` is set where the
    picture is known to be public: nothing of others leaves in a package. ``issuer`` is the number of whoever sent it
    in a package, under the name ``foreign_id``; None for our own. ``added_at`` and ``keep_until`` are RFC 3339;
    ``number`` is 0 until it is stored. Raises ValueError for digests of another size.
    """

    sha256: bytes
    media_type: str
    added_at: str
    width: int | None = None
    height: int | None = None
    origin: Origin = Origin.UNKNOWN
    labels: tuple[str, ...] = ()
    fact_checks: tuple[str, ...] = ()
    source: str = "own"
    keep_until: str | None = None
    manifest: bytes | None = None
    reference: bytes | None = None
    number: int = 0
    manifest_label: str | None = None
    state: State = State.ACTIVE
    role: Role = Role.ITEM
    basis: Basis = Basis.ENTERED
    published: bool = False
    issuer: int | None = None
    foreign_id: str | None = None

    def __post_init__(self) -> None:
        digests = (self.sha256, self.manifest, self.reference)
        if any(digest is not None and len(digest) != DIGEST_BYTES for digest in digests):
            raise ValueError("a digest has 32 bytes")

    @property
    def registry_id(self) -> str:
        """Its name in reports. It says nothing of the file, unlike a part of its digest would."""
        return f"r{self.number}"

    def stated(self) -> dict[str, Any]:
        """What it states of the file, in values of JSON: the part that lists and packages have in common."""
        return {
            "sha256": self.sha256.hex(),
            "media_type": self.media_type,
            "width": self.width,
            "height": self.height,
            "origin": self.origin.value,
            "labels": list(self.labels),
            "fact_checks": list(self.fact_checks),
            "basis": self.basis.value,
            "role": self.role.value,
            "state": self.state.value,
        }
