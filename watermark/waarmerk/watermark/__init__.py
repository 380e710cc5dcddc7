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
from waarmerk.watermark.model import CannotCarry, Detection, Payload
from waarmerk.watermark.schemes import scheme_of

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
    if strength is not None and psnr is not None:
        raise ValueError("give strength or psnr, not both")
    if strength is not None and not 0.05 <= strength <= 20.0:
        raise ValueError(f"strength lies between 0.05 and 20, got {strength}")
    if psnr is not None and not 25.0 <= psnr <= 65.0:
        raise ValueError(f"psnr lies between 25 and 65 dB, got {psnr}")
    scheme = scheme_of(_as_key(key))
    marked = scheme.embed(host, key, payload, strength=strength, psnr=psnr, best_effort=best_effort)
    return marked.reshape(host.shape)  # H x W x 1 is marked as H x W


def detect(image: npt.NDArray[np.uint8], key: Key, *, max_false_positive: float = 1e-9) -> Detection:
    """Search an image for the mark of one key; the same kinds of arrays as ``embed``."""
    return detect_each(image, (key,), max_false_positive=max_false_positive)[0]


def detect_each(
    image: npt.NDArray[np.uint8], keys: Iterable[Key], *, max_false_positive: float = 1e-9
) -> tuple[Detection, ...]:
    """Search for several keys at once, one detection per key in their order; each p-value counts all the keys."""
    if isinstance(keys, Key):
        raise TypeError("keys are several Keys, got one Key; detect searches for one")
    keys = tuple(keys)
    if not keys:
        raise ValueError("no key to search for")
    if not 0.0 < max_false_positive < 1.0:
        raise ValueError(f"max_false_positive lies between 0 and 1, got {max_false_positive}")
    scheme = scheme_of(_as_key(keys[0]))
    if any(_as_key(key).scheme != scheme.scheme_id for key in keys):
        raise ValueError("the keys belong to different schemes; search for each scheme on its own")
    return scheme.detect(image, keys, max_false_positive=max_false_positive)


def _as_key(key: Key) -> Key:
    if not isinstance(key, Key):
        raise TypeError(f"key is a Key, got {type(key).__name__}")
    return key
