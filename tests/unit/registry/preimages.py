# SPDX-License-Identifier: Apache-2.0
"""The collision attack: a picture is changed step by step until it hashes as another one, by pHash and PDQ at once.

Both hashes are signs of low frequencies against their median, so the way there is a gradient of few waves: each step
pushes the frequencies on the wrong side a little, and the hashes of the library say when to stop.
"""

import cv2
import numpy as np
import numpy.typing as npt

from waarmerk.provenance.registry.hashes import Fingerprints, fingerprints, luma

Bytes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]
_STEPS, _RATE, _MARGIN = 200, 0.6, 0.08


def apart(one: Fingerprints, other: Fingerprints) -> tuple[int, int]:
    """Bits between the pHashes and between the PDQ hashes."""
    pairs = ((one.phash, other.phash), (one.pdq or b"", other.pdq or b""))
    first, second = ((int.from_bytes(a) ^ int.from_bytes(b)).bit_count() for a, b in pairs)
    return first, second


def second_preimage(target: Bytes, carrier: Bytes, *, phash: int = 4, pdq: int = 24) -> Bytes:
    """``carrier`` (H x W x 3) changed until its hashes are within these many bits of those of ``target``."""
    wanted, made = fingerprints(target), carrier.astype(np.float32) * 0.7 + 38
    bands = ((32, slice(0, 8)), (64, slice(1, 17)))  # of pHash and of PDQ
    aims = [_above(_light(target.astype(np.float32), side)[band, band]) for side, band in bands]
    for _ in range(_STEPS):
        rounded = np.clip(np.rint(made), 0, 255).astype(np.uint8)
        bits = apart(fingerprints(rounded), wanted)
        if bits[0] <= phash and bits[1] <= pdq:
            break
        for (side, band), aim in zip(bands, aims, strict=True):
            light = _light(made, side)
            waves, low = np.zeros_like(light), light[band, band]
            middle, reach = float(np.median(low)), _MARGIN * float(np.abs(low).mean()) + 2
            short = np.where(aim, middle + reach - low, low - middle + reach)
            waves[band, band] = np.where(short > 0, np.where(aim, short, -short), 0) * _RATE
            wave = cv2.resize(cv2.idct(waves), carrier.shape[1::-1], interpolation=cv2.INTER_CUBIC)
            made = np.clip(made + wave[:, :, None], 0, 255)
    return np.clip(np.rint(made), 0, 255).astype(np.uint8)


def _light(picture: Floats, side: int) -> Floats:
    plane = np.tensordot(picture, [0.299, 0.587, 0.114], 1).astype(np.float32)
    small = cv2.resize(plane, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.dct(small), np.float32)


def _above(low: Floats) -> npt.NDArray[np.bool_]:
    return low > np.median(low)


def noise_ratio(one: Bytes, other: Bytes) -> float:
    """PSNR in dB of luma after the best change of light: what the waves alone did to the picture."""
    a, b = luma(one).ravel().astype(np.float64), luma(other).ravel().astype(np.float64)
    slope, offset = np.polyfit(a, b, 1)
    return float(10 * np.log10(255**2 / np.mean((a * slope + offset - b) ** 2)))
