# SPDX-License-Identifier: Apache-2.0
"""The client of Soft Binding Resolution against a server of our own, written to its OpenAPI, and against bad ones."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from PIL import Image

from tests.conftest import Run
from tests.loopback import Server, dripping, moved, send
from tests.unit.marking.conftest import AT, Desk, desk
from tests.unit.marking.pictures import scene
from waarmerk.cli import known
from waarmerk.cli.registry_recover import from_service
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.errors import ConfigurationError, Error
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes
from waarmerk.provenance.model import Origin
from waarmerk.provenance.recovery import Wishes
from waarmerk.provenance.registry import resolution
from waarmerk.provenance.registry.finder import Finder, upright
from waarmerk.provenance.registry.online import Service
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key

__all__ = ["desk"]
LIMITS = Limits()


class Resolver(Server):
    """A service over a registry: the paths of the OpenAPI, 1.0.0 and 2.4.0, that a client asks."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.store, self.finder = store, Finder(store, LIMITS)
        self.bad: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        super().__init__(folder)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.answer(self)

            def do_POST(self) -> None:
                server.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(request.path)
        self.asked.append(f"{request.command} {parts.path}")
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        bad = next((each for start, each in self.bad.items() if parts.path.startswith(start)), None)
        if bad is not None:
            bad(request)
        elif parts.path == "/v1/services/supportedAlgorithms":
            self.told(request, resolution.supported())
        elif parts.path == "/v1/matches/byBinding":
            asked = query if request.command == "GET" else json.loads(body)
            value = base64.b64decode(asked["value"], validate=True)
            found = resolution.by_binding(self.store, self.finder, alg=asked["alg"], value=value)
            self.matches(request, found)
        elif parts.path == "/v1/matches/byContent":
            assert request.headers["Content-Type"].startswith("image/")
            rgb = upright(decode_rgb(asset_from_bytes(body, name=None, limits=LIMITS), LIMITS))
            digest = hashlib.sha256(body).digest()
            self.matches(request, resolution.by_content(self.finder, sha256=digest, rgb=rgb))
        else:
            name = unquote(parts.path.removeprefix("/v1/manifests/"))
            data = resolution.manifest(self.store, name, max_bytes=LIMITS.manifest_bytes)
            send(request, data, Content_Type="application/c2pa") if data is not None else request.send_error(404)

    def matches(self, request: BaseHTTPRequestHandler, found: tuple[resolution.Resolved, ...]) -> None:
        rows = [{"manifestId": each.manifest_id, "similarityScore": each.similarity} for each in found]
        self.told(request, {"matches": rows})

    def told(self, request: BaseHTTPRequestHandler, document: object) -> None:
        send(request, json.dumps(document).encode(), Content_Type="application/json")

    def service(self, **more: Any) -> Service:
        chosen: dict[str, Any] = {"permits": lambda _: True, "context": self.context, "seconds": 10.0, **more}
        return Service(address=f"https://{self.host}", **chosen)


@pytest.fixture(scope="module")
def folder(desk: Desk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("online")
    Image.fromarray(scene(600, 800, 5)).save(made / "source.jpg", quality=92)
    desk.label(made / "source.jpg", made / "original.jpg")
    settings = Settings(
        registry=str(made / "theirs.sqlite"), trust=desk.folder / "trust", keys=(desk.folder / "mark.key",)
    )
    build_recovery(settings, at=AT).add(made / "original.jpg", Wishes(origin=Origin.AI_GENERATED), at=AT)
    with Image.open(made / "original.jpg") as image:
        image.convert("RGB").save(made / "copy.jpg", quality=70)
    return made


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Resolver]:
    server = Resolver(folder, Store(str(folder / "theirs.sqlite")))
    yield server
    server.close()


@pytest.fixture(autouse=True)
def fresh(running: Resolver) -> None:
    running.asked.clear()
    running.bad.clear()


def document_of(path: Path, settings: Settings) -> dict[str, Any]:
    ((_, document),) = known.examined((path,), settings, AT)
    return document


@pytest.mark.parametrize(
    ("sent", "asked"),
    [
        ("mark", ["GET /v1/matches/byBinding"]),
        ("fingerprint", ["GET /v1/services/supportedAlgorithms", "GET /v1/matches/byBinding"]),
        ("picture", ["POST /v1/matches/byContent"]),
    ],
)
def test_a_stripped_copy_gets_the_manifest_of_its_original(
    desk: Desk, folder: Path, running: Resolver, sent: str, asked: list[str]
) -> None:
    settings = Settings(trust=desk.folder / "trust", keys=(desk.folder / "mark.key",) if sent == "mark" else ())
    document = document_of(folder / "copy.jpg", settings)
    given, was_asked = from_service(running.service(), folder / "copy.jpg", document, (sent,), settings, AT)
    assert was_asked
    assert given is not None
    assert given.stands["signature"] == "holds"
    assert given.stands["content"] == "broken", "it is about the original, not about this copy"
    assert given.stands["signer"]["status"] == "user"
    assert given.stands["signer"]["name"].startswith("Campagne Delta")
    assert given.stands["ai"]["signal"] == "generated"
    assert given.is_confirmed == (sent == "mark"), "only the mark in the pixels stands in the manifest as well"
    assert running.asked[: len(asked)] == asked
    assert running.asked[-1].startswith("GET /v1/manifests/urn")
    stored = running.store.entries()[0].manifest
    assert stored is not None
    assert given.data == running.store.files.get(stored, max_bytes=LIMITS.manifest_bytes)


def test_the_picture_itself_is_sent_only_on_request(desk: Desk, folder: Path, running: Resolver) -> None:
    document = document_of(folder / "copy.jpg", Settings())
    assert from_service(running.service(), folder / "copy.jpg", document, ("mark",), Settings(), AT) == (None, False)
    assert running.asked == [], "no key, no mark, nothing to ask with"


def test_beside_its_own_original_it_is_about_these_very_bytes(desk: Desk, folder: Path, running: Resolver) -> None:
    from waarmerk.provenance.credentials.container import find_stores
    from waarmerk.provenance.media.window import Window

    asset = asset_from_bytes((folder / "original.jpg").read_bytes(), name=None, limits=LIMITS)
    with asset.open() as stream:
        (store,) = find_stores(Window(stream, asset.bytes), "image/jpeg", LIMITS)
    data = (folder / "original.jpg").read_bytes()
    (folder / "bare.jpg").write_bytes(data[: store.start] + data[store.end :])
    settings = Settings(trust=desk.folder / "trust", keys=(desk.folder / "mark.key",))
    document = document_of(folder / "bare.jpg", settings)
    given, _ = from_service(running.service(), folder / "bare.jpg", document, ("mark",), settings, AT)
    assert given is not None
    assert given.stands["signature"] == "holds"
    assert given.stands["content"] == "holds"


def test_a_manifest_that_is_another_or_broken_is_not_given(desk: Desk, folder: Path, running: Resolver) -> None:
    settings = Settings(trust=desk.folder / "trust", keys=(desk.folder / "mark.key",))
    document = document_of(folder / "copy.jpg", settings)

    def asked() -> object:
        return from_service(running.service(), folder / "copy.jpg", document, ("mark",), settings, AT)[0]

    stored = running.store.entries()[0].manifest
    assert stored is not None
    data = bytearray(running.store.files.get(stored, max_bytes=LIMITS.manifest_bytes))
    place = data.find(b"Campagne Delta")
    data[place] ^= 1
    running.bad["/v1/manifests/"] = lambda request: send(request, bytes(data))
    assert asked() is None, "the signature does not hold"
    running.bad["/v1/manifests/"] = lambda request: send(request, b"no manifest at all")
    assert asked() is None
    running.bad = {
        "/v1/matches/": lambda request: running.told(request, {"matches": [{"manifestId": "urn:c2pa:other"}]})
    }
    with pytest.raises(Error) as caught:
        asked()
    assert caught.value.code == "online.answer", "404"


def cut(request: BaseHTTPRequestHandler) -> None:
    send(request, b'{"matches": []}', length=500)
    request.close_connection = True


ENDLESS = b"x" * (2**20 + 10)
BAD: dict[str, tuple[Callable[[BaseHTTPRequestHandler], None], str]] = {
    "a redirect": (moved("https://127.0.0.1/elsewhere"), "online.answer"),
    "an error": (lambda request: request.send_error(500), "online.answer"),
    "no JSON": (lambda request: send(request, b"<html>"), "online.answer"),
    "deep JSON": (lambda request: send(request, b"[" * 100_000), "online.answer"),
    "a list": (lambda request: send(request, b"[]"), "online.answer"),
    "matches that are none": (lambda request: send(request, b'{"matches": 7}'), "online.answer"),
    "packed": (lambda request: send(request, b"{}", Content_Encoding="gzip"), "online.answer"),
    "too much": (lambda request: send(request, ENDLESS), "online.too-large"),
    "cut": (cut, "online.unreachable"),
    "dripping": (dripping(0.05), "online.unreachable"),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_service_is_an_error_with_its_reason_and_no_hang(running: Resolver, bad: str) -> None:
    answer, code = BAD[bad]
    running.bad["/v1/matches/"] = answer
    with pytest.raises(Error) as caught:
        running.service(seconds=1.0).by_binding("org.waarmerk.ring.1", b"payload8")
    assert caught.value.code == code


def test_odd_names_and_other_endpoints_are_left_out(running: Resolver) -> None:
    rows = [
        {"manifestId": "urn:c2pa:1"},
        {"manifestId": "urn:c2pa:1"},
        {"manifestId": "urn:c2pa:2", "endpoint": "https://elsewhere.example/v1"},
        {"manifestId": 7},
        {"manifestId": "a\u202eb"},
        {"manifestId": ""},
        "urn:c2pa:3",
    ]
    running.bad["/v1/matches/"] = lambda request: running.told(request, {"matches": rows})
    assert running.service().by_binding("org.waarmerk.ring.1", b"payload8") == ("urn:c2pa:1",)
    long = running.service().by_binding("org.waarmerk.ring.1", bytes(3000))
    assert (long, running.asked[-1]) == (("urn:c2pa:1",), "POST /v1/matches/byBinding")


def test_only_global_addresses_and_https_and_looked_up_once(running: Resolver) -> None:
    looked: list[str] = []

    def once(host: str, port: int) -> list[str]:
        looked.append(host)
        return ["127.0.0.1"] if len(looked) == 1 else ["203.0.113.9"]

    found = running.service(resolve=once).supported()
    assert found == set(resolution.WATERMARKS) | set(resolution.FINGERPRINTS)
    assert looked == ["127.0.0.1"]
    strict = {"permits": Service(address="https://x.example").permits}
    for address in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "100.64.0.1", "0.0.0.0"):
        with pytest.raises(Error) as caught:
            running.service(resolve=lambda *_, a=address: ["93.184.215.14", a], **strict).supported()
        assert caught.value.code == "online.not-global"
    assert running.asked == ["GET /v1/services/supportedAlgorithms"]
    for address in (
        "http://x.example",
        "ftp://x.example",
        "https://",
        "https://u@x.example",
        "https://x.example?q=1",
        "x",
    ):
        with pytest.raises(ConfigurationError):
            Service(address=address).supported()
    assert replace(running.service(), address="https://x.example:70000").address.endswith("70000")


def test_the_command_line_asks_nobody_in_its_own_network(folder: Path, running: Resolver, waarmerk: Run) -> None:
    copy = folder / "copy.jpg"
    done = waarmerk("registry", "recover", copy, "--online", f"https://{running.host}", "--send", "picture")
    assert (done.returncode, "online.not-global" in done.stderr) == (3, True)
    for wrong in (("--online", "http://x.example", "--send", "picture"), ("--send", "everything")):
        assert waarmerk("registry", "recover", copy, *wrong).returncode == 2
    assert running.asked == []


def test_what_a_service_was_not_asked_it_does_not_say(folder: Path, tmp_path: Path, waarmerk: Run) -> None:
    """Nothing is connected to here: there is nothing to send, and an address that is none is looked at before all."""
    copy, key = folder / "copy.jpg", tmp_path / "stranger.key"
    Key.generate(purpose="ai").save(key)
    asked = ("registry", "recover", copy, "--online", "https://service.invalid")
    done = waarmerk(*asked)
    assert done.returncode == 1
    assert "nothing was sent" in done.stdout
    assert "--key alone" in done.stdout
    assert "knows no" not in done.stdout
    dutch = waarmerk(*asked, "--key", key, "--lang", "nl").stdout
    assert "er is niets verstuurd" in dutch
    assert "met deze sleutels geen merk" in dutch
    assert json.loads(waarmerk(*asked, "--format", "json").stdout)["asked"] is False
    for wrong in ("foo", "http://x.example", "https://", "https://x.example:99999"):
        refused = waarmerk("registry", "recover", tmp_path / "there-is-no-such-file.jpg", "--online", wrong)
        assert (refused.returncode, "[online.address]" in refused.stderr) == (2, True), refused.stderr


def test_fingerprints_that_a_service_does_not_take_are_not_sent(folder: Path, running: Resolver) -> None:
    running.bad["/v1/services/supportedAlgorithms"] = lambda request: running.told(request, {"fingerprints": []})
    document = {"watermarks": [], "asset": {"media_type": "image/jpeg"}}
    sent = ("mark", "fingerprint")
    assert from_service(running.service(), folder / "copy.jpg", document, sent, Settings(), AT) == (None, False)
    assert running.asked == ["GET /v1/services/supportedAlgorithms"]
