# SPDX-License-Identifier: Apache-2.0
"""The service as an operator starts it: a process of its own, on a free port, with a folder of its own."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.conftest import ROOT
from tests.nursery import at_hand

SAMPLE = ROOT / "samples" / "media"
_LISTENS = re.compile(r"listening on http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Service:
    """One ``waarmerk serve``; a context manager. ``log`` grows with each line on standard error."""

    folder: Path
    options: tuple[str, ...] = ()
    log: list[str] = field(default_factory=list)
    port: int = 0

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "waarmerk.cli", "serve", "--port", "0", "--data", str(self.folder)]
        temporary = self.folder / "tmp"
        temporary.mkdir(exist_ok=True)
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "XDG_DATA_HOME": str(self.folder / "xdg")}
        environment["TMPDIR"] = str(temporary)
        self.process = subprocess.Popen(
            [*command, *self.options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=self.folder
        )
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(120), "".join(self.log)
        return self

    def _read(self) -> None:
        assert self.process.stderr is not None
        for raw in self.process.stderr:
            line = raw.decode("utf-8", "replace")
            self.log.append(line)
            if found := _LISTENS.search(line):
                self.port = int(found[1])
                self._ready.set()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end(signal.SIGKILL)

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(120)
        self._reader.join(30)
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            got = connection.getresponse()
            return Answer(got.status, {name.lower(): value for name, value in got.getheaders()}, got.read())
        finally:
            connection.close()

    def resident_bytes(self) -> int:
        """Memory of the serving process itself, not of its workers."""
        status = Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]


def answer(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            parts.append(part)
    return b"".join(parts)


def tenant(folder: Path, name: str, *scopes: str, options: tuple[str, ...] = ()) -> dict[str, str]:
    """A new tenant of the service in ``folder``, and the header of its key."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "XDG_DATA_HOME": str(folder / "xdg")}

    def run(*arguments: str) -> str:
        done = at_hand().run(["tenant", *arguments, "--data", str(folder)], env=environment, cwd=None, data=None)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode().strip()

    run("add", name, *options)
    made = run("key", name, *(each for scope in scopes for each in ("--scope", scope)))
    return {"Authorization": f"Bearer {made}"}


def pictures() -> list[Path]:
    """Small real files to send."""
    found = sorted(path for path in SAMPLE.iterdir() if path.suffix in (".jpg", ".png") and path.stat().st_size < 10**6)
    assert len(found) >= 2
    return found
