# SPDX-License-Identifier: Apache-2.0
"""The second engine: how it is read, that it never raises a result, and that it opens no socket and writes no file."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT, Run
from waarmerk.provenance.credentials import CredentialReader, SecondEngine, WithSecondOpinion, findings
from waarmerk.provenance.credentials.second import MAX_BYTES, Opinion, agrees, opinion_of, weaker
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.model import Asset, Credential, CredentialState, Integrity, Signer, SignerStatus
from waarmerk.provenance.sources.credentials import assurance_of

pytest.importorskip("encypher_c2pa")
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
ENGINE = "other 1"


def answer(integrity: str, *codes: str, present: bool = True, binding: str = "match") -> dict[str, Any]:
    results = {"failure": [{"code": code} for code in codes]}
    return {"present": present, "integrity": integrity, "hard_binding": binding, "validation_results": results}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (answer("valid"), Integrity.INTACT),
        (answer("invalid", "assertion.dataHash.mismatch"), Integrity.ALTERED),
        (answer("invalid", "signingCredential.invalid", binding="mismatch"), Integrity.ALTERED),
        (answer("invalid", "claimSignature.mismatch", "claim.malformed"), Integrity.ALTERED),
        (answer("invalid", "assertion.action.malformed"), Integrity.MALFORMED),
        (answer("invalid"), Integrity.MALFORMED),
        (answer("invalid", "general.error"), Integrity.UNCHECKED),
        (answer("invalid", "manifest.inaccessible"), Integrity.UNCHECKED),
        (answer("unknown"), Integrity.UNCHECKED),
        (answer("invalid", present=False), Integrity.UNCHECKED),
        (answer("valid", present=False), Integrity.UNCHECKED),
    ],
)
def test_an_answer_is_read_by_presence_first(document: dict[str, Any], expected: Integrity) -> None:
    found = opinion_of(document)
    assert found == Opinion(is_present=document["present"], integrity=expected)


@pytest.mark.parametrize("nonsense", [None, [], {}, {"present": "yes"}, {"integrity": "valid"}, 7])
def test_an_answer_of_no_known_form_is_no_opinion(nonsense: Any) -> None:
    assert opinion_of(nonsense) is None


def credentials() -> list[Credential]:
    signer = Signer(status=SignerStatus.USER, list="user:user.pem", name="A", verified_name=True)
    read = [
        Credential(
            state=CredentialState.EMBEDDED, integrity=each, signer=signer if each is Integrity.INTACT else Signer()
        )
        for each in Integrity
    ]
    return [*read, *(Credential(state=each) for each in CredentialState if each is not CredentialState.EMBEDDED)]


OPINIONS = [
    None,
    Opinion(is_present=False, integrity=Integrity.UNCHECKED),
    *(Opinion(is_present=True, integrity=i) for i in Integrity),
]


@pytest.mark.parametrize(("credential", "opinion"), list(product(credentials(), OPINIONS)))
def test_an_opinion_never_raises_a_result(credential: Credential, opinion: Opinion | None) -> None:
    found = weaker(credential, opinion, engine=ENGINE)
    assert assurance_of(found) <= assurance_of(credential)
    assert found.integrity in (credential.integrity, getattr(opinion, "integrity", None))
    assert found.integrity is not Integrity.INTACT or credential.integrity is Integrity.INTACT
    assert set(credential.concerns) <= set(found.concerns)
    told = {finding.code for finding in found.concerns}
    if opinion is None:
        assert found.second_opinion is None
        assert findings.ENGINES_DISAGREE not in told
    else:
        assert found.second_opinion is not None
        assert found.second_opinion.agrees is agrees(credential, opinion)
        assert (findings.ENGINES_DISAGREE in told) is not found.second_opinion.agrees
        assert found.second_opinion.agrees or found.integrity is not Integrity.INTACT
        if found.second_opinion.agrees:
            assert found.integrity is credential.integrity


def test_both_engines_on_own_files(kit: Any, root: Any, desk: Any, stored: Any) -> None:
    first = CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    reader = WithSecondOpinion(first, SecondEngine(at=kit.NOW))
    signed = kit.sign(kit.jpeg(), desk, kit.created())
    found = reader.read(kit.asset_of(signed))
    assert (found.integrity, found.signer.status) == (Integrity.INTACT, SignerStatus.USER)
    assert found.second_opinion is not None
    assert found.second_opinion.agrees
    assert found.second_opinion.engine.startswith("encypher-c2pa ")
    found = reader.read(kit.asset_of(kit.tampered(signed)))
    assert found.integrity is Integrity.ALTERED
    assert found.second_opinion is not None
    assert found.second_opinion.agrees
    found = reader.read(kit.asset_of(kit.jpeg()))
    assert found.state is CredentialState.NONE
    assert found.second_opinion is not None
    assert found.second_opinion.agrees


def test_no_opinion_on_what_it_cannot_read(kit: Any) -> None:
    engine = SecondEngine(at=AT)
    assert engine.examine(kit.asset_of(kit.jpeg(), "image/bmp")) is None
    huge = Asset(name=None, sha256="0" * 64, bytes=MAX_BYTES + 1, media_type="video/mp4", open=lambda: 1 / 0)  # type: ignore[arg-type]
    assert engine.examine(huge) is None


def test_a_panic_of_the_native_side_is_no_opinion(kit: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import encypher_c2pa

    class PanicException(BaseException):
        """As PyO3 raises it: no Exception."""

    def panic(*_: object) -> str:
        raise PanicException

    monkeypatch.setattr(encypher_c2pa, "verify_bytes", panic)
    assert SecondEngine(at=AT).examine(kit.asset_of(kit.jpeg())) is None
    monkeypatch.setattr(encypher_c2pa, "verify_bytes", lambda *_: "{")
    assert SecondEngine(at=AT).examine(kit.asset_of(kit.jpeg())) is None


def test_without_the_engine_asking_for_it_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "encypher_c2pa", None)
    with pytest.raises(ConfigurationError, match="second-opinion") as caught:
        SecondEngine(at=AT)
    assert caught.value.code == "engines.not-installed"


def test_the_command(waarmerk: Run, tmp_path: Path) -> None:
    import json

    samples = ROOT / "samples"
    arguments = ("--trust", samples / "trust", "--at", "2026-11-21T12:00:00Z", "--format", "json")
    files = (samples / "media" / "tampered.jpg", samples / "media" / "camera-capture.jpg")
    without = json.loads(waarmerk("verify", *files, *arguments).stdout)
    done = waarmerk("verify", *files, *arguments, "--second-opinion")
    reports = json.loads(done.stdout)
    assert [each["credentials"].pop("second_opinion")["agrees"] for each in reports] == [True, True]
    assert [each["credentials"].pop("second_opinion") for each in without] == [None, None]
    assert reports == without
    assert not (tmp_path / ".config").exists(), "no choice of telemetry is written into anybody's home"


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_socket_and_no_file_written_whatever_the_environment_says(tmp_path: Path, kit: Any, desk: Any) -> None:
    asset = tmp_path / "a.jpg"
    asset.write_bytes(kit.sign(kit.jpeg(), desk, kit.created()))
    code = (
        "import sys, pathlib\n"
        "from datetime import datetime, UTC\n"
        "from waarmerk.provenance.credentials import SecondEngine\n"
        "from waarmerk.provenance.media.limits import Limits\n"
        "from waarmerk.provenance.media.open import open_asset\n"
        "found = SecondEngine(at=datetime.now(UTC)).examine(open_asset(pathlib.Path(sys.argv[1]), limits=Limits()))\n"
        "print(found.integrity)"
    )
    log, home = tmp_path / "calls", tmp_path / "home"
    home.mkdir()
    environment = {
        **os.environ,
        "HOME": str(home),
        "ENCYPHER_C2PA_ONLINE": "on",
        "ENCYPHER_C2PA_TELEMETRY": "on",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = ["strace", "-f", "-qq", "-e", "trace=%network,openat,mkdir,rename", "-o", str(log)]
    try:
        done = subprocess.run(
            [*command, sys.executable, "-c", code, str(asset)],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            timeout=120,
        )
    except OSError as error:
        pytest.skip(f"strace cannot run here: {error}")
    lines = log.read_text("utf-8").splitlines() if log.exists() else pytest.skip("strace may not trace here")
    assert done.stdout.strip() == "intact"
    assert [line for line in lines if "socket(" in line or "connect(" in line] == []
    assert [line for line in lines if "O_WRONLY" in line or "O_RDWR" in line or "mkdir(" in line] == []
    assert list(home.iterdir()) == []
