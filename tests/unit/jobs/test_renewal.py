# SPDX-License-Identifier: Apache-2.0
"""A process whose children do the work: what becomes of them becomes of it, and nothing of theirs stays."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AT, ROOT
from waarmerk.provenance.build import build_verifier, tool_version
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import Pool, child
from waarmerk.provenance.jobs.frames import receive
from waarmerk.provenance.jobs.line import Line, open_line
from waarmerk.provenance.jobs.renewal import can_be_renewed
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are renewed on Linux only")

# Does what it is told.
PROGRAM = """
import os, signal, time
from waarmerk.provenance.jobs.frames import send
from waarmerk.provenance.jobs.renewal import in_children
prepared = 0
def prepare():
    global prepared
    prepared += 1
def leave_another():
    if os.fork() == 0:
        os.setsid()
        send(held[0].fileno(), {"left": os.getpid()})
        time.sleep(60)
def serve(line):
    held[:] = [line]
    while (task := line.task()) is not None:
        how = task["how"]
        if how.startswith("signal"):
            os.kill(os.getpid(), int(how[6:]))
        if how.startswith("exit"):
            os._exit(int(how[4:]))
        if how == "raise":
            raise ValueError
        if how == "hang up":
            line.close()
            time.sleep(60)
        if how == "stay":
            send(line.fileno(), {"staying": os.getpid()})
            time.sleep(60)
        if how == "leave":
            leave_another()
            time.sleep(60)
        if how == "compute":
            while time.process_time() < 0.5:
                pass
        send(line.fileno(), {"told": [prepared, os.getpid()]})
held = []
in_children(prepare, serve)
"""


class Nursery:
    """The program, and the socket by which it gets lines."""

    def __init__(self) -> None:
        self.lines = list[Line]()
        self.control, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen([sys.executable, "-c", PROGRAM], stdin=theirs, stderr=subprocess.DEVNULL)

    def line(self) -> Line:
        self.lines.append(open_line(self.control))
        return self.lines[-1]

    def ask(self, line: Line, how: str) -> dict[str, Any] | None:
        line.ask({"how": how})
        return receive(line.fileno(), deadline=time.monotonic() + 30)


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    made = Nursery()
    yield made
    made.process.kill()
    made.process.wait()
    for each in (made.control, *made.lines):
        each.close()


def test_each_line_is_a_childs_of_its_own_until_there_is_no_more_to_do(nursery: Nursery) -> None:
    told = []
    for number in range(3):
        line = nursery.line()
        if number:  # in this order: a child that is hung up on ends, and its process with it
            nursery.lines[number - 1].close()
        told += [nursery.ask(line, "do"), nursery.ask(line, "do")]
    nursery.control.close()
    assert nursery.process.wait(30) == 0
    rounds = [each["told"] for each in told if each is not None]
    assert [number for number, _ in rounds] == [1, 1, 2, 2, 3, 3]  # prepared here, taken over there
    assert len({child for _, child in rounds}) == 3


@pytest.mark.parametrize(
    ("how", "code"),
    [
        *((f"signal{number}", -number) for number in (signal.SIGSEGV, signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT)),
        ("exit0", 0),
        ("exit113", 113),
        ("raise", 1),
    ],
)
def test_a_child_that_ends_otherwise_takes_the_process_with_it(nursery: Nursery, how: str, code: int) -> None:
    assert nursery.ask(nursery.line(), how) is None
    assert nursery.process.wait(30) == code


def test_a_child_that_hangs_up_is_noticed_at_once(nursery: Nursery) -> None:
    assert nursery.ask(nursery.line(), "hang up") is None
    nursery.control.close()
    assert nursery.process.wait(30) == 0


def _gone(process: int) -> bool:
    """Not there any more, or dead and not yet taken away."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize("how", ["stay", "leave"])
def test_nothing_of_a_child_lives_on_beside_the_next(nursery: Nursery, how: str) -> None:
    first = nursery.line()
    told = nursery.ask(first, how)
    assert told is not None
    ((_, left),) = told.items()
    assert not _gone(left)
    second = nursery.line()
    assert nursery.ask(second, "do") is not None
    assert _gone(left)
    assert os.read(first.fileno(), 1) == b""  # nobody holds the other end


@pytest.mark.parametrize("how", ["stay", "leave"])
def test_nothing_of_a_child_outlives_the_process(nursery: Nursery, how: str) -> None:
    told = nursery.ask(nursery.line(), how)
    assert told is not None
    ((_, left),) = told.items()
    nursery.process.terminate()
    nursery.process.wait(30)
    assert _gone(left)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_the_process_ends_its_child(nursery: Nursery, by: signal.Signals) -> None:
    told = nursery.ask(nursery.line(), "compute")
    assert told is not None
    served = told["told"][1]
    nursery.process.send_signal(by)
    _, status, usage = os.wait4(nursery.process.pid, 0)
    nursery.process.returncode = os.waitstatus_to_exitcode(status)
    deadline = time.monotonic() + 30
    while not _gone(served) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _gone(served)
    if by is signal.SIGTERM:
        assert usage.ru_utime + usage.ru_stime >= 0.5  # what the child cost is told to whoever counts


# The real worker, that tells which process answered and for whom.
WORKER = """
import os
from waarmerk.provenance.jobs import workbench, worker
plain = workbench.Workbench.perform
def perform(self, verb, file, **rest):
    if verb == "who":
        import numpy
        return [os.getppid(), os.getpid(), os.urandom(8).hex(), float(numpy.random.random())]
    return plain(self, verb, file, **rest)
workbench.Workbench.perform = perform
worker.main()
"""


@pytest.fixture
def two_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "FILES_PER_CHILD", 2)


def test_a_worker_is_renewed_after_its_share(two_each: None) -> None:
    with Pool(Settings().to_json(), command=(sys.executable, "-c", WORKER)) as pool:
        told = [pool.perform("who", Path("/"), at=AT)["answer"] for _ in range(6)]
        (held,) = pool._all
    assert len({parent for parent, *_ in told}) == 1
    children = [process for _, process, *_ in told]
    assert [children.count(each) for each in dict.fromkeys(children)] == [2, 2, 2]
    assert len({chance for *_, chance, _ in told}) == 6
    assert len({drawn for *_, drawn in told}) == 6  # the old global state of numpy too, that a detector may use
    assert held.tasks == 6


@pytest.mark.parametrize("in_loop", [False, True])
def test_lists_that_became_unusable_are_refused_before_the_next_child(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_loop: bool
) -> None:
    monkeypatch.setattr(child, "FILES_PER_CHILD", 1)
    trust = tmp_path / "trust"
    shutil.copytree(ROOT / "samples" / "trust", trust)
    with Pool(Settings(trust=trust).to_json(), command=(sys.executable, "-c", WORKER)) as pool:
        pool.perform("who", Path("/"), at=AT)
        pool.perform("who", Path("/"), at=AT)  # the next child is ready by then, the one after it is not
        (trust / "user.pem").write_text("none")

        def ask() -> None:
            for _ in range(2):
                if in_loop:
                    asyncio.run(pool.attend("verify", Path("/"), at=AT))
                else:
                    pool.perform("verify", Path("/"), at=AT)

        with pytest.raises(ConfigurationError) as refused:
            ask()
    assert refused.value.code == "trust.no-certificates"


def test_reports_of_renewed_workers_are_those_of_the_library(two_each: None) -> None:
    samples = sorted((ROOT / "samples" / "media").iterdir())
    settings = Settings(trust=ROOT / "samples" / "trust")
    verifier = build_verifier(settings, at=AT)
    with Pool(settings.to_json(), command=(sys.executable, "-c", WORKER)) as pool:
        for path in samples[:9]:
            assert pool.verify(path, at=AT) == to_dict(verifier.verify(path), tool_version=tool_version())


WARM = """
import json, sys
from datetime import datetime, UTC
from pathlib import Path
from waarmerk.provenance.jobs.renewal import can_be_renewed
from waarmerk.provenance.jobs.workbench import Workbench
from waarmerk.provenance.settings import Settings
bench = Workbench(Settings.from_json(json.loads(sys.argv[1])))
bench.warm(datetime.now(UTC))
held = [str(each.resolve()) for each in Path("/proc/self/fd").iterdir() if int(each.name) > 2 and each.exists()]
print(can_be_renewed(), [each for each in held if "registry" in each])
"""


def test_what_is_loaded_for_children_starts_no_thread_and_opens_no_database(tmp_path: Path) -> None:
    Key.generate("ai").save(tmp_path / "ai.key")
    registry = tmp_path / "registry.sqlite"
    made = [sys.executable, "-m", "waarmerk.cli", "registry", "add", "--registry", str(registry)]
    subprocess.run([*made, str(ROOT / "samples" / "media" / "camera-capture.jpg")], check=True, capture_output=True)
    settings = Settings(keys=(tmp_path / "ai.key",), registry=str(registry))
    told = subprocess.run(
        [sys.executable, "-c", WARM, json.dumps(settings.to_json())],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # as workers have it
    )
    assert told.stdout.strip() == "True []"


LOADED = """
import json, sys
from datetime import datetime, UTC
from pathlib import Path
import waarmerk.provenance.jobs.worker
from waarmerk.provenance.jobs.workbench import Workbench
from waarmerk.provenance.report.wording import wording
from waarmerk.provenance.settings import Settings
bench = Workbench(Settings.from_json(json.loads(sys.argv[1])))
bench.warm(datetime.now(UTC))
before, read = set(sys.modules), wording.cache_info().misses
for each in sorted(Path(sys.argv[2]).iterdir()):
    bench.perform(verb="verify", file=each, at=datetime.now(UTC), named=True)
print(sorted(set(sys.modules) - before), wording.cache_info().misses - read)
"""


def test_a_child_loads_nothing_that_its_process_could_have_loaded() -> None:
    settings = Settings(trust=ROOT / "samples" / "trust")
    told = subprocess.run(
        [sys.executable, "-c", LOADED, json.dumps(settings.to_json()), str(ROOT / "samples" / "media")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "[] 0"


def test_a_process_with_a_second_thread_is_not_renewed() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not can_be_renewed()
    finally:
        stop.set()
        thread.join()
