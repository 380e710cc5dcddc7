# SPDX-License-Identifier: Apache-2.0
"""A full disk is the service's fault: the file is not called unreadable, and a job waits until there is room again."""

import errno
import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.own_keys import TODAY as AT
from tests.unit.api import test_label_jobs as jobs
from tests.unit.api.conftest import bearer, problem
from tests.unit.api.test_desk import enter, send
from tests.unit.api.test_label import picture
from waarmerk.api import labelling
from waarmerk.api.label_work import LabelWork
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.provenance import Settings
from waarmerk.provenance.credentials.signing_folder import load_folder
from waarmerk.provenance.errors import NO_ROOM, StoreError, UnsupportedAsset, lacks_room
from waarmerk.provenance.jobs.labelling import LabelOrder, label_apart
from waarmerk.provenance.jobs.queue import LEASE, MAX_ATTEMPTS
from waarmerk.provenance.jobs.runner import Runner

clock, short, house, keyring, work, services, client, desk = (
    jobs.clock,
    jobs.short,
    jobs.house,
    jobs.keyring,
    jobs.work,
    jobs.services,
    jobs.client,
    jobs.desk,
)


def _hidden() -> None:
    try:
        raise OSError(errno.ENOSPC, "full")
    except OSError:
        raise UnsupportedAsset("media.unreadable", "it cannot be read") from None


def _damaged() -> None:
    raise UnsupportedAsset("media.unreadable", "it cannot be read") from OSError(errno.EINVAL, "damaged")


def _database() -> None:
    with sqlite3.connect(":memory:") as small:
        small.execute("pragma max_page_count = 1")
        small.execute("create table t (a)")


@pytest.mark.parametrize(("fails", "is_full"), [(_hidden, True), (_damaged, False), (_database, True)])
def test_what_is_at_the_bottom_of_it(fails: Callable[[], None], is_full: bool) -> None:
    with pytest.raises((UnsupportedAsset, sqlite3.OperationalError)) as caught:
        fails()
    assert lacks_room(caught.value) is is_full


def test_a_circle_of_exceptions_has_an_end() -> None:
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert not lacks_room(one)


def _bounded(size: int) -> tuple[str, ...]:
    """The process that labels, in which no file may become larger than ``size`` bytes (EFBIG)."""
    start = f"import resource as r; r.setrlimit(r.RLIMIT_FSIZE, ({size}, {size}))\n"
    start += "from waarmerk.provenance.jobs.label_worker import main; main()"
    return (sys.executable, "-P", "-c", start)


@pytest.mark.parametrize(
    ("kind", "size"),
    [
        ("picture", 0),
        ("clip", 40_000),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in (("picture", 40_000), ("clip", 0))),
    ],
)
def test_no_room_is_no_finding_about_the_file(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, size: int
) -> None:
    """Wherever it runs out: in the frames, in the target."""
    house: dict[str, Any] = request.getfixturevalue("house")
    data: bytes = picture() if kind == "picture" else request.getfixturevalue("short")
    (tmp_path / "in").write_bytes(data)
    settings = Settings.from_json({**Settings().to_json(), "keys": house["keys"], "ledger": house["ledger"]})
    wishes = {"says": "generated", "corner": "top-right", "languages": ["en"]}
    order = LabelOrder(source=tmp_path / "in", at=AT, settings=settings, registry=None, wishes=wishes)
    monkeypatch.setattr("waarmerk.provenance.jobs.labelling.COMMAND", _bounded(size))
    with pytest.raises(StoreError) as full:
        label_apart(order, load_folder(Path(house["signing"]))).__exit__()
    assert full.value.code == NO_ROOM


def test_no_room_to_work_in(house: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object, **named: object) -> str:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("waarmerk.provenance.jobs.spool.mkdtemp", full)
    order = LabelOrder(source=tmp_path, at=AT, settings=Settings(), registry=None)
    with pytest.raises(StoreError) as raised:
        label_apart(order, load_folder(Path(house["signing"])))
    assert raised.value.code == NO_ROOM


@pytest.fixture
def fails(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make all labelling fail with this code of a store."""

    def choose(code: str) -> None:
        def label(*given: object, **named: object) -> None:
            raise StoreError(code, "as on a full disk")

        monkeypatch.setattr(labelling, "label_apart", label)

    return choose


@pytest.mark.parametrize(("code", "told"), [(NO_ROOM, "service.full"), ("ledger.failed", "service.not-ready")])
def test_the_caller_is_told_to_come_back(
    client: TestClient, keyring: Keyring, fails: Callable[[str], None], code: str, told: str
) -> None:
    fails(code)
    delta = bearer(keyring, "delta", Scope.LABEL)
    answer = jobs.ask(client, delta, picture(), **jobs.AI)
    problem(answer, 503, told)
    assert int(answer.headers["retry-after"]) > 1
    page = send(client, enter(jobs.client_of(client), keyring), picture(), ai="generated")
    assert (page.status_code, page.headers["content-type"]) == (503, "text/html; charset=utf-8")


def test_a_job_is_left_to_its_next_attempt(
    client: TestClient,
    keyring: Keyring,
    desk: tuple[Services, LabelWork],
    fails: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, work = desk
    delta = bearer(keyring, "delta", Scope.LABEL)
    where = jobs.later(client, delta, b"any", ai="none").headers["location"]
    runner = Runner(work.queue, work.keep, lambda job: jobs.label_job(services, work, job))

    def attempt() -> tuple[str, int]:
        for job in work.queue.lease(runner._owner):
            runner._do(job)
        services.clock.now += 2 * LEASE  # type: ignore[attr-defined]  # the tests' own clock
        told = client.get(where, headers=delta).json()
        return told["state"], told["attempts"]

    with monkeypatch.context() as patch:
        patch.setattr(LabelWork, "has_room", lambda self, size: False)
        assert [attempt() for _ in range(2 * MAX_ATTEMPTS)] == [("running", 0)] * 2 * MAX_ATTEMPTS, "not begun"
    fails(NO_ROOM)
    assert attempt() == ("running", 1)
    assert jobs.files(work), "the file that was sent is still there"
