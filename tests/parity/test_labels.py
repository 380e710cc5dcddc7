# SPDX-License-Identifier: Apache-2.0
"""The same picture with the same wishes is labelled the same by the command line, a program's call and the form."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import ROOT
from tests.own_keys import TODAY as AT
from tests.own_keys import write_tenant_keys
from tests.tenants import keyring_of
from tests.unit.marking.pictures import scene
from waarmerk.api.app import create_app
from waarmerk.api.services import Services
from waarmerk.api.sessions import Sessions
from waarmerk.api.tenants import Scope, Tenant
from waarmerk.provenance import Pool, Settings, build_verifier
from waarmerk.provenance.build import load_trust
from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.report.document import to_dict

TRUST = ROOT / "samples" / "trust"
SIGNED = (ROOT / "samples" / "media" / "camera-capture.jpg").read_bytes()


def drawn() -> bytes:
    out = BytesIO()
    Image.fromarray(scene(480, 640, 4)).save(out, "JPEG", quality=90)
    return out.getvalue()


# the picture, the options of the command, the fields of a call, the fields of the form
CASES: dict[str, tuple[bytes, tuple[str, ...], dict[str, str], dict[str, str]]] = {
    "generated": (
        drawn(),
        (
            *("--ai", "generated", "--tool", "Draw", "--tool-version", "2", "--title", "Poster", "--alt", "A canal"),
            *("--label-lang", "nl,en", "--for", "tiktok,own", "--context", "jur=NL", "--context", "professional=true"),
        ),
        {"ai": "generated", "tool": "Draw", "tool_version": "2", "title": "Poster", "alt": "A canal"}
        | {"label_lang": "nl,en", "for": "tiktok,own", "context": '{"jur": ["NL"], "professional": true}'},
        {"ai": "generated", "tool": "Draw", "tool_version": "2", "title": "Poster", "alt": "A canal"}
        | {"label_lang": "nl", "label_lang_2": "en", "for-tiktok": "1", "for-own": "1", "jur": "NL"}
        | {"professional": "true"},
    ),
    "modified, in a corner, without personal details": (
        drawn(),
        ("--ai", "modified", "--visible", "bottom-left", "--label-lang", "de", "--strip-personal"),
        {"ai": "modified", "visible": "bottom-left", "label_lang": "de", "strip_personal": "true"},
        {"ai": "modified", "visible": "bottom-left", "label_lang": "de", "strip_personal": "true"},
    ),
    "none, signed before": (
        SIGNED,
        ("--ai", "none", "--label-lang", "en"),
        {"ai": "none"},
        {"ai": "none", "label_lang": "en"},
    ),
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    own: dict[str, Any] = write_tenant_keys(tmp_path_factory.mktemp("house"))
    return {name: own[name] for name in ("signing", "keys", "ledger")}


@pytest.fixture(scope="module")
def client(house: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    delta = Tenant(name="delta", settings={**house, "trust": str(TRUST)})
    with (
        keyring_of(tmp_path_factory.mktemp("service"), delta, at=AT) as keyring,
        Pool(Settings().to_json(), size=1) as pool,
    ):
        key = keyring.add_key("delta", [Scope.LABEL], at=AT)
        visits = Sessions(keyring, clock=lambda: AT)
        services = Services(bench=pool, clock=lambda: AT, keyring=keyring, sessions=visits)
        with TestClient(create_app(services), headers={"Authorization": f"Bearer {key}"}) as made:
            made.post("/label/key", data={"key": key, "token": token(made.get("/label").text)})
            yield made


def token(page: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', page)[0]


def by_command(house: dict[str, Any], tmp_path: Path, data: bytes, options: tuple[str, ...]) -> bytes:
    source, target = tmp_path / "in.jpg", tmp_path / "out.jpg"
    source.write_bytes(data)
    keys = ("--key-folder", house["signing"], "--watermark-key", *house["keys"], "--no-registry")
    command = [sys.executable, "-m", "waarmerk.cli", "label", str(source), str(target), *options, *keys]
    command += ["--ledger", str(tmp_path / "ledger.sqlite"), "--at", AT.isoformat(), "--trust", str(TRUST)]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return target.read_bytes()


def by_form(client: TestClient, data: bytes, fields: dict[str, str]) -> tuple[bytes, dict[str, Any]]:
    sent = {"token": token(client.get("/label").text), **fields}
    page = client.post("/label", files={"file": ("x.jpg", data)}, data=sent)
    assert page.status_code == 200, page.text
    links = re.findall(r'href="(/label/kept/[^"]+)"', page.text)
    return client.get(links[0]).content, client.get(links[-1]).json()


FAST = "none, signed before"


@pytest.mark.parametrize(
    "case", [FAST, *(pytest.param(each, marks=pytest.mark.slow) for each in CASES if each != FAST)]
)
def test_three_ways_to_one_label(case: str, client: TestClient, house: dict[str, Any], tmp_path: Path) -> None:
    data, options, call, form = CASES[case]
    commanded = by_command(house, tmp_path, data, options)
    called = client.post("/v1/label", files={"file": ("x", data)}, data=call).json()
    filled, record = by_form(client, data, form)
    first, *others = (said(each) for each in (commanded, base64.b64decode(called["content"]), filled))
    assert first["credentials"][0]["integrity"] == ["intact"]
    assert others == [first, first]
    told = {key: value for key, value in called.items() if key not in ("content", "sidecar")}
    assert [plain(each) for each in (told["remaining"], told["layers"], told["losses"], told["words"])] == [
        plain(each) for each in (record["remaining"], record["layers"], record["losses"], record["words"])
    ]
    pictures = [shown(each) for each in (commanded, base64.b64decode(called["content"]), filled)]
    for other in pictures[1:]:  # each has a mark of its own, and the same label
        assert np.abs(pictures[0] - other).mean() < 3


def said(data: bytes) -> dict[str, Any]:
    """What our own examination finds, without what differs between two labels of one picture."""
    asset = asset_from_bytes(data, name=None, limits=Limits())
    report = to_dict(build_verifier(Settings(trust=TRUST), at=AT).examine(asset), tool_version="1")
    for name in ("sha256", "bytes"):
        report["asset"].pop(name)
    reader = CredentialReader(load_trust(Settings(trust=TRUST), at=AT), at=AT)
    return dict(plain({**report, "claims": reader.detailed(asset)}))


_CHANGING = re.compile(r"urn:\S+|xmp[:.]?iid\S*|[0-9a-f]{16,}|[A-Za-z0-9+/]{20,}={0,2}|\d{4}-\d\d-\d\dT[\d:.+Z]+")
_OWN = frozenset({"hash", "pad", "pad1", "pad2", "value", "start", "length", "exclusions", "offset"})


def plain(value: Any) -> Any:
    """The same without identifiers, digests and times; what differs in its identifier alone stands in a fixed order."""
    if isinstance(value, dict):
        found: dict[str, list[Any]] = {}
        for key, each in value.items():
            if key not in _OWN:
                found.setdefault(_CHANGING.sub("*", key), []).append(plain(each))
        return {key: sorted(each, key=json.dumps) for key, each in sorted(found.items())}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return _CHANGING.sub("*", value) if isinstance(value, str) else value


def shown(data: bytes) -> Any:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
