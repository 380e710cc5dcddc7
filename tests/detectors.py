# SPDX-License-Identifier: Apache-2.0
"""A distribution with detectors, as an operator installs one."""

from pathlib import Path

import pytest


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, module: str, code: str, **detectors: str) -> None:
    """Put ``code`` as ``module`` into ``folder``, where workers find it; each of ``detectors`` is a name of it."""
    about = folder / f"{module}-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1\n")
    points = "".join(f"{name} = {module}:{where}\n" for name, where in detectors.items())
    (about / "entry_points.txt").write_text(f"[waarmerk.detectors]\n{points}")
    (folder / f"{module}.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(folder))
