# SPDX-License-Identifier: Apache-2.0
"""Places of their own for clips that are labelled while somebody waits.

Encoding one takes a minute, examining a picture a fraction of a second: at the gate a few clips of one tenant would
stand before the files of everybody else, and their times would tell all callers to come back later.
"""

from collections.abc import Callable
from typing import TypeVar

from waarmerk.api.gate import Gate

T = TypeVar("T")


class ClipPlaces:
    """Half as many clips at once as files are examined, at least one, and one of each tenant. None of them waits."""

    def __init__(self, *, working: int, monotonic: Callable[[], float]) -> None:
        """``working``: how many files are examined at once."""
        self._most = max(1, working // 2)
        self._gate = Gate(working=self._most, waiting=0, monotonic=monotonic)
        self._tenants: set[str] = set()

    async def run(self, task: Callable[[], T], *, tenant: str) -> T | None:
        """Do ``task`` in a thread; None, at once, where there is no place for one more of this tenant."""
        if tenant in self._tenants or self._gate.taken >= self._most:
            return None
        self._tenants.add(tenant)
        try:
            return await self._gate.run(task, stranger=False)
        finally:
            self._tenants.discard(tenant)
