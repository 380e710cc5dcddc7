# SPDX-License-Identifier: Apache-2.0
"""Lay an image on the reference canvas and measure how well the pilots answer there.

A pose is a 3 x 3 matrix from image to reference coordinates, continuous (the centre of pixel i lies at i + 0.5).
Folding the reference plane modulo the tile and correlating it with the pilots by FFT tests every translation at once.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from waarmerk.watermark.arrays import Complexes, Floats, Matrix, floats
from waarmerk.watermark.carriers import TILE, BinSet
from waarmerk.watermark.transforms import CANVAS_SIDE, CLIP_COARSENESS, CLIP_SIDE, canvas_shape, clip_canvas_shape

# A mark never covers more than CANVAS_SIDE ** 2 reference pixels; the rest is surroundings: collage, letterbox, turning
MAX_REFERENCE_PIXELS = 2.7 * CANVAS_SIDE**2
FINE_CLIP_PIXELS = 230_000
MAX_CLIP_REFERENCE_PIXELS = 2.7 * CLIP_SIDE**2
TRANSLATIONS = TILE * TILE
ORIENTATIONS = 4  # as it is, turned by 180 degrees, and both as a negative


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The best translation at one pose: the pose with it, the pilots' z, and whether the image is a negative."""

    pose: Matrix
    z: float
    negative: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Canvas:
    """A reference plane cut to whole tiles; ``first`` is the tile (row, column) of its corner."""

    plane: Floats
    first: tuple[int, int]


def upright_poses(shape: tuple[int, int]) -> list[Matrix]:
    """Poses of an uncropped image: at its own scale, and shrunk from one larger than the canvas."""
    height, width = shape
    own = canvas_shape(height, width)
    full = math.sqrt(height * width) / CANVAS_SIDE
    poses = [scaling(own[1] / width, own[0] / height)]
    if full < 0.999:
        poses.append(scaling(1.0 / full, 1.0 / full))
    return poses


def clip_poses(shape: tuple[int, int]) -> list[Matrix]:
    """Poses of an uncropped frame: at its own scale, as it is and mirrored; shrunk from one that has the whole canvas.

    Small frames may carry the pattern of a still, where they hold no coarse one.
    """
    height, width = shape
    own = clip_canvas_shape(height, width)
    full = math.sqrt(height * width) / CLIP_SIDE
    poses = [
        scaling(own[1] / width, own[0] / height),
        translation(own[1], 0.0) @ scaling(-own[1] / width, own[0] / height),
    ]
    if full < 0.999 * CLIP_COARSENESS:
        poses.append(scaling(1.0 / full, 1.0 / full))
    return poses if height * width > FINE_CLIP_PIXELS else [*poses, scaling(1.0, 1.0)]


def scaling(across: float, down: float) -> Matrix:
    """The pose that scales by the two factors."""
    return np.diag([across, down, 1.0])


def translation(across: float, down: float) -> Matrix:
    """The pose that shifts."""
    out = np.eye(3)
    out[:2, 2] = across, down
    return out


def lay(whitened: Floats, pose: Matrix, *, smooth: bool = False) -> Canvas:
    """Resample a whitened plane on the tiles of the reference canvas it covers; zero outside it."""
    height, width = whitened.shape
    corners = apply_pose(pose, np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64))
    low = np.floor(corners.min(axis=0) / TILE + 0.02).astype(int)
    high = np.maximum(np.ceil(corners.max(axis=0) / TILE - 0.02).astype(int), low + 1)
    columns, rows = (int(n) for n in high - low)
    first = (int(low[1]), int(low[0]))
    if np.allclose(pose, np.eye(3), atol=1e-9):
        plane = np.zeros((rows * TILE, columns * TILE), np.float32)
        plane[:height, :width] = whitened[: rows * TILE, : columns * TILE]
        return Canvas(plane=plane, first=first)
    source, pose = _prefilter(whitened, pose)
    centred = translation(-0.5, -0.5) @ translation(-TILE * first[1], -TILE * first[0]) @ pose @ translation(0.5, 0.5)
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    plane = floats(cv2.warpPerspective(source, centred, (columns * TILE, rows * TILE), flags=how))
    return Canvas(plane=plane, first=first)


def _prefilter(whitened: Floats, pose: Matrix) -> tuple[Floats, Matrix]:
    """Shrink by area first where the pose shrinks, or noise above the mark's band would fold into it."""
    factor = math.sqrt(abs(float(np.linalg.det(pose[:2, :2]))))
    if factor > 0.75:
        return whitened, pose
    height, width = whitened.shape
    small = (max(8, round(width * factor * 1.2)), max(8, round(height * factor * 1.2)))
    shrunk = floats(cv2.resize(whitened, small, interpolation=cv2.INTER_AREA))
    return shrunk, pose @ scaling(width / small[0], height / small[1])


def fits(whitened_shape: tuple[int, int], pose: Matrix, most: float = MAX_REFERENCE_PIXELS) -> bool:
    """Whether a pose is one a mark of ours can have: the picture of ``most`` reference pixels, surroundings included.

    The canvas itself is bounded too: a long strip lying aslant spans far more than its area.
    """
    height, width = whitened_shape
    area = height * width * abs(float(np.linalg.det(pose[:2, :2])))
    corners = apply_pose(pose, np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64))
    span = float(np.prod(np.ptp(corners, axis=0)))
    return TILE * TILE / 4 <= area <= most and span <= 3.0 * most


def fold(plane: Floats) -> Floats:
    """Sum of the tiles of a plane."""
    rows, columns = plane.shape[0] // TILE, plane.shape[1] // TILE
    down = plane.reshape(rows, TILE, columns * TILE).sum(axis=0)
    return floats(down.reshape(TILE, columns, TILE).sum(axis=1))


def lock(whitened: Floats, pose: Matrix, pilots: BinSet) -> Lock:
    """Test one pose at every translation, turned by 180 degrees and as a negative."""
    spectrum = scipy.fft.rfft2(fold(lay(whitened, pose).plane))
    return _best_translation(spectrum[pilots.ky, pilots.kx], pose, pilots)


def lock_upright(whitened: Floats, pose: Matrix, pilots: BinSet) -> Lock:
    """As ``lock`` for a pose that only scales, by the pilots' own DFT: quicker on small planes, not resampled."""
    height, width = whitened.shape
    turn = -2j * np.pi / TILE
    down = np.exp(turn * pose[1, 1] * np.outer(pilots.ky, np.arange(height) + 0.5))
    across = np.exp(turn * pose[0, 0] * np.outer(pilots.kx, np.arange(width) + 0.5))
    down, across = down.astype(np.complex64), across.astype(np.complex64)
    rows = down.real @ whitened + 1j * (down.imag @ whitened)
    values = (rows * across).sum(axis=1) * np.exp(-0.5 * turn * (pilots.kx + pilots.ky))  # from centres to pixels
    return _best_translation(values.astype(np.complex64), pose, pilots)


def _best_translation(values: Complexes, pose: Matrix, pilots: BinSet) -> Lock:
    scale = float(np.sqrt(np.sum(np.abs(values) ** 2) / 2.0))
    if scale <= 1e-9:
        return Lock(pose=pose, z=0.0, negative=False)
    best = Lock(pose=pose, z=0.0, negative=False)
    for turned, answer in ((False, values), (True, np.conj(values))):
        surface = _answer_surface(answer * np.conj(pilots.carrier), pilots)
        low, high, low_at, high_at = cv2.minMaxLoc(surface)
        negative = -low > high
        z, at = (-low / scale, low_at) if negative else (high / scale, high_at)
        x, y = int(at[0]), int(at[1])
        if z > best.z:
            shifted = translation(-_peak(surface, (x, y), 0), -_peak(surface, (x, y), 1))
            # conj(C) belongs to pixel -n, whose centre is 1 - (n + 0.5)
            turn = translation(1.0, 1.0) @ scaling(-1.0, -1.0) if turned else np.eye(3)
            best = Lock(pose=shifted @ turn @ pose, z=float(z), negative=negative)
    return best


def _answer_surface(products: npt.NDArray[np.complex64], pilots: BinSet) -> Floats:
    """Sum over pilots of Re(product * exp(2 pi i k.s / TILE)) for every shift s of the tile."""
    grid = np.zeros((TILE, TILE // 2 + 1), np.complex64)
    np.add.at(grid, (pilots.ky, pilots.kx), products)
    axis = pilots.kx == 0
    grid[-pilots.ky[axis], 0] = np.conj(grid[pilots.ky[axis], 0])
    return scipy.fft.irfft2(grid, s=(TILE, TILE)) * np.float32(TILE * TILE / 2)


def _peak(surface: Floats, at: tuple[int, int], axis: int) -> float:
    """Position of an extremum along x (0) or y (1), a parabola through it and its neighbours, in (-TILE/2, TILE/2]."""
    x, y = at
    before, after = ((y, x - 1), (y, (x + 1) % TILE)) if axis == 0 else ((y - 1, x), ((y + 1) % TILE, x))
    left, middle, right = float(surface[before]), float(surface[y, x]), float(surface[after])
    bend = left - 2.0 * middle + right
    offset = 0.5 * (left - right) / bend if abs(bend) > 1e-12 else 0.0
    position = at[axis] + min(0.5, max(-0.5, offset))
    return position - TILE if position > TILE / 2 else position


def apply_pose(pose: Matrix, points: Matrix) -> Matrix:
    """Take points (n x 2) through a pose."""
    mapped = np.column_stack((points, np.ones(len(points)))) @ pose.T
    return mapped[:, :2] / mapped[:, 2:]
