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
