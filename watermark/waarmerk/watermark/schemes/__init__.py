# SPDX-License-Identifier: Apache-2.0
"""Watermark schemes behind one protocol; the scheme id travels with every key and every detection."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import Detection, Payload

if TYPE_CHECKING:
    from waarmerk.watermark.arrays import Bytes


class Scheme(Protocol):
    """One way to mark still images.  An old scheme stays here as long as marks of it may be met."""

    @property
    def scheme_id(self) -> str:
        """Name and version, as written into key files."""

    def embed(
        self, host: Bytes, key: Key, payload: Payload, *, strength: float | None, psnr: float | None, best_effort: bool
    ) -> Bytes:
        """Mark a host; raises CannotCarry where its own detector would not read the result."""

    def detect(self, image: Bytes, keys: Sequence[Key], *, max_false_positive: float) -> tuple[Detection, ...]:
        """One search for several keys; one detection per key, in order."""


def scheme_of(key: Key) -> Scheme:
    """The scheme a key belongs to."""
    from waarmerk.watermark.schemes.ring import Ring  # noqa: PLC0415 - keeps `import waarmerk.watermark` light

    if not isinstance(key, Key):
        raise TypeError(f"key is a Key, got {type(key).__name__}")
    if key.scheme != Ring.scheme_id:
        raise ValueError(f"unknown scheme {key.scheme!r}")
    return Ring()


def checked_keys(keys: Iterable[Key], max_false_positive: float) -> tuple[Key, ...]:
    """The keys of one search, at least one and all of one scheme.  Raises TypeError and ValueError."""
    if isinstance(keys, Key):
        raise TypeError("keys are several Keys, got one Key; detect searches for one")
    keys = tuple(keys)
    if not keys:
        raise ValueError("no key to search for")
    if not 0.0 < max_false_positive < 1.0:
        raise ValueError(f"max_false_positive lies between 0 and 1, got {max_false_positive}")
    scheme = scheme_of(keys[0])
    if any(scheme_of(key).scheme_id != scheme.scheme_id for key in keys):
        raise ValueError("the keys belong to different schemes; search for each scheme on its own")
    return keys


def check_strength(strength: float | None, psnr: float | None) -> None:
    """Raise ValueError for a strength or distance no mark can have."""
    if strength is not None and psnr is not None:
        raise ValueError("give strength or psnr, not both")
    if strength is not None and not 0.05 <= strength <= 20.0:
        raise ValueError(f"strength lies between 0.05 and 20, got {strength}")
    if psnr is not None and not 25.0 <= psnr <= 65.0:
        raise ValueError(f"psnr lies between 25 and 65 dB, got {psnr}")
