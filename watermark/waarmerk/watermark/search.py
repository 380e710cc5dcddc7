# SPDX-License-Identifier: Apache-2.0
"""Find poses from the magnitude spectrum alone, where the pilots of all tiles stand as sharp peaks.

Rotation, scale and flip shift the peaks in log-polar coordinates (O'Ruanaidh and Pun 1997, Lin et al. 2001),
independent scales of the two axes shift them in (ln |fx|, ln |fy|); both maps are searched by one FFT correlation
against the keyed template, and the best candidates are refined as full 2 x 2 maps on the interpolated spectrum.
Magnitudes say nothing about phases, so that this search costs no hypotheses in the coherent tests that follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import scipy.fft

from waarmerk.watermark.arrays import Complexes, Floats, Matrix, floats
from waarmerk.watermark.carriers import RING, TILE, BinSet

PEAK_LIMIT = 6.0  # in local means: one line of a strong host counts no more than a good pilot
LOG_SPAN = 4.224  # of the log-polar map and of the log-log map: frequencies from 0.5 * exp(-LOG_SPAN) to 0.5
TEMPLATE_SPAN = 1.99  # ln of the ring's outer over its inner radius
AXIS_LOW = 2.0  # cycles per tile along either axis from which a pilot takes part in the log-log map
CANDIDATES = 8
UPRIGHT_CANDIDATES = 12
SMALL_PLANE = 80_000  # up to here a test is cheap and the spectrum tells little: many more candidates
SMALL_CANDIDATES = 48
WINDOW_CANDIDATES = 5
UPRIGHT_STEP = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Resolution of a search: side of the spectrum, angles in a half turn, steps of ln radius and ln frequency.

    A plane larger than ``size`` is folded modulo it, which samples its spectrum exactly.
    """

    size: int
    angles: int
    log_step: float
    axis_step: float

    @property
    def radii(self) -> int:
        """Bins of ln radius."""
        return round(LOG_SPAN / self.log_step)

    @property
    def polar_length(self) -> int:
        """Radii plus the template's, to a length with small factors."""
        return int(scipy.fft.next_fast_len(self.radii + round(TEMPLATE_SPAN / self.log_step) + 8, real=True))

    @property
    def axis_bins(self) -> int:
        """Bins of ln frequency along an axis."""
        return round(LOG_SPAN / self.axis_step)

    @property
    def axis_length(self) -> int:
        """Axis bins plus the template's, to a length with small factors."""
        span = math.log(RING[1] / AXIS_LOW)
        return int(scipy.fft.next_fast_len(self.axis_bins + round(span / self.axis_step) + 8, real=True))


FINE = Grid(size=1024, angles=720, log_step=0.006, axis_step=0.012)
COARSE = Grid(size=512, angles=400, log_step=0.012, axis_step=0.024)


def grid_for(shape: tuple[int, int]) -> Grid:
    """The resolution a plane's own size gives its peaks."""
    return COARSE if max(shape) <= COARSE.size else FINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """Conjugate spectra of the keyed templates: log-polar upright and flipped, log-log for equal and opposite signs."""

    grid: Grid
    pilots: BinSet
    low: float  # radius of the innermost pilot, cycles per reference pixel
    polar: tuple[Complexes, Complexes]
    axes: tuple[Complexes, Complexes]

    @classmethod
    def of(cls, pilots: BinSet, grid: Grid) -> Templates:
        """Render the templates of a key's pilots."""
        low = float(pilots.radius.min()) / TILE
        at = np.log(pilots.radius / TILE / low) / grid.log_step
        polar = []
        for ky in (pilots.ky, -pilots.ky):
            plane = np.zeros((grid.angles, grid.polar_length), np.float32)
            _splat(plane, np.arctan2(ky, pilots.kx) % math.pi * (grid.angles / math.pi), at)
            polar.append(np.conj(scipy.fft.rfft2(plane)))
        axes = []
        for sign in (1, -1):
            plane = np.zeros((grid.axis_length, grid.axis_length), np.float32)
            use = (pilots.kx >= AXIS_LOW) & (sign * pilots.ky >= AXIS_LOW)
            down, across = np.abs(pilots.ky[use]), pilots.kx[use]
            _splat(plane, np.log(down / AXIS_LOW) / grid.axis_step, np.log(across / AXIS_LOW) / grid.axis_step)
            axes.append(np.conj(scipy.fft.rfft2(plane)))
        return cls(grid=grid, pilots=pilots, low=low, polar=(polar[0], polar[1]), axes=(axes[0], axes[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A linear map from reference to image frequencies and its score on the spectrum, in deviations."""

    map: Matrix
    score: float


def peak_spectrum(whitened: Floats, size: int) -> Floats:
    """Power over its local mean, clipped, less its mean; size x size with zero frequency in the middle."""
    height, width = whitened.shape
    folded = np.zeros((-(-height // size) * size, -(-width // size) * size), np.float32)
    folded[:height, :width] = whitened
    folded = folded.reshape(-1, size, folded.shape[1]).sum(axis=0).reshape(size, -1, size).sum(axis=1)
    half = scipy.fft.rfft2(folded, overwrite_x=True)
    power = np.fft.fftshift(np.square(half.real) + np.square(half.imag), axes=0)
    power /= cv2.blur(power, (31, 31), borderType=cv2.BORDER_REFLECT) + np.float32(1e-12)
    power = np.minimum(power, PEAK_LIMIT)
    power -= power.mean()
    full = np.empty((size, size), np.float32)
    full[:, size // 2 :] = power[:, : size // 2]
    mirrored = np.roll(power[::-1], 1, axis=0)  # row k of the mirror is frequency -k
    full[:, 1 : size // 2] = mirrored[:, size // 2 - 1 : 0 : -1]
    full[:, 0] = power[:, size // 2]
    return full


def candidates(
    spectrum: Floats, templates: Templates, *, least_scale: float, most: int = CANDIDATES, similar: bool = False
) -> list[Candidate]:
    """The likeliest maps, refined, best first; ``least_scale`` is the smallest image pixel per reference pixel.

    ``similar`` leaves out independent scales of the axes.
    """
    starts = _log_polar(spectrum, templates, least_scale)
    if not similar:
        starts += _log_log(spectrum, templates, least_scale)
    refined = [refine(spectrum, templates.pilots, start) for start in starts]
    out: list[Candidate] = []
    for found in sorted(refined, key=lambda c: -c.score):
        if len(out) < most and not any(_same(found.map, other.map) for other in out):
            out.append(found)
    return out


def upright(spectrum: Floats, pilots: BinSet, *, least_scale: float, most: int) -> list[Candidate]:
    """The likeliest uniform scales of an image neither turned nor flipped: the commonest case gets the most tests."""
    points = np.stack((pilots.kx, pilots.ky)).astype(np.float64) / TILE
    scales = np.exp(np.arange(math.log(0.2), math.log(1.02 / least_scale), UPRIGHT_STEP))
    scores = _score(spectrum, scales[:, None, None] * points)
    ahead = np.append(scores[1:], -np.inf)
    before = np.insert(scores[:-1], 0, -np.inf)
    peaks = np.flatnonzero((scores >= ahead) & (scores > before))
    best = peaks[np.argsort(-scores[peaks], kind="stable")][:most]
    return [Candidate(map=np.eye(2) * scales[i], score=float(scores[i])) for i in best]


def refine(spectrum: Floats, pilots: BinSet, start: Matrix) -> Candidate:
    """Climb the spectrum over all four entries of the map, in steps from four bins down to a tenth of one."""
    points = np.stack((pilots.kx, pilots.ky)).astype(np.float64) / TILE  # cycles per reference pixel
    best, score = start, -math.inf
    step = 4.0 / spectrum.shape[0]
    offsets = np.stack(np.meshgrid(*[[-1.0, 0.0, 1.0]] * 4, indexing="ij"), axis=-1).reshape(-1, 2, 2)
    size = math.sqrt(abs(float(np.linalg.det(start)))) or 1.0
    for _ in range(7):
        trials = best + offsets * (step * size)
        scores = _score(spectrum, trials @ points)
        top = int(np.argmax(scores))
        moved = top != len(offsets) // 2
        best, score = trials[top], float(scores[top])
        step *= 1.0 if moved and step > 3.0 / spectrum.shape[0] else 0.5
    return Candidate(map=best, score=score)


def _score(spectrum: Floats, points: Matrix) -> Floats:
    """Sum of the spectrum at points (trials x 2 x pilots, cycles per pixel) over the root of how many are visible."""
    size = spectrum.shape[0]
    xs, ys = (points * size + size // 2).astype(np.float32).transpose(1, 0, 2)
    seen = cv2.remap(spectrum, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    visible = (np.abs(points) < 0.49).all(axis=1).sum(axis=1)
    return floats(floats(seen).sum(axis=1) / np.sqrt(np.maximum(visible, 16)))


def _log_polar(spectrum: Floats, templates: Templates, least_scale: float) -> list[Matrix]:
    grid, lowest = templates.grid, 0.5 * math.exp(-LOG_SPAN)
    angle = np.arange(grid.angles) * (math.pi / grid.angles)
    radius = lowest * np.exp(np.arange(grid.radii) * grid.log_step) * grid.size
    xs = (np.outer(np.cos(angle), radius) + grid.size // 2).astype(np.float32)
    ys = (np.outer(np.sin(angle), radius) + grid.size // 2).astype(np.float32)
    shape = (grid.angles, grid.polar_length)
    seen = scipy.fft.rfft2(cv2.remap(spectrum, xs, ys, cv2.INTER_LINEAR), s=shape)
    factor = (
        lowest / templates.low * np.exp(_lags(grid.polar_length, grid.radii) * grid.log_step)
    )  # image over reference
    visible = (templates.pilots.radius / TILE * factor[:, None] < 0.5).sum(axis=1)
    scale = (1.0 / np.sqrt(np.maximum(visible, 16.0))).astype(np.float32)
    scale[(factor > 1.02 / least_scale) | (visible < 12)] = 0.0
    starts = []
    for flip, template in zip((1.0, -1.0), templates.polar, strict=True):
        surface = floats(scipy.fft.irfft2(seen * template, s=shape))
        surface *= scale
        for turn, shift in _peaks(surface, 5, (6, 8)):
            theta = turn * math.pi / grid.angles
            turned = np.array([[math.cos(theta), -math.sin(theta)], [math.sin(theta), math.cos(theta)]])
            starts.append(factor[shift] * turned @ np.diag([1.0, flip]))
    return starts


def _lags(length: int, bins: int) -> npt.NDArray[np.int64]:
    """Signed lags of a cyclic correlation: positive ones up to ``bins``."""
    lag = np.arange(length)
    return np.where(lag > bins, lag - length, lag)


def _splat(template: Floats, rows: npt.NDArray[np.floating], columns: npt.NDArray[np.floating]) -> None:
    """Add a unit mass at fractional places, spread over the four bins around, rows cyclic."""
    r0, c0 = np.floor(rows).astype(int), np.floor(columns).astype(int)
    for dr in (0, 1):
        for dc in (0, 1):
            weight = np.abs(1 - dr - (rows - r0)) * np.abs(1 - dc - (columns - c0))
            np.add.at(template, ((r0 + dr) % template.shape[0], c0 + dc), weight)


def _log_log(spectrum: Floats, templates: Templates, least_scale: float) -> list[Matrix]:
    """Independent scales of the axes; both quadrants are used, so that an upright flip is found as well."""
    grid = templates.grid
    bins, length, half = grid.axis_bins, grid.axis_length, grid.size // 2
    frequency = 0.5 * np.exp((np.arange(bins) - bins) * grid.axis_step)
    ahead = (frequency * grid.size + half).astype(np.float32)
    behind = (half - frequency * grid.size).astype(np.float32)
    columns = np.tile(ahead, (bins, 1))
    quadrants = [cv2.remap(spectrum, columns, np.tile(r[:, None], bins), cv2.INTER_LINEAR) for r in (ahead, behind)]
    same, opposite = (scipy.fft.rfft2(q, s=(length, length)) for q in quadrants)
    factor = 0.5 * np.exp((_lags(length, bins) - bins) * grid.axis_step) / (AXIS_LOW / TILE)
    scale = _axis_scale(factor, templates.pilots, least_scale)
    starts = []
    for flip in (1.0, -1.0):
        first, second = (same, opposite) if flip > 0 else (opposite, same)
        both = first * templates.axes[0] + second * templates.axes[1]
        surface = floats(scipy.fft.irfft2(both, s=(length, length)))
        surface *= scale
        starts += [np.diag([factor[c], flip * factor[r]]) for r, c in _peaks(surface, 4, (4, 4))]
    return starts


def _axis_scale(factor: Matrix, pilots: BinSet, least_scale: float) -> Floats:
    """One over the root of how many pilots are visible at (down, across) factors; zero where no mark can lie."""
    down, across = factor[:, None], factor[None, :]
    unlikely = (down > 2.2 * across) | (across > 2.2 * down) | (down < 0.12) | (across < 0.12)
    unlikely |= down * across > (1.02 / least_scale) ** 2
    seen_across = (pilots.kx / TILE * factor[:, None] < 0.5).mean(axis=1)
    seen_down = (np.abs(pilots.ky) / TILE * factor[:, None] < 0.5).mean(axis=1)
    visible = np.outer(seen_down, seen_across) * pilots.kx.size
    return np.where(unlikely, 0.0, 1.0 / np.sqrt(np.maximum(visible, 12.0))).astype(np.float32)


def _peaks(surface: Floats, count: int, apart: tuple[int, int]) -> list[tuple[int, int]]:
    """The highest places of a surface, no two within ``apart`` rows and columns."""
    work, out = surface, []
    for _ in range(count):
        _, value, _, (column, row) = cv2.minMaxLoc(work)
        if value <= 0.0:
            break
        out.append((row, column))
        work[max(0, row - apart[0]) : row + apart[0] + 1, max(0, column - apart[1]) : column + apart[1] + 1] = -1e30
    return out


def _same(first: Matrix, second: Matrix) -> bool:
    """Two maps that agree to a spectrum bin at the ring's edge, or up to a turn by 180 degrees."""
    size = 0.004 * math.sqrt(abs(float(np.linalg.det(first))))
    return min(float(np.abs(first - second).max()), float(np.abs(first + second).max())) < size
