# SPDX-License-Identifier: Apache-2.0
"""The pool: whatever a file does to its worker, the run goes on and the file has a report."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.conftest import AT
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs import Pool, errand, pool

# A worker that does to itself what the name of the file says.
WORKER = """
import os, signal, socket, sys, time
from pathlib import Path
from waarmerk.provenance.jobs.confine import limit_resources
from waarmerk.provenance.jobs.frames import receive, send
from waarmerk.provenance.jobs.line import next_line
settings, line = receive(0), next_line()
out = line.fileno()
def send_all(data):
    while data:
        data = data[os.write(out, data):]
if settings.get("refuse"):
    send(0, {"refused": {"code": "trust.broken", "message": "no"}})
    sys.exit()
tasks = 0
while (task := line.task()) is not None:
    name, tasks = Path(task["path"]).name, tasks + 1
    if name == "abort":
        os.abort()
    if name == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if name == "cpu":
        os.kill(os.getpid(), signal.SIGXCPU)
    if name == "leave":
        sys.exit(0)
    if name == "hang":
        time.sleep(60)
    if name.startswith("slow"):
        time.sleep(0.7)
    if name == "garbage":
        os.write(out, b"this is no frame at all")
        continue
    if name == "huge":
        os.write(out, b"\\xff\\xff\\xff\\xff")
        continue
    if name == "eat":
        limit_resources(address_space_bytes=512 * 2**20, open_files=64)
        greedy = bytearray(10 * 2**30)
    if name == "nested":
        os.write(out, (100_000).to_bytes(4, "big") + b"[" * 100_000)
        continue
    if name == "heavy":
        os.write(out, (1_000_001).to_bytes(4, "big"))
        send_all(b"[" + b"0," * 499_999 + b"0]")
        continue
    if name == "late":
        send(out, {"refused": "x"})
        continue
    if name == "refusal":
        send(out, {"refused": {"code": "trust.broken", "message": "no"}})
        continue
    if name == "oob":
        line._end.send(b"x", socket.MSG_OOB)
        time.sleep(60)
    if name == "list":
        os.write(out, b"\\x00\\x00\\x00\\x02[]")
        continue
    send(out, {"answer": {"name": name, "worker": os.getpid(), "number": tasks}})
"""


# One that dies with whoever started it, as the real one does.
DEVOTED = """
import os
from waarmerk.provenance.jobs import confine
from waarmerk.provenance.jobs.frames import receive, send
from waarmerk.provenance.jobs.line import next_line
confine.refuse_network_and_programs()
receive(0)
line = next_line()
out = line.fileno()
while line.task() is not None:
    send(out, {"answer": os.getpid()})
"""


@pytest.fixture
def two(fast: None) -> Iterator[Pool]:
    with Pool({}, size=2, command=(sys.executable, "-c", WORKER)) as made:
        yield made


Ask = Callable[[Pool, str], dict[str, Any]]


def performed(made: Pool, name: str) -> dict[str, Any]:
    return made.perform("verify", Path(name), at=AT)


def attended(made: Pool, name: str) -> dict[str, Any]:
    return asyncio.run(made.attend("verify", Path(name), at=AT))


def attended_in_c(made: Pool, name: str) -> dict[str, Any]:
    """As a service does it: another loop, which treats sockets otherwise."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(made.attend("verify", Path(name), at=AT))


@pytest.mark.parametrize("ask", [performed, attended, attended_in_c])
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("abort", "worker.crashed"),
        ("segfault", "worker.crashed"),
        ("leave", "worker.crashed"),
        ("cpu", "worker.timeout"),
        ("hang", "worker.timeout"),
        ("eat", "worker.crashed"),
        ("garbage", "worker.answer"),
        ("huge", "worker.answer"),
        ("list", "worker.answer"),
        ("nested", "worker.answer"),
        ("heavy", "worker.answer"),
        ("late", "worker.answer"),
        ("oob", "worker.timeout"),
    ],
)
def test_a_poison_file_is_a_fault_and_the_next_one_is_answered(two: Pool, ask: Ask, name: str, fault: str) -> None:
    assert ask(two, "first")["answer"]["name"] == "first"  # from now on a worker stands ready
    assert ask(two, name) == {"fault": fault}
    assert ask(two, "good")["answer"]["name"] == "good"


@pytest.mark.parametrize("ask", [performed, attended])
def test_it_is_told_why_a_worker_went_and_not_on_which_file(fast: None, ask: Ask) -> None:
    told: list[str] = []
    with Pool({}, command=(sys.executable, "-c", WORKER), gone=told.append) as pool:
        for name in ("good", "abort", "hang", "garbage", "good"):
            ask(pool, name)
    assert told == ["worker.crashed"] * 2 + ["worker.timeout"] + ["worker.answer"] * 2, "all but a hang are tried twice"


@pytest.mark.parametrize("ask", [performed, attended])
def test_no_file_refuses_settings(two: Pool, ask: Ask) -> None:
    """One that took a worker over would otherwise end the run of which it is a part."""
    assert ask(two, "refusal") == {"fault": "worker.answer"}
    assert ask(two, "good")["answer"]["name"] == "good"
    assert ask(two, "refusal") == {"fault": "worker.answer"}


@pytest.mark.parametrize("asked", [{"facts": ["x"]}, {"verb": "export"}])
def test_what_is_asked_of_one_file_may_be_what_cannot_be_done(two: Pool, asked: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="no"):
        two.perform(**{"verb": "verify", "file": Path("refusal"), "at": AT} | asked)


def test_an_event_loop_goes_on_while_one_is_silent(two: Pool) -> None:
    async def both() -> tuple[dict[str, Any], list[float]]:
        silent, beats = asyncio.ensure_future(two.attend("verify", Path("oob"), at=AT)), [time.monotonic()]
        while not silent.done():
            await asyncio.sleep(0.02)
            beats.append(time.monotonic())
        return await silent, beats

    attended(two, "first")
    answer, beats = asyncio.run(both())
    assert answer == {"fault": "worker.timeout"}
    assert len(beats) > 10


def test_an_event_loop_attends_to_many_at_once(two: Pool) -> None:
    names = ["good", "abort", "fine", "garbage", "well"] * 8

    async def all_of_them() -> list[dict[str, Any]]:
        return await asyncio.gather(*(two.attend("verify", Path(name), at=AT) for name in names))

    faults = {"abort": {"fault": "worker.crashed"}, "garbage": {"fault": "worker.answer"}}
    for name, answer in zip(names, asyncio.run(all_of_them()), strict=True):
        assert answer == faults[name] if name in faults else answer["answer"]["name"] == name
    assert len(two._all) <= 2


def test_threads_that_wait_for_a_place_do_not_keep_it_from_being_given_back(fast: None) -> None:
    async def both(made: Pool) -> list[dict[str, Any]]:
        lost = asyncio.ensure_future(made.attend("verify", Path("hang"), at=AT))
        await asyncio.sleep(0.1)
        waits = asyncio.ensure_future(made.attend("verify", Path("good"), at=AT))
        return await asyncio.wait_for(asyncio.gather(lost, waits), 30)

    with Pool({}, command=(sys.executable, "-c", WORKER)) as one:
        attended(one, "first")
        lost, answered = asyncio.run(both(one))
    assert lost == {"fault": "worker.timeout"}
    assert answered["answer"]["name"] == "good"


def test_a_worker_that_is_ready_is_asked_without_a_thread(two: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    attended(two, "first")
    monkeypatch.setattr(two, "_run", None)
    monkeypatch.setattr(two, "_ask", None)
    assert attended(two, "second")["answer"]["name"] == "second"


def test_who_is_cancelled_loses_the_worker_and_its_place_is_free(two: Pool) -> None:
    async def given_up() -> None:
        task = asyncio.ensure_future(two.attend("verify", Path("hang"), at=AT))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    first = attended(two, "good")["answer"]["worker"]
    asyncio.run(given_up())
    assert attended(two, "good")["answer"]["worker"] != first
    assert len(dict(two.each("verify", ((Path("good"), True) for _ in range(8)), at=AT))) == 8
    assert two._roster.busy == 0


def test_what_a_socket_may_not_hold_is_told_from_a_thread(two: Pool) -> None:
    attended(two, "first")
    many = ["x" * 1000] * 300
    answer = asyncio.run(two.attend("verify", Path("good"), at=AT, facts=many))
    assert answer["answer"]["name"] == "good"
    long = errand.errand_of("verify", Path("x"), {}, at=AT, named=True, facts=many, options=None)
    assert not long.is_short


def test_a_worker_knows_one_set_of_settings_and_no_other(two: Pool) -> None:
    north, south = {"keys": ["north"]}, {"keys": ["south"]}

    def worker(settings: dict[str, object] | None) -> int:
        number: int = two.perform("verify", Path("good"), at=AT, settings=settings)["answer"]["worker"]
        return number

    first = worker(north)
    assert worker(north) == first
    other = worker(south)
    assert other != first
    assert worker(None) not in (first, other)  # two places: the longest idle worker made room
    assert worker(south) == other
    assert worker(north) not in (first, other)
    assert len(two._all) == 2


def test_among_many_only_the_poison_is_lost(two: Pool) -> None:
    names = ["good", "abort", "fine", "segfault"] * 10
    answers = dict(two.each("verify", ((Path(name), True) for name in names), at=AT))
    assert sorted(answers) == list(range(40))
    for position, name in enumerate(names):
        if name in ("good", "fine"):
            assert answers[position]["answer"]["name"] == name
        else:
            assert answers[position] == {"fault": "worker.crashed"}


def test_a_worker_makes_room_after_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "TASKS_PER_WORKER", 3)
    with Pool({}, command=(sys.executable, "-c", WORKER)) as made:
        workers = [made.perform("verify", Path("good"), at=AT)["answer"]["worker"] for _ in range(7)]
    assert [workers.count(each) for each in dict.fromkeys(workers)] == [3, 3, 1]


def test_workers_that_start_together_do_not_all_make_room_together() -> None:
    with Pool({}, size=3, command=(sys.executable, "-c", WORKER)) as three:
        started = [three._start({}) for _ in range(6)]
    shares, firsts = [each.share for each in started], [each._left for each in started]
    assert shares[:3] == shares[3:] == [20_000, 23_333, 26_666]
    assert firsts[:3] == firsts[3:] == [333, 666, 1000]


@pytest.mark.parametrize("ask", [performed, attended])
def test_refused_settings_are_an_error_of_the_caller(ask: Ask) -> None:
    with Pool({"refuse": True}, command=(sys.executable, "-c", WORKER)) as one:
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="no"):
                ask(one, "x")
        assert not one._all
        assert one._roster.busy == 0


def test_a_pool_without_workers_is_no_pool() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pool({}, size=0)


def test_closing_ends_every_process(fast: None) -> None:
    made = Pool({}, size=2, command=(sys.executable, "-c", WORKER))
    answer = made.perform("verify", Path("x"), at=AT)
    made.close()
    pid = answer["answer"]["worker"]
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not Path(f"/proc/{pid}").exists()


def test_a_failed_worker_still_yields_a_report(two: Pool) -> None:
    document = two.verify(Path("/somewhere/abort"), at=AT)
    assert document["status"] == "unreadable"
    assert document["error"]["code"] == "worker.crashed"
    assert document["asset"]["name"] == "abort"
    assert document["verdict"]["origin"] == "unknown"
    assert document["credentials"] is None


def test_an_answer_that_is_no_report_is_not_taken_for_one(two: Pool) -> None:
    assert two.verify(Path("good"), at=AT)["error"]["code"] == "worker.answer"


@pytest.mark.slow
def test_a_thousand_jobs_that_crash_leave_the_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """P6: each fault is recorded, every file between them answered; a busy machine may be late to see a crash."""
    monkeypatch.setattr(errand, "DEADLINE_SECONDS", 4.0)
    kinds = {
        "abort": "worker.crashed",
        "segfault": "worker.crashed",
        "leave": "worker.crashed",
        "garbage": "worker.answer",
        "huge": "worker.answer",
        "hang": "worker.timeout",
        "cpu": "worker.timeout",
        "eat": "worker.crashed",
    }
    names = [name for number in range(1000) for name in (list(kinds)[number % len(kinds)], "good")]
    with Pool({}, size=2, command=(sys.executable, "-c", WORKER)) as made:
        told = dict(made.each("verify", [(Path(name), True) for name in names], at=AT))
    assert len(told) == 2000
    for position, name in enumerate(names):
        if name == "good":
            assert told[position]["answer"]["name"] == "good"
        else:
            assert told[position]["fault"] in (kinds[name], "worker.timeout")


def test_a_film_has_more_time_than_a_picture_whatever_it_is_called(tmp_path: Path) -> None:
    film, picture, none = tmp_path / "a.jpg", tmp_path / "b.mp4", tmp_path / "none"
    film.write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42")
    picture.write_bytes(b"\xff\xd8\xff\xe0")
    assert errand._deadline(film) == errand.DEADLINE_SECONDS_LARGE
    assert errand._deadline(picture) == errand.DEADLINE_SECONDS
    assert errand._deadline(none) == errand.DEADLINE_SECONDS


def test_a_worker_outlives_the_thread_that_asked_for_it() -> None:
    """The kernel ends a worker with the thread that started it; a web server's threads come and go."""
    told: list[dict[str, object]] = []
    with Pool({}, command=(sys.executable, "-c", DEVOTED)) as made:

        def ask() -> None:
            told.append(made.perform("verify", Path("x"), at=AT))

        for _ in range(3):
            thread = threading.Thread(target=ask)
            thread.start()
            thread.join()
            time.sleep(0.2)
    assert told[0] == told[1] == told[2]
