# SPDX-License-Identifier: Apache-2.0
"""A credential on the scale of assurance: every row of the contract's table."""

from typing import Any

import pytest

from waarmerk.provenance.model import (
    Assurance,
    ChannelState,
    Claimant,
    Credential,
    CredentialState,
    Evidence,
    Finding,
    Integrity,
    Origin,
    Signer,
    SignerStatus,
)
from waarmerk.provenance.sources.credentials import CredentialSource, evidence_of
from waarmerk.provenance.verdict import weigh

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"


def credential(
    status: SignerStatus = SignerStatus.OFFICIAL, integrity: Integrity = Integrity.INTACT, **more: Any
) -> Credential:
    return Credential(
        state=more.pop("state", CredentialState.EMBEDDED), integrity=integrity, signer=Signer(status=status), **more
    )


@pytest.mark.parametrize(
    ("status", "assurance"),
    [
        (SignerStatus.OFFICIAL, Assurance.TRUSTED),
        (SignerStatus.INTERIM, Assurance.TRUSTED),
        (SignerStatus.USER, Assurance.TRUSTED),
        (SignerStatus.UNKNOWN, Assurance.VALID),
        (SignerStatus.EXPIRED, Assurance.VALID),
        (SignerStatus.REVOKED, Assurance.INVALID),
        (SignerStatus.WRONG_PURPOSE, Assurance.INVALID),
        (SignerStatus.NONE, Assurance.INVALID),
    ],
)
def test_an_intact_credential_counts_as_its_signer_stands(status: SignerStatus, assurance: Assurance) -> None:
    assert evidence_of(credential(status, source_types=(GENERATED,))).assurance is assurance


@pytest.mark.parametrize("integrity", [Integrity.ALTERED, Integrity.MALFORMED])
def test_a_broken_credential_leaves_a_suspicion_of_ai_and_nothing_else(integrity: Integrity) -> None:
    broken = evidence_of(credential(integrity=integrity, source_types=(GENERATED,)))
    assert (broken.assurance, broken.origin) == (Assurance.INVALID, Origin.AI_GENERATED)
    assert evidence_of(credential(integrity=integrity, source_types=(CAPTURED,))).origin is Origin.UNKNOWN


def test_what_was_not_verified_claims_nothing() -> None:
    for unread in (
        credential(integrity=Integrity.UNCHECKED, source_types=(GENERATED,)),
        credential(integrity=Integrity.UNCHECKED, source_types=(GENERATED,), state=CredentialState.UNREADABLE),
    ):
        assert evidence_of(unread) == Evidence(channel="c2pa", claimant=Claimant.SIGNER, assurance=Assurance.UNREADABLE)
    assert evidence_of(Credential()).assurance is Assurance.ABSENT


def test_an_unfetched_store_is_a_suspicion_only_where_the_file_states_its_type() -> None:
    remote = {"state": CredentialState.REMOTE, "integrity": Integrity.UNCHECKED, "status": SignerStatus.NONE}
    assert evidence_of(credential(**remote)).assurance is Assurance.UNREADABLE
    assert evidence_of(credential(**remote, source_types=(GENERATED,))).assurance is Assurance.INDIRECT


def test_a_listed_editor_does_not_vouch_for_a_strangers_word_on_ai() -> None:
    below = credential(source_types=(GENERATED,), ai_is_vouched=False)
    assert evidence_of(below).assurance is Assurance.VALID
    assert weigh([evidence_of(below)]).tier.value == "claimed"
    assert weigh([evidence_of(credential(source_types=(GENERATED,)))]).tier.value == "proven"


def test_the_bars_of_the_reader_keep_the_badge_away() -> None:
    bar = Finding("capture.chain")
    assert weigh([evidence_of(credential(source_types=(CAPTURED,)))]).authentic_capture
    assert not weigh([evidence_of(credential(source_types=(CAPTURED,), capture_bars=(bar,)))]).authentic_capture


class _Reads:
    def __init__(self, found: Credential) -> None:
        self._found = found

    def read(self, asset: Any) -> Credential:
        return self._found


@pytest.mark.parametrize(
    ("found", "media_type", "state", "why"),
    [
        (Credential(), "image/jpeg", ChannelState.NONE, None),
        (Credential(), "video/webm", ChannelState.UNREAD, "credentials.unsupported"),
        (credential(), "image/jpeg", ChannelState.FOUND, None),
        (Credential(state=CredentialState.REMOTE), "image/jpeg", ChannelState.UNREAD, "credentials.remote"),
        (Credential(state=CredentialState.UNREADABLE), "image/png", ChannelState.UNREAD, "credentials.unreadable"),
    ],
)
def test_the_channel_says_whether_it_was_heard(
    found: Credential, media_type: str, state: ChannelState, why: str | None
) -> None:
    class Asset:
        pass

    asset: Any = Asset()
    asset.media_type = media_type
    (channel,) = CredentialSource(_Reads(found)).examine(asset).channels
    assert (channel.state, channel.why) == (state, why)
