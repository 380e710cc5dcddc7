# SPDX-License-Identifier: Apache-2.0
"""``waarmerk export``: what others read, and what stays out of it until a person has looked."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT, Run
from tests.unit.labelling.test_strangers_files import SOURCE_TYPE, with_xmp
from waarmerk.cli.main import commands

SAMPLES = ROOT / "samples" / "media"
BASE = ("--trust", ROOT / "samples" / "trust", "--at", "2026-11-21T12:00:00Z")
LABEL = ("--labeler", "did:plc:labeler", "--uri", "at://did:plc:maker/app.bsky.feed.post/1")
STATEMENT = (
    *("--action", "demoted", "--ground", "incompatible", "--provision", "Community rules, 4.2"),
    *("--content-date", "2026-11-18", "--territory", "nl", "--content-language", "nl"),
    *("--category", "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"),
)
PLATFORM = ("--context", "jur=NL", "--context", "role=platform")
WHY = ("--explanation", "It misstates on which day people can vote.")


def exported(form: str, name: str | Path, *more: str | Path) -> tuple[dict[str, Any], str]:
    done = CliRunner().invoke(commands, [*map(str, ("export", form, SAMPLES / name, *BASE, *more))])
    assert done.exit_code == 0, done.output
    assert Path(name).name not in done.stdout
    data: dict[str, Any] = json.loads(done.stdout)
    return data, done.stderr


def test_a_page_says_what_is_proven() -> None:
    data, told = exported("schema-org", "ai-generated.png", "--content-url", "https://example.org/a.png")
    assert data["digitalSourceType"].endswith("/TrainedAlgorithmicMediaDigitalSource")
    assert (data["contentUrl"], told) == ("https://example.org/a.png", "")


@pytest.mark.parametrize(
    ("more", "states"), [((), False), (("--reviewed",), True), (("--context", "decl=ai"), True)], ids=str
)
def test_what_a_file_says_of_itself_waits_for_a_person(more: tuple[str, ...], states: bool) -> None:
    data, told = exported("schema-org", "declared.webp", *more)
    assert ("digitalSourceType" in data) is states
    assert ("--reviewed" in told) is not states


def test_a_claim_of_the_file_goes_to_the_queue_of_a_labeler() -> None:
    assert exported("atproto", "ai-generated.png", *LABEL)[0]["val"] == "ai-generated"
    assert exported("atproto", "declared.webp", *LABEL)[0]["val"] == "ai-unverified"


def test_metadata_put_into_a_photograph_brings_no_public_label(tmp_path: Path) -> None:
    """Neither on a trusted capture, where signals then conflict, nor on a photograph without credentials."""
    for name in ("camera-capture.jpg", "stripped.jpg"):
        (tmp_path / name).write_bytes(with_xmp((SAMPLES / name).read_bytes(), SOURCE_TYPE))
        assert exported("atproto", tmp_path / name, *LABEL)[0]["val"] == "ai-unverified"
        assert "digitalSourceType" not in exported("schema-org", tmp_path / name)[0]


def test_drafts_leave_the_verdict_open() -> None:
    data, _ = exported("claim-review", "camera-capture.jpg", "--claim", "The vote is on Monday.")
    assert (data["claimReviewed"], data["reviewRating"]["alternateName"]) == ("The vote is on Monday.", "")
    assert exported("media-review", "camera-capture.jpg")[0]["mediaAuthenticityCategory"] == ""


def test_a_statement_of_reasons_where_one_is_owed() -> None:
    data, _ = exported("statement-of-reasons", "ai-generated.png", *STATEMENT, *WHY, *PLATFORM)
    assert data["content_type"] == ["CONTENT_TYPE_SYNTHETIC_MEDIA", "CONTENT_TYPE_IMAGE"]
    assert (data["application_date"], data["territorial_scope"]) == ("2026-11-21", ["NL"])
    assert "platform_action = demoted (platform)" in data["decision_facts"]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("statement-of-reasons", SAMPLES / "stripped.jpg", *STATEMENT, *WHY), 2, "dsa.not-owed"),
        (
            ("statement-of-reasons", SAMPLES / "stripped.jpg", *STATEMENT, "--asked", "--explanation", "ask a@b.nl"),
            *(2, "dsa.personal-data"),
        ),
        (("atproto", SAMPLES / "stripped.jpg", *LABEL), 2, "atproto.nothing"),
        (("atproto", SAMPLES / "ai-generated.png", "--labeler", "me", "--uri", "x"), 2, "atproto.address"),
        (("schema-org", SAMPLES / "stripped.jpg", "--context", "role=king"), 2, "role is one of"),
        (("schema-org", ROOT / "README.md"), 3, "media.unsupported"),
        (("schema-org", SAMPLES), 2, "one file"),
    ],
)
def test_what_is_refused(waarmerk: Run, arguments: tuple[str | Path, ...], code: int, reason: str) -> None:
    done = waarmerk("export", *arguments, *BASE)
    assert (done.returncode, done.stdout) == (code, "")
    assert reason in done.stderr


def test_a_statement_that_is_asked_for() -> None:
    data, _ = exported("statement-of-reasons", "stripped.jpg", *STATEMENT, *WHY, "--asked")
    assert data["content_type"] == ["CONTENT_TYPE_IMAGE"]


def test_nobody_else_chooses_the_category_of_a_statement() -> None:
    given = ("export", "statement-of-reasons", SAMPLES / "stripped.jpg", *STATEMENT[:-2], *WHY, "--asked")
    refused = CliRunner().invoke(commands, [*map(str, given)])
    assert refused.exit_code == 2
    assert "--category" in refused.stderr
