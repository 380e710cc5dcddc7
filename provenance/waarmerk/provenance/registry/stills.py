# SPDX-License-Identifier: Apache-2.0
"""What is kept of an issued clip to tell its copies by: one very small frame a second, and how they are stored."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import chroma, thumbnail
from waarmerk.provenance.registry.model import Chroma, Still, Thumbnail

Bytes = npt.NDArray[np.uint8]
MOST_STILLS = 120  # of one clip; of a longer one fewer a second
EVERY_SECONDS = 1.0
_HEAD = struct.Struct("<d4H")  # time, then the sizes of thumbnail and colours
_MOST_BYTES = 4 << 20


class Collector:
    """Takes frames in the order of time and keeps some of them; a time that runs backwards starts anew."""

    def __init__(self) -> None:
        self._held: list[Still] = []
        self._every = EVERY_SECONDS

    def wants(self, seconds: float) -> bool:
        """Whether the frame at this time is to be given to ``take``."""
        if self._held and seconds < self._held[-1].at:
            self._held.clear()
            self._every = EVERY_SECONDS
        return not self._held or seconds >= self._held[-1].at + self._every - 1e-6

    def take(self, seconds: float, rgb: Bytes) -> None:
        """Keep H x W x 3 RGB."""
        self._held.append(Still(at=seconds, thumbnail=thumbnail(rgb), chroma=chroma(rgb)))
        if len(self._held) > MOST_STILLS:
            self._held = self._held[::2]
            self._every *= 2

    @property
    def stills(self) -> tuple[Still, ...]:
        """What was kept."""
        return tuple(self._held)


def packed(stills: Sequence[Still]) -> bytes | None:
    """The stills as one value of a database, None for none."""
    if not stills:
        return None
    parts = []
    for each in stills:
        small, colour = each.thumbnail, each.chroma
        parts.append(_HEAD.pack(each.at, small.width, small.height, colour.width, colour.height))
        parts += [small.pixels, colour.pixels]
    return zlib.compress(b"".join(parts), 6)


def unpacked(data: bytes) -> tuple[Still, ...]:
    """What ``packed`` made. Raises ValueError, struct.error and zlib.error for anything else."""
    held, at = zlib.decompressobj().decompress(data, _MOST_BYTES), 0
    found: list[Still] = []
    while at < len(held):
        seconds, width, height, across, down = _HEAD.unpack_from(held, at)
        at += _HEAD.size
        light, shades = held[at : at + width * height], held[at + width * height :][: 2 * across * down]
        if not light or not shades or (len(light), len(shades)) != (width * height, 2 * across * down):
            raise ValueError("a frame cut short")
        at += len(light) + len(shades)
        small = Thumbnail(width=width, height=height, pixels=light)
        found.append(Still(at=seconds, thumbnail=small, chroma=Chroma(width=across, height=down, pixels=shades)))
    if not found:
        raise ValueError("no frames")
    return tuple(found)
