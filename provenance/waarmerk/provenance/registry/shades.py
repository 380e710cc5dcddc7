# SPDX-License-Identifier: Apache-2.0
"""A hash of pictures without structure: which light and colours they have where.

The bits of pHash and PDQ say on which side of a middle each frequency lies. A clear sky has hardly any frequencies, so
most of these bits are noise: a codec turns them. Here they say how light and how coloured each of sixteen fields is.
Half of a field may be hidden by a text or a sticker (median). It points at pictures to compare; it decides nothing.
"""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import HASHED_SIDE, colours, luma, reduced
from waarmerk.provenance.registry.model import SHADES_BYTES
from waarmerk.provenance.registry.structure import textured

Bytes = npt.NDArray[np.uint8]

# Parts with structure that a picture has fewer of; a share of those of what is looked up, with what is over it.
SMOOTH, MOSTLY_SMOOTH = 16, 0.5
_FIELDS, _PIXELS = 4, 16  # across and down; of a field
_STEPS = np.array([[32, 80, 128, 176, 224], [-48, -24, 0, 24, 48], [-48, -24, 0, 24, 48]], np.float32)  # luma, Cb, Cr


def shades(rgb: Bytes, *, registered: bool) -> bytes | None:
    """The hash of H x W x 3 RGB, 256 bits; None of a picture with structure.

    Five bits for luma, Cb and Cr of each field: as many are set as steps are passed, so near shades differ by few.
    """
    small = reduced(rgb, HASHED_SIDE)
    parts = textured(np.rint(luma(small)).astype(np.uint8))
    if int(parts.sum()) >= (SMOOTH if registered else max(SMOOTH, MOSTLY_SMOOTH * parts.size)):
        return None
    side = _FIELDS * _PIXELS
    even = np.asarray(cv2.resize(small, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
    planes = np.dstack([luma(even), colours(even)]).reshape(_FIELDS, _PIXELS, _FIELDS, _PIXELS, 3)
    middle = np.median(planes, axis=(1, 3))
    bits = np.packbits(middle[:, :, :, None] > _STEPS)
    return bits.tobytes().ljust(SHADES_BYTES, b"\0")
