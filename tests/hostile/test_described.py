# SPDX-License-Identifier: Apache-2.0
"""The description of the API against the API, every role: no server error, nothing undescribed (P14)."""

import importlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.conftest import AT
from tests.tenants import keyring_of
from tests.unit.api.conftest import Recorder
from waarmerk.api.app import create_app
from waarmerk.api.disputes import Disputes
from waarmerk.api.journal import Journal
from waarmerk.api.limits import BodyLimits
from waarmerk.api.quota import Quota
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.model.moment import rfc3339
from waarmerk.provenance.registry.model import Binding, BindingKind, Entry
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")
openapi_checks = importlib.import_module("schemathesis.specs.openapi.checks")
ROLES: dict[str, tuple[Scope, ...] | None] = {
    "stranger": None,
    "revoked": (Scope.VERIFY,),
    **{scope.value: (scope,) for scope in Scope},
    "all": tuple(Scope),
}


CANARY = {"north": "canary-of-north", "south": "canary-of-south", "service": "canary-of-the-service"}


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


class Bench(Recorder):
    """Finds nothing in a registry, whatever the file."""

    def perform(self, verb: str, path: Path, **wishes: Any) -> dict[str, Any]:
        if verb == "resolve":
            return {"answer": {"matches": [], "tells_marks": False, "fingerprint": None, "sha256": "0" * 64}}
        return super().perform(verb, path, **wishes)


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A registry each, with one entry that names its owner wherever it can."""
    folder = tmp_path_factory.mktemp("registries")
    made = {name: str(folder / f"{name}.sqlite") for name in ("north", "south", "service")}
    for number, (name, address) in enumerate(made.items(), 1):
        store = Store(address, writing=True)
        store.create()
        manifest = store.files.put(f"manifest of {CANARY[name]}".encode())
        named = {"labels": (CANARY[name],), "source": CANARY[name], "manifest_label": f"urn:c2pa:{CANARY[name]}"}
        entry = Entry(sha256=bytes([number] * 32), media_type="image/png", added_at=rfc3339(AT), manifest=manifest)
        store.add(replace(entry, **named), [Binding(kind=BindingKind.PHASH, value=bytes(8))])  # type: ignore[arg-type]
        store.close()
    return made


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory, registries: dict[str, str]) -> Iterator[Keyring]:
    tenants = [
        Tenant(name=name, settings={"registry": registries[name]}, per_minute=10**6) for name in ("north", "south")
    ]
    with keyring_of(tmp_path_factory.mktemp("service"), *tenants) as made:
        yield made


@pytest.fixture(scope="module")
def services(keyring: Keyring, tmp_path_factory: pytest.TempPathFactory, registries: dict[str, str]) -> Services:
    keep = Keep(tmp_path_factory.mktemp("spool"), clock=lambda: AT)
    queue = Queue(keyring._database, spool=keep.id, clock=lambda: AT)
    queue.create()
    disputes = Disputes(keyring._database, clock=lambda: AT)
    disputes.create()
    disputes.add(tenant="north", registry_id="r1", reason=CANARY["north"], contact=None)
    return Services(
        bench=Bench(),
        settings=Settings(registry=registries["service"]),
        disputes=disputes,
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
    made: dict[str, dict[str, str]] = {"stranger": {}}
    for role, scopes in ROLES.items():
        if scopes is not None:
            key = keyring.add_key("south", scopes, at=AT)
            made[role] = {"Authorization": f"Bearer {key}"}
            if role == "revoked":
                keyring.revoke(key.split("_")[1], at=AT)
    return made


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
    assert answer.status_code < 500, answer.text  # everything is configured, so not even 501 or 503
    assert CANARY["north"] not in answer.text
    assert not headers or CANARY["service"] not in answer.text, "a tenant has its own registry"
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
    assert ask_all(described, headers, services, examples=3) >= 28


@pytest.mark.slow
def test_every_role_gets_only_what_is_described_however_it_is_asked(
    described: Any, headers: dict[str, Any], services: Services
) -> None:
    assert ask_all(described, headers, services, examples=150) >= 28


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
        _registries_apart(client, north, others)
        by_digest = '{"id": "a", "sha256": "' + "0" * 64 + '"}'
        for other in others[1:]:
            got = client.post("/v1/batches", content=by_digest, headers=other).json()
            assert got["failed"] == 1
        assert client.get(addresses[0], headers=north).status_code == 200


def _registries_apart(client: Any, north: dict[str, str], others: list[dict[str, str]]) -> None:
    """By list, number, digest, fingerprint, name and dispute: each finds its own."""
    near = {"alg": "org.waarmerk.phash.1", "value": "AAAAAAAAAAA="}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("/v1/registry/entries", {}),
        ("/v1/registry/entries/r1", {}),
        ("/v1/registry/match", {"sha256": (b"\x01" * 32).hex()}),
        ("/v1/disputes", {}),
        ("/v1/matches/byBinding", near),
        (f"/v1/manifests/urn:c2pa:{CANARY['north']}", {}),
    ]
    for path, query in asked:
        mine = client.get(path, params=query, headers=north)
        assert mine.status_code == 200, (path, mine.text)
        assert CANARY["north"] in mine.text or path == "/v1/registry/match"
        assert CANARY["service"] not in mine.text
        for other in others:
            answer = client.get(path, params=query, headers=other)
            assert CANARY["north"] not in answer.text
            assert answer.status_code in (200, 401, 404)
    (theirs,) = client.get("/v1/disputes", headers=north).json()["disputes"]
    said = {"outcome": "withdrawn", "answer": "gone"}
    for other in others:
        answer = client.post(f"/v1/disputes/{theirs['id']}/answer", json=said, headers=other)
        assert answer.status_code in (401, 404)
        change = {"state": "withdrawn", "why": "gone"}
        client.post("/v1/registry/entries/r1/state", json=change, headers=other)
    assert client.get("/v1/registry/entries/r1", headers=north).json()["state"] == "active"
