# SPDX-License-Identifier: Apache-2.0
"""Trust update against a server of our own, over https: whatever goes wrong, the last good state stays, and why."""

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Answer, Server, dripping, moved, send
from waarmerk.provenance.errors import Error, TrustListError
from waarmerk.provenance.trust import load_store
from waarmerk.provenance.trust.fetch import Fetcher
from waarmerk.provenance.trust.refresh import PUBLICATIONS, Outcome, Publication, denylist_at, refresh
from waarmerk.provenance.trust.store import DENYLIST, INTERIM_ALLOWED, INTERIM_ANCHORS, OFFICIAL, TSA

NOW = datetime.now(UTC)


class Publisher(Server):
    """A server whose lists are fetched."""

    def url(self, path: str) -> str:
        return f"https://{self.host}{path}"

    def fetcher(self, **more: Any) -> Fetcher:
        return Fetcher(**{"hosts": frozenset({self.host}), "context": self.context, "seconds": 10.0, **more})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Publisher]:
    server = Publisher(tmp_path_factory.mktemp("server"))
    yield server
    server.close()


@pytest.fixture
def server(running: Publisher) -> Publisher:
    running.answers.clear()
    running.asked.clear()
    return running


def etsi(*certificates: Any, issued: str = "2026-08-05T00:00:00Z") -> bytes:
    services = [
        {
            "ServiceInformation": {
                "ServiceDigitalIdentity": {"X509Certificates": [{"val": base64.b64encode(each.der).decode()}]}
            }
        }
        for each in certificates
    ]
    scheme = {"ListIssueDateTime": issued, "NextUpdate": "2027-08-05T00:00:00Z"}
    return json.dumps(
        {"LoTE": {"ListAndSchemeInformation": scheme, "TrustedEntitiesList": [{"TrustedEntityServices": services}]}}
    ).encode()


def pem(*certificates: Any) -> bytes:
    return b"".join(each.pem for each in certificates)


@pytest.fixture(scope="module")
def roots(kit: Any) -> list[Any]:
    return [kit.issue(f"root {number}", ca=True) for number in range(5)]


@pytest.fixture
def official(server: Publisher) -> Publication:
    names = [name for list_name in (OFFICIAL, TSA) for name in (list_name, list_name.replace(".pem", ".json"))]
    return Publication(name="official", files={name: server.url(f"/{name}") for name in names})


def publish(server: Publisher, certificates: list[Any], *, issued: str = "2026-08-05T00:00:00Z") -> None:
    for name in (OFFICIAL, TSA):
        server.answers[f"/{name}"] = pem(*certificates)
        server.answers[f"/{name}".replace(".pem", ".json")] = etsi(*certificates, issued=issued)


def state(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.exists() else {}


def refused(outcome: Outcome) -> Error:
    assert outcome.refused is not None
    assert outcome.taken == ()
    return outcome.refused


@pytest.fixture
def held(server: Publisher, official: Publication, roots: list[Any], tmp_path: Path) -> Path:
    publish(server, roots[:4])
    outcome = refresh(tmp_path / "store", official, server.fetcher())
    assert outcome.refused is None
    server.asked.clear()
    return tmp_path / "store"


def test_lists_are_taken_and_renewed(server: Publisher, official: Publication, held: Path, roots: list[Any]) -> None:
    store = load_store(held, data_folder=None, at=NOW)
    assert store.official is not None
    assert store.tsa is not None
    assert len(store.official.certificates) == 4
    assert store.official.edition.issued == "2026-08-05T00:00:00Z"
    assert [one.is_change for one in refresh(held, official, server.fetcher()).taken] == [False, False]
    publish(server, roots, issued="2026-09-05T00:00:00Z")
    before = state(held)
    dry = refresh(held, official, server.fetcher(), dry_run=True)
    assert [(one.added, one.removed) for one in dry.taken] == [(1, 0), (1, 0)]
    assert state(held) == before
    assert [(one.added, one.removed) for one in refresh(held, official, server.fetcher()).taken] == [(1, 0), (1, 0)]
    renewed = load_store(held, data_folder=None, at=NOW).official
    assert renewed is not None
    assert len(renewed.certificates) == 5


def cut(body: bytes) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        send(request, body[: len(body) // 2], length=len(body))

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    request.send_response(200)
    request.end_headers()
    request.wfile.write(b"-" * 1000)
    request.close_connection = True


SPOILS: dict[str, tuple[bytes | Answer | None, str, str]] = {
    "cut short": (cut(b"-" * 1000), "trust.unreachable", "ended"),
    "of no length": (endless, "trust.unreachable", "how long"),
    "gone": (None, "trust.unreachable", "answers 404"),
    "a page": (b"<html>sign in to the hotel's network</html>", "trust.no-certificates", "no certificate"),
    "empty": (b"", "trust.no-certificates", "no certificate"),
    "half a block": (b"-----BEGIN CERTIFICATE-----\nMIIB", "trust.broken-pem", "not a readable"),
    "too large": (b"-" * 5000, "trust.too-large", "larger than any list"),
    "packed": (lambda request: send(request, b"x", Content_Encoding="gzip"), "trust.unreachable", "encoding"),
    "elsewhere": (moved("https://127.0.0.1:1/list.pem"), "trust.not-allowed", "not on the list of publishers"),
    "down to http": (moved("http://127.0.0.1/list.pem"), "trust.not-allowed", "https only"),
    "to a user name": (moved("https://127.0.0.1@example.org/list.pem"), "trust.not-allowed", "not on the list"),
    "to a file": (moved("file:///etc/passwd"), "trust.not-allowed", "https only"),
    "round and round": (moved(f"/{TSA}"), "trust.redirect", "redirects"),
    "to letters no address has": (moved("/\u00e9"), "trust.unreachable", "no HTTP"),
    "to nowhere": (moved("https://["), "trust.not-allowed", "not an address"),
}


@pytest.mark.parametrize("what", SPOILS)
def test_whatever_comes_instead_the_last_good_state_stays(
    server: Publisher, official: Publication, held: Path, roots: list[Any], what: str
) -> None:
    """The second list of the publication is spoiled; the first, though newer and good, is not taken alone."""
    before = state(held)
    publish(server, roots, issued="2026-09-05T00:00:00Z")
    answer, code, why = SPOILS[what]
    if answer is None:
        del server.answers[f"/{TSA}"]
    else:
        server.answers[f"/{TSA}"] = answer
    fault = refused(refresh(held, official, server.fetcher(max_bytes=4500)))
    assert (fault.code, why in fault.message) == (code, True), fault.message
    assert state(held) == before


def test_a_list_that_is_older_undated_another_or_drastically_different(
    server: Publisher, official: Publication, held: Path, roots: list[Any], kit: Any
) -> None:
    before = state(held)
    publish(server, roots, issued="2026-08-04T00:00:00Z")
    assert refused(refresh(held, official, server.fetcher())).code == "trust.rollback"
    publish(server, roots, issued="2026-09-05T00:00:00Z")
    server.answers[f"/{TSA}"] = pem(*roots[:4], kit.issue("slipped in", ca=True))
    fault = refused(refresh(held, official, server.fetcher()))
    assert (fault.code, "2 certificates" in fault.message) == ("trust.mismatch", True)
    publish(server, [kit.issue(f"new {number}", ca=True) for number in range(4)], issued="2026-09-05T00:00:00Z")
    assert refused(refresh(held, official, server.fetcher())).code == "trust.drastic-change"
    for wrong in (b"{}", b"[", b'{"LoTE": {"TrustedEntitiesList": [{"X509Certificates": [{"val": "*"}]}]}}'):
        publish(server, roots, issued="2026-09-05T00:00:00Z")
        server.answers["/" + OFFICIAL.replace(".pem", ".json")] = wrong
        assert refused(refresh(held, official, server.fetcher())).code == "trust.broken-dates"
    assert state(held) == before
    publish(server, [kit.issue(f"new {number}", ca=True) for number in range(4)], issued="2026-09-05T00:00:00Z")
    assert refresh(held, official, server.fetcher(), accept_drastic=True).refused is None


def test_a_slow_server_is_left_when_the_time_is_up(server: Publisher, official: Publication, held: Path) -> None:
    before = state(held)
    server.answers[f"/{OFFICIAL}"] = dripping(0.1)
    started = time.monotonic()
    fault = refused(refresh(held, official, server.fetcher(seconds=0.5)))
    assert time.monotonic() - started < 5
    assert (fault.code, "in time" in fault.message) == ("trust.unreachable", True)
    assert state(held) == before


def test_a_server_that_is_not_there_or_not_who_it_says(server: Publisher, official: Publication, held: Path) -> None:
    before = state(held)
    absent = Publication(name="official", files={OFFICIAL: "https://127.0.0.1:1/list.pem"})
    fetch = Fetcher(hosts=absent.hosts, seconds=5)
    assert refused(refresh(held, absent, fetch)).code == "trust.unreachable"
    fault = refused(refresh(held, official, server.fetcher(context=None)))
    assert (fault.code, "certificate does not hold" in fault.message) == ("trust.unreachable", True)
    assert state(held) == before


def test_a_redirect_within_the_list_of_hosts_is_followed(server: Publisher) -> None:
    server.answers["/new"] = b"here"
    server.answers["/old"] = moved(server.url("/new"), 301)
    assert server.fetcher()(server.url("/old")) == b"here"
    assert server.asked == ["/old", "/new"]


@pytest.mark.parametrize(
    "url", ["http://{0}/a", "ftp://{0}/a", "https://example.org/a", "https://u@{0}/a", "//{0}/a", ""]
)
def test_no_other_address_is_ever_asked(server: Publisher, url: str) -> None:
    with pytest.raises(TrustListError) as caught:
        server.fetcher()(url.format(server.host))
    assert caught.value.code == "trust.not-allowed"
    assert server.asked == []


def test_proxies_of_the_environment_are_not_used(server: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    server.answers["/a"] = b"straight"
    assert server.fetcher()(server.url("/a")) == b"straight"
    with pytest.raises(TrustListError, match="refused"):
        server.fetcher(proxy="127.0.0.1:1")(server.url("/a"))


def test_a_denylist_is_taken_from_where_the_operator_says(server: Publisher, tmp_path: Path) -> None:
    store = tmp_path / "store"
    text = b'{"format": "waarmerk.denylist/1", "issued": "2026-11-20T08:00:00Z", "entries": []}'
    server.answers["/deny"] = text
    outcome = refresh(store, denylist_at(server.url("/deny")), server.fetcher())
    assert [one.file for one in outcome.taken] == [DENYLIST]
    server.answers["/deny"] = b"not found, but with 200"
    assert refused(refresh(store, denylist_at(server.url("/deny")), server.fetcher())).code == "trust.broken-denylist"
    assert state(store) == {DENYLIST: text}


def test_when_the_disk_is_full_nothing_changes(
    server: Publisher, official: Publication, held: Path, roots: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The n-th file written fails, for every n: signers and authorities stay those of one issue."""
    import os

    before = state(held)
    publish(server, roots, issued="2026-09-05T00:00:00Z")
    genuine = os.fsync
    for failing in range(1, 5):
        count = 0

        def sometimes(descriptor: int, failing: int = failing) -> None:
            nonlocal count
            count += 1
            if count == failing:
                raise OSError(28, "no space left")
            genuine(descriptor)

        monkeypatch.setattr(os, "fsync", sometimes)
        assert refused(refresh(held, official, server.fetcher())).code == "trust.not-written"
        monkeypatch.setattr(os, "fsync", genuine)
        assert state(held) == before, failing


def test_the_published_addresses() -> None:
    official, interim = PUBLICATIONS
    assert set(official.files) == {OFFICIAL, TSA, OFFICIAL.replace(".pem", ".json"), TSA.replace(".pem", ".json")}
    assert official.hosts == {"raw.githubusercontent.com"}
    assert set(interim.files) == {INTERIM_ANCHORS, INTERIM_ALLOWED}
    assert interim.hosts == {"contentcredentials.org"}
