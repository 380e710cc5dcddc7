# SPDX-License-Identifier: Apache-2.0
"""The choice of the headline, and that each one is written."""

import itertools
from pathlib import Path

from tests.conftest import ROOT
from waarmerk.provenance import Settings, build_verifier
from waarmerk.provenance.model import (
    AssetFacts,
    Chain,
    Credential,
    CredentialState,
    Fault,
    Finding,
    Integrity,
    Origin,
    Report,
    Signer,
    SignerStatus,
    Tier,
    Verdict,
)
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.report.rows import Rows
from waarmerk.provenance.report.summary import step_keys, summary, summary_key
from waarmerk.provenance.report.wording import LANGUAGES, wording


def report(verdict: Verdict | None = None, **parts: object) -> Report:
    credential = Credential(**{"state": CredentialState.EMBEDDED, "integrity": Integrity.INTACT, **parts})  # type: ignore[arg-type]
    return Report(
        at="2026-11-21T12:00:00Z",
        asset=AssetFacts(),
        verdict=Verdict() if verdict is None else verdict,
        credential=credential,
    )


def every_report() -> list[Report]:
    verdicts = [
        Verdict(origin=origin, tier=tier, conflict=conflict, authentic_capture=capture)
        for origin, tier, conflict, capture in itertools.product(Origin, Tier, (False, True), (False, True))
        if origin.is_ai == (tier in (Tier.PROVEN, Tier.CLAIMED))
        and (not capture or (origin is Origin.CAPTURED and tier is Tier.NONE and not conflict))
        and (not conflict or tier is not Tier.NONE)
    ]
    found = [report(verdict) for verdict in verdicts]
    for integrity, status, chain in itertools.product(Integrity, SignerStatus, Chain):
        found.append(report(integrity=integrity, signer=Signer(status=status), chain=chain))
    for state in (CredentialState.NONE, CredentialState.REMOTE, CredentialState.UNREADABLE):
        found.append(report(state=state, integrity=Integrity.UNCHECKED))
    untold = (Finding("credentials.engine-failed", "Other"),)
    found.append(report(state=CredentialState.UNREADABLE, integrity=Integrity.UNCHECKED, concerns=untold))
    fault = Fault(code="media.empty", message="")
    return [*found, Report(at="2026-11-21T12:00:00Z", asset=AssetFacts(), fault=fault)]


def test_every_headline_and_every_step_is_written_in_both_languages() -> None:
    reports = every_report()
    assert len({summary_key(each) for each in reports}) > 20
    for each in reports:
        for language in LANGUAGES:
            words = wording(language)
            assert words.has("summary", summary_key(each)), summary_key(each)
            assert "{" not in summary(each, words)
            assert all(words.has("step", step) for step in step_keys(each))


def test_a_conflict_comes_before_what_it_is_about() -> None:
    verdict = Verdict(origin=Origin.AI_GENERATED, tier=Tier.PROVEN, conflict=True)
    assert summary_key(report(verdict)) == "conflict-proven"


def test_a_certificate_that_begins_later_has_not_ended() -> None:
    expired = Signer(status=SignerStatus.EXPIRED)
    assert summary_key(report(signer=expired)) == "signer-expired"
    later = (Finding("signer.not-yet-valid", "x"),)
    assert summary_key(report(signer=expired, concerns=later)) == "signer-not-yet"


def test_a_changed_ancestor_comes_before_a_silent_credential() -> None:
    assert summary_key(report(signer=Signer(status=SignerStatus.USER), chain=Chain.BROKEN)) == "chain-broken"
    assert (
        summary_key(report(signer=Signer(status=SignerStatus.UNKNOWN), chain=Chain.BROKEN)) == "chain-broken-unlisted"
    )


def test_a_step_points_to_credentials_only_where_they_say_it() -> None:
    proven = Verdict(origin=Origin.AI_GENERATED, tier=Tier.PROVEN)
    none = report(proven, state=CredentialState.NONE, integrity=Integrity.UNCHECKED)
    signed = report(
        proven,
        signer=Signer(status=SignerStatus.OFFICIAL),
        source_types=("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",),
    )
    assert step_keys(none) == ("label-it-mark",)
    assert step_keys(signed) == ("label-it",)
    assert "credentials" not in wording("en").say("step", "label-it-mark")


def test_a_file_that_is_cut_off_is_not_said_to_hold_credentials_that_nobody_saw(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes((ROOT / "samples" / "media" / "stripped.jpg").read_bytes()[:200])
    found = build_verifier(Settings()).verify(path)
    assert found.credential is not None
    assert found.credential.state is CredentialState.UNREADABLE, "never none: what was cut off may have held some"
    assert summary_key(found) == "state-untold"
    words = wording("en")
    rows = {row.head: row.text for row in Rows(to_dict(found, tool_version="1"), words).axes()}
    assert rows[words.say("axis", "credentials")] == words.say("state", "untold")
