# SPDX-License-Identifier: Apache-2.0
"""How fast the labelling rules are: 10,000 decisions on one core, and what they cost at start-up.

    python benchmarks/labelling.py [--decisions 10000] [--json FILE]

The decisions cycle through all worked examples of the shipped pack, weighing included. Start-up is the median of
several fresh interpreters: an empty one, one that imports the loader, one that loads the pack from its compiled form,
and one that loads it from YAML.
"""

import argparse
import json
import platform
import statistics
import subprocess
import sys
import time
from itertools import cycle, islice
from pathlib import Path

from waarmerk.provenance.labelling.loader import SHIPPED, load_folder, load_packs
from waarmerk.provenance.labelling.scenarios import CLOCK, cases
from waarmerk.provenance.labelling.stated import decide_stated
from waarmerk.provenance.verdict import weigh

LOADER = "waarmerk.provenance.labelling.loader"
STARTS = {
    "empty": "pass",
    "import": f"import {LOADER}",
    "compiled": f"from {LOADER} import load_packs; load_packs()",
    "yaml": f"from {LOADER} import SHIPPED, load_folder; load_folder(SHIPPED, None)",
}


def start_up(code: str, runs: int) -> float:
    """Median wall time of a fresh interpreter that runs ``code``."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def decisions(count: int) -> tuple[float, int]:
    """CPU time of so many decisions, and how many duties came out."""
    packs = load_packs()
    facts = [case.facts for case in cases(load_folder(SHIPPED, None)[1])]
    started, duties = time.process_time(), 0
    for stated in islice(cycle(facts), count):
        duties += len(decide_stated(packs, stated, weigh, CLOCK)[1])
    return time.process_time() - started, duties


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    seconds, duties = decisions(arguments.decisions)
    result = {
        "decisions": arguments.decisions,
        "cpu_seconds": round(seconds, 2),
        "duties": duties,
        "start_seconds": {name: round(start_up(code, arguments.runs), 3) for name, code in STARTS.items()},
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    print(json.dumps(result, indent=2))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
