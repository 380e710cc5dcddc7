# SPDX-License-Identifier: Apache-2.0
"""Two desks exchange signals by the command line."""

import json
from pathlib import Path

from PIL import Image

from tests.conftest import Run
from tests.unit.marking.conftest import Desk, desk
from tests.unit.marking.pictures import scene
from waarmerk.provenance.registry.package import read

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

    own = waarmerk("registry", "import", out, *theirs, *AT)
    assert (own.returncode, "exchange.own" in own.stderr) == (3, True), "it was taken as what somebody else says"
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


def test_what_an_issuer_says_is_told_as_theirs(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    """It was told as known here, and the same entry as one of which nothing was compared."""
    item, check = tmp_path / "item.jpg", "https://check.example/1"
    Image.fromarray(scene(400, 500, 5)).save(item)
    theirs, ours = ("--registry", tmp_path / "theirs.sqlite", *AT), ("--registry", tmp_path / "ours.sqlite", *AT)
    says = ("--origin", "generated", "--label", "ai-generated", "--fact-check", check, "--published")
    waarmerk("registry", "add", item, *theirs, *says)
    out = tmp_path / "signals.json"
    waarmerk("registry", "export", out, *theirs, "--key-folder", desk.folder / "keys")
    key = read(out.read_bytes()).key_id
    assert waarmerk("registry", "import", out, *ours, "--accept", key).returncode == 0

    row, *said = waarmerk("registry", "match", item, *ours).stdout.splitlines()
    assert "r1, exact, confirmed, this very file, according to Campagne Delta (fact-check)." in row
    assert "Stated origin: Made with AI." in row
    assert {line.split("according to ")[1].split(" (who")[0] for line in said} == {
        "Campagne Delta (fact-check), r1: ai-generated",
        f"Campagne Delta (fact-check), {check}",
    }, "and no hint about what is known exactly"
    (report,) = json.loads(waarmerk("verify", item, *ours, "--format", "json").stdout)
    assert report["verdict"]["summary"]["en"].startswith("Made with AI, according to Campagne Delta (fact-check).")
    assert report["verdict"]["summary"]["nl"].startswith("Met AI gemaakt, volgens Campagne Delta (fact-check).")
    assert (report["verdict"]["tier"], report["verdict"]["claimed_by"]) == ("claimed", ["registry"])
    swept = waarmerk("registry", "sweep", "-j1", item, *ours).stdout.splitlines()[0]
    assert "Stated origin: Made with AI." in swept
    assert "Stated by Campagne Delta" in swept

    Image.open(item).save(tmp_path / "near.jpg", quality=60)
    near = waarmerk("registry", "match", tmp_path / "near.jpg", *ours)
    assert "Others know a picture with a similar fingerprint" in near.stdout, "of a near one it is still a hint"
