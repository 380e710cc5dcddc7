# SPDX-License-Identifier: Apache-2.0
"""The HTTP door: what comes in reaches the verifier whole, what is wrong is a problem document."""

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import pytest
from fastapi import APIRouter
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT
from tests.unit.api.conftest import LIMIT, Recorder, bearer, problem
from waarmerk.api import spool
from waarmerk.api.app import create_app
from waarmerk.api.auth import require_access_declared
from waarmerk.api.journal import Journal
from waarmerk.api.metrics import Metrics
from waarmerk.api.problems import EXPLAINED, KINDS
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import spool as spooling
from waarmerk.provenance.jobs.spool import Spooled
from waarmerk.provenance.settings import Settings


@pytest.mark.parametrize("room", [spool.MOST_IN_MEMORY, -1], ids=["in memory", "on a disk"])
def test_a_multipart_file_reaches_the_verifier_and_is_gone_afterwards(
    client: TestClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", room)
    response = client.post("/v1/verify", files={"file": ("../../evil.jpg", b"\xff\xd8abc", "text/html")})
    assert response.status_code == 200
    assert recorder.given == [{"data": b"\xff\xd8abc", "at": AT, "named": False, "names": 0, "settings": None}]
    (file,) = recorder.files
    assert isinstance(file, Spooled)
    assert file.in_memory is None if room < 0 else file.in_memory == b"\xff\xd8abc"
    if room < 0:
        assert "evil" not in str(file._on_disk()[1])
        assert not file._on_disk()[1].exists()


def test_a_raw_body_is_the_file(client: TestClient, recorder: Recorder) -> None:
    client.post("/v1/verify", content=b"abc", headers={"content-type": "image/jpeg"})
    assert recorder.given[0]["data"] == b"abc"


@pytest.mark.parametrize("path", ["/v1/verify", "/v1/verify?at=2027-01-01T00:00:00Z"])
def test_an_empty_file_is_a_file_however_it_comes(client: TestClient, recorder: Recorder, path: str) -> None:
    """As the command line gives a report of an empty file."""
    raw, form = client.post(path, content=b""), client.post(path, files={"file": ("a.jpg", b"")})
    assert (raw.status_code, form.status_code) == (200, 200)
    assert raw.json() == form.json()
    assert [given["data"] for given in recorder.given] == [b"", b""]


def test_the_clock_can_be_given(client: TestClient, recorder: Recorder) -> None:
    client.post("/v1/verify?at=2027-01-01T00:00:00Z", content=b"abc")
    assert recorder.given[0]["at"] == datetime(2027, 1, 1, tzinfo=UTC)
    for at in ("yesterday", "2026-01-01", "1700000000", "2026-01-01T00:00:00", "9999-12-31T23:59:59-14:00"):
        problem(client.post("/v1/verify", params={"at": at}, content=b"abc"), 422, "request.invalid")


def test_a_body_that_is_too_large_is_refused_while_it_streams(client: TestClient, recorder: Recorder) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1000

    problem(client.post("/v1/verify", content=endless()), 413, "request.too-large")
    problem(client.post("/v1/verify", files={"file": b"x" * (LIMIT + 1)}), 413, "request.too-large")
    assert recorder.files == []


def test_an_upload_for_which_there_is_no_room_is_refused_for_now(
    client: TestClient, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert client.post("/v1/verify", content=b"abc").status_code == 200  # it has memory
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", -1)
    problem(client.post("/v1/verify", content=b"abc"), 503, "service.full")
    problem(client.post("/v1/verify", files={"file": b"abc"}), 503, "service.full")
    assert len(recorder.files) == 1
    monkeypatch.setattr(tempfile, "tempdir", None)
    assert client.post("/v1/verify", content=b"abc").status_code == 200


@pytest.mark.parametrize("size", [3, 50_000], ids=["buffered", "written at once"])
def test_an_upload_that_a_disk_has_no_room_for_is_refused_before_it_is_examined(
    client: TestClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    @contextmanager
    def on_a_full_disk() -> Iterator[tuple[IO[bytes], Path]]:
        with open("/dev/full", "r+b") as file:  # noqa: PTH123 - as ``os.fdopen``
            yield file, Path("/dev/full")

    monkeypatch.setattr(spooling, "nameless_file", on_a_full_disk)
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", -1)
    problem(client.post("/v1/verify", content=b"x" * size), 503, "service.full")
    problem(client.post("/v1/verify", files={"file": b"x" * size}), 503, "service.full")
    assert recorder.files == []


def test_a_form_without_a_file_is_a_problem(client: TestClient, recorder: Recorder) -> None:
    problem(client.post("/v1/verify", files={"other": b"x"}), 400, "request.no-file")
    problem(client.post("/v1/verify", data={"file": "text"}, files={"x": b"y"}), 400, "request.no-file")
    broken = {"content-type": "multipart/form-data; boundary=x"}
    problem(client.post("/v1/verify", content=b"--y\r\nnonsense", headers=broken), 400, "request.form")
    many = [("file", b"x"), ("file", b"y")]
    two = problem(client.post("/v1/verify", files=many), 400, "request.form")
    assert "more than one file" in two["detail"]
    assert recorder.files == []


def test_a_fault_of_ours_tells_nothing_of_ours(client: TestClient, lines: list[str]) -> None:
    response = client.post("/v1/verify", content=b"fault")
    problem(response, 500, "internal.fault")
    assert "secret" not in response.text + "".join(lines)


def test_a_form_with_too_many_parts_is_refused(client: TestClient, recorder: Recorder) -> None:
    few = {f"field{n}": "x" for n in range(3)}
    assert client.post("/v1/verify", data=few, files={"file": b"x"}).status_code == 200
    problem(client.post("/v1/verify", data=few | {"more": "x"}, files={"file": b"x"}), 400, "request.form")
    head, tail = b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n', b"--x--\r\n"
    form = {"content-type": "multipart/form-data; boundary=x"}
    problem(client.post("/v1/verify", content=head * 1000 + tail, headers=form), 400, "request.form")
    assert len(recorder.files) == 1


def test_other_paths_and_methods_are_problems(client: TestClient) -> None:
    problem(client.get("/nothing"), 404, "http.404")
    problem(client.get("/v1/verify"), 405, "http.405")


def test_it_lives(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}


def test_the_description_is_the_committed_one(client: TestClient) -> None:
    committed = json.loads((ROOT / "api" / "waarmerk" / "api" / "openapi.json").read_text("utf-8"))
    assert client.get("/openapi.json").json() == committed, "run `python -m waarmerk.api.describe`"


def test_every_answer_has_the_id_of_its_request(client: TestClient) -> None:
    assert len(client.get("/livez").headers["x-request-id"]) == 32
    own = client.get("/livez", headers={"X-Request-ID": "abc-12345"})
    assert own.headers["x-request-id"] == "abc-12345"
    for hostile in ("short", "a" * 65, "a b c d e f", 'x"y"zzzzz'):
        assert client.get("/livez", headers={"X-Request-ID": hostile}).headers["x-request-id"] != hostile
    trace = "0af7651916cd43dd8448eb211c80319c"
    traced = client.get("/livez", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert traced.headers["x-request-id"] == trace


def test_a_head_that_is_too_large_is_refused(client: TestClient) -> None:
    problem(client.get("/livez", headers={"x": "y" * 16_400}), 431, "request.head-too-large")
    problem(client.get("/livez?" + "y" * 16_400), 431, "request.head-too-large")


def test_every_kind_of_problem_is_explained_where_its_type_points(client: TestClient) -> None:
    assert set(EXPLAINED) <= set(KINDS)
    for code, (status, title) in KINDS.items():
        told = client.get(f"/problems/{code}").json()
        assert told == {"code": code, "status": status, "title": title, "detail": told["detail"]}
        assert (told["detail"] is None) == (code not in EXPLAINED)
        assert "{" not in (told["detail"] or "")
    problem(client.get("/problems/none"), 404, "http.404")
    large = client.get("/problems/request.too-large").json()["detail"]
    assert all(size in large for size in ("100,000 bytes", "32 MiB", "512 MiB", "64 KiB")), large
    assert "16 KiB" in client.get("/problems/request.head-too-large").json()["detail"]


def test_the_tag_of_a_report_is_the_same_for_the_same_evidence(client: TestClient) -> None:
    first, second = (
        client.post("/v1/verify", params={"at": at}, content=b"abc").headers["etag"]
        for at in ("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z")
    )
    assert first == second
    assert first.startswith('W/"')


def test_a_request_is_one_line_of_log_with_nothing_of_the_file(client: TestClient, lines: list[str]) -> None:
    client.post("/v1/verify", files={"file": ("hush-hush.jpg", b"hush-hush", "image/hush-hush")})
    client.get("/hush-hush?hush-hush", headers={"hush-hush": "hush-hush"})
    assert "hush-hush" not in "".join(lines)
    first, second = map(json.loads, lines)
    assert (first["route"], first["status"], first["code"]) == ("/v1/verify", 200, "media.unreadable")
    assert first["verdict"] == "unknown/none"
    assert first["bytes"] > 9
    assert (second["route"], second["status"], second["code"]) == ("-", 404, "http.404")


def test_a_field_that_is_not_on_the_list_is_not_logged() -> None:
    with pytest.raises(ValueError, match="filename"):
        Journal(lambda line: None).write(filename="x")


def test_counters_are_for_operators_and_name_no_file(client: TestClient, keyring: Keyring) -> None:
    client.post("/v1/verify", content=b"abc")
    problem(client.get("/metrics"), 401, "auth.missing")
    told = client.get("/metrics", headers=bearer(keyring, "north", Scope.ADMIN)).text
    assert 'waarmerk_requests_total{method="POST",route="/v1/verify",status="200"} 1.0' in told
    assert 'waarmerk_faults_total{code="media.unreadable"} 1.0' in told
    assert "abc" not in told


class _Unusable:
    """What a pool does whose lists somebody damaged while the service runs."""

    def _refuse(self, *_given: Any, **_more: Any) -> Any:
        raise ConfigurationError("trust.no-certificates", "/secret/path: no certificate in it")

    verify = perform = _refuse

    async def attend(self, *given: Any, **more: Any) -> Any:
        return self._refuse(*given, **more)


@pytest.mark.parametrize("settings", [Settings(), Settings(detectors=("one",))], ids=["open", "guarded"])
def test_settings_that_became_unusable_are_said_to_the_operator_alone(settings: Settings) -> None:
    lines: list[str] = []
    services = Services(bench=_Unusable(), settings=settings, journal=Journal(lines.append))
    client = TestClient(create_app(services), raise_server_exceptions=False)
    refused = client.post("/v1/verify", content=b"abc")
    problem(refused, 503, "service.not-ready")
    assert int(refused.headers["retry-after"]) > 1
    assert "trust" not in refused.text
    events = [(told["event"], told["code"]) for told in map(json.loads, lines)]
    assert events == [("worker", "trust.no-certificates"), ("request", "service.not-ready")]
    assert "secret" not in "".join(lines)
    assert services.gate.taken == 0


def test_counters_do_not_grow_by_what_files_write() -> None:
    metrics = Metrics()
    for number in range(100):
        metrics.reported(origin="unknown", tier="none", code=f"written.{number}")
    metrics.reported(origin="unknown", tier="none", code="worker.answer")
    told = [line for line in metrics.exposition().decode().splitlines() if line.startswith("waarmerk_faults_total")]
    assert told == ['waarmerk_faults_total{code="other"} 100.0', 'waarmerk_faults_total{code="worker.answer"} 1.0']


def test_a_route_that_does_not_say_who_may_call_it_is_refused() -> None:
    router = APIRouter()

    @router.get("/open")
    async def anybody() -> str:
        return "x"

    with pytest.raises(ValueError, match="/open"):
        require_access_declared([router])


def test_no_answer_tells_which_release_this_is(client: TestClient) -> None:
    from importlib.metadata import version

    for path in ("/livez", "/readyz", "/openapi.json", "/nothing"):
        answer = client.get(path)
        assert version("waarmerk") not in answer.text
        assert "server" not in answer.headers


@pytest.mark.parametrize("kind", [b"image/jpeg", b"multipart/form-data; boundary=b"])
def test_who_leaves_in_the_middle_of_an_upload_is_no_fault_of_ours(
    services: Services, lines: list[str], kind: bytes
) -> None:
    messages = [{"type": "http.request", "body": b"--b\r\n", "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/verify", "query_string": b"", "http_version": "1.1"}
    scope |= {"headers": [(b"content-type", kind)], "client": ("192.0.2.1", 1), "scheme": "http", "server": ("x", 80)}
    asyncio.run(create_app(services)({**scope, "root_path": "", "raw_path": b"/v1/verify", "state": {}}, receive, send))
    assert [json.loads(line)["event"] for line in lines] == ["request"]
    assert json.loads(lines[0])["status"] == 499
    assert sent == []
    assert services.gate.held == 0


def test_the_framework_tells_nobody_what_was_asked(services: Services) -> None:
    """With an exporter in its environment it would send each request there; see ``create_app``."""
    assert not create_app(services)._native_telemetry.enabled()
    assert create_app(services)._telemetry["auto_configure"] is False
