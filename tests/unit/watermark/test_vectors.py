# SPDX-License-Identifier: Apache-2.0
"""The published vectors beyond the layout: decoder, p-value, and one small host from integers to marked bytes."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from waarmerk.watermark import Key, Payload, detect, embed
from waarmerk.watermark.carriers import SUPER, TILE, Carriers, build_carriers
from waarmerk.watermark.coding import CODE_LENGTH, decode, encode
from waarmerk.watermark.decoding import Reading
from waarmerk.watermark.embedding import pick_variant, render_pattern
from waarmerk.watermark.hunt import Hunt
from waarmerk.watermark.quality import mean_square
from waarmerk.watermark.registration import Lock
from waarmerk.watermark.statistics import normalised_sum
from waarmerk.watermark.view import View

VECTORS: dict[str, Any] = json.loads(Path(__file__).with_name("vectors.json").read_text())
END_TO_END: dict[str, Any] = VECTORS["end_to_end"]


def digest(values: npt.NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def integer_host() -> npt.NDArray[np.uint8]:
    """192 x 256 x 3: (3 x² + 5 y² + 7 x y + 1000 c) // 64 mod 160 + 48."""
    y, x, c = np.ogrid[:192, :256, :3]
    return ((3 * x * x + 5 * y * y + 7 * x * y + 1000 * c) // 64 % 160 + 48).astype(np.uint8)


def chips(carriers: Carriers, payload: bytes, variant: int, rows: int, columns: int) -> npt.NDArray[np.int8]:
    """Sign of the key stream times sign of the code bit: rows x columns x payload bins."""
    signs = carriers.payload_signs(variant, np.arange(rows), np.arange(columns))
    return (signs * (1 - 2 * encode(payload).astype(np.int8))).astype(np.int8)


@pytest.mark.parametrize("vector", VECTORS["decoder"], ids=[v["name"] for v in VECTORS["decoder"]])
def test_the_decoder_takes_the_published_decisions(vector: dict[str, Any]) -> None:
    llr = np.frombuffer(bytes.fromhex(vector["llr_int16_le"]), "<i2").astype(np.int64)
    assert llr.shape == (CODE_LENGTH,)
    found = decode(llr)
    assert (None if found is None else [found.value.hex(), found.rank]) == vector["payload_and_rank"]


@pytest.mark.parametrize("vector", VECTORS["p_value"], ids=[v["name"] for v in VECTORS["p_value"]])
def test_the_p_value_counts_every_hypothesis(vector: dict[str, Any], key: Key) -> None:
    hunt = Hunt(
        view=View(shape=(125, 125), whitened=np.zeros((125, 125), np.float32)),
        carriers=build_carriers(key),
        keys=vector["keys"],
        poses=vector["poses"],
        readings=vector["readings"],
        best_index=vector["index_z"],
        locks=[Lock(pose=np.eye(3), z=vector["pilot_z"], negative=False)],
    )
    read = vector["payload_z"] is not None
    reading = Reading(index_z=0.0, offset=(0, 0), payload=b"12345678", total_z=vector["payload_z"]) if read else None
    found = hunt._conclude(key, 1e-9, hunt.locks[0], reading)
    assert math.log(found.p_value) == pytest.approx(vector["ln_p"], abs=1e-9)
    assert found.detected is (vector["ln_p"] <= math.log(1e-9))


def test_the_statistic_is_the_published_one() -> None:
    vector = VECTORS["statistic"]
    values = np.array([complex(*pair) for pair in vector["values"]])
    assert normalised_sum(values, np.array(vector["weights"])) == pytest.approx(vector["z"], rel=1e-12)


def test_the_integer_host_gets_the_published_variant_and_chips(key: Key) -> None:
    host, payload = integer_host(), bytes.fromhex(END_TO_END["payload"])
    assert digest(host) == END_TO_END["host_sha256"]
    variant = pick_variant(key.sub_key("variant"), host)
    assert variant == END_TO_END["variant"]
    assert digest(chips(build_carriers(key), payload, variant, 2, 3)) == END_TO_END["chips_sha256"]


def test_the_pattern_is_a_sum_of_cosines(key: Key) -> None:
    """The formula of docs/watermark.md in double precision, without a Fourier transform."""
    payload, variant = bytes.fromhex(END_TO_END["payload"]), END_TO_END["variant"]
    carriers = build_carriers(key)
    pattern = render_pattern(carriers, payload, variant, (192, 256))
    for y, x in ((0, 0), (3, 124), (124, 125), (125, 0), (191, 255)):
        row, column = y // TILE % SUPER, x // TILE % SUPER
        total = 0.0
        for bins, share, signs in (
            (carriers.pilots, 0.24, np.ones(48)),
            (carriers.index, 0.06, carriers.index_signs[row, column]),
            (carriers.payload, 0.70, chips(carriers, payload, variant, row + 1, column + 1)[row, column]),
        ):
            angle = 2 * np.pi * (bins.ky * (y % TILE) + bins.kx * (x % TILE)) / TILE + np.angle(bins.carrier)
            total += float(np.sum(math.sqrt(2 * share / bins.ky.size) * signs * np.cos(angle)))
        assert pattern[y, x] == pytest.approx(total, abs=1e-4)
    assert pattern[0, :8] == pytest.approx(END_TO_END["pattern_row_0_first_8"], abs=1e-3)


def test_the_integer_host_gets_the_published_bytes(key: Key) -> None:
    host, payload = integer_host(), Payload(bytes.fromhex(END_TO_END["payload"]))
    marked = embed(host, key, payload)
    for row, published in END_TO_END["marked_rows"].items():
        wanted = np.frombuffer(bytes.fromhex(published), np.uint8).reshape(256, 3)
        assert np.abs(marked[int(row)].astype(int) - wanted).max() <= 1
    assert mean_square(host, marked) == pytest.approx(END_TO_END["mean_square_change"], rel=0.01)
    assert detect(marked, key).payload == payload
    if digest(marked) != END_TO_END["marked_sha256"]:
        pytest.skip("within one step of the published bytes; another OpenCV or processor rounds elsewhere")
