# SPDX-License-Identifier: Apache-2.0
"""Length and size that a Matroska or WebM file states (RFC 8794, RFC 9559): a bounded walk over its header."""

import math
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window

_SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
_SCALE, _DURATION, _WIDTH, _HEIGHT = 0x2AD7B1, 0x4489, 0xB0, 0xBA
_LONGEST = 48 * 3600.0  # seconds; a file that states more states nonsense
_LARGEST = 65_535  # pixels a side


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """What the header states: None where it states nothing that can be."""

    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None


def read_heading(window: Window, limits: Limits) -> Heading:
    """Size of the first video track and length. Never raises for content; what comes before a fault counts."""
    found: dict[int, int | float] = {}
    with suppress(Truncated):
        _collect(window, limits, found)
    width, height = found.get(_WIDTH), found.get(_HEIGHT)
    sized = isinstance(width, int) and isinstance(height, int) and 0 < width <= _LARGEST and 0 < height <= _LARGEST
    length = float(found.get(_DURATION, 0.0)) * float(found.get(_SCALE, 1_000_000)) / 1e9
    return Heading(
        width=int(width) if sized and width is not None else None,
        height=int(height) if sized and height is not None else None,
        duration_seconds=round(length, 3) if 0.0 < length <= _LONGEST else None,
    )


def _collect(window: Window, limits: Limits, found: dict[int, int | float]) -> None:
    """Numbers wanted, by element, the first of each; the walk ends at the first cluster of frames."""
    left = limits.parts
    open_parts = [_elements(window)]
    while open_parts:
        entry = next(open_parts[-1], None)
        if entry is None:
            open_parts.pop()
            continue
        left -= 1
        name, body = entry
        if left < 0 or name == _CLUSTER:
            return
        if name in (_SEGMENT, _INFO, _TRACKS, _ENTRY, _VIDEO):
            open_parts.append(_elements(body))
        elif name == _DURATION and body.size in (4, 8):
            (value,) = struct.unpack(">f" if body.size == 4 else ">d", body.at(0, body.size))
            if math.isfinite(value):
                found.setdefault(name, value)
        elif name in (_SCALE, _WIDTH, _HEIGHT) and 0 < body.size <= 8:
            found.setdefault(name, int.from_bytes(body.at(0, body.size)))


def _elements(window: Window) -> Iterator[tuple[int, Window]]:
    """The elements inside ``window``; one of unknown size, or that reaches past the end, holds all that is left."""
    at = 0
    while at < window.size:
        name, at = _number(window, at, keep_marker=True)
        size, at = _number(window, at, keep_marker=False)
        size = min(size, window.size - at)
        yield name, window.part(at, size)
        at += size


def _number(window: Window, at: int, *, keep_marker: bool) -> tuple[int, int]:
    """A number of variable length and where it ends; with all bits set it means unknown, here: very many."""
    first = window.at(at, 1)[0]
    length = 9 - first.bit_length()
    if length > 8:
        raise Truncated
    value = int.from_bytes(window.at(at, length))
    if not keep_marker:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            value = 1 << 62
    return value, at + length
