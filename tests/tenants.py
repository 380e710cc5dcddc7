# SPDX-License-Identifier: Apache-2.0
"""The tenants of a service that a test makes for itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tests.conftest import AT
from waarmerk.api.tenants import Keyring, Tenant
from waarmerk.provenance.jobs.database import Database


@contextmanager
def keyring_of(
    folder: Path, *tenants: Tenant, at: datetime = AT, monotonic: Callable[[], float] = lambda: 0.0
) -> Iterator[Keyring]:
    """A keyring with these tenants, none of which has a key yet, in a database in ``folder``."""
    database = Database(str(folder / "service.sqlite"))
    made = Keyring(database, bytes(32), monotonic=monotonic)
    made.create()
    for tenant in tenants:
        made.add_tenant(tenant, at=at)
    yield made
    database.close()
