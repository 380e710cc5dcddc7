# SPDX-License-Identifier: Apache-2.0
"""``keys init`` and ``keys lint`` as a user runs them."""

import hashlib
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tests.conftest import ROOT, Run

CANARY = "zin-canary-81d3"
INIT = ("keys", "init", "--organisation", "Campagne Delta")


def digest_of(root: Path) -> str:
    (certificate,) = x509.load_pem_x509_certificates(root.read_bytes())
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def test_keys_are_made_explained_and_kept_to_their_owner(waarmerk: Run, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    done = waarmerk(*INIT, "--folder", folder, "--no-passphrase", "--no-trust")
    assert done.returncode == 0, done.stderr
    assert digest_of(folder / "root.pem") in done.stdout
    assert "makes nobody official" in done.stdout
    assert "not encrypted" in done.stdout
    assert "not in your trust store" in done.stdout
    assert not (tmp_path / "data" / "waarmerk" / "trust").exists()
    about = (folder / "ABOUT-THIS-ROOT.md").read_text("utf-8")
    for text in (digest_of(folder / "root.pem"), "Campagne Delta", "What it does not prove", "Wat het niet bewijst"):
        assert text in about
    assert {path.name for path in folder.glob("*.key")} == {"root.key", "intermediate.key", "signer.key"}
    for path in folder.glob("*.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    again = waarmerk(*INIT, "--folder", folder, "--no-passphrase", "--no-trust")
    assert again.returncode == 2
    assert "never overwritten" in again.stderr
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_root_goes_into_the_trust_store_where_asked(waarmerk: Run, tmp_path: Path) -> None:
    done = waarmerk(*INIT, "--no-passphrase", "--yes", "--lang", "nl")
    assert done.returncode == 0, done.stderr
    store = tmp_path / "data" / "waarmerk" / "trust"
    (held,) = store.glob("user-*.pem")
    assert held.read_bytes() == (tmp_path / "data" / "waarmerk" / "keys" / "root.pem").read_bytes()
    listed = waarmerk("trust", "list", "--lang", "nl")
    assert f"user:{held.name}" in listed.stdout
    assert "officieel" in done.stdout


def test_nobody_is_there_to_be_asked(waarmerk: Run, tmp_path: Path) -> None:
    for arguments in (("keys", "init", "--no-passphrase"), INIT):
        done = waarmerk(*arguments, "--folder", tmp_path / "keys")
        assert done.returncode == 2
        assert "nobody to ask" in done.stderr
    assert not (tmp_path / "keys").exists()
    assert not list(tmp_path.glob(".waarmerk-keys-*"))


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x1b[2Jb"])
def test_a_name_that_cannot_stand(waarmerk: Run, tmp_path: Path, name: str) -> None:
    done = waarmerk("keys", "init", "--organisation", name, "--folder", tmp_path / "k", "--no-passphrase", "--no-trust")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert not (tmp_path / "k").exists()


def with_descriptor(tmp_path: Path, text: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    try:
        return subprocess.run(
            [sys.executable, "-m", "waarmerk.cli", *map(str, arguments), "--passphrase-fd", str(reading)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            pass_fds=(reading,),
            env={"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)},
        )
    finally:
        os.close(reading)


def test_a_passphrase_from_a_descriptor_opens_what_it_closed(tmp_path: Path) -> None:
    made = with_descriptor(tmp_path, CANARY + "\n", *INIT, "--folder", tmp_path / "keys", "--yes")
    assert made.returncode == 0, made.stderr
    assert b"ENCRYPTED" in (tmp_path / "keys" / "signer.key").read_bytes()
    sign = (
        "sign",
        ROOT / "samples" / "media" / "stripped.jpg",
        tmp_path / "out.jpg",
        "--key-folder",
        tmp_path / "keys",
    )
    wrong = with_descriptor(tmp_path, "wrong-" + CANARY, *sign)
    assert wrong.returncode == 2
    assert not (tmp_path / "out.jpg").exists()
    right = with_descriptor(tmp_path, CANARY, *sign)
    assert right.returncode == 0, right.stderr
    for done in (made, wrong, right):
        assert CANARY not in done.stdout + done.stderr


def test_a_person_is_asked_on_a_terminal(tmp_path: Path) -> None:
    """The passphrase is typed twice and never shown; then the trust store is asked about."""
    master, slave = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "waarmerk.cli", "keys", "init", "--folder", str(tmp_path / "keys")],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        env={"PATH": "/usr/bin:/bin", "XDG_DATA_HOME": str(tmp_path / "data"), "HOME": str(tmp_path)},
    )
    os.close(slave)
    shown, answers = b"", [(b"organisation", b"Delta"), (b"Passphrase", CANARY.encode()), (b"again", CANARY.encode())]
    answers.append((b"trust store", b"y"))
    deadline = time.monotonic() + 30
    while child.poll() is None and time.monotonic() < deadline:
        if select.select([master], [], [], 0.1)[0]:
            try:
                shown += os.read(master, 4096)
            except OSError:
                break
            if answers and answers[0][0] in shown.rsplit(b"\n", 1)[-1]:
                os.write(master, answers.pop(0)[1] + b"\n")
    assert child.wait(10) == 0, shown
    os.close(master)
    assert CANARY.encode() not in shown
    assert b"ENCRYPTED" in (tmp_path / "keys" / "root.key").read_bytes()
    assert list((tmp_path / "data" / "waarmerk" / "trust").glob("user-*.pem"))


def test_the_linter_says_why_in_words(waarmerk: Run, tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    waarmerk(*INIT, "--folder", folder, "--no-passphrase", "--no-trust")
    good = waarmerk("keys", "lint", folder / "signer.pem")
    assert good.returncode == 0, good.stdout
    assert "can sign credentials" in good.stdout
    bad = waarmerk("keys", "lint", folder / "root.pem", "--lang", "nl")
    assert bad.returncode == 1
    for code in ("ca", "leaf-alone", "long-life", "no-purpose", "no-digital-signature", "signs-certificates"):
        assert f"[certificate.{code}]" in bad.stdout
    ended = waarmerk("keys", "lint", folder / "signer.pem", "--at", "2030-01-01T00:00:00Z")
    assert ended.returncode == 1
    assert "[certificate.expired]" in ended.stdout
    none = waarmerk("keys", "lint", folder / "ABOUT-THIS-ROOT.md", folder / "root.pem")
    assert none.returncode == 3  # the worst of what could not be read and what was refused
    assert waarmerk("keys", "lint", tmp_path / "absent.pem").returncode == 3
