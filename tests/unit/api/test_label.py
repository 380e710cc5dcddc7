# SPDX-License-Identifier: Apache-2.0
"""Labelling over HTTP: the layers of the command line, under a tenant's keys, and nothing left behind."""

import base64
import email.parser
import email.policy
import io
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.own_keys import TODAY as AT
from tests.own_keys import write_signing_keys, write_tenant_keys
from tests.tenants import keyring_of
from tests.unit.api.conftest import bearer, problem
from tests.unit.marking.pictures import scene
from waarmerk.api.app import create_app
from waarmerk.api.describe import describe
from waarmerk.api.journal import Journal
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance import Pool, Settings
from waarmerk.provenance.credentials.signing_folder import load_folder
from waarmerk.provenance.credentials.signing_keys import FileSigner, Secret
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.labelling import LabelOrder, label_apart
from waarmerk.provenance.registry import Ledger
from waarmerk.provenance.registry.store import Store
from waarmerk.watermark import Key, detect

ALL = ["watermark", "visible", "metadata", "credentials", "ledger"]


def picture(kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.fromarray(scene(600, 800, 3)).save(out, kind)
    return out.getvalue()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The settings of a tenant with keys of its own."""
    folder = tmp_path_factory.mktemp("house")
    write_signing_keys(folder / "locked", passphrase=Secret(b"horse staple"))
    Key.generate("origin").save(folder / "origin.key")
    settings: dict[str, Any] = write_tenant_keys(folder)
    return {**settings, "keys": [str(folder / "origin.key"), *settings["keys"]]}


@pytest.fixture
def keyring(tmp_path: Path, house: dict[str, Any]) -> Iterator[Keyring]:
    locked = {**house, "signing": house["signing"].replace("keys", "locked")}
    settings = {"delta": house, "bare": {}, "locked": locked, "unmarked": {"signing": house["signing"]}}
    with keyring_of(tmp_path, *(Tenant(name=each, settings=own) for each, own in settings.items()), at=AT) as made:
        yield made


@pytest.fixture
def client(keyring: Keyring, lines: list[str]) -> Iterator[TestClient]:
    with Pool(Settings().to_json()) as pool:
        services = Services(bench=pool, clock=lambda: AT, keyring=keyring, journal=Journal(lines.append))
        with TestClient(create_app(services), raise_server_exceptions=False) as made:
            yield made


def ask(client: TestClient, keyring: Keyring, data: bytes, tenant: str = "delta", **fields: str) -> Any:
    accept = {"Accept": fields.pop("accept")} if "accept" in fields else {}
    header = {**bearer(keyring, tenant, Scope.LABEL), **accept}
    return client.post("/v1/label", files={"file": ("x", data)}, data=fields, headers=header)


def test_every_layer_is_in_the_file_that_comes_back(
    client: TestClient, keyring: Keyring, house: dict[str, Any], lines: list[str]
) -> None:
    given = {"ai": "generated", "tool": "Delta Draw", "for": "own", "context": '{"jur": ["NL"]}', "label_lang": "nl"}
    answer = ask(client, keyring, picture(), **given)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    operation = describe()["paths"]["/v1/label"]["post"]["responses"]["200"]
    jsonschema.validate(told, operation["content"]["application/json"]["schema"])
    assert told["layers"] == ALL
    assert (told["gaps"], told["unregistered"]) == ([], None)
    data = base64.b64decode(told["content"])
    rgb = Image.open(io.BytesIO(data)).convert("RGB")
    import numpy as np

    seen = detect(np.asarray(rgb), Key.load(Path(house["keys"][1])))
    assert seen.payload is not None
    assert bytes(seen.payload).hex() == told["payload"]
    assert "AI" in told["words"]
    assert told["report"]["verdict"]["origin"] == "ai-generated"
    assert told["report"]["credentials"]["integrity"] == "intact"
    assert told["report"]["asset"]["name"] is None
    assert told["remaining"]
    assert Ledger(Path(house["ledger"])).find(seen.key_id, bytes(seen.payload)) is not None
    assert Store(house["registry"]).of_file(bytes.fromhex(told["sha256"])) is not None
    assert "Delta Draw" not in "".join(lines)
    again = ask(client, keyring, data, ai="generated")
    assert problem(again, 422, "label.refused")["errors"][0]["detail"].startswith("label.labelled-already: ")


def test_a_platform_that_is_none_is_refused_before_the_work(
    client: TestClient, keyring: Keyring, house: dict[str, Any]
) -> None:
    before = Path(house["ledger"]).exists()
    told = problem(
        ask(client, keyring, b"not even a picture", ai="generated", **{"for": "nonsense"}), 422, "request.invalid"
    )
    assert told["errors"][0]["pointer"] == "/body/for"
    assert "'nonsense' is no platform" in told["errors"][0]["detail"]
    assert Path(house["ledger"]).exists() == before


def test_the_file_may_come_as_a_part_of_its_own(client: TestClient, keyring: Keyring) -> None:
    answer = ask(client, keyring, picture("JPEG"), ai="modified", accept="multipart/mixed", visible="none")
    assert answer.status_code == 200, answer.text
    head = f"Content-Type: {answer.headers['content-type']}\r\n\r\n".encode()
    report, file = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + answer.content).iter_parts()
    told = json.loads(report.get_content())
    assert file.get_content_type() == told["media_type"] == "image/jpeg"
    assert len(file.get_payload(decode=True)) == told["bytes"]
    assert "visible" not in told["layers"]


def test_what_cannot_be_labelled_as_asked_is_refused(client: TestClient, keyring: Keyring) -> None:
    small = io.BytesIO()
    Image.new("RGB", (16, 16)).save(small, "PNG")
    refused = problem(ask(client, keyring, small.getvalue(), ai="generated"), 422, "label.refused")
    assert {each["detail"].partition(":")[0] for each in refused["errors"]} >= {"label.partial", "label.no-mark"}
    assert not [each for each in refused["errors"] if "--" in each["detail"]], "a program has fields, no options"
    empty = dict.fromkeys(("title", "tool", "tool_version", "alt"), "")
    partial = ask(client, keyring, small.getvalue(), ai="generated", allow_partial="true", **empty)
    assert partial.status_code == 200, "what is left empty is not filled in"
    assert "label.no-mark" in partial.json()["gaps"]
    for data in (b"no picture", b""):
        problem(ask(client, keyring, data, ai="none"), 422, "label.unreadable")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"ai": "perhaps"},
        {"ai": "none", "unheard": "1"},
        {"ai": "generated", "label_lang": "tlh"},
        {"ai": "generated", "label_lang": "nl,en,de"},
        {"ai": "generated", "tool_version": "1"},
        {"ai": "generated", "title": "two\nlines"},
        {"ai": "generated", "context": "jur=NL"},
        {"ai": "generated", "context": '{"unheard": 1}'},
        {"ai": "generated", "for": "nowhere"},
    ],
)
def test_wishes_that_are_none_say_where(client: TestClient, keyring: Keyring, fields: dict[str, str]) -> None:
    assert problem(ask(client, keyring, picture(), **fields), 422, "request.invalid")["errors"]


def test_a_tenant_needs_keys_that_open(client: TestClient, keyring: Keyring) -> None:
    problem(ask(client, keyring, picture(), "bare", ai="none"), 409, "tenant.not-configured")
    told = problem(ask(client, keyring, picture(), "locked", ai="none"), 503, "service.not-ready")
    assert told["detail"].endswith("signing.passphrase")
    told = problem(ask(client, keyring, picture(), "unmarked", ai="generated"), 503, "service.not-ready")
    assert told["detail"].endswith("keys.no-mark-key")
    signed = ask(client, keyring, picture(), "unmarked", ai="none")
    assert signed.json()["layers"] == ["credentials"]
    assert signed.json()["registered"] is None


def test_nothing_of_it_stays_behind(client: TestClient, keyring: Keyring) -> None:
    def left() -> set[Path]:
        return set(Path(tempfile.gettempdir()).glob("waarmerk-work-*"))

    before = left()
    assert ask(client, keyring, picture(), ai="none").status_code == 200
    ask(client, keyring, b"no picture", ai="none")
    assert left() <= before


class Counting:
    """A signer that counts, and says whether it was ever asked to leave its process."""

    def __init__(self, inner: FileSigner) -> None:
        self.chain = inner.chain
        self.algorithm = inner.algorithm
        self._inner = inner
        self.messages: list[bytes] = []

    def sign(self, message: bytes) -> bytes:
        self.messages.append(message)
        return self._inner.sign(message)

    def __reduce__(self) -> Any:
        raise AssertionError("a key left its process")


def order(house: dict[str, Any], source: Path) -> LabelOrder:
    wishes = {"tool": None, "tool_version": None, "title": None, "allow_partial": False, "despite_traces": False}
    wishes |= {"says": "none", "corner": None, "languages": ["en"]}
    return LabelOrder(source=source, at=AT, settings=Settings(), registry=None, wishes=wishes)


def test_the_key_stays_here_and_signs_bytes(house: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "in.png").write_bytes(picture())
    signer = Counting(load_folder(Path(house["signing"])))
    done = label_apart(order(house, tmp_path / "in.png"), signer)
    with done:
        assert done.file is not None
        assert done.file.size == len(done.file.read())
    assert 1 <= len(signer.messages) <= 4
    assert all(len(message) < 4096 for message in signer.messages), "a digest of a claim, not a file"


def test_who_takes_the_process_over_gets_few_signatures(
    house: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    greedy = "from waarmerk.provenance.jobs.frames import *; from waarmerk.provenance.jobs.line import *; receive(0)\n"
    greedy += "line = next_line(); line.task()\n"
    greedy += "while True: send(line.fileno(), {'asks': 'AAAA'}); receive(line.fileno())"
    import sys

    monkeypatch.setattr("waarmerk.provenance.jobs.labelling.COMMAND", (sys.executable, "-c", greedy))
    signer = Counting(load_folder(Path(house["signing"])))
    with pytest.raises(ConfigurationError, match="signatures"):
        label_apart(order(house, tmp_path / "in.png"), signer)
    assert len(signer.messages) == 4


def test_a_process_that_dies_is_an_outcome(house: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("waarmerk.provenance.jobs.labelling.COMMAND", ("/bin/false",))
    done = label_apart(order(house, tmp_path / "in.png"), load_folder(Path(house["signing"])))
    assert (done.file, done.code) == (None, "worker.crashed")
