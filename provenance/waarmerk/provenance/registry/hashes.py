# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of pictures. They find candidates and decide nothing: a second preimage of pHash is found at will."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.model import Chroma, Thumbnail

Bytes = npt.NDArray[np.uint8]
HASHED_SIDE = 512  # pixels of the longer side: PDQ takes 3 ms there and 150 ms on a photograph
LOCAL_BYTES = 16  # of one local hash
LOCAL_KEPT, LOCAL_ASKED = 64, 256  # of a registered picture; of one looked up, which may be a small part of a collage
THUMBNAIL_SIDE = 96  # pixels of the longer side: enough to tell pictures apart, too little to recognise a passer-by
CHROMA_SIDE = 48  # pixels: colours of parts, not of things
FAINTEST = 0.01  # contrast of a place, of 1; at the usual 0.04 dark pictures have none
THINNEST = 8  # pixels of the shorter side: a place has something around it, and the library fails on less
# A mirrored SIFT descriptor: its 4 x 4 cells in reverse across the direction of the place, its 8 directions negated.
MIRRORED = np.arange(128).reshape(4, 4, 8)[::-1][:, :, -np.arange(8) % 8].ravel()
_DETECTED = 600  # places that the clearest are chosen from
_ACROSS, _OF_EACH = 6, 5  # parts across and down, and places of each: 180 more at most
_CELL = 12.0  # pixels of the reduced picture
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """``phash`` 64 bits (ImageHash), ``pdq`` 256 bits where the library is there."""

    phash: bytes
    pdq: bytes | None


def fingerprints(rgb: Bytes) -> Fingerprints:
    """The fingerprints of H x W x 3 RGB."""
    import imagehash  # noqa: PLC0415 - 0.3 s that a verification does not pay
    from PIL import Image  # noqa: PLC0415

    small = reduced(rgb, HASHED_SIDE)
    bits = imagehash.phash(Image.fromarray(small)).hash
    return Fingerprints(phash=np.packbits(bits).tobytes(), pdq=_pdq(small))


def _pdq(rgb: Bytes) -> bytes | None:
    try:
        import pdqhash  # noqa: PLC0415 - optional
    except ImportError:
        return None
    bits, _quality = pdqhash.compute(rgb)
    return np.packbits(np.asarray(bits, np.uint8)).tobytes()


def pdq_orientations(rgb: Bytes) -> list[bytes]:
    """PDQ of H x W x 3 RGB in its eight orientations (turned, mirrored), upright first."""
    import pdqhash  # noqa: PLC0415 - only for this

    found, _quality = pdqhash.compute_dihedral(reduced(rgb, HASHED_SIDE))
    return [np.packbits(np.asarray(bits, np.uint8)).tobytes() for bits in found]


def local_hashes(rgb: Bytes, count: int, *, everywhere: bool = False) -> Bytes:
    """Hashes that a crop leaves alone: N x 16 bytes, N at most ``count``, for the strongest places of H x W x 3 RGB.

    Each is the SIFT descriptor (Lowe 2004) of a place, every one of its 128 numbers as one bit: above the median or
    not. Places are taken largest and clearest first, no two within 12 pixels of the reduced picture. With
    ``everywhere`` there are some more of each part of it: a busy page around a picture takes all the others.
    """
    grey = np.rint(luma(reduced(rgb, HASHED_SIDE))).astype(np.uint8)
    if min(grey.shape) < THINNEST:
        return np.zeros((0, LOCAL_BYTES), np.uint8)
    sift = cv2.SIFT.create(nfeatures=0 if everywhere else _DETECTED, contrastThreshold=FAINTEST)
    found = sift.detect(grey, None)
    clearest = sorted(found, key=lambda p: -p.response)[:_DETECTED]
    places = _spread(clearest, count)
    if everywhere:
        places += _of_each_part(found, grey.shape)
    if not places:
        return np.zeros((0, LOCAL_BYTES), np.uint8)
    _, described = sift.compute(grey, places)
    numbers = np.asarray(described)
    return np.packbits(numbers > np.median(numbers, axis=1, keepdims=True), axis=1)


def mirrored(local: Bytes) -> Bytes:
    """The local hashes (N x 16) of the same places in the picture turned over."""
    return np.packbits(np.unpackbits(local, axis=1)[:, MIRRORED], axis=1)


def _spread(places: Sequence[cv2.KeyPoint], count: int) -> list[cv2.KeyPoint]:
    """The largest and clearest places, at most one a cell."""
    chosen: dict[tuple[int, int], cv2.KeyPoint] = {}
    ranked = sorted(places, key=lambda p: (-p.size * p.response, p.pt, p.angle))
    for place in ranked:
        chosen.setdefault((round(place.pt[0] / _CELL), round(place.pt[1] / _CELL)), place)
        if len(chosen) == count:
            break
    return list(chosen.values())


def _of_each_part(places: Sequence[cv2.KeyPoint], shape: tuple[int, ...]) -> list[cv2.KeyPoint]:
    """The largest and clearest places of each part, however clear those elsewhere are."""
    chosen: dict[tuple[int, int], list[cv2.KeyPoint]] = {}
    for place in sorted(places, key=lambda p: (-p.size * p.response, p.pt, p.angle)):
        part = int(place.pt[0] * _ACROSS / shape[1]), int(place.pt[1] * _ACROSS / shape[0])
        held = chosen.setdefault(part, [])
        if len(held) < _OF_EACH:
            held.append(place)
    return [place for held in chosen.values() for place in held]


def thumbnail(rgb: Bytes, side: int = THUMBNAIL_SIDE) -> Thumbnail:
    """The luma thumbnail of H x W x 3 RGB."""
    small = luma(reduced(rgb, side))
    height, width = small.shape
    return Thumbnail(width=width, height=height, pixels=np.rint(small).astype(np.uint8).tobytes())


def chroma(rgb: Bytes, side: int = CHROMA_SIDE) -> Chroma:
    """The colour thumbnail of H x W x 3 RGB."""
    small = reduced(rgb, side)
    height, width = small.shape[:2]
    planes = np.clip(np.rint(colours(small).transpose(2, 0, 1)) + 128, 0, 255).astype(np.uint8)
    return Chroma(width=width, height=height, pixels=planes.tobytes())


def colours(rgb: Bytes) -> npt.NDArray[np.float32]:
    """Cb and Cr of H x W x 3 RGB, H x W x 2, -128 to 128 around grey (ITU-R BT.601)."""
    light = luma(rgb)
    planes = (rgb[:, :, 2] - light) * 0.564, (rgb[:, :, 0] - light) * 0.713
    return np.dstack(planes).astype(np.float32)


def luma(rgb: Bytes) -> npt.NDArray[np.float32]:
    """Luma of H x W x 3 RGB, 0 to 255."""
    plane: npt.NDArray[np.float32] = rgb.astype(np.float32) @ _LUMA
    return plane


def reduced(rgb: Bytes, side: int) -> Bytes:
    """H x W (x 3) with its longer side at ``side`` at most, pixel areas averaged."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return rgb if scale == 1.0 else np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
