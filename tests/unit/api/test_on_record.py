# SPDX-License-Identifier: Apache-2.0
"""What is given to tenants is on record, of strangers nothing is; what cannot be recorded is not given."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.unit.api.conftest import bearer, problem
from waarmerk.api.app import create_app
from waarmerk.api.disputes import Disputes
from waarmerk.api.erasure import forget_tenant
from waarmerk.api.services import Services
from waarmerk.api.tenants import TABLES, Keyring, Scope
from waarmerk.api.webhooks import Webhooks
from waarmerk.api.worklist import Worklist
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.jobs.audit import TABLES as AUDIT_TABLES
from waarmerk.provenance.jobs.audit import Audit
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.jobs.tables import METADATA
from waarmerk.provenance.settings import Settings


@pytest.fixture
def audit(tmp_path: Path, keyring: Keyring) -> Iterator[Audit]:
    with Audit(tmp_path / "audit", keyring._database, clock=lambda: AT) as made:
        yield made


def test_a_report_to_a_tenant_is_on_record_and_one_to_a_stranger_is_not(
    services: Services, keyring: Keyring, audit: Audit
) -> None:
    with TestClient(create_app(replace(services, audit=audit))) as client:
        assert client.post("/v1/verify", content=b"abc").status_code == 200
        assert audit.size == 0
        client.post("/v1/verify", content=b"abc", headers=bearer(keyring, "north", Scope.VERIFY))
    assert audit.size == 1
    _, record = audit.reveal(0) or (b"", "{}")
    told = json.loads(record)
    assert told["tenant"] == "north"
    assert told["verdict"] == ["unknown", "none"]
    assert {"rule_packs", "trust_lists"} <= set(told["basis"])


def test_a_report_that_cannot_be_recorded_is_not_given(
    services: Services, keyring: Keyring, audit: Audit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: object, **options: object) -> int:
        raise StoreError("audit.failed", "no space left")

    monkeypatch.setattr(audit, "write", full)
    with TestClient(create_app(replace(services, audit=audit))) as client:
        header = bearer(keyring, "north", Scope.VERIFY)
        problem(client.post("/v1/verify", content=b"abc", headers=header), 503, "service.not-ready")
        assert client.post("/v1/verify", content=b"abc").status_code == 200


def test_a_tenant_that_is_forgotten_leaves_nothing_but_a_log_that_verifies(
    services: Services, keyring: Keyring, audit: Audit, tmp_path: Path
) -> None:
    database = keyring._database
    keep = Keep(tmp_path / "spool", clock=lambda: AT)
    Disputes(database, clock=lambda: AT).create()
    hooks = Webhooks(database, bytes(32), clock=lambda: AT)
    queue = Queue(database, spool=keep.id, clock=lambda: AT, over=hooks.note)
    queue.create()
    worklist = Worklist(queue, keep, settings=Settings(), version="1", secret=bytes(32))
    hooks.register("north", "https://hooks.example/north")
    both = {name: bearer(keyring, name, Scope.VERIFY) for name in ("north", "south")}
    with TestClient(create_app(replace(services, audit=audit, worklist=worklist))) as client:
        for header in both.values():
            client.post("/v1/verify", content=b"abc", headers=header)
            once = {**header, "Idempotency-Key": "k"}
            client.post("/v1/batches", content=b'{"id": "a", "content": "YWJj"}', headers=once)
    (north, _) = queue.lease("a", most=2)
    queue.finish("a", north.number, result={})
    assert len(hooks.due()) == 1
    assert forget_tenant(database, "north") == 1
    with database.reading() as connection:
        for table in (*TABLES.sorted_tables, *METADATA.sorted_tables, *AUDIT_TABLES.sorted_tables):
            held = str(connection.execute(sa.select(table)).all())
            assert "north" not in held, table.name
            assert table.name in ("webhook", "webhook_message") or "south" in held or table.name == "batch_item"
    assert audit.reveal(0) is None
    assert audit.reveal(1) is not None
    assert keyring.find(both["south"]["Authorization"].removeprefix("Bearer ")) is not None
    with pytest.raises(ConfigurationError, match="no tenant"):
        forget_tenant(database, "north")
