# SPDX-License-Identifier: Apache-2.0
"""A file that took over the process that parses it: what it may say of other files, and what it reaches."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import AT, ROOT
from tests.hostile.workers import HELD
from waarmerk.cli.outputs import Csv, Human, Json, _InOrder
from waarmerk.provenance.jobs import Pool, child
from waarmerk.provenance.jobs.answers import document_of, parted
from waarmerk.provenance.jobs.spool import Spooled, nameless_file
from waarmerk.provenance.report.html import Dossier, Run
from waarmerk.provenance.settings import Settings

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="seccomp and /proc exist on Linux only")
SAMPLE = ROOT / "samples" / "media" / "camera-capture.jpg"

# The real worker, but files of certain names do in it what they like.
WORKER = (
    HELD
    + """
import ctypes, json, mmap, os, resource, signal, socket, sys, threading, time
from pathlib import Path
from waarmerk.provenance.jobs.frames import send
FORGED = {"answer": {"forged": True}}
def attempts(path):
    service, process = int(path.parent.name), os.getppid()
    libc, told = ctypes.CDLL(None, use_errno=True), {}
    def attempt(name, act):
        try:
            told[name] = "done" if act() != -1 else "refused"
        except OSError:
            told[name] = "refused"
    for name, other in (("service", service), ("process", process)):
        attempt(f"read {name}", lambda: open(f"/proc/{other}/mem", "rb", 0))
        attempt(f"write {name}", lambda: open(f"/proc/{other}/mem", "r+b", 0))
        attempt(f"files of {name}", lambda: os.readlink(f"/proc/{other}/fd/0"))
        attempt(f"signal {name}", lambda: os.kill(other, 0))
        attempt(f"thread of {name}", lambda: libc.syscall(NUMBERS["tgkill"], other, other, 0))
        attempt(f"queue {name}", lambda: signal.pidfd_send_signal(os.pidfd_open(other), 0))
        attempt(f"bound {name}", lambda: resource.prlimit(other, resource.RLIMIT_NOFILE, (64, 64)))
        attempt(f"slow {name}", lambda: os.setpriority(os.PRIO_PROCESS, other, 19))
    attempt("out of band", lambda: held[0]._end.send(b"x", socket.MSG_OOB))
    attempt("message", lambda: held[0]._end.sendmsg([b"x"]))
    attempt("shared memory", lambda: libc.shmget(0, 4096, 0o1600))
    attempt("outlive", lambda: libc.prctl(1, 0, 0, 0, 0))
    attempt("signal all", lambda: os.kill(0, 0))
    attempt("fork", lambda: os.fork() or os._exit(0))
    attempt("vfork", lambda: libc.vfork() or os._exit(0))
    def tray(how, mode=os.O_RDWR):
        def act():
            there = [each for each in Path("/proc/self/fd").iterdir() if "memfd:waarmerk" in os.readlink(each)]
            assert there, "there is a tray"
            return how(os.open(there[0], mode))
        return act
    attempt("open the tray", tray(os.close))
    attempt("write the tray", tray(lambda fd: mmap.mmap(fd, 4096), os.O_RDONLY))
    attempt("shorten the tray", tray(lambda fd: os.ftruncate(fd, 1), os.O_RDONLY))
    mapped = next(line for line in open("/proc/self/maps") if "memfd:waarmerk" in line)
    first, remove = ctypes.c_void_p(int(mapped.split("-")[0], 16)), 9  # MADV_REMOVE
    attempt("clear the tray", lambda: libc.madvise(first, ctypes.c_size_t(4096), remove))
    victim = str(path.with_suffix(".bin"))
    def change():
        with open(victim, "r+b") as stream:
            mmap.mmap(stream.fileno(), 0)[:4] = b"EVIL"
    attempt("change", change)
    attempt("append", lambda: os.open(victim, os.O_RDONLY | os.O_TRUNC))
    attempt("make", lambda: os.open(victim + ".new", os.O_RDONLY | os.O_CREAT))
    for name, act in (
        ("truncate", lambda: os.truncate(victim, 1)), ("remove", lambda: os.unlink(victim)),
        ("move", lambda: os.rename(victim, victim + ".new")), ("link", lambda: os.link(victim, victim + ".new")),
        ("symlink", lambda: os.symlink(victim, victim + ".new")), ("folder", lambda: os.mkdir(victim + ".new")),
        ("mode", lambda: os.chmod(victim, 0)), ("time", lambda: os.utime(victim, (1, 1))),
        ("own", lambda: os.chown(victim, 1, 1)), ("name", lambda: os.setxattr(victim, "user.x", b"x")),
    ):
        attempt(name, act)
    seen = []
    thread = threading.Thread(target=seen.append, args=(1,))
    thread.start()
    thread.join()
    told["thread"] = seen
    told["self"] = len(open("/proc/self/maps").read()) > 0
    return told
def perform(self, verb, file, **rest):
    path = Path("bytes") if isinstance(file, bytes) else file
    if file == b"what else lies there":
        return held[0]._tray.take(4 * 2**20).rstrip(bytes(1)).decode("latin-1")
    if path.stem == "prefill":
        send(held[0].fileno(), FORGED)
        time.sleep(0.2)  # until that was taken for the answer
        send(held[0].fileno(), FORGED)
        os._exit(113)
    if path.stem == "more":
        send(held[0].fileno(), FORGED)
        time.sleep(0.2)
        return FORGED["answer"]
    if path.stem == "leave":
        os._exit(113)
    if path.stem == "refusal":  # as the process itself says it of settings: on its line, and where that came from
        refusal = {"refused": {"code": "trust.broken", "message": "no"}}
        for number in range(3, 64):
            try:
                send(number, refusal)
            except OSError:
                pass
        os._exit(0)
    if path.stem == "hangup":
        held[0].close()
        time.sleep(60)
    if path.stem == "attempts":
        return attempts(path)
    if path.stem.startswith("forged"):
        told = json.loads(json.dumps(plain(self, verb, Path(SAMPLE), **{**rest, "written": False})))
        report, how = told.get("report", told), path.stem.removeprefix("forged ")
        if how == "dossier":
            told["dossier"]["manifests"] = [{"label": "x"}]
        elif how == "origin":
            report["verdict"]["origin"] = "\\x1b[2J real"
        elif how == "code":
            report["error"] = {"code": "x", "message": 5}
        else:
            report[how] = [5]
        return told
    if path.stem == "who":
        return os.getpid()
    return plain(self, verb, file, **rest)
workbench.Workbench.perform = perform
from waarmerk.provenance.jobs import solitude
import platform
if os.environ.get("LANG") == "without-landlock":
    solitude._enter_landlock = lambda **_: None
NUMBERS = solitude._NUMBERS[platform.machine()][1]
worker.main()
""".replace("SAMPLE", repr(str(SAMPLE)))
)


@pytest.fixture
def pool() -> Iterator[Pool]:
    with Pool(Settings().to_json(), command=(sys.executable, "-c", WORKER)) as made:
        yield made


def told(pool: Pool, name: str, verb: str = "verify") -> dict[str, Any]:
    return pool.perform(verb, Path(name), at=AT)


@pytest.mark.parametrize("how", ["prefill", "more"])
def test_what_one_child_wrote_is_never_the_answer_of_the_next(
    pool: Pool, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "FILES_PER_CHILD", 1)
    assert told(pool, how) == {"answer": {"forged": True}}, "of itself a file may say what it likes"
    for _ in range(2):
        assert pool.verify(SAMPLE, at=AT)["asset"]["bytes"] == SAMPLE.stat().st_size


@pytest.mark.parametrize("how", ["leave", "hangup"])
def test_a_child_that_goes_without_an_answer_is_a_crash_at_once(pool: Pool, how: str) -> None:
    started = pool._started
    assert told(pool, how) == {"fault": "worker.crashed"}
    assert pool._started == started + 2, "tried once more, in a worker that has seen nothing else"
    assert pool.verify(SAMPLE, at=AT)["status"] == "examined"


def test_a_file_that_takes_over_a_fresh_worker_refuses_no_settings(pool: Pool) -> None:
    """It would end the run of which it is a part."""
    paths = [(Path(name), True) for name in ("refusal", "who", "refusal", "who")]
    answers = dict(pool.each("verify", paths, at=AT))
    assert answers[0] == answers[2] == {"fault": "worker.answer"}
    assert isinstance(answers[1]["answer"], int)
    assert isinstance(answers[3]["answer"], int)


@pytest.mark.parametrize("how", ["asset", "error", "labels", "origin", "code", "basis", "another"])
@pytest.mark.parametrize("form", [Json, Csv, Human])
def test_a_report_that_is_none_ends_no_run(pool: Pool, how: str, form: type[_InOrder]) -> None:
    out = StringIO()
    more = {"colour": False, "width": 80} if form is Human else {}
    printer = form(out, "en", **more)
    printer.begin()
    for position, name in enumerate((f"forged {how}", str(SAMPLE))):
        printer.report(position, pool.verify(Path(name), at=AT))
    printer.end()
    assert "worker.answer" in out.getvalue() or form is Human
    assert "camera-capture.jpg" in out.getvalue()
    assert "\x1b" not in out.getvalue()


@pytest.mark.parametrize("how", ["dossier", "verdict"])
def test_what_a_dossier_shows_that_is_none_ends_no_run(pool: Pool, how: str) -> None:
    page = Dossier("en", Run())
    for name in (f"forged {how}", str(SAMPLE)):
        answer, shown = parted(told(pool, name, verb="dossier"))
        page.add(document_of(answer, at=AT, name=Path(name).name), shown)
    assert "camera-capture.jpg" in page.render()


ATTEMPTS = """
import json, os, sys
from datetime import UTC, datetime
from pathlib import Path
from waarmerk.provenance.jobs import Pool, confine
from waarmerk.provenance.settings import Settings
confine.keep_to_itself()
confine_folder = Path(sys.argv[1]) / str(os.getpid())
confine_folder.mkdir()
victim = confine_folder / "attempts.bin"
victim.write_bytes(b"A" * 4096)
with Pool(Settings().to_json(), command=(sys.executable, "-c", sys.stdin.read())) as pool:
    told = pool.perform("verify", confine_folder / "attempts", at=datetime.now(UTC))
print(json.dumps([told, victim.read_bytes() == b"A" * 4096, sorted(each.name for each in confine_folder.iterdir())]))
"""


@pytest.mark.parametrize(
    ("rights", "lang"), [("whatever we have", "C.UTF-8"), ("none", "C.UTF-8"), ("none", "without-landlock")]
)
def test_it_reaches_no_other_process_and_changes_no_file(tmp_path: Path, rights: str, lang: str) -> None:
    prefix: list[str] = []
    if rights == "none":
        if os.getuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("only the superuser has rights to give up")
        prefix = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    done = subprocess.run(
        [*prefix, sys.executable, "-c", ATTEMPTS, str(tmp_path)],
        env={**os.environ, "LANG": lang},
        input=WORKER,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    answer, is_whole, left = json.loads(done.stdout)
    tried = answer["answer"]
    assert (tried.pop("thread"), tried.pop("self")) == ([1], True), "what libraries need is left"
    assert {name for name, how in tried.items() if how != "refused"} == set()
    assert is_whole
    assert left == ["attempts.bin"]


def test_a_file_without_a_name_is_handed_over_to_be_read(pool: Pool) -> None:
    with nameless_file() as (copy, path):
        copy.write(SAMPLE.read_bytes())
        copy.flush()
        assert pool.verify(path, at=AT, named=False) == pool.verify(SAMPLE, at=AT, named=False)


def spooled(data: bytes) -> Spooled:
    copy = Spooled(has_room=lambda: True)
    copy.write(data)
    assert copy.in_memory == data
    return copy


def test_a_small_file_is_handed_over_in_memory_and_is_the_same(pool: Pool) -> None:
    data = SAMPLE.read_bytes()
    plain = pool.verify(SAMPLE, at=AT, named=False)
    for each in (data, data[:-1000], data):
        answer = pool.perform("verify", spooled(each), at=AT, named=False)
        report = document_of(answer, at=AT, name=None)
        assert report["asset"]["bytes"] == len(each)
        assert (report == plain) is (each == data)
    attended = asyncio.run(pool.attend("verify", spooled(data), at=AT, named=False))
    assert document_of(attended, at=AT, name=None) == plain


def test_no_child_finds_in_its_memory_what_was_handed_to_another(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "FILES_PER_CHILD", 1)
    pool.perform("verify", spooled(SAMPLE.read_bytes()), at=AT)
    question = b"what else lies there"
    assert pool.perform("verify", spooled(question), at=AT) == {"answer": question.decode()}
