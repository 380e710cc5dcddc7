# SPDX-License-Identifier: Apache-2.0
"""What a benchmark result was measured with: commit, versions, processor."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "scipy", "opencv-python-headless", "Pillow")


def describe_run() -> dict[str, str]:
    """Commit of the engine, versions of what it stands on, kind of processor."""
    root = Path(__file__).resolve().parents[2]
    commit = subprocess.run(
        ["git", "-C", str(root), "log", "-1", "--format=%h", "--", "watermark"],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    run = {"commit": commit, "python": platform.python_version(), "processor": model, "threads": "1"}
    for package in PACKAGES:
        try:
            run[package] = version(package)
        except PackageNotFoundError:
            run[package] = "none"
    return run
