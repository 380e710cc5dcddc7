# SPDX-License-Identifier: Apache-2.0
"""Time-stamps (RFC 3161) from an authority on the loopback device: trusted, untrusted, lying, silent."""

import hashlib
import io
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from tests.unit.trust.conftest import SHA256, Issued, der, integer, oid
from waarmerk.provenance.credentials.certificates import OwnAuthority
from waarmerk.provenance.credentials.signing import CredentialWriter, Signed
from waarmerk.provenance.credentials.signing_keys import FileSigner, pem_of
from waarmerk.provenance.credentials.signing_statement import CREATED, GENERATED, Statement, Step, Tool
from waarmerk.provenance.errors import ConfigurationError, SigningError
from waarmerk.provenance.media import asset_from_bytes
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Integrity, SignerStatus, TimeStatus

NOW = datetime.now(UTC).replace(microsecond=0)
TST, SIGNED = "1.2.840.113549.1.9.16.1.4", "1.2.840.113549.1.7.2"


def issued(name: str, by: Issued | None = None) -> Issued:
    """A certificate of the profile that the engine asks of an authority: critical timeStamping, digitalSignature."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Klok"), x509.NameAttribute(NameOID.COMMON_NAME, name)]
    )
    issuer, signer = (subject, key) if by is None else (by.certificate.subject, by.key)
    usage = x509.KeyUsage(by is not None, False, False, False, False, by is None, by is None, False, False)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=99))
        .add_extension(x509.BasicConstraints(ca=by is None, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)  # type: ignore[arg-type]
    )
    if by is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return Issued(builder.sign(signer, hashes.SHA256()), key)  # type: ignore[arg-type]


ROOT = issued("Klok Root")
CLOCK = issued("Klok 1", ROOT)


def children(data: bytes) -> list[tuple[int, bytes]]:
    """The elements of a DER sequence."""
    found, at = [], 0
    while at < len(data):
        size, start = data[at + 1], at + 2
        if size & 0x80:
            start += size & 0x7F
            size = int.from_bytes(data[at + 2 : start])
        found.append((data[at], data[start : start + size]))
        at = start + size
    return found


def answer(request: bytes, *, imprint: bytes | None = None) -> bytes:
    """The TimeStampResp to a TimeStampReq (RFC 3161, section 2.4), with its nonce; over another imprint on demand."""
    ((_, body),) = children(request)
    parts = children(body)
    asked = der(0x30, parts[1][1]) if imprint is None else der(0x30, SHA256, der(0x04, imprint))
    nonce = [der(0x02, value) for tag, value in parts[2:] if tag == 0x02]
    time = der(0x18, datetime.now(UTC).strftime("%Y%m%d%H%M%SZ").encode())
    content = der(0x30, integer(1), oid("1.2.3.4"), asked, integer(7), time, *nonce)
    pinned = der(0x30, der(0x04, hashlib.sha256(CLOCK.der).digest()))
    attributes = [
        der(0x30, oid("1.2.840.113549.1.9.3"), der(0x31, oid(TST))),
        der(0x30, oid("1.2.840.113549.1.9.4"), der(0x31, der(0x04, hashlib.sha256(content).digest()))),
        der(0x30, oid("1.2.840.113549.1.9.16.2.47"), der(0x31, der(0x30, der(0x30, pinned)))),
    ]
    assert isinstance(CLOCK.key, ec.EllipticCurvePrivateKey)
    signature = CLOCK.key.sign(der(0x31, *attributes), ec.ECDSA(hashes.SHA256()))
    name = der(0x30, CLOCK.certificate.issuer.public_bytes(), integer(CLOCK.certificate.serial_number))
    algorithm = der(0x30, oid("1.2.840.10045.4.3.2"))
    signer = der(0x30, integer(1), name, SHA256, der(0xA0, *attributes), algorithm, der(0x04, signature))
    inner = der(0x30, oid(TST), der(0xA0, der(0x04, content)))
    signed = der(0x30, integer(3), der(0x31, SHA256), inner, der(0xA0, CLOCK.der, ROOT.der), der(0x31, signer))
    return der(0x30, der(0x30, integer(0)), der(0x30, oid(SIGNED), der(0xA0, signed)))


Serve = Callable[[Callable[[bytes], bytes]], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start an authority that answers so; its address."""
    servers: list[ThreadingHTTPServer] = []

    def start(reply: Callable[[bytes], bytes]) -> str:
        class Clock(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = reply(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200 if data else 500)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Clock)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}/tsr"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def signed_with(stored: Any, address: str, **files: bytes) -> Signed:
    authority = OwnAuthority.create("Campagne Klok", at=NOW)
    leaf = authority.issue(at=NOW)
    lists = {"user.pem": pem_of((authority.root.certificate,)).encode()}
    lists |= {name.replace("_", "-") + ".pem": pem for name, pem in files.items()}
    writer = CredentialWriter(
        FileSigner(leaf.key, authority.chain_of(leaf)),
        trust=stored(lists),
        at=datetime.now(UTC).replace(microsecond=0),  # before the time-stamp is made, as on the command line
        generator=Tool(name="waarmerk"),
        timestamps=address,
    )
    target = io.BytesIO()
    Image.new("RGB", (32, 24), "teal").save(target, "JPEG")
    content = asset_from_bytes(target.getvalue(), name=None, limits=Limits())
    return writer.sign(content, Statement(steps=(Step(action=CREATED, source_type=GENERATED),)))


def test_a_time_stamp_of_a_listed_authority_is_trusted(stored: Any, serve: Serve) -> None:
    signed = signed_with(stored, serve(answer), C2PA_TSA_TRUST_LIST=ROOT.pem)
    found = signed.credential
    assert found.integrity is Integrity.INTACT
    assert found.signer.status is SignerStatus.USER
    assert found.signer.time_status is TimeStatus.TRUSTED
    assert found.signer.time is not None
    assert abs(datetime.fromisoformat(found.signer.time) - datetime.now(UTC)) < timedelta(minutes=5)


def test_a_time_stamp_of_anybody_is_a_claim(stored: Any, serve: Serve) -> None:
    signed = signed_with(stored, serve(answer))
    assert signed.credential.signer.time_status is TimeStatus.UNTRUSTED
    assert signed.credential.signer.status is SignerStatus.USER


def test_the_authority_learns_a_digest_and_nothing_else(stored: Any, serve: Serve) -> None:
    seen: list[bytes] = []

    def reply(request: bytes) -> bytes:
        seen.append(request)
        return answer(request)

    signed_with(stored, serve(reply))
    (request,) = seen
    assert len(request) < 100


@pytest.mark.parametrize(
    "reply",
    [
        lambda request: b"",
        lambda request: b"no time-stamp",
        lambda request: answer(request)[:-9],
        lambda request: answer(request, imprint=bytes(32)),
    ],
    ids=["silent", "garbage", "cut", "of-something-else"],
)
def test_no_usable_time_stamp_no_signature(stored: Any, serve: Serve, reply: Callable[[bytes], bytes]) -> None:
    with pytest.raises(SigningError) as caught:
        signed_with(stored, serve(reply))
    assert caught.value.code == "signing.timestamp"


def test_an_authority_that_is_away(stored: Any, serve: Serve) -> None:
    with pytest.raises(SigningError) as caught:
        signed_with(stored, "http://127.0.0.1:9/tsr")
    assert caught.value.code == "signing.timestamp"


@pytest.mark.parametrize("address", ["ftp://a/b", "file:///etc/passwd", "http://", "http://a b/", "http://user:p@a/"])
def test_what_is_no_address_is_refused(stored: Any, address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        signed_with(stored, address)
    assert caught.value.code == "signing.timestamp-address"
