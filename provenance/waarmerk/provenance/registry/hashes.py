# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of pictures. They find candidates and decide nothing: a second preimage of pHash is found at will."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.model import Thumbnail

Bytes = npt.NDArray[np.uint8]
THUMBNAIL_SIDE = 96  # pixels of the longer side: enough to tell pictures apart, too little to recognise a passer-by
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

    small = _reduced(rgb, 512)
    bits = imagehash.phash(Image.fromarray(small)).hash
    return Fingerprints(phash=np.packbits(bits).tobytes(), pdq=_pdq(small))


def _pdq(rgb: Bytes) -> bytes | None:
    try:
        import pdqhash  # noqa: PLC0415 - optional
    except ImportError:
        return None
    bits, _quality = pdqhash.compute(rgb)
    return np.packbits(np.asarray(bits, np.uint8)).tobytes()


def thumbnail(rgb: Bytes, side: int = THUMBNAIL_SIDE) -> Thumbnail:
    """The luma thumbnail of H x W x 3 RGB."""
    small = luma(_reduced(rgb, side))
    height, width = small.shape
    return Thumbnail(width=width, height=height, pixels=np.rint(small).astype(np.uint8).tobytes())


def luma(rgb: Bytes) -> npt.NDArray[np.float32]:
    """Luma of H x W x 3 RGB, 0 to 255."""
    plane: npt.NDArray[np.float32] = rgb.astype(np.float32) @ _LUMA
    return plane


def _reduced(rgb: Bytes, side: int) -> Bytes:
    """The picture with its longer side at ``side`` at most, pixel areas averaged."""
    height, width = rgb.shape[:2]
    scale = min(1.0, side / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return rgb if scale == 1.0 else np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
