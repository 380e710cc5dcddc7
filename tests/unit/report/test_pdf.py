# SPDX-License-Identifier: Apache-2.0
"""The dossier as PDF: what the HTML dossier says, as text, and nothing in it that acts."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject, IndirectObject

from tests.conftest import AT, ROOT
from tests.unit.report.test_html import EVIL, Page, evil
from waarmerk.provenance.jobs.workbench import Workbench
from waarmerk.provenance.report.html import Dossier
from waarmerk.provenance.report.html import Run as HtmlRun
from waarmerk.provenance.report.pdf import render
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings

MEDIA = ROOT / "samples" / "media"
OPTIONS = ("--at", "2026-11-21T12:00:00Z")


@pytest.fixture(scope="module")
def bench() -> Workbench:
    return Workbench(Settings(trust=ROOT / "samples" / "trust"))


def dossier_of(bench: Workbench, language: str, *names: str) -> Dossier:
    made = Dossier(language, HtmlRun(options=OPTIONS, rests_on=(("ledger", "~/ledger.sqlite", "ab" * 32),)))
    for name in names:
        both = bench.perform("dossier", MEDIA / name, named=True, at=AT)
        made.add(both["report"], both["dossier"])
    return made


def words_of(data: bytes) -> str:
    """The text of all pages without any space: lines are broken elsewhere than in HTML."""
    pages = PdfReader(io.BytesIO(data)).pages
    text = "".join(re.sub(r"\A.*?\n\d+\n", "", page.extract_text(), flags=re.DOTALL) for page in pages)
    return squeezed(text)


@pytest.mark.parametrize("language", ["en", "nl"])
@pytest.mark.parametrize("name", sorted(json.loads((ROOT / "samples" / "expected.json").read_text("utf-8"))))
def test_it_says_what_the_html_dossier_says(bench: Workbench, name: str, language: str) -> None:
    dossier = dossier_of(bench, language, name)
    text = words_of(render(dossier))
    view = dossier.sheets[0].view
    listed = (*view.concerns(), *view.steps(), *view.unread(), *view.questions())
    wanted = {line for row in (*view.facts(), *view.axes()) for line in (row.head, row.text)} | {*listed}
    wanted |= {sha256 for _, _, _, sha256 in view.lists()} | {"ab" * 32, "--at 2026-11-21T12:00:00Z"}
    assert [line for line in wanted if squeezed(line) not in text] == []
    in_html = {line for line in Page(dossier.render()).texts if len(squeezed(line)) > 1}
    missing = {line.strip() for line in in_html if squeezed(line) not in text}
    words = wording(language)
    beside = {words.say("dossier", key) for key in ("axis", "found", "colours")}  # of the table and the lines in HTML
    assert {line for line in missing if view.name not in line} - beside == set()


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_fonts_are_embedded_and_nothing_acts(bench: Workbench) -> None:
    reader = PdfReader(io.BytesIO(render(dossier_of(bench, "nl", "ai-edited.jpg", "clip.mp4"))))
    seen: set[str] = set()
    fonts = 0
    for each in objects(reader):
        seen |= set(each)
        if each.get("/Type") == "/Font" and each.get("/Subtype") == "/TrueType":
            fonts += 1
            assert "/FontFile2" in each["/FontDescriptor"].get_object()
    assert fonts >= 2
    acting = ("/JS", "/JavaScript", "/AA", "/Launch", "/URI", "/EmbeddedFiles", "/AcroForm", "/Annots", "/XFA")
    assert seen.isdisjoint(acting)
    assert "/OpenAction" not in reader.trailer["/Root"] or reader.trailer["/Root"]["/OpenAction"][1] == "/FitH"
    assert reader.trailer["/Root"]["/Lang"] == "nl"
    assert reader.metadata is not None
    assert reader.metadata.author == "waarmerk"
    assert reader.metadata["/CreationDate"].startswith("D:20261121120000")


def objects(reader: PdfReader) -> Iterator[DictionaryObject]:
    for number in range(1, int(reader.trailer["/Size"])):
        found = IndirectObject(number, 0, reader).get_object()
        if isinstance(found, DictionaryObject):
            yield found


def test_equal_dossiers_give_equal_bytes(bench: Workbench) -> None:
    assert render(dossier_of(bench, "en", "audio.wav")) == render(dossier_of(bench, "en", "audio.wav"))


@pytest.mark.parametrize("language", ["en", "nl"])
def test_hostile_text_stays_text(bench: Workbench, language: str) -> None:
    both = bench.perform("dossier", MEDIA / "ai-edited.jpg", named=True, at=AT)
    report, shown = evil(both["report"]), both["dossier"]
    for duty in report["labels"]:
        duty["status"], duty["basis"] = "required", "law"
    report["verdict"]["summary"] = {language: EVIL * 300}  # longer than a page
    shown = {**shown, "manifests": evil(shown["manifests"]), "picture": {"uri": EVIL, "width": 1, "height": 1}}
    for manifest in shown["manifests"]:
        for ingredient in manifest["ingredients"]:
            ingredient["state"] = "none"
    made = Dossier(language, HtmlRun(options=("--context", EVIL)))
    made.add(report, shown)
    data = render(made)
    reader = PdfReader(io.BytesIO(data))
    text = "".join(page.extract_text() for page in reader.pages)
    assert "alert(1)" in text
    assert "<U+202E>" in text
    assert not [c for c in text if c not in "\n\xa0" and not c.isprintable()]
    assert "{{7*7}}" in text


def test_a_hostile_file_of_the_corpus(bench: Workbench, shared: Path) -> None:
    for path in sorted((shared / "corpus" / "hostile").glob("xss*")):
        both = bench.perform("dossier", path, named=True, at=AT)
        made = Dossier("nl")
        made.add(both["report"], both["dossier"])
        assert "alert" in words_of(render(made))


@pytest.mark.parametrize("text", ["漢字", "עברית", "\U0001f600", "ﬁ", "Łódź ñ ĳ ß"])
def test_letters_that_the_font_lacks_are_told_by_their_number(bench: Workbench, text: str) -> None:
    report = bench.perform("verify", MEDIA / "stripped.jpg", named=True, at=AT)
    report["asset"]["name"] = text
    made = Dossier("en")
    made.add(report)
    found = words_of(render(made))
    shown = text.replace(" ", "")
    assert shown in found or f"<U+{ord(text[0]):04X}>" in found


def test_many_files_deep_trees_and_no_file_at_all(bench: Workbench) -> None:
    names = [path.name for path in sorted(MEDIA.iterdir()) if path.is_file()]
    reader = PdfReader(io.BytesIO(render(dossier_of(bench, "en", *names))))
    assert len(reader.pages) > len(names)
    report = bench.perform("verify", MEDIA / "ai-edited.jpg", named=True, at=AT)
    node = {"generator": None, "signer_name": EVIL, "signed_at": None, "claim_sha256": None, "signer": "unknown"}
    ring = [
        {
            **node,
            "label": f"m{i}",
            "title": f"t{i}",
            "actions": [],
            "failures": [],
            "assertions": [],
            "ingredients": [{"title": None, "relationship": "x", "state": "intact", "manifest": f"m{i + 1}"}],
        }
        for i in range(300)
    ]
    deep = Dossier("en")
    deep.add(report, {"picture": None, "inner": None, "manifests": ring})
    assert "t30" in words_of(render(deep))
    assert len(PdfReader(io.BytesIO(render(Dossier("en")))).pages) == 1


def test_the_command_writes_a_pdf() -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "waarmerk.cli", "verify", str(MEDIA / "tampered.jpg")]
    command += ["--format", "pdf", "--lang", "nl", *OPTIONS]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr
    assert "tampered.jpg" in words_of(done.stdout)
    assert "--formatpdf" in words_of(done.stdout)
