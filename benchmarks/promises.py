# SPDX-License-Identifier: Apache-2.0
"""Promises of the project, the tests that carry them, and their runs at the full figure.

    python benchmarks/promises.py run P13        its slow tests; adds what came of them to benchmarks/promises.json
    python benchmarks/promises.py page           docs/promises.md, from benchmarks/promises.json

A test holds the page, the file and the tests together.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "benchmarks" / "promises.json"
PAGE = ROOT / "docs" / "promises.md"
HEAD = """# What is promised, and how it is tested

Each promise is a test that runs with every change, at a reduced count, and one at the full figure
(`make test-slow`). Both are named here, with what came of the runs at the full figure: of the code of
that commit, on a machine that `benchmarks/promises.json` describes. This page is made from that file by
`benchmarks/promises.py`, and a test holds page, file and tests together.

Processors were shared with other work. A time on the clock says at most that it does not take longer.
"""
_HELD = {True: "held", False: "**not held**", None: "measured, no verdict"}


def page(data: dict[str, Any]) -> str:
    """The page in Markdown."""
    parts = [HEAD]
    for promise in data["promises"]:
        parts.append(f"## {promise['id']} {promise['promise']}\n\nGoal: {promise['goal']}.\n")
        parts.append("With every change: " + _named(promise["tests"]) + ".")
        parts.append("At the full figure: " + (_named(promise["slow"]) if promise["slow"] else "the same") + ".\n")
        runs = [run for run in data["runs"] if run["promise"] == promise["id"]]
        parts += [f"- {run['figure']} ({_HELD[run['held']]}, commit {run['commit']})" for run in runs]
        if promise["slow"] and not runs:
            parts.append("Not run at the full figure yet.")
        if promise["slow"] or runs:
            parts.append("")
    return "\n".join(parts).rstrip() + "\n"


def _named(tests: list[str]) -> str:
    return ", ".join(f"`{test.removeprefix('tests/')}`" for test in tests)


def run(promise: dict[str, Any], only: str | None) -> dict[str, Any]:
    """Run the slow tests of a promise; what they recorded, and whether all held."""
    tests = promise["slow"] or promise["tests"]
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder, "told.xml")
        command = [sys.executable, "-m", "pytest", "-q", "-o", "junit_family=xunit1", f"--junitxml={told}"]
        command += ["-m", "slow" if promise["slow"] else "not slow", *tests, *(("-k", only) if only else ())]
        began, load = time.monotonic(), os.getloadavg()[0]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        seconds = time.monotonic() - began
        cases = list(ElementTree.parse(told).getroot().iter("testcase"))
    recorded = {
        f"{case.get('name')}: {each.get('name')}": each.get("value") for case in cases for each in case.iter("property")
    }
    return {
        "promise": promise["id"],
        "figure": f"{sum(case.find('skipped') is None for case in cases)} tests",
        "held": code == 0,
        "commit": _git("rev-parse", "--short", "HEAD"),
        "command": f"python -m pytest -m slow {' '.join(tests)}{f' -k {only!r}' if only else ''}",
        "machine": f"{os.cpu_count()} processors, load {load:.0f}, Python {platform.python_version()}",
        "seconds": round(seconds),
        **({"recorded": recorded} if recorded else {}),
    }


def _git(*arguments: str) -> str:
    return subprocess.check_output(["git", *arguments], cwd=ROOT, text=True).strip()


def main() -> None:
    """Run a promise or write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("promises", nargs="*", metavar="P1")
    parser.add_argument("-k", dest="only", help="only tests that match, as pytest takes it")
    given = parser.parse_args()
    data = json.loads(DATA.read_text("utf-8"))
    for promise in data["promises"] if given.what == "run" else ():
        if promise["id"] in given.promises:
            data["runs"].append(run(promise, given.only))
            DATA.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")
    PAGE.write_text(page(data), "utf-8")


if __name__ == "__main__":
    main()
