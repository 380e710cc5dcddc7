# SPDX-License-Identifier: Apache-2.0
"""The panel: what it says in a sentence, what is green, what never reaches a terminal."""

import copy
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AT, ROOT
from waarmerk.provenance import Settings, build_verifier
from waarmerk.provenance.report.document import canonical, to_dict
from waarmerk.provenance.report.human import is_general, render, render_footer
from waarmerk.provenance.report.table import COLUMNS, header, row

SAMPLES = ROOT / "samples" / "media"
GREEN, RED = "\x1b[32m", "\x1b[31m"


@cache
def _document(name: str) -> str:
    verifier = build_verifier(Settings(trust=ROOT / "samples" / "trust"), at=AT)
    return canonical(to_dict(verifier.verify(SAMPLES / name), tool_version="0"))


def document(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(_document(name))
    return loaded


def panel(name: str, language: str = "en", *, colour: bool = False) -> str:
    return render(document(name), language=language, colour=colour)


@pytest.mark.parametrize(
    ("name", "english", "dutch"),
    [
        ("camera-capture.jpg", "Captured with a camera", "Opgenomen met een camera"),
        ("ai-generated.png", "Made with AI. Its Content Credentials say so", "Gemaakt met AI. Dat staat"),
        ("ai-edited.jpg", "Changed with AI. Its Content Credentials say so", "Aangepast met AI. Dat staat"),
        ("tampered.jpg", "do not match this file", "horen niet meer bij dit bestand"),
        ("stripped.jpg", "Origin unknown. Nothing in this file", "Herkomst onbekend. Niets in dit bestand"),
        ("messenger-screenshot.jpg", "Origin unknown", "Herkomst onbekend"),
        ("unknown-agency.jpg", "nobody vouches for the signer", "op geen vertrouwde lijst"),
        ("resigned-over-tampered.jpg", "did not match its own credentials", "klopten de gegevens niet"),
        ("declared.webp", "The file says of itself", "Het bestand zegt van zichzelf"),
    ],
)
def test_every_sample_is_summed_up_in_both_languages(name: str, english: str, dutch: str) -> None:
    assert english in re.sub(r"\s+", " ", panel(name))
    assert dutch in re.sub(r"\s+", " ", panel(name, "nl"))


def test_nothing_is_green_that_no_list_vouches_for() -> None:
    assert GREEN in panel("camera-capture.jpg", colour=True)
    for name in ("unknown-agency.jpg", "tampered.jpg", "stripped.jpg", "declared.webp"):
        assert GREEN not in panel(name, colour=True), name
    assert RED in panel("tampered.jpg", colour=True)
    assert "\x1b" not in panel("tampered.jpg")


def test_an_unlisted_name_is_a_quotation_and_a_listed_one_of_another_file_is_not_called_unknown() -> None:
    assert "calls itself “" in panel("unknown-agency.jpg")
    assert "but not this file as it is now" in re.sub(r"\s+", " ", panel("tampered.jpg"))


def test_no_line_is_wider_than_asked() -> None:
    for name in ("resigned-over-tampered.jpg", "stripped.jpg"):
        for width in (60, 80, 110):
            lines = render(document(name), language="nl", colour=False, width=width).splitlines()
            assert max(map(len, lines)) <= width


@pytest.mark.parametrize(("language", "head"), [("en", "Not read"), ("nl", "Niet gelezen")])
def test_what_was_not_read_of_one_file_does_not_share_the_head_of_what_holds_for_all(language: str, head: str) -> None:
    report = copy.deepcopy(document("stripped.jpg"))
    report["channels"].append({"channel": "watermark:k", "state": "unread", "code": "watermark.not-pixels"})
    lines = render(report, language=language, colour=False).splitlines()
    assert not [line for line in lines if line.strip().startswith(head)]
    assert [line for line in lines if line.strip().startswith({"en": "Left out", "nl": "Overgeslagen"}[language])]


def hostile() -> dict[str, Any]:
    """A report whose every free text tries to leave its place."""
    evil = "\x1b[31m\u202eevil\x00=1+1"

    def spoil(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoil(inner) if key not in _FIXED else inner for key, inner in value.items()}
        if isinstance(value, list):
            return [spoil(inner) for inner in value]
        return evil if isinstance(value, str) else value

    spoiled: dict[str, Any] = spoil(copy.deepcopy(document("resigned-over-tampered.jpg")))
    return spoiled


_FIXED = {"format", "status", "verdict", "state", "integrity", "chain", "identity", "signal", "time_status", "code"}


@pytest.mark.parametrize("language", ["en", "nl"])
def test_hostile_text_is_shown_not_obeyed(language: str) -> None:
    text = render(hostile(), language=language, colour=False)
    assert "<U+001B>[31m<U+202E>evil<U+0000>" in text
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


def test_a_table_row_has_every_column_and_no_formula() -> None:
    assert header() == ",".join(COLUMNS)
    spoiled = document("unknown-agency.jpg")
    spoiled["asset"]["name"] = "=HYPERLINK(1)"
    assert row(spoiled, language="en").startswith("'=HYPERLINK(1),")


def test_an_unreadable_file_has_a_panel_too(tmp_path: Path) -> None:
    report = build_verifier(Settings(trust=ROOT / "samples" / "trust"), at=AT).verify(tmp_path / "nothing.jpg")
    text = render(to_dict(report, tool_version="0"), language="nl", colour=False)
    assert "kon niet worden onderzocht: het bestaat niet." in text


def test_a_changed_ancestor_is_in_the_headline_whoever_signed_the_result() -> None:
    headline = re.sub(r"\s+", " ", panel("resigned-over-tampered.jpg").split("\n\n")[0])
    assert "had been changed after it was signed" in headline
    assert "does not mend" in headline


def test_what_a_broken_credential_says_counts_for_nothing() -> None:
    text = panel("tampered.jpg")
    assert "counts for nothing" in text
    assert "stated source" not in text


def test_source_types_are_plain_words_and_strangers_are_quoted() -> None:
    assert "stated source: a camera" in panel("camera-capture.jpg")
    odd = document("camera-capture.jpg")
    odd["credentials"]["ai"]["source_types"] = ["http://x.example/digitalCapture"]
    assert "“http://x.example/digitalCapture”" in render(odd, language="en", colour=False, width=110)


def test_what_holds_for_every_file_is_said_once() -> None:
    codes = ["watermark.no-key", "closed.synthid"]
    footer = render_footer(codes, language="nl", colour=False)
    assert "SynthID" in footer
    assert "ondertekende notities" in footer
    assert "SynthID" not in panel("stripped.jpg")
    assert is_general("closed.meta")
    assert not is_general("credentials.unreadable")


def asked_for(platform: str, *given: str, name: str = "stripped.jpg") -> dict[str, Any]:
    settings = Settings(trust=ROOT / "samples" / "trust", platforms=(platform,), context=given)
    report = build_verifier(settings, at=AT).verify(SAMPLES / name)
    return to_dict(report, tool_version="0")


def told(report: dict[str, Any], language: str) -> str:
    return re.sub(r"\s+", " ", render(report, language=language, colour=False))


def test_a_platform_whose_rules_ask_nothing_is_answered() -> None:
    report = asked_for("meta", "jur=NL", "political_ad=false")
    (named,) = report["basis"]["platforms"]
    assert named["platform"] == "meta"
    assert "META-ai-info" in named["rules"]
    nothing = "Facebook, Instagram, Threads: by what is known of this file, no rule here that names it asks anything of"
    assert nothing in told(report, "en")
    assert "vraagt geen regel die ervan spreekt iets van wie het publiceert" in told(report, "nl")
    assert "hold there too" not in told(report, "en"), "no label is owed"
    owed = asked_for("meta", "jur=NL", "political_ad=false", "role=deployer", name="ai-generated.png")
    assert nothing in told(owed, "en")
    assert "Rules among these labels that name no platform hold there too." in told(owed, "en")
    assert "Regels bij deze labels die geen platform noemen, gelden ook daar." in told(owed, "nl")
    open_still = asked_for("meta")
    assert "whether one does hangs on: jur, political_ad." in told(open_still, "en")
    assert "of er een is die dat doet, hangt af van: jur, political_ad." in told(open_still, "nl")
    refused = asked_for("meta", "jur=NL", "political_ad=true")
    assert "takes no political advertising" in told(refused, "en")
    assert "no rule here" not in told(refused, "en")
    assert document("stripped.jpg")["basis"]["platforms"] == []
    assert "no rule here" not in panel("stripped.jpg")
