# SPDX-License-Identifier: Apache-2.0
"""kill -9 while jobs are taken in and done: what was acknowledged is there, whole, and nothing is half there (P10)."""

import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.postgres import Server
from waarmerk.provenance.jobs import audit_check
from waarmerk.provenance.jobs.audit import Audit
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.job import State
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.queue import MAX_ATTEMPTS, Queue
from waarmerk.provenance.jobs.tables import JOB

# Takes files in, says so once they are, does some of them, and writes what it did into an audit log.
INGEST = """
import sys, os
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from waarmerk.provenance.jobs.audit import Audit
from waarmerk.provenance.jobs.database import Database
from waarmerk.provenance.jobs.keep import Keep
from waarmerk.provenance.jobs.job import NewJob
from waarmerk.provenance.jobs.queue import Queue
address, folder, seed = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
clock = lambda: datetime.now(UTC)
database = Database(address)
keep = Keep(folder / "spool", clock=clock)
queue = Queue(database, spool=keep.id, clock=clock)
queue.create()
audit = Audit(folder / "audit", database, clock=clock)
number = 0
print("begun", flush=True)
while True:
    number += 1
    data = f"{seed}:{number}:".encode() + os.urandom(5000)
    name, size, digest = keep.put(BytesIO(data))
    new = NewJob(tenant="t", identity=digest, file=name, bytes=size, wishes={}, keep=timedelta(days=1))
    job, fresh = queue.submit(new)
    print(job.id, digest.hex(), flush=True)
    if number % 3 == 0:
        for leased in queue.lease("w", most=2):
            audit.write("report.given", {"job": leased.id}, keep=timedelta(days=1))
            queue.finish("w", leased.number, result={"sha256": leased.id})
            keep.drop(leased.file)
            print("done", leased.id, flush=True)
"""


class Ingest:
    """Kills the process that takes files in, again and again, on one database and one folder."""

    def __init__(self, address: str, folder: Path) -> None:
        self.address, self.folder = address, folder
        self.acknowledged: dict[str, str] = {}
        self.done: set[str] = set()
        self._random = random.Random(7)

    def kill(self, number: int) -> None:
        command = [sys.executable, "-c", INGEST, self.address, str(self.folder), str(number)]
        with (
            (self.folder / "stderr").open("w") as errors,
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True) as process,
        ):
            assert process.stdout is not None
            first = process.stdout.readline()
            assert first == "begun\n", (self.folder / "stderr").read_text()
            # counted in answers, so that a slow machine is killed in the midst of its work too, and not before
            told = "".join(process.stdout.readline() for _ in range(self._random.randint(0, 12)))
            time.sleep(self._random.uniform(0.0, 0.05))
            process.send_signal(signal.SIGKILL)
            told += process.stdout.read()
        for line in told.splitlines(keepends=True):
            if not line.endswith("\n"):
                break  # was not told whole, so it was not acknowledged
            left, _, right = line.strip().partition(" ")
            if left == "done":
                self.done.add(right)
            else:
                self.acknowledged[left] = right

    def require_whole(self) -> None:
        """Every job that was acknowledged is there, with its file or its result; the log verifies."""
        clock, database = lambda: datetime.now(UTC), Database(self.address)
        keep = Keep(self.folder / "spool", clock=clock)
        if database.is_sqlite:
            with database.reading() as connection:
                assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
        with database.reading() as connection:
            rows = {row["id"]: row for row in connection.execute(sa.select(JOB)).mappings()}
        assert set(self.acknowledged) <= set(rows)
        for id, row in rows.items():
            state = State(row["state"])
            if state is State.DONE:
                assert (row["result"], row["file"]) == (f'{{"sha256": "{id}"}}', None)
            elif state is State.FAILED:  # three were killed on it, and leases had time to run out
                assert (row["code"], row["attempts"], row["file"]) == ("job.poison", MAX_ATTEMPTS, None)
            else:
                assert state in (State.WAITING, State.RUNNING)
                assert keep.path(row["file"]).stat().st_size == row["bytes"]
        for id in self.done:
            assert State(rows[id]["state"]) is State.DONE
        with Audit(self.folder / "audit", database, clock=clock) as audit:
            audit.checkpoint()
        folder = self.folder / "audit"
        notes = [each for each in (folder / "audit.checkpoints").read_text("utf-8").split("\n\n\n") if each.strip()]
        key = bytes.fromhex((folder / "audit.pub").read_text("ascii").strip())
        assert audit_check.faults((folder / "audit.log").read_bytes(), notes, key) == []
        queue = Queue(database, spool=keep.id, clock=clock)
        assert keep.sweep(queue.files()) == 0  # nothing is an hour old: what is unknown may be about to be known
        database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def ingest(request: pytest.FixtureRequest, tmp_path: Path) -> Ingest:
    if request.param == "sqlite":
        return Ingest(str(tmp_path / "jobs.sqlite"), tmp_path)
    server: Server = request.getfixturevalue("server")
    return Ingest(server.fresh(), tmp_path)


def test_a_kill_at_any_moment_loses_nothing_that_was_acknowledged(ingest: Ingest) -> None:
    for number in range(10):
        ingest.kill(number)
        ingest.require_whole()
    assert len(ingest.acknowledged) > 20
    assert ingest.done


@pytest.mark.slow
def test_two_hundred_kills_lose_nothing_that_was_acknowledged(ingest: Ingest) -> None:
    for number in range(200):
        ingest.kill(number)
        if number % 10 == 9:
            ingest.require_whole()
    assert len(ingest.acknowledged) > 100
