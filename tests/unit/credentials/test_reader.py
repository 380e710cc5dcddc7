# SPDX-License-Identifier: Apache-2.0
"""One tiny picture, signed in the test, read on every axis."""

import socket
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from waarmerk.provenance.credentials import CredentialReader
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.model import (
    AISignal,
    Chain,
    Credential,
    CredentialState,
    Integrity,
    Origin,
    SignerStatus,
    Statement,
    Tier,
    TimeStatus,
)
from waarmerk.provenance.sources.credentials import evidence_of
from waarmerk.provenance.trust import TrustStore
from waarmerk.provenance.verdict import weigh

Stored = Callable[..., TrustStore]
COMPOSITE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
EDITOR = {"claim_generator_info": [{"name": "editor", "version": "1"}], "assertions": []}


@pytest.fixture
def read(kit: Any, stored: Stored) -> Callable[..., Credential]:
    def run(
        data: bytes, files: dict[str, bytes] | None = None, *, media_type: str = "image/jpeg", at: Any = None
    ) -> Credential:
        trust = stored(files or {})
        return CredentialReader(trust, at=at or kit.NOW).read(kit.asset_of(data, media_type))

    return run


@pytest.fixture(scope="module")
def signed(kit: Any, desk: Any) -> bytes:
    return kit.sign(kit.jpeg(), desk, kit.created())


def codes(credential: Credential) -> set[str]:
    return {finding.code for finding in credential.concerns}


def bars(credential: Credential) -> set[str]:
    return {finding.code for finding in credential.capture_bars}


def test_a_signer_on_the_user_list_is_trusted_with_a_verified_name(read: Any, signed: bytes, root: Any) -> None:
    found = read(signed, {"user.pem": root.pem})
    assert (found.state, found.integrity) == (CredentialState.EMBEDDED, Integrity.INTACT)
    assert (found.signer.status, found.signer.list) == (SignerStatus.USER, "user:user.pem")
    assert found.signer.verified_name
    assert found.signer.name == "Test Desk CN"  # not "Test Desk CN (Test Desk)"
    assert (found.signer.time, found.signer.time_status) == (None, TimeStatus.NONE)
    assert found.validation_state == "Trusted"
    assert found.capture_bars == ()
    assert found.generator == "test camera 1"
    assert [action.action for action in found.actions] == ["c2pa.created"]


def test_official_wins_over_interim_over_user(read: Any, signed: bytes, root: Any) -> None:
    lists = {"user.pem": root.pem, "ITL-anchors.pem": root.pem, "C2PA-TRUST-LIST.pem": root.pem}
    assert read(signed, lists).signer.status is SignerStatus.OFFICIAL
    del lists["C2PA-TRUST-LIST.pem"]
    interim = read(signed, lists)
    assert interim.signer.status is SignerStatus.INTERIM
    assert "capture.interim-list" in bars(interim)


def test_an_allowed_leaf_needs_no_anchor_of_its_own(read: Any, kit: Any, signed: bytes, desk: Any) -> None:
    leaf = desk.pem[: desk.pem.index(b"-----END CERTIFICATE-----") + 26]
    other = kit.Authority("Other").pem
    found = read(signed, {"ITL-anchors.pem": other, "ITL-allowed.pem": leaf})
    assert found.signer.status is SignerStatus.INTERIM


def test_the_user_list_that_vouches_is_named(read: Any, kit: Any, signed: bytes, root: Any) -> None:
    found = read(signed, {"user-a.pem": kit.Authority("Other").pem, "user-b.pem": root.pem})
    assert found.signer.list == "user:user-b.pem"


def test_a_home_made_authority_proves_nothing(read: Any, kit: Any, stranger: Any, root: Any) -> None:
    found = read(kit.sign(kit.jpeg(), stranger, kit.created()), {"user.pem": root.pem})
    assert found.integrity is Integrity.INTACT
    assert found.signer.status is SignerStatus.UNKNOWN
    assert found.signer.name == "Reuters CN"
    assert not found.signer.verified_name
    assert "signer.unlisted" in codes(found)


def test_without_lists_nobody_is_trusted_and_nothing_is_called_invalid(read: Any, signed: bytes) -> None:
    found = read(signed)
    assert (found.integrity, found.signer.status) == (Integrity.INTACT, SignerStatus.UNKNOWN)


@pytest.mark.parametrize("name", ["C2PA-TSA-TRUST-LIST.pem"])
def test_an_authority_for_time_stamps_makes_no_signer_trusted(read: Any, signed: bytes, root: Any, name: str) -> None:
    assert read(signed, {name: root.pem}).signer.status is SignerStatus.UNKNOWN


def test_a_changed_picture_is_altered_and_its_name_not_verified(read: Any, kit: Any, signed: bytes, root: Any) -> None:
    found = read(kit.tampered(signed), {"user.pem": root.pem})
    assert found.integrity is Integrity.ALTERED
    assert "assertion.dataHash.mismatch" in found.codes
    assert found.signer.status is SignerStatus.USER
    assert not found.signer.verified_name


def test_a_leaf_for_time_stamping_alone_is_refused(read: Any, kit: Any, root: Any) -> None:
    """The engine calls this leaf trusted."""
    leaf = root.issue(purposes=[kit.TIME_STAMPING])
    found = read(kit.sign(kit.jpeg(), leaf, kit.created()), {"user.pem": root.pem})
    assert found.signer.status is SignerStatus.WRONG_PURPOSE
    assert found.signer.list is None
    assert "signer.wrong-purpose" in codes(found)


def test_the_clock_of_the_decision_is_the_callers(read: Any, kit: Any, root: Any) -> None:
    leaf = root.issue(end=kit.NOW + timedelta(days=5))
    data = kit.sign(kit.jpeg(), leaf, kit.created())
    lists = {"user.pem": root.pem}
    assert read(data, lists).signer.status is SignerStatus.USER
    assert read(data, lists, at=kit.NOW + timedelta(days=6)).signer.status is SignerStatus.EXPIRED
    assert read(data, lists, at=kit.NOW - timedelta(days=6)).signer.status is SignerStatus.EXPIRED


def test_an_ended_certificate_is_judged_at_the_time_asked_for(read: Any, kit: Any, root: Any) -> None:
    """The engine knows the machine's clock only and calls this one expired. It signs with no ended certificate."""
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    data = kit.sign(kit.jpeg(), root.issue(start=end - timedelta(days=30), end=end), kit.created())
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()) + 1.1)
    lists, after, during = {"user.pem": root.pem}, end + timedelta(seconds=1), end - timedelta(days=20)
    ended = read(data, lists, at=after)
    assert ended.signer.status is SignerStatus.EXPIRED
    assert "signingCredential.expired" in ended.codes
    then = read(data, lists, at=during)
    assert (then.signer.status, then.signer.verified_name) == (SignerStatus.USER, True)
    assert read(data, {"user.pem": kit.Authority("Other").pem}, at=during).signer.status is SignerStatus.UNKNOWN


def test_a_time_without_a_zone_is_refused(stored: Stored, kit: Any) -> None:
    with pytest.raises(ConfigurationError):
        CredentialReader(stored({}), at=kit.NOW.replace(tzinfo=None))


def test_another_native_library_is_refused(stored: Stored, kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C2PA_LIBRARY_NAME", "libother.so")
    with pytest.raises(ConfigurationError, match="C2PA_LIBRARY_NAME"):
        CredentialReader(stored({}), at=kit.NOW)


def test_a_remote_store_is_named_and_never_fetched(read: Any, kit: Any, desk: Any, root: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as canary:
        url = f"http://127.0.0.1:{canary.getsockname()[1]}/store.c2pa"
        data = kit.sign(kit.jpeg(), desk, kit.created(), remote_url=url)
        found = read(data, {"user.pem": root.pem})
        canary.settimeout(0.05)
        with pytest.raises(TimeoutError):
            canary.accept()
    assert (found.state, found.integrity, found.remote_url) == (CredentialState.REMOTE, Integrity.UNCHECKED, url)
    assert found.signer.status is SignerStatus.NONE
    assert "credentials.remote-only" in codes(found)


def test_a_picture_without_a_store_has_none(read: Any, kit: Any) -> None:
    found = read(kit.jpeg())
    assert (found.state, found.integrity, found.concerns) == (CredentialState.NONE, Integrity.UNCHECKED, ())


@pytest.mark.parametrize("kept", [120, 700, 1500])
def test_a_store_cut_short_is_unreadable_never_none(read: Any, signed: bytes, kept: int) -> None:
    assert read(signed[:kept]).state is CredentialState.UNREADABLE


def test_a_damaged_store_is_unreadable_never_none(read: Any, signed: bytes) -> None:
    at = signed.index(b"jumdc2ma")
    assert read(signed[:at] + b"XXXX" + signed[at + 4 :]).state is CredentialState.UNREADABLE


def test_a_store_whose_first_type_is_damaged_is_unreadable_never_none(read: Any, signed: bytes) -> None:
    for offset in range(16):
        data = bytearray(signed)
        data[signed.index(b"jumdc2pa") + 4 + offset] ^= 1
        assert read(bytes(data)).state is not CredentialState.NONE


def test_a_container_that_nobody_reads_is_said_to_be_one(read: Any) -> None:
    found = read(b"OggS" + bytes(200), media_type="audio/ogg")
    assert found.state is CredentialState.NONE
    assert "credentials.unsupported-container" in codes(found)


def test_signed_again_over_a_tampered_parent(read: Any, kit: Any, desk: Any, signed: bytes, root: Any) -> None:
    """The engine calls this file trusted; the active manifest is intact, the chain below it is not."""
    found = read(kit.sign(kit.tampered(signed), desk, EDITOR, is_edit=True), {"user.pem": root.pem})
    assert (found.integrity, found.signer.status) == (Integrity.INTACT, SignerStatus.USER)
    assert found.chain is Chain.BROKEN
    assert [each.state for each in found.ingredients] == ["broken"]
    assert "chain.broken" in codes(found)
    assert {"capture.chain", "capture.unproven-ancestor"} <= bars(found)
    assert found.source_types == (), "the broken parent's camera claim counts for nothing"


def test_a_strangers_camera_claim_is_not_laundered(read: Any, kit: Any, desk: Any, stranger: Any, root: Any) -> None:
    parent = kit.sign(kit.jpeg(), stranger, kit.created())
    found = read(kit.sign(parent, desk, EDITOR, is_edit=True), {"user.pem": root.pem})
    assert (found.integrity, found.signer.status) == (Integrity.INTACT, SignerStatus.USER)
    assert found.chain is Chain.COMPLETE
    assert found.source_types == ()
    assert {"credentials.unproven-capture", "chain.unlisted-signer"} <= codes(found)
    assert "capture.unproven-ancestor" in bars(found)


def test_what_a_parent_says_of_ai_is_kept(read: Any, kit: Any, desk: Any, stranger: Any, root: Any) -> None:
    parent = kit.sign(kit.jpeg(), stranger, kit.created(kit.GENERATED))
    found = read(kit.sign(parent, desk, EDITOR, is_edit=True), {"user.pem": root.pem})
    assert found.signal is AISignal.GENERATED
    assert found.source_types == (kit.GENERATED,)
    assert found.ingredients[0].signal is AISignal.GENERATED
    assert found.vouched == Statement(), "but it is the stranger's word, whoever signed on top"


def test_a_listed_editor_proves_its_own_edit_and_not_the_strangers_generation(
    read: Any, kit: Any, desk: Any, stranger: Any, root: Any
) -> None:
    parent = kit.sign(kit.jpeg(), stranger, kit.created(kit.GENERATED))
    edit = {"action": "c2pa.edited", "digitalSourceType": COMPOSITE}
    editor = {**EDITOR, "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [edit]}, "created": True}]}
    found = read(kit.sign(parent, desk, editor, is_edit=True), {"user.pem": root.pem})
    assert (found.signer.status, found.signal) == (SignerStatus.USER, AISignal.GENERATED)
    assert found.vouched == Statement(source_types=(COMPOSITE,), signal=AISignal.MODIFIED)
    verdict = weigh(evidence_of(found))
    assert (verdict.origin, verdict.tier) == (Origin.AI_MODIFIED, Tier.PROVEN)


@pytest.mark.parametrize("relationship", ["componentOf", "inputTo"])
def test_a_placed_ai_picture_makes_a_modified_one(read: Any, kit: Any, desk: Any, root: Any, relationship: str) -> None:
    logo = kit.sign(kit.jpeg((1, 2, 3)), desk, kit.created(kit.GENERATED))
    about = {"title": "logo", "relationship": relationship, "label": "logo"}
    data = kit.sign(kit.jpeg(), desk, EDITOR, is_edit=True, ingredients=[(logo, about)])
    found = read(data, {"user.pem": root.pem})
    assert (found.signal, found.source_types) == (AISignal.MODIFIED, (kit.GENERATED,))
    verdict = weigh(evidence_of(found))
    assert (verdict.origin, verdict.tier) == (Origin.AI_MODIFIED, Tier.PROVEN)


def test_a_capture_of_another_listed_signer_counts(read: Any, kit: Any, desk: Any, root: Any) -> None:
    """The camera is on the official list, the desk on the operator's own; the record knows neither."""
    maker = kit.Authority("Camera Maker")
    photo = kit.sign(kit.jpeg(), maker.issue("Camera"), kit.created())
    data = kit.sign(photo, desk, EDITOR, is_edit=True)
    lists = {"C2PA-TRUST-LIST.pem": maker.pem, "user.pem": root.pem}
    found = read(data, lists)
    assert found.signer.status is SignerStatus.USER
    assert found.source_types == (kit.CAPTURE,)
    assert not {"capture.unproven-ancestor", "chain.unlisted-signer"} & (bars(found) | codes(found))
    del lists["C2PA-TRUST-LIST.pem"]
    assert read(data, lists).source_types == ()


def test_a_parent_without_credentials_leaves_the_chain_open(read: Any, kit: Any, desk: Any, root: Any) -> None:
    plain = kit.jpeg()
    found = read(kit.sign(plain, desk, EDITOR, is_edit=True), {"user.pem": root.pem})
    assert found.chain is Chain.OPEN
    assert "chain.open" in codes(found)


def test_a_parent_whose_store_lies_elsewhere_is_missing(read: Any, kit: Any, desk: Any, root: Any) -> None:
    parent = kit.sign(kit.jpeg(), desk, kit.created(), remote_url="https://example.com/m.c2pa")
    found = read(kit.sign(parent, desk, EDITOR, is_edit=True), {"user.pem": root.pem})
    assert (found.integrity, found.chain) == (Integrity.INTACT, Chain.MISSING)
    assert [each.state for each in found.ingredients] == ["missing"]
    assert "chain.missing" in codes(found)
    assert "capture.chain" in bars(found)


def test_a_certificate_that_begins_later_is_not_said_to_have_ended(
    read: Any, signed: bytes, kit: Any, root: Any
) -> None:
    for days, status, code in (
        (-3, SignerStatus.EXPIRED, "signer.not-yet-valid"),
        (3, SignerStatus.USER, None),
        (400, SignerStatus.EXPIRED, "signer.expired"),
    ):
        found = read(signed, {"user.pem": root.pem}, at=kit.NOW + timedelta(days=days))
        assert found.signer.status is status
        assert {each for each in codes(found) if each.startswith("signer.")} == ({code} if code else set())


def test_other_containers(read: Any, kit: Any, desk: Any, root: Any) -> None:
    from io import BytesIO

    from PIL import Image

    for kind, media_type in (
        ("PNG", "image/png"),
        ("WEBP", "image/webp"),
        ("GIF", "image/gif"),
        ("TIFF", "image/tiff"),
    ):
        stream = BytesIO()
        Image.new("RGB", (16, 16), (1, 2, 3)).save(stream, kind)
        data = kit.sign(stream.getvalue(), desk, kit.created(), media_type=media_type)
        found = read(data, {"user.pem": root.pem}, media_type=media_type)
        assert (found.integrity, found.signer.status) == (Integrity.INTACT, SignerStatus.USER), kind


def test_the_tree_names_claims_by_their_digest(kit: Any, stored: Stored, desk: Any, signed: bytes, root: Any) -> None:
    data = kit.sign(signed, desk, EDITOR, is_edit=True)
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    top, below = reader.manifests(kit.asset_of(data))
    assert top.ingredients[0].manifest == below.label
    assert len({top.claim_sha256, below.claim_sha256, None}) == 3
    assert reader.manifests(kit.asset_of(kit.jpeg())) == ()
    assert reader.detailed(kit.asset_of(data))["active_manifest"] == top.label
    assert top.label == reader.crjson(kit.asset_of(data))["manifests"][0]["label"]
    assert reader.crjson(kit.asset_of(kit.jpeg()))["manifests"] == []


@pytest.mark.parametrize(
    ("lists", "expected"),
    [
        (("user", "official"), ("user", "official")),  # each signer by the list that names it, whoever signed on top
        (("official", "user"), ("official", "user")),
        (("user",), ("user", "unknown")),
        ((), ("unknown", "unknown")),
    ],
)
def test_the_tree_says_on_whose_list_each_signer_stands(
    kit: Any, stored: Stored, lists: tuple[str, ...], expected: tuple[str, str]
) -> None:
    names = {"user": "user.pem", "official": "C2PA-TRUST-LIST.pem"}
    roots = kit.Authority("Bureau"), kit.Authority("Camera maker")
    edited, shot = (root.issue(name) for root, name in zip(roots, ("Desk", "Camera"), strict=True))
    parent = kit.sign(kit.jpeg(), shot, kit.created())
    edit = {"claim_generator_info": [{"name": "editor", "version": "1"}]}
    asset = kit.asset_of(kit.sign(parent, edited, edit, is_edit=True))
    store = stored({names[name]: root.pem for name, root in zip(lists, roots, strict=False)})
    reader = kit.CredentialReader(store, at=kit.NOW)
    top, below = reader.manifests(asset)
    assert (top.signer, below.signer) == expected
    assert not [each for each in (*top.failures, *below.failures) if each.code.startswith("signingCredential")]
    unlisted = [concern for concern in reader.read(asset).concerns if concern.code == "chain.unlisted-signer"]
    assert bool(unlisted) is (below.signer == "unknown")


def test_the_same_bytes_give_the_same_answer(read: Any, signed: bytes, root: Any) -> None:
    lists = {"user.pem": root.pem}
    assert read(signed, lists) == read(signed, lists)


def test_nothing_in_a_file_makes_the_reader_raise(kit: Any, stored: Stored, signed: bytes, root: Any) -> None:
    """Single-byte damage, spread over the whole file: a positive answer survives only where the bytes are free."""
    reader = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    picture = signed.rindex(b"\xff\xda")
    for at in range(2, len(signed), 61):
        data = bytearray(signed)
        data[at] ^= 0x41
        found = reader.read(replace(kit.asset_of(bytes(data)), media_type="image/jpeg"))
        if at >= picture:
            assert found.integrity is not Integrity.INTACT
        reader.manifests(kit.asset_of(bytes(data)))
