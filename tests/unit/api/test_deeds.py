# SPDX-License-Identifier: Apache-2.0
"""What is done to tenants and keys stands in a log that cannot be changed unseen, before it is done."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.conftest import AT
from waarmerk.api import server
from waarmerk.api.deeds import Deeds
from waarmerk.api.disputes import DISPUTE, Disputes
from waarmerk.api.migrate import prepare
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.jobs import audit_check
from waarmerk.provenance.jobs.audit import RECORD
from waarmerk.provenance.jobs.database import Database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(str(tmp_path / "service.sqlite"))
    prepare(made)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "audit" / "administration"


@pytest.fixture
def keyring(database: Database, folder: Path) -> Keyring:
    deeds = Deeds(folder, database, clock=lambda: AT, monotonic=time.monotonic)
    return Keyring(database, bytes(32), monotonic=lambda: 0.0, noted=deeds.noted)


def events(folder: Path) -> list[str]:
    return [json.loads(line)["event"] for line in (folder / "audit.log").read_text("ascii").splitlines()]


def records(database: Database) -> list[dict[str, object]]:
    with database.reading() as connection:
        found = connection.execute(sa.select(RECORD.c.record).order_by(RECORD.c.n)).scalars().all()
    return [json.loads(each) for each in found]


def faults(folder: Path) -> list[str]:
    notes = [each for each in (folder / "audit.checkpoints").read_text("utf-8").split("\n\n\n") if each.strip()]
    key = bytes.fromhex((folder / "audit.pub").read_text("ascii").strip())
    return audit_check.faults((folder / "audit.log").read_bytes(), notes, key)


def test_who_is_let_in_and_no_more_is_entered(keyring: Keyring, database: Database, folder: Path) -> None:
    keyring.add_tenant(Tenant(name="north", per_minute=9), at=AT)
    key = keyring.add_key("north", [Scope.VERIFY, Scope.ADMIN], at=AT)
    prefix, secret = key.split("_", 2)[1:]
    keyring.revoke(prefix, at=AT)
    assert events(folder) == ["tenant.added", "key.added", "key.revoked"]
    added, made, ended = records(database)
    assert (added["name"], added["per_minute"]) == ("north", 9)
    assert (made["prefix"], made["scopes"], made["tenant"]) == (prefix, ["admin", "verify"], "north")
    assert (ended["prefix"], ended["tenant"]) == (prefix, "north")
    assert all(each["by"] for each in (added, made, ended))
    assert secret not in json.dumps([added, made, ended])
    assert faults(folder) == []
    log = folder / "audit.log"
    whole = log.read_bytes()
    for damaged in (
        whole.replace(b"key.added", b"key.eaten"),
        b"".join(whole.splitlines(keepends=True)[:-1]),
        b"".join(whole.splitlines(keepends=True)[i] for i in (0, 2, 1)),
    ):
        log.write_bytes(damaged)
        assert faults(folder)
    log.write_bytes(whole)


def test_what_fails_is_entered_as_failed(keyring: Keyring, folder: Path) -> None:
    keyring.add_tenant(Tenant(name="north"), at=AT)
    with pytest.raises(ConfigurationError):
        keyring.add_tenant(Tenant(name="north"), at=AT)
    with pytest.raises(ConfigurationError):
        keyring.add_key("south", [Scope.VERIFY], at=AT)
    with pytest.raises(ConfigurationError):
        keyring.revoke("000000000000", at=AT)
    assert events(folder)[1:] == [
        "tenant.added",
        "tenant.added.failed",
        "key.added",
        "key.added.failed",
        "key.revoked",
        "key.revoked.failed",
    ]


def test_what_cannot_be_entered_is_not_done(keyring: Keyring, folder: Path) -> None:
    keyring.add_tenant(Tenant(name="north"), at=AT)
    log = folder / "audit.log"
    log.write_bytes(log.read_bytes().replace(b"tenant.added", b"tenant.eaten"))  # damaged: nobody goes on with it
    with pytest.raises(StoreError):
        keyring.add_key("north", [Scope.VERIFY], at=AT)
    with pytest.raises(StoreError):
        keyring.add_tenant(Tenant(name="south"), at=AT)
    assert keyring.keys() == []
    assert [each.name for each in keyring.tenants()] == ["north"]


def test_commands_at_once_wait_for_each_other(keyring: Keyring, database: Database, folder: Path) -> None:
    keyring.add_tenant(Tenant(name="north"), at=AT)
    threads = [
        threading.Thread(target=lambda: keyring.add_key("north", [Scope.VERIFY], at=AT), daemon=True) for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(keyring.keys()) == 8
    assert events(folder).count("key.added") == 8
    assert faults(folder) == []


def test_the_commands_of_an_operator_leave_their_line(tmp_path: Path) -> None:
    with server.keyring(tmp_path) as keyring:
        keyring.add_tenant(Tenant(name="north"), at=AT)
        prefix = keyring.add_key("north", [Scope.VERIFY], at=AT).split("_")[1]
    with server.webhooks(tmp_path) as hooks:
        target, _ = hooks.register("north", "https://x.example/hook")
        hooks.end(target.id)
    with server.keyring(tmp_path) as keyring:
        keyring.revoke(prefix, at=AT)
    server.forget("north", tmp_path)
    folder = tmp_path / "audit" / "administration"
    assert events(folder) == [
        "tenant.added",
        "key.added",
        "webhook.added",
        "webhook.ended",
        "key.revoked",
        "tenant.forgotten",
    ]
    assert faults(folder) == []
    database = Database(str(tmp_path / "service.sqlite"))
    assert records(database) == []  # the tenant is forgotten; that six things happened, and when, is not
    database.close()


def test_disputes_of_a_tenant_are_forgotten_with_it(tmp_path: Path) -> None:
    with server.keyring(tmp_path) as keyring:
        for name in ("north", "south"):
            keyring.add_tenant(Tenant(name=name), at=AT)
    database = Database(str(tmp_path / "service.sqlite"))
    disputes = Disputes(database, clock=lambda: AT - timedelta(days=1))
    for name in ("north", "south"):
        disputes.add(tenant=name, registry_id="r1", reason="mine", contact="desk@example.org")
    server.forget("north", tmp_path)
    with database.reading() as connection:
        assert connection.execute(sa.select(DISPUTE.c.tenant)).scalars().all() == ["south"]
    database.close()
