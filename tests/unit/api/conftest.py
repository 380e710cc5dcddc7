# SPDX-License-Identifier: Apache-2.0
"""An application on a bench that says what it was given, and a keyring with two tenants."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.tenants import keyring_of
from waarmerk.api.app import create_app
from waarmerk.api.journal import Journal
from waarmerk.api.limits import BodyLimits
from waarmerk.api.services import Services
from waarmerk.api.sessions import Sessions
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance.jobs.answers import failure
from waarmerk.provenance.jobs.spool import Spooled

LIMIT = 100_000


class Recorder:
    """A bench that says what it was given."""

    def __init__(self) -> None:
        self.files: list[Path | Spooled] = []
        self.given: list[dict[str, Any]] = []

    def verify(
        self,
        path: Path | Spooled,
        *,
        at: datetime,
        named: bool = True,
        facts: Sequence[str] = (),
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        self.files.append(path)
        data = path.head(path.size) if isinstance(path, Spooled) else path.read_bytes()
        if data == b"fault":
            raise RuntimeError("secret /path")
        lies_in_memory = isinstance(path, Spooled) and path.in_memory is not None
        names = 0 if lies_in_memory else (path.path if isinstance(path, Spooled) else path).stat().st_nlink
        self.given.append({"data": data, "at": at, "named": named, "names": names, "settings": settings})
        return failure("media.unreadable", at=at, name=None if isinstance(path, Spooled) or not named else path.name)

    def perform(
        self,
        verb: str,
        file: Path | Spooled,
        *,
        at: datetime,
        named: bool = True,
        facts: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        settings: dict[str, Any] | None = None,
    ) -> dict[str, Any]:
        report = self.verify(file, at=at, named=named, facts=facts, settings=settings)
        return {"answer": {"report": report, "dossier": None} if verb == "dossier" else report}

    async def attend(
        self, verb: str, file: Path | Spooled, *, begun: Callable[[], object] = lambda: None, **wishes: Any
    ) -> dict[str, Any]:
        begun()
        return await asyncio.to_thread(self.perform, verb, file, **wishes)


class Seconds:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def keyring(tmp_path: Path, seconds: Seconds) -> Iterator[Keyring]:
    north = Tenant(name="north", settings={"platforms": ["youtube"]}, per_minute=5)
    with keyring_of(tmp_path, north, Tenant(name="south"), monotonic=seconds) as made:
        yield made


@pytest.fixture
def lines() -> list[str]:
    """What was logged."""
    return []


@pytest.fixture
def services(recorder: Recorder, keyring: Keyring, lines: list[str]) -> Services:
    return Services(
        bench=recorder,
        clock=lambda: AT,
        body=BodyLimits(max_bytes=LIMIT),
        keyring=keyring,
        sessions=Sessions(keyring, clock=lambda: AT),
        journal=Journal(lines.append),
    )


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services), raise_server_exceptions=False) as made:
        yield made


def bearer(keyring: Keyring, tenant: str, *scopes: Scope) -> dict[str, str]:
    """The header of a new key."""
    return {"Authorization": f"Bearer {keyring.add_key(tenant, scopes, at=AT)}"}


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    """The problem document in ``response``, which has to be this one."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["type"] == f"/problems/{code}"
    assert set(body) >= {"type", "title", "status", "detail", "instance", "code", "request_id"}
    assert body["request_id"] == response.headers["x-request-id"]
    return body
