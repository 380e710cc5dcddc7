# SPDX-License-Identifier: Apache-2.0
"""A tenant's registry over HTTP, and disputes about it: look up, list, withdraw; nobody sees another's."""

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT
from tests.unit.api.conftest import bearer, problem
from waarmerk.api.app import create_app
from waarmerk.api.disputes import Disputes
from waarmerk.api.registries import changed
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.api.worklist import Worklist
from waarmerk.provenance import Pool, Settings
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry.model import BindingKind
from waarmerk.provenance.registry.store import Store

MEDIA = ROOT / "samples" / "media"
NAMES = ("ai-generated.png", "camera-capture.jpg")


@pytest.fixture
def address(tmp_path: Path) -> str:
    """A registry with two entries, the first with a label."""
    address = str(tmp_path / "registry.sqlite")
    recovery = build_recovery(Settings(registry=address), at=AT)
    for name in NAMES:
        recovery.add(MEDIA / name, Wishes(labels=("ai",) if name == NAMES[0] else ()), at=AT)
    return address


@pytest.fixture
def client(keyring: Keyring, address: str, tmp_path: Path) -> Iterator[TestClient]:
    keyring.add_tenant(Tenant(name="keeper", settings={"registry": address}), at=AT)
    keyring.add_tenant(Tenant(name="other", settings={"registry": str(tmp_path / "other.sqlite")}), at=AT)
    build_recovery(Settings(registry=str(tmp_path / "other.sqlite")), at=AT)
    database, settings = keyring._database, Settings(registry=address)
    disputes, keep = Disputes(database, clock=lambda: AT), Keep(tmp_path / "spool", clock=lambda: AT)
    disputes.create()
    queue = Queue(database, spool=keep.id, clock=lambda: AT)
    queue.create()
    worklist = Worklist(queue, keep, settings=settings, version="1", secret=bytes(32))
    with Pool(settings.to_json()) as pool:
        services = Services(
            bench=pool, settings=settings, clock=lambda: AT, keyring=keyring, worklist=worklist, disputes=disputes
        )
        with TestClient(create_app(services), raise_server_exceptions=False) as made:
            yield made


@pytest.fixture
def keeper(client: TestClient, keyring: Keyring) -> dict[str, str]:
    return bearer(keyring, "keeper", Scope.REGISTRY)


def test_a_file_and_its_hashes_are_known(client: TestClient, keeper: dict[str, str], address: str) -> None:
    data = (MEDIA / NAMES[0]).read_bytes()
    told = client.post("/v1/registry/match", content=data, headers=keeper).json()
    (exact,) = told["matches"]
    stated = {"registry_id": "r1", "kind": "exact", "distance": 0, "verified": True, "labels": ["ai"]}
    assert {name: exact[name] for name in stated} == stated
    assert (exact["is_whole"], exact["seen_percent"]) == (True, 100)
    assert [each["code"] for each in told["concerns"]] == ["registry.known"]
    store = Store(address)
    entry = store.held(1)
    assert entry is not None
    by_digest = client.get("/v1/registry/match", params={"sha256": entry.sha256.hex()}, headers=keeper)
    assert by_digest.json() == {"matches": [{**stated, "state": "active"}], "error": None}
    hashes = {tie.kind: tie.value.hex() for tie in store.bindings_of(1)[1]}
    for kind in (BindingKind.PHASH, BindingKind.PDQ):
        found = client.get("/v1/registry/match", params={kind.value: hashes[kind]}, headers=keeper).json()["matches"]
        assert {**stated, "kind": "fingerprint", "verified": False, "labels": [], "state": "active"} in found
    client.post("/v1/registry/entries/r1/state", json={"state": "disputed", "why": "asked"}, headers=keeper)
    by_digest = client.get("/v1/registry/match", params={"sha256": entry.sha256.hex()}, headers=keeper)
    assert by_digest.json()["matches"] == [{**stated, "labels": [], "state": "disputed"}]
    found = client.get("/v1/registry/match", params={"pdq": hashes[BindingKind.PDQ]}, headers=keeper).json()["matches"]
    assert [each["state"] for each in found if each["registry_id"] == "r1"] == ["disputed"]
    unread = client.post("/v1/registry/match", content=b"no picture", headers=keeper).json()
    assert unread == {"matches": [], "concerns": [], "error": "media.unsupported"}
    for wrong in ({}, {"sha256": "x"}, {"sha256": "0" * 64, "pdq": "0" * 64}):
        problem(client.get("/v1/registry/match", params=wrong, headers=keeper), 422, "request.invalid")


def test_entries_come_in_pages_and_can_be_withdrawn(client: TestClient, keeper: dict[str, str], address: str) -> None:
    first = client.get("/v1/registry/entries", params={"limit": 1}, headers=keeper)
    link = re.fullmatch(r'<(.+)>; rel="next"', first.headers["link"])
    assert link is not None
    second = client.get(link[1], headers=keeper)
    shown = [each["registry_id"] for page in (first, second) for each in page.json()["entries"]]
    assert shown == ["r1", "r2"]
    assert "link" not in second.headers
    assert first.json()["entries"][0] == client.get("/v1/registry/entries/r1", headers=keeper).json()
    body = {"state": "withdrawn", "why": "mistaken"}
    changed = client.post("/v1/registry/entries/r1/state", json=body, headers=keeper)
    assert changed.json()["state"] == "withdrawn"
    data = (MEDIA / NAMES[0]).read_bytes()
    assert client.post("/v1/registry/match", content=data, headers=keeper).json()["matches"] == []
    assert Store(address).notes()[-1][1::2] == ("withdrawn", "mistaken")
    disputed = client.post("/v1/registry/entries/r1/state", json={**body, "state": "disputed"}, headers=keeper)
    problem(disputed, 409, "registry.withdrawn")
    made = client.post("/v1/disputes", json={"registry_id": "r1", "of": "keeper", "reason": "mine"}).json()["id"]
    said = {"outcome": "disputed", "answer": "we look into it"}
    problem(client.post(f"/v1/disputes/{made}/answer", json=said, headers=keeper), 409, "registry.withdrawn")
    assert client.get(f"/v1/disputes/{made}").json()["outcome"] == "open", "it says what was not done"
    assert client.post("/v1/registry/match", content=data, headers=keeper).json()["matches"] == []
    client.post("/v1/registry/entries/r1/state", json={**body, "state": "active"}, headers=keeper)
    assert client.post("/v1/registry/match", content=data, headers=keeper).json()["matches"]
    problem(client.get("/v1/registry/entries/r9", headers=keeper), 404, "registry.unknown")
    problem(client.post("/v1/registry/entries/r9/state", json=body, headers=keeper), 404, "registry.unknown")
    for wrong in ("x", "r0", "r9999999999"):  # PostgreSQL counts to 2**31
        problem(client.get(f"/v1/registry/entries/{wrong}", headers=keeper), 422, "request.invalid")


def test_the_registry_of_the_service_is_nobodys_to_list_or_change(client: TestClient, keyring: Keyring) -> None:
    south = bearer(keyring, "south", *Scope)  # has none of its own, and is examined with that of the service
    for method, path in (
        ("GET", "/v1/registry/entries"),
        ("GET", "/v1/registry/entries/r1"),
        ("GET", "/v1/registry/match?sha256=" + "0" * 64),
        ("POST", "/v1/registry/match"),
    ):
        problem(client.request(method, path, headers=south), 409, "tenant.not-configured")
    body = {"state": "withdrawn", "why": "x"}
    problem(client.post("/v1/registry/entries/r1/state", json=body, headers=south), 409, "tenant.not-configured")
    other = bearer(keyring, "other", *Scope)
    assert client.get("/v1/registry/entries", headers=other).json() == {"entries": []}
    problem(client.post("/v1/registry/entries/r1/state", json=body, headers=other), 404, "registry.unknown")


def dispute(client: TestClient, **changes: Any) -> Any:
    made = {"registry_id": "r1", "of": "keeper", "reason": "This is a photograph of mine.", **changes}
    return client.post("/v1/disputes", json=made)


def test_anybody_may_dispute_and_the_keeper_answers(
    client: TestClient, keyring: Keyring, keeper: dict[str, str], address: str
) -> None:
    made = dispute(client, contact="m@example.org")
    assert made.status_code == 201
    where = made.headers["location"]
    assert made.json()["outcome"] == "open"
    (listed,) = client.get("/v1/disputes", headers=keeper).json()["disputes"]
    assert listed == made.json() == client.get(where).json()
    entry = Store(address).held(1)
    assert entry is not None
    assert entry.state == "active", "a dispute changes nothing by itself"
    for stranger in (bearer(keyring, "other", *Scope), bearer(keyring, "south", *Scope)):
        assert client.get("/v1/disputes", headers=stranger).json() == {"disputes": []}
        said = {"outcome": "withdrawn", "answer": "gone"}
        problem(client.post(f"{where}/answer", json=said, headers=stranger), 404, "dispute.unknown")
    said = {"outcome": "disputed", "answer": "We look into it."}
    answered = client.post(f"{where}/answer", json=said, headers=keeper).json()
    assert (answered["outcome"], answered["answer"]) == ("disputed", "We look into it.")
    entry = Store(address).held(1)
    assert entry is not None
    assert entry.state == "disputed"
    problem(client.post(f"{where}/answer", json=said, headers=keeper), 409, "dispute.answered")
    assert client.delete(where).status_code == 204
    problem(client.get(where), 404, "dispute.unknown")
    assert client.get("/v1/disputes", headers=keeper).json() == {"disputes": []}


def test_a_second_answer_changes_nothing(client: TestClient, keeper: dict[str, str], address: str) -> None:
    where = dispute(client).headers["location"]
    first = {"outcome": "rejected", "answer": "No: it stays."}
    answered = client.post(f"{where}/answer", json=first, headers=keeper).json()
    before = Store(address).notes()
    for outcome in ("withdrawn", "disputed", "rejected"):
        second = {"outcome": outcome, "answer": "second"}
        problem(client.post(f"{where}/answer", json=second, headers=keeper), 409, "dispute.answered")
    assert Store(address).notes() == before
    entry = Store(address).held(1)
    assert entry is not None
    assert entry.state == "active"
    assert client.get(where).json() == answered


def test_of_two_answers_at_once_one_is_carried_out(
    client: TestClient, keeper: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have seen an open dispute, and are about to change the entry."""
    where, before = dispute(client).headers["location"], Store(address).notes()
    both_there = threading.Barrier(2, timeout=20)
    from waarmerk.api.routes import disputes as route

    def together(*given: Any, **more: Any) -> bool:
        both_there.wait()
        return changed(*given, **more)

    monkeypatch.setattr(route, "changed", together)

    def answer(outcome: str) -> int:
        said = {"outcome": outcome, "answer": outcome}
        return int(client.post(f"{where}/answer", json=said, headers=keeper).status_code)

    outcomes = ("disputed", "withdrawn")
    with ThreadPoolExecutor(2) as both:
        told = dict(zip(outcomes, both.map(answer, outcomes), strict=True))
    assert sorted(told.values()) == [200, 409]
    (done,) = (outcome for outcome in outcomes if told[outcome] == 200)
    assert [note[1::2] for note in Store(address).notes()[len(before) :]] == [(done, done)]
    assert client.get(where).json()["outcome"] == done
    entry = Store(address).held(1)
    assert entry is not None
    assert entry.state == done


def test_a_registry_that_is_busy_keeps_nobody_from_the_database_of_the_service(
    client: TestClient, keeper: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite has one writer; who answers a dispute waits for that of the registry."""
    where, waits = dispute(client).headers["location"], threading.Event()
    said = {"outcome": "withdrawn", "answer": "Right."}
    from waarmerk.api.routes import disputes as route

    def seen(*given: Any, **more: Any) -> bool:
        waits.set()
        return changed(*given, **more)

    monkeypatch.setattr(route, "changed", seen)
    with sqlite3.connect(address, isolation_level=None) as busy, ThreadPoolExecutor(2) as both:
        busy.execute("BEGIN IMMEDIATE")
        try:
            answered = both.submit(client.post, f"{where}/answer", json=said, headers=keeper)
            assert waits.wait(20)
            time.sleep(0.2)
            other = both.submit(dispute, client)
            assert other.result(10).status_code == 201
            assert not answered.done()
        finally:
            busy.execute("ROLLBACK")
        assert answered.result(20).json()["outcome"] == "withdrawn"
    entry = Store(address).held(1)
    assert entry is not None
    assert entry.state == "withdrawn"


def test_where_the_service_cannot_note_the_answer_nothing_is_done(
    client: TestClient, keyring: Keyring, keeper: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = dispute(client).headers["location"]
    said = {"outcome": "withdrawn", "answer": "Right."}
    with monkeypatch.context() as broken:
        broken.setattr(keyring._database, "writing", refusing)
        problem(client.post(f"{where}/answer", json=said, headers=keeper), 503, "service.not-ready")
    assert client.get(where).json()["outcome"] == "open"
    entry = Store(address).held(1)
    assert entry is not None
    assert entry.state == "active"
    assert client.post(f"{where}/answer", json=said, headers=keeper).json()["outcome"] == "withdrawn"


def refusing() -> Any:
    raise StoreError("database.failed", "the database cannot be used")


def test_where_the_entry_cannot_be_changed_the_dispute_is_open_again(
    client: TestClient, keeper: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = dispute(client).headers["location"]
    from waarmerk.api.routes import disputes as route

    def failing(*_given: Any, **_more: Any) -> bool:
        raise StoreError("registry.failed", "the registry cannot be used")

    said = {"outcome": "withdrawn", "answer": "Right."}
    with monkeypatch.context() as broken:
        broken.setattr(route, "changed", failing)
        problem(client.post(f"{where}/answer", json=said, headers=keeper), 503, "service.not-ready")
    assert client.get(where).json()["outcome"] == "open"
    assert client.post(f"{where}/answer", json=said, headers=keeper).json()["outcome"] == "withdrawn"


def test_a_dispute_about_no_tenant_reaches_the_keepers_of_the_service(
    client: TestClient, keyring: Keyring, keeper: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = dispute(client, of="nobody").json()
    assert made["of"] == "nobody"
    assert set(made) == set(dispute(client).json()), "the answer tells no tenant from none"
    admin = bearer(keyring, "south", Scope.REGISTRY, Scope.ADMIN)
    (listed,) = client.get("/v1/disputes", params={"service": True}, headers=admin).json()["disputes"]
    assert listed == made
    path, said = f"/v1/disputes/{made['id']}/answer", {"outcome": "disputed", "answer": "About r1 here, then."}
    problem(client.post(path, json=said, headers=keeper), 404, "dispute.unknown")
    assert client.post(path, json=said, headers=admin).json()["outcome"] == "disputed"
    monkeypatch.setattr("waarmerk.api.disputes.MOST_OPEN", 2)
    told = {of: [dispute(client, of=of).status_code for _ in range(3)] for of in ("other", "nobody2", "nobody3", "")}
    assert set(map(tuple, told.values())) == {(201, 201, 429)}, "nor does a full list"


def test_a_service_without_a_registry_answers_disputes_too(client: TestClient, keyring: Keyring) -> None:
    services = client.app.state.services  # type: ignore[attr-defined]
    admin = bearer(keyring, "south", Scope.REGISTRY, Scope.ADMIN)
    bare = create_app(replace(services, settings=Settings()))
    asked = TestClient(bare, raise_server_exceptions=False)
    path = dispute(asked, of="").headers["location"] + "/answer"
    problem(asked.post(path, json={"outcome": "withdrawn", "answer": "x"}, headers=admin), 404, "registry.unknown")
    assert asked.post(path, json={"outcome": "rejected", "answer": "x"}, headers=admin).status_code == 200


def test_whether_there_is_such_a_tenant_or_entry_is_not_told(client: TestClient, keeper: dict[str, str]) -> None:
    for changes in ({"of": "nobody"}, {"registry_id": "r99"}, {}):
        assert dispute(client, **changes).status_code == 201
    gone = next(
        each for each in client.get("/v1/disputes", headers=keeper).json()["disputes"] if each["registry_id"] == "r99"
    )
    answer = {"outcome": "withdrawn", "answer": "x"}
    path = f"/v1/disputes/{gone['id']}/answer"
    problem(client.post(path, json=answer, headers=keeper), 404, "registry.unknown")
    assert client.post(path, json={**answer, "outcome": "rejected"}, headers=keeper).json()["outcome"] == "rejected"


def test_disputes_about_the_service_are_for_the_scope_admin(
    client: TestClient, keyring: Keyring, keeper: dict[str, str], address: str
) -> None:
    made = dispute(client, of="").json()
    assert client.get("/v1/disputes", headers=keeper).json() == {"disputes": []}
    problem(client.get("/v1/disputes", params={"service": True}, headers=keeper), 403, "auth.forbidden")
    path, said = f"/v1/disputes/{made['id']}/answer", {"outcome": "withdrawn", "answer": "Right."}
    problem(client.post(path, json=said, headers=keeper), 404, "dispute.unknown")
    admin = bearer(keyring, "south", Scope.REGISTRY, Scope.ADMIN)
    assert len(client.get("/v1/disputes", params={"service": True}, headers=admin).json()["disputes"]) == 1
    assert client.post(path, json=said, headers=admin).json()["outcome"] == "withdrawn"


def test_disputes_have_an_end(keyring: Keyring, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import timedelta

    now = [AT]
    held = Disputes(keyring._database, clock=lambda: now[0])
    held.create()
    monkeypatch.setattr("waarmerk.api.disputes.MOST_OPEN", 2)
    new = {"registry_id": "r1", "reason": "x", "contact": None}
    first = held.add(tenant="keeper", **new)  # type: ignore[arg-type]
    held.add(tenant="keeper", **new)  # type: ignore[arg-type]
    from waarmerk.api.problems import Problem

    with pytest.raises(Problem, match="enough"):
        held.add(tenant="keeper", **new)  # type: ignore[arg-type]
    assert held.add(tenant="other", **new).outcome == "open"  # type: ignore[arg-type]
    now[0] += timedelta(days=91)
    assert held.find(first.id) is None
    assert held.add(tenant="keeper", **new).outcome == "open"  # type: ignore[arg-type]
    with keyring._database.reading() as connection:
        from sqlalchemy import text

        assert connection.execute(text("SELECT count(*) FROM dispute")).scalar() == 1


@pytest.mark.parametrize(
    "changes", [{"registry_id": "7"}, {"reason": ""}, {"of": "A B"}, {"more": 1}, {"contact": "x" * 201}]
)
def test_a_dispute_that_is_none_says_where(client: TestClient, changes: dict[str, Any]) -> None:
    assert problem(dispute(client, **changes), 422, "request.invalid")["errors"]


def test_a_service_without_a_database_takes_none(client: TestClient) -> None:
    with TestClient(create_app(replace(Services(bench=None)))) as bare:  # type: ignore[arg-type]
        problem(dispute(bare), 501, "service.not-configured")
