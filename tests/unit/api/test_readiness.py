# SPDX-License-Identifier: Apache-2.0
"""Ready only with everything that is needed; which of it is missing is told to operators alone (P18)."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT, Clock
from tests.unit.api.conftest import bearer, problem
from waarmerk.api import readiness
from waarmerk.api.app import create_app
from waarmerk.api.readiness import DiskProbe, Readiness, keys_probe, lists_probe
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "samples" / "trust", tmp_path / "trust"))


def test_each_thing_that_is_missing_is_found_within_seconds_and_found_again(
    services: Services, keyring: Keyring, tmp_path: Path, trust: Path
) -> None:
    clock, key, spool = Clock(), tmp_path / "mark.key", tmp_path / "spool"
    Key.generate(purpose="ai").save(key)
    spool.mkdir()
    probes = {
        "store": keyring.probe,
        "disk": DiskProbe(spool, min_bytes=1),
        "keys": keys_probe((key,)),
        "lists": lists_probe(Settings(trust=trust), clock=clock),
    }
    ready = replace(services, readiness=Readiness(probes, clock=clock))
    admin = bearer(keyring, "south", Scope.ADMIN)
    with TestClient(create_app(ready)) as client:

        def wrong() -> list[str]:
            clock.now += timedelta(seconds=2.1)
            stranger, operator = client.get("/readyz"), client.get("/readyz", headers=admin)
            assert stranger.status_code == operator.status_code
            if operator.status_code == 200:
                assert stranger.json() == {"status": "ok"}
                assert operator.json()["probes"] == sorted(probes)
                return []
            assert "errors" not in problem(stranger, 503, "service.not-ready")
            assert int(operator.headers["retry-after"]) <= 5
            return [f"{each['pointer']} {each['detail']}" for each in operator.json()["errors"]]

        assert wrong() == []
        held = tmp_path / "service.sqlite"
        for path, told in (
            (held, "/store database.missing"),
            (spool, "/disk disk.missing"),
            (key, "/keys watermark.key"),
            (trust, "/lists trust.no-folder"),
        ):
            away = path.with_name(path.name + ".away")
            path.rename(away)
            # the key of the caller is remembered for five seconds, so the operator is still known without a store
            assert wrong() == [told]
            away.rename(path)
            assert wrong() == []
        assert client.get("/livez").status_code == 200


def test_an_answer_is_kept_for_two_seconds(services: Services) -> None:
    clock, asked = Clock(), []
    ready = Readiness({"x": lambda: asked.append(1)}, clock=clock)
    for _ in range(10):
        assert ready.answers() == {"x": None}
    assert len(asked) == 1
    clock.now += timedelta(seconds=2)
    ready.answers()
    assert len(asked) == 2
    clock.now -= timedelta(days=1)  # a clock that was set back must not keep an old answer for a day
    ready.answers()
    assert len(asked) == 3


def test_a_probe_that_breaks_is_a_reason_not_to_be_ready() -> None:
    def broken() -> str | None:
        raise RuntimeError("secret")

    assert Readiness({"x": broken}, clock=lambda: AT).answers() == {"x": "probe.failed"}


def test_a_disk_on_the_edge_does_not_come_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = iter((150, 99, 101, 150, 199, 200, 150, 101, 99, 150))

    def usage(path: Path) -> object:
        return type("Usage", (), {"free": next(room)})

    monkeypatch.setattr(readiness.shutil, "disk_usage", usage)
    probe = DiskProbe(tmp_path, min_bytes=100)
    told = [probe() is None for _ in range(10)]
    assert told == [True, False, False, False, False, True, True, True, False, False]


def test_lists_that_are_too_old_or_undated_are_a_reason_where_the_operator_says_so(trust: Path) -> None:
    settings = Settings()  # the snapshot that ships has dates
    month = timedelta(days=30)
    assert lists_probe(settings, clock=lambda: AT)() is None
    assert lists_probe(settings, clock=lambda: AT + timedelta(days=4000), max_age=month)() == "trust.stale"
    assert lists_probe(settings, clock=lambda: AT, max_age=timedelta(days=4000))() is None
    (trust / "user.pem").write_text("nonsense", "ascii")
    assert str(lists_probe(Settings(trust=trust), clock=lambda: AT)()).startswith("trust.")
