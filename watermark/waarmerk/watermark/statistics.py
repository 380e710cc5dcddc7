# SPDX-License-Identifier: Apache-2.0
"""From scores to p-values, with nothing fitted to images.

Every statistic here is ``z = sum_b w_b Re(conj(carrier_b) C_b) / sqrt(sum_b w_b^2 |C_b|^2 / 2)``.  Given the image, an
unmarked one or one under another key, the phases of the carriers are independent and uniform, and ``E exp(s cos(phase))
= I_0(s) <= exp(s^2 / 4)``; hence ``P(z > t) <= exp(-t^2 / 2)`` for every image (Chernoff), and a search over n
hypotheses multiplies that by at most n (union bound).  Poses are chosen by magnitudes and by pilot phases; index and
payload phases are independent of both, so a pose fitted to the pilots leaves their bounds untouched.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt


def normalised_sum(values: npt.NDArray[np.complexfloating], weights: npt.NDArray[np.floating]) -> float:
    """z of carrier-demodulated values (n) with weights that depend on magnitudes and other carriers only."""
    energy = float(np.sum(np.square(weights * np.abs(values))))
    if energy <= 0.0:
        return 0.0
    return float(np.sum(weights * values.real)) / math.sqrt(energy / 2.0)


def log_tail(z: float, log_hypotheses: float) -> float:
    """Log of the bound on the probability that the best of exp(log_hypotheses) hypotheses reaches z; at most 0."""
    return min(0.0, log_hypotheses - 0.5 * max(0.0, z) ** 2)


def log_both(first: float, second: float) -> float:
    """Fisher's product of two independent p-values, all in logs: x (1 - ln x)."""
    product = first + second
    return min(0.0, product + math.log1p(-product))


def log_any(*terms: float) -> float:
    """The better of several p-values of one image, in logs: Bonferroni."""
    return min(0.0, min(terms) + math.log(len(terms)))


def to_probability(log_p: float) -> float:
    """exp, in [1e-300, 1]: never a zero, which would claim certainty."""
    return math.exp(max(min(log_p, 0.0), -690.0))
