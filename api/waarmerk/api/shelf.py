# SPDX-License-Identifier: Apache-2.0
"""Labelled files that wait for whoever asked for them: without a name on any disk, for ten minutes, in this process.

A browser cannot be given a page and a file in one answer, and an address that holds a whole picture is cut off by
browsers. What is held here is the file as it goes out, never the one that came in.
"""

import secrets
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO

from waarmerk.provenance.jobs.spool import nameless_file

KEPT = timedelta(minutes=10)
MOST = 4  # of one visit; the oldest makes room
MOST_BYTES = 512 * 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file to be fetched."""

    name: str
    media_type: str
    data: bytes


@dataclass(slots=True, kw_only=True, eq=False)
class _Bundle:
    owner: str
    until: datetime
    size: int
    held: ExitStack
    files: dict[str, tuple[str, str, IO[bytes]]] = field(default_factory=dict)


class Shelf:
    """What was labelled and not fetched yet. To be used from one thread, the one of the event loop."""

    def __init__(self, *, clock: Callable[[], datetime], most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most = most_bytes
        self._bundles: dict[str, _Bundle] = {}

    @property
    def held(self) -> int:
        """Bytes of labelled files that wait now."""
        return sum(each.size for each in list(self._bundles.values()))

    def put(self, owner: str, parts: Mapping[str, Part]) -> str | None:
        """Hold these files for ``owner``; the name of the bundle, None where there is no room. Raises OSError."""
        self.sweep()
        mine = [name for name, each in self._bundles.items() if each.owner == owner]
        for name in mine[: max(0, len(mine) - MOST + 1)]:
            self._drop(name)
        size = sum(len(part.data) for part in parts.values())
        if size + self.held > self._most:
            return None
        with ExitStack() as held:
            bundle = _Bundle(owner=owner, until=self._clock() + KEPT, size=size, held=held)
            for key, part in parts.items():
                file, _ = held.enter_context(nameless_file())
                file.write(part.data)
                file.flush()
                bundle.files[key] = (part.name, part.media_type, file)
            bundle.held = held.pop_all()
        name = secrets.token_urlsafe(18)
        self._bundles[name] = bundle
        return name

    def get(self, owner: str, bundle: str, key: str) -> Part | None:
        """One file of a bundle of this owner; None for anybody else's, and once it is gone."""
        self.sweep()
        found = self._bundles.get(bundle)
        if found is None or found.owner != owner or key not in found.files:
            return None
        name, media_type, file = found.files[key]
        file.seek(0)
        return Part(name=name, media_type=media_type, data=file.read())

    def forget(self, owner: str) -> None:
        """Let everything of this owner go."""
        for name in [name for name, each in self._bundles.items() if each.owner == owner]:
            self._drop(name)

    def close(self) -> None:
        """Let everything go."""
        for name in list(self._bundles):
            self._drop(name)

    def sweep(self) -> None:
        """Let go what has waited long enough."""
        now = self._clock()
        for name in [name for name, each in self._bundles.items() if each.until <= now]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._bundles.pop(name).held.close()
