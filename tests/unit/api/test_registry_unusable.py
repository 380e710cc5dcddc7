# SPDX-License-Identifier: Apache-2.0
"""A registry that is missing, damaged or newer is no fault of an upload: the report says that it was not read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT, Clock
from tests.unit.api.conftest import bearer, problem
from waarmerk.api.app import create_app
from waarmerk.api.readiness import Readiness, registry_probe
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance import Pool, Settings
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.recovery import Wishes

DATA = (ROOT / "samples" / "media" / "ai-generated.png").read_bytes()
ASKED = {"sha256": "0" * 64}


@pytest.fixture
def served(keyring: Keyring, tmp_path: Path) -> Iterator[TestClient]:
    """A service whose own registry is damaged, with a tenant whose registry does not exist yet."""
    (tmp_path / "damaged.sqlite").write_bytes(b"no database" * 999)
    keyring.add_tenant(Tenant(name="newcomer", settings={"registry": str(tmp_path / "own.sqlite")}), at=AT)
    settings, clock = Settings(registry=str(tmp_path / "damaged.sqlite")), Clock()
    readiness = Readiness({"registry": registry_probe(settings)}, clock=clock)
    with Pool(settings.to_json(), size=1) as pool:
        services = Services(bench=pool, settings=settings, clock=clock, keyring=keyring, readiness=readiness)
        with TestClient(create_app(services), raise_server_exceptions=False) as made:
            yield made


def registry_of(answer: Any) -> tuple[str, list[str]]:
    """The state of the channel, and what is said of it."""
    assert answer.status_code == 200, answer.text
    report = answer.json()
    (channel,) = [each for each in report["channels"] if each["channel"] == "registry"]
    told = [each for each in report["verdict"]["concerns"] if each["code"].startswith("registry.")]
    assert all(each["message"] != each["code"] for each in told)
    return channel["state"], [each["code"] for each in told]


def test_uploads_are_examined_and_the_service_is_not_ready(
    served: TestClient, keyring: Keyring, tmp_path: Path
) -> None:
    assert registry_of(served.post("/v1/verify", content=DATA)) == ("unread", ["registry.damaged"])
    page = served.post("/", files={"file": ("x.png", DATA)})
    assert page.status_code == 200, page.text
    not_ready = problem(served.get("/readyz", headers=bearer(keyring, "south", Scope.ADMIN)), 503, "service.not-ready")
    assert not_ready["errors"] == [{"pointer": "/registry", "detail": "registry.damaged"}]


def test_a_tenant_may_come_before_its_registry(served: TestClient, keyring: Keyring, tmp_path: Path) -> None:
    key = bearer(keyring, "newcomer", Scope.VERIFY, Scope.REGISTRY)
    assert registry_of(served.post("/v1/verify", content=DATA, headers=key)) == ("unread", ["registry.missing"])
    told = problem(served.get("/v1/registry/match", params=ASKED, headers=key), 409, "tenant.not-configured")
    assert "not there yet" in told["detail"]
    sample = tmp_path / "sample.png"
    sample.write_bytes(DATA)
    build_recovery(Settings(registry=str(tmp_path / "own.sqlite")), at=AT).add(sample, Wishes(), at=AT)
    served.app.state.services.clock.now = AT.replace(microsecond=0, second=59)  # type: ignore[attr-defined]
    assert registry_of(served.post("/v1/verify", content=DATA, headers=key)) == ("found", ["registry.known"])
    assert served.get("/v1/registry/match", params=ASKED, headers=key).json() == {"matches": [], "error": None}
