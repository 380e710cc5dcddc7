# SPDX-License-Identifier: Apache-2.0
"""The words of the watermark: payload, detection, geometry, and the refusal of a host."""

from __future__ import annotations

from dataclasses import dataclass

PAYLOAD_BYTES = 8
MAX_FALSE_POSITIVE = 1e-9  # how often an unmarked host may be said to carry a mark, over all that one search tries


class CannotCarry(Exception):
    """The host cannot hold the payload at the strength allowed: too small, too flat or saturated."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Eight bytes that name an entry of the key owner's ledger; an identifier, never a proof."""

    value: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.value, bytes):
            raise TypeError(f"a payload is bytes, got {type(self.value).__name__}")
        if len(self.value) != PAYLOAD_BYTES:
            raise ValueError(f"a payload has exactly {PAYLOAD_BYTES} bytes, got {len(self.value)}")

    def __bytes__(self) -> bytes:
        return self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """How the image lies on the reference canvas of its mark.

    ``matrix`` (row-major 3 x 3) takes image pixel centres to reference pixels; ``bent`` tells that a smooth local
    displacement was undone besides.
    """

    matrix: tuple[float, ...]
    rotation_degrees: float
    scale: float
    flipped: bool
    bent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Detection:
    """What one search found.

    ``p_value`` bounds the probability that an image which does not carry this key's mark scores as well, over the
    random key and over everything the search tried.  ``payload`` is set only if the code closed and ``detected``.
    """

    detected: bool
    payload: Payload | None
    p_value: float
    geometry: Geometry | None
    scheme: str
    key_id: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.p_value <= 1.0:
            raise ValueError(f"p_value must lie in [0, 1], got {self.p_value}")
        if self.payload is not None and not self.detected:
            raise ValueError("a payload is reported only with a detection")
