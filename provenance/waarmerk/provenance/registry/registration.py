# SPDX-License-Identifier: Apache-2.0
"""How one picture lies on another: places both have in common, and the one perspective that most of them agree on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.dense import sought
from waarmerk.provenance.registry.framed import framed
from waarmerk.provenance.registry.hashes import FAINTEST, MIRRORED, THINNEST

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Described = npt.NDArray[np.float32]

_PLACES = 1200
_CELLS = 10  # across and down: each gives its clearest places in turn, or a busy page around a picture takes them all
_DISTINCT = 0.8  # nearest over second nearest descriptor (Lowe 2004, section 7.1)
_REPROJECTION = 3.0  # pixels
_LEAST_AGREEING = 12  # four places fit any perspective; twelve that agree by chance have not been seen
_SMALLEST, _LARGEST = 0.08, 12.0  # of the sides, after laying one on the other
_MOST_UNEVEN = 3.0  # scale across over scale down: nobody reposts a picture squeezed further
_FEW_PLACES = 200  # of the reference
_THIN_STRIP = 2 * THINNEST  # pixels of the shorter side: structure is measured around each of them
_SAME_SHAPE = 0.03  # of the ratio of the sides


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """The places of a grey picture: N x 2 (across, down) and their descriptors, N x 128; its ``shape`` (H, W)."""

    at: Floats
    described: Described
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lie:
    """``matrix`` (3 x 3) takes pixels of the examined picture to the reference.

    ``agreeing`` places support it, 0 where it is only supposed. ``mirrored`` where it turns the picture over.
    """

    matrix: Floats
    agreeing: int
    mirrored: bool = False


def places_of(grey: Bytes, *, spread: bool = False) -> Places:
    """The clearest places of H x W grey, none of a thin strip.

    With ``spread`` the clearest of each part of it (costs a third more).
    """
    if min(grey.shape) < THINNEST:
        return Places(
            at=np.zeros((0, 2)), described=np.zeros((0, 128), np.float32), shape=(grey.shape[0], grey.shape[1])
        )
    sift = cv2.SIFT.create(nfeatures=0 if spread else _PLACES, contrastThreshold=FAINTEST)
    if spread:
        found, described = sift.compute(grey, _spread(sift.detect(grey, None), grey.shape))
    else:
        found, described = sift.detectAndCompute(grey, np.ones_like(grey))
    at = np.array([place.pt for place in found], np.float64).reshape(-1, 2)
    numbers = np.asarray(described, np.float32) if len(found) else np.zeros((0, 128), np.float32)
    return Places(at=at, described=numbers, shape=(grey.shape[0], grey.shape[1]))


def _spread(found: Sequence[cv2.KeyPoint], shape: tuple[int, ...]) -> list[cv2.KeyPoint]:
    """The clearest of each cell, then the second of each, and so on."""
    if len(found) <= _PLACES:
        return list(found)
    at = np.array([place.pt for place in found]) * _CELLS / (shape[1], shape[0])
    clear = np.array([place.response for place in found])
    cell = at[:, 1].astype(np.int64) * _CELLS + at[:, 0].astype(np.int64)
    order = np.lexsort((-clear, cell))
    starts = np.concatenate([[0], np.flatnonzero(np.diff(cell[order])) + 1])
    rank = np.arange(len(order)) - np.repeat(starts, np.diff(np.concatenate([starts, [len(order)]])))
    return [found[number] for number in order[np.lexsort((-clear[order], rank))[:_PLACES]]]


def lies(reference: Places, examined: Places, kept: Bytes, grey: Bytes) -> Iterator[Lie]:
    """How ``examined`` may lie on ``reference``, the likeliest first; ``kept`` and ``grey`` are the two pictures.

    Straight and mirrored, as common places say. Where there are too few places to say anything, the whole picture and
    what it shows on a page of one tone are supposed to lie there, if their shapes are alike, and all of both is laid on
    each other at many sizes. A thin strip lies nowhere.
    """
    if min(*kept.shape, *grey.shape) < _THIN_STRIP:
        return
    if min(len(reference.at), len(examined.at)) >= _LEAST_AGREEING:
        straight = _agreed(reference, examined)
        if straight is not None:
            yield straight
        over = np.array([[-1.0, 0, examined.shape[1] - 1], [0, 1, 0], [0, 0, 1]])
        turned = examined.at * (-1, 1) + (examined.shape[1] - 1, 0)
        mirrored = Places(at=turned, described=examined.described[:, MIRRORED], shape=examined.shape)
        found = _agreed(reference, mirrored)
        if found is not None:
            yield Lie(matrix=found.matrix @ over, agreeing=found.agreeing, mirrored=True)
    if len(reference.at) < _FEW_PLACES:
        yield from _supposed(reference.shape, grey)
        for matrix, is_mirrored in sought(kept, grey):
            yield Lie(matrix=matrix, agreeing=0, mirrored=is_mirrored)


def _supposed(reference: tuple[int, int], examined: Bytes) -> Iterator[Lie]:
    whole = (0, 0, examined.shape[1], examined.shape[0])
    for left, top, right, bottom in (whole, *framed(examined)):
        across, down = reference[1] / max(1, right - left), reference[0] / max(1, bottom - top)
        if min(right - left, bottom - top) >= 32 and abs(across / down - 1) <= _SAME_SHAPE:
            matrix = np.array([[across, 0, -left * across], [0, down, -top * down], [0, 0, 1.0]])
            yield Lie(matrix=matrix, agreeing=0)


def _agreed(reference: Places, examined: Places) -> Lie | None:
    """The perspective that most places with one clear counterpart agree on."""
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(examined.described, reference.described, k=2)
    nearest: dict[int, cv2.DMatch] = {}
    for first, second in (pair for pair in pairs if len(pair) == 2):
        if first.distance < _DISTINCT * second.distance:
            held = nearest.get(first.trainIdx)
            if held is None or first.distance < held.distance:
                nearest[first.trainIdx] = first
    if len(nearest) < _LEAST_AGREEING:
        return None
    source = examined.at[[match.queryIdx for match in nearest.values()]]
    target = reference.at[[match.trainIdx for match in nearest.values()]]
    matrix, chosen = cv2.findHomography(source, target, cv2.RANSAC, _REPROJECTION, maxIters=2000, confidence=0.999)
    agreeing, found = int(np.count_nonzero(chosen)), np.asarray(matrix, np.float64)  # no matrix: nothing is chosen
    if agreeing < _LEAST_AGREEING or found.shape != (3, 3):
        return None
    return Lie(matrix=found, agreeing=agreeing) if _plausible(found, examined.shape) else None


def _plausible(matrix: Floats, shape: tuple[int, int]) -> bool:
    """Whether somebody may have made such a copy: not folded, not turned inside out, neither a dot nor a continent."""
    height, width = shape
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
