# SPDX-License-Identifier: Apache-2.0
"""A key that stays in a device: the interface against a software token (SoftHSM 2), and addresses of tokens."""

import io
import os
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT
from waarmerk.provenance.credentials.certificates import OwnAuthority, key_pem
from waarmerk.provenance.credentials.signing import CredentialWriter
from waarmerk.provenance.credentials.signing_keys import Algorithm, Secret, pem_of
from waarmerk.provenance.credentials.signing_statement import CREATED, GENERATED, Statement, Step, Tool
from waarmerk.provenance.credentials.signing_token import TokenAddress, TokenSigner
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.media import asset_from_bytes
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Integrity, SignerStatus

PIN = "70159-canary"
NOW = datetime.now(UTC).replace(microsecond=0)
MODULES = ("/usr/lib/softhsm/libsofthsm2.so", "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so")


@pytest.mark.parametrize(
    "uri",
    [
        "pkcs11:token=a;object=b",
        "pkcs11:token=a?module-path=/m.so",
        "pkcs11:object=b?module-path=/m.so",
        "pkcs11:token=a;object=b?module-path=/m.so&pin-value=1234",
        "pkcs11:token=a;token=c;object=b?module-path=/m.so",
        "pkcs11:token=a;colour=red;object=b?module-path=/m.so",
    ],
)
def test_an_address_that_is_incomplete_or_holds_a_pin_is_refused(uri: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TokenAddress.parse(uri)
    assert caught.value.code == "signing.token-address"
    assert "1234" not in str(caught.value)


def test_an_address() -> None:
    found = TokenAddress.parse("pkcs11:token=My%20Token;object=desk;id=%01%ff?module-path=/lib/m.so")
    assert found == TokenAddress(module="/lib/m.so", token="My Token", label="desk", key=b"\x01\xff")


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A software token of this test alone; the module's path."""
    pytest.importorskip("pkcs11", reason="the extra pkcs11 is not installed")
    module = next((path for path in MODULES if Path(path).is_file()), None)
    if module is None or shutil.which("softhsm2-util") is None:
        pytest.skip("SoftHSM 2 is not installed (Debian: softhsm2)")
    folder = tmp_path_factory.mktemp("softhsm")
    (folder / "tokens").mkdir()
    configuration = folder / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)
    command = ["softhsm2-util", "--init-token", "--free", "--label", "desk", "--pin", PIN, "--so-pin", "12345678"]
    subprocess.run(command, check=True, capture_output=True)
    yield module
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def chain_in_token(folder: Path, label: str) -> tuple[OwnAuthority, Any]:
    """A leaf whose key is moved into the token, and out of reach here."""
    authority = OwnAuthority.create("Campagne Token", at=NOW)
    leaf = authority.issue(at=NOW)
    path = folder / "key.pem"
    path.write_bytes(key_pem(leaf.key, None).reveal())
    command = [
        "softhsm2-util",
        "--import",
        str(path),
        "--token",
        "desk",
        "--label",
        label,
        "--id",
        label[:1].encode().hex(),
        "--pin",
        PIN,
    ]
    subprocess.run(command, check=True, capture_output=True)
    path.unlink()
    return authority, authority.chain_of(leaf)


def test_a_token_signs(softhsm: str, tmp_path: Path, stored: Any) -> None:
    authority, chain = chain_in_token(tmp_path, "signing")
    trust = stored({"user.pem": pem_of((authority.root.certificate,)).encode()})
    address = TokenAddress.parse(f"pkcs11:token=desk;object=signing?module-path={softhsm}")
    asked = []

    def ask() -> Secret:
        asked.append(1)
        return Secret(PIN.encode())

    target = io.BytesIO()
    Image.new("RGB", (32, 24), "teal").save(target, "JPEG")
    content = asset_from_bytes(target.getvalue(), name=None, limits=Limits())
    with TokenSigner(address, chain, ask) as signer:
        assert signer.algorithm is Algorithm.ES256
        writer = CredentialWriter(signer, trust=trust, at=NOW, generator=Tool(name="waarmerk"))
        signed = writer.sign(content, Statement(steps=(Step(action=CREATED, source_type=GENERATED),)))
        assert PIN not in repr(signer)
    assert signed.credential.integrity is Integrity.INTACT
    assert signed.credential.signer.status is SignerStatus.USER
    assert asked == [1]

    wrong = OwnAuthority.create("Other", at=NOW)
    other = wrong.chain_of(wrong.issue(at=NOW))
    with TokenSigner(address, other, ask) as mismatched, pytest.raises(Exception, match="Signature") as caught:
        CredentialWriter(mismatched, trust=trust, at=NOW, generator=Tool(name="waarmerk")).sign(
            content, Statement(steps=(Step(action=CREATED, source_type=GENERATED),))
        )
    assert caught.value.code == "signing.refused"  # type: ignore[attr-defined]


def test_the_command_signs_with_a_token(softhsm: str, tmp_path: Path) -> None:
    _, chain = chain_in_token(tmp_path, "command")
    (tmp_path / "chain.pem").write_text(pem_of(chain))
    source, target = ROOT / "samples" / "media" / "stripped.jpg", tmp_path / "out.jpg"
    key = f"pkcs11:token=desk;object=command?module-path={softhsm}"
    reading, writing = os.pipe()
    os.write(writing, PIN.encode() + b"\n")
    os.close(writing)
    command = [sys.executable, "-m", "waarmerk.cli", "sign", source, target, "--certificate", tmp_path / "chain.pem"]
    done = subprocess.run(
        [*map(str, command), "--key", key, "--passphrase-fd", str(reading), "--ai", "generated"],
        capture_output=True,
        text=True,
        check=False,
        pass_fds=(reading,),
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SOFTHSM2_CONF": os.environ["SOFTHSM2_CONF"]},
    )
    os.close(reading)
    assert done.returncode == 0, done.stderr
    assert target.is_file()
    assert PIN not in done.stdout + done.stderr


@pytest.mark.parametrize("part", ["token=none;object=signing", "token=desk;object=none", "pin"])
def test_a_token_that_cannot_be_used_says_so_without_the_pin(softhsm: str, part: str) -> None:
    authority = OwnAuthority.create("Campagne Token", at=NOW)
    chain = authority.chain_of(authority.issue(at=NOW))
    where = "token=desk;object=signing" if part == "pin" else part
    pin = f"{PIN}-wrong" if part == "pin" else PIN
    with pytest.raises(ConfigurationError) as caught:
        TokenSigner(TokenAddress.parse(f"pkcs11:{where}?module-path={softhsm}"), chain, lambda: Secret(pin.encode()))
    assert caught.value.code == "signing.token"
    caught.value.__traceback__ = caught.value.__traceback__.tb_next  # type: ignore[union-attr]  # this test's frame
    trace = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert PIN not in "".join(trace.format())


def test_a_module_that_is_none(softhsm: str) -> None:
    authority = OwnAuthority.create("Campagne Token", at=NOW)
    chain = authority.chain_of(authority.issue(at=NOW))
    with pytest.raises(ConfigurationError) as caught:
        TokenSigner(TokenAddress(module="/none.so", token="a", label="b"), chain, lambda: Secret(b""))
    assert caught.value.code == "signing.token"
