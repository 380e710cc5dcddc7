# SPDX-License-Identifier: Apache-2.0
"""The page in a real browser: with and without script, dropped files, downloads, accessibility, paper."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import MEDIA, accessible, needs_axe, shot
from waarmerk.api.routes.page import LONG_BYTES


def rows(page: Any) -> list[str]:
    found: list[str] = page.locator("tr[data-row]").evaluate_all("all => all.map(each => each.dataset.row)")
    return found


ROWS = ["credentials", "signer", "identity", "ai", "labels"]


def test_without_script_the_form_is_a_form(opened: Any) -> None:
    page = opened(java_script_enabled=False)
    page.set_input_files("#file", MEDIA / "ai-edited.jpg")
    page.click("form button >> nth=0")
    assert rows(page) == ROWS
    assert page.locator("html").get_attribute("lang") == "nl"
    assert "Aangepast met AI" in page.inner_text(".verdict")
    shot(page, "without-script")


def test_without_a_file_the_browser_asks_for_one(opened: Any) -> None:
    page = opened(java_script_enabled=False)
    page.click("form button >> nth=0")
    assert page.locator("#file:invalid").count() == 1
    assert rows(page) == []


def test_with_script_the_answer_comes_into_the_page(opened: Any) -> None:
    page = opened()
    page.evaluate("window.stayed = true")
    page.set_input_files("#file", MEDIA / "tampered.jpg")
    page.click("form button >> nth=0")
    page.wait_for_selector("tr[data-row]")
    assert rows(page) == ROWS
    assert page.evaluate("window.stayed") is True
    assert page.evaluate("document.activeElement.id") == "result"
    assert page.locator("h1").count() == 1
    shot(page, "tampered")


def test_a_dropped_file_is_examined(opened: Any) -> None:
    page = opened(locale="en-GB")
    data = base64.b64encode((MEDIA / "ai-generated.png").read_bytes()).decode()
    transfer = page.evaluate_handle(
        """data => { const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
        const transfer = new DataTransfer(); transfer.items.add(new File([bytes], "a.png")); return transfer; }""",
        data,
    )
    page.dispatch_event("h1", "dragover", {"dataTransfer": transfer})
    assert page.locator("form.over").count() == 1
    page.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    page.wait_for_selector("tr[data-row]")
    assert "Made with AI" in page.inner_text(".verdict")
    assert page.locator("form.over").count() == 0
    assert page.evaluate("document.getElementById('file').files.length") == 1
    shot(page, "dropped")


def test_dossier_pdf_and_report_can_be_kept(opened: Any) -> None:
    page = opened(accept_downloads=True)
    page.set_input_files("#file", MEDIA / "camera-capture.jpg")
    page.click("form button >> nth=0")
    page.wait_for_selector("tr[data-row]")
    kept: dict[str, bytes] = {}
    for place in ("form button >> nth=1", "form button >> nth=2", "a[download] >> nth=0", "a[download] >> nth=1"):
        with page.expect_download() as waiting:
            page.click(place)
        name = waiting.value.suggested_filename
        data = Path(waiting.value.path()).read_bytes()
        assert kept.setdefault(name, data)[:200] == data[:200]
        assert rows(page) == ROWS, "the page stays"
    assert set(kept) == {"dossier.html", "dossier.pdf", "report.json"}
    assert kept["dossier.pdf"].startswith(b"%PDF-")
    assert json.loads(kept["report.json"])["verdict"]["authentic_capture"] is True


def test_a_problem_is_told_in_the_page(opened: Any, address: str) -> None:
    page = opened()
    other = {"content_type": "application/json", "body": "{}"}
    page.route(f"{address}/?lang=nl&as=fragment", lambda route: route.fulfill(**other))
    page.set_input_files("#file", MEDIA / "stripped.jpg")
    page.click("form button >> nth=0")
    page.wait_for_function("document.getElementById('result').innerText.includes('later nog eens')")
    page.context.clear_cookies()
    assert page.context.cookies() == []


def test_another_language_is_a_click_away(opened: Any) -> None:
    page = opened()
    page.click(".language a")
    assert page.locator("html").get_attribute("lang") == "en"
    page.set_input_files("#file", MEDIA / "stripped.jpg")
    page.click("form button >> nth=0")
    page.wait_for_selector("tr[data-row]")
    assert "Origin unknown" in page.inner_text(".verdict")


def test_it_can_be_used_with_keys_alone(opened: Any) -> None:
    page = opened()
    page.set_input_files("#file", MEDIA / "ai-edited.jpg")
    page.focus("#file")
    page.keyboard.press("Tab")  # the questions, folded
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("tr[data-row]")
    details = page.locator("details >> nth=-1")
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    assert details.get_attribute("open") is not None


def test_what_is_known_decides_the_label(opened: Any) -> None:
    page = opened()
    page.click(".more summary")
    page.fill("#q-jur", "NL")
    for name, value in (("role", "deployer"), ("professional", "true"), ("edit", "full"), ("art", "false")):
        page.select_option(f"#q-{name}", value)
    page.select_option("#q-exists_or_plausible", "true")
    page.select_option("#q-appears_authentic", "true")
    page.fill("#q-generated_on", "2026-09-01")
    page.set_input_files("#file", MEDIA / "ai-generated.png")
    page.click("form button >> nth=0")
    page.wait_for_selector("tr[data-row]")
    assert "verplicht" in page.inner_text("dl.owed")
    shot(page, "label")


def test_on_paper_everything_stands_and_nothing_else(opened: Any) -> None:
    page = opened()
    page.set_input_files("#file", MEDIA / "resigned-over-tampered.jpg")
    page.click("form button >> nth=0")
    page.wait_for_selector("tr[data-row]")
    page.emulate_media(media="print")
    assert not page.is_visible("form")
    assert not page.is_visible(".keep")
    for text in page.locator("details .command").all():
        assert text.is_visible()
    shot(page, "paper")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A picture with more behind it than anybody wants to wait for."""
    path = tmp_path / "large.jpg"
    path.write_bytes((MEDIA / "ai-edited.jpg").read_bytes() + bytes(LONG_BYTES))
    return path


@pytest.mark.parametrize("script", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_what_takes_long_has_a_page_that_looks_again(opened: Any, address: str, large: Path, script: bool) -> None:
    page = opened(java_script_enabled=script)
    page.set_input_files("#file", large)
    page.click("form button >> nth=0")
    page.wait_for_selector("tr[data-row]", timeout=30_000)
    assert page.url.startswith(f"{address}/job/")
    assert rows(page) == ROWS


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_while_it_is_examined(opened: Any, large: Path, scheme: str) -> None:
    page = opened(viewport={"width": 320, "height": 700}, color_scheme=scheme, bypass_csp=True)
    page.set_input_files("#file", large)
    page.evaluate("document.querySelector('form.ask').submit()")
    page.wait_for_selector("progress")
    accessible(page)
    shot(page, f"waits-{scheme}")
    page.click("text=Niet meer vanzelf kijken")
    page.wait_for_load_state()
    shot(page, f"waits-{scheme}-still")


@needs_axe
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 640, 320])
def test_axe_finds_nothing_and_nothing_is_cut_off(opened: Any, width: int, scheme: str) -> None:
    page = opened(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page.click(".more summary")
    accessible(page)
    for name in ("resigned-over-tampered.jpg", "declared.webp"):
        page.set_input_files("#file", MEDIA / name)
        page.click("form button >> nth=0")
        page.wait_for_selector("tr[data-row]")
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        accessible(page)
        shot(page, f"{scheme}-{width}-{name}")
