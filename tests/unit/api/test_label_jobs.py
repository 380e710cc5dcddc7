# SPDX-License-Identifier: Apache-2.0
"""Clips over HTTP and on the page: short ones at once, long ones as a job whose outcome waits a day, once."""

import base64
import hashlib
import io
import json
import sys
import wave
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import ROOT, Clock
from tests.own_keys import TODAY as AT
from tests.own_keys import write_tenant_keys
from tests.tenants import keyring_of
from tests.unit.api.conftest import bearer, problem
from tests.unit.api.test_desk import enter, send, token_of
from tests.unit.marking.test_clips import clip
from tests.unit.report.test_html import Page
from waarmerk.api import label_jobs, label_work
from waarmerk.api.app import create_app
from waarmerk.api.label_jobs import label_job
from waarmerk.api.label_work import LabelWork
from waarmerk.api.services import Services
from waarmerk.api.sessions import Sessions
from waarmerk.api.shelf import Shelf
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance import Settings, build_verifier
from waarmerk.provenance.credentials.signing_folder import load_folder
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs import bundle, labelling
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.job import Job
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.labelling import LabelOrder, label_apart
from waarmerk.provenance.jobs.queue import LEASE, Queue
from waarmerk.provenance.jobs.runner import Finished, Runner
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.registry import Ledger
from waarmerk.watermark import Key

pytest.importorskip("av", reason="the extra `video` is not installed")

ALL = ["watermark", "visible", "metadata", "credentials", "ledger"]
AI = {"ai": "generated", "label_lang": "nl"}


@pytest.fixture
def clock() -> Clock:
    return Clock(AT)


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return clip(tmp_path_factory.mktemp("clips") / "short.mp4").read_bytes()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Few frames, but more than half a minute: nobody waits for what plays so long."""
    return clip(tmp_path_factory.mktemp("clips") / "long.mp4", frames=45, rate=1).read_bytes()


@pytest.fixture
def house(tmp_path: Path) -> dict[str, Any]:
    return write_tenant_keys(tmp_path)


@pytest.fixture
def keyring(tmp_path: Path, house: dict[str, Any]) -> Iterator[Keyring]:
    with keyring_of(tmp_path, *(Tenant(name=name, settings=house) for name in ("delta", "gamma")), at=AT) as made:
        yield made


@pytest.fixture
def work(keyring: Keyring, tmp_path: Path, clock: Clock) -> LabelWork:
    keep = Keep(tmp_path / "labels", clock=clock)
    queue = Queue(keyring._database, spool=keep.id, clock=clock)
    queue.create()
    return LabelWork(queue, keep, version="1")


@pytest.fixture
def services(keyring: Keyring, work: LabelWork, clock: Clock, recorder: Any) -> Services:
    visits = Sessions(keyring, clock=clock)
    made = Services(bench=recorder, clock=clock, keyring=keyring, sessions=visits, shelf=Shelf(clock=clock))
    return replace(made, label_work=work)


@pytest.fixture
def desk(services: Services, work: LabelWork) -> tuple[Services, LabelWork]:
    return services, work


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services), raise_server_exceptions=False, follow_redirects=False) as made:
        yield made


@pytest.fixture
def delta(keyring: Keyring) -> dict[str, str]:
    return bearer(keyring, "delta", Scope.LABEL)


def ask_at_once(client: TestClient, headers: dict[str, str], data: bytes, **fields: str) -> Any:
    return client.post("/v1/label", files={"file": ("x", data)}, data=fields, headers=headers)


ask = ask_at_once


def later(client: TestClient, headers: dict[str, str], data: bytes, **fields: str) -> Any:
    return ask_at_once(client, {**headers, "Prefer": "respond-async"}, data, **fields)


def end(work: LabelWork, job: Job, done: Finished) -> None:
    """What a Runner does with what came of a job."""
    if done.code is None:
        work.queue.finish("test", job.number, result=done.result or {}, file=done.file, keep=done.keep)
    else:
        work.queue.fail("test", job.number, code=done.code, result=done.result)
    work.keep.drop(str(job.file))


def do_all(work: LabelWork, services: Services) -> None:
    while leased := work.queue.lease("test"):
        for job in leased:
            end(work, job, label_job(services, work, job))


def files(work: LabelWork) -> set[str]:
    return {path.name for path in work.keep.folder.iterdir()} - {"spool.id"}


def issued(services: Services) -> int:
    tenant = None if services.keyring is None else services.keyring.tenant("delta")
    assert tenant is not None
    with Database(str(tenant.settings["ledger"])).reading() as connection:
        return int(connection.exec_driver_sql("select count(*) from issuance").scalar_one())


def test_a_short_clip_is_labelled_while_the_caller_waits(
    client: TestClient, delta: dict[str, str], short: bytes, house: dict[str, Any], work: LabelWork
) -> None:
    answer = ask(client, delta, short, **AI, stands="start", **{"for": "own", "context": '{"jur": ["NL"]}'})
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["layers"], told["gaps"], told["unregistered"]) == (ALL, [], None)
    assert told["media_type"] == "video/mp4"
    data = base64.b64decode(told["content"])
    assert hashlib.sha256(data).hexdigest() == told["sha256"]
    assert told["report"]["asset"]["duration_seconds"] > 0
    assert told["report"]["verdict"]["origin"] == "ai-generated"
    assert told["report"]["credentials"]["integrity"] == "intact"
    assert told["remaining"]
    payload = bytes.fromhex(told["payload"])
    (key,) = Settings.from_json({**Settings().to_json(), "keys": house["keys"]}).keys
    assert Ledger(Path(house["ledger"])).find(Key.load(key).key_id, payload) is not None
    assert files(work) == set(), "nothing waits for anybody"


@pytest.mark.parametrize("length", ["short", pytest.param("long", marks=pytest.mark.slow)])
def test_a_long_clip_is_a_job_whose_file_waits_a_day(
    client: TestClient, delta: dict[str, str], request: pytest.FixtureRequest, clock: Clock, length: str
) -> None:
    services, work = request.getfixturevalue("desk")
    long: bytes = request.getfixturevalue(length)
    ask = later if length == "short" else ask_at_once
    taken = ask(client, delta, long, **AI)
    assert taken.status_code == 202, taken.text
    where = taken.headers["location"]
    assert (taken.json()["kind"], taken.json()["state"], taken.headers["retry-after"]) == ("label", "waiting", "2")
    assert ask(client, delta, long, **AI).json()["id"] == taken.json()["id"], "sent twice, labelled once"
    assert later(client, delta, long, **AI, visible="none").json()["id"] != taken.json()["id"]
    client.delete(later(client, delta, long, **AI, visible="none").headers["location"], headers=delta)
    problem(client.get(f"{where}/file", headers=delta), 404, "label.absent")
    do_all(work, services)
    done = client.get(where, headers=delta).json()
    assert (done["state"], done["code"], done["errors"]) == ("done", None, [])
    assert done["label"]["layers"] == ALL
    assert done["report"]["verdict"]["origin"] == "ai-generated"
    assert done["files"] == {"file": f"{where}/file"}
    assert "preview" not in str(done)
    file = client.get(f"{where}/file", headers=delta)
    assert file.headers["content-type"] == "video/mp4"
    assert file.headers["content-disposition"] == 'attachment; filename="labelled.mp4"'
    assert hashlib.sha256(file.content).hexdigest() == done["label"]["sha256"]
    assert len(file.content) == done["label"]["bytes"] == int(file.headers["content-length"])
    problem(client.get(f"{where}/sidecar", headers=delta), 404, "label.absent")
    again = ask(client, delta, long, **AI)
    assert (again.status_code, again.json()) == (200, done)
    assert (issued(services), len(files(work))) == (1, 1)
    clock.now += label_work.KEPT - timedelta(seconds=1)
    assert work.queue.sweep() == 0
    clock.now += timedelta(seconds=2)
    assert work.queue.sweep() == 1
    problem(client.get(where, headers=delta), 404, "job.unknown")
    work.keep.sweep(work.queue.files())
    assert files(work) == set()


def test_what_was_made_before_a_process_died_is_not_made_again(
    client: TestClient, delta: dict[str, str], short: bytes, desk: tuple[Services, LabelWork], clock: Clock
) -> None:
    services, work = desk
    where = later(client, delta, short, **AI, sidecar="true", allow_partial="true").headers["location"]
    (first,) = work.queue.lease("who dies")
    before = label_job(services, work, first)
    clock.now += LEASE + timedelta(seconds=1)
    (second,) = work.queue.lease("test")
    after = label_job(services, work, second)
    assert (second.attempts, after) == (2, before)
    assert issued(services) == 1
    end(work, second, after)
    assert not work.queue.finish("who dies", first.number, result=before.result or {}, file=before.file)
    done = client.get(where, headers=delta).json()
    file, sidecar = (client.get(done["files"][part], headers=delta).content for part in ("file", "sidecar"))
    assert hashlib.sha256(file).hexdigest() == done["label"]["sha256"]
    assert b"c2pa" in sidecar
    assert client.delete(where, headers=delta).status_code == 204
    assert files(work) == set()


def test_a_job_that_is_erased_while_it_is_done_is_written_down_nowhere(
    client: TestClient,
    delta: dict[str, str],
    short: bytes,
    desk: tuple[Services, LabelWork],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All is made and signed by then, and a moment later it would stand in ledger and registry."""
    services, work = desk
    where = later(client, delta, short, **AI).headers["location"]
    (job,) = work.queue.lease("test")
    asked: list[bool] = []
    is_there = LabelWork.is_there

    def erased_now(self: LabelWork, job: Job) -> bool:
        assert client.delete(where, headers=delta).status_code == 204
        asked.append(is_there(self, job))
        return asked[-1]

    monkeypatch.setattr(LabelWork, "is_there", erased_now)
    done = label_job(services, work, job)
    assert (asked, done.code, done.file) == ([False], "label.refused", None)
    tenant = None if services.keyring is None else services.keyring.tenant("delta")
    assert tenant is not None
    assert not Path(str(tenant.settings["ledger"])).exists()
    assert not Path(str(tenant.settings["registry"])).exists()
    assert files(work) == set()


def test_a_bundle_is_whole_or_not_there(work: LabelWork, tmp_path: Path) -> None:
    assert bundle.find(work.keep, "job") is None
    for damaged in (b"", b"waarmerk.bundle/1", bytes(8) + b"waarmerk.bundle/1", b"\xff" * 8 + b"waarmerk.bundle/1"):
        work.keep.path(bundle.name_for("job")).write_bytes(damaged)
        assert bundle.find(work.keep, "job") is None
    for told in (b"[]", b"{}", b"{", b"\xff", b'{"parts": {"file": [1]}, "told": {}}', b'{"parts": {}, "told": 1}'):
        damaged = told + len(told).to_bytes(8) + b"waarmerk.bundle/1"
        work.keep.path(bundle.name_for("job")).write_bytes(damaged)
        assert bundle.find(work.keep, "job") is None, told
    beyond = b'{"parts": {"file": [0, 1000]}, "told": {}}'
    work.keep.path(bundle.name_for("job")).write_bytes(beyond + len(beyond).to_bytes(8) + b"waarmerk.bundle/1")
    assert bundle.find(work.keep, "job") is None, "cut off"


def test_a_bundle_is_not_put_where_it_would_not_be_found(work: LabelWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "_MOST_TOLD", 40)
    assert bundle.put(work.keep, "small", {}, {"a": 1}).told == {"a": 1}
    with pytest.raises(StoreError):
        bundle.put(work.keep, "job", {}, {"a": "b" * 40})
    assert files(work) == {bundle.name_for("small")}


def test_a_clip_that_is_not_labelled_as_asked_says_why(
    client: TestClient, delta: dict[str, str], short: bytes, desk: tuple[Services, LabelWork], keyring: Keyring
) -> None:
    services, work = desk
    labelled = base64.b64decode(ask(client, delta, short, **AI).json()["content"])
    taken = later(client, delta, labelled, **AI)
    assert taken.status_code == 202
    do_all(work, services)
    told = client.get(taken.headers["location"], headers=delta).json()
    assert (told["state"], told["code"], told["label"], told["report"]) == ("failed", "label.refused", None, None)
    assert told["errors"][0]["detail"].startswith("label.labelled-already: ")
    assert files(work) == set()
    nothing = later(client, delta, b"no clip", **AI)
    do_all(work, services)
    assert client.get(nothing.headers["location"], headers=delta).json()["code"] == "label.unreadable"
    sent = enter(client_of(client), keyring, lang="nl")
    page = client.get(f"/label/job/{taken.json()['id']}?lang=nl")
    assert page.status_code == 422, page.text
    assert "label het origineel" in Page(page.text).text
    assert token_of(page.text) == sent


def client_of(client: TestClient) -> TestClient:
    client.follow_redirects = True
    return client


@pytest.mark.parametrize(
    "wish",
    [
        ({"ai": "generated", "label_lang": "tlh"}, "/body"),
        ({"ai": "generated", "context": '{"unheard": 1}'}, "/body/context"),
        ({"ai": "generated", "context": '{"role": "bystander"}'}, "/body/context"),
        ({"ai": "generated", "for": "nowhere"}, "/body/for"),
        ({"ai": "generated", "stands": "never"}, "/body/stands"),
        ({"ai": "none", "alt": "a canal"}, "/body"),
    ],
)
def test_wishes_that_are_none_are_told_before_anything_is_done(
    client: TestClient,
    delta: dict[str, str],
    wish: tuple[dict[str, str], str],
    work: LabelWork,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fields, where = wish
    monkeypatch.setattr(label_jobs, "labelled", lambda *given: pytest.fail("tried"))
    refused = problem(later(client, delta, b"any", **fields), 422, "request.invalid")
    assert refused["errors"][0]["pointer"] == where
    assert files(work) == set()
    assert problem(ask(client, delta, b"any", **fields), 422, "request.invalid")["errors"] == refused["errors"]
    if "role" in fields.get("context", ""):
        assert "deployer" in refused["errors"][0]["detail"], "what it could have been"


def test_a_service_without_jobs_says_what_takes_too_long(
    services: Services, delta: dict[str, str], long: bytes
) -> None:
    with TestClient(create_app(replace(services, label_work=None))) as client:
        told = problem(ask(client, delta, long, **AI), 422, "label.refused")
        assert told["errors"][0]["detail"].startswith("label.takes-long: ")


def test_jobs_are_for_their_tenant_and_scope(
    client: TestClient, delta: dict[str, str], keyring: Keyring, services: Services, work: LabelWork
) -> None:
    where = later(client, delta, b"any", ai="none").headers["location"]
    examines, other = bearer(keyring, "delta", Scope.VERIFY), bearer(keyring, "gamma", Scope.LABEL, Scope.VERIFY)
    for path in (where, f"{where}/file"):
        problem(client.get(path, headers=examines), 403, "auth.forbidden")
        problem(client.get(path, headers=other), 404, "job.unknown")
    problem(client.get(where), 404, "job.unknown")
    problem(client.get(f"{where}/file"), 401, "auth.missing")
    problem(client.delete(where, headers=examines), 403, "auth.forbidden")
    problem(client.delete(where, headers=other), 404, "job.unknown")
    assert client.delete(where, headers=delta).status_code == 204
    assert files(work) == set()


def test_an_empty_file_is_no_job(client: TestClient, delta: dict[str, str], work: LabelWork) -> None:
    later_on, at_once = (way(client, delta, b"", ai="none") for way in (later, ask))
    assert problem(later_on, 422, "label.unreadable")["errors"] == problem(at_once, 422, "label.unreadable")["errors"]
    assert files(work) == set()


def test_a_file_that_is_too_large_for_its_kind_is_no_job(
    services: Services, delta: dict[str, str], work: LabelWork, short: bytes
) -> None:
    limits = Limits().lowered({"image_bytes": 1000, "video_bytes": len(short)})
    app = create_app(replace(services, settings=Settings(limits=limits)))
    client = TestClient(app, raise_server_exceptions=False, follow_redirects=False)
    for large in (short + b"\0", b"\xff\xd8\xff\xe0".ljust(1001, b"\0")):
        told = problem(later(client, delta, large, **AI), 413, "request.too-large")
        assert told["detail"].startswith("at most 0 MiB of a picture")
    assert work.queue.counts() == {}
    assert files(work) == set()
    assert later(client, delta, short, **AI).status_code == 202


@pytest.mark.parametrize("limit", ["MOST_WAITING", "MOST_BYTES"])
def test_a_tenant_has_a_share_of_the_room(
    client: TestClient, delta: dict[str, str], keyring: Keyring, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(label_work, limit, 1)
    assert later(client, delta, b"first", ai="none").status_code == 202
    refused = later(client, delta, b"second", ai="none")
    problem(refused, *((429, "service.busy") if limit == "MOST_WAITING" else (503, "service.full")))
    assert int(refused.headers["retry-after"]) > 1
    assert later(client, bearer(keyring, "gamma", Scope.LABEL), b"second", ai="none").status_code == 202


def test_a_full_disk_takes_nothing_in(
    client: TestClient, delta: dict[str, str], monkeypatch: pytest.MonkeyPatch, work: LabelWork
) -> None:
    class Full:
        free = 0

    monkeypatch.setattr("waarmerk.api.label_work.shutil.disk_usage", lambda folder: Full)
    problem(later(client, delta, b"any", ai="none"), 503, "service.full")
    assert files(work) == set()


def test_a_large_clip_is_not_tried_while_somebody_waits(
    client: TestClient, delta: dict[str, str], short: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_jobs, "AT_ONCE_BYTES", 100)
    monkeypatch.setattr(label_jobs, "labelled", lambda *given: pytest.fail("tried"))
    assert ask(client, delta, short, **AI).status_code == 202


def test_on_the_page_a_long_clip_has_an_address(
    client: TestClient,
    keyring: Keyring,
    short: bytes,
    desk: tuple[Services, LabelWork],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, work = desk
    monkeypatch.setattr(label_jobs, "AT_ONCE_BYTES", 100)
    sent = enter(client_of(client), keyring, lang="nl")
    client.follow_redirects = False
    form = Page(client.get("/label?lang=nl").text)
    assert {"stands", "modality"} <= {str(field["name"]) for field in form.named("select")}
    taken = send(client, sent, short, lang="nl", ai="generated", label_lang="nl", stands="repeated")
    assert taken.status_code == 303, taken.text
    where = taken.headers["location"]
    waits = client.get(where)
    assert (waits.status_code, waits.headers["refresh"]) == (200, "5")
    page = Page(waits.text)
    assert page.open == []
    assert page.named("script") == []
    assert "Wacht op zijn beurt" in page.text
    stop = next(str(link["href"]) for link in page.named("a") if "watch=0" in str(link["href"]))
    assert "refresh" not in client.get(stop).headers
    do_all(work, services)
    done = client.get(where)
    assert "refresh" not in done.headers
    page = Page(done.text)
    assert page.open == []
    assert "Elke laag staat in het bestand" in page.text
    assert "Eén beeldje van het gelabelde filmpje" in page.text
    links = [str(link["href"]) for link in page.named("a") if "download" in link]
    file, record = (client.get(link) for link in links)
    assert hashlib.sha256(file.content).hexdigest() == record.json()["sha256"]
    assert record.json()["layers"] == ALL
    path = work.keep.folder.parent / "fetched.mp4"
    path.write_bytes(file.content)
    assert build_verifier(Settings(), at=AT).verify(path).verdict.origin.value == "ai-generated"
    with TestClient(client.app) as other:
        theirs = enter(other, keyring, "gamma")
        assert [other.get(each).status_code for each in (where, *links)] == [404] * 3
        erase = where.partition("?")[0] + "/erase"
        assert other.post(erase, data={"token": theirs}).status_code == 404
    with TestClient(client.app) as colleague:
        enter(colleague, keyring)
        assert colleague.get(links[0]).content == file.content
    assert client.post(erase, data={"token": "no"}).status_code == 403
    assert client.post(erase, data={"token": sent}).status_code == 303
    assert client.get(where).status_code == 404
    assert files(work) == set()


def test_on_the_page_a_short_clip_is_answered(client: TestClient, keyring: Keyring, short: bytes) -> None:
    sent = enter(client_of(client), keyring)
    owed = client.post("/label/owed", data={"token": sent, "ai": "generated", "modality": "video", "jur": "NL"})
    assert owed.status_code == 200
    assert client.post("/label/owed", data={"token": sent, "ai": "generated", "modality": "x"}).status_code == 422
    answer = send(client, sent, short, ai="none")
    assert answer.status_code == 200, answer.text
    assert "Signed, without a label" in answer.text
    assert 'labelled.mp4"' in client.get(str(link_to(answer))).headers["content-disposition"]


def link_to(answer: Any) -> object:
    return next(link["href"] for link in Page(answer.text).named("a") if "download" in link)


def test_an_erased_job_leaves_nothing_when_it_ends(work: LabelWork, clock: Clock, tmp_path: Path) -> None:
    """Its file was being labelled while its owner erased it."""
    from tests.unit.jobs.conftest import job

    (tmp_path / "sent").write_bytes(b"sent")
    name, _, _ = work.keep.put(tmp_path / "sent")
    taken, _ = work.queue.submit(job(file=name))
    (tmp_path / "made").write_bytes(b"made")

    def labels(leased: Job) -> Finished:
        file = work.queue.remove(leased.id, tenant=leased.tenant)
        work.keep.drop(str(file))
        made, _, _ = work.keep.put(tmp_path / "made")
        return Finished(result={}, file=made)

    (leased,) = work.queue.lease("x")
    assert leased.id == taken.id
    Runner(work.queue, work.keep, labels)._do(leased)
    assert files(work) == set()


_DIES = (sys.executable, "-c", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")


def _once_then(monkeypatch: pytest.MonkeyPatch, *commands: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Each process that is started takes the next of ``commands``, the last for good; what was started."""
    started: list[tuple[str, ...]] = []
    real = labelling.Worker

    def begun(command: tuple[str, ...], *given: Any) -> Any:
        chosen = commands[min(len(started), len(commands) - 1)] or command
        started.append(chosen)
        return real(chosen, *given)

    monkeypatch.setattr(labelling, "Worker", begun)
    return started


def _run(work: LabelWork, services: Services, *, times: int) -> None:
    runner = Runner(work.queue, work.keep, lambda job: label_job(services, work, job))
    for _ in range(times):
        for job in work.queue.lease(runner._owner):
            runner._do(job)


def test_a_process_that_is_killed_is_tried_again(
    client: TestClient,
    delta: dict[str, str],
    short: bytes,
    desk: tuple[Services, LabelWork],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services, work = desk
    where = later(client, delta, short, **AI).headers["location"]
    started = _once_then(monkeypatch, _DIES, ())
    _run(work, services, times=2)
    done = client.get(where, headers=delta).json()
    assert (done["state"], done["attempts"], done["errors"], len(started)) == ("done", 2, [], 2)


def test_three_that_are_killed_are_enough_and_it_is_said_why(
    client: TestClient, delta: dict[str, str], short: bytes, request: pytest.FixtureRequest, clock: Clock
) -> None:
    (services, work), capsys = request.getfixturevalue("desk"), request.getfixturevalue("capsys")
    monkeypatch = request.getfixturevalue("monkeypatch")
    started = _once_then(monkeypatch, _DIES)
    killed = later(client, delta, short, **AI).headers["location"]
    _run(work, services, times=9)
    told = client.get(killed, headers=delta).json()
    assert (told["state"], told["code"], told["attempts"], len(started)) == ("failed", "label.failed", 3, 3)
    assert [each["detail"].partition(":")[0] for each in told["errors"]] == ["worker.crashed"]
    capsys.readouterr()
    assert problem(ask(client, delta, short, **AI), 422, "label.failed")["errors"] == told["errors"]
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    at = clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [each for each in logged if each["event"] == "worker"] == [
        {"at": at, "event": "worker", "code": "worker.crashed"}
    ]


@pytest.mark.parametrize("code", ["job.poison", "job.expired", "job.file-gone", "tenant.unknown", "unheard.of"])
def test_a_job_that_failed_says_why(client: TestClient, delta: dict[str, str], work: LabelWork, code: str) -> None:
    where = later(client, delta, b"any", ai="none").headers["location"]
    assert client.get(where, headers=delta).json()["errors"] == []
    (job,) = work.queue.lease("test")
    assert work.queue.fail("test", job.number, code=code)
    (error,) = client.get(where, headers=delta).json()["errors"]
    assert error["pointer"] == ""
    assert error["detail"] == code if code == "unheard.of" else error["detail"].startswith(f"{code}: ")


def test_a_link_is_no_labelled_file(house: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who takes the process over is not given files of the service in place of what was labelled."""
    told = dict.fromkeys(
        (
            "layers",
            "gaps",
            "losses",
            "notes",
            "personal",
            "words",
            "corner",
            "on_detail",
            "payload",
            "registered",
            "remaining",
        )
    )
    told["report"] = {}  # type: ignore[assignment]
    script = "import os; from waarmerk.provenance.jobs.frames import *\n"
    script += "from waarmerk.provenance.jobs.line import next_line\nreceive(0); line = next_line(); line.task()\n"
    script += f"os.symlink({str(house['signing'])!r} + '/leaf.pem', 'labelled')\n"
    script += f"send(line.fileno(), {{'answer': {told!r}}})"
    monkeypatch.setattr("waarmerk.provenance.jobs.labelling.COMMAND", (sys.executable, "-c", script))
    (tmp_path / "in.mp4").write_bytes(b"any")
    order = LabelOrder(source=tmp_path / "in.mp4", at=AT, settings=Settings(), registry=None, is_later=True)
    done = label_apart(order, load_folder(Path(house["signing"])))
    assert (done.file, done.code) == (None, "worker.answer")


def test_sound_is_labelled_as_far_as_it_can_be(client: TestClient, delta: dict[str, str]) -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setparams((1, 2, 8000, 0, "NONE", "NONE"))
        made.writeframes(bytes(range(256)) * 100)
    sound = out.getvalue()
    signed = ask(client, delta, sound, ai="none")
    assert (signed.status_code, signed.json()["layers"]) == (200, ["credentials"])
    told = problem(ask(client, delta, sound, ai="generated"), 422, "label.refused")
    assert "label.not-spoken" in str(told["errors"])


def test_what_does_not_fit_into_an_answer_is_a_job(
    client: TestClient, delta: dict[str, str], services: Services, monkeypatch: pytest.MonkeyPatch, work: LabelWork
) -> None:
    picture = (ROOT / "samples" / "media" / "camera-capture.jpg").read_bytes()
    monkeypatch.setattr("waarmerk.provenance.jobs.labelling.AT_ONCE_BYTES", 1000)
    taken = ask(client, delta, picture, **AI)
    assert taken.status_code == 202, taken.text
    house = services.keyring.tenant("delta") if services.keyring else None
    assert house is not None
    assert not Path(str(house.settings["ledger"])).exists() or issued(services) == 0, "nothing remembers it yet"
    do_all(work, services)
    told = client.get(taken.headers["location"], headers=delta).json()
    assert len(client.get(told["files"]["file"], headers=delta).content) == told["label"]["bytes"] > 1000


def test_the_page_does_not_try_what_is_large(
    client: TestClient, keyring: Keyring, short: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_jobs, "AT_ONCE_BYTES", 100)
    monkeypatch.setattr(label_jobs, "labelled", lambda *given: pytest.fail("tried"))
    sent = enter(client_of(client), keyring)
    client.follow_redirects = False
    assert send(client, sent, short, ai="generated").status_code == 303
