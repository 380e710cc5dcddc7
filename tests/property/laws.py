# SPDX-License-Identifier: Apache-2.0
"""A law is tried on some examples with every change, and on many more in the slow suite."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis.strategies import SearchStrategy

PROMISED = 2_000  # with every change, of the laws that docs/promises.md names (P2)
MOST = 100_000  # in the slow suite, for the laws that nothing may raise a verdict or the trust in a parent
Drawn = Callable[[Random], tuple[Any, ...]]


def law(
    *strategies: SearchStrategy[Any], examples: int = 500, slow: int = 20_000, drawn: Drawn | None = None
) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """Make a test of a function that asserts something about values of the strategies.

    ``drawn`` draws such values by plain chance, for the slow suite: a search that learns from what it sees costs ten
    times what the law does, and what it learns is what the fewer examples are for.
    """

    def made(check: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("examples", [examples, pytest.param(slow, marks=pytest.mark.slow)])
        def test(examples: int) -> None:
            if drawn is None or examples < slow:
                settings(max_examples=examples, deadline=None)(given(*strategies)(check))()
                return
            chance = Random(2026)
            for number in range(examples):
                values = drawn(chance)
                try:
                    check(*values)
                except AssertionError as error:
                    error.add_note(f"example {number}: {values!r}")
                    raise

        # Not functools.wraps: pytest would take the parameters of the law for fixtures.
        test.__name__, test.__qualname__, test.__doc__ = check.__name__, check.__qualname__, check.__doc__
        test.__module__ = check.__module__
        return test

    return made
