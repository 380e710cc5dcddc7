# SPDX-License-Identifier: Apache-2.0
"""Labelling on the page: nobody without a key, no form from elsewhere, and what comes back is what was asked for."""

import base64
import errno
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import ROOT, Clock
from tests.own_keys import TODAY as AT
from tests.own_keys import write_tenant_keys
from tests.tenants import keyring_of
from tests.unit.api.conftest import LIMIT
from tests.unit.marking.pictures import scene
from tests.unit.report.test_html import Page
from waarmerk.api.app import create_app
from waarmerk.api.desk_form import ASKED, TICKED, WRITTEN
from waarmerk.api.journal import Journal
from waarmerk.api.limits import BodyLimits
from waarmerk.api.quota import ATTEMPTS_PER_MINUTE, Quota
from waarmerk.api.services import Services
from waarmerk.api.sessions import LIFE, Sessions
from waarmerk.api.shelf import KEPT, MOST, Part, Shelf
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance import Settings, build_verifier

MEDIA = ROOT / "samples" / "media"
COOKIE = "waarmerk-visit"
EVIL = "<script>alert(1)</script>\u202e{{ 7*7 }}"


@pytest.fixture
def clock() -> Clock:
    return Clock(AT)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return write_tenant_keys(tmp_path_factory.mktemp("house"))


@pytest.fixture
def keyring(tmp_path: Path, house: dict[str, Any]) -> Iterator[Keyring]:
    labelling = [Tenant(name=name, settings=house) for name in ("delta", "gamma")]
    with keyring_of(tmp_path, *labelling, Tenant(name="bare", per_minute=3), at=AT) as made:
        yield made


@pytest.fixture
def services(keyring: Keyring, clock: Clock, recorder: Any, lines: list[str]) -> Services:
    return Services(
        bench=recorder,
        clock=clock,
        body=BodyLimits(max_bytes=40 * LIMIT),
        quota=Quota(clock=clock),
        keyring=keyring,
        sessions=Sessions(keyring, clock=clock),
        shelf=Shelf(clock=clock),
        journal=Journal(lines.append),
    )


@pytest.fixture
def app(services: Services) -> Any:
    return create_app(services)


@pytest.fixture
def client(app: Any) -> Iterator[TestClient]:
    with TestClient(app, raise_server_exceptions=False) as made:
        yield made


def token_of(text: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]


def token(client: TestClient) -> str:
    return token_of(client.get("/label").text)


def enter(client: TestClient, keyring: Keyring, tenant: str = "delta", *scopes: Scope, lang: str = "en") -> str:
    """Show a new key of the tenant; the token of the visit that follows."""
    key = keyring.add_key(tenant, scopes or (Scope.LABEL,), at=AT)
    answer = client.post(f"/label/key?lang={lang}", data={"key": key, "token": token(client)})
    assert answer.status_code == 200, answer.text  # after the redirect
    return token_of(answer.text)


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(scene(480, 640, 3)).save(out, kind)
    return out.getvalue()


def send(client: TestClient, token: str, data: bytes, name: str = "x", lang: str = "en", **fields: str) -> Any:
    return client.post(f"/label?lang={lang}", files={"file": (name, data)}, data={"token": token, **fields})


def safe(response: Any) -> None:
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "no-store"


ROUTES = [
    ("GET", "/label"),
    ("POST", "/label"),
    ("POST", "/label/owed"),
    ("POST", "/label/end"),
    ("GET", "/label/kept/x/file"),
    ("GET", "/label/job/x"),
    ("GET", "/label/job/x/file"),
    ("POST", "/label/job/x/erase"),
]


@pytest.mark.parametrize("lang", ["en", "nl"])
@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_a_key_there_is_only_the_form_of_the_key(client: TestClient, method: str, path: str, lang: str) -> None:
    answer = client.request(method, path, params={"lang": lang})
    assert answer.status_code == 401
    safe(answer)
    page = Page(answer.text)
    assert page.open == []
    assert [form["action"] for form in page.named("form")] == [f"/label/key?lang={lang}"]
    assert page.named("script") == []
    (key,) = [field for field in page.named("input") if field["name"] == "key"]
    assert key["type"] == "password"
    assert page.named("html") == [{"lang": lang}]


@pytest.mark.parametrize("cookie", ["", "x", "a.b", "." * 500, "{}", "eyJpZCI6IjEifQ.AAAA", "é"])
def test_a_cookie_that_is_none_of_ours_opens_nothing(client: TestClient, cookie: str) -> None:
    answer = client.get("/label", headers={"cookie": f"{COOKIE}={cookie}".encode()})
    assert answer.status_code == 401


def test_a_key_opens_the_form_and_stands_in_no_address_cookie_or_log(
    client: TestClient, keyring: Keyring, lines: list[str]
) -> None:
    key = keyring.add_key("delta", [Scope.LABEL], at=AT)
    answer = client.post("/label/key", data={"key": f" {key} ", "token": token(client)}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/label?lang=en")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    for part in ("HttpOnly", "Path=/", "SameSite=strict", f"Max-Age={int(LIFE.total_seconds())}"):
        assert part in cookie
    assert "Secure" not in cookie
    page = Page(client.get("/label").text)
    assert page.open == []
    assert "You work for delta" in page.text
    secret = key.split("_", 2)[2]
    assert not [each for each in (cookie, page.text, str(answer.headers), *lines) if secret in each]
    assert client.cookies[COOKIE] not in "".join(lines)
    assert any('"tenant":"delta"' in line.replace(" ", "") for line in lines)
    named = {str(field["name"]) for kind in ("input", "select", "textarea") for field in page.named(kind)}
    assert {"token", "file", "ai", "visible", "label_lang", "label_lang_2", *WRITTEN, *TICKED, *ASKED} <= named
    labelled = {label["for"] for label in page.named("label")}
    fields = [field for kind in ("input", "select", "textarea") for field in page.named(kind)]
    assert labelled == {field["id"] for field in fields if field.get("type") != "hidden"}


def test_over_tls_the_cookie_is_secure_and_of_this_host(app: Any, keyring: Keyring) -> None:
    with TestClient(app, base_url="https://labels.example") as client:
        first = client.get("/label")
        assert first.headers["set-cookie"].startswith("__Host-waarmerk-start=")
        assert "Secure" in first.headers["set-cookie"]
        enter(client, keyring)
        assert "__Host-waarmerk-visit" in client.cookies
        assert client.get("/label").status_code == 200


@pytest.mark.parametrize(
    ("key", "scopes", "status"),
    [
        ("wm_000000000000_" + "A" * 43, None, 401),
        ("", None, 401),
        ("nonsense\x00", None, 401),
        (None, [Scope.VERIFY], 403),
    ],
)
def test_a_wrong_key_is_told(
    client: TestClient, keyring: Keyring, key: str | None, scopes: list[Scope] | None, status: int
) -> None:
    shown = keyring.add_key("delta", scopes, at=AT) if scopes else key
    answer = client.post("/label/key", data={"key": shown, "token": token(client)}, params={"lang": "nl"})
    assert answer.status_code == status
    safe(answer)
    assert "sleutel" in Page(answer.text).text
    assert client.get("/label").status_code == 401


def test_keys_cannot_be_tried_often(client: TestClient, keyring: Keyring, clock: Clock) -> None:
    sent = token(client)
    wrong = {"key": "wm_000000000000_" + "A" * 43, "token": sent}
    codes = [client.post("/label/key", data=wrong).status_code for _ in range(ATTEMPTS_PER_MINUTE + 1)]
    assert codes == [401] * ATTEMPTS_PER_MINUTE + [429]
    right = {"key": keyring.add_key("delta", [Scope.LABEL], at=AT), "token": sent}
    late = client.post("/label/key", data=right)
    assert late.status_code == 429
    assert int(late.headers["retry-after"]) >= 1
    clock.now += timedelta(minutes=2)
    assert client.post("/label/key", data=right).status_code == 200


@pytest.mark.parametrize("given", [None, "", "wrong", "é"])
def test_a_form_without_the_token_of_the_visit_is_not_used(
    client: TestClient, app: Any, keyring: Keyring, given: str | None
) -> None:
    fields = {} if given is None else {"token": given}
    key = keyring.add_key("delta", [Scope.LABEL], at=AT)
    client.get("/label")
    assert client.post("/label/key", data={"key": key, **fields}).status_code == 403
    assert client.get("/label").status_code == 401, "nobody is let in by a form of somebody else"
    enter(client, keyring)
    for path in ("/label/owed", "/label/end"):
        assert client.post(path, data={"ai": "none", **fields}).status_code == 403, path
    answer = client.post("/label", files={"file": b"x"}, data={"ai": "none", **fields})
    assert answer.status_code == 403
    assert "did not come from this page" in answer.text
    with TestClient(app) as other:
        theirs = enter(other, keyring, "gamma")
    assert client.post("/label/owed", data={"ai": "none", "token": theirs}).status_code == 403
    assert client.get("/label").status_code == 200


def test_a_token_from_before_the_key_is_worth_nothing_after(client: TestClient, keyring: Keyring) -> None:
    before, cookie = token(client), client.cookies["waarmerk-start"]
    enter(client, keyring)
    assert client.cookies[COOKIE] != cookie
    assert client.post("/label/owed", data={"ai": "none", "token": before}).status_code == 403
    assert client.get("/label", headers={"cookie": f"{COOKIE}={cookie}"}).status_code == 401


def test_a_request_without_cookies_does_not_end_a_visit(client: TestClient, keyring: Keyring, app: Any) -> None:
    """Another site can make a browser ask without cookies (``SameSite``), and the answer sets some in that browser."""
    enter(client, keyring)
    with TestClient(app) as bare:
        answers = [bare.request(*route) for route in ROUTES]
    for answer in answers:
        assert COOKIE not in answer.headers.get("set-cookie", "")
    assert client.get("/label").status_code == 200


def test_a_visit_ends(client: TestClient, keyring: Keyring, clock: Clock, app: Any) -> None:
    sent = enter(client, keyring)
    cookie = client.cookies[COOKIE]
    assert client.post("/label/end", data={"token": sent}).status_code == 401  # the form of the key again
    assert COOKIE not in client.cookies
    assert client.get("/label").status_code == 401
    with TestClient(app) as thief:
        assert thief.get("/label", headers={"cookie": f"{COOKIE}={cookie}"}).status_code == 401, "ended, not forgotten"
    enter(client, keyring)
    clock.now += LIFE - timedelta(seconds=1)
    assert client.get("/label").status_code == 200
    clock.now += timedelta(seconds=1)
    assert client.get("/label").status_code == 401


def test_a_visit_ends_with_its_key(client: TestClient, keyring: Keyring) -> None:
    sent = enter(client, keyring)
    (record,) = keyring.keys()
    keyring.revoke(record.prefix, at=AT)
    assert client.get("/label").status_code == 401
    assert client.post("/label/owed", data={"ai": "none", "token": sent}).status_code == 401


def test_a_visit_has_no_more_scopes_than_it_needs(services: Services, keyring: Keyring) -> None:
    known = keyring.find(keyring.add_key("delta", list(Scope), at=AT))
    assert services.sessions is not None
    cookie, session = services.sessions.begin(known)
    assert session.caller.scopes == {Scope.VERIFY, Scope.LABEL}
    again = services.sessions.read(cookie)
    assert again == session
    with pytest.raises(ValueError, match="examines or labels"):
        services.sessions.begin(keyring.find(keyring.add_key("delta", [Scope.ADMIN], at=AT)))
    body, _, seal = cookie.partition(".")
    for forged in (f"{body}A.{seal}", f"{body}.{seal[:-2]}AA", body, f"{body}.", f".{seal}"):
        assert services.sessions.read(forged) is None
    other = Sessions(Keyring(keyring._database, b"\1" * 32, monotonic=lambda: 0.0), clock=services.clock)
    assert other.read(cookie) is None


def test_a_visit_that_was_ended_does_not_live_again_after_a_restart(services: Services, keyring: Keyring) -> None:
    assert services.sessions is not None
    cookie, session = services.sessions.begin(keyring.find(keyring.add_key("delta", [Scope.LABEL], at=AT)))
    start, _ = services.sessions.begin()
    services.sessions.end(session)
    after = Sessions(keyring, clock=services.clock)
    assert [after.read(each) for each in (cookie, start)] == [None, None]
    again, _ = after.begin()
    assert after.read(again) is not None
    assert services.sessions.read(start) is not None


def test_the_rules_are_told_before_a_picture_is_sent(client: TestClient, keyring: Keyring, recorder: Any) -> None:
    sent = enter(client, keyring)
    facts = {"jur": "NL", "professional": "true", "edit": "full", "exists_or_plausible": "true"}
    facts |= {"appears_authentic": "true", "art": "false", "generated_on": "2026-09-01", "political_ad": "true"}
    answer = client.post("/label/owed", data={"token": sent, "ai": "generated", "for-tiktok": "1", **facts})
    assert answer.status_code == 200
    safe(answer)
    page = Page(answer.text)
    assert page.open == []
    assert "[EU-50-4-deepfake]" in page.text
    assert "the visible label does this" in page.text
    assert "whoever decided to use AI" in page.text
    assert "from 2026-08-02" in page.text
    assert "[TTPA-11-label]" in page.text, "a political advertisement, whoever publishes it"
    assert "whoever publishes the advertisement" in page.text
    assert "Because:" in page.text
    assert "TT-" in page.text, "the platform has rules of its own"
    chosen = [option["value"] for option in page.named("option") if "selected" in option]
    assert "full" in chosen
    ticked = {field["id"] for field in page.named("input") if "checked" in field}
    assert ticked == {"ai-generated", "for-tiktok"}
    without = client.post("/label/owed", data={"token": sent, "ai": "generated", "visible": "none", **facts})
    assert "the visible label does this" not in without.text
    assert "no rule here that names it" not in answer.text
    quiet = {"token": sent, "ai": "generated", "for-meta": "1", **facts, "political_ad": "false"}
    silent = client.post("/label/owed", data=quiet).text
    assert "Facebook, Instagram, Threads: by what is known of this file, no rule here that names it asks" in silent
    none = client.post("/label/owed?lang=nl", data={"token": sent, "ai": "none"})
    assert "dat er geen AI is gebruikt" in none.text
    assert recorder.files == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ai": "perhaps"},
        {"ai": "none", "alt": "a canal"},
        {"ai": "generated", "tool_version": "1"},
        {"ai": "generated", "visible": "middle"},
        {"ai": "generated", "tool": "x" * 201},
        {"ai": "generated", "alt": "x" * 1001},
        {"ai": "generated", "jur": "XX"},
        {"ai": "generated", "generated_on": "soon"},
    ],
)
@pytest.mark.parametrize("lang", ["en", "nl"])
def test_what_cannot_be_used_is_told_and_shown_again(
    client: TestClient, keyring: Keyring, fields: dict[str, str], lang: str
) -> None:
    sent = enter(client, keyring)
    for answer in (
        client.post(f"/label/owed?lang={lang}", data={"token": sent, "title": EVIL, **fields}),
        send(client, sent, b"x", lang=lang, title=EVIL, **fields),
    ):
        assert answer.status_code == 422, answer.text
        page = Page(answer.text)
        assert page.open == []
        assert 'role="alert"' in answer.text
        alert = answer.text.partition('role="alert"')[2].partition("</div>")[0]
        assert "<li>" in alert
        assert not re.search(r"[Ff]ield required|String should|no answer|Input should", alert), alert
        assert EVIL not in answer.text
        assert "&lt;script&gt;" in answer.text
        assert page.named("script") == []
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", answer.text)


def test_an_organisation_without_keys_to_sign_with_is_told(client: TestClient, keyring: Keyring) -> None:
    sent = enter(client, keyring, "bare")
    answers = [send(client, sent, picture(), ai="none") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [409, 409, 409, 429]
    assert "without keys to sign with" in answers[0].text


def test_limits_are_those_of_every_upload(client: TestClient, keyring: Keyring) -> None:
    sent = enter(client, keyring)
    assert send(client, sent, b"x" * 41 * LIMIT, ai="none").status_code == 413
    assert send(client, sent, b"", name="", ai="none").status_code == 400
    assert send(client, sent, b"x", ai="none", **{f"n{number}": "x" for number in range(60)}).status_code == 400
    assert client.post("/label/key", data={"key": "x" * 5000, "token": sent}).status_code == 413
    assert client.post("/label/owed", data={"tool": "x" * 70_000, "token": sent}).status_code == 413
    assert client.post("/label/owed", content=b"\xff=1").status_code in (400, 403)


def test_where_nobody_has_a_key_the_page_says_so(services: Services) -> None:
    with TestClient(create_app(replace(services, sessions=None))) as client:
        answer = client.get("/label?lang=en")
        assert (answer.status_code, "without keys for organisations" in answer.text) == (501, True)
        assert 'href="/label' not in client.get("/").text
    with TestClient(create_app(services)) as client:
        assert 'href="/label?lang=nl"' in client.get("/?lang=nl").text


def kept(client: TestClient, answer: Any) -> dict[str, Any]:
    """What can be fetched after a picture was labelled, by part."""
    links = [str(link["href"]) for link in Page(answer.text).named("a") if "download" in link]
    return {link.partition("?")[0].rpartition("/")[2]: client.get(link) for link in links}


def test_a_picture_is_labelled_fetched_and_gone(
    client: TestClient, keyring: Keyring, app: Any, clock: Clock, lines: list[str]
) -> None:
    sent = enter(client, keyring, lang="nl")
    given = {"ai": "generated", "tool": "Delta <b>Draw</b>", "alt": "Een gracht", "label_lang": "nl", "for-own": "1"}
    ad = {"jur": "NL", "political_ad": "true"}
    answer = send(client, sent, picture(), name=f"{EVIL}.png", lang="nl", **ad, **given)
    assert answer.status_code == 200, answer.text
    safe(answer)
    page = Page(answer.text)
    assert page.open == []
    assert page.named("script") == []
    assert "Gelabeld, niet af" in page.text, "a political advertisement owes more"
    assert "ondertekenaar Campagne Delta:" in page.text
    assert "onzichtbaar merk" in page.text
    assert "Wat de regels nog van u vragen" in page.text
    assert "[TTPA-11-label]" in page.text
    (shown,) = page.named("img")
    small = Image.open(io.BytesIO(base64.b64decode(str(shown["src"]).removeprefix("data:image/jpeg;base64,"))))
    assert small.size == (640, 480), "our own small encoding"
    parts = kept(client, answer)
    assert list(parts) == ["file", "record"]
    assert "preview" not in parts["record"].json()
    file, record = parts["file"], json.loads(parts["record"].content)
    assert file.headers["content-disposition"] == 'attachment; filename="labelled.png"'
    assert file.headers["content-type"] == "image/png"
    safe(file)
    assert record["layers"] == ["watermark", "visible", "metadata", "credentials", "ledger"]
    assert record["bytes"] == len(file.content)
    assert record["report"]["asset"]["name"] is None
    report = build_verifier(Settings(), at=AT).verify(written(file.content))
    assert report.verdict.origin.value == "ai-generated"
    with TestClient(app) as other:
        enter(other, keyring, "gamma")
        links = [str(link["href"]) for link in page.named("a") if "download" in link]
        assert [other.get(link).status_code for link in links] == [404, 404], "another organisation finds nothing there"
    with TestClient(app) as same_house:
        enter(same_house, keyring, "delta")
        assert same_house.get(links[0]).status_code == 404, "nor another visit"
    clock.now += KEPT
    late = client.get(links[0])
    assert (late.status_code, "niet meer" in late.text) == (404, True)
    told = "".join(lines)
    for secret in ("Draw", "gracht", "script", *[link.split("/")[3] for link in links]):
        assert secret not in told


def written(data: bytes) -> Path:
    import tempfile

    path = Path(tempfile.mkdtemp()) / "made"
    path.write_bytes(data)
    return path


def test_a_file_that_is_not_labelled_says_why(client: TestClient, keyring: Keyring) -> None:
    sent = enter(client, keyring)
    small = io.BytesIO()
    Image.new("RGB", (16, 16)).save(small, "PNG")
    refused = send(client, sent, small.getvalue(), ai="generated", title="kept in the form")
    assert refused.status_code == 422
    page = Page(refused.text)
    assert page.open == []
    assert "no invisible mark" in page.text
    assert "--" not in page.text, "nobody here has a command line"
    assert "kept in the form" in {field.get("value") for field in page.named("input")}
    nothing = send(client, sent, b"no picture", ai="none", lang="nl")
    assert (nothing.status_code, "niet te lezen" in nothing.text) == (422, True)
    partial = send(client, sent, small.getvalue(), ai="generated", allow_partial="true", sidecar="true")
    assert (partial.status_code, "not complete" in partial.text) == (200, True)
    parts = kept(client, partial)
    assert list(parts) == ["file", "sidecar", "record"]
    assert parts["sidecar"].headers["content-disposition"] == 'attachment; filename="labelled.png.c2pa"'
    assert b"c2pa" in parts["sidecar"].content
    beside = send(client, sent, picture(), ai="generated", sidecar="true")
    assert (beside.status_code, "in a file beside it. Both" in beside.text) == (200, True)
    assert "Every layer is in the file" not in beside.text
    whole = send(client, sent, picture(), ai="generated")
    assert "Every layer is in the file" in whole.text
    owes = send(client, sent, picture(), ai="generated", jur="NL", political_ad="yes", platforms="meta")
    assert (owes.status_code, "Labelled, not finished" in owes.text) == (200, True)
    assert "Every layer is in the file" not in owes.text


def put(shelf: Shelf, owner: str, tenant: str, size: int, *, free: int | None = None) -> str | None:
    """Hold a file of so many bytes; the name of its bundle, None where no room was kept free."""
    with shelf.room(owner, tenant, size if free is None else free) as bundle:
        part = Part(name="a", media_type="image/png", data=b"x" * size)
        return bundle if bundle is not None and shelf.fill(bundle, {"file": part}) else None


def test_the_shelf_has_room_for_some(clock: Clock) -> None:
    shelf = Shelf(clock=clock, most_bytes=1000)
    part = Part(name="a", media_type="image/png", data=b"x" * 100)
    first, *rest = [put(shelf, "me", "mine", 100) for _ in range(MOST + 1)]
    assert first is not None
    assert shelf.get("me", first, "file") is None, "the oldest made room"
    assert all(each is not None and shelf.get("me", each, "file") == part for each in rest)
    assert shelf.get("you", str(rest[0]), "file") is None
    assert shelf.get("me", str(rest[0]), "record") is None
    assert put(shelf, "me too", "mine", 101) is None, "a tenant has half of it"
    assert put(shelf, "you", "yours", 500) is not None
    assert put(shelf, "they", "theirs", 101) is None
    assert shelf.held == MOST * 100 + 500
    shelf.forget("me")
    assert shelf.held == 500
    clock.now += KEPT
    assert put(shelf, "they", "theirs", 5000) is not None, "one that is larger than all, where there is nothing else"
    shelf.close()
    assert shelf.held == 0


def test_room_on_the_shelf_is_kept_until_it_is_filled_or_let_go(clock: Clock) -> None:
    shelf = Shelf(clock=clock, most_bytes=1000)
    several = {key: Part(name=key, media_type="x/y", data=key.encode() * 99) for key in ("file", "sidecar", "record")}
    with shelf.room("me", "mine", 400) as bundle:
        assert bundle is not None
        assert shelf.held == 400
        assert put(shelf, "you", "mine", 200) is None
        assert shelf.get("me", bundle, "file") is None
        shelf.forget("me")
        clock.now += KEPT
        assert shelf.fill(bundle, several), "more than was thought is held all the same"
    assert {key: shelf.get("me", bundle, key) for key in several} == several
    assert shelf.held == 99 * len("filesidecarrecord")
    with pytest.raises(ZeroDivisionError), shelf.room("you", "yours", 100):
        raise ZeroDivisionError
    with shelf.room("you", "yours", 100) as bundle:
        shelf.close()
        assert not shelf.fill(str(bundle), several)
    assert shelf.held == 0


@pytest.mark.parametrize("what", ["shelf", "disk", "file"])
def test_nothing_is_labelled_where_there_is_no_room_for_it(
    services: Services, keyring: Keyring, clock: Clock, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "full")

    begun: list[Any] = []
    monkeypatch.setattr("waarmerk.api.label_jobs.labelled", lambda *given: begun.append(given))
    if what != "shelf":
        place = "os.posix_fallocate" if what == "disk" else "nameless_file"
        monkeypatch.setattr(f"waarmerk.api.shelf.{place}", full)
    shelf = Shelf(clock=clock, most_bytes=100 if what == "shelf" else 2**30)
    with TestClient(create_app(replace(services, shelf=shelf))) as client:
        sent = enter(client, keyring)
        with shelf.room("another", "delta", 50):
            answer = send(client, sent, picture(), ai="none", title="kept in the form")
    assert (answer.status_code, answer.headers["retry-after"], begun) == (503, "60", [])
    assert "kept in the form" in {field.get("value") for field in Page(answer.text).named("input")}
