# SPDX-License-Identifier: Apache-2.0
"""Every sentence stands in both languages, with the same parts, and every code has one."""

import re
import string
from pathlib import Path

import pytest

from tests.conftest import ROOT
from waarmerk.provenance.report.wording import LANGUAGES, wording

SOURCE = ROOT / "provenance" / "waarmerk" / "provenance"
_FINDING = re.compile(r"""Finding\(\s*"([a-z0-9-]+\.[a-z0-9.-]+)\"""")


def parts(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_say_the_same_things() -> None:
    english, dutch = (wording(language).sections for language in LANGUAGES)
    assert english.keys() == dutch.keys()
    for section, texts in english.items():
        assert texts.keys() == dutch[section].keys(), section
        for key, text in texts.items():
            assert parts(text) == parts(dutch[section][key]), (section, key)


def test_no_sentence_says_more_than_is_known() -> None:
    forbidden = re.compile(r"\b(authentic|fake|is real|nep|is echt|true photo|\d+ ?%)\b", re.IGNORECASE)
    for language in LANGUAGES:
        for section, texts in wording(language).sections.items():
            for key, text in texts.items():
                assert not forbidden.search(text), (language, section, key, text)


OF_PICTURES_ALONE = {"registry.signal"}  # others send fingerprints of pictures
FRAMES = {"watermark.clip-mixed"}  # Dutch has one word for a picture and for a frame


def test_what_a_clip_can_bring_is_not_said_of_a_picture() -> None:
    """Marks are searched for and registries asked about clips too, and about sound by its digest."""
    of_a_picture = re.compile(r"\b(pictures?|photos?|beeld(en)?|foto('s)?)\b")
    looked_at = 0
    for language in LANGUAGES:
        for section, texts in wording(language).sections.items():
            for key, text in texts.items():
                is_about_any_file = section in ("mark", "step") or (
                    section in ("concern", "channel", "unread") and key.startswith(("watermark.", "registry."))
                )
                if is_about_any_file and key not in OF_PICTURES_ALONE | FRAMES:
                    looked_at += 1
                    assert not of_a_picture.search(text), (language, section, key, text)
    assert looked_at > 100


def files() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py"))


def test_every_finding_in_the_code_has_a_sentence() -> None:
    codes = {code for path in files() for code in _FINDING.findall(path.read_text("utf-8"))}
    assert len(codes) >= 3
    missing = sorted(code for code in codes if not wording("en").has("concern", code))
    assert not missing


def test_a_code_without_a_sentence_is_shown_as_it_is() -> None:
    assert wording("en").say("concern", "assertion.dataHash.mismatch") == "assertion.dataHash.mismatch"
    assert wording("nl").say("concern", "some.code", about="\u202ex") == "some.code: <U+202E>x"


def test_another_language_is_refused() -> None:
    with pytest.raises(KeyError):
        wording("xx")
