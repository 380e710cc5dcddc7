# SPDX-License-Identifier: Apache-2.0
"""Bits to payload and back: CRC-32, a polar code of length 1,024, CRC-aided successive-cancellation list decoding.

Sources: Arikan 2009 (polar codes), He et al. 2017 (beta expansion, "polarization weight"), Tal and Vardy 2015 (list
decoding), Hashemi et al. 2017 (whole rate-0 and repetition nodes, exact under min-sum).  LLRs are integers, so that
every machine and every implementation takes the same decisions.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

CODE_LENGTH = 1024
PAYLOAD_BITS = 64
CHECK_BITS = 32
MESSAGE_BITS = PAYLOAD_BITS + CHECK_BITS
LIST_SIZE = 64
LLR_RMS = 64  # resolution of the integer LLRs; finer changes no decision worth having
LLR_LIMIT = 1024

Bits = npt.NDArray[np.uint8]
Llrs = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A payload whose check closed, and the rank of its path in the list (0 = best)."""

    value: bytes
    rank: int


@cache
def message_positions() -> tuple[int, ...]:
    """The MESSAGE_BITS most reliable synthetic channels, ascending (beta expansion with beta = 2 ** 0.25)."""
    beta = 2.0 ** (np.arange(10) / 4.0)
    bits = (np.arange(CODE_LENGTH)[:, None] >> np.arange(10)) & 1
    weight = (bits * beta).sum(axis=1)
    return tuple(int(i) for i in np.sort(np.argsort(weight, kind="stable")[-MESSAGE_BITS:]))


def encode(value: bytes) -> Bits:
    """8 payload bytes to CODE_LENGTH code bits; most significant bit first, CRC-32 (zlib) behind, natural order."""
    if len(value) * 8 != PAYLOAD_BITS:
        raise ValueError(f"a payload has exactly {PAYLOAD_BITS // 8} bytes, got {len(value)}")
    message = np.frombuffer(value + zlib.crc32(value).to_bytes(4, "big"), np.uint8)
    word = np.zeros(CODE_LENGTH, np.uint8)
    word[list(message_positions())] = np.unpackbits(message)
    return _polar_transform(word)


def quantise(llr: npt.NDArray[np.floating]) -> Llrs:
    """Float LLRs (positive: bit 0) to the integers the decoder takes; all-zero input stays all zero."""
    rms = float(np.sqrt(np.mean(np.square(llr, dtype=np.float64))))
    if not np.isfinite(rms) or rms == 0.0:
        return np.zeros(llr.shape, np.int64)
    scaled: Llrs = np.rint(llr * (LLR_RMS / rms)).astype(np.int64)
    return np.clip(scaled, -LLR_LIMIT, LLR_LIMIT)


def decode(llr: Llrs, *, list_size: int = LIST_SIZE) -> Decoded | None:
    """List-decode CODE_LENGTH integer LLRs; the best path whose CRC closes, or None."""
    if llr.shape != (CODE_LENGTH,):
        raise ValueError(f"expected {CODE_LENGTH} LLRs, got shape {llr.shape}")
    state = _Paths(metric=np.zeros(1, np.int64), message=np.zeros((1, 0), np.uint8), list_size=list_size)
    _, state, _ = _descend(llr[None, :], 0, state)
    order = np.argsort(state.metric, kind="stable")
    for rank, path in enumerate(order):
        packed = np.packbits(state.message[path]).tobytes()
        value, check = packed[: PAYLOAD_BITS // 8], packed[PAYLOAD_BITS // 8 :]
        if zlib.crc32(value).to_bytes(4, "big") == check:
            return Decoded(value=value, rank=rank)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paths:
    """Surviving paths: metric (smaller is better) and the message bits decided so far."""

    metric: Llrs
    message: Bits
    list_size: int


def _polar_transform(word: Bits) -> Bits:
    out, half = word.copy(), 1
    while half < out.size:
        pairs = out.reshape(-1, 2, half)
        pairs[:, 0] ^= pairs[:, 1]
        half *= 2
    return out


@cache
def _message_count(first: int, size: int) -> int:
    return sum(first <= i < first + size for i in message_positions())


def _descend(alpha: Llrs, first: int, paths: _Paths) -> tuple[Bits, _Paths, Llrs]:
    """Decode the node over [first, first + size): its code bits per path, the paths, and each path's parent row."""
    size = alpha.shape[1]
    count = _message_count(first, size)
    if count == 0:
        metric = paths.metric + np.maximum(-alpha, 0).sum(axis=1)
        kept = _Paths(metric=metric, message=paths.message, list_size=paths.list_size)
        return np.zeros(alpha.shape, np.uint8), kept, np.arange(alpha.shape[0])
    if count == 1 and first + size - 1 in message_positions():
        return _repetition(alpha, paths)
    half = size // 2
    left, right = alpha[:, :half], alpha[:, half:]
    low = np.sign(left) * np.sign(right) * np.minimum(np.abs(left), np.abs(right))
    beta_left, paths, parent = _descend(low, first, paths)
    left, right = left[parent], right[parent]
    high = right + np.where(beta_left == 1, -left, left)
    beta_right, paths, second = _descend(high, first + half, paths)
    beta_left = beta_left[second]
    return np.concatenate((beta_left ^ beta_right, beta_right), axis=1), paths, parent[second]


def _repetition(alpha: Llrs, paths: _Paths) -> tuple[Bits, _Paths, Llrs]:
    """One message bit repeated over the node (a leaf is the case of size 1): split each path and keep the best."""
    rows, size = alpha.shape
    zero = paths.metric + np.maximum(-alpha, 0).sum(axis=1)
    one = paths.metric + np.maximum(alpha, 0).sum(axis=1)
    metric = np.concatenate((zero, one))
    best = np.sort(np.argsort(metric, kind="stable")[: paths.list_size])
    parent = best % rows
    bit = (best // rows).astype(np.uint8)[:, None]
    message = np.concatenate((paths.message[parent], bit), axis=1)
    kept = _Paths(metric=metric[best], message=message, list_size=paths.list_size)
    return np.repeat(bit, size, axis=1), kept, parent
