# SPDX-License-Identifier: Apache-2.0
"""Credentials and marks together: the table of docs/open-marks.md, every cell, with what the real sources say."""

import re
from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.conftest import ROOT
from tests.unit.marks.writing import MARKS
from waarmerk.provenance.marks.search import Found
from waarmerk.provenance.model import (
    AISignal,
    AssetFacts,
    Assurance,
    Claimant,
    Credential,
    CredentialState,
    Evidence,
    Finding,
    Integrity,
    Origin,
    Report,
    Signer,
    SignerStatus,
    Statement,
    Tier,
)
from waarmerk.provenance.report.summary import summary_key
from waarmerk.provenance.sources import credentials, open_marks, watermark
from waarmerk.provenance.verdict import weigh
from waarmerk.watermark import Detection, Key, Payload

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
LISTED = (SignerStatus.OFFICIAL, SignerStatus.USER)
UNLISTED = (SignerStatus.UNKNOWN, SignerStatus.EXPIRED)
AI, CAMERA, SOFTWARE = "trainedAlgorithmicMedia", "digitalCapture", "digitalCreation"


def credential(status: SignerStatus, term: str, integrity: Integrity = Integrity.INTACT) -> Credential:
    signal = AISignal.GENERATED if term == AI else AISignal.NONE
    said = Statement(source_types=(IPTC + term,), signal=signal)
    return Credential(
        state=CredentialState.EMBEDDED,
        integrity=integrity,
        signer=Signer(status=status),
        source_types=said.source_types,
        signal=signal,
        vouched=said if term == AI and status.is_listed else None,
    )


CREDENTIALS = {
    "AI, listed signer": [credential(status, AI) for status in (*LISTED, SignerStatus.INTERIM)],
    "AI, unlisted signer": [credential(status, AI) for status in UNLISTED],
    "AI, but altered": [
        *(credential(status, AI, Integrity.ALTERED) for status in (SignerStatus.OFFICIAL, SignerStatus.UNKNOWN)),
        credential(SignerStatus.REVOKED, AI),
    ],
    "camera, listed signer": [credential(status, CAMERA) for status in LISTED],
    "made without AI, listed signer": [credential(status, SOFTWARE) for status in LISTED],
    "camera, unlisted signer": [credential(status, CAMERA) for status in UNLISTED],
    "none, or not read": [
        Credential(),
        Credential(state=CredentialState.REMOTE, remote_url="https://x.example/a"),
        Credential(state=CredentialState.UNREADABLE),
    ],
}
KEY = Key.generate("ai", random_bytes=lambda count: bytes(range(count)))


def own(bound: bool | None, *, payload: bool = True) -> Evidence:
    value = Payload(bytes(8)) if payload else None
    seen = Detection(detected=True, payload=value, p_value=1e-40, geometry=None, scheme=KEY.scheme, key_id=KEY.key_id)
    return watermark.evidence_of(KEY, seen, watermark.Binding(bound=bound))


def opened(p_value: float) -> Evidence:
    found = Found(mark=MARKS["stable-diffusion-xl"], p_value=p_value, way="float bgr", blocks=4096)
    return open_marks.examination_of(found).evidence[0]


MARK_STATES = {
    "proven mark": [own(True)],
    "claimed mark": [own(None), opened(1e-12)],
    "trace": [
        own(False),
        own(None, payload=False),
        opened(1e-8),
        Evidence(
            channel="closed:acme",
            claimant=Claimant.CLASSIFIER,
            assurance=Assurance.INDIRECT,
            origin=Origin.AI_GENERATED,
        ),
    ],
    "silent": [
        opened(1.0),
        Evidence(channel="watermark", claimant=Claimant.MARK, assurance=Assurance.UNREADABLE),
    ],
}


def cells() -> Iterator[tuple[str, str, str]]:
    """(credentials, mark, what the documentation says) for every cell."""
    text = (ROOT / "docs" / "open-marks.md").read_text("utf-8")
    table = text[text.index("| credentials |") :].split("\n\n")[0].splitlines()
    rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in table]
    for row in rows[2:]:
        for column, cell in zip(rows[0][1:], row[1:], strict=True):
            yield row[0], column, cell


CELLS = list(cells())


def state_of(row: str, column: str) -> str:
    """Which of the four states it is, from what each side says alone."""
    credentials_say = next((word for word in ("AI", "camera", "made without") if row.startswith(word)), None)
    if row == "camera, unlisted signer":
        credentials_say = None  # not believed
    if column == "silent":
        return "credentials" if credentials_say else "neither"
    if credentials_say is None:
        return "mark"
    return "agree" if credentials_say == "AI" else "contradict"


def test_the_table_is_whole() -> None:
    assert {(row, column) for row, column, _ in CELLS} == {(r, c) for r in CREDENTIALS for c in MARK_STATES}
    assert len(CELLS) == 28
    assert {cell.split(":")[0] for *_, cell in CELLS} == {"agree", "credentials", "mark", "contradict", "neither"}


@pytest.mark.parametrize(("row", "column", "cell"), CELLS, ids=[f"{row}; {column}" for row, column, _ in CELLS])
def test_a_cell_of_the_table(row: str, column: str, cell: str) -> None:
    state, _, rest = cell.partition(": ")
    assert state == state_of(row, column)
    origin, tier, *further = rest.split(", ")
    tried = 0
    for read in CREDENTIALS[row]:
        for mark in MARK_STATES[column]:
            for order in permutations([*credentials.evidence_of(read), mark]):
                verdict = weigh(order)
                assert (verdict.origin.value, verdict.tier.value) == (origin, tier)
                assert verdict.conflict == ("conflict" in further)
                assert verdict.authentic_capture == ("badge" in further)
                differs = state == "contradict" and not verdict.conflict
                assert (Finding("verdict.created-and-ai") in verdict.concerns) == differs
                assert (Finding("verdict.conflict") in verdict.concerns) == verdict.conflict
                tried += 1
    assert tried >= 1


def test_contradictions_are_never_silent_and_agreement_never_raises_a_concern() -> None:
    seen = dict.fromkeys(("agree", "credentials", "mark", "contradict", "neither"), 0)
    for row, column, _ in CELLS:
        for read in CREDENTIALS[row]:
            for mark in MARK_STATES[column]:
                concerns = {f.code for f in weigh([*credentials.evidence_of(read), mark]).concerns}
                told = bool(concerns & {"verdict.conflict", "verdict.created-and-ai"})
                state = state_of(row, column)
                assert told == (state == "contradict")
                seen[state] += 1
    assert all(seen.values())


def headline(read: Credential, *evidence: Evidence) -> str:
    verdict = weigh([*credentials.evidence_of(read), *evidence])
    return summary_key(Report(at="2026-11-21T12:00:00Z", asset=AssetFacts(), verdict=verdict, credential=read))


def test_a_headline_never_lets_a_signer_say_what_only_a_mark_says() -> None:
    for status in LISTED:
        assert headline(credential(status, AI), own(True)) == "ai-generated-proven"
        assert headline(credential(status, SOFTWARE), own(True)) == "ai-generated-mark"
        assert headline(credential(status, SOFTWARE), own(None)) == "ai-generated-claimed"
    for broken in CREDENTIALS["AI, but altered"]:
        assert headline(broken, own(True)) == "ai-generated-mark"


def test_a_headline_names_a_camera_only_where_a_listed_signer_does() -> None:
    denial = Evidence(
        channel="declaration", claimant=Claimant.UPLOADER, assurance=Assurance.DECLARED, contradicts_ai=True
    )
    (trace, *_) = MARK_STATES["trace"]
    assert headline(CREDENTIALS["camera, listed signer"][0], trace) == "conflict-suspected"
    for row in ("none, or not read", "camera, unlisted signer"):
        for read in CREDENTIALS[row]:
            assert weigh([*credentials.evidence_of(read), trace, denial]).tier is Tier.SUSPECTED
            assert headline(read, trace, denial) == "conflict-suspected-denied"
