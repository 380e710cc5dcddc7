# SPDX-License-Identifier: Apache-2.0
"""No network, ever: a listening canary, system calls under strace, an empty network namespace."""

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, Run

SAMPLES = ROOT / "samples" / "media"
TRUST = ROOT / "samples" / "trust"
CLOCK = ("--at", "2026-11-21T12:00:00Z")
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/></rdf:RDF></x:xmpmeta>'
)


class Canary:
    """A socket on this machine that counts who calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/manifest.c2pa"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    made = Canary()
    yield made
    made.close()


@pytest.fixture
def lure(tmp_path: Path, canary: Canary) -> Path:
    path = tmp_path / "lure.jpg"
    Image.linear_gradient("L").save(path, xmp=XMP.format(url=canary.url).encode())
    return path


@pytest.fixture
def namespace() -> list[str]:
    """The prefix that runs a command without any network."""
    command = ["unshare", "-rn"]
    if (
        shutil.which("unshare") is None
        or subprocess.run([*command, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip("no network namespace can be made here")
    return command


def test_the_canary_sings_for_a_reader_with_default_settings(lure: Path, canary: Canary) -> None:
    import c2pa

    with lure.open("rb") as stream, pytest.raises(c2pa.C2paError):
        c2pa.Reader("image/jpeg", stream)
    assert canary.calls > 0


def test_a_remote_manifest_is_named_and_not_fetched(waarmerk: Run, lure: Path, canary: Canary) -> None:
    done = waarmerk("verify", lure, *CLOCK, "--format", "json")
    (report,) = json.loads(done.stdout)
    assert report["credentials"]["state"] == "remote"
    assert report["credentials"]["remote_url"] == canary.url
    assert report["verdict"]["origin"] == "unknown"
    assert canary.calls == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_system_call_asks_for_a_socket(tmp_path: Path, lure: Path) -> None:
    log = tmp_path / "calls"
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "-q", "--trust", str(TRUST), str(SAMPLES), str(lure)]
    traced = ["strace", "-f", "-qq", "-e", "trace=%network", "-o", str(log), *command]
    try:
        subprocess.run(traced, capture_output=True, check=False, timeout=120)
    except OSError as error:
        pytest.skip(f"strace cannot run here: {error}")
    lines = log.read_text("utf-8").splitlines() if log.exists() else pytest.skip("strace may not trace here")
    assert [line for line in lines if "(" in line and "SIG" not in line] == []


def test_without_a_network_the_reports_are_the_same_bytes(lure: Path, namespace: list[str]) -> None:
    command = [sys.executable, "-m", "waarmerk.cli", "verify", *CLOCK, "--format", "json", "--trust", str(TRUST)]
    command += [str(SAMPLES), str(lure)]
    runs = [subprocess.run([*prefix, *command], capture_output=True, check=False) for prefix in ([], namespace)]
    assert runs[0].stdout == runs[1].stdout
    assert len(json.loads(runs[0].stdout)) > 8


@pytest.mark.slow
def test_the_corpus_in_an_empty_network_namespace_gives_the_same_bytes(shared: Path, namespace: list[str]) -> None:
    command = [sys.executable, "-m", "waarmerk.cli", "verify", *CLOCK, "--format", "json"]
    command += ["--trust", str(shared / "trust"), str(shared / "corpus" / "c2pa")]
    runs = [subprocess.run([*prefix, *command], capture_output=True, check=False) for prefix in ([], namespace)]
    assert runs[0].stdout == runs[1].stdout
    assert len(json.loads(runs[0].stdout)) > 100
