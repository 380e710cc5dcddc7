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
    shown = r"(recording|picture|photo(graph)?|image|video|clip|opname|foto|beeld|video|film(pje)?)s?"
    forbidden = re.compile(
        rf"\b(authentic|genuine|truthful|fake|is real|nep|is echt|(real|true|echte?|ware?) {shown}|\d+ ?%)\b",
        re.IGNORECASE,
    )
    assert all(forbidden.search(text) for text in ("a true recording can mislead", "ook een echte opname", "is echt"))
    for language in LANGUAGES:
        for section, texts in wording(language).sections.items():
            for key, text in texts.items():
                assert not forbidden.search(text), (language, section, key, text)


OF_PICTURES_ALONE = {"registry.undecodable", "registry.signal"}  # others send fingerprints of pictures
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


@pytest.mark.parametrize(
    ("p_value", "english", "dutch"),
    [
        (
            2.2e-300,
            "smaller than 1 in a billion (a computed bound)",
            "kleiner dan 1 op een miljard (berekende bovengrens)",
        ),
        (0.0, "smaller than 1 in a billion (a computed bound)", "kleiner dan 1 op een miljard (berekende bovengrens)"),
        (1e-9, "at most 1 in 1,000,000,000", "hoogstens 1 op 1.000.000.000"),
        (3.19e-5, "at most 1 in 31,000", "hoogstens 1 op 31.000"),
        (0.04, "at most 1 in 25", "hoogstens 1 op 25"),
        (1.0, "at most 1 in 1", "hoogstens 1 op 1"),
    ],
)
def test_a_chance_is_told_in_words_that_claim_no_more_than_was_computed(
    p_value: float, english: str, dutch: str
) -> None:
    assert (wording("en").chance(p_value), wording("nl").chance(p_value)) == (english, dutch)


def test_the_chance_that_another_program_states_is_not_called_computed_here() -> None:
    assert (
        wording("en")
        .keyless_mark("closed:x", 1e-12)
        .endswith("states a chance of a false alarm: smaller than 1 in a billion")
    )
    assert wording("nl").keyless_mark("dwtDct:x", 1e-12).endswith("kleiner dan 1 op een miljard (berekende bovengrens)")
