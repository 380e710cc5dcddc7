# SPDX-License-Identifier: Apache-2.0
"""A queue on each engine; little time for each file."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.postgres import Server
from waarmerk.provenance.jobs import errand
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.job import NewJob
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errand, "DEADLINE_SECONDS", 1.0)


@pytest.fixture(params=["sqlite", "postgresql"])
def service_address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database may be made, once for each engine."""
    if request.param == "sqlite":
        return str(tmp_path / "service" / "jobs.sqlite")
    server: Server = request.getfixturevalue("server")
    return server.fresh()


@pytest.fixture
def database(service_address: str) -> Iterator[Database]:
    made = Database(service_address)
    yield made
    made.close()


@pytest.fixture
def queue(database: Database, clock: Clock) -> Queue:
    made = Queue(database, spool="here", clock=clock)
    made.create()
    return made


@pytest.fixture
def keep(tmp_path: Path, clock: Clock) -> Keep:
    return Keep(tmp_path / "spool", clock=clock)


def job(identity: str = "one", *, tenant: str = "north", file: str = "0" * 32, days: float = 30) -> NewJob:
    return NewJob(
        tenant=tenant,
        identity=identity.encode(),
        file=file,
        bytes=3,
        wishes={"at": "x"},
        keep=timedelta(days=days),
    )
