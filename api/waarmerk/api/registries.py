# SPDX-License-Identifier: Apache-2.0
"""Registries that routes look into without a file: opened once, their index kept between requests."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from waarmerk.api.caller import Caller
from waarmerk.api.problems import Problem
from waarmerk.provenance.build import build_store
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.settings import Settings

if TYPE_CHECKING:
    from waarmerk.provenance.registry.finder import Finder
    from waarmerk.provenance.registry.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One registry. A finder keeps an index that it brings up to date: one search at a time, under ``turn``."""

    store: "Store"
    finder: "Finder"
    turn: threading.Lock = field(default_factory=threading.Lock)


class Registries:
    """The registries of a service and of its tenants, by their address. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[str, Opened] = {}

    def of(self, settings: Settings) -> Opened | None:
        """The registry of these settings, None where they name none. Raises StoreError, ConfigurationError."""
        if settings.registry is None:
            return None
        with self._lock:
            found = self._opened.get(settings.registry)
            if found is None:
                from waarmerk.provenance.registry.finder import Finder  # noqa: PLC0415 - only a registry pays

                store = build_store(settings)
                store.require()
                found = Opened(store=store, finder=Finder(store, settings.limits))
                self._opened[settings.registry] = found
        return found

    def own(self, caller: Caller, base: Settings) -> Opened:
        """The registry of the caller's tenant itself, never that of the service. Raises Problem, StoreError."""
        own = caller.tenant is not None and caller.tenant.settings.get("registry")
        try:
            opened = self.of(caller.profile(base)) if own else None
        except StoreError as error:
            if error.code != "registry.missing":
                raise
            raise Problem("tenant.not-configured", "the registry of this tenant is not there yet") from None
        if opened is None:
            raise Problem("tenant.not-configured", "this tenant has no registry of its own")
        return opened


def changed(
    settings: Settings,
    registry_id: str,
    state: str,
    *,
    why: str,
    at: datetime,
    agreed: Callable[[], object] = lambda: None,
) -> bool:
    """Set the state of an entry of the registry of ``settings``; whether there is such an entry.

    ``agreed`` as ``Store.mark`` has it. Raises StoreError, and Problem where a dispute would bring back what was
    withdrawn.
    """
    from waarmerk.provenance.registry.model import State  # noqa: PLC0415 - only a registry pays

    store = build_store(settings, writing=True)
    try:
        store.require()
        return store.mark(int(registry_id[1:]), State(state), why=why, at=at, agreed=agreed)
    except StoreError as error:
        if error.code != "registry.withdrawn":
            raise
        detail = "it is found by nobody; make it `active` first, or leave it withdrawn"
        raise Problem("registry.withdrawn", detail) from None
    finally:
        store.close()
