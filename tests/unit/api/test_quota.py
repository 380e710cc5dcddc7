# SPDX-License-Identifier: Apache-2.0
"""Requests a minute: a window that moves, for each caller alone, whatever the clock does."""

import threading

import pytest

from tests.conftest import Clock
from waarmerk.api.quota import Quota


def asked(quota: Quota, times: int, who: str = "198.51.100.7") -> int:
    """How many of so many requests were allowed."""
    return sum(quota.count_stranger(who).allowed for _ in range(times))


def test_what_is_allowed_counts_down_and_what_is_left_is_told() -> None:
    quota = Quota(clock=Clock(), stranger_per_minute=3)
    counts = [quota.count_stranger("198.51.100.7") for _ in range(4)]
    assert [(each.allowed, each.remaining) for each in counts] == [(True, 2), (True, 1), (True, 0), (False, 0)]
    assert all(1 <= each.reset_seconds <= 60 for each in counts)


def test_the_window_moves_with_the_clock_and_not_in_steps() -> None:
    clock = Clock()
    quota = Quota(clock=clock, stranger_per_minute=60)
    assert asked(quota, 100) == 60
    clock.wait(seconds=59)
    assert asked(quota, 10) == 0
    clock.wait(seconds=1)
    assert asked(quota, 10) == 0  # the turn of a minute gives nothing back at once ...
    clock.wait(seconds=10)
    assert asked(quota, 100) == 10  # ... but with every second as much as lies further back
    clock.wait(seconds=120)
    assert asked(quota, 100) == 60


def test_in_any_minute_of_steady_asking_no_more_than_the_limit_comes_through() -> None:
    clock = Clock()
    quota = Quota(clock=clock, stranger_per_minute=30)
    allowed = []
    for _ in range(600):
        allowed.append(quota.count_stranger("198.51.100.7").allowed)
        clock.wait(seconds=0.5)
    assert max(sum(allowed[i : i + 120]) for i in range(480)) <= 31
    assert sum(allowed) > 100


def test_callers_are_counted_apart_and_a_network_of_ipv6_as_one() -> None:
    quota = Quota(clock=Clock(), stranger_per_minute=2)
    assert asked(quota, 5, "198.51.100.7") == 2
    assert asked(quota, 5, "198.51.100.8") == 2
    assert asked(quota, 1, "2001:db8::1") + asked(quota, 5, "2001:db8::ffff") == 2
    assert quota.count_tenant("198.51.100.7", 1).allowed  # a tenant of that name is another caller


def test_an_ipv4_address_is_one_caller_however_it_is_written() -> None:
    quota = Quota(clock=Clock(), stranger_per_minute=1)
    assert asked(quota, 1, "192.0.2.1") + asked(quota, 5, "::ffff:192.0.2.1") == 1
    assert asked(quota, 5, "::ffff:192.0.2.2") == 1


@pytest.mark.parametrize("address", ["", "a.sock", "1.2.3", "\0", "fe80::1%eth0", "\udc80", "::1%\0"])
def test_whatever_calls_is_counted(address: str) -> None:
    assert asked(Quota(clock=Clock(), stranger_per_minute=1), 5, address) == 1


def test_a_clock_that_is_set_back_opens_nothing_for_long() -> None:
    clock = Clock()
    quota = Quota(clock=clock, stranger_per_minute=5)
    assert asked(quota, 10) == 5
    clock.wait(seconds=-3600)
    assert asked(quota, 10) == 5
    assert asked(quota, 10) == 0


def test_threads_do_not_count_past_each_other() -> None:
    quota, allowed = Quota(clock=Clock(), stranger_per_minute=500), list[int]()
    threads = [threading.Thread(target=lambda: allowed.append(asked(quota, 200))) for _ in range(5)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sum(allowed) == 500
