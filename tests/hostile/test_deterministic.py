# SPDX-License-Identifier: Apache-2.0
"""The same bytes give the same bytes: another process, hash seed, order of work, folder, and no network (P3)."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.hostile import makers
from waarmerk.watermark import Key

SAMPLES = ROOT / "samples"


def fill(folder: Path, count: int) -> None:
    """``count`` files: the samples as they are, then with bytes changed, cut or repeated, and small hostile ones."""
    chance, seeds = random.Random(5), sorted((SAMPLES / "media").iterdir())
    small = ["webp-16383.webp", "avif-16000.avif", "laughs.jpg", "deep.jpg", "laughs.svg", "boxes-in-boxes.jpg"]
    for number in range(count):
        if number < len(seeds):
            shutil.copy(seeds[number], folder / f"{number:04}{seeds[number].suffix}")
            continue
        if number < len(seeds) + len(small):
            name = small[number - len(seeds)]
            (folder / f"{number:04}-{name}").write_bytes(makers.LIARS[name]())
            continue
        seed = chance.choice(seeds)
        data = bytearray(seed.read_bytes())
        for _ in range(chance.randint(1, 6)):
            # half of them where credentials and declarations stand
            data[chance.randrange(len(data) if chance.random() < 0.5 else min(len(data), 30_000))] ^= 1 << (
                chance.randrange(8)
            )
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        (folder / f"{number:04}{seed.suffix}").write_bytes(data)


def run(folder: Path, *options: str | Path, prefix: tuple[str, ...] = (), seed: str = "0", jobs: int = 1) -> bytes:
    command = [*prefix, sys.executable, "-m", "waarmerk.cli", "verify", "--format", "json", "--fail-on", "", "-q"]
    command += ["--at", "2026-11-21T12:00:00Z", "--trust", str(SAMPLES / "trust"), "-j", str(jobs), *map(str, options)]
    done = subprocess.run(
        [*command, "."],
        cwd=folder,
        capture_output=True,
        check=False,
        env={"PATH": os.environ["PATH"], "HOME": str(folder.parent), "PYTHONHASHSEED": seed},
        timeout=3000,
    )
    assert done.returncode in (0, 3), done.stderr
    return done.stdout


def no_network() -> tuple[str, ...]:
    """What runs a command without a network, nothing where no such thing can be made."""
    prefix = ("unshare", "-rn")
    if shutil.which(prefix[0]) is None:
        return ()
    return () if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode else prefix


def require_the_same(folder: Path, count: int, *options: str | Path) -> None:
    first, other = folder / "first", folder / "other" / "place"
    first.mkdir()
    fill(first, count)
    shutil.copytree(first, other)
    told = run(first, *options)
    reports = json.loads(told)
    assert len(reports) > 0.9 * count  # what no longer begins as media is passed over in a folder
    assert len({json.dumps(each["verdict"]) for each in reports}) >= 5, "files that all give one answer show nothing"
    assert run(first, *options, seed="0") == told
    assert run(other, *options, seed="4711", jobs=2, prefix=no_network()) == told


def test_equal_bytes_give_equal_bytes(tmp_path: Path) -> None:
    require_the_same(tmp_path, 60)


@pytest.mark.slow
def test_a_thousand_files_give_equal_bytes(tmp_path: Path) -> None:
    require_the_same(tmp_path, 1000)


@pytest.mark.slow
def test_a_search_for_marks_gives_equal_bytes(tmp_path: Path) -> None:
    Key.generate("ai").save(tmp_path / "ai.key")
    require_the_same(tmp_path, 100, "--key", tmp_path / "ai.key")
