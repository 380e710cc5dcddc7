# SPDX-License-Identifier: Apache-2.0
"""Jobs: each is done at least once, by one at a time, once for each identity; poison is recorded."""

import errno
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.unit.jobs.conftest import job
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.jobs import runner
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.job import Job, NewJob, State
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import MAX_ATTEMPTS, Queue
from waarmerk.provenance.jobs.runner import Finished, Runner

REPORT = {"status": "examined"}


def test_a_job_goes_from_waiting_to_done_with_its_result(queue: Queue) -> None:
    made, fresh = queue.submit(job())
    assert (fresh, made.state) == (True, State.WAITING)
    (leased,) = queue.lease("a")
    assert (leased.id, leased.state, leased.attempts, leased.wishes) == (made.id, State.RUNNING, 1, {"at": "x"})
    assert queue.lease("b") == []
    assert queue.finish("a", leased.number, result=REPORT)
    done = queue.find(made.id, tenant="north")
    assert done is not None
    assert (done.state, done.result, done.file) == (State.DONE, REPORT, None)
    assert queue.counts() == {State.DONE: 1}


def test_the_same_file_under_the_same_policy_is_one_job(queue: Queue) -> None:
    """P9."""
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: queue.submit(job()), range(100)))
    assert sum(fresh for _, fresh in made) == 1
    assert len({each.id for each, _ in made}) == 1
    assert queue.counts() == {State.WAITING: 1}


def test_many_who_look_at_once_each_get_another_job(queue: Queue) -> None:
    for number in range(40):
        queue.submit(job(str(number)))
    with ThreadPoolExecutor(8) as threads:
        leased = [each for jobs in threads.map(lambda n: queue.lease(f"w{n}", most=5), range(8)) for each in jobs]
    leased += [each for n in range(8) for each in queue.lease(f"late{n}", most=40)]  # skipped is not lost
    assert sorted(each.number for each in leased) == sorted({each.number for each in leased})
    assert len(leased) == 40


def test_a_lease_that_runs_out_is_anothers(queue: Queue, clock: Clock) -> None:
    queue.submit(job())
    (first,) = queue.lease("dead")
    clock.wait(seconds=59)
    assert queue.renew("dead", [first.number]) == {first.number}
    clock.wait(seconds=59)
    assert queue.lease("next") == []
    clock.wait(seconds=2)
    (second,) = queue.lease("next")
    assert (second.number, second.attempts) == (first.number, 2)
    assert not queue.finish("dead", first.number, result={"late": True})
    assert queue.renew("dead", [first.number]) == set()
    assert queue.finish("next", second.number, result=REPORT)


def test_who_ends_three_times_whoever_works_on_it_is_poison(queue: Queue, clock: Clock) -> None:
    made, _ = queue.submit(job())
    for attempt in range(MAX_ATTEMPTS):
        assert [each.attempts for each in queue.lease(f"w{attempt}")] == [attempt + 1]
        clock.wait(seconds=61)
    assert queue.lease("w9") == []
    found = queue.find(made.id, tenant="north")
    assert found is not None
    assert (found.state, found.code, found.file) == (State.FAILED, "job.poison", None)
    again, fresh = queue.submit(job())
    assert (again.state, fresh) == (State.FAILED, False)


def test_a_host_that_goes_down_gives_its_jobs_back_uncounted(queue: Queue) -> None:
    queue.submit(job())
    (leased,) = queue.lease("a")
    assert queue.give_back("a", leased.number)
    assert [each.attempts for each in queue.lease("b")] == [1]


def test_a_tenant_sees_its_own_jobs_and_no_others(queue: Queue) -> None:
    made, _ = queue.submit(job())
    assert queue.find(made.id, tenant="south") is None
    assert queue.find(made.id, tenant="") is None
    assert queue.page(tenant="south", before=None, most=9) == []
    assert queue.remove(made.id, tenant="south") is None
    assert queue.remove(made.id, tenant="north") == "0" * 32
    assert queue.find(made.id, tenant="north") is None


def test_pages_run_from_the_newest_to_the_oldest(queue: Queue) -> None:
    for number in range(5):
        queue.submit(job(str(number)))
    first = queue.page(tenant="north", before=None, most=3)
    rest = queue.page(tenant="north", before=first[-1].number, most=3)
    assert [each.number for each in first + rest] == [5, 4, 3, 2, 1]


def test_results_are_kept_as_long_as_said(queue: Queue, clock: Clock) -> None:
    made, _ = queue.submit(job(days=1))
    waiting, _ = queue.submit(job("two", days=1))
    queue.finish("a", queue.lease("a")[0].number, result=REPORT)
    clock.wait(hours=25)
    assert queue.sweep() == 1
    assert queue.find(made.id, tenant="north") is None
    assert queue.find(waiting.id, tenant="north") is not None  # acknowledged and not done: not ours to forget
    clock.wait(days=2)
    queue.sweep()
    found = queue.find(waiting.id, tenant="north")
    assert found is None or found.code == "job.expired"


def test_a_job_whose_file_was_lost_can_be_sent_again(queue: Queue) -> None:
    queue.submit(job())
    (leased,) = queue.lease("a")
    queue.fail("a", leased.number, code="job.file-gone")
    again, fresh = queue.submit(job(file="1" * 32))
    assert (fresh, again.id, again.state, again.file) == (True, leased.id, State.WAITING, "1" * 32)


def test_a_job_that_is_tried_again_has_the_clock_of_the_new_try(database: Database, clock: Clock) -> None:
    queue = Queue(database, spool="here", clock=clock, passing=("label.failed",))
    queue.create()
    for at in ("first", "second", "third"):
        queue.submit(replace(job(), wishes={"at": at}))
        clock.wait(seconds=20 * 3600)
        queue.sweep()
        (leased,) = queue.lease("a")
        assert leased.wishes == {"at": at}, "nor is it too old to be begun"
        queue.fail("a", leased.number, code="label.failed")


def test_a_failure_that_may_pass_is_tried_again_and_what_the_file_is_stays(database: Database, clock: Clock) -> None:
    queue = Queue(database, spool="here", clock=clock, passing=("label.failed",))
    queue.create()
    for code, fresh in (("label.failed", True), ("label.refused", False), ("job.poison", False)):
        made, _ = queue.submit(job(code))
        (leased,) = queue.lease("a")
        queue.fail("a", leased.number, code=code, result={"why": [code]})
        clock.now += timedelta(hours=20)
        again, opened = queue.submit(job(code, file="1" * 32))
        assert (opened, again.id, again.attempts) == (fresh, made.id, 0 if fresh else 1)
        assert again.state is (State.WAITING if fresh else State.FAILED)
        queue.remove(made.id, tenant="north")
        anew, is_new = queue.submit(job(code))
        assert (is_new, anew.id != made.id) == (True, True), "whatever it was: erased, it is sent anew"
        queue.remove(anew.id, tenant="north")


def test_where_tenants_take_turns_one_job_does_not_wait_for_anothers_many(database: Database, clock: Clock) -> None:
    queue = Queue(database, spool="here", clock=clock, in_turn=True)
    queue.create()
    for number in range(4):
        queue.submit(job(f"many {number}", tenant="many"))

    def next_one() -> str:
        (leased,) = queue.lease("a")
        queue.finish("a", leased.number, result=REPORT)
        queue.remove(leased.id, tenant=leased.tenant)  # whoever erases at once is not first again for that
        return leased.tenant

    assert next_one() == "many"
    for number in range(2):
        queue.submit(job(f"one {number}", tenant="one"))
    queue.submit(job("late", tenant="late"))
    assert [next_one() for _ in range(6)] == ["one", "late", "many", "one", "many", "many"]
    assert queue.lease("a") == []
    for tenant in ("one", "two", "three"):
        for number in range(2):
            queue.submit(job(f"{tenant} {number}", tenant=tenant))
    assert {each.tenant for each in queue.lease("a", most=3)} == {"one", "two", "three"}
    with ThreadPoolExecutor(4) as threads:
        rest = [each for found in threads.map(lambda name: queue.lease(name, most=2), "bcde") for each in found]
    assert len({each.number for each in rest}) == len(rest) == 3


def test_jobs_of_another_spool_are_left_alone(queue: Queue, database: Database, clock: Clock) -> None:
    queue.submit(job())
    assert Queue(database, spool="elsewhere", clock=clock).lease("b") == []


def test_a_database_that_is_gone_is_an_error_of_ours(clock: Clock, tmp_path: Path) -> None:
    for address in (str(tmp_path / "none" / "x.sqlite"), "postgresql://nobody@/none?host=/nowhere"):
        with pytest.raises(StoreError, match="cannot be used"):
            Queue(Database(address), spool="x", clock=clock).submit(job())
    with pytest.raises(ConfigurationError, match="path"):
        Database("mysql://x")


def put(keep: Keep, tmp_path: Path, data: bytes, **changes: str) -> NewJob:
    source = tmp_path / "source"
    source.write_bytes(data)
    name, size, digest = keep.put(source)
    assert (size, keep.path(name).read_bytes()) == (len(data), data)
    return job(digest.hex(), file=name, **changes)


def test_a_runner_does_what_comes_and_takes_the_file_away(queue: Queue, keep: Keep, tmp_path: Path) -> None:
    over = threading.Semaphore(0)

    def work(leased: Job) -> Finished:
        data = keep.path(str(leased.file)).read_bytes()
        if data == b"refused":
            raise ConfigurationError("settings.unknown-key", "no")
        return Finished(result={"seen": data.decode()})

    with Runner(queue, keep, work, threads=2, over=lambda each, code: over.release()) as runner:
        jobs = [queue.submit(put(keep, tmp_path, data))[0] for data in (b"one", b"two", b"refused")]
        runner.notify()
        for _ in jobs:
            assert over.acquire(timeout=30)
    done = [queue.find(each.id, tenant="north") for each in jobs]
    assert [each.result for each in done if each] == [{"seen": "one"}, {"seen": "two"}, None]
    assert [each.code for each in done if each] == [None, None, "settings.unknown-key"]
    assert [path.name for path in keep.folder.iterdir()] == ["spool.id"]


def test_news_reach_a_thread_that_was_about_to_wait(
    queue: Queue, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread woke for the same news before, and took one of two jobs; the second waited for the next look."""
    monkeypatch.setattr("waarmerk.provenance.jobs.runner._POLL_SECONDS", 60.0)
    looked, held, go, end = threading.Semaphore(0), threading.Event(), threading.Event(), threading.Event()
    begun, lease = threading.Semaphore(0), queue.lease

    def slow(owner: str) -> list[Job]:
        jobs = lease(owner)
        if not jobs and not held.is_set():
            held.set()
            assert go.wait(30)
        looked.release()
        return jobs

    def work(leased: Job) -> Finished:
        begun.release()
        assert end.wait(30)
        return Finished(result={})

    monkeypatch.setattr(queue, "lease", slow)
    with Runner(queue, keep, work, threads=2) as runner:
        assert held.wait(30)
        assert looked.acquire(timeout=30)
        for data in (b"one", b"two"):
            queue.submit(put(keep, tmp_path, data))
        runner.notify()
        assert begun.acquire(timeout=30)
        go.set()
        is_second_begun = begun.acquire(timeout=10)
        end.set()
    assert is_second_begun


def test_a_runner_that_is_stopped_gives_back_what_it_holds(queue: Queue, keep: Keep, tmp_path: Path) -> None:
    began, go = threading.Event(), threading.Event()

    def work(leased: Job) -> Finished:
        began.set()
        go.wait(30)
        return Finished(result={"late": True})

    with Runner(queue, keep, work) as runner:
        made, _ = queue.submit(put(keep, tmp_path, b"slow"))
        runner.notify()
        assert began.wait(30)
        runner.stop(seconds=0.1)
        go.set()
    found = queue.find(made.id, tenant="north")
    assert found is not None
    assert (found.state, found.attempts) == (State.WAITING, 0)


def test_a_spool_that_cannot_be_looked_through_costs_no_lease(
    queue: Queue, keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without file descriptors for a moment; who looks after leases looked after nothing from then on."""
    renewed, at_it, let_go = threading.Event(), threading.Event(), threading.Event()

    def unable(known: object) -> int:
        assert at_it.wait(20)
        raise OSError(errno.EMFILE, "too many open files")

    def renew(owner: str, numbers: object) -> set[int]:
        renewed.set()
        return set()

    def work(each: Job) -> Finished:
        at_it.set()
        let_go.wait(20)
        return Finished(result={})

    monkeypatch.setattr(runner, "LEASE", timedelta(seconds=0.2))
    monkeypatch.setattr(keep, "sweep", unable)
    monkeypatch.setattr(queue, "renew", renew)
    queue.submit(put(keep, tmp_path, b"x"))
    with Runner(queue, keep, work):
        was_renewed = renewed.wait(10)
        let_go.set()
    assert was_renewed


def test_a_spool_is_for_its_owner_alone_and_forgets_strangers(keep: Keep, clock: Clock, tmp_path: Path) -> None:
    assert keep.folder.stat().st_mode & 0o777 == 0o700
    new = put(keep, tmp_path, b"x")
    assert keep.path(new.file).stat().st_mode & 0o777 == 0o600
    assert Keep(keep.folder, clock=clock).id == keep.id
    clock.wait(days=10_000)
    assert keep.sweep({new.file}) == 0
    assert keep.sweep(set()) == 1
    for name in ("../../etc/passwd", "", "g" * 32, "A" * 32):
        with pytest.raises(ValueError, match="name"):
            keep.path(name)
    open_folder = tmp_path / "open"
    open_folder.mkdir(mode=0o755)
    with pytest.raises(ConfigurationError, match="700"):
        Keep(open_folder, clock=clock)
