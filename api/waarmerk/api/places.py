# SPDX-License-Identifier: Apache-2.0
"""How many files may wait for their turn, by how long files take here.

Requests come in heaps, even where there is capacity for all of them. Where two processors are four fifths busy and
requests come at random moments, one in eighty meets twenty others, one in five million seventy (the M/M/2 queue). So a
short queue refuses what would have been answered a tenth of a second later; what has to be bounded is the time of
a wait.
"""

import threading

MOST_WAITING = 32  # for each file under examination
LEAST_WAITING = 8  # of whatever kind they are: some may be quick after slow ones
PATIENCE_SECONDS = 10.0  # the wait at the end of the queue, where files take long
_FIRST_GUESS_SECONDS = 0.3  # a still with one key on a busy machine
_REMEMBERED = 32  # files that the mean is about


class Places:
    """Places for ``working`` files at once and for those that wait. Safe to use from several threads.

    As many may wait as are done within ``PATIENCE_SECONDS``, but never fewer than ``LEAST_WAITING`` nor more than
    ``MOST_WAITING`` for each that is under examination; or ``waiting``, where that is given.
    """

    def __init__(self, *, working: int, waiting: int | None = None) -> None:
        self._working = working
        self._waiting = waiting
        self._seconds = _FIRST_GUESS_SECONDS
        self._lock = threading.Lock()

    def took(self, seconds: float) -> None:
        """Note how long a file was under examination."""
        with self._lock:
            self._seconds += (seconds - self._seconds) / _REMEMBERED

    def places(self, *, stranger: bool) -> int:
        """How many may be here when one more wants to come in, that one included, at least one.

        A quarter is kept for callers with a key: strangers cannot shut them out.
        """
        waiting = self._waiting
        if waiting is None:
            in_time = int(PATIENCE_SECONDS * self._working / max(self._seconds, 1e-3))
            waiting = min(max(in_time, LEAST_WAITING * self._working), MOST_WAITING * self._working)
        whole = self._working + waiting
        return max(1, whole * 3 // 4) if stranger else whole

    def retry_after(self, taken: int) -> int:
        """Seconds until the ``taken`` files that are here now will be done, as whole seconds."""
        return round(taken * self._seconds / self._working)
