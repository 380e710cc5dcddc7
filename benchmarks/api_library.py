# SPDX-License-Identifier: Apache-2.0
"""The bare library that a benchmark holds the service against: in two processes, as many as there are processors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PROCESSES = 2

# The bare library: one process, no confinement, no pool. Ready, then told to start, then how many it did in which time.
ALONE = """
import sys, time
from itertools import cycle
from pathlib import Path
from waarmerk.provenance import Settings, build_verifier
files = [Path(line) for line in Path(sys.argv[1]).read_text().splitlines()]
files = files[int(sys.argv[2]):] + files[: int(sys.argv[2])]
verifier = build_verifier(Settings())
for path in files[:20]:
    verifier.verify(path)
endless = cycle(files)
for line in sys.stdin:
    print("ready", flush=True)
    began, done, used = time.monotonic(), 0, time.process_time()
    while (passed := time.monotonic() - began) < float(line):
        verifier.verify(next(endless))
        done += 1
    print(done, passed, time.process_time() - used, flush=True)
"""

Bare = Callable[[float], tuple[int, float, float]]


@contextmanager
def alone(files: Sequence[Path], folder: Path) -> Iterator[Bare]:
    """A function that has two processes verify for some seconds: files, files a second, seconds of a processor."""
    names = folder / "files"
    names.write_text("\n".join(str(path.absolute()) for path in files))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ALONE, str(names), str(number * len(files) // PROCESSES)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # as workers have one: the scheduler may share time out by session
        )
        for number in range(PROCESSES)
    ]

    def run(seconds: float) -> tuple[int, float, float]:
        for each in processes:
            print(seconds, file=each.stdin, flush=True)  # type: ignore[arg-type]
        told = [[each.stdout.readline() for _ in range(2)] for each in processes]  # type: ignore[union-attr]
        done = [[float(each) for each in both[1].split()] for both in told]
        rate = sum(count / passed for count, passed, _ in done)
        return sum(int(each[0]) for each in done), rate, sum(each[2] for each in done)

    try:
        yield run
    finally:
        for each in processes:
            each.stdin.close()  # type: ignore[union-attr]
            each.wait(60)
