# SPDX-License-Identifier: Apache-2.0
"""Read index and payload off a registered canvas: where in the super-tile it lies, which variant, which bits."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.fft

from waarmerk.watermark.arrays import Complexes, Floats, floats
from waarmerk.watermark.carriers import SUPER, VARIANTS, BinSet, Carriers
from waarmerk.watermark.coding import LIST_SIZE, PAYLOAD_BITS, decode, encode, quantise
from waarmerk.watermark.registration import Canvas
from waarmerk.watermark.statistics import normalised_sum
from waarmerk.watermark.transforms import analyse_tiles

OFFSETS = SUPER * SUPER
OFFSETS_TRIED = 2
DECODES = 3  # variants handed to the decoder at each offset, best energy first
DEEP_DECODES, DEEP_LIST = 2, 512  # where many frames were added up and little is left to try
LOG_MESSAGES = PAYLOAD_BITS * math.log(2.0)
SMOOTHING = 1.5  # cycles per tile over which noise is averaged

Place = tuple[float, tuple[int, int]]  # z of the index and the corner tile's place in the super-tile


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one canvas says.

    ``index_z``: the best super-tile offset of OFFSETS; ``payload``: None unless the code closed; ``total_z``: the
    payload carriers for that payload, with the index or without: one of 2 * OFFSETS * VARIANTS * 2 ** 64 hypotheses;
    ``is_expected``: at the offset of an uncropped image, which was named before anything was looked at.
    """

    index_z: float
    offset: tuple[int, int]
    payload: bytes | None = None
    total_z: float = 0.0
    is_expected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Demodulated carriers per tile of one canvas; ``real`` parts carry the mark, ``gain`` the channel per bin."""

    index: Complexes  # rows x columns x bins
    payload: Complexes
    index_weight: Floats
    payload_weight: Floats


def read(canvas: Canvas, carriers: Carriers, *, negative: bool, deep: bool = False) -> Reading:
    """Find offset, variant and payload on a registered canvas; ``deep`` tries more variants with a longer list."""
    return interpret(observe(canvas, carriers, negative=negative), carriers, first=canvas.first, deep=deep)


def interpret(seen: Observation, carriers: Carriers, *, first: tuple[int, int], deep: bool = False) -> Reading:
    """Read one observation, or a weighted sum of several of one pose, such as the frames of a clip."""
    offsets = rank_offsets(seen, carriers)
    best = Reading(index_z=offsets[0][0], offset=offsets[0][1])
    uncropped = (first[0] % SUPER, first[1] % SUPER)
    for index_z, offset in _with_expected(offsets[:OFFSETS_TRIED], uncropped):
        found = _read_payload(seen, carriers, Reading(index_z=index_z, offset=offset), deep=deep)
        if found is not None:
            return replace(found, is_expected=offset == uncropped)
    return best


def read_in_place(canvas: Canvas, carriers: Carriers) -> Reading:
    """Read an uncropped canvas without any help from the pilots, which one marked image exposes to be subtracted."""
    seen = observe(canvas, carriers, negative=False, by_pilots=False)
    offset = (canvas.first[0] % SUPER, canvas.first[1] % SUPER)
    place = Reading(index_z=_index_z(seen, carriers, offset), offset=offset)
    found = _read_payload(seen, carriers, place)
    return place if found is None else replace(found, is_expected=True)


def observe(canvas: Canvas, carriers: Carriers, *, negative: bool, by_pilots: bool = True) -> Observation:
    """Demodulate every tile and estimate the channel from the pilots, or take it as flat."""
    tiles = analyse_tiles(canvas.plane)
    sign = np.float32(-1.0 if negative else 1.0)
    pilots, index, payload = (
        tiles[:, :, b.ky, b.kx] * (sign * np.conj(b.carrier))
        for b in (carriers.pilots, carriers.index, carriers.payload)
    )
    noise = _noise_model(index, payload, carriers)
    gain = _channel_gain(pilots.sum(axis=(0, 1)), carriers.pilots, noise) if by_pilots else np.ones_like
    index_weight, payload_weight = (
        floats(gain(b.radius) / np.sqrt(noise(b.radius))) for b in (carriers.index, carriers.payload)
    )
    return Observation(index=index, payload=payload, index_weight=index_weight, payload_weight=payload_weight)


def rank_offsets(seen: Observation, carriers: Carriers) -> list[Place]:
    """Likely places of the canvas's corner tile in the super-tile with their exact z, best first."""
    values = seen.index
    wrapped = np.zeros((SUPER, SUPER, values.shape[2]), np.float32)
    down, across = np.arange(values.shape[0]) % SUPER, np.arange(values.shape[1]) % SUPER
    np.add.at(wrapped, (down[:, None], across[None, :]), values.real * seen.index_weight)
    product = scipy.fft.rfft2(carriers.index_signs.astype(np.float32), axes=(0, 1)) * np.conj(
        scipy.fft.rfft2(wrapped, axes=(0, 1))
    )
    surface = scipy.fft.irfft2(product.sum(axis=2), s=(SUPER, SUPER))
    ranked = np.argsort(-surface.ravel(), kind="stable")[: 2 * OFFSETS_TRIED]
    out = []
    for flat in ranked:
        offset = (int(flat) // SUPER, int(flat) % SUPER)
        out.append((_index_z(seen, carriers, offset), offset))
    return sorted(out, key=lambda entry: -entry[0])


def _index_z(seen: Observation, carriers: Carriers, offset: tuple[int, int]) -> float:
    rows, columns = seen.index.shape[:2]
    grid = np.ix_((np.arange(rows) + offset[0]) % SUPER, (np.arange(columns) + offset[1]) % SUPER)
    return normalised_sum((seen.index * carriers.index_signs[grid]).sum(axis=(0, 1)), seen.index_weight)


def _with_expected(ranked: list[Place], expected: tuple[int, int]) -> list[Place]:
    """The ranked places and the one of an uncropped image, which needs no index to be likely."""
    if any(offset == expected for _, offset in ranked):
        return ranked
    return [*ranked, (0.0, expected)]


def _read_payload(seen: Observation, carriers: Carriers, place: Reading, *, deep: bool = False) -> Reading | None:
    rows, columns = seen.payload.shape[:2]
    down, across = np.arange(rows) + place.offset[0], np.arange(columns) + place.offset[1]
    index = (seen.index * carriers.index_signs[np.ix_(down % SUPER, across % SUPER)]).sum(axis=(0, 1))
    real = seen.payload.real * seen.payload_weight
    soft = np.stack([_despread(real, carriers.payload_signs(v, down, across)) for v in range(VARIANTS)])
    energy = np.square(soft).sum(axis=1)
    ranked = np.argsort(-energy, kind="stable")
    tries = [(variant, LIST_SIZE) for variant in ranked[:DECODES]]
    tries += [(variant, DEEP_LIST) for variant in ranked[:DEEP_DECODES]] if deep else []
    for variant, size in tries:
        decoded = decode(quantise(soft[variant]), list_size=size)
        if decoded is not None:
            bits = 1.0 - 2.0 * encode(decoded.value).astype(np.float32)
            payload = (seen.payload * carriers.payload_signs(int(variant), down, across)).sum(axis=(0, 1)) * bits
            values = np.concatenate((index, payload))
            weights = np.concatenate((seen.index_weight, seen.payload_weight))
            # many files of one key show the index as well: whoever subtracts it turns it against the payload
            total = max(normalised_sum(values, weights), normalised_sum(payload, seen.payload_weight))
            return Reading(index_z=place.index_z, offset=place.offset, payload=decoded.value, total_z=total)
    return None


def _despread(real: Floats, signs: npt.NDArray[np.int8]) -> Floats:
    return floats(np.einsum("rcb,rcb->b", real, signs.astype(np.float32)))


class _Noise:
    """Mean square per bin of one tile sum, as a smooth function of radius."""

    def __init__(self, radius: Floats, energy: Floats) -> None:
        grid = np.arange(0.0, 33.0, 0.5, dtype=np.float32)
        near = np.exp(-0.5 * np.square((grid[:, None] - radius) / SMOOTHING))
        self._grid, self._level = grid, (near @ energy + 1e-12) / (near.sum(axis=1) + 1e-12)

    def __call__(self, radius: Floats) -> Floats:
        return floats(np.interp(radius, self._grid, self._level))


def _noise_model(index: Complexes, payload: Complexes, carriers: Carriers) -> _Noise:
    radius = np.concatenate((carriers.index.radius, carriers.payload.radius))
    power = [np.square(np.abs(values)).sum(axis=(0, 1)) for values in (index, payload)]
    return _Noise(radius, np.concatenate(power))


class _Gain:
    """Gain over radius, a quadratic fitted to the pilots: blur and resizing change it, medians even its sign."""

    def __init__(self, radius: Floats, answer: Floats) -> None:
        basis = self._basis(radius)
        ridge = np.diag([1.0, 4.0, 4.0])  # little trust in slope and bend where the pilots are weak
        self._coefficients = np.linalg.solve(basis.T @ basis + ridge, basis.T @ answer)

    @staticmethod
    def _basis(radius: Floats) -> npt.NDArray[np.float64]:
        x = (radius.astype(np.float64) - 18.0) / 12.0
        return np.column_stack((np.ones_like(x), x, x * x))

    def __call__(self, radius: Floats) -> Floats:
        return floats(self._basis(radius) @ self._coefficients)


def _channel_gain(pilots: Complexes, bins: BinSet, noise: _Noise) -> _Gain:
    return _Gain(bins.radius, floats(pilots.real / np.sqrt(noise(bins.radius))))
