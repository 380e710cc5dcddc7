# SPDX-License-Identifier: Apache-2.0
"""Sections 1 to 4 of docs/watermark.md written a second time from the page, in double precision, beside the library."""

from __future__ import annotations

import hashlib
import hmac
import math
import zlib

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from tests.unit.watermark import hosts
from waarmerk.watermark import Key, Payload, embed

Plane = npt.NDArray[np.float64]


def sub_key(secret: bytes, purpose: str, name: str) -> bytes:
    """HKDF-SHA256 of one block, by its definition."""
    extracted = hmac.digest(bytes(32), secret, "sha256")
    return hmac.digest(extracted, f"waarmerk watermark/ring/1/{purpose}/{name}".encode() + b"\x01", "sha256")


def stream(key: bytes, length: int, nonce: int = 0) -> bytes:
    whole = bytes(4) + nonce.to_bytes(12, "little")
    return Cipher(ChaCha20(key, whole), mode=None).encryptor().update(bytes(length))


def signs(data: bytes, bins: int) -> Plane:
    bits = [1.0 - 2.0 * (byte >> j & 1) for byte in data for j in range(8)]
    return np.array(bits).reshape(16, 16, bins)


def code_signs(payload: bytes) -> Plane:
    message = payload + zlib.crc32(payload).to_bytes(4, "big")
    bits = [byte >> (7 - j) & 1 for byte in message for j in range(8)]
    ranked = sorted(range(1024), key=lambda i: sum((i >> j & 1) * 2 ** (j / 4) for j in range(10)))
    word = [0] * 1024
    for place, bit in zip(sorted(ranked[-96:]), bits, strict=True):
        word[place] = bit
    half = 1
    while half < 1024:
        for start in range(0, 1024, 2 * half):
            for i in range(start, start + half):
                word[i] ^= word[i + half]
        half *= 2
    return 1.0 - 2.0 * np.array(word)


def pattern(secret: bytes, purpose: str, host: npt.NDArray[np.uint8], payload: bytes, shape: tuple[int, int]) -> Plane:
    disc = [(y * y + x * x, y, x) for y in range(-29, 30) for x in range(30) if x > 0 or y > 0]
    bins = sorted(b for b in disc if 16 <= b[0] <= 841)
    n = len(bins)
    words = np.frombuffer(stream(sub_key(secret, purpose, "bins"), 8 * n), "<u8").tolist()
    phase = np.frombuffer(stream(sub_key(secret, purpose, "phases"), 4 * n), "<u4") * (2 * np.pi / 2**32)
    pilots = [min((i for i in range(n) if i * 48 // n == s), key=lambda i: words[i]) for s in range(48)]
    rest = sorted(set(range(n)) - set(pilots), key=lambda i: words[i])
    message = hashlib.blake2b(host.tobytes()).digest()
    variant = hmac.digest(sub_key(secret, purpose, "variant"), message, "sha256")[0] % 64
    index = signs(stream(sub_key(secret, purpose, "index"), 5120), 160)
    chips = signs(stream(sub_key(secret, purpose, "signs"), 32768, variant), 1024) * code_signs(payload)
    order = [*pilots, *rest[:1184]]
    amplitude = np.repeat([math.sqrt(2 * s / c) for s, c in ((0.24, 48), (0.06, 160), (0.70, 1024))], [48, 160, 1024])
    ky, kx = np.array([bins[i][1:] for i in order]).T
    at = np.arange(125)
    down = np.exp(2j * np.pi / 125 * np.outer(at, ky)) * amplitude * np.exp(1j * phase[order])
    across = np.exp(2j * np.pi / 125 * np.outer(kx, at))
    rows, columns = -(-shape[0] // 125), -(-shape[1] // 125)
    out = np.zeros((rows * 125, columns * 125))
    for r in range(rows):
        for c in range(columns):
            s = np.concatenate((np.ones(48), index[r % 16, c % 16], chips[r % 16, c % 16]))
            out[r * 125 : r * 125 + 125, c * 125 : c * 125 + 125] = ((down * s) @ across).real
    return out[: shape[0], : shape[1]]


def soft(plane: Plane) -> Plane:
    return np.asarray(cv2.GaussianBlur(plane, (25, 25), 3.0), np.float64)


def box(plane: Plane, n: int) -> Plane:
    return np.asarray(cv2.blur(plane, (n, n)), np.float64)


def least(plane: Plane, n: int) -> Plane:
    return np.asarray(cv2.erode(plane, np.ones((n, n), np.uint8)), np.float64)


def mark(host: npt.NDArray[np.uint8], secret: bytes, purpose: str, payload: bytes) -> npt.NDArray[np.uint8]:
    height, width = host.shape[:2]
    q = max(1.0, math.sqrt(height * width) / 1024)
    shape = (round(height / q), round(width / q))
    p = pattern(secret, purpose, host, payload, shape)
    r, g, b = (host[..., i].astype(np.int64) for i in range(3))
    luma = ((9798 * r + 19235 * g + 3735 * b + 16384) >> 15).astype(np.uint8)
    if shape != (height, width):
        luma = np.asarray(cv2.resize(luma, shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)  # whole numbers
    y = luma.astype(np.float64)
    v = soft((y - soft(y)) ** 2)
    guarded = np.minimum(v, 4 * soft(least(v, 15)) + 2)
    shaped = p * np.minimum(5, np.sqrt(1 + 2.5 * guarded / 58.5))
    scale = math.sqrt(y.size / (height * width))
    limit = 0.72 * math.sqrt(scale)
    change = limit * shaped
    w = max(7, round(32 * scale))
    flat = box((y - 128) ** 2, w) - box(y - 128, w) ** 2 < 3.75**2
    gain = np.where(flat, np.minimum(1, limit / np.maximum(1e-6, np.sqrt(box(change**2, w)))), 1.0)
    m = 2 * (w // 4) + 1
    change = change * box(least(gain, m), m)
    if shape != (height, width):
        change = cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float64)
    factors = np.array([0.299, 0.587, 0.114]) / (0.299**2 + 0.587**2 + 0.114**2)
    return np.clip(np.rint(host + change[..., None] * factors), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(300, 270), (1100, 1250)], ids=["own size", "shrunk canvas"])
def test_the_page_alone_gives_the_same_marks(key: Key, payload: Payload, size: tuple[int, int]) -> None:
    host = hosts.textured(*size)
    ours = embed(host, key, payload, best_effort=True).astype(int)
    theirs = mark(host, key.secret, key.purpose, bytes(payload)).astype(int)
    assert np.abs(ours - theirs).max() <= 1
    assert np.mean(ours != theirs) < 2e-4
