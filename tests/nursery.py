# SPDX-License-Identifier: Apache-2.0
"""Commands as a user runs them, each in a process of its own, without loading the libraries anew each time.

One process has loaded what commands load, and nothing more: no engine, no thread of a picture, no settings. For each
command it has a child that is given its arguments, environment, folder and streams and calls what ``python -m
waarmerk.cli`` calls. Arguments, output, exit code and files are those of a process that was started; the start itself
has tests of its own. ``WAARMERK_TEST_PROCESSES=fresh`` starts Python for each command (``make test-slow`` does).
"""

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Self

ROOT = Path(__file__).resolve().parent.parent
FRESH = os.environ.get("WAARMERK_TEST_PROCESSES") == "fresh"
_MOST_BYTES = 1 << 20  # of one request
_SERVES = """
import gc, importlib, json, os, pkgutil, socket, sys
import waarmerk.cli
for module in pkgutil.iter_modules(waarmerk.cli.__path__):
    if module.name != "__main__":
        importlib.import_module("waarmerk.cli." + module.name)
for name in sys.argv[2:]:
    importlib.import_module(name)
from waarmerk.cli.main import main
gc.freeze()  # a child that looks through what is here would copy it page by page

def begin(asked, streams):
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv[:] = [os.path.join(os.path.dirname(waarmerk.cli.__file__), "__main__.py"), *asked["arguments"]]
    main()

def serve(line):
    said, streams, *_ = socket.recv_fds(line, 1 << 20, 3)
    asked = json.loads(said)
    child = os.fork()
    if not child:
        line.close()
        code = 70
        try:
            begin(asked, streams)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except (OSError, ValueError):
                    code = code or 120  # as Python ends where its output does not take the rest
        finally:
            os._exit(code)
    for stream in streams:
        os.close(stream)
    line.send(str(child).encode())
    line.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())

calls = socket.socket(fileno=int(sys.argv[1]))
print("ready", flush=True)
while True:
    call, streams, *_ = socket.recv_fds(calls, 1, 1)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:  # lines that were served
            pass
    except ChildProcessError:
        pass
    if not call:
        break
    if not os.fork():
        calls.close()
        try:
            serve(socket.socket(fileno=streams[0]))
        finally:
            os._exit(0)
    os.close(streams[0])
"""
# What commands load only when they need it; only modules, nothing that they would hold.
_LOADED = (
    *("scipy.fft", "scipy.fftpack", "cv2", "imagehash", "pdqhash", "c2pa", "zoneinfo", "defusedxml.ElementTree"),
    *(f"PIL.{each}ImagePlugin" for each in ("Bmp", "Gif", "Jpeg", "Png", "Ppm")),
    *("PIL.ImageSequence", "cryptography.hazmat.backends.openssl.backend", "importlib.resources.readers", "jinja2"),
    *("alembic.command", "alembic.config", "mako.template", "pygments.lexers"),
    *("sqlalchemy.dialects.sqlite", "sqlalchemy.dialects.postgresql"),
    *(
        f"waarmerk.provenance.{each}"
        for each in ("build", "recovery", "jobs.workbench", "marking.labeller", "marking.clips")
    ),
    *(f"waarmerk.provenance.report.{each}" for each in ("html", "human", "pdf", "search", "view")),
    *("waarmerk.watermark.schemes.ring", "waarmerk.api.app", "waarmerk.api.server"),
)


@dataclass
class Nursery:
    """Runs commands; a context manager. Several threads may ask at once."""

    process: "subprocess.Popen[bytes] | None" = None
    calls: socket.socket | None = None
    turn: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.calls is not None:
            self.calls.close()
            self.process.communicate(timeout=60)

    def run(
        self, arguments: Sequence[str], *, env: Mapping[str, str], cwd: Path | None, data: bytes | None
    ) -> "subprocess.CompletedProcess[bytes]":
        """As ``subprocess.run`` of ``python -m waarmerk.cli`` with its output captured."""
        command = [sys.executable, "-m", "waarmerk.cli", *arguments]
        if FRESH:
            return subprocess.run(
                command, input=data, capture_output=True, timeout=120, check=False, cwd=cwd, env=dict(env)
            )
        asked = {"arguments": list(arguments), "env": dict(env), "cwd": str(cwd or Path.cwd())}
        with _Streams() as streams, self._line() as line:
            line.settimeout(120)
            said = json.dumps(asked).encode()
            assert len(said) < _MOST_BYTES
            socket.send_fds(line, [said], streams.of_child)
            streams.begin(data)
            child = int(line.recv(16))
            try:
                code = int(line.recv(16))
                out, err = streams.read(120)
            except TimeoutError:
                os.kill(child, 9)
                raise
            return subprocess.CompletedProcess(command, code, out, err)

    def _line(self) -> socket.socket:
        """A line of its own to a process that has everything loaded."""
        with self.turn:
            if self.process is None:
                self._start()
            assert self.calls is not None
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                socket.send_fds(self.calls, [b"c"], [theirs.fileno()])
            return ours

    def _start(self) -> None:
        self.calls, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _SERVES, str(theirs.fileno()), *_LOADED],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={"PATH": "/usr/bin:/bin"},
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n", self.process.communicate()[1]


@cache
def at_hand() -> Nursery:
    """The one of this test run; it ends with it."""
    made = Nursery()
    atexit.register(made.__exit__)
    return made


class _Streams:
    """The three streams of a child, and threads that fill and empty them."""

    def __init__(self) -> None:
        self._stdin, self._out, self._err = os.pipe(), os.pipe(), os.pipe()
        self.of_child = [self._stdin[0], self._out[1], self._err[1]]
        self._got: dict[int, bytes] = {}
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        return self

    def begin(self, data: bytes | None) -> None:
        """The child has its ends: let go of them here, write ``data`` and read."""
        for end in self.of_child:
            os.close(end)
        self.of_child = []
        self._threads = [threading.Thread(target=self._write, args=(data or b"",), daemon=True)]
        self._threads += [
            threading.Thread(target=self._read, args=(end[0],), daemon=True) for end in (self._out, self._err)
        ]
        for thread in self._threads:
            thread.start()

    def _write(self, data: bytes) -> None:
        try:
            with os.fdopen(self._stdin[1], "wb") as end:
                end.write(data)
        except BrokenPipeError:
            pass  # it did not read to the end, which is its right

    def _read(self, end: int) -> None:
        with os.fdopen(end, "rb") as stream:
            self._got[end] = stream.read()

    def read(self, seconds: float) -> tuple[bytes, bytes]:
        for thread in self._threads:
            thread.join(seconds)
            if thread.is_alive():
                raise TimeoutError
        return self._got[self._out[0]], self._got[self._err[0]]

    def __exit__(self, *_: object) -> None:
        for end in self.of_child:
            os.close(end)
