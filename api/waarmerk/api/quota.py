# SPDX-License-Identifier: Apache-2.0
"""How often somebody may ask. Strangers are counted under a keyed hash of their address whose key changes every day
and is kept nowhere: from what is held nobody can tell who asked, not even we.

Counts are held in memory: with several hosts each counts for itself.
"""

import hashlib
import ipaddress
import math
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime

STRANGER_PER_MINUTE = 60
ATTEMPTS_PER_MINUTE = 10
_MINUTE = 60.0


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
        return hashlib.blake2b(data, key=self._key, digest_size=16).digest()  # RFC 7693, 2.9: a MAC of its own


class _Minutes:
    """Requests counted by minute: this one's whole, and of the one before the share that lies less than 60 s back.

    Two numbers for everybody who asked, forgotten with the minute after (decision 81).
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._now: dict[tuple[str, bytes], int] = {}
        self._before: dict[tuple[str, bytes], int] = {}

    def count(self, who: tuple[str, bytes], limit: int, at: float) -> Count:
        """Count one request at the moment ``at`` (seconds) unless it is one too many."""
        minute, gone = divmod(at, _MINUTE)
        with self._lock:
            if minute != self._minute:
                self._before = self._now if minute == self._minute + 1 else {}
                self._now, self._minute = {}, int(minute)
            before, here = self._before.get(who, 0), self._now.get(who, 0)
            counted = before * (1 - gone / _MINUTE) + here
            allowed = counted + 1 <= limit
            if allowed:
                self._now[who] = here + 1
        remaining = max(0, math.floor(limit - counted - allowed))
        return Count(allowed=allowed, limit=limit, remaining=remaining, reset_seconds=math.ceil(_MINUTE - gone))


class Quota:
    """Requests a minute, in a window that moves; safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], datetime], stranger_per_minute: int = STRANGER_PER_MINUTE) -> None:
        self._clock = clock
        self._minutes = _Minutes()
        self._stranger = stranger_per_minute
        self._hash = RotatingHash(clock=clock)

    def count_stranger(self, address: str) -> Count:
        """Count one request of whoever calls from ``address``."""
        return self._count("stranger", self._hash(_network(address)), self._stranger)

    def count_attempt(self, address: str) -> Count:
        """Count one try of a person at ``address`` to show a key."""
        return self._count("attempt", self._hash(_network(address)), ATTEMPTS_PER_MINUTE)

    def count_tenant(self, name: str, per_minute: int) -> Count:
        """Count one request of a tenant that may ask ``per_minute`` times."""
        return self._count("tenant", name.encode("utf-8"), per_minute)

    def _count(self, kind: str, who: bytes, per_minute: int) -> Count:
        return self._minutes.count((kind, who), per_minute, self._clock().timestamp())


def _network(address: str) -> bytes:
    """What one subscriber has: an IPv4 address, or a /64 of IPv6; a name of a socket as it is.

    An IPv4 address that is written as one of IPv6 (RFC 4291, 2.5.5.2) is the IPv4 address: all of them are in one /64.
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address.encode("utf-8", "replace")
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped.packed
    return ip.packed[:8]
