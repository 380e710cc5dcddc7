# SPDX-License-Identifier: Apache-2.0
"""Text of a file never acts outside the file."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waarmerk.provenance.report.escape import cell, markup, plain

HOSTILE = "\x1b[31mred\x07 \u202eevil\u2066 \x00 \u200b \u2028 \x9b"


def test_controls_and_direction_marks_are_shown_not_obeyed() -> None:
    shown = plain(HOSTILE)
    assert "<U+001B>[31mred<U+0007>" in shown
    assert "<U+202E>evil<U+2066>" in shown
    assert "\x00" not in shown


@given(st.text())
def test_nothing_unsafe_is_left(text: str) -> None:
    for shown in (plain(text), markup(text), cell(text)):
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") for c in shown)


def test_long_text_is_cut_visibly() -> None:
    assert plain("x" * 300) == "x" * 255 + "…"
    assert len(plain("x" * 300, limit=20)) == 20


def test_letters_of_any_script_stay() -> None:
    for text in ("Zoë de Ruïne", "Ελληνικά", "中文", "العربية", "naïveté — “quoted”"):
        assert plain(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert cell(text) == "'" + text


def test_a_tab_before_a_formula_does_not_hide_it() -> None:
    assert not cell("\t=1+1").startswith(("\t", "="))


def test_markup_is_text() -> None:
    assert markup("<script>\"'&") == "&lt;script&gt;&quot;&#x27;&amp;"
