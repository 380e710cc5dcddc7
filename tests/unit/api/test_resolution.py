# SPDX-License-Identifier: Apache-2.0
"""Soft Binding Resolution over HTTP, against the two files that describe it."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from PIL import Image, ImageOps
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT
from tests.tenants import keyring_of
from tests.unit.api.conftest import bearer
from waarmerk.api.app import create_app
from waarmerk.api.describe import describe
from waarmerk.api.limits import BodyLimits
from waarmerk.api.oracle import NearDuplicates
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope, Tenant
from waarmerk.provenance import Pool, Settings
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.credentials.jumbf import active_label, parse_store
from waarmerk.provenance.recovery import Wishes
from waarmerk.watermark import Key

SPECS = ROOT.parent / "shared" / "specs" / "softbinding"
NEW, OLD = "resolution-openapi-2.4.0.yaml", "resolution-openapi-1.0.0.json"
MEDIA = ROOT / "samples" / "media"
# Operations of 2.4.0 that are not here: one fetches an address, the others write into a registry from outside.
LEFT_OUT = {
    ("post", "/matches/byReference"): "queryByReference",
    ("post", "/manifests"): "storeManifests",
    ("delete", "/manifests/{manifestId}"): "storeManifests",
    ("get", "/manifests/{manifestId}/receipts"): "receipts",
    ("post", "/manifests/{manifestId}/receipts"): "receipts",
    ("post", "/bindings"): "storeBindings",
    ("put", "/bindings"): "storeBindings",
}
Operation = tuple[dict[str, Any], dict[str, Any]]  # of the specification, and ours


def spec(name: str) -> dict[str, Any]:
    if not SPECS.is_dir():
        pytest.skip("the files of the specification are not here")
    text = (SPECS / name).read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text) if name.endswith("json") else yaml.safe_load(text)
    return loaded


def resolved(part: Any, document: dict[str, Any]) -> Any:
    """``part`` with every reference in its place."""
    if isinstance(part, list):
        return [resolved(each, document) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        found: Any = document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return resolved(found, document)
    return {name: resolved(each, document) for name, each in part.items()}


def operations(name: str) -> Iterator[tuple[str, str, Operation]]:
    given, ours = spec(name), describe()
    for path, methods in given["paths"].items():
        own = path if path.startswith("/.well-known") else f"/v1{path}"
        for method, operation in methods.items():
            if method not in ("get", "post", "put", "delete") or (method, path) in LEFT_OUT:
                continue
            mine = ours["paths"].get(own, {}).get(method)
            assert mine is not None, f"{name}: {method} {own} is missing"
            yield method, path, (resolved(operation, given), resolved(mine, ours))


def plain_type(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without the null that an optional parameter of ours may be."""
    some = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    return some[0] if len(some) == 1 else schema


@pytest.mark.parametrize("name", [OLD, NEW])
def test_every_parameter_is_as_specified(name: str) -> None:
    count = 0
    for method, path, (given, mine) in operations(name):
        own = {(each["name"], each["in"]): each for each in mine.get("parameters", ())}
        assert set(own) == {(each["name"], each["in"]) for each in given.get("parameters", ())} | (
            {("returnActiveManifest", "query")} if path == "/manifests/{manifestId}" else set()
        ), (method, path)
        for each in given.get("parameters", ()):
            told = own[each["name"], each["in"]]
            assert told["required"] == each.get("required", False), each["name"]
            wanted, schema = each["schema"], plain_type(told["schema"])
            for key in ("type", "minimum", "enum", "format"):
                assert schema.get(key) == wanted.get(key), (path, each["name"], key)
            assert told["schema"].get("default") == wanted.get("default"), each["name"]
            count += 1
    assert count == (10 if name == OLD else 9)


@pytest.mark.parametrize("name", [OLD, NEW])
def test_every_status_and_type_of_body_is_as_specified(name: str) -> None:
    for method, path, (given, mine) in operations(name):
        for status, answer in given["responses"].items():
            assert status in mine["responses"], (method, path, status)
            types = set(answer.get("content") or ())
            assert types <= set(mine["responses"][status].get("content") or ()), (method, path, status)
        assert set(given.get("requestBody", {}).get("content", ())) == set(
            mine.get("requestBody", {}).get("content", ())
        )
        assert not given.get("requestBody", {}).get("required") or mine["requestBody"]["required"]
        if "requestBody" not in given:
            assert "requestBody" not in mine
        assert mine["operationId"] == given["operationId"] or name == NEW


def fits(given: dict[str, Any], mine: dict[str, Any], where: str) -> None:
    """Every property that the specification knows is here, of the same type; whole numbers are numbers."""
    wanted = given.get("type", "object" if "properties" in given else None)
    assert wanted is None or mine["type"] == wanted or (mine["type"], wanted) == ("integer", "number"), where
    assert set(given.get("required", ())) <= set(mine.get("required", ())), where
    if str(given.get("example", "")).startswith("/"):  # "uri", says the file, and shows a reference
        given, mine = ({name: each[name] for name in each if name != "format"} for each in (given, mine))
    for key in ("pattern", "format", "minimum", "maximum"):
        assert given.get(key) is None or mine.get(key) == given[key], (where, key)
    assert set(mine.get("enum", ())) <= set(given.get("enum", mine.get("enum", ()))), where
    for name, each in mine.get("properties", {}).items():
        assert name in given["properties"], f"{where}.{name} is ours alone"
        fits(given["properties"][name], each, f"{where}.{name}")
    if "items" in given:
        fits(given["items"], mine["items"], f"{where}[]")


@pytest.mark.parametrize("name", [OLD, NEW])
def test_every_schema_of_an_answer_fits(name: str) -> None:
    count = 0
    for method, path, (given, mine) in operations(name):
        for status, answer in given["responses"].items():
            schema = (answer.get("content") or {}).get("application/json", {}).get("schema")
            if schema is not None:
                own = mine["responses"][status]["content"]["application/json"]["schema"]
                fits(schema, own, f"{method} {path} {status}")
                count += 1
    assert count >= 4


def test_what_is_left_out_is_not_announced() -> None:
    given = spec(NEW)
    named = {(m, path) for path, methods in given["paths"].items() for m in methods if m != "servers"}
    assert set(LEFT_OUT) <= named
    from waarmerk.provenance.registry.resolution import CAPABILITIES

    assert not set(CAPABILITIES) & set(LEFT_OUT.values())
    ours = describe()["paths"]
    assert not any(method in ours.get(f"/v1{path}", {}) for method, path in LEFT_OUT)


# --- a service with a registry


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A registry with two signed pictures, and a key whose mark one tenant's picture carries."""
    folder = tmp_path_factory.mktemp("known")
    Key.generate("ai").save(folder / "a.key")
    settings = Settings(trust=ROOT / "samples" / "trust", registry=str(folder / "registry.sqlite"))
    recovery = build_recovery(settings, at=AT)
    for name in ("ai-generated.png", "camera-capture.jpg"):
        assert recovery.add(MEDIA / name, Wishes(), at=AT).manifest is not None
    return settings


@pytest.fixture(scope="module")
def pool(known: Settings) -> Iterator[Pool]:
    with Pool(known.to_json()) as made:
        yield made


@pytest.fixture
def keyring(tmp_path: Path, known: Settings) -> Iterator[Keyring]:
    empty = str(tmp_path / "empty.sqlite")
    build_recovery(Settings(registry=empty), at=AT)
    with keyring_of(tmp_path, Tenant(name="north"), Tenant(name="south", settings={"registry": empty})) as made:
        yield made


@pytest.fixture
def client(pool: Pool, known: Settings, keyring: Keyring) -> Iterator[TestClient]:
    services = Services(
        bench=pool, settings=known, clock=lambda: AT, keyring=keyring, body=BodyLimits(max_bytes=3 * 10**6)
    )
    with TestClient(create_app(services), raise_server_exceptions=False) as made:
        yield made


def valid(answer: Any, path: str, status: int = 200, method: str = "get") -> Any:
    """The body of an answer, which is what both files say of it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    for name in (OLD, NEW) if SPECS.is_dir() else ():
        document = spec(name)
        operation = document["paths"].get(path, {}).get(method)
        content = operation and (resolved(operation, document)["responses"].get(str(status)) or {}).get("content")
        if content:
            schema = content["application/json"]["schema"]
            # 1.0.0 asks of each watermark that it hold the list it stands in: no answer at all would fit
            schema.get("properties", {}).get("watermarks", {}).get("items", {}).pop("oneOf", None)
            jsonschema.validate(answer.json(), schema)
    if status >= 400:
        assert list(answer.json()) == ["error"]
    return answer.json()


def content(client: TestClient, name: str, **query: Any) -> Any:
    data, kind = (MEDIA / name).read_bytes(), {"content-type": "image/jpeg"}
    return client.post("/v1/matches/byContent", content=data, headers=kind, params=query)


def phash(pool: Pool, name: str) -> str:
    found = pool.perform("hashes", MEDIA / name, at=AT)["answer"]["org.waarmerk.phash.1"]
    return base64.b64encode(bytes.fromhex(found)).decode()


def test_a_stripped_copy_leads_to_the_manifest_of_its_original(client: TestClient) -> None:
    (match,) = valid(content(client, "stripped.jpg"), "/matches/byContent", method="post")["matches"]
    assert match["similarityScore"] > 90
    whole = client.get(f"/v1/manifests/{match['manifestId']}")
    assert whole.status_code == 200
    assert whole.headers["content-type"] == "application/c2pa"
    assert active_label(whole.content) == match["manifestId"]
    alone = client.get(f"/v1/manifests/{match['manifestId']}", params={"returnActiveManifest": True})
    (only,) = parse_store(alone.content).parts
    assert only.label == match["manifestId"]
    assert alone.content[only.start : only.end] in whole.content
    assert valid(content(client, "declared.webp"), "/matches/byContent", method="post") == {"matches": []}


def test_the_score_says_how_much_of_the_original_it_is(client: TestClient) -> None:
    """100 is the picture itself: not a part of it, not the picture turned over, nor among others."""
    with Image.open(MEDIA / "camera-capture.jpg") as image:
        whole = image.convert("RGB")
    wide, high = whole.size
    collage = Image.new("RGB", (2 * wide, high), "white")
    collage.paste(whole, (0, 0))
    collage.paste(Image.effect_noise((wide, high), 90).convert("RGB"), (wide, 0))
    copies = {
        "half": whole.crop((wide // 4, 0, wide * 3 // 4, high)),
        "mirrored": ImageOps.mirror(whole),
        "collage": collage,
        "again": whole,
    }
    scores = {}
    for name, picture in copies.items():
        out = BytesIO()
        picture.save(out, "JPEG", quality=90)
        answer = client.post("/v1/matches/byContent", content=out.getvalue(), headers={"content-type": "image/jpeg"})
        (match,) = valid(answer, "/matches/byContent", method="post")["matches"]
        scores[name] = match["similarityScore"]
    assert 40 <= scores["half"] <= 60, scores
    assert 40 <= scores["collage"] <= 60, scores
    assert 80 <= scores["mirrored"] < 90, scores
    assert scores["again"] >= 90, scores
    (exact,) = valid(content(client, "camera-capture.jpg"), "/matches/byContent", method="post")["matches"]
    assert exact["similarityScore"] == 100


def test_a_binding_leads_there_by_both_methods(client: TestClient, pool: Pool) -> None:
    asked = {"alg": "org.waarmerk.phash.1", "value": phash(pool, "camera-capture.jpg")}
    got = valid(client.get("/v1/matches/byBinding", params=asked), "/matches/byBinding")
    assert got["matches"][0]["similarityScore"] == 100
    posted = client.post("/v1/matches/byBinding", json={**asked, "more": 1})
    assert valid(posted, "/matches/byBinding", method="post") == got
    one = client.get("/v1/matches/byBinding", params={**asked, "maxResults": 1})
    assert len(one.json()["matches"]) == 1
    assert client.get("/v1/matches/byBinding", params={**asked, "maxResults": 10**6}).status_code == 200


def test_a_hint_counts_where_the_file_leads_nowhere(client: TestClient, pool: Pool) -> None:
    hint = {"hintAlg": "org.waarmerk.phash.1", "hintValue": phash(pool, "camera-capture.jpg")}
    assert content(client, "declared.webp", **hint).json()["matches"]
    sure = content(client, "stripped.jpg").json()
    assert content(client, "stripped.jpg", **hint).json() == sure
    for half in ("hintAlg", "hintValue"):
        valid(content(client, "stripped.jpg", **{half: hint[half]}), "/matches/byContent", 400, "post")


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"alg": "org.waarmerk.phash.1"},
        {"alg": "com.example.none", "value": "AAAAAAAAAAA="},
        {"alg": "org.waarmerk.phash.1", "value": "AAAA"},
        {"alg": "org.waarmerk.phash.1", "value": "not base64!"},
        {"alg": "org.waarmerk.phash.1", "value": "AAAAAAAAAAA=", "maxResults": "0"},
        {"alg": "org.waarmerk.phash.1", "value": "ééé"},
    ],
)
def test_a_query_that_cannot_be_used_is_400(client: TestClient, query: dict[str, str]) -> None:
    valid(client.get("/v1/matches/byBinding", params=query), "/matches/byBinding", 400)
    body = {key: value for key, value in query.items() if key != "maxResults"}
    most = {"maxResults": query["maxResults"]} if "maxResults" in query else {}
    valid(client.post("/v1/matches/byBinding", json=body, params=most), "/matches/byBinding", 400, "post")


def test_what_is_too_long_too_large_or_of_no_type_says_so(client: TestClient) -> None:
    long = {"alg": "org.waarmerk.phash.1", "value": "A" * 4000}
    valid(client.get("/v1/matches/byBinding", params=long), "/matches/byBinding", 414)
    valid(client.post("/v1/matches/byBinding", json=long), "/matches/byBinding", 400, "post")
    valid(client.post("/v1/matches/byBinding", content=b" " * 10**5), "/matches/byBinding", 413, "post")
    valid(client.post("/v1/matches/byBinding", content=b"{"), "/matches/byBinding", 400, "post")
    path = "/v1/matches/byContent"
    image = {"content-type": "image/png"}
    valid(client.post(path, content=b"no picture", headers=image), "/matches/byContent", 415, "post")
    valid(client.post(path, files={"file": b"x"}), "/matches/byContent", 415, "post")
    valid(client.post(path, content=b"", headers=image), "/matches/byContent", 400, "post")
    valid(client.post(path, content=bytes(4 * 10**6), headers=image), "/matches/byContent", 413, "post")


def test_a_manifest_that_is_not_there(client: TestClient) -> None:
    valid(client.get("/v1/manifests/urn:c2pa:00000000-0000-0000-0000-000000000000"), "/manifests/{manifestId}", 404)
    for name in ("x", "urn:%00", "urn:a%20b", "urn:" + "x" * 400):
        valid(client.get(f"/v1/manifests/{name}"), "/manifests/{manifestId}", 400)


def test_the_service_says_what_it_can(client: TestClient, pool: Pool) -> None:
    algorithms = valid(client.get("/v1/services/supportedAlgorithms"), "/services/supportedAlgorithms")
    assert algorithms["watermarks"] == [{"alg": "org.waarmerk.ring.1"}]
    told = valid(client.get("/v1/services/capabilities"), "/services/capabilities")
    assert told["supportedCapabilities"] == ["queryByContent"]
    assert valid(client.get("/v1/services/status"), "/services/status")["status"] == "ok"
    where = valid(client.get("/.well-known/c2pa-soft-binding-resolution"), "/.well-known/c2pa-soft-binding-resolution")
    assert client.get(where["capabilitiesEndpoint"]).json() == told
    assert client.get(where["statusEndpoint"]).status_code == 200
    with TestClient(create_app(Services(bench=pool))) as bare:
        assert bare.get("/v1/services/capabilities").json()["supportedCapabilities"] == []
        assert bare.get("/v1/manifests/urn:c2pa:1").json() == {"error": "There is no registry here"}


def test_a_tenant_looks_into_its_own_registry_with_the_scope_for_it(client: TestClient, keyring: Keyring) -> None:
    (match,) = content(client, "stripped.jpg").json()["matches"]
    data, south = (MEDIA / "stripped.jpg").read_bytes(), bearer(keyring, "south", Scope.REGISTRY)
    assert client.post("/v1/matches/byContent", content=data, headers=south).json() == {"matches": []}
    name = f"/v1/manifests/{match['manifestId']}"
    valid(client.get(name, headers=south), "/manifests/{manifestId}", 404)
    assert client.get(name, headers=bearer(keyring, "north", Scope.REGISTRY)).status_code == 200, "the service's"
    for method, path in (("GET", name), ("POST", "/v1/matches/byBinding"), ("POST", "/v1/matches/byContent")):
        answer = client.request(method, path, headers=bearer(keyring, "north", Scope.VERIFY))
        assert (answer.status_code, list(answer.json())) == (403, ["error"])
    wrong = client.get("/v1/services/capabilities", headers={"Authorization": "Bearer no"})
    assert (wrong.status_code, list(wrong.json())) == (401, ["error"])


class Marked:
    """A bench on which every file carries a mark that leads somewhere."""

    def __init__(self) -> None:
        self.withheld: list[bool] = []

    def perform(self, verb: str, path: Path, **wishes: Any) -> dict[str, Any]:
        assert verb == "resolve"
        withhold = bool(wishes["options"].get("withhold"))
        self.withheld.append(withhold)
        found = [] if withhold else [{"manifestId": "urn:c2pa:1", "similarityScore": 100}]
        data = path.read_bytes()
        seen = {"matches": found, "tells_marks": not withhold, "sha256": data.hex().rjust(64, "0")}
        return {"answer": {**seen, "fingerprint": None if data == b"none" else [bytes(range(32)).hex()]}}


def test_strangers_learn_of_marks_as_often_as_from_verify(known: Settings) -> None:
    bench = Marked()
    few = NearDuplicates(clock=lambda: AT, a_day=2)
    services = Services(bench=bench, settings=known, clock=lambda: AT, near_duplicates=few)  # type: ignore[arg-type]
    with TestClient(create_app(services)) as client:
        found = [
            bool(client.post("/v1/matches/byContent", content=data).json()["matches"])
            for data in (b"a", b"b", b"c", b"a", b"none")
        ]
    assert found == [True, True, False, True, False]
    assert bench.withheld.count(True) == 2


def test_a_clip_of_a_stranger_is_looked_at_once(known: Settings, keyring: Keyring) -> None:
    """Its marks would be left out, so they are not searched for; who has a key learns what they lead to."""
    bench = Marked()
    services = Services(bench=bench, settings=known, clock=lambda: AT, keyring=keyring)  # type: ignore[arg-type]
    clip = (MEDIA / "clip.mp4").read_bytes()
    with TestClient(create_app(services)) as client:
        headers = {"Content-Type": "video/mp4"}
        stranger = client.post("/v1/matches/byContent", content=clip, headers=headers)
        assert (stranger.json(), bench.withheld) == ({"matches": []}, [True])
        headers |= bearer(keyring, "north", Scope.REGISTRY)
        assert len(client.post("/v1/matches/byContent", content=clip, headers=headers).json()["matches"]) == 1
    assert bench.withheld == [True, False]


def test_a_mark_leads_to_what_was_issued_with_it(tmp_path: Path, known: Settings) -> None:
    """In the worker: a marked and cropped picture, looked for by its mark alone."""
    from PIL import Image

    from tests.unit.marking.pictures import scene
    from waarmerk.provenance.registry.model import BindingKind
    from waarmerk.provenance.registry.store import Store
    from waarmerk.watermark import Payload, embed

    key = Key.generate("ai")
    key.save(tmp_path / "own.key")
    Image.fromarray(embed(scene(600, 800, 5), key, Payload(b"payload8"))).save(tmp_path / "marked.png")
    own = replace(known, registry=str(tmp_path / "own.sqlite"), keys=(tmp_path / "own.key",))
    build_recovery(own, at=AT).add(tmp_path / "marked.png", Wishes(), at=AT)
    store = Store(str(own.registry), writing=True)
    assert any(tie.kind is BindingKind.WATERMARK for tie in store.bindings_of(1)[1])
    from sqlalchemy import update

    from waarmerk.provenance.registry.database import writing
    from waarmerk.provenance.registry.schema import ENTRY

    with writing(store.engine) as connection:  # as if it had been signed
        named = {"manifest": store.files.put(b"store"), "manifest_label": "urn:c2pa:own"}
        connection.execute(update(ENTRY).values(named))
    with Pool(own.to_json()) as pool:
        options = {"alg": "org.waarmerk.ring.1", "max_results": 10}
        Image.open(tmp_path / "marked.png").save(tmp_path / "copy.jpg", quality=90)
        found = pool.perform("resolve", tmp_path / "copy.jpg", at=AT, options=options)["answer"]
        assert [each["manifestId"] for each in found["matches"]] == ["urn:c2pa:own"]
        assert found["tells_marks"]
        blind = pool.perform("resolve", tmp_path / "copy.jpg", at=AT, options={**options, "withhold": True})["answer"]
        assert (blind["matches"], blind["tells_marks"]) == ([], False)
