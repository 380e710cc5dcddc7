# SPDX-License-Identifier: Apache-2.0
"""No network, ever: a listening canary, system calls under strace, an empty network namespace."""

import json
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import ROOT, Run
from waarmerk.watermark import Key

SAMPLES = ROOT / "samples" / "media"
TRUST = ROOT / "samples" / "trust"
CLOCK = ("--at", "2026-11-21T12:00:00Z")
SVG = "http://www.w3.org/2000/svg"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/></rdf:RDF></x:xmpmeta>'
)


# As strace writes them: a pair of this machine, and what is said over it; nothing is bound, connected or addressed.
# What a call of a killed process would have answered is never written; what it was given always is.
UNADDRESSED = re.compile(
    r"socketpair\(AF_UNIX, .*|getsockname\(\d+, (\{sa_family=AF_UNIX\}| <unfinished).*|getsockopt\(\d+, SOL_SOCKET, .*"
    r"|sendmsg\(\d+, \{msg_name=NULL, .*|sendto\(.*, NULL, 0\) .*|recvmsg\(.*"
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


def lures(folder: Path, url: str) -> list[Path]:
    """Files of every kind that names another place: whoever follows calls there."""
    clip = (SAMPLES / "clip.mp4").read_bytes()
    texts = {
        "list.mp4": f"ffconcat version 1.0\nfile '{url}'\n",
        "stream.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
        "session.mp4": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
        "manifest.mp4": f'<?xml version="1.0"?><MPD><BaseURL>{url}</BaseURL></MPD>',
        "entity.svg": f'<!DOCTYPE svg SYSTEM "{url}"><svg xmlns="{SVG}"><text>&a;</text></svg>',
        "image.svg": f'<?xml-stylesheet href="{url}"?><svg xmlns="{SVG}"><image href="{url}"/></svg>',
        "link.pdf": f"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/URI/URI({url})>>>>endobj\ntrailer<</Root 1 0 R>>",
    }
    made = {name: text.encode() for name, text in texts.items()}
    made["elsewhere.mp4"] = elsewhere(clip, url)
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [folder / name for name in made]


def elsewhere(clip: bytes, url: str) -> bytes:
    """The MP4 whose frames lie at ``url``, as its data reference says (ISO/IEC 14496-12, 8.7.2); moov comes last."""
    own = b"\0\0\0\x0curl \0\0\0\1"
    at = clip.index(own, clip.index(b"dref"))
    there = struct.pack(">I4sI", 12 + len(url) + 1, b"url ", 0) + url.encode() + b"\0"
    made = bytearray(clip[:at] + there + clip[at + len(own) :])
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = made.rindex(name, 0, at) - 4
        (size,) = struct.unpack_from(">I", made, start)
        struct.pack_into(">I", made, start, size + len(there) - len(own))
    return bytes(made)


def test_no_kind_of_file_is_followed_to_another_place(tmp_path: Path, canary: Canary, waarmerk: Run) -> None:
    Key.generate("ai").save(tmp_path / "ai.key")
    made = lures(tmp_path, canary.url)
    done = waarmerk("verify", "--key", tmp_path / "ai.key", *made, *CLOCK, "--format", "json", "--fail-on", "")
    assert len(json.loads(done.stdout)) == len(made)
    assert canary.calls == 0


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_no_system_call_asks_for_a_socket(tmp_path: Path, lure: Path, canary: Canary) -> None:
    log = tmp_path / "calls"
    log.mkdir()
    files = [str(SAMPLES), str(lure), *map(str, lures(tmp_path, canary.url))]
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "-q", "--trust", str(TRUST), *files]
    # A log a process: in one log for all, a call that another process interrupts is written in two halves.
    traced = ["strace", "-ff", "-qq", "-e", "trace=%network", "-o", str(log / "of"), *command]
    try:
        subprocess.run(traced, capture_output=True, check=False, timeout=120)
    except OSError as error:
        pytest.skip(f"strace cannot run here: {error}")
    lines = [line for each in log.iterdir() for line in each.read_text("utf-8").splitlines()]
    if not lines:
        pytest.skip("strace may not trace here")
    calls = [line for line in lines if not line.startswith(("---", "+++"))]
    assert calls, "the lines between a pool and its workers are pairs of sockets that have no address"
    assert [call for call in calls if UNADDRESSED.fullmatch(call) is None] == []


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
