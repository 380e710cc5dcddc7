# SPDX-License-Identifier: Apache-2.0
"""Jobs and batches through the door: done later, once, seen by their tenant, page by page."""

import base64
import csv
import hashlib
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.unit.api.conftest import Recorder, bearer, problem
from waarmerk.api import once as once_module
from waarmerk.api.app import create_app
from waarmerk.api.examining import examine_job
from waarmerk.api.limits import BodyLimits
from waarmerk.api.routes import verify as verify_route
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.api.worklist import STRANGERS_WAITING, Worklist
from waarmerk.provenance.jobs.job import State
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.settings import Settings


@pytest.fixture
def worklist(keyring: Keyring, tmp_path: Path) -> Worklist:
    keep = Keep(tmp_path / "spool", clock=lambda: AT)
    queue = Queue(keyring._database, spool=keep.id, clock=lambda: AT)
    queue.create()
    return Worklist(queue, keep, settings=Settings(), version="1", secret=bytes(32))


@pytest.fixture
def client(services: Services, worklist: Worklist) -> Iterator[TestClient]:
    with TestClient(create_app(replace(services, worklist=worklist)), raise_server_exceptions=False) as made:
        yield made


@pytest.fixture
def north(keyring: Keyring) -> dict[str, str]:
    return bearer(keyring, "south", Scope.VERIFY)


@pytest.fixture
def other(keyring: Keyring) -> dict[str, str]:
    return bearer(keyring, "north", Scope.VERIFY)


def do_all(worklist: Worklist, services: Services) -> None:
    """What a runner does, in this thread."""
    while leased := worklist.queue.lease("test"):
        for job in leased:
            worklist.queue.finish("test", job.number, result=examine_job(services, worklist.keep, job).result or {})
            worklist.keep.drop(str(job.file))


def test_a_job_is_acknowledged_done_and_fetched(
    client: TestClient, worklist: Worklist, services: Services, north: dict[str, str], recorder: Recorder
) -> None:
    taken = client.post("/v1/jobs", files={"file": b"abc"}, headers=north)
    assert taken.status_code == 202
    where = taken.headers["location"]
    assert where == f"/v1/jobs/{taken.json()['id']}"
    assert client.get(where, headers=north).json()["state"] == "waiting"
    do_all(worklist, services)
    assert recorder.given[0]["data"] == b"abc"
    assert recorder.given[0]["settings"] is not None
    done = client.get(where, headers=north)
    assert done.json()["state"] == "done"
    assert done.json()["report"]["format"] == "waarmerk.report/1"
    assert client.get(where, headers={**north, "If-None-Match": done.headers["etag"]}).status_code == 304
    again = client.post("/v1/jobs", content=b"abc", headers=north)
    assert (again.status_code, again.json()) == (200, done.json())
    assert [path.name for path in worklist.keep.folder.iterdir()] == ["spool.id"]


def test_another_clock_or_policy_or_tenant_is_another_job(
    client: TestClient, worklist: Worklist, north: dict[str, str], other: dict[str, str]
) -> None:
    first = client.post("/v1/jobs", content=b"abc", headers=north).json()["id"]
    assert client.post("/v1/jobs", content=b"abc", headers=north).json()["id"] == first
    assert client.post("/v1/jobs?at=2027-01-01T00:00:00Z", content=b"abc", headers=north).json()["id"] != first
    assert client.post("/v1/jobs", content=b"abc", headers=other).json()["id"] != first
    worklist._version = "2"
    assert client.post("/v1/jobs", content=b"abc", headers=north).json()["id"] != first


def test_a_job_is_its_tenants_and_nobody_elses(
    client: TestClient, north: dict[str, str], other: dict[str, str]
) -> None:
    where = client.post("/v1/jobs", content=b"abc", headers=north).headers["location"]
    for headers in ({}, other):
        problem(client.get(where, headers=headers), 404, "job.unknown")
        problem(client.delete(where, headers=headers), 404, "job.unknown")
    assert client.get("/v1/jobs", headers=other).json() == {"jobs": []}
    assert client.delete(where, headers=north).status_code == 204
    problem(client.get(where, headers=north), 404, "job.unknown")


def test_erasing_a_job_erases_its_file(client: TestClient, worklist: Worklist, north: dict[str, str]) -> None:
    where = client.post("/v1/jobs", content=b"abc", headers=north).headers["location"]
    assert client.delete(where, headers=north).status_code == 204
    assert [path.name for path in worklist.keep.folder.iterdir()] == ["spool.id"]


def test_long_media_and_who_asks_for_it_get_a_job(
    client: TestClient, worklist: Worklist, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = client.post("/v1/verify", content=b"abc", headers={"Prefer": "respond-async"})
    assert asked.status_code == 202
    monkeypatch.setattr(verify_route, "LONG_BYTES", 10)
    taken = client.post("/v1/verify", content=b"a long film")
    assert taken.status_code == 202
    assert taken.headers["retry-after"] == "2"
    do_all(worklist, services)
    where = taken.headers["location"]
    assert client.get(where).json()["report"]["format"] == "waarmerk.report/1"
    assert client.post("/v1/verify", content=b"short").status_code == 200


def test_a_strangers_job_is_known_by_its_id_alone_and_soon_gone(client: TestClient, worklist: Worklist) -> None:
    headers = {"Prefer": "respond-async"}
    one, two = (client.post("/v1/verify", content=b"abc", headers=headers).json() for _ in range(2))
    assert one["id"] != two["id"]
    assert len(one["id"]) == 24
    assert one["keep_until"] == "2026-11-21T13:00:00Z"
    for _ in range(STRANGERS_WAITING - 2):
        assert client.post("/v1/verify", content=b"abc", headers=headers).status_code == 202
    problem(client.post("/v1/verify", content=b"abc", headers=headers), 429, "service.busy")


def test_pages_of_jobs_lead_on(client: TestClient, north: dict[str, str]) -> None:
    ids = [client.post("/v1/jobs", content=bytes([n]), headers=north).json()["id"] for n in range(5)]
    seen, where = [], "/v1/jobs?limit=2"
    for _ in range(3):
        page = client.get(where, headers=north)
        seen += [job["id"] for job in page.json()["jobs"]]
        link = page.headers.get("link", "")
        where = link.partition(">")[0].removeprefix("<")
    assert seen == ids[::-1]
    assert where == ""
    for cursor in ("1.00", "zz", "1.ë", "", "ffffffffffffffffffff.00"):
        problem(client.get("/v1/jobs", params={"cursor": cursor}, headers=north), 422, "request.invalid")


def test_a_key_makes_a_request_happen_once(client: TestClient, worklist: Worklist, north: dict[str, str]) -> None:
    headers = {**north, "Idempotency-Key": "k1"}
    first = client.post("/v1/jobs", content=b"abc", headers=headers)
    worklist.queue.remove(first.json()["id"], tenant="south")
    again = client.post("/v1/jobs", content=b"abc", headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert worklist.queue.counts() == {}
    problem(client.post("/v1/jobs", content=b"other", headers=headers), 422, "idempotency.other-body")
    problem(
        client.post("/v1/jobs?at=2027-01-01T00:00:00Z", content=b"abc", headers=headers), 422, "idempotency.other-body"
    )
    problem(
        client.post("/v1/jobs", content=b"x", headers={**north, "Idempotency-Key": "k" * 256}), 422, "request.invalid"
    )


def test_a_key_under_way_is_a_conflict_and_a_failed_request_frees_it(
    client: TestClient, keyring: Keyring, north: dict[str, str], other: dict[str, str]
) -> None:
    headers = {**north, "Idempotency-Key": "k1"}
    problem(client.post("/v1/jobs", files={"other": b"x"}, headers=headers), 400, "request.no-file")
    key = hashlib.sha256(b"/v1/jobs\nk1").digest()
    once_module._begin(keyring._database, "south", key, AT)
    problem(client.post("/v1/jobs", content=b"abc", headers=headers), 409, "idempotency.in-flight")
    assert client.post("/v1/jobs", content=b"abc", headers={**other, "Idempotency-Key": "k1"}).status_code == 202
    assert once_module._begin(keyring._database, "south", key, AT.replace(hour=23)).earlier is None


def line(name: str, data: bytes) -> str:
    return json.dumps({"id": name, "content": base64.b64encode(data).decode()})


def send(client: TestClient, headers: dict[str, str], *lines: str) -> Any:
    return client.post(
        "/v1/batches", content="\n".join(lines), headers={**headers, "Content-Type": "application/x-ndjson"}
    )


def test_a_batch_is_taken_line_by_line_and_told_in_order(
    client: TestClient, worklist: Worklist, services: Services, north: dict[str, str], other: dict[str, str]
) -> None:
    known = hashlib.sha256(b"one").hexdigest()
    lines = [line("a", b"one"), line("b", b"two"), "{nonsense", '{"id": "url", "url": "http://x"}', line("c", b"one")]
    lines += [json.dumps({"id": "d", "sha256": known}), json.dumps({"id": "e", "sha256": "0" * 64})]
    lines += ['{"id": "f", "content": "***"}']
    taken = send(client, north, *lines)
    assert taken.status_code == 202
    assert (taken.json()["items"], taken.json()["waiting"], taken.json()["failed"]) == (8, 4, 4)
    where = taken.headers["location"]
    do_all(worklist, services)
    state = client.get(where, headers=north).json()
    assert (state["done"], state["failed"]) == (4, 4)
    told = [json.loads(each) for each in client.get(state["results"], headers=north).text.splitlines()]
    assert [(each["id"], each["state"], each["code"]) for each in told] == [
        ("a", "done", None),
        ("b", "done", None),
        ("", "failed", "batch.line"),
        ("url", "failed", "batch.line"),
        ("c", "done", None),
        ("d", "done", None),
        ("e", "failed", "batch.unknown-content"),
        ("f", "failed", "batch.line"),
    ]
    assert told[0]["detail"] is None
    assert "Invalid JSON" in told[2]["detail"]
    assert "/url" in told[3]["detail"]
    assert "sha256" in told[6]["detail"]
    assert told[7]["detail"].startswith("/content: not base64")
    assert told[0]["job"] == told[4]["job"] == told[5]["job"]
    assert told[0]["report"]["format"] == "waarmerk.report/1"
    problem(client.get(where, headers=other), 404, "batch.unknown")
    problem(client.get(where + "/results", headers=other), 404, "batch.unknown")


def test_why_a_line_cannot_be_used_says_where_and_repeats_nothing_of_it(
    client: TestClient, north: dict[str, str]
) -> None:
    reasons = {
        "[]": "the line: Input should be an object",
        "{}": "/id: Field required",
        '{"id": "g"}': "the line: Value error, either content or sha256",
        '{"id": "h", "content": "eA==", "sha256": "'
        + "0" * 64
        + '"}': "the line: Value error, either content or sha256",
        '{"id": "i", "sha256": "secret"}': "/sha256: String should match pattern",
        '{"id": "j", "content": "\u00e9"}': "/content: not base64",
        '{"id": "k", "content": 7}': "/content: Input should be a valid string",
    }
    where = send(client, north, *reasons).json()["results"]
    told = [json.loads(each) for each in client.get(where, headers=north).text.splitlines()]
    assert [each["code"] for each in told] == ["batch.line"] * len(reasons)
    for each, reason in zip(told, reasons.values(), strict=True):
        assert each["detail"].startswith(reason), each
        assert "secret" not in each["detail"]
    table = client.get(where, headers={**north, "Accept": "text/csv"}).text
    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [row["error"] for row in rows] == ["batch.line"] * len(reasons)
    for row, reason in zip(rows, reasons.values(), strict=True):
        assert row["summary"].startswith(reason), row


def test_two_lines_of_one_id_are_one_and_a_refusal(
    client: TestClient, worklist: Worklist, services: Services, north: dict[str, str]
) -> None:
    lines = [line("a", b"one"), line("a", b"two"), '{"id": "b", "content": "***"}', line("b", b"three")]
    taken = send(client, north, *lines)
    do_all(worklist, services)
    told = [json.loads(each) for each in client.get(taken.json()["results"], headers=north).text.splitlines()]
    assert [(each["position"], each["id"], each["state"], each["code"]) for each in told] == [
        (0, "a", "done", None),
        (1, "a", "failed", "batch.same-id"),
        (2, "b", "failed", "batch.line"),
        (3, "b", "done", None),
    ]
    assert worklist.queue.open_count("south") == 0


def test_a_file_that_is_too_large_for_its_kind_is_no_job(
    worklist: Worklist, services: Services, north: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = TestClient(create_app(replace(services, worklist=worklist, body=BodyLimits(max_bytes=2**23))))
    limits = Limits().lowered({"image_bytes": 2**20, "video_bytes": 2**21})
    monkeypatch.setattr(worklist, "_settings", Settings(limits=limits))
    picture = b"\xff\xd8\xff\xe0".ljust(2**20 + 1, b"\0")
    film = b"\0\0\0\x14ftypisom\0\0\0\0isom".ljust(2**20 + 1, b"\0")
    told = problem(client.post("/v1/jobs", content=picture, headers=north), 413, "request.too-large")
    assert "at most 1 MiB of a picture or document are examined, 2 MiB of a clip or sound" in told["detail"]
    later = {**north, "Prefer": "respond-async"}
    problem(client.post("/v1/verify", content=picture, headers=later), 413, "request.too-large")
    assert worklist.queue.counts() == {}
    assert client.post("/v1/jobs", content=film, headers=north).status_code == 202
    taken = send(client, north, line("a", picture), line("b", b"two"))
    assert (taken.json()["items"], taken.json()["failed"]) == (2, 1)
    do_all(worklist, services)
    told = [json.loads(each) for each in client.get(taken.json()["results"], headers=north).text.splitlines()]
    assert [(each["id"], each["code"]) for each in told] == [("a", "media.too-large"), ("b", None)]


def test_the_results_of_a_batch_as_a_table_page_by_page(
    client: TestClient, worklist: Worklist, services: Services, north: dict[str, str]
) -> None:
    where = send(client, north, line("=cmd()", b"one"), line("b", b"two"), line("c", b"three")).headers["location"]
    do_all(worklist, services)
    accept = {**north, "Accept": "text/csv"}
    first = client.get(where + "/results?limit=2", headers=accept)
    assert first.headers["content-type"].startswith("text/csv")
    assert [row.split(",")[0] for row in first.text.splitlines()] == ["name", "'=cmd()", "b"]
    rest = client.get(first.headers["link"].partition(">")[0].removeprefix("<"), headers=accept)
    assert [row.split(",")[0] for row in rest.text.splitlines()] == ["name", "c"]
    assert "link" not in rest.headers


def test_a_batch_without_lines_or_with_too_many_is_refused(
    client: TestClient, north: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from waarmerk.api.routes import batches

    problem(send(client, north, "", " "), 400, "request.no-file")
    monkeypatch.setattr(batches, "MAX_ITEMS", 2)
    problem(send(client, north, "{}", "{}", "{}"), 422, "batch.too-many")
    monkeypatch.setattr(batches, "MAX_LINE_BYTES", 50)
    problem(send(client, north, "x" * 60), 422, "batch.too-many")


def test_a_batch_under_a_key_is_taken_once(client: TestClient, worklist: Worklist, north: dict[str, str]) -> None:
    headers = {**north, "Idempotency-Key": "k"}
    first, second = send(client, headers, line("a", b"x")), send(client, headers, line("a", b"x"))
    assert first.json() == second.json()
    problem(send(client, headers, line("a", b"y")), 422, "idempotency.other-body")
    assert worklist.queue.counts() == {State.WAITING: 1}


def test_the_same_file_a_hundred_times_at_once_is_one_job(
    client: TestClient, worklist: Worklist, keyring: Keyring
) -> None:
    """P9, through the door."""
    headers, answers = bearer(keyring, "south", Scope.VERIFY), list[Any]()

    def post() -> None:
        answers.append(client.post("/v1/jobs", content=b"the same", headers=headers))

    threads = [threading.Thread(target=post) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert worklist.queue.counts() == {State.WAITING: 1}
    assert len(list(worklist.keep.folder.iterdir())) == 2


def test_what_becomes_a_job_takes_no_facts_and_says_so(client: TestClient, north: dict[str, str]) -> None:
    form = {"files": {"file": b"x"}, "data": {"context": '{"jur": ["NL"]}'}, "headers": north}
    refused = (
        client.post("/v1/jobs", **form),
        client.post("/v1/verify", **{**form, "headers": north | {"prefer": "respond-async"}}),
    )
    for each in refused:
        assert problem(each, 422, "request.invalid")["errors"][0]["pointer"] == "/body/context"
    assert client.get("/v1/jobs", headers=north).json() == {"jobs": []}
