# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waarmerk.watermark.coding import CODE_LENGTH, decode, encode, message_positions, quantise

VALUES = st.binary(min_size=8, max_size=8)


def noisy(value: bytes, z: float, seed: int) -> np.ndarray:
    """LLRs of a code word whose matched filter would see z deviations."""
    signs = 1.0 - 2.0 * encode(value)
    return signs * z / np.sqrt(CODE_LENGTH) + np.random.default_rng(seed).normal(size=CODE_LENGTH)


@given(VALUES)
@settings(max_examples=40, deadline=None)
def test_a_clean_word_comes_back(value: bytes) -> None:
    found = decode(quantise(1.0 - 2.0 * encode(value)))
    assert found is not None
    assert (found.value, found.rank) == (value, 0)


@given(VALUES, VALUES)
@settings(max_examples=40, deadline=None)
def test_the_code_is_linear_up_to_its_check(first: bytes, second: bytes) -> None:
    # CRC-32 is affine: crc(a ^ b) = crc(a) ^ crc(b) ^ crc(0), so three words add up to a fourth
    both = bytes(a ^ b for a, b in zip(first, second, strict=True))
    assert np.array_equal(encode(first) ^ encode(second) ^ encode(bytes(8)), encode(both))


def test_noise_at_z_16_is_corrected_and_at_z_14_mostly() -> None:
    values = [n.to_bytes(8, "big") * 1 for n in range(20)]
    assert all((d := decode(quantise(noisy(v, 16.0, n)))) and d.value == v for n, v in enumerate(values))
    right = sum((d := decode(quantise(noisy(v, 14.0, n)))) is not None and d.value == v for n, v in enumerate(values))
    assert right >= 17


def test_pure_noise_closes_no_check() -> None:
    for seed in range(30):
        assert decode(quantise(np.random.default_rng(seed).normal(size=CODE_LENGTH))) is None


def test_nothing_at_all_closes_no_check_by_accident() -> None:
    # all-zero LLRs decode to the all-zero message, whose CRC is not zero
    assert zlib.crc32(bytes(8)) != 0
    assert decode(quantise(np.zeros(CODE_LENGTH))) is None


def test_erasures_of_half_the_word_are_filled() -> None:
    llr = 1.0 - 2.0 * encode(b"waarmerk").astype(float)
    llr[np.random.default_rng(3).permutation(CODE_LENGTH)[: CODE_LENGTH // 2]] = 0.0
    found = decode(quantise(llr))
    assert found is not None
    assert found.value == b"waarmerk"


def test_a_longer_list_never_loses_a_word_the_shorter_finds_here() -> None:
    llr = quantise(noisy(b"12345678", 13.0, 5))
    short, long = decode(llr, list_size=4), decode(llr, list_size=64)
    assert long is not None
    assert short is None or short.value == long.value


def test_the_scale_of_the_llrs_does_not_matter() -> None:
    llr = noisy(b"12345678", 14.0, 7)
    assert np.array_equal(quantise(llr), quantise(llr * 1e-3))


@pytest.mark.parametrize("value", [b"", b"1234567", b"123456789"])
def test_only_eight_bytes_are_encoded(value: bytes) -> None:
    with pytest.raises(ValueError, match="8 bytes"):
        encode(value)


def test_only_whole_words_are_decoded() -> None:
    with pytest.raises(ValueError, match="1024"):
        decode(np.zeros(100, np.int64))


def test_message_positions_are_ninety_six_and_late() -> None:
    positions = message_positions()
    assert len(set(positions)) == 96
    assert positions[-1] == CODE_LENGTH - 1
    assert positions[0] > CODE_LENGTH // 8


def test_quantise_survives_infinities() -> None:
    assert not quantise(np.full(CODE_LENGTH, np.inf)).any()
