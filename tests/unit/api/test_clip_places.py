# SPDX-License-Identifier: Apache-2.0
"""Clips have places of their own: whoever labels them takes none from those who have files examined."""

import asyncio
import io
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import Clock
from tests.own_keys import TODAY as AT
from tests.own_keys import write_tenant_keys
from tests.tenants import keyring_of
from tests.unit.api.conftest import bearer, problem
from tests.unit.api.test_desk import enter, send
from waarmerk.api import label_jobs
from waarmerk.api.app import create_app
from waarmerk.api.clip_places import ClipPlaces
from waarmerk.api.gate import Gate
from waarmerk.api.label_work import LabelWork
from waarmerk.api.services import Services, monotonic
from waarmerk.api.sessions import Sessions
from waarmerk.api.shelf import Shelf
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.labelling import LabelDone
from waarmerk.provenance.jobs.queue import Queue

CLIP = b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00isommp42"
AI = {"ai": "generated"}


def test_one_of_each_tenant_and_half_of_the_places_and_nobody_waits() -> None:
    go = threading.Event()

    async def scene() -> list[str | None]:
        places = ClipPlaces(working=5, monotonic=monotonic)
        running = [asyncio.create_task(places.run(lambda: str(go.wait(60)), tenant=each)) for each in ("a", "b")]
        await asyncio.sleep(0.05)
        assert await places.run(lambda: "a second one", tenant="a") is None
        assert await places.run(lambda: "a third tenant", tenant="c") is None
        go.set()
        return [*await asyncio.gather(*running), await places.run(lambda: "again", tenant="a")]

    assert asyncio.run(scene()) == ["True", "True", "again"]


def test_a_clip_that_fails_gives_its_place_back() -> None:
    async def scene() -> str | None:
        places = ClipPlaces(working=1, monotonic=monotonic)
        with pytest.raises(ZeroDivisionError):
            await places.run(lambda: 1 // 0, tenant="a")
        return await places.run(lambda: "again", tenant="a")

    assert asyncio.run(scene()) == "again"


class _Slow:
    """Labelling that goes on until ``go``."""

    def __init__(self) -> None:
        self.go, self.begun, self.count = threading.Event(), threading.Event(), 0

    def __call__(self, services: Services, tenant: Tenant, order: object) -> LabelDone:
        self.count += 1
        self.begun.set()
        assert self.go.wait(60)
        return LabelDone(file=None, told={}, code="label.no-text", is_refused=True)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[_Slow]:
    made = _Slow()
    monkeypatch.setattr(label_jobs, "labelled", made)
    yield made
    made.go.set()


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Keyring]:
    house = write_tenant_keys(tmp_path)
    with keyring_of(tmp_path, *(Tenant(name=name, settings=house) for name in ("delta", "gamma")), at=AT) as made:
        yield made


@pytest.fixture
def services(keyring: Keyring, recorder: Any, tmp_path: Path) -> Services:
    """A service with one worker."""
    clock = Clock(AT)
    keep = Keep(tmp_path / "labels", clock=clock)
    queue = Queue(keyring._database, spool=keep.id, clock=clock)
    queue.create()
    made = Services(bench=recorder, clock=clock, keyring=keyring, sessions=Sessions(keyring, clock=clock))
    return replace(
        made,
        shelf=Shelf(clock=clock),
        label_work=LabelWork(queue, keep, version="1"),
        gate=Gate(working=1, waiting=0, monotonic=monotonic),
        clip_places=ClipPlaces(working=1, monotonic=monotonic),
    )


def ask(client: TestClient, keyring: Keyring, tenant: str, data: bytes = CLIP) -> Any:
    files = {"file": ("x", data)}
    return client.post("/v1/label", files=files, data=AI, headers=bearer(keyring, tenant, Scope.LABEL))


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64)).save(out, "PNG")
    return out.getvalue()


def test_a_clip_stands_in_nobodys_way(services: Services, keyring: Keyring, slow: _Slow) -> None:
    """One worker, no queue: whoever has a file examined while a clip is labelled has the worker."""
    with (
        TestClient(create_app(services)) as client,
        ThreadPoolExecutor(1) as other,
    ):
        first = other.submit(ask, client, keyring, "delta")
        assert slow.begun.wait(60)
        assert services.gate.taken == 0
        assert client.post("/v1/verify", files={"file": ("x", picture())}).status_code == 200
        assert [ask(client, keyring, each).status_code for each in ("delta", "gamma")] == [202, 202]
        sent = enter(client, keyring)
        client.follow_redirects = False
        assert send(client, sent, CLIP, **AI).status_code == 303
        slow.go.set()
        problem(first.result(60), 422, "label.refused")
        assert slow.count == 1
        problem(ask(client, keyring, "gamma"), 422, "label.refused")


def test_where_there_is_no_later_the_caller_is_told_when(services: Services, keyring: Keyring, slow: _Slow) -> None:
    with TestClient(create_app(replace(services, label_work=None))) as client, ThreadPoolExecutor(1) as other:
        first = other.submit(ask, client, keyring, "delta")
        assert slow.begun.wait(60)
        busy = ask(client, keyring, "gamma")
        problem(busy, 429, "service.busy")
        assert int(busy.headers["retry-after"]) > 1
        slow.go.set()
        problem(first.result(60), 422, "label.refused")


def test_a_picture_is_labelled_at_the_gate(services: Services, keyring: Keyring, slow: _Slow) -> None:
    with TestClient(create_app(services)) as client, ThreadPoolExecutor(1) as other:
        first = other.submit(ask, client, keyring, "delta", picture())
        assert slow.begun.wait(60)
        assert services.gate.taken == 1
        slow.go.set()
        problem(first.result(60), 422, "label.refused")
