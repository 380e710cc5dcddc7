# SPDX-License-Identifier: Apache-2.0
"""Large files on the page: a job, a page that says how far it is, the answer, and nothing after an hour."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT, Clock
from tests.unit.api.conftest import Recorder, bearer
from tests.unit.report.test_html import Page
from waarmerk.api.app import create_app
from waarmerk.api.examining import examine_job
from waarmerk.api.routes import page as page_route
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.api.worklist import STRANGERS_KEEP, STRANGERS_WAITING, Worklist
from waarmerk.provenance import Pool, Settings
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue

MEDIA = ROOT / "samples" / "media"
LARGE = b"x" * 2000


@pytest.fixture
def worklist(keyring: Keyring, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Worklist:
    monkeypatch.setattr(page_route, "LONG_BYTES", 1000)
    keep = Keep(tmp_path / "spool", clock=clock)
    queue = Queue(keyring._database, spool=keep.id, clock=clock)
    queue.create()
    return Worklist(queue, keep, settings=Settings(), version="1", secret=bytes(32))


@pytest.fixture
def client(services: Services, worklist: Worklist) -> Iterator[TestClient]:
    made = create_app(replace(services, worklist=worklist))
    with TestClient(made, raise_server_exceptions=False, follow_redirects=False) as client:
        yield client


def do_all(worklist: Worklist, services: Services) -> None:
    while leased := worklist.queue.lease("test"):
        for job in leased:
            worklist.queue.finish("test", job.number, result=examine_job(services, worklist.keep, job).result or {})
            worklist.keep.drop(str(job.file))


def sent(client: TestClient, data: bytes = LARGE, **params: str) -> str:
    answer = client.post("/", files={"file": ("x", data)}, data={"jur": "NL"}, params={"lang": "nl", **params})
    assert answer.status_code == 303, answer.text
    assert "set-cookie" not in answer.headers
    return str(answer.headers["location"])


@pytest.mark.parametrize("form", ["page", "fragment"])
def test_a_large_file_waits_is_examined_and_told(
    client: TestClient, worklist: Worklist, services: Services, recorder: Recorder, form: str
) -> None:
    where = sent(client, **{"as": form})
    waits = client.get(where)
    assert (waits.status_code, waits.headers["refresh"]) == (200, "5")
    assert waits.headers["cache-control"] == "no-store"
    page = Page(waits.text)
    assert page.open == []
    assert "Wacht op zijn beurt" in page.text
    assert page.named("script") == []
    stop = next(str(link["href"]) for link in page.named("a") if "watch=0" in str(link["href"]))
    assert "refresh" not in client.get(stop).headers
    worklist.queue.lease("somebody")
    assert "Wordt onderzocht" in client.get(where).text
    worklist.queue.give_back("somebody", 1)
    do_all(worklist, services)
    done = client.get(where)
    assert "refresh" not in done.headers
    page = Page(done.text)
    assert page.open == []
    assert "Niet onderzocht" in page.text  # what the bench of these tests says of everything
    assert recorder.given[0]["data"] == LARGE
    assert 'value="NL"' in done.text, "what was answered stands in the form"
    assert [path.name for path in worklist.keep.folder.iterdir()] == ["spool.id"]
    job = where.partition("?")[0].rpartition("/")[2]
    told = client.get(f"/v1/jobs/{job}").json()
    assert told["report"]["format"] == "waarmerk.report/1"
    assert "dossier" not in str(told)


def test_a_small_file_is_answered_at_once(client: TestClient) -> None:
    assert client.post("/", files={"file": b"x" * 900}).status_code == 200


def test_no_address_of_a_job_is_logged(client: TestClient, lines: list[str]) -> None:
    where = sent(client)
    client.get(where)
    assert len(lines) == 2
    assert where.partition("?")[0].rpartition("/")[2] not in "".join(lines)


def test_after_an_hour_or_at_once_it_is_gone(
    client: TestClient, worklist: Worklist, services: Services, clock: Clock
) -> None:
    erased, kept = sent(client), sent(client)
    client.get(kept)
    assert erased != kept, "nothing ties two strangers together"
    do_all(worklist, services)
    job = erased.partition("?")[0]
    assert client.post(f"{job}/erase?lang=nl").headers["location"] == "/?lang=nl"
    for method, address in (("GET", erased), ("POST", f"{job}/erase?lang=nl"), ("GET", "/job/x?lang=nl")):
        answer = client.request(method, address)
        assert (answer.status_code, "niet meer" in answer.text) == (404, True)
    assert client.get(kept).status_code == 200
    clock.now += STRANGERS_KEEP + timedelta(seconds=1)
    worklist.queue.sweep()
    assert client.get(kept).status_code == 404


def test_a_job_of_a_tenant_is_not_shown_to_others(
    client: TestClient, keyring: Keyring, worklist: Worklist, services: Services
) -> None:
    mine, other = bearer(keyring, "south", Scope.VERIFY), bearer(keyring, "north", Scope.VERIFY)
    answer = client.post("/", files={"file": LARGE}, headers=mine)
    where = answer.headers["location"]
    do_all(worklist, services)
    assert client.get(where, headers=mine).status_code == 200
    assert client.get(where, headers=other).status_code == 404
    assert client.get(where).status_code == 404
    assert client.post(f"{where.partition('?')[0]}/erase").status_code == 404


def test_what_nobody_could_examine_and_a_full_list_are_told(
    client: TestClient, worklist: Worklist, clock: Clock
) -> None:
    where = sent(client)
    (job,) = worklist.queue.lease("somebody")
    worklist.queue.fail("somebody", job.number, code="job.poison")
    answer = client.get(where)
    assert "refresh" not in answer.headers
    assert "kon hier niet worden onderzocht" in answer.text
    for _ in range(STRANGERS_WAITING):
        sent(client)
    full = client.post("/", files={"file": LARGE}, params={"lang": "nl"})
    assert (full.status_code, "druk" in full.text) == (429, True)


def test_the_answer_is_that_of_a_file_examined_at_once(keyring: Keyring, worklist: Worklist, tmp_path: Path) -> None:
    data = (MEDIA / "ai-edited.jpg").read_bytes()
    with Pool(Settings(trust=ROOT / "samples" / "trust").to_json(), size=1) as pool:
        services = Services(bench=pool, clock=lambda: AT, keyring=keyring, worklist=worklist)
        with TestClient(create_app(services)) as client:
            asked = {"params": {"lang": "en"}, "data": {"jur": "NL", "role": "deployer"}}
            later = client.post("/", files={"file": data}, **asked)  # type: ignore[arg-type]
            where = str(later.url)
            do_all(worklist, services)
            later = client.get(where)
            pdf = client.get(where + "&as=pdf")
            page_route.LONG_BYTES = 10**9
            at_once = client.post("/", files={"file": data}, **asked)  # type: ignore[arg-type]
    assert later.text == at_once.text
    assert "made from (parentOf)" in later.text
    assert pdf.content.startswith(b"%PDF-")
    found = next(str(a["href"]) for a in Page(later.text).named("a") if a.get("download") == "report.json")
    report: dict[str, Any] = json.loads(base64.b64decode(found.partition(",")[2]))
    assert report["verdict"]["origin"] == "ai-modified"
