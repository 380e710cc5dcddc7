# SPDX-License-Identifier: Apache-2.0
"""Promise P7 at its full figure: ``label`` killed at 500 random moments, and before every call of the system.

    python benchmarks/kills.py [--points 500] > benchmarks/kills.json

Each ending is looked at by the test's own eyes (tests/faults/test_label_kill.py): old files or complete new ones that
verify and are bound by the ledger, a whole ledger, nothing left over after the next start. Anything else stops the run.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults.test_label_kill import at_every_call, run  # noqa: E402 - the path comes first
from tests.unit.marking.conftest import made_desk  # noqa: E402


def kills(kind: str, points: int) -> dict[str, dict[str, int]]:
    """How often which ending was found, for files with their credentials ``inside`` or in a ``sidecar``."""
    with tempfile.TemporaryDirectory() as name:
        desk, moments, calls = made_desk(Path(name, "desk")), Path(name, "moments"), Path(name, "calls")
        moments.mkdir()
        calls.mkdir()
        sidecar = kind == "sidecar"
        return {
            f"{kind}, random moments": run(desk, moments, points, sidecar=sidecar),
            f"{kind}, before every call": Counter(at_every_call(desk, calls, 1, 1, sidecar=sidecar)),
        }


def main() -> None:
    """Print the result as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=500)
    points = parser.parse_args().points
    with ThreadPoolExecutor() as pool:
        inside, sidecar = pool.map(lambda kind: kills(kind, points), ("inside", "sidecar"))
    result = {
        "what": "label killed with signal 9: how the files were found after the next start; anything else: 0",
        "command": f"python benchmarks/kills.py --points {points}",
        "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, text=True).strip(),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "kills": {**inside, **sidecar},
    }
    json.dump(result, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
