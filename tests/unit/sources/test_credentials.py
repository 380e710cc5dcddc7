# SPDX-License-Identifier: Apache-2.0
"""A credential on the scale of assurance: every row of the contract's table."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.media import open_asset
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import (
    AISignal,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Credential,
    CredentialState,
    Declarations,
    Evidence,
    Finding,
    Integrity,
    Origin,
    Signer,
    SignerStatus,
    Statement,
    Tier,
)
from waarmerk.provenance.pipeline import Basis, Verifier
from waarmerk.provenance.sources import Examination
from waarmerk.provenance.sources.credentials import CredentialSource, evidence_of, reconciled
from waarmerk.provenance.sources.metadata import MetadataSource
from waarmerk.provenance.trust import load_store
from waarmerk.provenance.verdict import weigh

GENERATED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
CAPTURED = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SAID: dict[str, Any] = {"channel": "metadata", "claimant": Claimant.METADATA, "assurance": Assurance.DECLARED}
MADE: dict[str, Any] = {"source_types": (GENERATED,), "signal": AISignal.GENERATED}


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
    (one,) = evidence_of(credential(status, **MADE))
    assert one.assurance is assurance


@pytest.mark.parametrize("integrity", [Integrity.ALTERED, Integrity.MALFORMED])
def test_a_broken_credential_leaves_a_suspicion_of_ai_and_nothing_else(integrity: Integrity) -> None:
    (broken,) = evidence_of(credential(integrity=integrity, **MADE))
    assert (broken.assurance, broken.origin) == (Assurance.INVALID, Origin.AI_GENERATED)
    assert evidence_of(credential(integrity=integrity, source_types=(CAPTURED,)))[0].origin is Origin.UNKNOWN


def test_what_was_not_verified_claims_nothing() -> None:
    for unread in (
        credential(integrity=Integrity.UNCHECKED, source_types=(GENERATED,)),
        credential(integrity=Integrity.UNCHECKED, source_types=(GENERATED,), state=CredentialState.UNREADABLE),
    ):
        (nothing,) = evidence_of(unread)
        assert nothing == Evidence(channel="c2pa", claimant=Claimant.SIGNER, assurance=Assurance.UNREADABLE)
    assert evidence_of(Credential())[0].assurance is Assurance.ABSENT


def test_an_unfetched_store_is_a_suspicion_only_where_the_file_states_its_type() -> None:
    remote = {"state": CredentialState.REMOTE, "integrity": Integrity.UNCHECKED, "status": SignerStatus.NONE}
    assert evidence_of(credential(**remote))[0].assurance is Assurance.UNREADABLE
    assert evidence_of(credential(**remote, source_types=(GENERATED,)))[0].assurance is Assurance.INDIRECT


def test_a_listed_editor_does_not_vouch_for_a_strangers_word_on_ai() -> None:
    own, strangers = evidence_of(credential(**MADE, vouched=Statement()))
    assert (own.assurance, own.origin) == (Assurance.TRUSTED, Origin.UNKNOWN)
    assert (strangers.assurance, strangers.origin) == (Assurance.VALID, Origin.AI_GENERATED)
    verdict = weigh((own, strangers))
    assert (verdict.origin, verdict.tier, verdict.claimed_by) == (
        Origin.AI_GENERATED,
        Tier.CLAIMED,
        (Claimant.SIGNER,),
    )
    assert weigh(evidence_of(credential(**MADE))).tier is Tier.PROVEN
    whole = Statement(source_types=(GENERATED,), signal=AISignal.GENERATED)
    assert len(evidence_of(credential(**MADE, vouched=whole))) == 1


def test_a_listed_editors_small_edit_does_not_prove_a_strangers_generation() -> None:
    edit = Statement(source_types=(COMPOSITE,), signal=AISignal.MODIFIED)
    found = credential(source_types=(COMPOSITE, GENERATED), signal=AISignal.GENERATED, vouched=edit)
    own, strangers = evidence_of(found)
    assert (own.assurance, own.origin) == (Assurance.TRUSTED, Origin.AI_MODIFIED)
    assert (strangers.assurance, strangers.origin) == (Assurance.VALID, Origin.AI_GENERATED)
    assert (weigh((own, strangers)).origin, weigh((own, strangers)).tier) == (Origin.AI_MODIFIED, Tier.PROVEN)


def test_the_split_is_made_for_listed_signers_only() -> None:
    """Nobody vouches for anything else, so there is one claim, of the whole."""
    (one,) = evidence_of(credential(SignerStatus.UNKNOWN, **MADE, vouched=Statement()))
    assert (one.assurance, one.origin) == (Assurance.VALID, Origin.AI_GENERATED)


def test_the_bars_of_the_reader_keep_the_badge_away() -> None:
    bar = Finding("capture.chain")
    assert weigh(evidence_of(credential(source_types=(CAPTURED,)))).authentic_capture
    assert not weigh(evidence_of(credential(source_types=(CAPTURED,), capture_bars=(bar,)))).authentic_capture


def test_a_store_that_the_metadata_names_is_unread_and_not_absent() -> None:
    class Asset:
        media_type = "image/jpeg"

    asset: Any = Asset()
    address = "https://example.com/m.c2pa"
    absent = Examination(
        evidence=(*evidence_of(Credential()), Evidence(**SAID)),
        channels=(Channel(name="c2pa", state=ChannelState.NONE), Channel(name="metadata", state=ChannelState.FOUND)),
        credential=Credential(),
        declarations=Declarations(remote_manifest=address),
    )
    found = reconciled(absent, asset)
    assert found.credential is not None
    assert (found.credential.state, found.credential.remote_url) == (CredentialState.REMOTE, address)
    assert found.credential.integrity is Integrity.UNCHECKED
    assert found.credential.concerns == (Finding("credentials.remote-only", address),)
    assert found.channels == (
        Channel(name="c2pa", state=ChannelState.UNREAD, why="credentials.remote"),
        Channel(name="metadata", state=ChannelState.FOUND),
    )
    assert [each.assurance for each in found.evidence] == [Assurance.UNREADABLE, Assurance.DECLARED]
    for other in (
        Examination(),
        replace(absent, declarations=None),
        replace(absent, declarations=Declarations()),
        replace(absent, credential=credential()),
    ):
        assert reconciled(other, asset) is other


@pytest.mark.parametrize("written", ['dct:provenance="{}"', 'dct:provenance="&#104;{}"'])
def test_the_report_says_remote_however_the_address_is_written(tmp_path: Path, written: str) -> None:
    address = "https://example.com/m.c2pa"
    value = written.format(address if "&" not in written else address[1:])
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:dct="http://purl.org/dc/terms/" {value}/></rdf:RDF></x:xmpmeta>'
    )
    stream = BytesIO()
    Image.new("RGB", (16, 16)).save(stream, "JPEG", xmp=packet.encode())
    path = tmp_path / "a.jpg"
    path.write_bytes(stream.getvalue())
    trust = load_store(None, data_folder=tmp_path, at=datetime.now(UTC))
    verifier = Verifier(
        open_asset=partial(open_asset, limits=Limits()),
        sources=[CredentialSource(CredentialReader(trust, at=datetime.now(UTC))), MetadataSource(Limits())],
        basis=Basis(trust_lists=()),
        rules=None,
        at=datetime.now(UTC),
    )
    report = verifier.verify(path)
    assert report.credential is not None
    assert (report.credential.state, report.credential.remote_url) == (CredentialState.REMOTE, address)
    assert [each.state for each in report.channels if each.name == "c2pa"] == [ChannelState.UNREAD]


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
