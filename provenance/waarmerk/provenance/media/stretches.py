# SPDX-License-Identifier: Apache-2.0
"""Frames of a clip to compare it by (extra ``video``): reduced, in order, within a budget."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.video import opened
from waarmerk.provenance.model import Asset

SMALL_SIDE = 288  # pixels of frames that are only compared with very small ones
MOST_DECODED, MOST_PIXELS = 300, 600_000_000  # of one clip: 300 frames of 1920 x 1080
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


def stretches(asset: Asset, limits: Limits, *, seconds: float) -> Iterator[list[SmallFrame]]:
    """All frames of stretches of about ``seconds``: of a short clip one after the other, of a longer one some.

    At most ``MOST_DECODED`` frames and ``MOST_PIXELS`` are decoded; a file that breaks off ends them. Raises as
    ``key_frames`` does.
    """
    with opened(asset, limits) as (container, stream):
        rate = min(120.0, max(1.0, float(stream.average_rate or 25)))
        length = _length(container, stream)
        budget = _Budget(container, stream)
        if length is None or length * rate <= MOST_DECODED:
            yield from _one_after_the_other(budget.frames(), seconds)
            return
        count = max(1, int(MOST_DECODED / (rate * seconds)))
        for number in range(count):
            if not _sought(container, stream, (number + 0.5) / count * length):
                continue
            taken: list[SmallFrame] = []
            for frame in budget.frames():
                if taken and frame.seconds >= taken[0].seconds + seconds:
                    break
                taken.append(frame)
            if taken:
                yield taken


def every_second(asset: Asset, limits: Limits, *, most: int) -> Iterator[SmallFrame]:
    """One frame a second, upright, at most ``most``; of a clip too long to be read through, frames spread over it.

    Raises as ``key_frames`` does.
    """
    with opened(asset, limits) as (container, stream):
        rate = min(120.0, max(1.0, float(stream.average_rate or 25)))
        length = _length(container, stream)
        budget = _Budget(container, stream, WORTH_ENTERING)
        if length is not None and (length > most or length * rate > WORTH_ENTERING * MOST_DECODED):
            for number in range(most):
                frame = next(budget.frames(), None) if _sought(container, stream, number / most * length) else None
                if frame is not None:
                    yield frame.upright
            return
        due = -np.inf
        for frame in budget.frames():
            if frame.seconds >= due:
                due = float(np.floor(frame.seconds) + 1.0)
                yield frame.upright


def _one_after_the_other(frames: Iterator[SmallFrame], seconds: float) -> Iterator[list[SmallFrame]]:
    """Stretches of a clip that is read through; one that is left over and short is none, unless it is all there is."""
    taken: list[SmallFrame] = []
    is_first = True
    for frame in frames:
        if taken and frame.seconds >= taken[0].seconds + seconds:
            yield taken
            taken, is_first = [], False
        taken.append(frame)
    if taken and (is_first or taken[-1].seconds - taken[0].seconds >= 0.8 * seconds):
        yield taken


class _Budget:
    """Decodes frames from wherever the container stands, until as many were decoded as one file is worth."""

    def __init__(self, container: Any, stream: Any, worth: int = 1) -> None:
        self._container, self._stream = container, stream
        self._frames, self._pixels = worth * MOST_DECODED, worth * MOST_PIXELS

    def frames(self) -> Iterator[SmallFrame]:
        try:
            for frame in () if self._spent() else self._container.decode(self._stream):
                self._frames -= 1
                self._pixels -= frame.width * frame.height
                yield _reduced(frame)
                if self._spent():
                    return
        except Exception:  # a stranger's file: what was decoded so far counts
            return

    def _spent(self) -> bool:
        return self._frames <= 0 or self._pixels <= 0


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
