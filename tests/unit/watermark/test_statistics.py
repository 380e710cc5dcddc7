# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waarmerk.watermark.statistics import log_any, log_both, log_tail, normalised_sum, to_probability

LOGS = st.floats(-600.0, 0.0)


def test_the_statistic_stays_below_its_bound_over_random_phases() -> None:
    rng = np.random.default_rng(1)
    magnitudes = rng.exponential(1.0, 40) ** 2  # a few bins dominate: the hard case for a Gaussian guess
    values = magnitudes * np.exp(2j * np.pi * rng.random((20_000, 40)))
    z = np.array([normalised_sum(v, np.ones(40)) for v in values])
    for t in (1.0, 2.0, 2.5, 3.0):
        assert np.mean(z > t) <= math.exp(-t * t / 2)
    assert z.std() == pytest.approx(1.0, abs=0.03)


def test_a_full_match_gives_the_most_there_is() -> None:
    assert normalised_sum(np.full(50, 3.0 + 0j), np.ones(50)) == pytest.approx(10.0)


def test_no_energy_is_no_evidence() -> None:
    assert normalised_sum(np.zeros(5, complex), np.ones(5)) == 0.0


@given(st.floats(-5, 40), st.floats(0, 60))
def test_more_hypotheses_never_make_a_score_rarer(z: float, hypotheses: float) -> None:
    assert log_tail(z, hypotheses) >= log_tail(z, 0.0)
    assert log_tail(z, hypotheses) <= 0.0


def test_a_negative_score_is_no_evidence() -> None:
    assert log_tail(-9.0, 0.0) == 0.0


def test_the_product_of_two_p_values_is_one() -> None:
    rng = np.random.default_rng(2)
    first, second = np.log(rng.random((2, 20_000)))
    p = np.exp([log_both(a, b) for a, b in zip(first, second, strict=True)])
    for level in (0.01, 0.1, 0.5):
        assert np.mean(p <= level) == pytest.approx(level, abs=0.015)


@given(LOGS, LOGS)
def test_combining_never_claims_more_than_the_product(a: float, b: float) -> None:
    assert a + b <= log_both(a, b) <= 0.0
    assert log_any(a, b) >= min(a, b)


def test_probabilities_are_never_zero() -> None:
    assert to_probability(-1e9) > 0.0
    assert to_probability(0.3) == 1.0
