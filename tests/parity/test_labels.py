# SPDX-License-Identifier: Apache-2.0
"""The same file with the same wishes is labelled the same by the command line, a program's call, at once and later, and
the form."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
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
from tests.unit.marking.test_clips import clip
from waarmerk.api.app import create_app
from waarmerk.api.label_jobs import label_job
from waarmerk.api.label_work import LabelWork
from waarmerk.api.services import Services
from waarmerk.api.sessions import Sessions
from waarmerk.api.tenants import Scope, Tenant
from waarmerk.provenance import Pool, Settings, build_verifier
from waarmerk.provenance.build import load_trust
from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import Queue
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.video import first_frame
from waarmerk.provenance.report.document import to_dict

TRUST = ROOT / "samples" / "trust"
SIGNED = (ROOT / "samples" / "media" / "camera-capture.jpg").read_bytes()


def drawn() -> bytes:
    out = BytesIO()
    Image.fromarray(scene(480, 640, 4)).save(out, "JPEG", quality=90)
    return out.getvalue()


def filmed() -> bytes:
    with TemporaryDirectory() as folder:
        return clip(Path(folder) / "x.mp4").read_bytes()


# the file, the options of the command, the fields of a call, the fields of the form
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
    "a clip, generated": (
        filmed(),
        (
            *("--ai", "generated", "--tool", "Draw", "--label-lang", "nl", "--stands", "start", "--for", "own"),
            *("--visible", "bottom-left", "--context", "jur=NL"),
        ),
        {"ai": "generated", "tool": "Draw", "label_lang": "nl", "stands": "start", "for": "own"}
        | {"visible": "bottom-left", "context": '{"jur": ["NL"]}'},
        {"ai": "generated", "tool": "Draw", "label_lang": "nl", "stands": "start", "for-own": "1"}
        | {"visible": "bottom-left", "jur": "NL"},
    ),
    "a clip, none": (
        filmed(),
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
def door(house: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Services]]:
    delta = Tenant(name="delta", settings={**house, "trust": str(TRUST)})
    with (
        keyring_of(tmp_path_factory.mktemp("service"), delta, at=AT) as keyring,
        Pool(Settings().to_json(), size=1) as pool,
    ):
        key = keyring.add_key("delta", [Scope.LABEL], at=AT)
        visits = Sessions(keyring, clock=lambda: AT)
        keep = Keep(tmp_path_factory.mktemp("labels"), clock=lambda: AT)
        queue = Queue(keyring._database, spool=keep.id, clock=lambda: AT)
        queue.create()
        work = LabelWork(queue, keep, version="1")
        services = Services(bench=pool, clock=lambda: AT, keyring=keyring, sessions=visits, label_work=work)
        with TestClient(create_app(services), headers={"Authorization": f"Bearer {key}"}) as made:
            made.post("/label/key", data={"key": key, "token": token(made.get("/label").text)})
            yield made, services


def token(page: str) -> str:
    return re.findall(r'name="token" value="([^"]+)"', page)[0]


def by_command(house: dict[str, Any], tmp_path: Path, data: bytes, options: tuple[str, ...]) -> bytes:
    suffix = ".mp4" if is_clip(data) else ".jpg"
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    source.write_bytes(data)
    keys = ("--key-folder", house["signing"], "--watermark-key", *house["keys"], "--no-registry")
    command = [sys.executable, "-m", "waarmerk.cli", "label", str(source), str(target), *options, *keys]
    command += ["--ledger", str(tmp_path / "ledger.sqlite"), "--at", AT.isoformat(), "--trust", str(TRUST)]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path / "data")}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return target.read_bytes()


def is_clip(data: bytes) -> bool:
    return data[4:8] == b"ftyp"


def by_job(door: tuple[TestClient, Services], data: bytes, fields: dict[str, str]) -> tuple[bytes, dict[str, Any]]:
    client, services = door
    work = services.label_work
    assert work is not None
    taken = client.post("/v1/label", files={"file": data}, data=fields, headers={"Prefer": "respond-async"})
    assert taken.status_code == 202, taken.text
    (job,) = work.queue.lease("test")
    done = label_job(services, work, job)
    work.queue.finish("test", job.number, result=done.result or {}, file=done.file, keep=done.keep)
    told = client.get(taken.headers["location"]).json()
    return client.get(told["files"]["file"]).content, {**told["label"], "report": told["report"]}


def by_form(client: TestClient, data: bytes, fields: dict[str, str]) -> tuple[bytes, dict[str, Any]]:
    sent = {"token": token(client.get("/label").text), **fields}
    page = client.post("/label", files={"file": ("x", data)}, data=sent)
    assert page.status_code == 200, page.text
    links = re.findall(r'href="(/label/kept/[^"]+)"', page.text)
    return client.get(links[0]).content, client.get(links[-1]).json()


FAST = ("none, signed before", "a clip, none")


@pytest.mark.parametrize(
    "case", [*FAST, *(pytest.param(each, marks=pytest.mark.slow) for each in CASES if each not in FAST)]
)
def test_all_ways_to_one_label(
    case: str, door: tuple[TestClient, Services], house: dict[str, Any], tmp_path: Path
) -> None:
    data, options, call, form = CASES[case]
    client, _ = door
    commanded = by_command(house, tmp_path, data, options)
    called = client.post("/v1/label", files={"file": ("x", data)}, data=call).json()
    later, waited = by_job(door, data, call)
    filled, record = by_form(client, data, form)
    labelled = [commanded, base64.b64decode(called["content"]), later, filled]
    first, *others = (said(each) for each in labelled)
    assert first["credentials"][0]["integrity"] == ["intact"]
    assert others == [first, first, first]
    told = {key: value for key, value in called.items() if key not in ("content", "sidecar")}
    assert told.keys() == waited.keys() == record.keys()
    for other in (waited, record):
        for key in ("remaining", "layers", "gaps", "losses", "notes", "personal", "words"):
            assert plain(other[key]) == plain(told[key]), key
    pictures = [shown(each) for each in labelled]
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
    """The picture, or the frame that stands for a clip."""
    if is_clip(data):
        return first_frame(asset_from_bytes(data, name=None, limits=Limits()), Limits()).rgb.astype(int)
    return np.asarray(Image.open(BytesIO(data)).convert("RGB")).astype(int)
