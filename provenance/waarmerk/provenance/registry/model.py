# SPDX-License-Identifier: Apache-2.0
"""The words of the registry. Nothing here names a person, a file or a place."""

from dataclasses import dataclass

PAYLOAD_BYTES, DIGEST_BYTES, PHASH_BYTES, PDQ_BYTES = 8, 32, 8, 32


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
class Issuance:
    """One file that was issued with a mark.

    ``sha256`` is the digest of the issued file; ``says`` what was declared (``generated``, ``modified``, ``none``);
    ``width`` and ``height`` its pixels as stored. ``geometry`` (row-major 3 x 3) takes its pixel centres to the
    reference of the mark, as detected in the issued file. ``manifest`` labels its credential, None without one.
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

    def __post_init__(self) -> None:
        sizes = ((self.payload, PAYLOAD_BYTES), (self.sha256, DIGEST_BYTES), (self.phash, PHASH_BYTES))
        if any(len(part) != size for part, size in sizes):
            raise ValueError("payload, digest or fingerprint of another size")
        if self.pdq is not None and len(self.pdq) != PDQ_BYTES:
            raise ValueError("a PDQ hash has 32 bytes")
        if self.geometry is not None and len(self.geometry) != 9:
            raise ValueError("a geometry is a 3 x 3 matrix")
