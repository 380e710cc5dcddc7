# SPDX-License-Identifier: Apache-2.0
"""Who may call what: every route against every kind of caller, keys that are kept as hashes, quotas."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute, Mount
from starlette.testclient import TestClient

from tests.conftest import AT
from tests.unit.api.conftest import Recorder, Seconds, bearer, problem
from waarmerk.api.app import ROUTERS
from waarmerk.api.tenants import Keyring, Scope, Tenant, service_secret
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.settings import Settings

# method, path -> the scopes that may call it; None: strangers too. A route that is not here is a failure.
MATRIX: dict[tuple[str, str], set[Scope] | None] = {
    ("POST", "/v1/verify"): None,
    ("POST", "/v1/jobs"): {Scope.VERIFY},
    ("GET", "/v1/jobs"): {Scope.VERIFY},
    ("GET", "/v1/jobs/{job}"): None,
    ("DELETE", "/v1/jobs/{job}"): None,
    ("GET", "/v1/jobs/{job}/{part}"): {Scope.LABEL},
    ("POST", "/v1/batches"): {Scope.VERIFY},
    ("GET", "/v1/batches/{batch}"): {Scope.VERIFY},
    ("GET", "/v1/batches/{batch}/results"): {Scope.VERIFY},
    ("POST", "/v1/decide"): None,
    ("POST", "/v1/label"): {Scope.LABEL},
    ("POST", "/v1/registry/match"): {Scope.REGISTRY},
    ("GET", "/v1/registry/match"): {Scope.REGISTRY},
    ("GET", "/v1/registry/entries"): {Scope.REGISTRY},
    ("GET", "/v1/registry/entries/{entry}"): {Scope.REGISTRY},
    ("POST", "/v1/registry/entries/{entry}/state"): {Scope.REGISTRY},
    ("POST", "/v1/disputes"): None,
    ("GET", "/v1/disputes"): {Scope.REGISTRY},
    ("GET", "/v1/disputes/{dispute}"): None,
    ("DELETE", "/v1/disputes/{dispute}"): None,
    ("POST", "/v1/disputes/{dispute}/answer"): {Scope.REGISTRY},
    ("GET", "/v1/matches/byBinding"): None,
    ("POST", "/v1/matches/byBinding"): None,
    ("POST", "/v1/matches/byContent"): None,
    ("GET", "/v1/manifests/{manifestId}"): None,
    ("GET", "/v1/services/supportedAlgorithms"): None,
    ("GET", "/v1/services/capabilities"): None,
    ("GET", "/v1/services/status"): None,
    ("GET", "/.well-known/c2pa-soft-binding-resolution"): None,
    ("GET", "/livez"): None,
    ("GET", "/readyz"): None,
    ("GET", "/metrics"): {Scope.ADMIN},
    ("GET", "/problems/{code}"): None,
    ("GET", "/"): None,
    ("POST", "/"): None,
    ("GET", "/job/{job}"): None,
    ("POST", "/job/{job}/erase"): None,
    ("GET", "/static/{name}"): None,
}

# Pages that open to a visit in which a key for labels was shown, and to nothing else: no header, no other scope.
VISITS = {
    ("GET", "/label"),
    ("POST", "/label"),
    ("POST", "/label/owed"),
    ("POST", "/label/end"),
    ("GET", "/label/kept/{bundle}/{part}"),
    ("GET", "/label/job/{job}"),
    ("GET", "/label/job/{job}/{part}"),
    ("POST", "/label/job/{job}/erase"),
}
DOOR = ("POST", "/label/key")


def routes() -> set[tuple[str, str]]:
    return {
        (method, route.path)
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }


def test_nothing_is_served_that_the_matrix_does_not_name(client: TestClient) -> None:
    """Whatever is added to the application beside its routers would be added beside the check of who may call it."""
    app = client.app
    assert isinstance(app, FastAPI)
    known = {path for _, path in routes()}
    beside = [route for route in flat(app.routes) if getattr(route, "path", None) not in known]
    assert {getattr(route, "path", type(route).__name__) for route in beside} <= {"/openapi.json"}
    assert not any(isinstance(route, Mount) for route in flat(app.routes))


def flat(found: Iterable[BaseRoute]) -> Iterator[BaseRoute]:
    """Routes, those inside included routers too."""
    for route in found:
        inner = getattr(route, "original_router", None)
        if inner is None:
            yield route
        else:
            yield from flat(inner.routes)


def test_the_matrix_names_every_route() -> None:
    assert routes() == {*MATRIX, *VISITS, DOOR}


@pytest.mark.parametrize(("method", "path"), sorted(MATRIX))
def test_a_route_lets_in_whom_it_should_and_nobody_else(
    method: str, path: str, client: TestClient, keyring: Keyring
) -> None:
    allowed = MATRIX[method, path]
    address = path.replace("{", "").replace("}", "")
    stranger = client.request(method, address)
    assert (stranger.status_code == 401) == (allowed is not None)
    for scope in Scope if allowed is not None else ():
        answer = client.request(method, address, headers=bearer(keyring, "south", scope))
        assert (answer.status_code == 403) == (scope not in allowed), (scope, answer.text)


@pytest.mark.parametrize(("method", "path"), sorted(VISITS))
def test_pages_for_labels_open_to_a_visit_with_a_key_for_labels(
    method: str, path: str, client: TestClient, keyring: Keyring
) -> None:
    address = path.replace("{", "").replace("}", "")
    assert client.request(method, address).status_code == 401
    for scope in Scope:
        assert client.request(method, address, headers=bearer(keyring, "south", scope)).status_code == 401, scope
        shown = bearer(keyring, "south", scope)["Authorization"].removeprefix("Bearer ")
        form = {"key": shown, "token": re.findall(r'name="token" value="([^"]+)', client.get("/label").text)[0]}
        let_in = client.post("/label/key", data=form, follow_redirects=False).status_code
        assert let_in == (303 if scope is Scope.LABEL else 403)
        status = client.request(method, address).status_code
        assert (status == 401) == (scope is not Scope.LABEL), (scope, status)
        client.cookies.clear()


def test_a_key_is_shown_once_and_kept_as_a_hash(keyring: Keyring, tmp_path: Path) -> None:
    key = keyring.add_key("north", [Scope.VERIFY], at=AT)
    assert key not in str(keyring.keys())
    held = b"".join(path.read_bytes() for path in tmp_path.glob("service.sqlite*"))
    assert key.split("_", 2)[2].encode() not in held
    assert key.split("_")[1].encode() in held
    assert (tmp_path / "service.sqlite").stat().st_mode & 0o077 == 0


def test_another_secret_of_the_service_opens_nothing(keyring: Keyring) -> None:
    key = keyring.add_key("north", [Scope.VERIFY], at=AT)
    assert keyring.find(key) is not None
    other = Keyring(keyring._database, bytes(31) + b"x", monotonic=Seconds())
    assert other.find(key) is None


@pytest.mark.parametrize(
    "damage", [lambda k: k[:-1] + "A", lambda k: k + "A", lambda k: k.upper(), lambda k: "", str.title]
)
def test_a_key_that_is_nearly_right_is_not(damage: object, keyring: Keyring, client: TestClient) -> None:
    key = keyring.add_key("north", list(Scope), at=AT)
    given = damage(key)  # type: ignore[operator]
    assert keyring.find(given) is None or given == key
    if given != key:
        header = {"Authorization": f"Bearer {given}"}
        answer = client.get("/livez", headers=header)
        problem(answer, 401, "auth.unknown-key")
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_what_is_no_key_is_refused_not_ignored(client: TestClient) -> None:
    for header in ("Basic eDp5", "Bearer", "wm_x", "Bearer " + "x" * 1000):
        problem(client.get("/livez", headers={"Authorization": header}), 401, "auth.unknown-key")


def test_a_revoked_key_ends_within_seconds_on_other_hosts_and_at_once_here(keyring: Keyring, seconds: Seconds) -> None:
    key = keyring.add_key("north", [Scope.VERIFY], at=AT)
    elsewhere = Keyring(keyring._database, bytes(32), monotonic=seconds)
    assert keyring.find(key)
    assert elsewhere.find(key)
    keyring.revoke(key.split("_")[1], at=AT)
    assert keyring.find(key) is None
    seconds.seconds = 5.1
    assert elsewhere.find(key) is None
    with pytest.raises(ConfigurationError, match="no key"):
        keyring.revoke(key.split("_")[1], at=AT)


def test_a_tenant_has_a_plain_name_of_its_own_and_a_key_a_scope(keyring: Keyring) -> None:
    for name in ("", "North", "a/b", "x" * 64, "-a"):
        with pytest.raises(ConfigurationError, match="named"):
            keyring.add_tenant(Tenant(name=name), at=AT)
    with pytest.raises(ConfigurationError, match="already"):
        keyring.add_tenant(Tenant(name="north"), at=AT)
    with pytest.raises(ConfigurationError, match="unknown setting"):
        keyring.add_tenant(Tenant(name="west", settings={"kyes": []}), at=AT)
    with pytest.raises(ConfigurationError, match="no tenant"):
        keyring.add_key("west", [Scope.VERIFY], at=AT)
    with pytest.raises(ConfigurationError, match="scope"):
        keyring.add_key("north", [], at=AT)


def test_files_of_a_tenant_are_examined_with_its_settings(
    client: TestClient, keyring: Keyring, recorder: Recorder
) -> None:
    for tenant in ("north", "south"):
        client.post("/v1/verify", content=b"x", headers=bearer(keyring, tenant, Scope.VERIFY))
    client.post("/v1/verify", content=b"x")
    north, south, nobody = (given["settings"] for given in recorder.given)
    assert north["platforms"] == ["youtube"]
    assert south["platforms"] == []
    assert nobody is None


def test_a_tenant_inherits_rules_and_lists_but_never_keys() -> None:
    base = Settings(keys=(Path("/k"),), ledger=Path("/l"), trust=Path("/t"), rule_packs=(Path("/r"),))
    got = Tenant(name="x", settings={"keys": ["/own"]}).profile(base)
    assert (got.keys, got.ledger) == ((Path("/own"),), None)
    assert (got.trust, got.rule_packs) == (Path("/t"), (Path("/r"),))


def test_a_key_without_the_scope_gets_no_report(client: TestClient, keyring: Keyring, recorder: Recorder) -> None:
    problem(
        client.post("/v1/verify", content=b"x", headers=bearer(keyring, "north", Scope.LABEL)), 403, "auth.forbidden"
    )
    assert not recorder.files


def test_who_asks_too_often_is_told_when_to_come_back(client: TestClient, keyring: Keyring) -> None:
    header = bearer(keyring, "north", Scope.VERIFY)  # five a minute
    answers = [client.post("/v1/verify", content=b"x", headers=header) for _ in range(6)]
    assert [answer.headers["ratelimit-remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0"]
    assert answers[0].headers["ratelimit-limit"] == "5"
    problem(answers[5], 429, "quota.exceeded")
    assert 1 <= int(answers[5].headers["retry-after"]) <= 60
    assert client.post("/v1/verify", content=b"x", headers=bearer(keyring, "south", Scope.VERIFY)).status_code == 200


def test_whoever_tries_keys_is_counted(client: TestClient) -> None:
    header = {"Authorization": "Bearer wm_000000000000_" + "A" * 43}
    answers = [client.get("/livez", headers=header).status_code for _ in range(61)]
    assert answers[0] == 401
    assert answers[-1] == 429


def test_the_secret_of_a_service_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    made = service_secret(path)
    assert len(made) == 32
    assert service_secret(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="readable by others"):
        service_secret(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(ConfigurationError, match="not a secret"):
        service_secret(path)


def test_no_word_of_a_key_in_the_log(client: TestClient, keyring: Keyring, lines: list[str]) -> None:
    header = bearer(keyring, "north", Scope.VERIFY)
    client.post("/v1/verify", content=b"x", headers=header)
    client.post("/v1/verify", content=b"fault", headers=header)
    key = header["Authorization"].removeprefix("Bearer ")
    assert '"tenant": "north"' in lines[0]
    assert key.split("_", 2)[2] not in "".join(lines)
