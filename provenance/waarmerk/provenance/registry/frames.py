# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of clips: the hashes of one frame a second.

Frames come as pixels with their times; nothing is opened here. As with pictures a match is a candidate: hashes collide
at will, and clips of one studio share their stills.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import fingerprints
from waarmerk.provenance.registry.model import Binding, BindingKind

Bytes = npt.NDArray[np.uint8]
EVERY_SECONDS = 1.0
MOST_FRAMES = 2 * 3600  # of one clip: two hours
_LEAST_DETAIL = 8.0  # grey levels, standard deviation: black and white frames are alike in all clips
_SAME_BITS = 4  # of pHash, between two frames one after the other that are entered once


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHash:
    """The fingerprints of one frame, ``at`` seconds from the start."""

    at: float
    phash: bytes
    pdq: bytes | None


def frame_hashes(frames: Iterable[tuple[float, Bytes]], *, every: float = EVERY_SECONDS) -> tuple[FrameHash, ...]:
    """The hashes of the first frame in each ``every`` seconds, of (seconds, H x W x 3 RGB) in the order of time.

    Frames without detail and those that do not advance are left out. At most ``MOST_FRAMES``; what comes after is not
    read. Raises ValueError for times that are no numbers, and for an interval that is not positive.
    """
    if not every > 0:
        raise ValueError("the interval is a positive number of seconds")
    found: list[FrameHash] = []
    due, before = -np.inf, -np.inf
    for at, rgb in frames:
        if not np.isfinite(at):
            raise ValueError("the time of a frame is a number")
        if at <= before:
            continue
        before = at
        if at < due:
            continue
        due = (np.floor(at / every) + 1) * every
        if float(rgb[::8, ::8].mean(axis=2).std()) >= _LEAST_DETAIL:
            hashed = fingerprints(rgb)
            found.append(FrameHash(at=float(at), phash=hashed.phash, pdq=hashed.pdq))
        if len(found) == MOST_FRAMES:
            break
    return tuple(found)


def ties_of(frames: Iterable[FrameHash]) -> tuple[Binding, ...]:
    """The hashes under which a clip is found again: those of each frame that differs from the one before."""
    tied: list[Binding] = []
    last: FrameHash | None = None
    for frame in frames:
        if last is not None and _apart(last.phash, frame.phash) <= _SAME_BITS:
            continue
        last = frame
        tied.append(Binding(kind=BindingKind.PHASH, value=frame.phash))
        if frame.pdq is not None:
            tied.append(Binding(kind=BindingKind.PDQ, value=frame.pdq))
    return tuple(tied)


def _apart(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()
