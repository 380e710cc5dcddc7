# SPDX-License-Identifier: Apache-2.0
"""How surely a picture carries a published mark: a chance of a false alarm that holds for every picture.

The scores of the blocks are averaged for each bit of the message and centred; the statistic is their agreement with
the message. Its chance is not taken from a model of pictures, which no one has: the picture is held fixed, and the
question is how often a message of as many random bits, chosen by somebody who never saw it, would agree as well.
Chernoff's bound answers it without approximation, and falls no lower than 2^-n for n bits, however clear the picture.
Everything that was tried, all marks and all ways of reading, multiplies it (union bound).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.marks.dwtdct import Bytes, Floats, readings
from waarmerk.provenance.marks.published import PublishedMark

Doubles = npt.NDArray[np.float64]

SCHEME = "dwtDct"
# Below it nothing is worth a bound: 16 bits of equal weight agree this much at best, and 2^-16 decides nothing.
_WORTH_BOUNDING = 4.0
_FLAT = 1e-4  # scores that differ less than this are rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The best reading of all. ``p_value`` accounts for all marks and ways tried; 1.0 where nothing stands out."""

    mark: PublishedMark
    p_value: float
    way: str
    blocks: int


def search(rgb: Bytes, marks: Sequence[PublishedMark]) -> Found | None:
    """The best reading of any of the marks in H x W x 3 uint8 pixels; None where the picture is too small to be read.

    Marks of this scheme sit in the same coefficients, so a picture carries one at most; where one message begins like
    another, both would answer.
    """
    best, tried = None, 0
    for reading in readings(rgb):
        for mark in marks:
            tried += 1
            chance = agreement(reading.scores, mark)
            if best is None or chance < best.p_value:
                best = Found(mark=mark, p_value=chance, way=reading.way, blocks=reading.scores.size)
    return None if best is None else replace(best, p_value=min(1.0, best.p_value * tried))


def agreement(scores: Floats, mark: PublishedMark) -> float:
    """The chance that random bits agree with these blocks at least as well as the message does; an upper bound."""
    message = np.where(mark.bits, 1.0, -1.0)
    means = _centred(_per_bit(scores, len(message)), message, by_letter=mark.by_letter)
    norm = float(np.linalg.norm(means))
    if norm < _FLAT:
        return 1.0
    weights = means / norm
    agreed = float(weights @ message)
    return random_agreement(weights, agreed) if agreed >= _WORTH_BOUNDING else 1.0


def random_agreement(weights: Doubles, agreed: float) -> float:
    """An upper bound on P(sum of +-weights >= ``agreed``) over independent fair signs, for ``agreed`` > 0.

    Chernoff: the least of exp(-t a) prod cosh(t w) over t > 0; its logarithm is convex in t.
    """
    low, high = 0.0, 1.0
    while float(weights @ np.tanh(high * weights)) < agreed and high < 1e6:
        low, high = high, 2 * high
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if float(weights @ np.tanh(middle * weights)) < agreed else (low, middle)
    logarithm = float(np.sum(np.logaddexp(low * weights, -low * weights) - np.log(2))) - low * agreed
    return float(np.exp(min(0.0, logarithm)))


def _per_bit(scores: Floats, bits: int) -> Doubles:
    """The mean score of the blocks that carry each bit; 0 where no block does."""
    flat = scores.ravel()
    turns, left = divmod(flat.size, bits)
    sums: Doubles = flat[: turns * bits].reshape(turns, bits).sum(axis=0, dtype=np.float64)
    sums[:left] += flat[turns * bits :]
    means: Doubles = sums / np.maximum(turns + (np.arange(bits) < left), 1)
    return means


def _centred(means: Doubles, message: Doubles, *, by_letter: bool) -> Doubles:
    """The means without what is shared: by all bits, or by all bits at one place of a letter.

    A place at which all letters of the message are alike then says nothing and is left out.
    """
    if not by_letter:
        even: Doubles = means - means.mean()
        return even
    letters, written = means.reshape(-1, 8), message.reshape(-1, 8)
    apart: Doubles = letters - letters.mean(axis=0)
    apart[:, (written == written[0]).all(axis=0)] = 0
    return apart.ravel()
