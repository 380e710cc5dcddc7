# SPDX-License-Identifier: Apache-2.0
"""The description of the API against the API, every role: no server error, nothing undescribed (P14)."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conftest import AT
from tests.unit.api.conftest import Recorder
from waarmerk.api.app import create_app
from waarmerk.api.journal import Journal
from waarmerk.api.limits import BodyLimits
from waarmerk.api.quota import Quota
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.settings import Settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
openapi_checks = importlib.import_module("schemathesis.specs.openapi.checks")
ROLES: dict[str, tuple[Scope, ...] | None] = {
    "stranger": None,
    **{scope.value: (scope,) for scope in Scope},
    "all": tuple(Scope),
}


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyring]:
    database = Database(str(tmp_path_factory.mktemp("service") / "service.sqlite"))
    made = Keyring(database, bytes(32), monotonic=lambda: 0.0)
    made.create()
    for name in ("north", "south"):
        made.add_tenant(Tenant(name=name, per_minute=10**6), at=AT)
    yield made
    database.close()


@pytest.fixture(scope="module")
def services(keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> Services:
    keep = Keep(tmp_path_factory.mktemp("spool"), clock=lambda: AT)
    queue = Queue(keyring._database, spool=keep.id, clock=lambda: AT)
    queue.create()
    return Services(
        bench=Recorder(),
        clock=lambda: AT,
        quota=Quota(clock=lambda: AT, stranger_per_minute=10**6),
        body=BodyLimits(max_bytes=10**6),
        journal=Journal(lambda line: None),
        keyring=keyring,
        worklist=Worklist(queue, keep, settings=Settings(), version="1", secret=bytes(32)),
    )


@pytest.fixture(scope="module")
def described(services: Services) -> Any:
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(services))


CHECKS = (
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_schema_conformance,
)


@pytest.fixture(scope="module")
def headers(keyring: Keyring) -> dict[str, dict[str, str]]:
    return {
        role: {} if scopes is None else {"Authorization": f"Bearer {keyring.add_key('south', scopes, at=AT)}"}
        for role, scopes in ROLES.items()
    }


def ask(case: Any, headers: dict[str, str], services: Services) -> None:
    if headers:
        case.headers = {**(case.headers or {}), **headers}
    else:
        case.headers = {k: v for k, v in (case.headers or {}).items() if k.lower() != "authorization"}
    queue = services.worklist and services.worklist.queue
    answer = case.call()
    assert queue is not None
    north = {job.id for job in queue.page(tenant="north", before=None, most=500)}
    assert not any(id in answer.text for id in north)
    assert answer.status_code < 500 or answer.status_code in (501, 503), answer.text  # not configured, not ready
    case.validate_response(answer, checks=CHECKS)


def ask_all(described: Any, headers: dict[str, Any], services: Services, *, examples: int) -> int:
    """Ask every operation as often as that, as every role; how many operations there are."""
    operations = [found.ok() for found in described.get_all_operations()]
    for operation in operations:

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
        @given(case=operation.as_strategy())
        def every_role(case: Any) -> None:
            for each in headers.values():
                ask(case, each, services)

        every_role()
    return len(operations)


def test_every_role_gets_only_what_is_described(described: Any, headers: dict[str, Any], services: Services) -> None:
    assert ask_all(described, headers, services, examples=4) >= 12


@pytest.mark.slow
def test_every_role_gets_only_what_is_described_however_it_is_asked(
    described: Any, headers: dict[str, Any], services: Services
) -> None:
    assert ask_all(described, headers, services, examples=150) >= 12


def test_a_tenant_reads_nothing_of_another(services: Services, keyring: Keyring) -> None:
    """Every address that one tenant gets is tried by everybody else, on every route that takes one."""
    from starlette.testclient import TestClient

    def key(tenant: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {keyring.add_key(tenant, list(Scope), at=AT)}"}

    north, others = key("north"), [{}, key("south")]
    with TestClient(create_app(replace(services))) as client:
        job = client.post("/v1/jobs", content=b"mine", headers=north).json()["id"]
        line = '{"id": "a", "content": "bWluZQ=="}'
        batch = client.post("/v1/batches", content=line, headers=north).json()["id"]
        addresses = [f"/v1/jobs/{job}", f"/v1/batches/{batch}", f"/v1/batches/{batch}/results"]
        assert [client.get(each, headers=north).status_code for each in addresses] == [200, 200, 200]
        for other in others:
            for address in addresses:
                for method in ("GET", "DELETE", "HEAD", "PUT", "PATCH"):
                    assert client.request(method, address, headers=other).status_code in (401, 404, 405)
            assert job not in client.get("/v1/jobs", headers=other).text
        by_digest = '{"id": "a", "sha256": "' + "0" * 64 + '"}'
        for other in others[1:]:
            got = client.post("/v1/batches", content=by_digest, headers=other).json()
            assert got["failed"] == 1
        assert client.get(addresses[0], headers=north).status_code == 200
