# SPDX-License-Identifier: Apache-2.0
"""The dossier: complete, self-contained, and nothing of a file acts in it."""

import io
import json
import os
import re
import shutil
import subprocess
import unicodedata
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.conftest import ROOT, Run
from waarmerk.provenance.jobs.workbench import Workbench
from waarmerk.provenance.media.image import Picture
from waarmerk.provenance.media.preview import MAX_SIDE, preview
from waarmerk.provenance.report.branches import MAX_ALIKE, tree_of
from waarmerk.provenance.report.html import Dossier, render
from waarmerk.provenance.report.html import Run as HtmlRun
from waarmerk.provenance.report.search import search_links, with_links
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings

SAMPLES = ROOT / "samples"
EVIL = "\"'><img src=x onerror=alert(1)><script>alert(2)</script>\u202egpj\x1b[31m{{7*7}}{% raw %}"
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Elements, texts and whether tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return Workbench(Settings(trust=SAMPLES / "trust"))


def dossier_of(bench: Workbench, path: Path, language: str, at: Any) -> str:
    both = bench.perform("dossier", path, named=True, at=at)
    page = Dossier(language, HtmlRun(options=("--at", "2026-11-21T12:00:00Z")))
    page.add(both["report"], both["dossier"])
    return page.render()


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("name", sorted(json.loads((SAMPLES / "expected.json").read_text("utf-8"))))
def test_a_dossier_answers_the_questions_of_a_fact_checker(bench: Workbench, name: str, language: str, at: Any) -> None:
    report = bench.perform("verify", SAMPLES / "media" / name, named=True, at=at)
    page = Page(dossier_of(bench, SAMPLES / "media" / name, language, at))
    assert page.open == []
    assert page.named("html") == [{"lang": language}]
    assert report["asset"]["sha256"] in page.text
    assert report["verdict"]["summary"][language] in page.text
    for edition in (*report["basis"]["trust_lists"], *report["basis"]["rule_packs"]):
        assert edition["sha256"] in page.text
    for step in report["verdict"]["next_steps"]:
        assert step[language] in page.text
    assert f"waarmerk verify {name} --at 2026-11-21T12:00:00Z" in page.text
    intact = report["credentials"]["integrity"] == "intact"
    for source_type in report["credentials"]["ai"]["source_types"] if intact else ():
        assert re.search(rf"\w \({re.escape(source_type)}\)", page.text), "words first, the address behind them"


def test_nothing_runs_and_nothing_is_fetched(bench: Workbench, at: Any) -> None:
    page = Page(dossier_of(bench, SAMPLES / "media" / "ai-edited.jpg", "en", at))
    names = {name for name, _ in page.elements}
    assert not names & {"script", "iframe", "link", "object", "embed", "form", "base", "svg"}
    policies = [meta["content"] for meta in page.named("meta") if "http-equiv" in meta]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href"):
            assert str(attributes.get(name) or "#").startswith(("#", "data:image/jpeg;base64,"))


def test_the_picture_is_ours(bench: Workbench, at: Any) -> None:
    path = SAMPLES / "media" / "ai-generated.png"
    (image,) = Page(dossier_of(bench, path, "en", at)).named("img")
    import base64

    data = base64.b64decode(str(image["src"]).partition(",")[2])
    with Image.open(io.BytesIO(data)) as seen:
        assert seen.format == "JPEG"
        assert max(seen.size) <= MAX_SIDE
        assert not seen.getexif()
        assert "icc_profile" not in seen.info
    original = path.read_bytes()
    pieces = {original[i : i + 24] for i in range(0, len(original) - 24, 24)}
    assert not [i for i in range(len(data) - 24) if data[i : i + 24] in pieces]
    assert image["alt"]


def evil(document: Any) -> Any:
    """The report with every text that may come from a file replaced by something that wants to act."""
    if isinstance(document, dict):
        keep = ("status", "state", "integrity", "chain", "identity", "signal", "code", "origin", "tier", "format")
        return {key: value if key in keep or key == "time_status" else evil(value) for key, value in document.items()}
    if isinstance(document, list):
        return [evil(each) for each in document]
    return EVIL if isinstance(document, str) else document


@pytest.mark.parametrize("language", ["en", "nl"])
def test_hostile_text_stays_text(bench: Workbench, language: str, at: Any) -> None:
    both = bench.perform("dossier", SAMPLES / "media" / "ai-edited.jpg", named=True, at=at)
    report, shown = both["report"], both["dossier"]
    signer = report["credentials"]["signer"]["status"]
    report = evil(report)
    report["credentials"]["signer"]["status"] = signer
    for duty in report["labels"]:
        duty["status"], duty["basis"] = "required", "law"
    report["verdict"]["summary"] = report["verdict"]["summary"] | {language: EVIL}
    shown = {**shown, "manifests": evil(shown["manifests"]), "picture": {"uri": EVIL, "width": 1, "height": 1}}
    for manifest in shown["manifests"]:
        for ingredient in manifest["ingredients"]:
            ingredient["state"] = "none"
    page = Dossier(language, HtmlRun(options=("--context", EVIL)))
    page.add(report, shown)
    text = page.render()
    seen = Page(text)
    assert seen.open == []
    assert not seen.named("script")
    assert [image["src"] for image in seen.named("img")] == ["data:,"]
    assert "alert(1)" in seen.text
    assert "{{7*7}}" in seen.text
    assert not [c for c in text if c not in "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")]


def test_a_hostile_file_of_the_corpus(bench: Workbench, shared: Path, at: Any) -> None:
    page = Page(dossier_of(bench, shared / "corpus" / "hostile" / "xss_names.jpg", "en", at))
    assert not page.named("script")
    assert len(page.named("img")) == 1
    assert "onerror=alert(1)" in page.text


def test_headings_and_tables_can_be_walked(bench: Workbench, at: Any) -> None:
    page = Dossier("nl")
    for name in ("camera-capture.jpg", "clip.mp4", "audio.wav"):
        both = bench.perform("dossier", SAMPLES / "media" / name, named=True, at=at)
        page.add(both["report"], both["dossier"])
    seen = Page(page.render())
    levels = [int(name[1]) for name, _ in seen.elements if re.fullmatch(r"h[1-6]", name)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(head.get("scope") in ("row", "col") for head in seen.named("th"))
    identifiers = [attributes["id"] for _, attributes in seen.elements if "id" in attributes]
    assert len(set(identifiers)) == len(identifiers)
    assert {str(link["href"])[1:] for link in seen.named("a")} <= set(identifiers)
    assert len(seen.named("article")) == 3


def test_an_unreadable_file_has_a_dossier_too(bench: Workbench, tmp_path: Path, at: Any) -> None:
    path = tmp_path / "leeg.jpg"
    path.write_bytes(b"")
    page = Page(dossier_of(bench, path, "nl", at))
    assert "Niet onderzocht" in page.text
    assert not page.named("img")


def test_a_tree_that_eats_its_tail_ends(bench: Workbench, at: Any) -> None:
    report = bench.perform("verify", SAMPLES / "media" / "ai-edited.jpg", named=True, at=at)
    ring = [
        {
            "label": f"m{i}",
            "title": f"t{i}",
            "generator": None,
            "signer_name": None,
            "signed_at": None,
            "signer": "user",
            "assertions": [],
            "claim_sha256": None,
            "actions": [],
            "failures": [],
            "ingredients": [
                {"title": None, "relationship": "parentOf", "state": "intact", "manifest": f"m{(i + 1) % 500}"}
            ],
        }
        for i in range(500)
    ]
    page = Dossier("en")
    page.add(report, {"picture": None, "inner": None, "manifests": ring})
    assert Page(page.render()).text.count("made from") <= 40


def test_of_many_actions_the_first_are_told_and_how_many_more() -> None:
    action = {"action": "c2pa.edited", "source_type": None, "when": None, "tool": None}
    manifest = {"label": "m", "title": "t", "generator": None, "signer_name": None, "signed_at": None, "signer": None}
    manifest |= {"claim_sha256": None, "actions": [action] * 5000, "assertions": ["a"] * 5000, "ingredients": []}
    tree = tree_of([{**manifest, "failures": [{"code": "x", "about": ""}] * 5000}], wording("en"), is_detailed=True)
    assert tree is not None
    assert len(tree.top.facts) == 3 * (MAX_ALIKE + 1) + 1
    assert [fact.text for fact in tree.top.facts].count("and 4940 more") == 3


def test_reports_alone_make_a_dossier(bench: Workbench, at: Any) -> None:
    report = bench.perform("verify", SAMPLES / "media" / "declared.webp", named=False, at=at)
    assert "a file without a name" in Page(render([report], language="en")).text


def test_transparency_is_shown_white_and_turns_are_made() -> None:
    rgb = np.zeros((20, 40, 3), np.uint8)
    picture = Picture(
        rgb=rgb,
        alpha=np.zeros((20, 40), np.uint8),
        mode="RGBA",
        orientation=6,
        frames=1,
        icc_profile=None,
        exif=None,
    )
    small = preview(picture)
    assert (small.width, small.height) == (20, 40)
    with Image.open(io.BytesIO(small.data)) as seen:
        assert np.asarray(seen).min() >= 250


def test_the_command_writes_one_page_for_all(waarmerk: Run) -> None:
    done = waarmerk(
        "verify",
        SAMPLES / "media" / "declared.webp",
        SAMPLES / "media" / "stripped.jpg",
        "--trust",
        SAMPLES / "trust",
        "--format",
        "html",
        "--lang",
        "nl",
        "--at",
        "2026-11-21T12:00:00Z",
    )
    assert done.returncode == 0, done.stderr
    page = Page(done.stdout)
    assert len(page.named("article")) == 2
    assert len(page.named("img")) == 2
    assert "--trust trust --lang nl --format html" in page.text
    assert "sha256sum stripped.jpg" in page.text


def test_search_links_only_for_a_public_address(waarmerk: Run) -> None:
    path = SAMPLES / "media" / "stripped.jpg"
    done = waarmerk("verify", path, "--format", "json", "--public-url", "https://example.org/a b.jpg?x=1&y=<2>")
    steps = json.loads(done.stdout)[0]["verdict"]["next_steps"]
    links = [step["en"] for step in steps if "https://" in step["en"]]
    assert len(links) == 4
    assert all("example.org%2Fa%20b.jpg%3Fx%3D1%26y%3D%3C2%3E" in link for link in links)
    for refused in ("file:///etc/passwd", "http://127.0.0.1/x", "https://u:p@example.org/", "http://nas.local/x"):
        assert waarmerk("verify", path, "--public-url", refused).returncode == 2, refused
    assert waarmerk("verify", path, path, "--public-url", "https://example.org/x").returncode == 2


def test_links_do_not_change_the_report_they_are_added_to() -> None:
    report = {"verdict": {"next_steps": [{"en": "a", "nl": "b"}]}}
    assert len(with_links(report, "https://example.org/")["verdict"]["next_steps"]) == 5
    assert len(report["verdict"]["next_steps"]) == 1
    with pytest.raises(ValueError, match="public"):
        search_links("https://localhost/x")


_AXE = os.environ.get("WAARMERK_AXE", "")


@pytest.mark.skipif(
    not (_AXE and shutil.which("node")), reason="WAARMERK_AXE names no folder with axe-core and playwright-core"
)
def test_axe_finds_nothing(bench: Workbench, tmp_path: Path, at: Any) -> None:
    page = tmp_path / "dossier.html"
    page.write_text(dossier_of(bench, SAMPLES / "media" / "resigned-over-tampered.jpg", "nl", at), "utf-8")
    script = Path(__file__).with_name("axe.cjs")
    done = subprocess.run(
        ["node", str(script), str(page)], cwd=_AXE, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
