# SPDX-License-Identifier: Apache-2.0
"""Credentials written here: said by the rules, nothing of before lost, read again, and accepted by another engine."""

import io
import json
import logging
import os
import pickle
import traceback
import wave
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from tests.conftest import ROOT
from waarmerk.provenance.credentials import signals
from waarmerk.provenance.credentials.certificates import Issued, OwnAuthority, key_pem
from waarmerk.provenance.credentials.signing import CredentialWriter, Signed
from waarmerk.provenance.credentials.signing_engine import EMBEDDABLE
from waarmerk.provenance.credentials.signing_folder import ROOT_KEY, SIGNER_KEY, load_folder, write_folder
from waarmerk.provenance.credentials.signing_keys import Algorithm, FileSigner, Secret, load_signer, pem_of
from waarmerk.provenance.credentials.signing_statement import (
    ACTIONS,
    CREATED,
    GENERATED,
    MARKED,
    MODIFIED,
    OPENED,
    Decision,
    Disclosure,
    SoftBinding,
    Statement,
    Step,
    Tool,
    history,
)
from waarmerk.provenance.errors import ConfigurationError, Error, SigningError
from waarmerk.provenance.media import asset_from_bytes
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.sniff import CREDENTIAL_TYPES, sniff
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.model import AISignal, Asset, CredentialState, Integrity, SignerStatus
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.trust import TrustStore

TOOL = Tool(name="waarmerk", version="0.1.0")
CREATE = Step(action=CREATED, source_type=GENERATED)
OPEN = Step(action=OPENED)
CANARY = "canary-5f2e9c1b77"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Somebody who signs, and who knows their own root."""

    authority: OwnAuthority
    leaf: Issued
    trust: TrustStore
    at: datetime

    @property
    def signer(self) -> FileSigner:
        return FileSigner(self.leaf.key, self.authority.chain_of(self.leaf))

    def writer(self, signer: Any = None, **options: Any) -> CredentialWriter:
        chosen = {"trust": self.trust, "at": self.at, "generator": TOOL, **options}
        return CredentialWriter(signer or self.signer, **chosen)


def desk_of(stored: Any, at: datetime, algorithm: Algorithm = Algorithm.ES256) -> Desk:
    authority = OwnAuthority.create("Campagne Delta", at=at, algorithm=algorithm)
    leaf = authority.issue(at=at, algorithm=algorithm)
    trust = stored({"user.pem": pem_of((authority.root.certificate,)).encode()})
    return Desk(authority=authority, leaf=leaf, trust=trust, at=at)


@pytest.fixture
def office(stored: Any, kit: Any) -> Desk:
    return desk_of(stored, kit.NOW)


def asset(data: bytes, name: str | None = None) -> Asset:
    return asset_from_bytes(data, name=name, limits=Limits())


def statement(*steps: Step, **options: Any) -> Statement:
    return Statement(steps=steps or (CREATE,), **options)


# --- rules of what may be said ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda: Step(action="c2pa.bogus"), "unknown-action"),
        (lambda: Step(action="com.example.own"), "unknown-action"),
        (lambda: Step(action=CREATED, source_type="http://example.org/real"), "unknown-source-type"),
        (lambda: Step(action=CREATED, source_type="trainedAlgorithmicMedia"), "unknown-source-type"),
        (lambda: Step(action=CREATED, source_type=GENERATED.replace("http:", "https:")), "unknown-source-type"),
        (lambda: Step(action=CREATED, source_type=GENERATED + " "), "unknown-source-type"),
        (lambda: Step(action=CREATED, source_type=GENERATED, description="a\nb"), "text"),
        (lambda: Tool(name="\u202eevil"), "text"),
        (lambda: Tool(name=""), "text"),
        (lambda: Statement(steps=()), "no-beginning"),
        (lambda: Statement(steps=(Step(action="c2pa.edited"), CREATE)), "no-beginning"),
        (lambda: Statement(steps=(CREATE, CREATE)), "two-beginnings"),
        (lambda: Statement(steps=(OPEN, CREATE)), "two-beginnings"),
        (lambda: Statement(steps=(Step(action=CREATED),)), "no-source-type"),
        (lambda: Statement(steps=(Step(action=OPENED, source_type=GENERATED),)), "opened-source-type"),
        (lambda: Statement(steps=(CREATE, Step(action=MARKED))), "mark"),
        (lambda: Statement(steps=(CREATE,), mark=SoftBinding(scheme="org.waarmerk.x", payload=b"1")), "mark"),
        (lambda: Statement(steps=(CREATE,), denies_ai=True), "ai-denied"),
        (lambda: Statement(steps=(CREATE,), title="\x1b[2J"), "text"),
        (lambda: SoftBinding(scheme="com.adobe.trustmark.P", payload=b"1"), "binding-name"),
        (lambda: SoftBinding(scheme="org.waarmerk.x", payload=b""), "binding-payload"),
        (lambda: Disclosure(oversight="none"), "oversight"),
    ],
)
def test_a_statement_that_breaks_a_rule_cannot_be_built(make: Callable[[], object], code: str) -> None:
    with pytest.raises(SigningError) as caught:
        make()
    assert caught.value.code == f"signing.{code}"


def test_every_action_written_here_is_known_to_the_reader() -> None:
    known = signals._INCEPTION | signals.NON_EDITORIAL | signals._EDITORIAL
    assert known >= ACTIONS


@pytest.mark.parametrize(
    ("ai", "has_parent", "says_it", "actions"),
    [
        ("generated", False, False, [(CREATED, GENERATED)]),
        ("modified", False, False, [(CREATED, MODIFIED)]),
        ("generated", True, False, [(OPENED, None), ("c2pa.edited", GENERATED)]),
        ("modified", True, False, [(OPENED, None), ("c2pa.edited", MODIFIED)]),
        ("generated", True, True, [(OPENED, None)]),
        ("none", False, False, [(OPENED, None)]),
        ("none", True, False, [(OPENED, None)]),
        (None, False, False, [(OPENED, None)]),
    ],
)
def test_the_history_of_a_labelled_file(
    ai: str | None, has_parent: bool, says_it: bool, actions: list[tuple[str, str | None]], at: datetime
) -> None:
    steps = history(ai, at=at, has_parent=has_parent, parent_says_it=says_it)
    assert [(step.action, step.source_type) for step in steps] == actions
    Statement(steps=steps)


def test_the_engine_writes_into_no_type_that_is_not_listed_here() -> None:
    import c2pa

    written = set(c2pa.Builder.get_supported_mime_types())
    aliases = {"image/x-nikon-nef", "image/x-sony-arw"}  # read only
    assert CREDENTIAL_TYPES - aliases == EMBEDDABLE
    assert not EMBEDDABLE - written
    assert not aliases & written


# --- signing and reading again ---------------------------------------------------------------------------------


def picture() -> Image.Image:
    rows, columns = np.mgrid[0:48, 0:64]
    return Image.fromarray(np.dstack([rows * 5, columns * 4, (rows + columns) * 2]).astype(np.uint8))


def still(form: str) -> bytes:
    target = io.BytesIO()
    picture().save(target, form)
    return target.getvalue()


def sound() -> bytes:
    target = io.BytesIO()
    with wave.open(target, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(3200))
    return target.getvalue()


def film(brand: bytes) -> bytes:
    """The sample clip without its store, as a movie of another brand."""
    data = (ROOT / "samples" / "media" / "clip.mp4").read_bytes()
    return data[:8] + brand + data[12:16] + brand + data[20:]


def paper() -> bytes:
    """A page of nothing, written by hand."""
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    ]
    body, places = b"%PDF-1.7\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    start = len(body)
    body += b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + b"trailer << /Size 4 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


def flac() -> bytes:
    """STREAMINFO alone: 44.1 kHz, mono, 16 bit, no samples."""
    rate = (44_100 << 44) | (15 << 36)
    return b"fLaC" + bytes((0x80, 0, 0, 34)) + b"\x10\0\x10\0" + bytes(6) + rate.to_bytes(8, "big") + bytes(16)


DRAWING = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
MP3 = (b"\xff\xfb\x90\x64" + bytes(413)) * 6
FILES: dict[str, Callable[[], bytes]] = {
    "image/jpeg": lambda: still("JPEG"),
    "image/png": lambda: still("PNG"),
    "image/webp": lambda: still("WEBP"),
    "image/gif": lambda: still("GIF"),
    "image/tiff": lambda: still("TIFF"),
    "image/avif": lambda: still("AVIF"),
    "image/svg+xml": lambda: DRAWING,
    "audio/wav": sound,
    "audio/mpeg": lambda: MP3,
    "application/pdf": paper,
}


def second_opinion(signed: Signed, root: str, suffix: str, folder: Path) -> Any:
    engine = pytest.importorskip("encypher_c2pa", reason="the second engine is not installed")
    path = folder / f"signed{suffix}"
    path.write_bytes(signed.data)
    return engine.verify(str(path), trust_pem=root, telemetry=False)


@pytest.mark.parametrize("media_type", FILES)
def test_every_kind_of_file_is_signed_read_again_and_guards_its_bytes(media_type: str, office: Desk) -> None:
    content = asset(FILES[media_type]())
    assert content.media_type == media_type
    writer = office.writer()
    signed = writer.sign(content, statement(CREATE, Step(action="c2pa.edited.metadata", when=office.at), title="Proef"))
    found = signed.credential
    assert found.state is CredentialState.EMBEDDED
    assert found.integrity is Integrity.INTACT
    assert found.signer.status is SignerStatus.USER
    assert found.signer.verified_name
    assert found.signal is AISignal.GENERATED
    assert found.generator == "waarmerk 0.1.0"
    assert signed.notes == ()
    assert len(signed.data) - content.bytes < (24_000 if media_type == "image/svg+xml" else 16_000)  # base64
    damaged = bytearray(signed.data)
    damaged[-20 if media_type != "image/svg+xml" else damaged.index(b"rect")] ^= 1
    assert writer.survey(asset(bytes(damaged))).credential.integrity is Integrity.ALTERED


def test_only_what_was_read_again_may_take_another_file_s_place(office: Desk, tmp_path: Path) -> None:
    signed = office.writer().sign(asset(still("JPEG")), statement())
    write_file(tmp_path / "out.jpg", signed.output, verify=signed.require_at)
    assert (tmp_path / "out.jpg").read_bytes() == signed.data
    with pytest.raises(SigningError) as caught:
        write_file(tmp_path / "other.jpg", signed.data[:-1], verify=signed.require_at)
    assert caught.value.code == "signing.not-verified"
    assert [path.name for path in tmp_path.glob("*.jpg")] == ["out.jpg"]


def test_a_file_that_would_no_longer_be_opened_is_not_signed_inside(office: Desk) -> None:
    """The engine puts a FLAC's store into an ID3 tag before it; a reader that knows FLAC by its first bytes is lost."""
    content = asset(flac())
    if sniff(b"ID3\x04\0\0\0\0\0\0" + flac()) == content.media_type:
        assert office.writer().sign(content, statement()).credential.integrity is Integrity.INTACT
    else:
        assert refusal(lambda: office.writer().sign(content, statement())) == "signing.needs-sidecar"
    assert office.writer().sign(content, statement(), sidecar=True).credential.integrity is Integrity.INTACT


@pytest.mark.parametrize("media_type", ["video/mp4", "video/quicktime", "audio/mp4"])
def test_films_and_their_sound(media_type: str, office: Desk) -> None:
    brand = {"video/mp4": b"isom", "video/quicktime": b"qt  ", "audio/mp4": b"M4A "}[media_type]
    content = asset(without_store(film(brand)))
    assert content.media_type == media_type
    signed = office.writer().sign(content, statement())
    assert signed.credential.signer.status is SignerStatus.USER
    assert asset(signed.data).media_type == media_type


def without_store(data: bytes) -> bytes:
    """An MP4 without its ``uuid`` boxes; fine for a file whose sample offsets nobody follows."""
    found, at = b"", 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4])
        found += b"" if data[at + 4 : at + 8] == b"uuid" else data[at : at + size]
        at += size
    return found


@pytest.mark.parametrize("algorithm", Algorithm)
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_another_engine_accepts_it(form: str, algorithm: Algorithm, stored: Any, kit: Any, tmp_path: Path) -> None:
    office = desk_of(stored, kit.NOW, algorithm)
    mark = SoftBinding(scheme="org.waarmerk.ring.1", payload=b"12345678")
    full = statement(
        CREATE,
        Step(action=MARKED),
        mark=mark,
        decision=Decision(rules=(("EU-50-2", "required"),), packs=(("eu", "0" * 64),), date="2026-11-21"),
        disclosure=Disclosure(model_name="Model", oversight="prompt_guided"),
    )
    signed = office.writer().sign(asset(still(form)), full)
    root = pem_of((office.authority.root.certificate,))
    found = second_opinion(signed, root, f".{form.lower()}", tmp_path)
    assert found["present"]
    assert found["integrity"] == "valid"
    assert found["signature"] == "valid"
    assert found["hard_binding"] == "match"
    assert found["trust"]["status"] == "valid_for_supplied_material"


@pytest.mark.parametrize("media_type", FILES)
def test_another_engine_accepts_every_kind(media_type: str, office: Desk, tmp_path: Path) -> None:
    signed = office.writer().sign(asset(FILES[media_type]()), statement())
    suffix = {"image/svg+xml": ".svg", "audio/mpeg": ".mp3"}.get(media_type, "." + media_type.split("/")[1])
    found = second_opinion(signed, pem_of((office.authority.root.certificate,)), suffix, tmp_path)
    assert (found["present"], found["integrity"], found["hard_binding"]) == (True, "valid", "match")


def detailed(writer: CredentialWriter, signed: Signed) -> dict[str, Any]:
    document = writer._reader.detailed(asset(signed.data))
    return dict(document["manifests"][signed.manifest])


def test_what_was_said_stands_in_the_file(office: Desk) -> None:
    writer = office.writer()
    signed = writer.sign(
        asset(still("JPEG")),
        Statement(
            steps=(
                Step(action=CREATED, source_type=GENERATED, tool=Tool(name="Model", version="3")),
                Step(action=MARKED, when=office.at),
            ),
            mark=SoftBinding(scheme="org.waarmerk.ring.1", payload=bytes.fromhex("00ff10aa22bb33cc")),
            decision=Decision(rules=(("EU-50-2", "required"),), packs=(("eu", "ab"),), date="2026-11-21"),
            title="Proef",
        ),
    )
    manifest = detailed(writer, signed)
    store = manifest["assertion_store"]
    assert store["c2pa.soft-binding"] == {
        "alg": "org.waarmerk.ring.1",
        "blocks": [{"scope": {}, "value": "00ff10aa22bb33cc"}],
    }
    assert store["org.waarmerk.labelling"]["rules"] == [{"rule": "EU-50-2", "status": "required"}]
    assert store["c2pa.actions.v2"]["allActionsIncluded"] is False
    first = store["c2pa.actions.v2"]["actions"][0]
    assert first["softwareAgent"] == {"name": "Model", "version": "3"}
    assert "when" not in first
    generator = manifest["claim"]["claim_generator_info"]
    generator = generator[0] if isinstance(generator, list) else generator
    assert generator["name"] == "waarmerk"
    assert generator["specVersion"] == "2.2.0"
    assert not [label for label in store if "thumbnail" in label]
    assert not manifest["claim"].get("gathered_assertions")


def test_a_name_of_the_input_never_gets_into_the_file(office: Desk) -> None:
    name = f"{CANARY}.jpg"
    content = asset(still("JPEG"), name)
    signed = office.writer().sign(content, statement(OPEN, is_complete=True), parent=content)
    assert CANARY.encode() not in signed.data


# --- what was there before -------------------------------------------------------------------------------------


def test_earlier_credentials_become_the_parent(office: Desk, kit: Any, desk: Any, root: Any, stored: Any) -> None:
    both = stored({"user-1.pem": root.pem, "user-2.pem": pem_of((office.authority.root.certificate,)).encode()})
    writer = office.writer(trust=both)
    before = asset(kit.sign(kit.jpeg(), desk, kit.created()))
    survey = writer.survey(before)
    signed = writer.sign(before, statement(OPEN, is_complete=True), parent=before)
    (parent,) = signed.credential.ingredients
    assert (parent.relationship, parent.state, parent.manifest) == ("parentOf", "intact", survey.label)
    assert signed.credential.source_types == (kit.CAPTURE,)  # vouched for: our list named the camera when we signed
    assert [note.code for note in signed.notes] == ["signing.parent-kept"]
    third = asset(signed.data)
    again = writer.sign(third, statement(OPEN), parent=third)
    assert again.credential.ingredients[0].manifest == signed.manifest
    assert len(writer._reader.manifests(asset(again.data))) == 3


def test_a_stranger_s_capture_does_not_become_ours(office: Desk, kit: Any, stranger: Any) -> None:
    before = asset(kit.sign(kit.jpeg(), stranger, kit.created()))
    signed = office.writer().sign(before, statement(OPEN, is_complete=True), parent=before)
    assert signed.credential.source_types == ()
    assert "credentials.unproven-capture" in [each.code for each in signed.credential.concerns]
    assert "signing.parent-unlisted" in [note.code for note in signed.notes]


def test_changed_content_keeps_the_parent_it_was_made_from(office: Desk, kit: Any, desk: Any) -> None:
    before = asset(kit.sign(kit.jpeg(), desk, kit.created(kit.GENERATED)))
    content = asset(still("PNG"))
    edit = Step(action="c2pa.addedText", when=office.at)
    signed = office.writer().sign(content, statement(OPEN, edit, is_complete=True), parent=before)
    assert signed.credential.ingredients[0].state == "intact"
    assert signed.credential.signal is AISignal.GENERATED
    assert {note.code for note in signed.notes} >= {"signing.parent-ai", "signing.parent-kept"}


def test_a_broken_parent_is_carried_and_said_to_be_broken(office: Desk, kit: Any, desk: Any) -> None:
    before = asset(kit.tampered(kit.sign(kit.jpeg(), desk, kit.created(kit.GENERATED))))
    signed = office.writer().sign(before, statement(OPEN), parent=before)
    assert signed.credential.integrity is Integrity.INTACT
    assert signed.credential.ingredients[0].state == "broken"
    assert signed.credential.chain.value == "broken"
    assert {note.code for note in signed.notes} >= {"signing.parent-broken", "signing.parent-ai"}


def test_credentials_elsewhere_are_named_and_not_fetched(office: Desk, kit: Any, desk: Any) -> None:
    before = asset(kit.sign(kit.jpeg(), desk, kit.created(), remote_url="http://127.0.0.1:9/store.c2pa"))
    signed = office.writer().sign(before, statement(OPEN), parent=before)
    assert signed.credential.chain.value in ("open", "missing")
    assert [note.code for note in signed.notes] == ["signing.parent-remote"]


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(SigningError) as caught:
        call()
    return caught.value.code


def test_nothing_is_signed_over(office: Desk, kit: Any, desk: Any, stranger: Any) -> None:
    writer = office.writer()
    plain = asset(kit.jpeg())
    ai, photo = (asset(kit.sign(kit.jpeg(), desk, kit.created(kind))) for kind in (kit.GENERATED, kit.CAPTURE))
    broken = asset(kit.tampered(bytes(ai.open().read())))
    remote = asset(kit.sign(kit.jpeg(), desk, kit.created(), remote_url="http://127.0.0.1:9/x"))
    data = bytearray(ai.open().read())
    at = data.index(b"c2pa.claim.v2") - 20
    data[at : at + 16] = b"\xff" * 16
    unreadable = asset(bytes(data))
    assert writer.survey(unreadable).credential.state is CredentialState.UNREADABLE
    for each in (ai, photo, broken, remote, unreadable):
        assert refusal(lambda each=each: writer.sign(each, statement())) == "signing.has-provenance"
    assert refusal(lambda: writer.sign(plain, statement(), parent=photo)) == "signing.has-provenance"
    assert refusal(lambda: writer.sign(plain, statement(OPEN))) == "signing.no-parent"
    assert refusal(lambda: writer.sign(unreadable, statement(OPEN), parent=unreadable)) == "signing.parent-unreadable"
    assert refusal(lambda: writer.sign(plain, statement(OPEN), parent=unreadable)) == "signing.parent-unreadable"
    assert refusal(lambda: writer.sign(ai, statement(OPEN), parent=plain)) == "signing.other-provenance"
    assert refusal(lambda: writer.sign(ai, statement(OPEN), parent=photo)) == "signing.other-provenance"
    for each in (ai, broken):
        denied = statement(OPEN, denies_ai=True)
        assert refusal(lambda each=each, denied=denied: writer.sign(each, denied, parent=each)) == "signing.ai-denied"


@pytest.mark.parametrize("media_type", FILES)
def test_a_sidecar_fits_the_file_as_it_is(media_type: str, office: Desk) -> None:
    """Left to itself the engine hashes an MP3 with an empty ID3 tag and a PDF written anew, which nobody has."""
    content = asset(FILES[media_type]())
    signed = office.writer().sign(content, statement(), sidecar=True)
    assert signed.data == content.open().read()
    assert signed.output == signed.store
    assert signed.credential.integrity is Integrity.INTACT


def test_a_sidecar_for_what_cannot_be_written(office: Desk, kit: Any, desk: Any) -> None:
    writer = office.writer()
    webm = b"\x1a\x45\xdf\xa3\x8b\x42\x82\x84webm" + bytes(3000)
    content = asset(webm)
    assert refusal(lambda: writer.sign(content, statement())) == "signing.needs-sidecar"
    signed = writer.sign(content, statement(), sidecar=True)
    assert signed.data == webm
    assert signed.credential.state is CredentialState.SIDECAR
    assert signed.credential.signer.status is SignerStatus.USER
    assert signed.notes == ()
    before = asset(kit.sign(kit.jpeg(), desk, kit.created()))
    assert refusal(lambda: writer.sign(before, statement(OPEN), parent=before, sidecar=True)) == "signing.sidecar"


# --- keys ------------------------------------------------------------------------------------------------------


class Deaf:
    """A signer whose device fails."""

    def __init__(self, signer: FileSigner, fault: BaseException | None, answer: bytes = b"") -> None:
        self.chain, self.algorithm = signer.chain, signer.algorithm
        self._fault, self._answer = fault, answer

    def sign(self, message: bytes) -> bytes:
        if self._fault is not None:
            raise self._fault
        return self._answer


def test_the_real_error_of_a_failing_signer_is_kept(office: Desk, caplog: pytest.LogCaptureFixture) -> None:
    content = asset(still("JPEG"))
    with caplog.at_level(logging.DEBUG), pytest.raises(SigningError) as caught:
        office.writer(Deaf(office.signer, RuntimeError(CANARY))).sign(content, statement())
    assert caught.value.code == "signing.signer-failed"
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert CANARY not in str(caught.value) + caplog.text  # the cause says it, the engine's log does not
    with pytest.raises(SigningError) as caught:
        office.writer(Deaf(office.signer, SigningError("signing.token", "gone"))).sign(content, statement())
    assert caught.value.code == "signing.token"
    with pytest.raises(KeyboardInterrupt):
        office.writer(Deaf(office.signer, KeyboardInterrupt())).sign(content, statement())


@pytest.mark.parametrize("answer", [b"", b"1" * 64, b"\x30\x06\x02\x01\x01\x02\x01\x01"])
def test_a_wrong_signature_is_never_written(office: Desk, answer: bytes) -> None:
    with pytest.raises(SigningError) as caught:
        office.writer(Deaf(office.signer, None, answer)).sign(asset(still("JPEG")), statement())
    assert caught.value.code == "signing.refused"


def test_a_certificate_that_is_refused_signs_nothing(office: Desk, kit: Any) -> None:
    later = office.at + timedelta(days=400)
    with pytest.raises(ConfigurationError, match=r"certificate\.expired"):
        office.writer(at=later)
    alone = FileSigner(office.leaf.key, office.signer.chain[:1])
    with pytest.raises(ConfigurationError, match="leaf-alone"):
        office.writer(alone)
    other = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ConfigurationError) as caught:
        FileSigner(other, office.signer.chain)
    assert caught.value.code == "signing.key-mismatch"


def test_an_unknown_signer_is_told_so(office: Desk, stored: Any) -> None:
    nobody = OwnAuthority.create("Somebody else", at=office.at)
    trust = stored({"user.pem": pem_of((nobody.root.certificate,)).encode()})
    signed = office.writer(trust=trust).sign(asset(still("JPEG")), statement())
    assert signed.credential.signer.status is SignerStatus.UNKNOWN
    assert [note.code for note in signed.notes] == ["signing.signer-unlisted"]


def folder_of(office: Desk, path: Path, passphrase: str | None = None) -> Path:
    secret = None if passphrase is None else Secret(passphrase.encode())
    write_folder(path, office.authority, office.leaf, about="about", passphrase=secret)
    return path


def test_a_folder_of_keys(office: Desk, tmp_path: Path) -> None:
    folder = folder_of(office, tmp_path / "keys")
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.glob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert load_folder(folder).chain == office.signer.chain
    with pytest.raises(ConfigurationError) as caught:
        folder_of(office, folder)
    assert caught.value.code == "keys.exist"
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    with pytest.raises(ConfigurationError) as caught:
        load_folder(tmp_path / "nothing")
    assert caught.value.code == "keys.none"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
@pytest.mark.parametrize("passphrase", [None, "correct horse"])
def test_a_key_that_others_may_read_is_refused(office: Desk, tmp_path: Path, mode: int, passphrase: str | None) -> None:
    folder = folder_of(office, tmp_path / "keys", passphrase)
    (folder / SIGNER_KEY).chmod(mode)
    with pytest.raises(ConfigurationError) as caught:
        load_folder(folder, lambda: Secret(b"correct horse"))
    assert caught.value.code == "signing.key-exposed"


def test_encrypted_keys_need_their_passphrase(office: Desk, tmp_path: Path) -> None:
    folder = folder_of(office, tmp_path / "keys", "correct horse")
    assert b"ENCRYPTED" in (folder / ROOT_KEY).read_bytes()
    assert load_folder(folder, lambda: Secret(b"correct horse")).sign(b"x")
    for ask in (None, lambda: Secret(b"wrong")):
        with pytest.raises(ConfigurationError) as caught:
            load_folder(folder, ask)
        assert caught.value.code == "signing.passphrase"


def test_what_is_no_key_is_refused(office: Desk, tmp_path: Path) -> None:
    folder = folder_of(office, tmp_path / "keys")
    odd = tmp_path / "odd.key"
    rsa_key = x509.random_serial_number()  # any bytes
    odd.write_bytes(str(rsa_key).encode())
    odd.chmod(0o600)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo, 0o600)
    for path, code in ((odd, "key-unreadable"), (fifo, "key-unreadable"), (tmp_path / "none", "key-unreadable")):
        with pytest.raises(ConfigurationError) as caught:
            load_signer(folder / "signer.pem", path)
        assert caught.value.code == f"signing.{code}"
    with pytest.raises(ConfigurationError) as caught:
        load_signer(odd, folder / SIGNER_KEY)
    assert caught.value.code == "signing.certificate-unreadable"
    p521 = ec.generate_private_key(ec.SECP521R1())
    odd.write_bytes(key_pem(p521, None).reveal())
    with pytest.raises(ConfigurationError) as caught:
        load_signer(folder / "signer.pem", odd)
    assert caught.value.code == "signing.key-algorithm"


def test_secrets_show_nowhere(office: Desk, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    """P16: a canary in the key and in the passphrase, searched in everything that could show it."""
    folder = folder_of(office, tmp_path / "keys")
    private = office.leaf.key
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    number = private.private_numbers().private_value
    pem = (folder / SIGNER_KEY).read_text().splitlines()[1]
    shown: list[str] = []
    signer = load_folder(folder)
    writer = office.writer(signer)
    secret = Secret(CANARY.encode())
    encrypted = folder_of(office, tmp_path / "locked", CANARY)
    for each in (signer, writer, secret, office.leaf, load_folder(encrypted, lambda: secret)):
        shown += [repr(each), str(each), f"{each}"]
        for protocol in (0, 5):
            with pytest.raises((TypeError, AttributeError, pickle.PicklingError)) as caught:
                pickle.dumps(each, protocol)
            shown.append(str(caught.value))
    (encrypted / SIGNER_KEY).write_bytes((encrypted / SIGNER_KEY).read_bytes().replace(b"M", b"N"))
    (folder / SIGNER_KEY).write_bytes(
        b"-----BEGIN PRIVATE KEY-----\n" + pem.encode() + b"\n-----END PRIVATE KEY-----\n"
    )
    for call in (lambda: load_folder(encrypted, lambda: secret), lambda: load_folder(folder)):
        try:
            call()
        except Error as fault:
            fault.__traceback__ = fault.__traceback__.tb_next  # type: ignore[union-attr]  # this test's own frame
            trace = traceback.TracebackException.from_exception(fault, capture_locals=True)
            shown.append("".join(trace.format()))
    with caplog.at_level(logging.DEBUG):
        writer.sign(asset(still("JPEG")), statement())
    out, err = capfd.readouterr()
    text = "\n".join([*shown, caplog.text, out, err])
    for needle in (CANARY, pem[:24], pem[-24:], str(number), f"{number:x}", number.to_bytes(32, "big").hex()):
        assert needle not in text


def test_every_note_and_refusal_has_a_sentence() -> None:
    from waarmerk.provenance.credentials.signing import NOTES

    for language in ("en", "nl"):
        assert wording(language).sections["signing"].keys() >= NOTES


def test_the_list_of_marks_holds_none_of_ours(shared: Path) -> None:
    listed = json.loads((shared / "specs" / "softbinding" / "softbinding-algorithm-list.json").read_text())
    assert "org.waarmerk" not in json.dumps(listed)


def test_keys_written_are_plain_pkcs8(office: Desk, tmp_path: Path) -> None:
    folder = folder_of(office, tmp_path / "keys")
    key = serialization.load_pem_private_key((folder / SIGNER_KEY).read_bytes(), None)
    assert key.public_key() == office.leaf.certificate.public_key()
