# SPDX-License-Identifier: Apache-2.0
"""Put a mark into a host: render the pattern on the reference canvas, shape it to the host, add it at full size."""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass

import cv2
import numpy as np

from waarmerk.watermark.arrays import Bytes, Floats, floats, pixels
from waarmerk.watermark.carriers import SUPER, VARIANTS, Carriers
from waarmerk.watermark.coding import encode
from waarmerk.watermark.perception import FLAT_WINDOW, limit_flat, visibility_mask
from waarmerk.watermark.quality import mean_square
from waarmerk.watermark.transforms import CHROMA_GAIN, canvas_shape, luma, render_tiles, resize, tile_grid

PILOT_SHARE = 0.24  # of the energy; enough to find any geometry at which the payload is still readable
INDEX_SHARE = 0.06
FLAT_RMS = 0.72  # luma rms in flat areas at strength 1; below what is seen on a screen at 1:1
PSNR_TOLERANCE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Shaping:
    """How the mark follows the host."""

    texture_gain: float = 2.5
    cap: float = 5.0


def pick_variant(variant_key: bytes, host: Bytes) -> int:
    """The variant of this host under this key: equal pixels give equal bytes, other pixels other signs."""
    digest = hmac.digest(variant_key, hashlib.blake2b(np.ascontiguousarray(host).data).digest(), "sha256")
    return digest[0] % VARIANTS


def render_pattern(carriers: Carriers, value: bytes, variant: int, shape: tuple[int, int]) -> Floats:
    """The mark of unit rms on a canvas of ``shape``."""
    rows, columns = tile_grid(shape)
    down, across = np.arange(rows), np.arange(columns)
    place = np.ix_(down % SUPER, across % SUPER)
    bits = 1.0 - 2.0 * encode(value).astype(np.float32)
    parts = []
    for bins, share, signs in (
        (carriers.pilots, PILOT_SHARE, np.float32(1.0)),
        (carriers.index, INDEX_SHARE, carriers.index_signs[place]),
        (carriers.payload, 1.0 - PILOT_SHARE - INDEX_SHARE, carriers.payload_signs(variant, down, across) * bits),
    ):
        amplitude = np.float32(math.sqrt(2.0 * share / bins.ky.size))
        parts.append((bins, amplitude * signs * bins.carrier))
    return render_tiles(parts, rows, columns)[: shape[0], : shape[1]]


def shape_to_host(pattern: Floats, plane: Floats, shaping: Shaping) -> Floats:
    """The pattern times the visibility mask: luma change per canvas pixel where a flat area has rms 1."""
    return pattern * visibility_mask(plane, texture_gain=shaping.texture_gain, cap=shaping.cap)


def add_at_strength(host: Bytes, plane: Floats, shaped: Floats, strength: float) -> Bytes:
    """Add with the flat-area rms of ``strength`` * FLAT_RMS, held there by the limiter.

    In a large image the pattern is coarse, which the eye sees more easily, and there is more of it: the amplitude
    falls with the root of the magnification.
    """
    scale = math.sqrt(plane.size / (host.shape[0] * host.shape[1]))  # canvas pixels per image pixel
    rms = strength * FLAT_RMS * math.sqrt(scale)
    change = shaped * np.float32(rms)
    change *= limit_flat(plane, change, max_rms=rms, window=max(7, round(FLAT_WINDOW * scale)))
    return add_luma(host, change)


def add_at_psnr(host: Bytes, shaped: Floats, psnr: float) -> Bytes:
    """Add at the gain whose result, clipped and rounded, has this PSNR; at most a few rounds of regula falsi."""
    wanted = 255.0**2 / 10.0 ** (psnr / 10.0)
    gain = math.sqrt(wanted / max(1e-9, float(np.mean(shaped * shaped)) * _rgb_energy(host)))
    marked = add_luma(host, shaped * np.float32(gain))
    for _ in range(6):
        reached = mean_square(host, marked)
        if abs(10.0 * math.log10(max(reached, 1e-9) / wanted)) <= PSNR_TOLERANCE:
            break
        gain *= math.sqrt(wanted / max(reached, 1e-9))
        marked = add_luma(host, shaped * np.float32(gain))
    return marked


def add_luma(host: Bytes, change: Floats) -> Bytes:
    """Add a change of luma given on the canvas to the host at its own size, rounded and clipped."""
    change = enlarge(change, (host.shape[0], host.shape[1]))
    if host.ndim == 2:
        return pixels(cv2.add(host, change, dtype=cv2.CV_8U))
    planes = [cv2.add(c, change * g, dtype=cv2.CV_8U) for c, g in zip(cv2.split(host), CHROMA_GAIN, strict=True)]
    return pixels(cv2.merge(planes))


def enlarge(plane: Floats, shape: tuple[int, int]) -> Floats:
    """Canvas to image size, pixel areas aligned."""
    if plane.shape == shape:
        return plane
    return floats(cv2.resize(plane, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC))


def host_plane(host: Bytes) -> Floats:
    """The host's luma on its reference canvas."""
    return resize(luma(host), canvas_shape(host.shape[0], host.shape[1]))


def _rgb_energy(host: Bytes) -> float:
    """Mean square over channels per mean square of luma change."""
    return 1.0 if host.ndim == 2 else float(np.mean(CHROMA_GAIN**2))
