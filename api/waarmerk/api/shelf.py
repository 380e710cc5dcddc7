# SPDX-License-Identifier: Apache-2.0
"""Labelled files that wait for whoever asked for them: without a name on any disk, for ten minutes, in this process.

A browser cannot be given a page and a file in one answer, and an address that holds a whole picture is cut off by
browsers. What is held here is the file as it goes out, never the one that came in. Room for it is taken before
the work begins: what was labelled stands in a ledger and a log, and must not be lost because it is full here.
"""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import IO

from waarmerk.provenance.jobs.spool import nameless_file

KEPT = timedelta(minutes=10)
MOST = 4  # of one visit; the oldest makes room
MOST_BYTES = 512 * 2**20
_OF_ONE = 2  # a tenant has at most one part in so many of the room


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One file to be fetched."""

    name: str
    media_type: str
    data: bytes


@dataclass(slots=True, kw_only=True, eq=False)
class _Bundle:
    """Files behind each other in one; ``size`` is what is kept free for them until they are there."""

    owner: str
    tenant: str
    size: int
    file: IO[bytes]
    held: ExitStack
    until: datetime | None = None  # None until the files are there
    parts: dict[str, tuple[str, str, int, int]] = field(default_factory=dict)  # name, type, first byte, bytes


class Shelf:
    """What was labelled and not fetched yet. To be used from one thread, the one of the event loop."""

    def __init__(self, *, clock: Callable[[], datetime], most_bytes: int = MOST_BYTES) -> None:
        self._clock = clock
        self._most = most_bytes
        self._bundles: dict[str, _Bundle] = {}

    @property
    def held(self) -> int:
        """Bytes of labelled files that wait now, and of the room that is kept free for others."""
        return sum(each.size for each in list(self._bundles.values()))

    @contextmanager
    def room(self, owner: str, tenant: str, size: int) -> Iterator[str | None]:
        """Room for a bundle of about ``size`` bytes, on the disk too, and its name; None where there is none.

        A file that is larger than what a tenant may have gets all of it. What was not filled is let go in the end.
        """
        name = self._reserve(owner, tenant, min(size, self._most // _OF_ONE))
        try:
            yield name
        finally:
            if name is not None and name in self._bundles and self._bundles[name].until is None:
                self._drop(name)

    def _reserve(self, owner: str, tenant: str, size: int) -> str | None:
        self.sweep()
        going = self._too_many(owner, MOST - 1)
        held = [each for name, each in self._bundles.items() if name not in going]
        of_tenant = sum(each.size for each in held if each.tenant == tenant)
        if size + sum(each.size for each in held) > self._most or size + of_tenant > self._most // _OF_ONE:
            return None
        try:
            with ExitStack() as stack:
                file, _ = stack.enter_context(nameless_file())
                if sys.platform == "linux":
                    os.posix_fallocate(file.fileno(), 0, max(1, size))
                name = secrets.token_urlsafe(18)
                bundle = _Bundle(owner=owner, tenant=tenant, size=size, file=file, held=stack.pop_all())
        except OSError:
            return None
        self._bundles[name] = bundle
        return name

    def fill(self, bundle: str, parts: Mapping[str, Part]) -> bool:
        """Hold these files in the room that was kept for them, and beyond it; False where the disk cannot."""
        found = self._bundles.get(bundle)
        if found is None:
            return False
        try:
            for key, part in parts.items():
                found.parts[key] = (part.name, part.media_type, found.file.tell(), len(part.data))
                found.file.write(part.data)
            found.file.truncate()
            found.file.flush()
        except OSError:
            return False
        found.size, found.until = found.file.tell(), self._clock() + KEPT
        for name in self._too_many(found.owner, MOST):
            self._drop(name)
        return True

    def _too_many(self, owner: str, most: int) -> list[str]:
        mine = [name for name, each in self._bundles.items() if each.owner == owner and each.until is not None]
        return mine[: max(0, len(mine) - most)]

    def get(self, owner: str, bundle: str, key: str) -> Part | None:
        """One file of a bundle of this owner; None for anybody else's, and once it is gone."""
        self.sweep()
        found = self._bundles.get(bundle)
        if found is None or found.owner != owner or found.until is None or key not in found.parts:
            return None
        name, media_type, first, size = found.parts[key]
        found.file.seek(first)
        return Part(name=name, media_type=media_type, data=found.file.read(size))

    def forget(self, owner: str) -> None:
        """Let everything of this owner go."""
        for name in self._too_many(owner, 0):
            self._drop(name)

    def close(self) -> None:
        """Let everything go."""
        for name in list(self._bundles):
            self._drop(name)

    def sweep(self) -> None:
        """Let go what has waited long enough."""
        now = self._clock()
        for name in [name for name, each in self._bundles.items() if each.until is not None and each.until <= now]:
            self._drop(name)

    def _drop(self, name: str) -> None:
        with suppress(OSError):  # what a full disk did not take is written again when it is closed
            self._bundles.pop(name).held.close()
