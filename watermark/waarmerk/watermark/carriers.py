# SPDX-License-Identifier: Apache-2.0
"""Keyed carriers: which bins of the tile's Fourier ring carry what, with which phases and signs.

One tile is ``TILE`` x ``TILE`` reference pixels.  125 shares no factor with the 8, 16 and 64 pixel grids of codecs,
so what a codec leaves behind on its own grid does not add up when tiles are folded.  The half plane of the
ring between ``RING`` cycles per tile is split by a keyed permutation into pilots (the same in every tile), index bins
(a known sign per position in the super-tile) and payload bins (a secret sign per variant and position).
Everything is drawn from ChaCha20 key streams of named sub-keys, so that the layout is byte-exact on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20

from waarmerk.watermark.arrays import Complexes, Floats, Integers, Signs
from waarmerk.watermark.coding import CODE_LENGTH
from waarmerk.watermark.keys import Key

TILE = 125
RING = (4.0, 29.0)
PILOTS = 48  # few and strong: the spectrum search adds powers, whose noise grows with the root of their number
INDEX_BINS = 160
SUPER = 16  # the super-tile is SUPER x SUPER tiles
VARIANTS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class BinSet:
    """Bins of the tile's DFT in cycles per tile, ``ky`` in [-62, 62] and ``kx`` in [0, 62], with unit carriers."""

    ky: Integers
    kx: Integers
    carrier: Complexes

    @property
    def radius(self) -> Floats:
        """Distance from zero frequency, cycles per tile."""
        return np.hypot(self.ky, self.kx).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carriers:
    """All carriers of one key: pilots, index, payload and the sign streams."""

    pilots: BinSet
    index: BinSet
    payload: BinSet
    index_signs: Signs  # SUPER x SUPER x INDEX_BINS
    sign_key: bytes

    def payload_signs(self, variant: int, down: Integers, across: Integers) -> Signs:
        """Signs of one variant at rows ``down`` and columns ``across`` of the super-tile: rows x columns x bins."""
        stream = key_stream(self.sign_key, SUPER * SUPER * CODE_LENGTH // 8, nonce=variant)
        packed = np.frombuffer(stream, np.uint8).reshape(SUPER, SUPER, CODE_LENGTH // 8)
        return _signs(packed[np.ix_(down % SUPER, across % SUPER)])


def key_stream(sub_key: bytes, length: int, *, nonce: int = 0) -> bytes:
    """``length`` bytes of ChaCha20 (RFC 8439), counter 0, ``nonce`` little-endian in 12 bytes."""
    counter_and_nonce = bytes(4) + nonce.to_bytes(12, "little")
    return Cipher(ChaCha20(sub_key, counter_and_nonce), mode=None).encryptor().update(bytes(length))


def build_carriers(key: Key) -> Carriers:
    """Derive the carriers of ``key``; pure, about a millisecond."""
    ky, kx = ring_bins()
    order = np.frombuffer(key_stream(key.sub_key("bins"), 8 * ky.size), "<u8")
    strata = np.arange(ky.size) * PILOTS // ky.size  # one pilot from each: spread over all radii
    first = np.lexsort((order, strata))
    pilots = first[np.searchsorted(strata[first], np.arange(PILOTS))]
    rest = np.setdiff1d(np.arange(ky.size), pilots)
    rest = rest[np.argsort(order[rest], kind="stable")][: INDEX_BINS + CODE_LENGTH]
    angle = np.frombuffer(key_stream(key.sub_key("phases"), 4 * ky.size), "<u4").astype(np.float64)
    carrier = np.exp(2j * np.pi / 2.0**32 * angle).astype(np.complex64)

    def pick(chosen: Integers) -> BinSet:
        return BinSet(ky=ky[chosen], kx=kx[chosen], carrier=carrier[chosen])

    signs = np.frombuffer(key_stream(key.sub_key("index"), SUPER * SUPER * INDEX_BINS // 8), np.uint8)
    return Carriers(
        pilots=pick(pilots),
        index=pick(rest[:INDEX_BINS]),
        payload=pick(rest[INDEX_BINS:]),
        index_signs=_signs(signs.reshape(SUPER, SUPER, INDEX_BINS // 8)),
        sign_key=key.sub_key("signs"),
    )


@cache
def ring_bins() -> tuple[Integers, Integers]:
    """The half plane of the ring in the order the layout fixes: by squared radius, then ky, then kx."""
    last = int(RING[1])
    ky, kx = (a.ravel() for a in np.mgrid[-last : last + 1, 0 : last + 1])
    squared = ky * ky + kx * kx
    half = (kx > 0) | (ky > 0)  # of each conjugate pair the one with kx > 0, or ky > 0 on the axis
    inside = half & (squared >= RING[0] ** 2) & (squared <= RING[1] ** 2)
    ky, kx, squared = ky[inside], kx[inside], squared[inside]
    order = np.lexsort((kx, ky, squared))
    return ky[order].astype(np.int64), kx[order].astype(np.int64)


def _signs(packed: npt.NDArray[np.uint8]) -> Signs:
    """Bits along the last axis, least significant first, as signs: 0 is +1, 1 is -1."""
    bits = np.unpackbits(packed, axis=-1, bitorder="little")
    return (1 - 2 * bits.astype(np.int8)).astype(np.int8, copy=False)
