# SPDX-License-Identifier: Apache-2.0
"""What operators do to tenants and keys, entered in an audit log of its own before it is done.

The service holds its own log open as long as it runs; commands beside it write here, each for a moment. Whoever has the
database can make a key in it by hand, but not enter it here: a key that is in use and not in this log was not made by
the command.
"""

import os
import pwd
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime, timedelta
from pathlib import Path
from time import sleep
from typing import Any

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.audit import Audit
from waarmerk.provenance.jobs.database import Database

# event, tenant, what it is about -> a context within which it is done
Noted = Callable[[str, str, Mapping[str, Any]], AbstractContextManager[None]]
KEEP = timedelta(days=3653)  # ten years, or until the tenant is forgotten
_WAIT_SECONDS = 20.0


def unnoted(_event: str, _tenant: str, _about: Mapping[str, Any]) -> AbstractContextManager[None]:
    """Enter nothing."""
    return nullcontext()


class Deeds:
    """The log in ``folder``. An event is on the disk before what it tells is done, and again if that fails."""

    def __init__(
        self, folder: Path, database: Database, *, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        """``monotonic`` counts seconds, for how long another command may take to let go of the log."""
        self._folder = folder
        self._database = database
        self._clock = clock
        self._monotonic = monotonic

    @contextmanager
    def noted(self, event: str, tenant: str, about: Mapping[str, Any]) -> Iterator[None]:
        """Enter ``event``, do what is in the context; where it fails, enter that too. Raises StoreError."""
        self._enter(event, tenant, about)
        try:
            yield
        except BaseException:
            self._enter(f"{event}.failed", tenant, about)
            raise

    def _enter(self, event: str, tenant: str, about: Mapping[str, Any]) -> None:
        record = {**about, "tenant": tenant, "by": _operator()}
        with self._opened() as audit:
            audit.write(event, record, tenant=tenant, keep=KEEP)

    def _opened(self) -> Audit:
        """The log, once no other command writes it."""
        until = self._monotonic() + _WAIT_SECONDS
        while True:
            try:
                return Audit(self._folder, self._database, clock=self._clock)
            except StoreError as error:
                if error.code != "audit.busy" or self._monotonic() > until:
                    raise
            sleep(0.02)


def _operator() -> str:
    """The name of the user who runs the command, its number where it has none."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
