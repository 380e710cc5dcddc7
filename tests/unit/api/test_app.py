# SPDX-License-Identifier: Apache-2.0
"""The HTTP door: what comes in reaches the verifier whole, what is wrong is a problem document."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT
from waarmerk.api.app import create_app

LIMIT = 100_000


class Recorder:
    """A verifier that says what it was given."""

    def __init__(self) -> None:
        self.paths: list[Path] = []

    def __call__(self, path: Path, *, at: datetime, named: bool) -> dict[str, Any]:
        self.paths.append(path)
        if path.read_bytes() == b"fault":
            raise RuntimeError("secret /path")
        names = path.stat().st_nlink
        return {"bytes": path.read_bytes().decode("latin-1"), "at": at.isoformat(), "named": named, "names": names}


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def client(recorder: Recorder, tmp_path: Path) -> Iterator[TestClient]:
    app = create_app(recorder, version="0", clock=lambda: AT, max_body_bytes=LIMIT)
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def problem(response: Any, status: int, code: str) -> None:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    assert set(body) >= {"type", "title", "status", "detail"}


def test_a_multipart_file_reaches_the_verifier_and_is_gone_afterwards(client: TestClient, recorder: Recorder) -> None:
    response = client.post("/v1/verify", files={"file": ("../../evil.jpg", b"\xff\xd8abc", "text/html")})
    assert response.status_code == 200
    assert response.json() == {"bytes": "ÿØabc", "at": AT.isoformat(), "named": False, "names": 0}
    assert "evil" not in str(recorder.paths[0])
    assert not recorder.paths[0].exists()


def test_a_raw_body_is_the_file(client: TestClient) -> None:
    response = client.post("/v1/verify", content=b"abc", headers={"content-type": "image/jpeg"})
    assert response.json()["bytes"] == "abc"


def test_the_clock_can_be_given(client: TestClient) -> None:
    response = client.post("/v1/verify?at=2027-01-01T00:00:00Z", content=b"abc")
    assert response.json()["at"] == "2027-01-01T00:00:00+00:00"
    for at in ("yesterday", "2026-01-01", "1700000000", "2026-01-01T00:00:00", "9999-12-31T23:59:59-14:00"):
        problem(client.post("/v1/verify", params={"at": at}, content=b"abc"), 422, "request.invalid")


def test_a_body_that_is_too_large_is_refused_while_it_streams(client: TestClient, recorder: Recorder) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(1000):
            yield b"x" * 1000

    problem(client.post("/v1/verify", content=endless()), 413, "request.too-large")
    problem(client.post("/v1/verify", files={"file": b"x" * (LIMIT + 1)}), 413, "request.too-large")
    assert recorder.paths == []


def test_a_form_without_a_file_is_a_problem(client: TestClient, recorder: Recorder) -> None:
    problem(client.post("/v1/verify", files={"other": b"x"}), 400, "request.no-file")
    problem(client.post("/v1/verify", data={"file": "text"}, files={"x": b"y"}), 400, "request.no-file")
    broken = {"content-type": "multipart/form-data; boundary=x"}
    problem(client.post("/v1/verify", content=b"--y\r\nnonsense", headers=broken), 400, "request.form")
    many = [("file", b"x"), ("file", b"y")]
    problem(client.post("/v1/verify", files=many), 400, "request.form")
    assert recorder.paths == []


def test_a_fault_of_ours_tells_nothing_of_ours(client: TestClient, tmp_path: Path) -> None:
    response = client.post("/v1/verify", content=b"fault")
    problem(response, 500, "internal.fault")
    assert "secret" not in response.text
    assert list(tmp_path.iterdir()) == []


def test_other_paths_and_methods_are_problems(client: TestClient) -> None:
    problem(client.get("/nothing"), 404, "http.404")
    problem(client.get("/v1/verify"), 405, "http.405")


def test_it_lives(client: TestClient) -> None:
    assert client.get("/livez").json() == {"status": "ok"}


def test_the_description_is_the_committed_one(client: TestClient) -> None:
    committed = json.loads((ROOT / "api" / "waarmerk" / "api" / "openapi.json").read_text("utf-8"))
    assert client.get("/openapi.json").json() == committed, "run `python -m waarmerk.api.describe`"
