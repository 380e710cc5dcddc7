# SPDX-License-Identifier: Apache-2.0
"""The rules that decide without a file: those that ship, with a tenant's own, read anew once a minute."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from waarmerk.api.problems import Problem
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.verdict import weigh

_KEPT_SECONDS = 60.0


class Rulebooks:
    """Sets of rules by the folders they come from. Safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[Path, ...], tuple[datetime, RuleSet]] = {}

    def of(self, folders: tuple[Path, ...]) -> RuleSet:
        """The rules that ship and those in ``folders``. Raises Problem where they cannot be used."""
        now = self._clock()
        with self._lock:
            held = self._held.get(folders)
            if held is not None and (now - held[0]).total_seconds() < _KEPT_SECONDS:
                return held[1]
            try:
                loaded = load_packs(folders, weigh=weigh)
            except (OSError, ConfigurationError):
                raise Problem("service.not-ready", "the rules of this tenant cannot be used") from None
            self._held[folders] = now, loaded
            return loaded
