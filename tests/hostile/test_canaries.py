# SPDX-License-Identifier: Apache-2.0
"""Secrets and text of files stay where they belong: canaries in keys, tokens and pictures (P16, P17)."""

import base64
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from tests.serving import Service, pictures, tenant
from waarmerk.watermark import Key

HOSTILE = "\x1b]0;owned\x07 \u202egnp.exe \u2028 \x9b31m \u200b <script>alert(1)</script> =cmd() CANARY-IN-A-TITLE"
CONTROLS = [chr(c) for c in (*range(0x20), *range(0x7F, 0xA0)) if c not in (0x0A, 0x0D)] + list(
    "\u202e\u2028\u200b\u2066"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("service")
    made.chmod(0o700)
    return made


@pytest.fixture(scope="module")
def keys(folder: Path) -> dict[str, bytes]:
    """Every secret that the service holds, under the name of its own place."""
    Key.generate(purpose="ai").save(folder / "public.key")
    Key.generate(purpose="ai").save(folder / "own.key")
    return {}


@pytest.fixture(scope="module")
def header(folder: Path, keys: dict[str, bytes]) -> dict[str, str]:
    return tenant(folder, "north", "verify", "admin", options=("--key", str(folder / "own.key")))


@pytest.fixture(scope="module")
def service(folder: Path, header: dict[str, str]) -> Iterator[Service]:
    with Service(folder, ("--jobs", "1", "--key", str(folder / "public.key"))) as running:
        yield running


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    texts = PngImagePlugin.PngInfo()
    for name in ("Title", "Software", "parameters", "Description"):
        texts.add_itxt(name, HOSTILE)
    path = tmp_path_factory.mktemp("hostile") / "hostile.png"
    Image.linear_gradient("L").save(path, pnginfo=texts)
    return path.read_bytes()


def forms(secret: bytes) -> list[bytes]:
    """A secret as it is, and as it would be written."""
    return [secret, secret.hex().encode(), base64.b64encode(secret), base64.urlsafe_b64encode(secret).rstrip(b"=")]


def test_no_secret_leaves_its_place(
    service: Service, folder: Path, header: dict[str, str], hostile: bytes, keys: dict[str, bytes]
) -> None:
    token = header["Authorization"].removeprefix("Bearer ")
    answers = [
        service.ask("POST", "/v1/verify", hostile, header),
        service.ask("POST", "/v1/verify", b"no picture at all", header),
        service.ask("POST", "/v1/jobs", pictures()[0].read_bytes(), header),
        service.ask("POST", "/v1/verify?at=" + token, b"x", header),
        service.ask("GET", "/" + token, None, header),
        service.ask("GET", "/livez", None, {"Authorization": "Bearer wm_" + token[3:15] + "_" + "A" * 43}),
        service.ask("GET", "/metrics", None, header),
        service.ask("GET", "/readyz", None, header),
        service.ask("GET", "/openapi.json"),
    ]
    assert [each.status for each in answers] == [200, 200, 202, 422, 404, 401, 200, 200, 200]
    secrets = {
        "a key of a tenant": [token.split("_", 2)[2].encode()],
        "the secret of the service": forms((folder / "secret").read_bytes()),
        "the key of the log": forms((folder / "audit" / "audit.key").read_bytes()),
    }
    for name in ("public.key", "own.key"):
        held = (folder / name).read_bytes()
        inner = [part for part in held.replace(b'"', b" ").replace(b"=", b" ").split() if len(part) >= 40]
        assert inner, "the key file has a secret in it"
        secrets[name] = inner
    own = {"secret", "audit.key", "public.key", "own.key"}
    places = {f"answer {number}": each.body + repr(each.headers).encode() for number, each in enumerate(answers)}
    del places["answer 4"]  # tells the path that was asked for, which was the token
    places["answer 4, but for the path"] = answers[4].body.replace(b"/" + token.encode(), b"")
    places["the log"] = "".join(service.log).encode()
    places["the command line"] = Path(f"/proc/{service.process.pid}/cmdline").read_bytes()
    places["the environment"] = Path(f"/proc/{service.process.pid}/environ").read_bytes()
    for path in folder.rglob("*"):
        if path.is_file() and path.name not in own:
            places[str(path.relative_to(folder))] = path.read_bytes()
    for secret, written in secrets.items():
        for place, text in places.items():
            assert not any(form in text for form in written), f"{secret} in {place}"
    assert "CANARY" not in "".join(service.log)


def test_a_crash_leaves_no_picture_of_the_memory(service: Service) -> None:
    limits = Path(f"/proc/{service.process.pid}/limits").read_text("ascii")
    line = next(each for each in limits.splitlines() if each.startswith("Max core file size"))
    assert line.split()[4:6] == ["0", "0"]


def dies(folder: Path, command: list[str]) -> tuple[bool, list[Path]]:
    """Abort a command that waits for its input, allowed to leave a core: whether the kernel made one, and files."""
    folder.mkdir()
    unlimited = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=folder,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (unlimited, unlimited)),  # noqa: PLW1509
    ) as process:
        assert process.stdin is not None
        process.stdin.write(b"abort")
        process.stdin.flush()
        time.sleep(1.5)
        process.send_signal(signal.SIGABRT)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -signal.SIGABRT
    assert os.WIFSIGNALED(status)
    return os.WCOREDUMP(status), list(folder.iterdir())


def test_a_command_that_dies_leaves_no_picture_of_its_memory(tmp_path: Path) -> None:
    control = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    if not dies(tmp_path / "control", control)[0]:
        pytest.skip("this machine makes no cores at all")
    command = [sys.executable, "-m", "waarmerk.cli", "verify", "-"]
    assert dies(tmp_path / "command", command) == (False, [])


def test_text_of_a_file_is_harmless_on_every_way_out(service: Service, hostile: bytes, header: dict[str, str]) -> None:
    report = service.ask("POST", "/v1/verify", hostile)
    job = service.ask("POST", "/v1/jobs", hostile, header).json()["id"]
    line = b'{"id": "\\u202e=cmd", "content": "' + base64.b64encode(hostile) + b'"}\n'
    batch = service.ask("POST", "/v1/batches", line, header).json()["results"]
    ways = [report, service.ask("GET", f"/v1/jobs/{job}", None, header), service.ask("GET", batch, None, header)]
    ways.append(service.ask("GET", batch, None, {**header, "Accept": "text/csv"}))
    assert "CANARY" in report.body.decode()
    for number, way in enumerate(ways):
        text = way.body.decode("utf-8")
        assert not [hex(ord(c)) for c in CONTROLS if c in text], number
        assert way.headers["x-content-type-options"] == "nosniff"
        assert "html" not in way.headers["content-type"]
    assert all(not line.startswith(("=", "+", "-", "@")) for line in ways[3].body.decode().splitlines())
    log = "".join(service.log)
    assert not [hex(ord(c)) for c in CONTROLS if c in log]


def test_text_of_a_file_is_harmless_on_the_page(service: Service, hostile: bytes) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="<script>alert(1)</script>\x1b.png"\r\n\r\n'
    body = head + hostile + b"\r\n--b--\r\n"
    answer = service.ask("POST", "/", body, {"Content-Type": "multipart/form-data; boundary=b"})
    text = answer.body.decode("utf-8")
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "CANARY-IN-A-TITLE" in text
    assert "<script>alert" not in text
    assert not [hex(ord(c)) for c in CONTROLS if c in text]
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe-inline" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_of_a_strangers_upload_is_kept(service: Service, folder: Path, header: dict[str, str]) -> None:
    """Not in the database, the spool, the log or a temporary folder: no 32 bytes of what was sent, nor its digest."""
    body = os.urandom(20_000)
    picture = pictures()[0].read_bytes() + body
    answer = service.ask("POST", "/v1/verify", picture)
    digest = answer.json()["asset"]["sha256"]
    for path in folder.rglob("*"):  # the temporary folder of the service is in it: other programs use the common one
        if not path.is_file():
            continue
        held = path.read_bytes()
        assert not [at for at in range(0, len(body) - 32, 32) if body[at : at + 32] in held], path
        assert digest.encode() not in held
        assert bytes.fromhex(digest) not in held
    assert digest not in "".join(service.log)
