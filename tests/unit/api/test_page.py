# SPDX-License-Identifier: Apache-2.0
"""The page: whole without script, in two languages, and nothing of a file acts in it."""

import base64
import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from starlette.testclient import TestClient

from tests.conftest import AT, ROOT
from tests.unit.api.conftest import LIMIT, Recorder, bearer
from tests.unit.report.test_html import Page
from waarmerk.api.app import create_app
from waarmerk.api.page_facts import ASKED
from waarmerk.api.page_view import attachment, language_of
from waarmerk.api.services import Services
from waarmerk.api.tenants import Keyring, Scope
from waarmerk.provenance import Pool, Settings

MEDIA = ROOT / "samples" / "media"
ROWS = ["credentials", "signer", "identity", "ai", "labels"]


@pytest.fixture(scope="module")
def real() -> Iterator[TestClient]:
    with (
        Pool(Settings(trust=ROOT / "samples" / "trust").to_json()) as pool,
        TestClient(create_app(Services(bench=pool, clock=lambda: AT))) as made,
    ):
        yield made


def sent(client: TestClient, name: str, **fields: str) -> Any:
    return client.post("/", files={"file": ("x", (MEDIA / name).read_bytes())}, params=fields)


def safe(response: Any) -> None:
    policy = response.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"


def test_the_empty_page_is_a_form_that_needs_no_script(client: TestClient) -> None:
    response = client.get("/")
    safe(response)
    assert response.headers["cache-control"] == "no-store"
    page = Page(response.text)
    assert page.open == []
    (form,) = page.named("form")
    assert (form["method"], form["action"], form["enctype"]) == ("post", "/?lang=en", "multipart/form-data")
    named = [field["name"] for kind in ("input", "select") for field in page.named(kind)]
    assert sorted(map(str, named)) == sorted(["file", *ASKED])
    labelled = {label["for"] for label in page.named("label")}
    assert labelled == {field["id"] for kind in ("input", "select") for field in page.named(kind)}
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    fetched = [a.get("src") or a.get("href") for tag, a in page.elements if tag in ("script", "link", "img")]
    assert set(fetched) == {"data:,", "/static/page.css", "/static/page.js"}


@pytest.mark.parametrize("name", ["page.css", "page.js"])
def test_what_the_page_fetches_is_here_and_small(client: TestClient, name: str) -> None:
    response = client.get(f"/static/{name}")
    assert response.status_code == 200
    assert len(response.content) < 12_000
    assert "max-age" in response.headers["cache-control"]
    safe(response)


@pytest.mark.parametrize("name", ["app.py", "..%2Fapp.py", "page.html", "dossier.css", ""])
def test_nothing_else_is_fetched_there(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code == 404


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        (None, "", "en"),
        (None, "nl-NL,nl;q=0.9,en;q=0.8", "nl"),
        (None, "de, fr;q=0.9, nl;q=0.5, en;q=0.4", "nl"),
        (None, "en;q=0.2, nl;q=0.1", "en"),
        (None, "nl;q=0, *", "en"),
        (None, "nl;q=x, en;q=", "en"),
        (None, "\x00;;;===,,,", "en"),
        ("nl", "en", "nl"),
        ("en", "nl", "en"),
        ("xx", "nl", "nl"),
    ],
)
def test_the_language_is_the_one_asked_for_or_accepted(asked: str | None, accepted: str, language: str) -> None:
    assert language_of(asked, accepted) == language


def test_the_page_speaks_the_language_of_the_reader(client: TestClient) -> None:
    dutch = client.get("/", headers={"accept-language": "nl"})
    assert '<html lang="nl">' in dutch.text
    assert 'href="/?lang=en"' in dutch.text
    assert dutch.headers["content-language"] == "nl"
    assert '<html lang="en">' in client.get("/?lang=en", headers={"accept-language": "nl"}).text


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("name", sorted(json.loads((ROOT / "samples" / "expected.json").read_text("utf-8"))))
def test_five_rows_and_the_whole_answer(real: TestClient, name: str, language: str) -> None:
    response = sent(real, name, lang=language)
    assert response.status_code == 200
    safe(response)
    page = Page(response.text)
    assert page.open == []
    assert [row["data-row"] for row in page.named("tr") if "data-row" in row] == ROWS
    report = real.post("/v1/verify", content=(MEDIA / name).read_bytes()).json()
    assert report["verdict"]["summary"][language] in page.text
    for step in report["verdict"]["next_steps"]:
        assert step[language] in page.text
    assert report["asset"]["sha256"] in page.text
    kept = {str(link["download"]): str(link["href"]) for link in page.named("a") if "download" in link}
    assert json.loads(decoded(kept["report.json"])) == report
    dossier = Page(decoded(kept["dossier.html"]).decode())
    assert report["verdict"]["summary"][language] in dossier.text
    assert dossier.named("html") == [{"lang": language}]
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[:2] == [1, 2]
    assert set(levels[2:]) <= {3}


def decoded(address: str) -> bytes:
    return base64.b64decode(address.partition(";base64,")[2], validate=True)


def test_the_tree_stands_in_details(real: TestClient) -> None:
    page = Page(sent(real, "ai-edited.jpg").text)
    assert len(page.named("details")) == len(page.named("summary")) >= 3
    assert "gracht.jpg" in page.text
    assert "made from (parentOf)" in page.text


def test_a_fragment_is_the_answer_alone(real: TestClient) -> None:
    response = sent(real, "tampered.jpg", **{"as": "fragment", "lang": "nl"})
    safe(response)
    assert "<html" not in response.text
    assert response.text.strip().startswith("<article")
    assert Page(response.text).open == []


def test_dossiers_are_downloads(real: TestClient) -> None:
    page = sent(real, "ai-generated.png", **{"as": "html", "lang": "nl"})
    assert page.headers["content-disposition"] == 'attachment; filename="dossier.html"'
    assert "Gemaakt met AI" in Page(page.text).text
    pdf = sent(real, "ai-generated.png", **{"as": "pdf", "lang": "nl"})
    assert pdf.headers["content-disposition"] == 'attachment; filename="dossier.pdf"'
    assert pdf.headers["content-type"] == "application/pdf"
    assert "Gemaakt met AI" in PdfReader(BytesIO(pdf.content)).pages[0].extract_text()
    for answer in (page, pdf):
        safe(answer)


def test_what_the_file_was_called_is_never_used(real: TestClient) -> None:
    data = (MEDIA / "stripped.jpg").read_bytes()
    text = real.post("/", files={"file": ("geheim-<b>.jpg", data)}).text
    assert "geheim" not in text


def test_a_hostile_file_stays_text(real: TestClient, shared: Path) -> None:
    for path in sorted((shared / "corpus" / "hostile").glob("xss*")):
        response = real.post("/", files={"file": ("x", path.read_bytes())})
        page = Page(response.text)
        assert page.open == []
        assert [script.get("src") for script in page.named("script")] == ["/static/page.js"]
        assert len(page.named("img")) <= 1
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", response.text)


@pytest.mark.parametrize(("form", "whole"), [("page", True), ("fragment", False), ("pdf", True)])
def test_a_problem_is_told_in_words(client: TestClient, recorder: Recorder, form: str, whole: bool) -> None:
    response = client.post("/", files={"file": ("", b"")}, params={"as": form, "lang": "nl"})
    assert response.status_code == 400
    assert response.headers["content-type"].startswith("text/html")
    assert "Er is geen bestand gekozen, of het bestand is leeg" in response.text
    assert ("<html" in response.text) is whole
    safe(response)
    assert recorder.files == []


def test_every_problem_has_words_and_its_own_status(client: TestClient, keyring: Keyring) -> None:
    headers = {"accept-language": "nl"}
    large = client.post("/", files={"file": ("x", b"x" * (LIMIT + 1))}, headers=headers)
    assert (large.status_code, "te groot" in large.text) == (413, True)
    raw = client.post("/", content=b"", headers=headers)
    assert (raw.status_code, "geen bestand" in raw.text) == (400, True)
    other = client.post("/", files={"file": b"x"}, headers={**headers, **bearer(keyring, "south", Scope.REGISTRY)})
    assert (other.status_code, "later nog eens" in other.text) == (403, True)


def test_whoever_asks_too_often_reads_a_page(client: TestClient, keyring: Keyring) -> None:
    key = bearer(keyring, "north", Scope.VERIFY)
    answers = [client.post("/", files={"file": b"x"}, headers=key) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    assert "wait a minute" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_a_file_that_cannot_be_examined_has_a_page_too(client: TestClient) -> None:
    page = Page(client.post("/", files={"file": b"x"}, params={"lang": "nl"}).text)
    assert page.open == []
    assert "Niet onderzocht" in page.text


def test_only_what_is_ours_is_attached() -> None:
    assert attachment("é<", "text/html") == "data:text/html;base64,w6k8"
    with pytest.raises(ValueError, match="no attachment"):
        attachment("x", "text/javascript")


FACTS = {
    "jur": "NL",
    "role": "deployer",
    "platform": "tiktok",
    "professional": "true",
    "edit": "full",
    "exists_or_plausible": "true",
    "appears_authentic": "true",
    "art": "false",
    "generated_on": "2026-09-01",
}


def test_an_advertisement_and_a_real_person_are_asked_for_and_decide(real: TestClient) -> None:
    def rules(**more: str) -> set[str]:
        data = {"file": ("x", (MEDIA / "ai-generated.png").read_bytes())}
        answer = {**FACTS, "platform": "youtube", "role": "ad_publisher", **more}
        page = Page(real.post("/", files=data, data=answer).text)
        report = json.loads(
            decoded(next(str(a["href"]) for a in page.named("a") if a.get("download") == "report.json"))
        )
        assert {option["value"] for option in page.named("option") if "selected" in option} >= set(more.values())
        return {duty["rule"] for duty in report["labels"] if duty["status"] in ("required", "prohibited")}

    bare = rules()
    assert {rule for rule in rules(political_ad="true") - bare if rule.startswith("TTPA-")}
    assert rules(real_person="private", platform="tiktok") - rules(platform="tiktok")


@pytest.mark.parametrize(("language", "label"), [("en", "AI-generated"), ("nl", "Gemaakt met AI")])
def test_answers_decide_which_label_is_owed(real: TestClient, language: str, label: str) -> None:
    data = {"file": ("x", (MEDIA / "ai-generated.png").read_bytes())}
    text = real.post("/", files=data, data=FACTS, params={"lang": language}).text
    page = Page(text)
    report = json.loads(decoded(next(str(a["href"]) for a in page.named("a") if a.get("download") == "report.json")))
    required = {duty["rule"] for duty in report["labels"] if duty["status"] == "required"}
    assert "EU-50-4-deepfake" in required
    assert f"“{label}”" in page.text
    assert "--context jur=NL --context role=deployer" in page.text, "the command has the facts"
    chosen = [option["value"] for option in page.named("option") if "selected" in option]
    assert sorted(map(str, chosen)) == sorted(v for k, v in FACTS.items() if k not in ("jur", "generated_on"))
    assert {"NL", "2026-09-01"} <= {field.get("value") for field in page.named("input")}


@pytest.mark.parametrize(
    ("name", "value"), [("jur", "XX"), ("jur", "<b>"), ("role", "king"), ("generated_on", "soon"), ("art", "perhaps")]
)
def test_an_answer_that_is_none_is_told(client: TestClient, recorder: Recorder, name: str, value: str) -> None:
    response = client.post("/", files={"file": b"x"}, data={name: value}, params={"lang": "nl"})
    assert response.status_code == 422
    assert "Een van de antwoorden klopt niet" in response.text
    assert recorder.files == []


def test_other_fields_are_not_read(client: TestClient, recorder: Recorder) -> None:
    assert client.post("/", files={"file": b"x"}, data={"decl": "not_ai", "date": "1999-01-01"}).status_code == 200
    assert client.post("/", files={"file": b"x"}, data={f"n{i}": "x" for i in range(40)}).status_code == 400


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_question_and_every_answer_has_words(client: TestClient, language: str) -> None:
    page = Page(client.get("/", params={"lang": language}).text)
    for option in page.named("option"):
        value = str(option["value"])
        assert not value or "_" not in value or value not in page.texts, value


@pytest.mark.parametrize(
    ("language", "said"), [("en", "this service does not look for them"), ("nl", "deze dienst zoekt er niet naar")]
)
def test_a_visitor_is_told_no_options_of_a_command(real: TestClient, language: str, said: str) -> None:
    page = sent(real, "stripped.jpg", lang=language).text
    assert said in page
    assert "--open-marks" not in page


@pytest.mark.parametrize("language", ["en", "nl"])
def test_a_refused_form_names_the_question_and_stays_as_it_was_filled_in(client: TestClient, language: str) -> None:
    """All answers were gone, and which of the eleven was wrong was not told."""
    wrong = '"><b>Nederland'
    filled = {"jur": wrong, "role": "platform", "professional": "true"}
    for content, status in ((b"x", 422), (b"", 400)):
        answer = client.post(f"/?lang={language}", files={"file": ("x", content)}, data=filled)
        assert answer.status_code == status
        safe(answer)
        page = Page(answer.text)
        (typed,) = (each for each in page.named("input") if each["name"] == "jur")
        assert typed["value"] == wrong
        chosen = {str(each["value"]) for each in page.named("option") if "selected" in each}
        assert chosen >= {"platform", "true"}
        question = {"en": "In which countries can people see this?", "nl": "In welke landen is dit te zien?"}[language]
        assert answer.text.count(question) == (2 if status == 422 else 1)
