# SPDX-License-Identifier: Apache-2.0
"""Frames of a clip to compare it by (extra ``video``): reduced, in order, within a budget."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.video import opened
from waarmerk.provenance.model import Asset

SMALL_SIDE = 288  # pixels of frames that are only compared with very small ones
MOST_DECODED, MOST_PIXELS = 300, 600_000_000  # of one clip: 300 frames of 1920 x 1080
WORTH_COMPARING = 4  # times that, where it decides what is proven: 48 seconds of 25 frames
OF_A_STRETCH = 9  # frames of a stretch that are compared
_OWN_SHARE = 0.8  # of a stretch; what is shorter at the end belongs to the one before
WORTH_ENTERING = 6  # times that, for a clip that is entered once and looked up often


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallFrame:
    """A decoded frame as it is stored, at most ``SMALL_SIDE`` pixels a side: RGB of one of ``width`` x ``height``."""

    seconds: float
    rgb: "NDArray[np.uint8]"
    width: int
    height: int
    quarters: int = 0  # by which it is turned against the clock to be seen

    @property
    def upright(self) -> "SmallFrame":
        """The same as it is meant to be seen."""
        sides = (self.width, self.height) if self.quarters % 2 == 0 else (self.height, self.width)
        turned = np.ascontiguousarray(np.rot90(self.rgb, self.quarters))
        return SmallFrame(seconds=self.seconds, rgb=turned, width=sides[0], height=sides[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Stretches of a clip, of each some frames in the order of time.

    ``complete`` only where the whole video was decoded, to its end, without a fault, a frame that runs backwards or a
    second video; ``seconds`` that were decoded.
    """

    stretches: tuple[tuple[SmallFrame, ...], ...]
    seconds: float
    complete: bool


def stretches(asset: Asset, limits: Limits, *, seconds: float, worth: int = 1, secret: bytes = b"") -> Looked:
    """Some frames of each of the stretches of about ``seconds``: of a short clip one after the other, of a longer some.

    At most ``worth`` times ``MOST_DECODED`` frames and ``MOST_PIXELS`` are decoded; a file that breaks off ends them.
    Which places and frames are taken follows from the file and ``secret`` (64 bytes at most), so that it is the same
    each time and who makes the file does not choose it. Frames count by how long they are shown. Raises as
    ``key_frames`` does.
    """
    drawn = hashlib.blake2b(bytes.fromhex(asset.sha256), key=secret[:64]).digest()
    chance = np.random.default_rng(int.from_bytes(drawn))
    with opened(asset, limits) as (container, stream):
        rate = min(120.0, max(1.0, float(stream.average_rate or 25)))
        length = _length(container, stream)
        budget = _Budget(container, stream, worth)
        is_read = False
        if length is None or length * rate <= worth * MOST_DECODED:
            is_read = True
            found = _one_after_the_other(budget, seconds, 1.0 / rate, length, chance)
        else:
            count = max(1, int(worth * MOST_DECODED / (rate * seconds)))
            places = (np.arange(count) + chance.random(count)) / count * length
            found = _at_places(budget, [float(each) for each in places], seconds, 1.0 / rate, chance)
        return Looked(
            stretches=tuple(found),
            seconds=budget.seconds,
            complete=is_read and budget.at_end and _only_video(container),
        )


def every_second(asset: Asset, limits: Limits, *, most: int) -> Iterator[SmallFrame]:
    """One frame a second, upright, at most ``most``; of a clip too long to be read through, frames spread over it.

    Raises as ``key_frames`` does.
    """
    with opened(asset, limits) as (container, stream):
        rate = min(120.0, max(1.0, float(stream.average_rate or 25)))
        length = _length(container, stream)
        budget = _Budget(container, stream, WORTH_ENTERING)
        if length is not None and (length > most or length * rate > WORTH_ENTERING * MOST_DECODED):
            last = -np.inf
            for number in range(most):
                frame = next(budget.frames(), None) if budget.sought(number / most * length) else None
                if frame is not None and frame.seconds > last:  # of two places one whole frame may be the last before
                    last = frame.seconds
                    yield frame.upright
            return
        due = -np.inf
        for frame in budget.frames():
            if frame.seconds >= due:
                due = float(np.floor(frame.seconds) + 1.0)
                yield frame.upright


def _one_after_the_other(
    budget: "_Budget", seconds: float, step: float, length: float | None, chance: np.random.Generator
) -> list[tuple[SmallFrame, ...]]:
    """Stretches of a clip that is read through; what is left over belongs to the last of them."""
    found: list[tuple[SmallFrame, ...]] = []
    before: list[SmallFrame] = []
    taken: list[SmallFrame] = []
    first: float | None = None
    for frame in budget.frames():
        first = frame.seconds if first is None else first
        if taken and frame.seconds >= taken[0].seconds + seconds:
            if before:
                found.append(_some_of(before, taken[0].seconds, chance))
            before, taken = taken, []
        taken.append(frame)
    if not taken:
        return found
    end = max(taken[-1].seconds + step, (first or 0.0) + (length or 0.0))
    if before and end - taken[0].seconds < _OWN_SHARE * seconds:
        return [*found, _some_of([*before, *taken], end, chance)]
    if before:
        found.append(_some_of(before, taken[0].seconds, chance))
    return [*found, _some_of(taken, end, chance)]


def _at_places(
    budget: "_Budget", places: Sequence[float], seconds: float, step: float, chance: np.random.Generator
) -> list[tuple[SmallFrame, ...]]:
    """A stretch from the last frame coded whole before each of some places."""
    found: list[tuple[SmallFrame, ...]] = []
    for place in places:
        if not budget.sought(place):
            continue
        taken: list[SmallFrame] = []
        for frame in budget.frames():
            if taken and frame.seconds >= taken[0].seconds + seconds:
                break
            taken.append(frame)
        if taken:
            found.append(_some_of(taken, taken[-1].seconds + step, chance))
    return found


def _some_of(frames: Sequence[SmallFrame], end: float, chance: np.random.Generator) -> tuple[SmallFrame, ...]:
    """Frames that are shown at some moments of a stretch, one in each equal part of its time."""
    start = frames[0].seconds
    moments = start + (np.arange(OF_A_STRETCH) + chance.random(OF_A_STRETCH)) / OF_A_STRETCH * (end - start)
    at = np.searchsorted([each.seconds for each in frames], moments, side="right") - 1
    return tuple(frames[number] for number in sorted({max(0, int(each)) for each in at}))


class _Budget:
    """Decodes frames from wherever the container stands, until as many were decoded as one file is worth.

    ``at_end``: the last reading came to the end of the file, nothing failed and time ran forward. Frames that do not
    advance are left out.
    """

    def __init__(self, container: Any, stream: Any, worth: int = 1) -> None:
        self._container, self._stream = container, stream
        self._frames, self._pixels = worth * MOST_DECODED, worth * MOST_PIXELS
        self._is_sound = True
        self.at_end = False
        self.seconds = 0.0

    def sought(self, seconds: float) -> bool:
        return _sought(self._container, self._stream, seconds)

    def frames(self) -> Iterator[SmallFrame]:
        last: float | None = None
        self.at_end = False
        try:
            for frame in () if self._spent() else self._container.decode(self._stream):
                if self._spent():
                    return
                self._frames -= 1
                self._pixels -= frame.width * frame.height
                at = frame.time
                if at is None or (last is not None and not at > last):
                    self._is_sound = False
                    continue
                self.seconds += 0.0 if last is None else at - last
                last = float(at)
                yield _reduced(frame)
            self.at_end = self._is_sound and last is not None
        except Exception:  # a stranger's file: what was decoded so far counts
            return

    def _spent(self) -> bool:
        return self._frames <= 0 or self._pixels <= 0


def _only_video(container: Any) -> bool:
    """Whether no second video is in the file that a player could show instead; covers of albums are none."""
    import av  # noqa: PLC0415 - an extra

    cover = av.stream.Disposition.attached_pic
    return sum(not each.disposition & cover for each in container.streams.video) == 1


def _reduced(frame: Any) -> SmallFrame:
    scale = min(1.0, SMALL_SIDE / max(frame.width, frame.height))
    width, height = (max(2, round(side * scale)) for side in (frame.width, frame.height))
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA")
    rgb: NDArray[np.uint8] = small.to_ndarray()
    return SmallFrame(
        seconds=float(frame.time or 0.0),
        rgb=rgb,
        width=frame.width,
        height=frame.height,
        quarters=round((frame.rotation or 0) / 90) % 4,
    )


def _length(container: Any, stream: Any) -> float | None:
    """How long the file says the video is."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / 1e6 if container.duration else None


def _sought(container: Any, stream: Any, seconds: float) -> bool:
    try:
        container.seek(int(seconds / stream.time_base) + (stream.start_time or 0), stream=stream)
    except Exception:
        return False
    return True
