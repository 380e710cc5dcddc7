# SPDX-License-Identifier: Apache-2.0
"""Rules of the house that no linter holds."""

import ast
import importlib
import subprocess
import sys
from collections.abc import Collection, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import ROOT

ROOTS = [ROOT / name / "waarmerk" for name in ("provenance", "watermark", "api", "cli")]
SOURCES = sorted(path for root in ROOTS for path in root.rglob("*.py"))
_NOT_USED = {"manager", "helper", "helpers", "util", "utils", "service", "handler", "info", "process"}


def test_there_is_a_house() -> None:
    assert len(SOURCES) > 40
    assert not [root for root in ROOTS if (root / "__init__.py").exists()], "waarmerk is a namespace (PEP 420)"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_is_licensed_short_and_well_named(path: Path) -> None:
    text = path.read_text("utf-8")
    assert text.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    assert len(text.splitlines()) <= 400, "a room this large wants a wall"
    assert path.stem not in _NOT_USED


def module_of(path: Path) -> str:
    """The name that a source is imported by."""
    root = next(root for root in ROOTS if root in path.parents)
    parts = path.relative_to(root.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path, known: Collection[str]) -> Iterator[str]:
    """What a source takes from others of ours, within functions and for the type checker alone as well."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield inside if inside in known else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_no_two_files_need_each_other() -> None:
    modules = {module_of(path): path for path in SOURCES}
    needs = {name: {each for each in imported(path, modules) if each in modules} for name, path in modules.items()}
    assert sum(map(len, needs.values())) > 1000, "imports were found"
    TopologicalSorter({name: found - {name} for name, found in needs.items()}).prepare()  # CycleError names the circle


def test_public_names_are_what_can_be_seen() -> None:
    for name in ("waarmerk.provenance", "waarmerk.watermark"):
        module = importlib.import_module(name)
        for public in module.__all__:
            assert getattr(module, public) is not None, (name, public)


def test_no_clock_no_chance_and_no_network_inside() -> None:
    """The clock is asked at the doors, in ``build_verifier`` and for deadlines of workers; nothing asks a network."""
    forbidden = {"random", "socket", "urllib.request", "requests", "http.client"}
    network = {ROOT / "provenance/waarmerk/provenance" / path for path in ("trust/fetch.py", "registry/online.py")}
    network.add(ROOT / "api/waarmerk/api/postbox.py")  # webhooks, to addresses that an operator registered
    network.add(ROOT / "provenance/waarmerk/provenance/jobs/line.py")  # pairs without an address, to our own workers
    clocks = (
        "build.py",
        "jobs/child.py",
        "jobs/frames.py",
        "cli/waarmerk/cli/options.py",
        "api/waarmerk/api/services.py",
        "watermark/keys.py",
    )
    asked = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name(id="datetime" | "date"), attr="now" | "utcnow" | "today"):
                    asked.add(path)
                case ast.Attribute(value=ast.Name(id="time"), attr="time" | "monotonic" | "perf_counter"):
                    asked.add(path)
                case ast.Import(names=names):
                    assert path in network or not {alias.name for alias in names} & forbidden, path
                case ast.ImportFrom(module=module):
                    assert path in network or module not in forbidden, path
    assert sorted(str(path) for path in asked if not str(path).endswith(clocks)) == []


def test_only_two_commands_reach_the_network() -> None:
    """What can fetch is imported by the update of the lists, by ``recover --online``, and inside their functions."""
    texts = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in SOURCES}
    online = {path for path, text in texts.items() if "registry.online import" in text}
    assert online == {"cli/waarmerk/cli/registry_recover.py"}
    users = {path for path, text in texts.items() if "trust.fetch import" in text}
    assert users == {
        "provenance/waarmerk/provenance/trust/refresh.py",
        "provenance/waarmerk/provenance/registry/online.py",
        "cli/waarmerk/cli/trust.py",
    }
    code = (
        "import sys; import waarmerk.provenance, waarmerk.provenance.build, waarmerk.provenance.jobs.worker,"
        " waarmerk.provenance.credentials, waarmerk.cli.trust,"
        " waarmerk.cli.registry;"
        " print([m for m in sys.modules if m.endswith(('trust.fetch', 'registry.online'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_command_line_starts_without_the_engine() -> None:
    """What only passes files on to workers loads no engine, no decoder and no numerics."""
    code = (
        "import sys; import waarmerk.cli.main, waarmerk.cli.verify;"
        "print([m for m in ('c2pa', 'cryptography', 'PIL', 'numpy', 'cv2', 'rich', 'fastapi', 'yaml')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_library_of_pixels_knows_no_evidence() -> None:
    code = (
        "import sys; import waarmerk.watermark; print([m for m in sys.modules if m.startswith('waarmerk.provenance')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
