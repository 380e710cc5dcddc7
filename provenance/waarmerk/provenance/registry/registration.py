# SPDX-License-Identifier: Apache-2.0
"""How one picture lies on another: places both have in common, and the one perspective that most of them agree on."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

_PLACES = 1200
_DISTINCT = 0.8  # nearest over second nearest descriptor (Lowe 2004, section 7.1)
_REPROJECTION = 3.0  # pixels
_LEAST_AGREEING = 12  # four places fit any perspective; twelve that agree by chance have not been seen
_SMALLEST, _LARGEST = 0.08, 12.0  # of the sides, after laying one on the other
_MOST_UNEVEN = 3.0  # scale across over scale down: nobody reposts a picture squeezed further


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """``matrix`` (3 x 3) takes pixels of the examined picture to the reference; ``agreeing`` places support it."""

    matrix: Floats
    agreeing: int


def register(reference: Bytes, examined: Bytes) -> Lie | None:
    """How ``examined`` lies on ``reference`` (both H x W grey), None where nothing says so."""
    sift = cv2.SIFT.create(nfeatures=_PLACES)
    places, described = sift.detectAndCompute(examined, np.ones_like(examined))
    known, stored = sift.detectAndCompute(reference, np.ones_like(reference))
    if len(places) < _LEAST_AGREEING or len(known) < _LEAST_AGREEING:
        return None
    pairs = [pair for pair in cv2.BFMatcher(cv2.NORM_L2).knnMatch(described, stored, k=2) if len(pair) == 2]
    nearest: dict[int, cv2.DMatch] = {}
    for first, second in pairs:
        if first.distance < _DISTINCT * second.distance:
            held = nearest.get(first.trainIdx)
            if held is None or first.distance < held.distance:
                nearest[first.trainIdx] = first
    if len(nearest) < _LEAST_AGREEING:
        return None
    source = np.array([places[match.queryIdx].pt for match in nearest.values()], np.float64)
    target = np.array([known[match.trainIdx].pt for match in nearest.values()], np.float64)
    matrix, chosen = cv2.findHomography(source, target, cv2.RANSAC, _REPROJECTION, maxIters=2000, confidence=0.999)
    agreeing, found = int(np.count_nonzero(chosen)), np.asarray(matrix, np.float64)  # no matrix: nothing is chosen
    if agreeing < _LEAST_AGREEING or found.shape != (3, 3):
        return None
    return Lie(matrix=found, agreeing=agreeing) if _plausible(found, examined.shape[:2]) else None


def _plausible(matrix: Floats, shape: tuple[int, ...]) -> bool:
    """Whether somebody may have made such a copy: not folded, not turned inside out, neither a dot nor a continent."""
    height, width = shape[0], shape[1]
    corners = np.array([[[0, 0], [width, 0], [width, height], [0, height]]], np.float64)
    depth = corners[0] @ matrix[2, :2] + matrix[2, 2]
    if not np.isfinite(matrix).all() or depth.min() <= 0.2 * depth.max() or depth.max() <= 0:
        return False
    placed = cv2.perspectiveTransform(corners, matrix)[0]
    sides = np.roll(placed, -1, axis=0) - placed
    turns = sides[:, 0] * np.roll(sides[:, 1], -1) - sides[:, 1] * np.roll(sides[:, 0], -1)
    lengths = np.linalg.norm(sides, axis=1) / np.array([width, height, width, height])
    even = lengths.max() <= _MOST_UNEVEN * lengths.min()
    return bool((turns > 0).all() and even and lengths.min() >= _SMALLEST and lengths.max() <= _LARGEST)
