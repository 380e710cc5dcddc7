# SPDX-License-Identifier: Apache-2.0
"""Watermark schemes behind one protocol; the scheme id travels with every key and every detection."""

from __future__ import annotations

from collections.abc import Sequence
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

    if key.scheme != Ring.scheme_id:
        raise ValueError(f"unknown scheme {key.scheme!r}")
    return Ring()
