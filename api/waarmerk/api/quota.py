# SPDX-License-Identifier: Apache-2.0
"""How often somebody may ask. Strangers are counted under a keyed hash of their address whose key changes every day
and is kept nowhere: from what is held nobody can tell who asked, not even we.

Counts are held in memory: with several hosts each counts for itself.
"""

import hashlib
import hmac
import ipaddress
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

STRANGER_PER_MINUTE = 60
TENANT_PER_MINUTE = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """Where somebody stands: what is allowed a minute, what is left of it, and seconds until there is more."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


class RotatingHash:
    """A keyed hash whose key lives for one day (UTC) and in memory alone."""

    def __init__(self, *, clock: Callable[[], datetime], entropy: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        self._entropy = entropy
        self._lock = threading.Lock()
        self._day: date | None = None
        self._key = b""

    def today(self) -> date:
        """The day whose key is in use; a new one begins with a new key."""
        day = self._clock().astimezone(UTC).date()
        with self._lock:
            if day != self._day:
                self._day, self._key = day, self._entropy(32)
        return day

    def __call__(self, data: bytes) -> bytes:
        """16 bytes that stand for ``data`` today."""
        self.today()
        return hmac.digest(self._key, data, hashlib.sha256)[:16]


class Quota:
    """Requests a minute, in a window that moves; safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], datetime], stranger_per_minute: int = STRANGER_PER_MINUTE) -> None:
        """``clock`` tells the day of the hash of addresses; windows run on the time of the library."""
        self._clock = clock
        self._windows = MovingWindowRateLimiter(MemoryStorage())
        self._stranger = stranger_per_minute
        self._hash = RotatingHash(clock=clock)

    def count_stranger(self, address: str) -> Count:
        """Count one request of whoever calls from ``address``."""
        return self._count("stranger", self._hash(_network(address)).hex(), self._stranger)

    def count_tenant(self, name: str, per_minute: int) -> Count:
        """Count one request of a tenant that may ask ``per_minute`` times."""
        return self._count("tenant", name, per_minute)

    def _count(self, kind: str, who: str, per_minute: int) -> Count:
        item = RateLimitItemPerMinute(per_minute)
        allowed = self._windows.hit(item, kind, who)
        window = self._windows.get_window_stats(item, kind, who)
        seconds = min(60, max(1, round(window.reset_time - self._clock().timestamp())))
        return Count(allowed=allowed, limit=per_minute, remaining=max(0, window.remaining), reset_seconds=seconds)


def _network(address: str) -> bytes:
    """What one subscriber has: an IPv4 address, or a /64 of IPv6; a name of a socket as it is."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address.encode("utf-8", "replace")
    return ip.packed if ip.version == 4 else ip.packed[:8]
