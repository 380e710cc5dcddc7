# SPDX-License-Identifier: Apache-2.0
"""What files that end workers cost those who come with good ones (P6)."""

import shutil
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import AT, ROOT
from tests.hostile.workers import HELD
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.settings import Settings

SAMPLE = ROOT / "samples" / "media" / "camera-capture.jpg"
# The real worker, but for files with certain names.
WORKER = (
    HELD
    + """
import os, signal, sys
def perform(self, verb, file, **rest):
    match file.stem:
        case "abort": os.abort()
        case "segfault": os.kill(os.getpid(), signal.SIGSEGV)
        case "leave": os._exit(0)
        case "garbage": os.write(held[0].fileno(), b"this is no frame at all"); os._exit(0)
    return plain(self, verb, file, **rest)
workbench.Workbench.perform = perform
worker.main()
"""
)
KINDS = ("abort", "segfault", "leave", "garbage")


def both(pool: Pool, folder: Path, beside: tuple[str, ...], count: int, others: int) -> list[float]:
    """Seconds of each of ``count`` good files or more, while somebody sends ``others`` of those called ``beside``."""
    over, faults = threading.Event(), list[object]()

    def send() -> None:
        number = 0
        while not over.is_set():
            number += 1
            path = folder / f"{beside[number % len(beside)]}.jpg"
            faults.append(pool.perform("verify", path, at=AT).get("fault"))

    other = threading.Thread(target=send)
    other.start()
    times = list[float]()
    while len(times) < count or len(faults) < others:
        began = time.monotonic()
        answer = pool.perform("verify", folder / "good.jpg", at=AT)
        times.append(time.monotonic() - began)
        assert answer["answer"]["status"] == "examined"
    over.set()
    other.join()
    assert all((fault is not None) == ("good" not in beside) for fault in faults)
    return times


def compared(folder: Path, rounds: int, count: int, crashes: int) -> dict[str, float]:
    """Times beside files that crash as multiples of those beside good ones; in turns, for machines have moods."""
    for name in ("good", *KINDS):
        shutil.copy(SAMPLE, folder / f"{name}.jpg")
    quiet, crashing = list[float](), list[float]()
    with Pool(Settings().to_json(), size=2, command=(sys.executable, "-c", WORKER)) as pool:
        both(pool, folder, ("good",), 20, 0)
        for _ in range(rounds):
            quiet += both(pool, folder, ("good",), count, 0)
            crashing += both(pool, folder, KINDS, count, crashes)
    quiet.sort()
    crashing.sort()
    return {
        name: round(crashing[int(len(crashing) * share)] / quiet[int(len(quiet) * share)], 2)
        for name, share in (("median", 0.5), ("p99", 0.99))
    }


@pytest.mark.slow
def test_good_files_beside_crashing_ones_take_as_long_as_beside_good_ones(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    ratios = compared(tmp_path, 20, 100, 10)
    for name, ratio in ratios.items():
        record_property(f"time beside crashing files, {name}, times that beside good ones", ratio)
    assert ratios["p99"] < 2
