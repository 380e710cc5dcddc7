# SPDX-License-Identifier: Apache-2.0
"""What is asked at ``/v1/verify`` has the same answer with and without the way past the framework."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.unit.api.conftest import LIMIT, Recorder, bearer
from waarmerk.api.app import create_app
from waarmerk.api.services import Services
from waarmerk.api.shortcut import Shortcut
from waarmerk.api.tenants import Keyring, Scope, Tenant

FORM = {"files": {"file": ("x.jpg", b"\xff\xd8abc")}}
ASKED: dict[str, dict[str, Any]] = {
    "form": FORM,
    "form with fields": FORM | {"data": {"a": "1", "b": "2"}},
    "form with too many": {"data": {str(number): "1" for number in range(5)}, **FORM},
    "raw": {"content": b"abc"},
    "empty": {"content": b""},
    "fault": {"content": b"fault"},
    "too large": {"content": b"x" * (LIMIT + 1)},
    "at": {"content": b"abc", "params": {"at": "2027-01-01T00:00:00Z"}},
    "at twice": {"content": b"abc", "params": {"at": ["2027-01-01T00:00:00Z", "2028-01-01T00:00:00+01:00"]}},
    "at empty": {"content": b"abc", "params": {"at": ""}},
    "at wrong": {"content": b"abc", "params": {"at": "yesterday"}},
    "unknown parameter": {"content": b"abc", "params": {"url": "https://example.org"}},
    "prefer": {"content": b"abc", "headers": {"prefer": "respond-async"}},
    "wrong key": {"content": b"abc", "headers": {"authorization": "Bearer nothing"}},
    "request id": {"content": b"abc", "headers": {"x-request-id": "one-that-is-given"}},
}


@pytest.fixture
def both(services: Services) -> Iterator[tuple[TestClient, TestClient]]:
    quick, plain = create_app(services), create_app(services)
    plain.user_middleware = [each for each in plain.user_middleware if each.cls is not Shortcut]
    assert len(quick.user_middleware) == len(plain.user_middleware) + 1
    with (
        TestClient(quick, raise_server_exceptions=False) as one,
        TestClient(plain, raise_server_exceptions=False) as other,
    ):
        yield one, other


@pytest.mark.parametrize("asked", ASKED)
def test_the_answer_is_the_same(both: tuple[TestClient, TestClient], recorder: Recorder, asked: str) -> None:
    got = [client.post("/v1/verify", **ASKED[asked]) for client in both]
    assert got[0].status_code == got[1].status_code
    assert _told(got[0]) == _told(got[1])
    assert len(recorder.given) in (0, 2)
    assert recorder.given[:1] == recorder.given[1:]


def test_a_key_is_the_same_to_both(
    both: tuple[TestClient, TestClient], keyring: Keyring, recorder: Recorder, lines: list[str]
) -> None:
    for tenant, scope, status in (("south", Scope.VERIFY, 200), ("south", Scope.LABEL, 403)):
        key = bearer(keyring, tenant, scope)
        assert [client.post("/v1/verify", content=b"abc", headers=key).status_code for client in both] == [status] * 2
    assert keyring.tenant("south") == Tenant(name="south")
    assert recorder.given[0] == recorder.given[1]
    assert recorder.given[0]["at"] == AT
    assert [line.count('"route": "/v1/verify"') for line in lines] == [1] * 4


def test_other_methods_and_paths_go_on(both: tuple[TestClient, TestClient]) -> None:
    for method, path in (("GET", "/v1/verify"), ("POST", "/v1/verify/"), ("DELETE", "/v1/verify"), ("GET", "/livez")):
        got = [client.request(method, path, follow_redirects=False) for client in both]
        assert got[0].status_code == got[1].status_code
        assert _told(got[0]) == _told(got[1])


def _told(answer: Any) -> tuple[dict[str, str], bytes]:
    """Headers and body, without what differs by design: an id of the request, the count of requests and its clock."""
    ids = answer.headers.get("x-request-id", "")
    counted = ("x-request-id", "ratelimit-remaining", "ratelimit-reset")
    headers = {name: value for name, value in answer.headers.items() if name not in counted}
    return headers, answer.content.replace(ids.encode(), b"ID")
