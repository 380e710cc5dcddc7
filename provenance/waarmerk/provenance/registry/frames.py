# SPDX-License-Identifier: Apache-2.0
"""Fingerprints of clips: the hashes of one frame a second, and where one clip lies in another.

Frames come as pixels with their times; nothing is opened here. As with pictures a match is a candidate: hashes collide
at will, and clips of one studio share their stills.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import fingerprints
from waarmerk.provenance.registry.model import Binding, BindingKind

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]
EVERY_SECONDS = 1.0
MOST_FRAMES = 2 * 3600  # of one clip: two hours
_PDQ_REACH, _PHASH_REACH = 40, 10  # bits, as for pictures
_LEAST_DETAIL = 8.0  # grey levels, standard deviation: black and white frames are alike in all clips
_MOST_PAIRS = 256  # of one frame
_STEP = 0.5  # seconds: offsets that near are one
_SAME_BITS = 4  # of pHash, between two frames one after the other that are entered once
_LEAST_FRAMES, _LEAST_SHARE = 4, 0.5  # frames that agree on the offset; of those that could


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameHash:
    """The fingerprints of one frame, ``at`` seconds from the start."""

    at: float
    phash: bytes
    pdq: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """Where an examined clip lies in a known one: second ``t`` of it is second ``t + offset`` of the known one.

    ``frames`` frames agree, of ``possible`` in the stretch of the examined clip from ``start`` to ``end`` seconds.
    ``distance`` is their median in bits of PDQ, of pHash without it.
    """

    offset: float
    start: float
    end: float
    frames: int
    possible: int
    distance: float


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


def align(known: Sequence[FrameHash], examined: Sequence[FrameHash]) -> Alignment | None:
    """The offset that most frames agree on, None where too few do: equal stills at other times are no copy.

    Speed is taken as the same. A still that lasts is near many others; it votes once for each offset.
    """
    if not known or not examined:
        return None
    there, here, apart = _near(known, examined)
    if not there.size:
        return None
    offsets = np.array([each.at for each in known])[there] - np.array([each.at for each in examined])[here]
    steps = np.rint(offsets / _STEP).astype(np.int64)
    step, frames = _elected(steps, here)
    chosen = np.abs(steps - step) <= 1
    times = np.array([each.at for each in examined])[np.unique(here[chosen])]
    possible = sum(times[0] <= each.at <= times[-1] for each in examined)
    if frames < _LEAST_FRAMES or frames < _LEAST_SHARE * possible or _is_still(examined, set(times.tolist())):
        return None
    return Alignment(
        offset=float(np.median(offsets[chosen])),
        start=float(times[0]),
        end=float(times[-1]),
        frames=frames,
        possible=possible,
        distance=float(np.median(apart[chosen])),
    )


def _elected(steps: Numbers, here: Numbers) -> tuple[int, int]:
    """The step with most different frames on it or beside it, and how many; of equals the one nearest to no offset."""
    pairs = np.unique(np.stack([np.concatenate([steps - 1, steps, steps + 1]), np.tile(here, 3)], axis=1), axis=0)
    found, counts = np.unique(pairs[:, 0], return_counts=True)
    best = np.lexsort((np.abs(found), -counts))[0]
    return int(found[best]), int(counts[best])


def _near(known: Sequence[FrameHash], examined: Sequence[FrameHash]) -> tuple[Numbers, Numbers, Numbers]:
    """Known frame, examined frame and bits between them, of pairs within reach: by PDQ where all have it.

    Of one examined frame the nearest are taken: in a clip that stands still all are near.
    """
    a, b, reach = _words(known, examined)
    found: list[tuple[Numbers, Numbers, Numbers]] = []
    for number, hashed in enumerate(b):
        bits = np.bitwise_count(a ^ hashed).sum(axis=1, dtype=np.int64)
        near = np.flatnonzero(bits <= reach)
        near = near[np.argsort(bits[near], kind="stable")[:_MOST_PAIRS]]
        found.append((near, np.full(near.size, number), bits[near]))
    there, here, apart = (np.concatenate([each[n] for each in found]) for n in range(3))
    return there, here, apart


def _words(
    known: Sequence[FrameHash], examined: Sequence[FrameHash]
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64], int]:
    whole = all(each.pdq is not None for each in (*known, *examined))
    one, other = ([(each.pdq or b"") if whole else each.phash for each in clip] for clip in (known, examined))
    a, b = (np.frombuffer(b"".join(each), np.uint64).reshape(len(each), -1) for each in (one, other))
    return a, b, _PDQ_REACH if whole else _PHASH_REACH


def _is_still(examined: Sequence[FrameHash], times: set[float]) -> bool:
    """Whether all these frames are alike: one picture that stands has no place in time."""
    alike = [each for each in examined if each.at in times]
    a, b, reach = _words(alike[:1], alike)
    return bool((np.bitwise_count(a ^ b).sum(axis=1) <= reach // 4).all())
