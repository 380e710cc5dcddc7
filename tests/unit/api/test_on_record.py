# SPDX-License-Identifier: Apache-2.0
"""What is given to tenants is on record, of strangers nothing is; what cannot be recorded is not given."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.unit.api.conftest import bearer, problem
from waarmerk.api.app import create_app
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs.audit import Audit


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
