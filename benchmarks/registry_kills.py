# SPDX-License-Identifier: Apache-2.0
"""The registry killed while it enters, erases, takes in: ``python benchmarks/registry_kills.py [--points 100]``.

At random moments, before every call of the system that changes a file, and the command line itself as a user runs it.
Each ending is looked at by the test's own eyes (tests/faults/test_registry_kill.py): the database sound, every entry
whole or gone, no bytes and no rows of the index that belong to nobody, the next entry found. Anything else stops it.
"""

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults.test_registry_kill import (  # noqa: E402 - the path comes first
    ACTIONS,
    Ground,
    at_every_call,
    at_random,
    found,
    ground,
)
from tests.unit.marking.pictures import scene  # noqa: E402


def commands(site: Ground, points: int) -> Counter[str]:
    """``registry remove`` as a process of its own, killed up to the time that it takes and a tenth more."""
    return killed(site, points, ("remove", "r2", "r3"), seed=11, loading=1 / 3, ends="remove")


def entering(site: Ground, points: int) -> Counter[str]:
    """``registry add`` of a picture as a process of its own, killed the same way."""
    picture = site.folder / "picture.png"
    Image.fromarray(scene(220, 260, 308)).save(picture)
    return killed(site, points, ("add", str(picture)), seed=12, loading=1 / 2, ends="command")


def killed(site: Ground, points: int, words: tuple[str, ...], *, seed: int, loading: float, ends: str) -> Counter[str]:
    """``registry`` with ``words``, killed after the share of its time in which it is still ``loading``."""
    command = [sys.executable, "-m", "waarmerk.cli", "registry", *words, "--registry", site.url]
    site.begin()
    started = time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    longest = 1.1 * (time.monotonic() - started)
    delays, outcomes = random.Random(seed), Counter[str]()
    for _ in range(points):
        site.begin()
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            time.sleep(delays.uniform(longest * loading, longest))
            process.kill()
        outcomes[found(site, ends)] += 1
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=100)
    parser.add_argument("--step", type=int, default=1, help="of the changes of a file every so many is died before")
    parser.add_argument("--commands", type=int, default=20)
    chosen = parser.parse_args()
    kills: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory() as name, ground(Path(name)) as site:
        for action in ACTIONS:
            kills[f"{action}, random moments"] = at_random(site, action, chosen.points)
            if sys.platform == "linux" and platform.machine() == "x86_64":
                which = "every change" if chosen.step == 1 else f"one change in {chosen.step}"
                kills[f"{action}, before {which} of a file"] = Counter(at_every_call(site, action, 1, chosen.step))
            print(kills, file=sys.stderr, flush=True)
        kills["the command registry remove, random moments"] = commands(site, chosen.commands)
        kills["the command registry add, random moments"] = entering(site, chosen.commands)
    result = {
        "what": "the registry killed with signal 9: how it was found afterwards; anything else than old or new: 0",
        "command": f"python benchmarks/registry_kills.py --points {chosen.points} --step {chosen.step}"
        f" --commands {chosen.commands}",
        "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "total": sum(sum(each.values()) for each in kills.values()),
        "kills": kills,
    }
    json.dump(result, sys.stdout, indent=1)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
