# SPDX-License-Identifier: Apache-2.0
"""Undo perspective, lens distortion and smooth bending: a displacement field grown from wherever the pilots answer.

Overlapping windows of the roughly registered canvas each give a surface of pilot answers over small shifts.  A cubic
B-spline with a penalty on second differences is fitted to their peaks, weighted by confidence and robustly; it
extrapolates linearly, so that the field grows over rounds from one well registered place to the whole picture.
Only pilots are used: index and payload carriers know nothing of the fit.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from waarmerk.watermark.arrays import Complexes, Floats, Matrix, floats
from waarmerk.watermark.carriers import TILE, BinSet
from waarmerk.watermark.registration import Canvas, Lock, lay

HOP = 62  # reference pixels between windows of one tile's size
KNOT = 96.0  # reference pixels between control points
CONFIDENT = 3.6  # z of a window's best shift; chance reaches it in one of some ten windows
MAX_PIXELS = 1_800_000  # of the canvas: bent pictures come whole, not as a part of something much larger
CLOSE = 1.2  # pixels from the fitted field within which a window agrees with it
POOL = 0.9  # neighbours' surfaces, while fewer than GROWN of all windows agree
GROWN = 0.6
STIFF = 2.0  # least stiffness until then


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One pass: reach and step of the search in pixels, stiffness of the spline, how far neighbours are pooled."""

    reach: float
    step: float
    stiffness: float
    pool: float


ROUNDS = (
    Round(reach=8.0, step=1.0, stiffness=30.0, pool=POOL),
    Round(reach=8.0, step=1.0, stiffness=8.0, pool=0.7),
    Round(reach=7.0, step=1.0, stiffness=3.0, pool=0.6),
    Round(reach=6.0, step=0.75, stiffness=1.5, pool=0.5),
    Round(reach=4.5, step=0.5, stiffness=1.0, pool=0.4),
    Round(reach=3.5, step=0.5, stiffness=0.7, pool=0.4),
)
# Windows, and share of the confident ones, that must agree with the field after each round.  Measured: fields of
# real marks keep 0.35, 0.47 and 0.8 or more, those fitted to chance 0.5, 0.5 and 0.6 at most and mostly half of that.
AGREEING = ((4, 0.3), (5, 0.42), (5, 0.55), (5, 0.55), (5, 0.55), (5, 0.55))


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Displacement in reference pixels: what belongs at u is found at u + displacement(u).

    ``control`` is 2 x knots down x knots across of a uniform cubic B-spline over the canvas.
    """

    control: Matrix

    @property
    def peak(self) -> float:
        """Largest displacement of a control point."""
        return float(np.abs(self.control).max())


def straighten(whitened: Floats, found: Lock, pilots: BinSet) -> Canvas | None:
    """The canvas of a lock with perspective and bending undone; None where too few windows answer."""
    base = lay(whitened, found.pose)
    height, width = base.plane.shape
    if height * width > MAX_PIXELS:
        return None
    field = Field(control=np.zeros((2, _knots(height), _knots(width))))
    canvas, grown = base, False
    for settings, needed in zip(ROUNDS, AGREEING, strict=True):
        windows = _Windows.of(canvas.plane, pilots, negative=found.negative)
        shifts, z = windows.best_shifts(settings, pool=settings.pool if grown else POOL)
        stiffness = settings.stiffness if grown else max(settings.stiffness, STIFF)
        field, agreeing = _fit(field, windows, (height, width), shifts=shifts, z=z, stiffness=stiffness)
        if agreeing < max(needed[0], needed[1] * np.count_nonzero(z > CONFIDENT)):
            return None
        grown = agreeing > GROWN * z.size
        canvas = lay_bent(whitened, found.pose, base, field, smooth=settings is ROUNDS[-1])
    return canvas


def lay_bent(whitened: Floats, pose: Matrix, base: Canvas, field: Field, *, smooth: bool) -> Canvas:
    """Resample a whitened plane through a pose and a displacement field onto the tiles of ``base``."""
    height, width = base.plane.shape
    xs, ys = np.arange(width, dtype=np.float64) + 0.5, np.arange(height, dtype=np.float64) + 0.5
    down, across = _basis(ys, height), _basis(xs, width)
    shift_x, shift_y = (down @ plane @ across.T for plane in field.control)
    u = (xs[None, :] + shift_x + TILE * base.first[1]).astype(np.float32)
    v = (ys[:, None] + shift_y + TILE * base.first[0]).astype(np.float32)
    back = np.linalg.inv(pose).astype(np.float32)
    depth = back[2, 0] * u + back[2, 1] * v + back[2, 2]
    map_x = (back[0, 0] * u + back[0, 1] * v + back[0, 2]) / depth - np.float32(0.5)
    map_y = (back[1, 0] * u + back[1, 1] * v + back[1, 2]) / depth - np.float32(0.5)
    how = cv2.INTER_CUBIC if smooth else cv2.INTER_LINEAR
    return Canvas(plane=floats(cv2.remap(whitened, map_x, map_y, how)), first=base.first)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Windows:
    """Demodulated pilots of every window: rows x columns x pilots, and the windows' centres."""

    values: Complexes
    energy: Floats
    pilots: BinSet
    tops: npt.NDArray[np.int64]
    lefts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, plane: Floats, pilots: BinSet, *, negative: bool) -> _Windows:
        ramp = np.sin(np.pi * (np.arange(TILE) + 0.5) / TILE)
        taper = np.square(np.outer(ramp, ramp)).astype(np.float32)
        view = np.lib.stride_tricks.sliding_window_view(plane, (TILE, TILE))[::HOP, ::HOP]
        spectra = scipy.fft.rfft2(view * taper, axes=(2, 3), overwrite_x=True)
        tops, lefts = np.arange(view.shape[0]) * HOP, np.arange(view.shape[1]) * HOP
        # refer every window's phases to the tile grid
        turn = np.exp(-2j * np.pi / TILE * (tops[:, None, None] * pilots.ky + lefts[None, :, None] * pilots.kx))
        values = spectra[:, :, pilots.ky, pilots.kx] * (turn * np.conj(pilots.carrier)).astype(np.complex64)
        values *= np.float32(-1.0 if negative else 1.0)
        energy = np.square(np.abs(values)).sum(axis=2)
        return cls(values=values, energy=energy, pilots=pilots, tops=tops, lefts=lefts)

    def best_shifts(self, settings: Round, *, pool: float) -> tuple[Matrix, Matrix]:
        """Best shift (rows x columns x (across, down)) of each window pooled with its neighbours, and its z."""
        steps = np.arange(-settings.reach, settings.reach + 1e-9, settings.step)
        turn = 2j * np.pi / TILE
        down = np.exp(turn * steps[:, None] * self.pilots.ky)
        across = np.exp(turn * steps[:, None] * self.pilots.kx)
        grid = (down[:, None, :] * across[None, :, :]).reshape(steps.size**2, -1).astype(np.complex64)
        rows, columns, count = self.values.shape
        values = self.values.reshape(-1, count)
        answer = values.real @ grid.real.T - values.imag @ grid.imag.T
        answer = answer.reshape(rows, columns, -1)
        pooled = _pool(answer, pool)
        energy = _pool(self.energy[:, :, None], pool, squared=True)[:, :, 0]
        top = np.argmax(pooled, axis=2)
        z = np.take_along_axis(pooled, top[:, :, None], axis=2)[:, :, 0] / np.sqrt(energy / 2.0 + 1e-9)
        z[self.energy < 1e-3 * self.energy.max()] = 0.0
        surface = pooled.reshape(rows, columns, steps.size, steps.size)
        return _subpixel(surface, top, steps), z.astype(np.float64)


def _pool(values: Floats, sigma: float, *, squared: bool = False) -> Floats:
    """Weighted sum over the 3 x 3 windows around, not normalised; ``squared`` sums energies with squared weights."""
    side = float(np.exp(-0.5 / sigma**2))
    if squared:
        side = side * side
    out = values.copy()
    out[1:] += side * values[:-1]
    out[:-1] += side * values[1:]
    rows = out.copy()
    out[:, 1:] += side * rows[:, :-1]
    out[:, :-1] += side * rows[:, 1:]
    return out


def _subpixel(surface: Floats, top: npt.NDArray[np.intp], steps: Matrix) -> Matrix:
    """Peak of each surface (rows x columns x down x across), refined by a parabola along each axis."""
    last, step = steps.size - 1, float(steps[1] - steps[0])
    y, x = np.divmod(top, steps.size)
    rows, columns = np.ogrid[: top.shape[0], : top.shape[1]]

    def offset(before: Floats, middle: Floats, after: Floats) -> Matrix:
        bend = before - 2.0 * middle + after
        safe = np.where(bend < -1e-6, bend, -1e30)
        return np.clip(0.5 * (before - after) / safe, -0.5, 0.5)

    middle = surface[rows, columns, y, x]
    left, right = surface[rows, columns, y, np.maximum(x - 1, 0)], surface[rows, columns, y, np.minimum(x + 1, last)]
    above, below = surface[rows, columns, np.maximum(y - 1, 0), x], surface[rows, columns, np.minimum(y + 1, last), x]
    across = steps[x] + step * offset(left, middle, right)
    down = steps[y] + step * offset(above, middle, below)
    return np.stack((across, down), axis=2)


def _fit(
    field: Field, windows: _Windows, shape: tuple[int, int], *, shifts: Matrix, z: Matrix, stiffness: float
) -> tuple[Field, int]:
    """Robust least squares of old displacement plus shift at the windows' centres; how many windows agree."""
    rows, columns = field.control.shape[1:]
    rows_at, columns_at = (np.asarray(at + TILE / 2, np.float64) for at in (windows.tops, windows.lefts))
    down, across = _basis(rows_at, shape[0]), _basis(columns_at, shape[1])
    design = np.einsum("ip,jq->ijpq", down, across).reshape(z.size, rows * columns)
    old = np.stack([(down @ plane @ across.T).ravel() for plane in field.control], axis=1)
    target = old + shifts.reshape(-1, 2)
    penalty = stiffness * _bending_energy(rows, columns) + 1e-6 * np.eye(rows * columns)
    confidence = np.where(z.ravel() > CONFIDENT, np.square(z.ravel()), 0.0)
    weight = confidence
    solution = np.zeros((rows * columns, 2))
    for _ in range(4):
        weighted = design * weight[:, None]
        solution = np.linalg.solve(design.T @ weighted + penalty, weighted.T @ target)
        miss = np.square(target - design @ solution).sum(axis=1)
        weight = confidence / (1.0 + miss / 1.5)
    agreeing = int(np.count_nonzero((confidence > 0.0) & (miss < CLOSE**2)))
    return Field(control=solution.T.reshape(2, rows, columns)), agreeing


def _knots(length: int) -> int:
    return max(1, round(length / KNOT)) + 3


def _basis(at: Matrix, length: int) -> Matrix:
    """Uniform cubic B-spline basis at positions in [0, length]: positions x knots."""
    return _cubic(at / length * (_knots(length) - 3), _knots(length))


def _cubic(t: Matrix, knots: int) -> Matrix:
    cell = np.clip(np.floor(t), 0, knots - 4).astype(int)
    f = t - cell
    weights = np.stack(((1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3), axis=1) / 6.0
    out = np.zeros((t.size, knots))
    for k in range(4):
        out[np.arange(t.size), cell + k] = weights[:, k]
    return out


def _bending_energy(rows: int, columns: int) -> Matrix:
    """Sum of squared second differences of a rows x columns lattice, mixed ones counted twice."""
    down, across = np.eye(rows), np.eye(columns)
    second_down, second_across = (np.diff(np.eye(n), n=2, axis=0) for n in (rows, columns))
    first_down, first_across = (np.diff(np.eye(n), axis=0) for n in (rows, columns))
    out = np.kron(second_down.T @ second_down, across) + np.kron(down, second_across.T @ second_across)
    out += 2.0 * np.kron(first_down.T @ first_down, first_across.T @ first_across)
    return np.asarray(out, np.float64)
