# SPDX-License-Identifier: Apache-2.0
"""A process whose children do the work: what becomes of them becomes of it, and nothing of theirs stays."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import AT, ROOT
from waarmerk.provenance.build import build_verifier, tool_version
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.jobs.renewal import can_be_renewed
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are renewed on Linux only")

# Does as many rounds as it is told, then what it is told.
PROGRAM = """
import os, signal, sys, time
from waarmerk.provenance.jobs.renewal import in_children
rounds, how = int(sys.argv[1]), sys.argv[2]
prepared = 0
def prepare():
    global prepared
    prepared += 1
def serve():
    print(prepared, os.getpid(), flush=True)
    if prepared <= rounds:
        return True
    if how.startswith("signal"):
        os.kill(os.getpid(), int(how[6:]))
    if how.startswith("exit"):
        os._exit(int(how[4:]))
    if how == "raise":
        raise ValueError
    if how == "hang":
        while time.process_time() < 0.5:
            pass
        print("busy enough", flush=True)
        time.sleep(60)
    return False
in_children(prepare, serve)
"""


def ended(rounds: int, how: str) -> tuple[int, list[list[int]]]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(rounds), how], capture_output=True, text=True, check=False
    )
    return done.returncode, [[int(each) for each in line.split()] for line in done.stdout.splitlines()]


def test_each_round_is_a_child_of_its_own_until_there_is_no_more_to_do() -> None:
    code, rounds = ended(3, "close")
    assert code == 0
    assert [number for number, _ in rounds] == [1, 2, 3, 4]  # prepared here, taken over there
    assert len({child for _, child in rounds}) == 4


@pytest.mark.parametrize(
    ("how", "code"),
    [
        *((f"signal{number}", -number) for number in (signal.SIGSEGV, signal.SIGXCPU, signal.SIGKILL, signal.SIGABRT)),
        ("exit0", 0),
        ("exit7", 7),
        ("raise", 1),
    ],
)
def test_a_child_that_ends_otherwise_takes_the_process_with_it(how: str, code: int) -> None:
    assert ended(1, how)[0] == code


def _gone(process: int) -> bool:
    """Not there any more, or dead and not yet taken away."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
def test_whoever_ends_the_process_ends_its_child(by: signal.Signals) -> None:
    process = subprocess.Popen([sys.executable, "-c", PROGRAM, "0", "hang"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline().split()[1])
    assert process.stdout.readline() == "busy enough\n"
    process.send_signal(by)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    process.stdout.close()
    deadline = time.monotonic() + 30
    while not _gone(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _gone(child)
    if by is signal.SIGTERM:
        assert usage.ru_utime + usage.ru_stime >= 0.5  # what the child cost is told to whoever counts


# The real worker with a share of two, that tells which process answered and for whom.
WORKER = """
import os
from waarmerk.provenance.jobs import workbench, worker
worker.FILES_PER_CHILD = 2
plain = workbench.Workbench.perform
def perform(self, verb, path, **rest):
    if verb == "who":
        return [os.getppid(), os.getpid(), os.urandom(8).hex(), hash("x")]
    return plain(self, verb, path, **rest)
workbench.Workbench.perform = perform
worker.main()
"""


def test_a_worker_is_renewed_after_its_share_and_the_pool_sees_nothing_of_it() -> None:
    with Pool(Settings().to_json(), command=(sys.executable, "-c", WORKER)) as pool:
        told = [pool.perform("who", Path("/"), at=AT)["answer"] for _ in range(6)]
        (held,) = pool._all
    assert len({parent for parent, *_ in told}) == 1
    children = [child for _, child, *_ in told]
    assert [children.count(each) for each in dict.fromkeys(children)] == [2, 2, 2]
    assert len({chance for *_, chance, _ in told}) == 6
    assert held.tasks == 6


def test_reports_of_renewed_workers_are_those_of_the_library() -> None:
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


def test_a_process_with_a_second_thread_is_not_renewed() -> None:
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert not can_be_renewed()
    finally:
        stop.set()
        thread.join()
