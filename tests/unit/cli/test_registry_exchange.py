# SPDX-License-Identifier: Apache-2.0
"""Two desks exchange signals by the command line."""

import json
from pathlib import Path

from PIL import Image

from tests.conftest import Run
from tests.unit.marking.conftest import Desk, desk
from tests.unit.marking.pictures import scene

__all__ = ["desk"]
AT = ("--at", "2026-11-22T12:00:00Z")


def test_two_desks_exchange_signals(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    Image.fromarray(scene(400, 500, 5)).save(tmp_path / "item.jpg")
    Image.fromarray(scene(400, 500, 6)).save(tmp_path / "private.jpg")
    theirs, ours = ("--registry", tmp_path / "theirs.sqlite"), ("--registry", tmp_path / "ours.sqlite")
    waarmerk("registry", "add", tmp_path / "item.jpg", *theirs, "--label", "satire", "--published", *AT)
    waarmerk("registry", "add", tmp_path / "private.jpg", *theirs, *AT)
    out = tmp_path / "signals.json"
    sent = waarmerk("registry", "export", out, *theirs, "--key-folder", desk.folder / "keys", *AT)
    assert (sent.returncode, "1 entries stayed here" in sent.stderr) == (0, True), sent.stderr
    assert json.loads(out.read_bytes())["issuer"]["name"] == "Campagne Delta"

    got = waarmerk("registry", "import", out, *ours, *AT)
    assert (got.returncode, "1 new" in got.stdout, "In quarantine" in got.stdout) == (0, True, True), got.stderr
    assert waarmerk("registry", "match", tmp_path / "item.jpg", *ours, *AT).returncode == 1
    (issuer,) = json.loads(waarmerk("registry", "issuers", *ours, "--format", "json").stdout)
    assert (issuer["standing"], issuer["name"], issuer["items"]) == ("quarantined", "Campagne Delta", 1)
    replayed = waarmerk("registry", "import", out, *ours, *AT)
    assert (replayed.returncode, "exchange.replayed" in replayed.stderr) == (3, True)
    assert waarmerk("registry", "accept", issuer["key_id"], *ours, *AT).returncode == 0
    found = waarmerk("registry", "match", tmp_path / "item.jpg", *ours, "--format", "json", *AT)
    (match,) = json.loads(found.stdout)[0]["matches"]
    assert (match["labels"], match["basis"], match["source"]) == (["satire"], "package", "Campagne Delta (entered)")
    assert waarmerk("registry", "refuse", issuer["key_id"], *ours, *AT).returncode == 0
    assert waarmerk("registry", "match", tmp_path / "item.jpg", *ours, *AT).returncode == 1
    assert waarmerk("registry", "accept", "00", *ours, *AT).returncode == 1

    wrong = waarmerk("registry", "import", out, "--registry", tmp_path / "third.sqlite", "--accept", "00", *AT)
    assert (wrong.returncode, "signed with the key" in wrong.stderr) == (2, True)
    assert not (tmp_path / "third.sqlite").exists()
    assert waarmerk("registry", "import", tmp_path / "item.jpg", *ours, *AT).returncode == 3
