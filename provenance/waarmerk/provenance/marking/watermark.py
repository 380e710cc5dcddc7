# SPDX-License-Identifier: Apache-2.0
"""The mark on its way into a file: chosen at random, embedded, and found again in what was encoded."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import ConfigurationError, UnsupportedAsset
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.registry.stills import Collector
from waarmerk.watermark import CannotCarry, Detection, Key, Payload, detect, embed

Bytes = npt.NDArray[np.uint8]
SCHEME_NAMES = {"ring/1": "org.waarmerk.ring.1"}  # in a soft-binding assertion: a name of ours, nobody's listed one
PAYLOAD_BYTES = 8
_ISO_639_2 = {"en": "eng", "nl": "nld", "de": "deu", "fr": "fra", "es": "spa", "it": "ita", "pl": "pol", "pt": "por"}


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClipLabel:
    """A label in frames as they are stored: h x w tones and opacity, its place, when it stands there and in the
    caption track, and what it says."""

    grey: Bytes
    opacity: Bytes
    left: int
    top: int
    times: tuple[tuple[float, float], ...]
    captions: tuple[tuple[float, float], ...]
    words: str
    language: str

    def over_frames(self) -> dict[str, Any]:
        """The keywords of ``embed_video`` that put it there."""
        from waarmerk.watermark.overlay import Caption, Overlay  # noqa: PLC0415 - only for clips

        overlay = Overlay(
            grey=self.grey,
            opacity=self.opacity,
            left=self.left,
            top=self.top,
            shows=lambda seconds: any(start <= seconds < end for start, end in self.times),
        )
        captions = tuple(Caption(text=self.words, start=start, end=end) for start, end in self.captions)
        return {"overlays": (overlay,), "captions": captions, "language": _ISO_639_2.get(self.language, "und")}


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

    def put_clip(
        self, source: BinaryIO, target: Path, payload: bytes, label: ClipLabel | None, watcher: Collector | None = None
    ) -> tuple[Mark | None, tuple[Loss, ...]]:
        """Write the clip ``source`` to ``target`` with the mark and a label over it, and search the result.

        The mark is None where it was not found again. ``watcher`` keeps some of the frames. Raises UnsupportedAsset
        for a clip that cannot be read or is too small, ConfigurationError where the extra is not installed.
        """
        try:
            from waarmerk.watermark.video import UnreadableVideo, embed_video  # noqa: PLC0415 - an extra
        except ImportError:
            raise ConfigurationError("media.no-extra", "clips need: pip install 'waarmerk[video]'") from None
        extra = {} if label is None else label.over_frames()
        try:
            done = embed_video(source, target, self.key, Payload(payload), best_effort=True, watcher=watcher, **extra)
        except (UnreadableVideo, CannotCarry) as error:
            raise UnsupportedAsset("media.no-video", str(error)) from error
        losses = tuple(Loss(f"clip-{code}", about) for code, about in done.losses)
        if done.detection.payload != Payload(payload):
            return None, losses
        return _mark(done.detection, payload), losses

    def find(self, rgb: Bytes, payload: bytes) -> Mark:
        """The mark in H x W x 3 pixels that were decoded from the finished file. Raises NoMark."""
        seen = detect(rgb, self.key)
        if seen.payload is None or bytes(seen.payload) != payload:
            raise NoMark("the mark does not survive the encoding of this picture")
        return _mark(seen, payload)


def _mark(seen: Detection, payload: bytes) -> Mark:
    return Mark(
        key_id=seen.key_id,
        scheme=seen.scheme,
        payload=payload,
        p_value=seen.p_value,
        geometry=None if seen.geometry is None else seen.geometry.matrix,
    )
