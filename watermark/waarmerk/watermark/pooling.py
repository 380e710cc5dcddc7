# SPDX-License-Identifier: Apache-2.0
"""Search a clip: whiten some of its frames, add them up, and hunt in the sum as in a still.

The mark is the same in all frames and the picture is not, so that the sum gains with every frame that kept the mark.
What a codec predicts from other frames keeps less of it than what it codes whole, at high compression none, and may
even drag it along; hence whole frames are tried alone first, and in the end every frame weighs as much as its own
pilots answer.  Weights from pilots leave the bounds of index and payload untouched (``statistics``), and the pilots'
own p-value is never taken from a sum weighed by them.  All looks of one search share one count of hypotheses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields

import numpy as np
import scipy.fft

from waarmerk.watermark.arrays import Bytes, Floats
from waarmerk.watermark.carriers import BinSet, Carriers, build_carriers
from waarmerk.watermark.hunt import WORTH_READING, Hunt, Reach
from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import Detection
from waarmerk.watermark.registration import FINE_CLIP_PIXELS, Lock, fold, lay, lock
from waarmerk.watermark.statistics import normalised_sum
from waarmerk.watermark.transforms import luma, resize
from waarmerk.watermark.view import View
from waarmerk.watermark.whitening import whiten

# A frame is searched at a quarter of the size of a still: the mark of a clip is coarse, and nothing of it is lost.
FRAME_PIXELS = FINE_CLIP_PIXELS
FRAMES = 24  # frames looked at before a clip counts as unmarked; of small ones more, for the same cost
MOST_FRAMES = 48
WHOLE_FRAMES = 6  # of them frames coded whole, which come first
FLAT = 1.0  # standard deviation of luma in levels below which a frame is black, white or a card
WORTH_WEIGHING = 4.8  # pilots' z of a pose from which frames are weighed by it; chance reaches it in one search of four
POSES_WEIGHED = 2
POWER = 3.0  # of a frame's pilots' z, its weight; predicted frames at high compression have to go
ANSWERS = 3.5  # z of the known pose from which a frame counts as one that carries the mark


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipFrame:
    """One decoded frame: time in seconds, RGB (H x W x 3) or luma (H x W) in uint8, and whether it is coded whole."""

    seconds: float
    pixels: Bytes
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipDetection(Detection):
    """What one search of a clip found.

    ``seconds``: times of the frames in which the mark answered, ascending; ``frames``: how many were looked at.
    """

    seconds: tuple[float, ...]
    frames: int


def most_frames(shape: tuple[int, int]) -> int:
    """How many frames of a shape are looked at, at most."""
    return max(FRAMES, min(MOST_FRAMES, FRAMES * FRAME_PIXELS // max(1, shape[0] * shape[1])))


def detect_frames(
    frames: Iterable[ClipFrame], keys: Sequence[Key], *, max_false_positive: float
) -> tuple[ClipDetection, ...]:
    """Search for several keys; one detection per key, in order.

    ``frames`` come in the order in which they are worth looking at, whole ones first; no more are taken than the
    decision needs, at most ``most_frames``.  Frames of another shape than the first, and frames that show nothing, are
    left out.
    """
    pool = _Pool()
    searches = [_Search(key=key, carriers=build_carriers(key), keys=len(keys)) for key in keys]
    for look in _looks(frames, pool):
        open_searches = [search for search in searches if not search.found]
        if not open_searches:
            break
        for search in open_searches:
            search.look(pool, look, max_false_positive)
    return tuple(search.conclude(pool, max_false_positive) for search in searches)


@dataclass(slots=True)
class _Pool:
    """Whitened frames of one shape."""

    shape: tuple[int, int] = (0, 0)
    planes: list[Floats] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def take(self, frame: ClipFrame) -> bool:
        """Whiten a frame, unless it shows nothing or has another shape."""
        grey = luma(frame.pixels)
        shape = (grey.shape[0], grey.shape[1])
        if float(np.std(grey[::4, ::4])) < FLAT or (self.planes and shape != self.shape):
            return False
        self.shape = shape
        factor = min(1.0, math.sqrt(FRAME_PIXELS / grey.size))
        small = (max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor)))
        self.planes.append(whiten(resize(grey, small)))
        self.whole.append(frame.whole)
        self.seconds.append(frame.seconds)
        return True

    def view(self, weights: Sequence[float]) -> View:
        """The weighted sum of all frames, of unit rms."""
        total = np.zeros_like(self.planes[0])
        for plane, weight in zip(self.planes, weights, strict=True):
            if weight > 0.0:
                total += plane * np.float32(weight)
        rms = float(np.sqrt(np.mean(np.square(total))))
        return View(shape=self.shape, whitened=total * np.float32(1.0 / rms) if rms > 1e-9 else total, is_clip=True)


@dataclass(frozen=True, slots=True)
class _Look:
    """One way to look at the pool: only whole frames or all, how far, frames weighed or not."""

    reach: Reach = Reach.WINDOWS
    whole_only: bool = False
    weighed: bool = False
    deep: bool = False


def _looks(frames: Iterable[ClipFrame], pool: _Pool) -> Iterator[_Look]:
    """Take frames into the pool and say after which of them to look, and how."""
    taken = 0
    searched_whole = False
    for frame in frames:
        if not searched_whole and pool.planes and (not frame.whole or sum(pool.whole) >= WHOLE_FRAMES):
            searched_whole = True
            yield _Look(reach=Reach.ANYWHERE, whole_only=any(pool.whole))
        if pool.take(frame):
            taken += 1
            if taken in (1, 2, 4, 8, 16):
                yield _Look(reach=Reach.UPRIGHT)
        if taken >= most_frames(pool.shape):
            break
    if pool.planes:
        yield _Look(deep=True)
        yield _Look(weighed=True)


@dataclass(slots=True, kw_only=True)
class _Search:
    """One key's search through the looks."""

    key: Key
    carriers: Carriers
    keys: int
    hunt: Hunt | None = None
    found: Detection | None = None

    def look(self, pool: _Pool, look: _Look, limit: float) -> None:
        """Look at the pool; leaves ``found`` where the payload was read."""
        if look.weighed:
            self._weighed(pool, limit)
            return
        view = pool.view([float(whole or not look.whole_only) for whole in pool.whole])
        if self.hunt is None:
            self.hunt = Hunt(view=view, carriers=self.carriers, keys=self.keys)
        self.hunt.view = view
        self.hunt.deep = look.deep
        detection = self.hunt.run(self.key, limit, reach=look.reach)
        if detection.payload is not None:
            self.found = detection

    def _weighed(self, pool: _Pool, limit: float) -> None:
        """Weigh every frame by its own pilots at the likeliest poses."""
        if self.hunt is None:
            return
        likely = sorted(self.hunt.locks, key=lambda entry: -entry.z)[:POSES_WEIGHED]
        for candidate in likely:
            if candidate.z < WORTH_WEIGHING:
                return
            self.hunt.deep = candidate.z >= WORTH_READING
            answers = [max(0.0, _answer(plane, candidate, self.carriers.pilots)) for plane in pool.planes]
            if max(answers) <= 0.0:
                continue
            view = pool.view([answer**POWER for answer in answers])
            found = lock(view.whitened, candidate.pose, self.carriers.pilots)
            canvas = lay(view.whitened, found.pose, smooth=True)
            self.found = self.hunt.read_at(self.key, limit, found, canvas)
            if self.found is not None:
                return

    def conclude(self, pool: _Pool, limit: float) -> ClipDetection:
        """The detection with the frames that carry the mark."""
        if self.hunt is None:  # no frame shows anything
            nothing = np.zeros((1, 1), np.float32)
            self.hunt = Hunt(
                view=View(shape=(1, 1), whitened=nothing, is_clip=True), carriers=self.carriers, keys=self.keys
            )
        detection = self.found or self.hunt.settle(self.key, limit)
        strong: list[float] = []
        if detection.detected and self.hunt.at is not None:
            answers = [_answer(plane, self.hunt.at, self.carriers.pilots) for plane in pool.planes]
            strong = sorted(s for s, z in zip(pool.seconds, answers, strict=True) if z >= ANSWERS)
        values = {entry.name: getattr(detection, entry.name) for entry in fields(Detection)}
        return ClipDetection(**values, seconds=tuple(strong), frames=len(pool.planes))


def _answer(plane: Floats, at: Lock, pilots: BinSet) -> float:
    """The pilots' z of one frame at a pose with its translation: one hypothesis."""
    spectrum = scipy.fft.rfft2(fold(lay(plane, at.pose).plane))
    sign = np.float32(-1.0 if at.negative else 1.0)
    values = spectrum[pilots.ky, pilots.kx] * np.conj(pilots.carrier) * sign
    return normalised_sum(values, np.ones(pilots.ky.size, np.float32))
