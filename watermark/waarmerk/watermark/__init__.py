# SPDX-License-Identifier: Apache-2.0
"""A keyed, blind watermark for still images that survives what the internet does to pictures.

>>> key = Key.generate(purpose="ai")
>>> marked = embed(host, key, Payload(b"8 bytes!"))    # host: uint8, H x W x 3, RGB
>>> detect(marked, key).payload
Payload(value=b'8 bytes!')
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import MAX_FALSE_POSITIVE, CannotCarry, Detection, Payload
from waarmerk.watermark.schemes import check_strength, checked_keys, scheme_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["CannotCarry", "Detection", "Key", "Payload", "detect", "detect_each", "embed"]


def embed(
    host: npt.NDArray[np.uint8],
    key: Key,
    payload: Payload,
    *,
    strength: float | None = None,
    psnr: float | None = None,
    best_effort: bool = False,
) -> npt.NDArray[np.uint8]:
    """Mark a host.

    ``host``: uint8, H x W or H x W x 1 (grey), H x W x 3 (RGB) or H x W x 4 (RGBA; alpha is returned untouched), sides
    from 128 pixels.  The result has the host's shape; equal arguments give equal bytes.  ``strength`` scales the
    default, which visibility in flat areas bounds; ``psnr`` (dB over all channels) is for comparisons and switches that
    bound off.  Raises TypeError and ValueError for arguments that are no image or no strength, CannotCarry where the
    result would not be read back, unless ``best_effort``.
    """
    if not isinstance(payload, Payload):
        raise TypeError(f"payload is a Payload, got {type(payload).__name__}")
    check_strength(strength, psnr)
    scheme = scheme_of(key)
    marked = scheme.embed(host, key, payload, strength=strength, psnr=psnr, best_effort=best_effort)
    return marked.reshape(host.shape)  # H x W x 1 is marked as H x W


def detect(image: npt.NDArray[np.uint8], key: Key, *, max_false_positive: float = MAX_FALSE_POSITIVE) -> Detection:
    """Search an image for the mark of one key; the same kinds of arrays as ``embed``."""
    return detect_each(image, (key,), max_false_positive=max_false_positive)[0]


def detect_each(
    image: npt.NDArray[np.uint8], keys: Iterable[Key], *, max_false_positive: float = MAX_FALSE_POSITIVE
) -> tuple[Detection, ...]:
    """Search for several keys at once, one detection per key in their order; each p-value counts all the keys."""
    keys = checked_keys(keys, max_false_positive)
    scheme = scheme_of(keys[0])
    return scheme.detect(image, keys, max_false_positive=max_false_positive)
