# SPDX-License-Identifier: Apache-2.0
"""How often may be asked about pictures that look alike, against those who choose what their pictures look like."""

import random
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from waarmerk.api.oracle import NearDuplicates

A_DAY = 5
Ask = Callable[[bytes], bool]


@pytest.fixture
def chance() -> random.Random:
    return random.Random(8)


@pytest.fixture
def asked() -> NearDuplicates:
    return NearDuplicates(clock=lambda: datetime(2026, 11, 22, 12, tzinfo=UTC), a_day=A_DAY, families=40)


@pytest.fixture
def ask(asked: NearDuplicates, chance: random.Random) -> Ask:
    """Ask about a new file that looks like this."""
    return lambda pdq: asked.allows(chance.randbytes(32), [pdq])


def sharing(target: bytes, places: range, chance: random.Random) -> bytes:
    """A picture that has these of the 16 pieces of another, and nothing else."""
    made = bytearray(chance.randbytes(32))
    for place in places:
        made[2 * place : 2 * place + 2] = target[2 * place : 2 * place + 2]
    return bytes(made)


@pytest.mark.parametrize("is_before", [False, True])
def test_pictures_that_share_two_pieces_each_take_nothing_from_another(
    ask: Ask, chance: random.Random, is_before: bool
) -> None:
    target = chance.randbytes(32)
    allowed = 0 if is_before else sum(ask(target) for _ in range(2 * A_DAY))
    for _ in range(3):
        assert all(ask(sharing(target, range(at, at + 2), chance)) for at in range(0, 16, 2))
        allowed += sum(ask(target) for _ in range(2 * A_DAY))
    assert allowed == A_DAY


def test_a_picture_between_two_others_counts_for_both(ask: Ask, chance: random.Random) -> None:
    one, other = chance.randbytes(32), chance.randbytes(32)
    assert ask(one)
    assert ask(other)
    between = one[:16] + other[16:]
    assert sum(ask(between) for _ in range(2 * A_DAY)) == A_DAY - 1
    assert not ask(one)
    assert not ask(other)
    assert ask(chance.randbytes(32))


def test_three_pieces_are_near_and_the_same_file_costs_nothing(asked: NearDuplicates, chance: random.Random) -> None:
    target, file = chance.randbytes(32), chance.randbytes(32)
    assert all(asked.allows(file, [target]) for _ in range(3 * A_DAY))
    for _ in range(A_DAY - 1):
        assert asked.allows(chance.randbytes(32), [sharing(target, range(3, 6), chance)])
    assert not asked.allows(chance.randbytes(32), [sharing(target, range(3, 6), chance)])
    assert asked.allows(file, [target])


def test_a_plain_picture_is_counted_too(ask: Ask) -> None:
    assert sum(ask(b"\xff" * 16 + b"\0" * 16) for _ in range(2 * A_DAY)) == A_DAY


def test_what_was_asked_about_most_is_forgotten_last(asked: NearDuplicates, ask: Ask, chance: random.Random) -> None:
    target = chance.randbytes(32)
    assert sum(ask(target) for _ in range(2 * A_DAY)) == A_DAY
    for _ in range(200):
        assert ask(sharing(target, range(2), chance))
    assert not ask(target)
    held = set().union(*asked._by_piece.values())
    assert held == set(asked._families.values())
    assert len(held) == 40
