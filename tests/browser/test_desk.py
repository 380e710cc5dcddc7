# SPDX-License-Identifier: Apache-2.0
"""Labelling on the page, in a real browser: the key, the form, what is owed, the file that comes back."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import accessible, environment_of, needs_axe, shot
from tests.unit.marking.pictures import scene
from waarmerk.provenance import Settings, build_verifier

KEYED = {"locale": "nl-NL", "java_script_enabled": False, "accept_downloads": True}


def run(home: Path, *arguments: object) -> str:
    command = [sys.executable, "-m", "waarmerk.cli", *map(str, arguments)]
    done = subprocess.run(command, env=environment_of(home), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def key(home: Path, address: str) -> str:
    """The key of an organisation that labels here, made as an operator makes it while the service runs."""
    run(home, "keys", "init", "--folder", home / "keys", "--organisation", "Campagne Delta", "--no-passphrase")
    run(home, "watermark", "keygen", home / "ai.key")
    tenant = ("delta", "--key", home / "ai.key", "--ledger", home / "ledger.sqlite", "--key-folder", home / "keys")
    run(home, "tenant", "add", *tenant)
    return run(home, "tenant", "key", "delta", "--scope", "label").splitlines()[-1].split()[-1]


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "poster <b>.jpg"
    Image.fromarray(scene(600, 800, 5)).save(path, quality=90)
    return path


@pytest.fixture
def entered(opened: Any, address: str, key: str) -> Callable[..., Any]:
    """A page on which the key was shown."""

    def enter(**options: Any) -> Any:
        page = opened(**{**KEYED, **options})
        page.goto(f"{address}/label")
        page.fill("#key", key)
        page.click("form button")
        page.wait_for_selector("#file")
        return page

    return enter


def filled(page: Any) -> None:
    page.check("#ai-generated")
    page.fill("#f-tool", "Delta Draw")
    page.fill("#f-alt", "Een gracht met een vlag")
    page.select_option("#f-label_lang", "nl")
    page.check("#for-tiktok")
    page.click("details.more >> nth=0 >> summary")
    page.fill("#q-jur", "NL")
    for name, value in (("professional", "true"), ("edit", "full"), ("art", "false"), ("political_ad", "true")):
        page.select_option(f"#q-{name}", value)
    page.select_option("#q-exists_or_plausible", "true")
    page.select_option("#q-appears_authentic", "true")
    page.fill("#q-generated_on", "2026-09-01")


def test_from_the_key_to_the_file(entered: Any, address: str, key: str, picture: Path) -> None:
    page = entered()
    assert key not in page.url
    (cookie,) = [each for each in page.context.cookies() if each["name"] == "waarmerk-visit"]
    assert all((each["httpOnly"], each["sameSite"]) == (True, "Strict") for each in page.context.cookies())
    assert key.split("_", 2)[2] not in cookie["value"]
    assert "U werkt voor delta" in page.inner_text(".who")
    filled(page)
    page.click("form.ask button >> nth=0")
    assert "EU-50-4-deepfake" in page.inner_text("dl.owed")
    assert "het zichtbare label doet dit" in page.inner_text("dl.owed")
    assert page.is_checked("#ai-generated")
    assert page.input_value("#f-alt") == "Een gracht met een vlag"
    page.set_input_files("#file", picture)
    page.click("form.ask button >> nth=1")
    assert "Gelabeld" in page.inner_text("h2")
    assert "Delta Draw" not in page.url
    kept: dict[str, bytes] = {}
    for number in range(page.locator("a[download]").count()):
        with page.expect_download() as waiting:
            page.click(f"a[download] >> nth={number}")
        kept[waiting.value.suggested_filename] = Path(waiting.value.path()).read_bytes()
    assert list(kept) == ["labelled.jpg", "labelled.jpg.json"]
    made = picture.with_name("made.jpg")
    made.write_bytes(kept["labelled.jpg"])
    report = build_verifier(Settings()).verify(made)
    assert report.verdict.origin.value == "ai-generated"
    assert json.loads(kept["labelled.jpg.json"])["layers"][0] == "watermark"
    page.click("form.who button")
    page.wait_for_selector("#key")


@pytest.mark.slow
def test_a_long_clip_from_the_form_to_the_file(entered: Callable[..., Any], home: Path, tmp_path: Path) -> None:
    """By the service itself: taken in, labelled by its runner, shown on a page that looks again without script."""
    pytest.importorskip("av", reason="the extra `video` is not installed")
    from tests.unit.marking.test_clips import clip

    page = entered()
    shot(page, "desk-form")
    page.check("#ai-generated")
    page.select_option("#f-stands", "start")
    page.set_input_files("#file", clip(tmp_path / "long.mp4", frames=45, rate=1))
    page.click("form.ask button >> nth=1")
    page.wait_for_url("**/label/job/*")
    shot(page, "desk-waiting")
    page.wait_for_selector("a[download]", timeout=120_000)
    shot(page, "desk-clip-done")
    assert "Elke laag staat in het bestand" in page.inner_text(".verdict")
    with page.expect_download() as waiting:
        page.click("a[download] >> nth=0")
    assert waiting.value.suggested_filename == "labelled.mp4"
    made = tmp_path / "made.mp4"
    made.write_bytes(Path(waiting.value.path()).read_bytes())
    assert build_verifier(Settings()).verify(made).verdict.origin.value == "ai-generated"
    page.click(".keep button")
    page.wait_for_selector("#file")
    folder = home / "data" / "waarmerk" / "service" / "labels"
    assert [path.name for path in folder.iterdir()] == ["spool.id"], "what was erased is gone from the disk"


def test_it_can_be_done_with_keys_alone(entered: Any, picture: Path) -> None:
    page = entered()
    page.set_input_files("#file", picture)  # what a dialog of the system does
    page.focus("#ai-generated")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.is_checked("#ai-none")
    seen = []
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        if seen[-1] == "Labelen en ondertekenen":
            break
    for name in ("f-tool", "f-alt", "f-visible", "for-own", "file"):
        assert name in seen
    page.keyboard.press("Enter")
    page.wait_for_selector("article")
    assert "Ondertekend, zonder label" in page.inner_text(".verdict")


def test_a_form_of_another_page_opens_nothing(opened: Any, entered: Any, address: str, key: str) -> None:
    page = entered()
    page.context.new_page()
    elsewhere = page.context.pages[-1]
    elsewhere.set_content(f'<form method="post" action="{address}/label/end"><button>x</button></form>')
    elsewhere.click("button")
    elsewhere.wait_for_selector("#key")  # the cookie does not come along from another site
    elsewhere.close()
    page.reload()
    assert page.locator("#file").count() == 1


def test_on_paper_the_answer_stands_alone(entered: Any, picture: Path) -> None:
    page = entered()
    filled(page)
    page.click("form.ask button >> nth=0")
    page.emulate_media(media="print")
    assert page.is_visible("section dl.owed")
    assert not page.is_visible("form.ask")
    assert not page.is_visible("form.who")
    shot(page, "desk-paper-owed")


LOOKS = [(900, "light", "nl-NL"), (320, "dark", "en-GB"), (900, "dark", "en-GB"), (320, "light", "nl-NL")]


@needs_axe
@pytest.mark.parametrize("look", [*LOOKS[:1], *(pytest.param(look, marks=pytest.mark.slow) for look in LOOKS[1:])])
def test_axe_finds_nothing_on_any_of_these_pages(
    opened: Any, address: str, key: str, picture: Path, look: tuple[int, str, str]
) -> None:
    width, scheme, locale = look
    page = opened(locale=locale, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    name = f"desk-{scheme}-{width}-{locale[:2]}"
    page.goto(f"{address}/label")
    accessible(page)
    shot(page, f"{name}-key")
    page.fill("#key", "wm_wrong")
    page.click("form button")
    page.wait_for_selector("[role=alert]")
    accessible(page)
    shot(page, f"{name}-wrong")
    page.fill("#key", key)
    page.click("form button")
    page.wait_for_selector("#file")
    accessible(page)
    shot(page, f"{name}-form")
    filled(page)
    page.click("form.ask button >> nth=0")
    page.wait_for_selector("#owed")
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    accessible(page)
    shot(page, f"{name}-owed")
    page.set_input_files("#file", picture)
    page.click("form.ask button >> nth=1")
    page.wait_for_selector("article")
    accessible(page)
    shot(page, f"{name}-done")
    page.emulate_media(media="print")
    shot(page, f"{name}-paper")
