# SPDX-License-Identifier: Apache-2.0
"""The detector's straight line for one key: upright, then any affine pose, then bent; cheap tests first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from waarmerk.watermark import search
from waarmerk.watermark.bending import straighten
from waarmerk.watermark.carriers import VARIANTS, Carriers
from waarmerk.watermark.decoding import LOG_MESSAGES, OFFSETS, Reading, read
from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import Detection, Geometry, Payload
from waarmerk.watermark.registration import (
    MAX_REFERENCE_PIXELS,
    ORIENTATIONS,
    TRANSLATIONS,
    Canvas,
    Lock,
    fits,
    lay,
    lock,
    scaling,
    upright_poses,
)
from waarmerk.watermark.statistics import log_any, log_both, log_tail, to_probability
from waarmerk.watermark.transforms import luma, resize
from waarmerk.watermark.whitening import whiten

SEARCH_PIXELS = 1_000_000  # a larger image is shrunk to this: the search costs the same whatever the size
WORTH_READING = 5.2  # pilots' z from which index and payload are looked at; chance reaches it once in some searches
BENT_UPRIGHT = 6.0  # an upright image this sure but unread is bent: straighten before searching elsewhere
BENT = 4.6
CENTRE_CANDIDATES = 5
BENDS = 3  # locks straightened at each stage
LEAST_SIDE = 32  # below it an image holds no pilot worth the name

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A whitened image as the search sees it: shape of the image, and the plane shrunk to SEARCH_PIXELS at most."""

    shape: tuple[int, int]
    whitened: Floats

    @property
    def shrink(self) -> Matrix:
        """Image to plane."""
        return scaling(self.whitened.shape[1] / self.shape[1], self.whitened.shape[0] / self.shape[0])


def prepare(pixels: Bytes) -> View:
    """Whiten an image once for all keys and poses."""
    height, width = pixels.shape[:2]
    factor = min(1.0, math.sqrt(SEARCH_PIXELS / (height * width)))
    plane = resize(luma(pixels), (max(1, round(height * factor)), max(1, round(width * factor))))
    return View(shape=(height, width), whitened=whiten(plane))


@dataclass(slots=True, kw_only=True)
class Hunt:
    """One search for one key; counts what it tries."""

    view: View
    carriers: Carriers
    keys: int
    poses: int = 0
    readings: int = 0
    best_index: float = 0.0
    locks: list[Lock] = field(default_factory=list)

    def run(self, key: Key, max_false_positive: float) -> Detection:
        """Search until the payload is read or everything was tried."""
        for found, canvas, bent in self._canvases():
            reading = self._read(found, canvas)
            if reading.payload is not None:
                detection = self._conclude(key, max_false_positive, found, reading, bent=bent)
                if detection.payload is not None:
                    return detection
        best = max(self.locks, key=lambda entry: entry.z, default=None)
        return self._conclude(key, max_false_positive, best, None)

    def _canvases(self) -> Iterator[tuple[Lock, Canvas, bool]]:
        """Registered canvases worth reading, the cheap and likely first."""
        whitened = self.view.whitened
        if min(whitened.shape) < LEAST_SIDE:
            return
        upright = list(self._upright())
        yield from self._flat(upright)
        yield from self._bent(upright, BENT_UPRIGHT)
        templates = search.Templates.of(self.carriers.pilots)
        anywhere = list(self._anywhere(whitened, templates, search.CANDIDATES, similar=False))
        yield from self._flat(anywhere)
        yield from self._bent(anywhere, BENT)
        centre = list(self._anywhere(_taper(whitened), templates, CENTRE_CANDIDATES, similar=True))
        yield from self._flat(centre)
        yield from self._bent(centre, BENT)

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
        own = np.linalg.inv(self.view.shrink)
        for pose in upright_poses(self.view.shape):
            yield self._lock(self.view.whitened, pose @ own)

    def _anywhere(self, plane: Floats, templates: search.Templates, most: int, *, similar: bool) -> Iterator[Lock]:
        spectrum = search.peak_spectrum(plane)
        least = math.sqrt(plane.size / MAX_REFERENCE_PIXELS)
        found = search.candidates(spectrum, templates, least_scale=least, most=most, similar=similar)
        if not similar:
            count = search.UPRIGHT_CANDIDATES * (2 if plane.size < search.SMALL_PLANE else 1)
            found += search.upright(spectrum, templates.pilots, least_scale=least, most=count)
        for candidate in found:
            pose = np.eye(3)
            pose[:2, :2] = candidate.map.T  # frequencies go by the inverse transpose of what positions go by
            if fits((plane.shape[0], plane.shape[1]), pose):
                yield self._lock(plane, pose)

    def _lock(self, plane: Floats, pose: Matrix) -> Lock:
        self.poses += 1
        found = lock(plane, pose, self.carriers.pilots)
        self.locks.append(found)
        return found

    def _read(self, found: Lock, canvas: Canvas) -> Reading:
        self.readings += 1
        reading = read(canvas, self.carriers, negative=found.negative)
        self.best_index = max(self.best_index, reading.index_z)
        return reading

    def _conclude(
        self, key: Key, limit: float, found: Lock | None, reading: Reading | None, *, bent: bool = False
    ) -> Detection:
        best_pilot = max((entry.z for entry in self.locks), default=0.0)
        pilot = log_tail(best_pilot, math.log(max(1, self.poses) * TRANSLATIONS * ORIENTATIONS))
        index = log_tail(self.best_index, math.log(max(1, self.readings) * OFFSETS))
        payload = 0.0
        if reading is not None:
            payload = log_tail(reading.total_z, math.log(self.readings * OFFSETS * VARIANTS) + LOG_MESSAGES)
        p_value = to_probability(log_any(log_both(pilot, index), payload) + math.log(self.keys))
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


def _taper(whitened: Floats) -> Floats:
    """The middle of a plane: a perspective picture is nearly affine there."""
    height, width = whitened.shape
    return whitened * np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
