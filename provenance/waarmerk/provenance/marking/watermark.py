# SPDX-License-Identifier: Apache-2.0
"""The mark on its way into a file: chosen at random, embedded, and found again in what was encoded."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.watermark import CannotCarry, Key, Payload, detect, embed

Bytes = npt.NDArray[np.uint8]
SCHEME_NAMES = {"ring/1": "org.waarmerk.ring.1"}  # in a soft-binding assertion: a name of ours, nobody's listed one
PAYLOAD_BYTES = 8


class NoMark(ValueError):
    """The picture cannot carry the mark, or does not carry it any more once it is encoded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mark that was found in the finished picture."""

    key_id: str
    scheme: str
    payload: bytes
    p_value: float
    geometry: tuple[float, ...] | None

    @property
    def binding_name(self) -> str:
        """What the scheme is called in Content Credentials."""
        return SCHEME_NAMES[self.scheme]


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """Marks pictures under one key. ``draw`` gives random bytes: the payload says nothing but that it is this one."""

    key: Key
    draw: Callable[[int], bytes]

    @property
    def says_ai(self) -> bool:
        """Whether a mark under the key means AI."""
        return self.key.purpose == "ai"

    def require(self, *, ai: bool) -> None:
        """Raise ConfigurationError where a mark under this key would say something else about the file."""
        if ai != self.says_ai:
            means = "AI" if self.says_ai else "origin only"
            raise ConfigurationError("label.key-purpose", f"a mark under this key means {means}; give another key")

    def payload(self) -> bytes:
        """A payload for one file."""
        return self.draw(PAYLOAD_BYTES)

    def put(self, host: Bytes, payload: bytes) -> Bytes:
        """``host`` (H x W or H x W x 3) with the mark. Raises NoMark."""
        try:
            return embed(host, self.key, Payload(payload))
        except (CannotCarry, ValueError) as error:  # ValueError: smaller than any picture that carries a mark
            raise NoMark("the picture is too small or too even to carry the mark") from error

    def find(self, rgb: Bytes, payload: bytes) -> Mark:
        """The mark in H x W x 3 pixels that were decoded from the finished file. Raises NoMark."""
        seen = detect(rgb, self.key)
        if seen.payload is None or bytes(seen.payload) != payload:
            raise NoMark("the mark does not survive the encoding of this picture")
        return Mark(
            key_id=seen.key_id,
            scheme=seen.scheme,
            payload=payload,
            p_value=seen.p_value,
            geometry=None if seen.geometry is None else seen.geometry.matrix,
        )
