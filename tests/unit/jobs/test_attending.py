# SPDX-License-Identifier: Apache-2.0
"""Who waits in an event loop for a worker: in a line with those who wait in threads, and served from there."""

import asyncio
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from tests.conftest import AT
from tests.unit.jobs.test_pool import WORKER, attended, performed
from waarmerk.provenance.jobs import Pool, child, pool
from waarmerk.provenance.jobs.attending import Attendance
from waarmerk.provenance.jobs.child import Worker

LOOPS = [asyncio.new_event_loop, uvloop.new_event_loop]
Answer = dict[str, Any]


@pytest.fixture
def one(fast: None) -> Iterator[Pool]:
    """One worker, which has answered once; each file has a second."""
    with Pool({}, command=(sys.executable, "-c", WORKER)) as made:
        attended(made, "first")
        yield made


@pytest.fixture(params=LOOPS, ids=["asyncio", "uvloop"])
def runner(request: pytest.FixtureRequest) -> Iterator[asyncio.Runner]:
    with asyncio.Runner(loop_factory=request.param) as made:
        yield made


def ask(made: Pool, name: str, **more: Any) -> Coroutine[Any, Any, Answer]:
    return made.attend("verify", Path(name), at=AT, **more)


async def line_of(pool: Pool, *names: str) -> list[asyncio.Task[Answer]]:
    """One after the other, each of them in the line before the next comes."""
    tasks = []
    for name in names:
        tasks.append(asyncio.create_task(ask(pool, name)))
        await asyncio.sleep(0)
    return tasks


async def till(pool: Pool, waiting: int) -> None:
    while len(pool._roster._queue) < waiting:
        await asyncio.sleep(0.001)


def test_first_come_first_served_from_threads_and_event_loops(one: Pool, runner: asyncio.Runner) -> None:
    async def in_a_line() -> list[Answer]:
        tasks: list[asyncio.Task[Answer]] = await line_of(one, "slow")
        for number in range(6):
            name = f"good{number}"
            asked = asyncio.to_thread(performed, one, name) if number % 2 else ask(one, name)
            tasks.append(asyncio.create_task(asked))
            await till(one, number + 1)
        return await asyncio.gather(*tasks)

    served = [each["answer"] for each in runner.run(in_a_line())]
    assert len({each["worker"] for each in served}) == 1
    assert [each["number"] for each in served] == list(range(2, 9))


def test_the_next_in_line_is_asked_before_the_answer_goes_anywhere(one: Pool, runner: asyncio.Runner) -> None:
    order: list[str] = []

    async def note(name: str) -> None:
        await ask(one, name, begun=lambda: order.append(f"{name} begins"))
        order.append(f"{name} is answered")

    async def both() -> None:
        await asyncio.gather(note("one"), note("other"))

    runner.run(both())
    assert order == ["one begins", "other begins", "one is answered", "other is answered"]


def test_it_is_told_when_a_file_has_its_turn_whether_a_worker_stands_ready_or_not(runner: asyncio.Runner) -> None:
    begun: list[str] = []

    async def both(made: Pool) -> None:
        for name in ("first", "second"):
            await ask(made, name, begun=lambda name=name: begun.append(name))

    with Pool({}, command=(sys.executable, "-c", WORKER)) as made:
        runner.run(both(made))
    assert begun == ["first", "second"]


@pytest.mark.parametrize("poison", ["abort", "garbage", "hang", "late"])
def test_a_poison_file_costs_the_one_behind_it_nothing(one: Pool, runner: asyncio.Runner, poison: str) -> None:
    told: list[str] = []

    async def all_of_them() -> list[Answer]:
        tasks = await line_of(one, poison, "good", poison, "fine")
        return await asyncio.gather(*tasks)

    one._gone = told.append
    bad, good, worse, fine = runner.run(all_of_them())
    assert set(bad) == set(worse) == {"fault"}
    assert good["answer"]["name"] == "good"
    assert fine["answer"]["name"] == "fine"
    assert len(told) == (2 if poison == "hang" else 4), "two files, each tried twice unless it hangs"
    assert one._roster.busy == 0


def test_the_time_of_a_file_begins_with_its_turn(one: Pool, runner: asyncio.Runner) -> None:
    """Three that take 0.7 s one after the other: the last has waited longer than a file may take."""

    async def all_of_them() -> list[Answer]:
        return await asyncio.gather(*await line_of(one, "slow1", "slow2", "slow3"))

    assert [each["answer"]["name"] for each in runner.run(all_of_them())] == ["slow1", "slow2", "slow3"]


def test_a_new_child_takes_over_with_a_line_full(
    monkeypatch: pytest.MonkeyPatch, one: Pool, runner: asyncio.Runner
) -> None:
    """With the process of the tests that goes on in children (``test_renewal.py``) each line has its files."""
    monkeypatch.setattr(child, "FILES_PER_CHILD", 3)
    command = (sys.executable, "-P", "-m", "waarmerk.provenance.jobs.worker")
    names = [f"/nowhere/{number}" for number in range(10)]

    async def all_of_them(pool: Pool) -> list[Answer]:
        return await asyncio.gather(*await line_of(pool, *names))

    with Pool({}, command=command) as real:
        answers = runner.run(all_of_them(real))
        worker = next(iter(real._all))
        assert worker.tasks == 10
    assert all(each["answer"]["error"]["code"] == "media.missing" for each in answers)


def test_a_worker_makes_room_after_its_share_with_a_line_full(
    monkeypatch: pytest.MonkeyPatch, runner: asyncio.Runner
) -> None:
    monkeypatch.setattr(pool, "TASKS_PER_WORKER", 3)

    async def all_of_them(made: Pool) -> list[Answer]:
        return await asyncio.gather(*await line_of(made, *["good"] * 7))

    with Pool({}, command=(sys.executable, "-c", WORKER)) as made:
        workers = [each["answer"]["worker"] for each in runner.run(all_of_them(made))]
        assert len(made._all) == 1
    assert [workers.count(each) for each in dict.fromkeys(workers)] == [3, 3, 1]


def test_who_gives_up_in_the_line_leaves_no_gap(one: Pool, runner: asyncio.Runner) -> None:
    async def all_of_them() -> list[Answer]:
        slow, gone, good = await line_of(one, "slow", "gone", "good")
        gone.cancel()
        return await asyncio.gather(slow, good)

    slow, good = runner.run(all_of_them())
    assert slow["answer"]["worker"] == good["answer"]["worker"]
    assert (slow["answer"]["number"], good["answer"]["number"]) == (2, 3)


def test_who_gives_up_at_whatever_moment_leaves_the_place_free(one: Pool, runner: asyncio.Runner) -> None:
    async def given_up(after: float) -> None:
        tasks = await line_of(one, "abort", "good", "garbage", "fine", "slow")
        await asyncio.sleep(after)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    for step in range(12):
        runner.run(given_up(step * 0.04))
    assert attended(one, "good")["answer"]["name"] == "good"
    deadline = time.monotonic() + 10
    while one._roster.busy and time.monotonic() < deadline:  # workers are ended in a thread
        time.sleep(0.01)
    assert one._roster.busy == 0
    assert len(one._all) == 1


def test_those_that_have_a_place_are_not_behind_those_that_wait_for_one(fast: None, runner: asyncio.Runner) -> None:
    """As many threads wait for a place as there are, while those with a place have workers to start first."""
    many = ["x" * 1000] * 300

    async def all_of_them(pool: Pool) -> list[Answer]:
        begins = await line_of(pool, "good", "fine")  # nothing runs yet: each place needs a worker
        waits = [asyncio.create_task(ask(pool, "well", facts=many)) for _ in range(6)]
        return await asyncio.wait_for(asyncio.gather(*begins, *waits), 60)

    with Pool({}, size=2, command=(sys.executable, "-c", WORKER)) as two:
        answers = runner.run(all_of_them(two))
    assert [each["answer"]["name"] for each in answers] == ["good", "fine", *["well"] * 6]


def test_two_event_loops_share_a_worker(one: Pool) -> None:
    async def many(name: str) -> list[Answer]:
        return [await ask(one, name) for _ in range(40)]

    async def both() -> list[list[Answer]]:
        return await asyncio.gather(many("here"), asyncio.to_thread(lambda: asyncio.run(many("there"))))

    here, there = asyncio.run(both())
    assert {each["answer"]["name"] for each in here} == {"here"}
    assert {each["answer"]["name"] for each in there} == {"there"}


def test_a_pool_that_closes_answers_those_in_the_line(fast: None, runner: asyncio.Runner) -> None:
    async def closed() -> list[Any]:
        pool = Pool({}, command=(sys.executable, "-c", WORKER))
        await ask(pool, "first")
        tasks = await line_of(pool, "hang", "good", "fine")
        await asyncio.sleep(0.1)
        await asyncio.to_thread(pool.close)
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)

    assert runner.run(closed()) == [{"fault": "worker.crashed"}] * 3


def test_nobody_listens_to_what_is_closed(fast: None, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    listened, ends = [], Worker.end

    def noted(worker: Worker) -> None:
        listened.append(isinstance(worker.listener, Attendance) and worker.listener._descriptor is not None)
        ends(worker)

    async def closed() -> list[Any]:
        pool = Pool({}, command=(sys.executable, "-c", WORKER))
        await ask(pool, "first")
        tasks = await line_of(pool, "hang", "good", "fine")
        await asyncio.sleep(0.1)
        monkeypatch.setattr(Worker, "end", noted)
        closing = asyncio.ensure_future(asyncio.to_thread(pool.close))
        await asyncio.sleep(0)
        time.sleep(0.3)
        await closing
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)

    assert runner.run(closed()) == [{"fault": "worker.crashed"}] * 3
    assert set(listened) == {False}


@pytest.mark.parametrize("asked_before", [1, 2])
def test_who_begins_while_a_pool_closes_is_told_and_listens_to_nothing_that_is_closed(
    fast: None, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch, asked_before: int
) -> None:
    listened, ends, tells = [], Worker.end, Worker.tell

    def noted(worker: Worker) -> None:
        listened.append(isinstance(worker.listener, Attendance) and worker.listener._descriptor is not None)
        ends(worker)

    def slow(worker: Worker, *given: Any, **more: Any) -> Any:
        told = tells(worker, *given, **more)
        time.sleep(0.3)  # the pool closes meanwhile
        return told

    async def closed() -> list[Any]:
        pool = Pool({}, command=(sys.executable, "-c", WORKER))
        for _ in range(asked_before):
            await ask(pool, "first")
        monkeypatch.setattr(Worker, "end", noted)
        monkeypatch.setattr(Worker, "tell", slow)
        closing = threading.Timer(0.1, pool.close)
        closing.start()
        begun = asyncio.ensure_future(ask(pool, "hang"))
        await asyncio.to_thread(closing.join)
        return await asyncio.wait_for(asyncio.gather(begun, return_exceptions=True), 10)

    assert runner.run(closed()) == [{"fault": "worker.crashed"}]
    assert set(listened) == {False}


@pytest.mark.parametrize("is_closed", [True, False], ids=["closed", "stopped"])
def test_a_loop_that_does_not_turn_holds_up_no_end(fast: None, is_closed: bool) -> None:
    pool, loop = Pool({}, size=3, command=(sys.executable, "-c", WORKER)), asyncio.new_event_loop()

    async def begun() -> list[asyncio.Future[Answer]]:
        await asyncio.gather(*(ask(pool, name) for name in "abc"))
        tasks = [asyncio.ensure_future(ask(pool, "hang")) for _ in range(3)]
        await asyncio.sleep(0.2)
        return tasks

    tasks = loop.run_until_complete(begun())
    processes = [worker._process for worker in pool._all]
    if is_closed:
        loop.close()
    began = time.monotonic()
    pool.close()
    assert time.monotonic() - began < 2.5  # one second for all of them, not each
    assert all(each.poll() is not None for each in processes)
    if not is_closed:
        told = asyncio.gather(*tasks, return_exceptions=True)
        assert loop.run_until_complete(told) == [{"fault": "worker.crashed"}] * 3
        loop.close()
