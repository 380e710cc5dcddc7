# SPDX-License-Identifier: Apache-2.0
"""The byte-exact layout: a change here makes marks that are out in the world unreadable."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from waarmerk.watermark import Key
from waarmerk.watermark.carriers import (
    INDEX_BINS,
    PILOTS,
    RING,
    SUPER,
    TILE,
    BinSet,
    build_carriers,
    key_stream,
    ring_bins,
)
from waarmerk.watermark.coding import CODE_LENGTH, encode, message_positions
from waarmerk.watermark.embedding import pick_variant

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text())["layouts"]


def digest(values: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def layout(key: Key) -> dict[str, Any]:
    """Everything that fixes where bits go, in portable form."""
    carriers = build_carriers(key)

    def bins(b: BinSet) -> str:
        turn = np.rint(np.angle(b.carrier) / (2 * np.pi) * 4096).astype("<i2") % 4096
        return digest(np.stack((b.ky.astype("<i2"), b.kx.astype("<i2"), turn.astype("<i2"))))

    every = np.arange(SUPER)
    return {
        "secret": key.secret.hex(),
        "purpose": key.purpose,
        "scheme": key.scheme,
        "key_id": key.key_id,
        "sub_keys": {n: key.sub_key(n).hex() for n in ("bins", "phases", "index", "signs", "variant")},
        "first_pilots": [[int(y), int(x)] for y, x in zip(carriers.pilots.ky[:6], carriers.pilots.kx[:6], strict=True)],
        "pilots": bins(carriers.pilots),
        "index": bins(carriers.index),
        "payload": bins(carriers.payload),
        "index_signs": digest(carriers.index_signs),
        "payload_signs_0": digest(carriers.payload_signs(0, every, every)),
        "payload_signs_63": digest(carriers.payload_signs(63, every, every)),
        "message_positions": list(message_positions()),
        "code_word_of_0123456789abcdef": np.packbits(encode(bytes.fromhex("0123456789abcdef"))).tobytes().hex(),
        "variant_of_256_x_256_x_3_bytes_128": pick_variant(
            key.sub_key("variant"), np.full((256, 256, 3), 128, np.uint8)
        ),
    }


@pytest.mark.parametrize("vector", VECTORS, ids=[v["purpose"] for v in VECTORS])
def test_the_layout_is_the_published_one(vector: dict[str, Any], key: Key) -> None:
    made = Key(secret=bytes.fromhex(vector["secret"]), purpose=vector["purpose"], created=key.created)
    assert layout(made) == vector


def test_chacha20_is_the_one_of_the_rfc() -> None:
    # RFC 8439 appendix A.1, test vector 1: zero key, zero nonce, counter 0
    assert key_stream(bytes(32), 16).hex() == "76b8e0ada0f13d90405d6ae55386bd28"


def test_the_bin_sets_do_not_overlap_and_stay_in_the_ring(key: Key) -> None:
    carriers = build_carriers(key)
    sets = (carriers.pilots, carriers.index, carriers.payload)
    assert [s.ky.size for s in sets] == [PILOTS, INDEX_BINS, CODE_LENGTH]
    places = {(int(y), int(x)) for s in sets for y, x in zip(s.ky, s.kx, strict=True)}
    assert len(places) == PILOTS + INDEX_BINS + CODE_LENGTH
    assert not places & {(-y, -x) for y, x in places}  # one of each conjugate pair
    assert all(RING[0] <= np.hypot(y, x) <= RING[1] for y, x in places)


def test_pilots_spread_over_the_radii(key: Key) -> None:
    radius = np.sort(build_carriers(key).pilots.radius)
    assert np.median(radius) == pytest.approx(np.median(np.hypot(*ring_bins())), abs=0.8)
    assert radius[0] < 8.0
    assert radius[-1] > 28.0


def test_keys_share_no_layout(key: Key, other_key: Key) -> None:
    first, second = build_carriers(key), build_carriers(other_key)
    assert np.mean(first.payload.ky == second.payload.ky) < 0.1
    assert abs(np.mean(first.index_signs.astype(float) * second.index_signs)) < 0.02


def test_variants_share_no_signs(key: Key) -> None:
    carriers, every = build_carriers(key), np.arange(SUPER)
    first, second = (carriers.payload_signs(v, every, every).astype(float) for v in (3, 4))
    assert set(np.unique(first)) == {-1.0, 1.0}
    assert abs(first.mean()) < 0.01
    assert abs((first * second).mean()) < 0.01


def test_the_tile_shares_no_factor_with_codec_grids() -> None:
    assert all(np.gcd(TILE, grid) == 1 for grid in (2, 4, 8, 16, 32, 64))
