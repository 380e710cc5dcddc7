# SPDX-License-Identifier: Apache-2.0
"""The detector's straight line for one key: upright, then any affine pose, then bent; cheap tests first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from waarmerk.watermark import search
from waarmerk.watermark.arrays import Floats, Matrix
from waarmerk.watermark.bending import straighten
from waarmerk.watermark.carriers import VARIANTS, BinSet, Carriers
from waarmerk.watermark.decoding import LOG_MESSAGES, OFFSETS, Reading, read, read_in_place
from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import Detection, Geometry, Payload
from waarmerk.watermark.registration import (
    ORIENTATIONS,
    TRANSLATIONS,
    Canvas,
    Lock,
    fits,
    lay,
    lock,
    lock_upright,
    translation,
)
from waarmerk.watermark.statistics import log_any, log_both, log_tail, to_probability
from waarmerk.watermark.view import View, Window, shape_of, taper, windows

WORTH_READING = 5.2  # pilots' z from which index and payload are looked at; chance reaches it once in some searches
BENT_UPRIGHT = 6.0  # an upright image this sure but unread is bent: straighten before searching elsewhere
BENT = 5.0  # chance reaches it in one search of four
BENDS = 3  # locks straightened at each stage
LEAST_SIDE = 32  # below it an image holds no pilot worth the name


class Reach(Enum):
    """How far one run goes: upright only, any pose of the whole, or windows of it besides."""

    UPRIGHT = "upright"
    ANYWHERE = "anywhere"
    WINDOWS = "windows"


@dataclass(slots=True, kw_only=True)
class Hunt:
    """One search for one key; counts what it tries."""

    view: View
    carriers: Carriers
    keys: int
    poses: int = 0
    readings: int = 0
    best_index: float = 0.0
    deep: bool = False  # how hard a registered canvas is read
    at: Lock | None = None  # of the last conclusion
    locks: list[Lock] = field(default_factory=list)
    templates: dict[search.Grid, search.Templates] = field(default_factory=dict)

    def run(self, key: Key, max_false_positive: float, *, reach: Reach = Reach.WINDOWS) -> Detection:
        """Search until the payload is read or everything was tried.

        Further runs, also of another ``view`` of the same content, count what earlier ones tried.
        """
        for found, canvas, bent in self._canvases(reach):
            detection = self.read_at(key, max_false_positive, found, canvas, bent=bent)
            if detection is not None:
                return detection
        return self.settle(key, max_false_positive)

    def settle(self, key: Key, max_false_positive: float) -> Detection:
        """What everything tried so far says where no payload was read."""
        self.at = max(self.locks, key=lambda entry: entry.z, default=None)
        return self._conclude(key, max_false_positive, self.at, None)

    def read_at(
        self, key: Key, max_false_positive: float, found: Lock, canvas: Canvas, *, bent: bool = False
    ) -> Detection | None:
        """What a registered canvas says, None without a payload.

        A canvas chosen or weighed by the pilots may be read too: index and payload have phases of their own.
        """
        reading = self._read(found, canvas)
        if reading.payload is None:
            return None
        self.at = found
        detection = self._conclude(key, max_false_positive, found, reading, bent=bent)
        return None if detection.payload is None else detection

    def _canvases(self, reach: Reach) -> Iterator[tuple[Lock, Canvas, bool]]:
        """Registered canvases worth reading, the cheap and likely first."""
        whitened = self.view.whitened
        if min(whitened.shape) < LEAST_SIDE:
            return
        upright = list(self._upright())
        yield from self._flat(upright)
        if reach is Reach.UPRIGHT:
            return
        yield from self._bent(upright, BENT_UPRIGHT)
        yield from self._in_place()
        anywhere = list(self._anywhere(patient=reach is Reach.WINDOWS))
        yield from self._flat(anywhere)
        bent = BENT_UPRIGHT if self.view.is_clip else BENT  # of many more poses; and who films a screen, films frames
        yield from self._bent(anywhere, bent)
        if reach is Reach.ANYWHERE:
            return
        for group in windows(whitened):
            local = [found for window in group for found in self._in_window(window)]
            yield from self._flat(local)
            yield from self._bent(local, bent)

    def _in_place(self) -> Iterator[tuple[Lock, Canvas, bool]]:
        """The uncropped image where its pilots say nothing: too weak, or taken out on purpose."""
        poses = self.view.upright_poses
        for pose in poses[:1] if self.view.is_clip else poses:
            yield Lock(pose=pose, z=0.0, negative=False), lay(self.view.whitened, pose, smooth=True), False

    def _flat(self, locks: list[Lock]) -> Iterator[tuple[Lock, Canvas, bool]]:
        for found in sorted(locks, key=lambda entry: -entry.z):
            if found.z >= WORTH_READING:
                yield found, lay(self.view.whitened, found.pose, smooth=True), False

    def _bent(self, locks: list[Lock], least: float) -> Iterator[tuple[Lock, Canvas, bool]]:
        for found in sorted(locks, key=lambda entry: -entry.z)[:BENDS]:
            canvas = straighten(self.view.whitened, found, self.carriers.pilots) if found.z >= least else None
            if canvas is not None:
                yield found, canvas, True

    def _upright(self) -> Iterator[Lock]:
        for pose in self.view.upright_poses:
            yield self._lock(self.view.whitened, pose)

    def _anywhere(self, *, patient: bool) -> Iterator[Lock]:
        """Affine poses of the whole plane; of a small one many more where ``patient``."""
        plane, grid = self.view.whitened, search.grid_for(shape_of(self.view.whitened))
        spectrum = search.peak_spectrum(plane, grid.size)
        least = math.sqrt(plane.size / self.view.most)
        found = search.candidates(spectrum, self._templates(grid), least_scale=least, most=search.CANDIDATES)
        for candidate in found:
            pose = _pose_of(candidate)
            if fits(shape_of(plane), pose, self.view.most):
                yield self._lock(plane, pose)
        is_small = patient and plane.size <= search.SMALL_PLANE
        count = search.SMALL_CANDIDATES if is_small or self.view.is_clip else search.UPRIGHT_CANDIDATES
        test = lock_upright if is_small and not self.view.is_clip else lock
        for candidate in search.upright(spectrum, self.carriers.pilots, least_scale=least, most=count):
            yield self._lock(plane, _pose_of(candidate), test=test)

    def _in_window(self, window: Window) -> Iterator[Lock]:
        """Similarities of one window, where a picture in perspective or bent is nearly affine."""
        whole = self.view.whitened
        top, left = window.corner
        tapered = whole[top : top + window.shape[0], left : left + window.shape[1]] * taper(window.shape)
        grid = search.grid_for(window.shape)
        spectrum = search.peak_spectrum(tapered, grid.size)
        least = math.sqrt(whole.size / self.view.most)
        most = search.WINDOW_CANDIDATES
        for candidate in search.candidates(spectrum, self._templates(grid), least_scale=least, most=most, similar=True):
            pose = _pose_of(candidate)
            if fits(shape_of(whole), pose, self.view.most):
                local = self._lock(tapered, pose)
                self.locks[-1] = replace(local, pose=local.pose @ translation(-left, -top))
                yield self.locks[-1]

    def _templates(self, grid: search.Grid) -> search.Templates:
        if grid not in self.templates:
            self.templates[grid] = search.Templates.of(self.carriers.pilots, grid)
        return self.templates[grid]

    def _lock(self, plane: Floats, pose: Matrix, *, test: Callable[[Floats, Matrix, BinSet], Lock] = lock) -> Lock:
        self.poses += 1
        found = test(plane, pose, self.carriers.pilots)
        self.locks.append(found)
        return found

    def _read(self, found: Lock, canvas: Canvas) -> Reading:
        self.readings += 1
        if found.z > 0.0:
            reading = read(canvas, self.carriers, negative=found.negative, deep=self.deep)
        else:
            reading = read_in_place(canvas, self.carriers)
        self.best_index = max(self.best_index, reading.index_z)
        return reading

    def _conclude(
        self, key: Key, limit: float, found: Lock | None, reading: Reading | None, *, bent: bool = False
    ) -> Detection:
        best_pilot = max((entry.z for entry in self.locks), default=0.0)
        pilot = log_tail(best_pilot, math.log(max(1, self.poses) * TRANSLATIONS * ORIENTATIONS))
        index = log_tail(self.best_index, math.log(max(1, self.readings) * OFFSETS))
        presence = log_both(pilot, index)
        if self.view.is_clip:
            payload = self._clip_payload(reading)
            log_p = log_any(presence, payload, log_both(pilot, payload))
        else:
            payload = 0.0 if reading is None else self._payload(reading, OFFSETS)
            log_p = log_any(presence, payload)
        p_value = to_probability(log_p + math.log(self.keys))
        detected = p_value <= limit
        value = reading.payload if reading is not None and detected else None
        return Detection(
            detected=detected,
            payload=None if value is None else Payload(value),
            p_value=p_value,
            geometry=self._geometry(found, bent=bent) if detected and found is not None else None,
            scheme=key.scheme,
            key_id=key.key_id,
        )

    def _payload(self, reading: Reading, offsets: float) -> float:
        return log_tail(reading.total_z, math.log(2 * self.readings * offsets * VARIANTS) + LOG_MESSAGES)

    def _clip_payload(self, reading: Reading | None) -> float:
        """Half of the chances go to the offset of an uncropped frame, half to all 256: clips are seldom cropped.

        The payload's bound holds whatever the pilots say, so that Fisher's product of the two holds as well.
        """
        if reading is None:
            return 0.0
        return self._payload(reading, 2.0 if reading.is_expected else 2.0 * OFFSETS)

    def _geometry(self, found: Lock, *, bent: bool) -> Geometry:
        pose = found.pose @ self.view.shrink
        linear = pose[:2, :2]
        return Geometry(
            matrix=tuple(float(v) for v in pose.ravel()),
            rotation_degrees=math.degrees(math.atan2(linear[1, 0], linear[0, 0])),
            scale=math.sqrt(abs(float(np.linalg.det(linear)))),
            flipped=float(np.linalg.det(linear)) < 0.0,
            bent=bent,
        )


def _pose_of(candidate: search.Candidate) -> Matrix:
    """Frequencies go by the inverse transpose of what positions go by."""
    pose = np.eye(3)
    pose[:2, :2] = candidate.map.T
    return pose
