# SPDX-License-Identifier: Apache-2.0
"""Whether everything this service needs is there: store, room on disk, keys, trust lists, registry.

Each probe answers None or a code of ours. The answers of one round are kept for two seconds, so that a load balancer
that asks often costs nothing; a disk that was full has to have twice the room before it counts as free again, so that
a service on the edge does not come and go.
"""

import shutil
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from waarmerk.provenance.build import load_trust, require_registry
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.settings import Settings

Probe = Callable[[], str | None]
_KEPT = timedelta(seconds=2)
_WAIT_SECONDS = 1.0  # for a registry that somebody is writing to
MIN_FREE_BYTES = 600 * 2**20  # one file of the largest size, and a little


class Readiness:
    """All probes of a service; safe to use from several threads."""

    def __init__(self, probes: Mapping[str, Probe], *, clock: Callable[[], datetime]) -> None:
        self._probes = dict(probes)
        self._clock = clock
        self._lock = threading.Lock()
        self._asked: datetime | None = None
        self._answers: dict[str, str | None] = {}

    def answers(self) -> Mapping[str, str | None]:
        """For each probe None, or what is wrong. A probe that fails itself says so."""
        with self._lock:
            now = self._clock()
            if self._asked is None or not timedelta(0) <= now - self._asked < _KEPT:
                self._answers = {name: _ask(probe) for name, probe in self._probes.items()}
                self._asked = now
            return dict(self._answers)


def _ask(probe: Probe) -> str | None:
    try:
        return probe()
    except Exception:  # whatever goes wrong in asking is a reason not to be ready
        return "probe.failed"


class DiskProbe:
    """Room for uploads in the folders that take them."""

    def __init__(self, *folders: Path, min_bytes: int = MIN_FREE_BYTES) -> None:
        self._folders = folders
        self._min_bytes = min_bytes
        self._was_full = False

    def __call__(self) -> str | None:
        """``disk.full`` where there is no room, ``disk.missing`` where a folder is gone."""
        if not all(folder.is_dir() for folder in self._folders):
            return "disk.missing"
        needed = self._min_bytes * (2 if self._was_full else 1)
        self._was_full = any(shutil.disk_usage(folder).free < needed for folder in self._folders)
        return "disk.full" if self._was_full else None


def keys_probe(paths: tuple[Path, ...]) -> Probe:
    """Whether all watermark keys can be read."""

    def probe() -> str | None:
        if not paths:
            return None
        from waarmerk.provenance.sources.watermark import load_keys  # noqa: PLC0415 - 0.3 s that only keys pay for

        try:
            load_keys(paths)
        except ConfigurationError as error:
            return error.code
        return None

    return probe


def registry_probe(settings: Settings) -> Probe:
    """Whether the registry of the service, where it has one, can be read."""

    def probe() -> str | None:
        try:
            require_registry(settings, wait_seconds=_WAIT_SECONDS)
        except (ConfigurationError, StoreError) as error:
            return error.code
        return None

    return probe


def lists_probe(settings: Settings, *, clock: Callable[[], datetime], max_age: timedelta | None = None) -> Probe:
    """Whether the trust lists can be read and, where ``max_age`` is given, that no official one is older or undated.

    The interim lists are frozen and roots of one's own have no date: their age says nothing.
    """

    def probe() -> str | None:
        now = clock()
        try:
            store = load_trust(settings, at=now)
        except ConfigurationError as error:
            return error.code
        if max_age is None:
            return None
        ages = [each.dates.issued for each in (store.official, store.tsa) if each is not None]
        return "trust.stale" if any(issued is None or now - issued > max_age for issued in ages) else None

    return probe
