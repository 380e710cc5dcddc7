# SPDX-License-Identifier: Apache-2.0
"""How many files may wait: a queue simulated in a time of its own, with the rule of the service."""

import heapq
import random
from collections.abc import Callable

import pytest

from waarmerk.api.places import LEAST_WAITING, MOST_WAITING, PATIENCE_SECONDS, Places

WORKING = 3


def queued(places: Places, *, load: float, seconds: Callable[[], float], mean: float) -> tuple[int, list[float]]:
    """Of 20,000 strangers that come at random moments: how many are refused, and the waits of the others.

    As many files are under examination at once as ``working`` says, first come, first served; ``load`` is the share of
    what could be done in that way.
    """
    chance, now = random.Random(7), 0.0
    free = [0.0] * WORKING  # when each is done with what it has
    here: list[float] = []  # when each of those that are here will leave
    refused, waits = 0, []
    for _ in range(20_000):
        now += chance.expovariate(load * WORKING / mean)
        while here and here[0] <= now:
            heapq.heappop(here)
        if len(here) >= places.places(stranger=True):
            refused += 1
            continue
        took, begins = seconds(), max(now, heapq.heappop(free))
        heapq.heappush(free, begins + took)
        heapq.heappush(here, begins + took)
        waits.append(begins - now)
        places.took(took)
    return refused, waits


def drawn(mean: float) -> Callable[[], float]:
    """Times as uneven as those of real files: the square of their deviation is that of their mean."""
    chance = random.Random(8)
    return lambda: chance.expovariate(1 / mean)


@pytest.mark.parametrize("mean", [0.011, 0.3])
def test_who_comes_to_a_service_that_is_four_fifths_busy_is_not_refused(mean: float) -> None:
    refused, waits = queued(Places(working=WORKING), load=0.8, seconds=drawn(mean), mean=mean)
    assert refused == 0
    assert sorted(waits)[len(waits) // 2] < mean
    # The measure sees it: with the queue that there was, eight for each worker, some are.
    refused, _ = queued(Places(working=WORKING, waiting=8 * WORKING), load=0.8, seconds=drawn(mean), mean=mean)
    assert refused > 0


@pytest.mark.parametrize("mean", [0.011, 0.3, 5.0])
def test_a_flood_is_refused_and_whoever_is_in_has_a_bounded_wait(mean: float) -> None:
    refused, waits = queued(Places(working=WORKING), load=3.0, seconds=drawn(mean), mean=mean)
    assert refused > 10_000
    assert max(waits) < max(2 * PATIENCE_SECONDS, 2 * LEAST_WAITING * mean)


def test_places_follow_the_time_that_files_take_between_two_bounds() -> None:
    places = Places(working=2)

    def after(seconds: float) -> int:
        for _ in range(500):
            places.took(seconds)
        return places.places(stranger=False)

    assert after(0.01) == 2 + 2 * MOST_WAITING
    assert after(1.0) == 2 + 2 * 10
    assert after(60.0) == 2 + 2 * LEAST_WAITING
    assert after(0.01) == 2 + 2 * MOST_WAITING
    assert places.places(stranger=True) == (2 + 2 * MOST_WAITING) * 3 // 4


def test_the_time_to_come_back_is_that_of_the_files_that_are_here() -> None:
    places = Places(working=2)
    for _ in range(500):
        places.took(4.0)
    assert places.retry_after(10) == 20
