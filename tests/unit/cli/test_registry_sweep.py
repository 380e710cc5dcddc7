# SPDX-License-Identifier: Apache-2.0
"""A sweep as a desk makes it: reposts of what was fact-checked, found and listed, and nothing else."""

import csv
import io
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.conftest import Run
from tests.unit.marking.conftest import Desk, desk
from tests.unit.marking.pictures import scene

__all__ = ["desk"]
AT = ("--at", "2026-11-22T12:30:00Z")
CHECK = "https://check.example/flood"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seven reposts of one debunked picture, each changed in its own way, among others."""
    (tmp_path / "stream").mkdir()
    item = scene(600, 800, 5)
    Image.fromarray(item).save(tmp_path / "item.jpg", quality=92)
    picture = Image.fromarray(item)
    dark = Image.fromarray((item * 0.8).astype(np.uint8))
    boxed = item.copy()
    boxed[-70:] = 20
    copies = (
        picture.resize((400, 300)),
        picture.crop((40, 40, 760, 560)),
        picture.rotate(3, expand=True),
        dark,
        Image.fromarray(boxed),
        picture.resize((1200, 900)),
        picture,
    )
    for number, copy in enumerate(copies):
        copy.save(tmp_path / "stream" / f"repost{number}.jpg", quality=50)
    for number in range(3):
        Image.fromarray(scene(500, 700, 40 + number)).save(tmp_path / "stream" / f"other{number}.jpg")
    (tmp_path / "stream" / "notes.txt").write_text("no picture")
    return tmp_path


def test_seven_reposts_are_found_and_others_are_not(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite")
    told = ("--fact-check", CHECK, "--label", "fact-checked", "--source", "Desk A")
    assert waarmerk("registry", "add", folder / "item.jpg", *where, *told, *AT).returncode == 0
    done = waarmerk("registry", "sweep", folder / "stream", *where, "--format", "json", *AT)
    assert (done.returncode, "7 to review; 10 examined" in done.stderr) == (1, True)
    rows = json.loads(done.stdout)
    assert [Path(row["name"]).name for row in rows] == [f"repost{number}.jpg" for number in range(7)]
    assert {(row["basis"], row["source"], *row["fact_checks"], *row["labels"]) for row in rows} == {
        ("fact-check", "Desk A", CHECK, "fact-checked")
    }
    assert not any(row["says_itself"] for row in rows)
    listed = folder / "list.txt"
    listed.write_text("\n".join(row["name"] for row in rows[:2]))
    table = waarmerk("registry", "sweep", "-j1", "--files-from", listed, *where, "--format", "csv", *AT)
    parsed = list(csv.DictReader(io.StringIO(table.stdout)))
    assert [(row["registry_id"], row["fact_checks"]) for row in parsed] == [("r1", CHECK)] * 2
    human = waarmerk("registry", "sweep", "-j1", folder / "stream" / "repost6.jpg", *where, "--lang", "nl", *AT)
    assert "Gefactcheckt, ingevoerd door Desk A." in human.stdout
    assert CHECK in human.stdout
    clean = waarmerk("registry", "sweep", "-j1", folder / "stream" / "other0.jpg", *where, *AT)
    assert (clean.returncode, clean.stdout) == (0, "")
    assert waarmerk("registry", "sweep", "-j1", folder / "stream" / "notes.txt", *where, *AT).returncode == 3
    (folder / "other").mkdir()
    (folder / "other" / "leeg.jpg").write_bytes(b"")
    for name in ("notes.txt", "other0.jpg"):
        (folder / "stream" / name).rename(folder / "other" / name)
    broken = waarmerk("registry", "sweep", "-j1", folder / "other", *where, *AT)
    assert broken.returncode == 3
    assert "leeg.jpg" in broken.stderr
    assert "notes.txt" not in broken.stderr


def test_a_row_says_how_much_is_seen_and_where_and_whether_it_is_turned_over(folder: Path, waarmerk: Run) -> None:
    """A cut to a quarter, a mirrored copy and a collage all were "shows r1, and differs from it in a part"."""
    where, item = ("--registry", folder / "known.sqlite", *AT), scene(600, 800, 5)
    waarmerk("registry", "add", folder / "item.jpg", *where, "--label", "satire", "--origin", "captured")
    collage = np.hstack([scene(600, 800, 61), item])
    copies = {"copy": item, "cut": item[:450, :600], "mirrored": item[:, ::-1], "collage": collage}
    for name, copy in copies.items():
        Image.fromarray(np.ascontiguousarray(copy)).save(folder / f"{name}.jpg", quality=85)
    swept = ("registry", "sweep", "-j1", *(folder / f"{name}.jpg" for name in copies), *where)
    rows = dict(zip(copies, waarmerk(*swept).stdout.splitlines(), strict=True))
    assert ": a copy of r1" in rows["copy"]
    assert "origin: Captured with a camera" in rows["copy"]
    assert "origin" not in rows["cut"], "what differs carries none"
    assert re.search(r", not the whole: 5[4-8] % of it seen \(\d+ x \d+ pixels at 0, 0\)", rows["cut"])
    assert re.search(r" seen \(80\d x 600 pixels at (79|80)\d, 0\)", rows["collage"])
    assert ["mirrored" in row.split(":", 1)[1] for row in rows.values()] == [False, False, True, False]
    assert all(row.endswith("Entered here.") for row in rows.values())
    dutch = waarmerk(*swept, "--lang", "nl").stdout.splitlines()
    assert " % ervan te zien (" in dutch[1]
    assert ", gespiegeld, " in dutch[2]
    table = list(csv.DictReader(io.StringIO(waarmerk(*swept, "--format", "csv").stdout)))
    assert [row["mirrored"] for row in table] == ["false", "false", "true", "false"]
    assert re.fullmatch(r"(79|80)\d 0 80\d 600", table[3]["region"])
    assert {row["role"] for row in table} == {"item"}


def test_a_part_of_what_a_fact_check_published_is_listed_and_the_whole_is_not(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite", *AT)
    barred = np.vstack([np.full((120, 800, 3), (200, 0, 0), np.uint8), scene(600, 800, 5)])
    Image.fromarray(barred).save(folder / "barred.jpg", quality=92)
    Image.fromarray(barred).save(folder / "whole.jpg", quality=70)
    Image.fromarray(barred[120:]).save(folder / "cut.jpg", quality=85)
    waarmerk("registry", "add", folder / "barred.jpg", *where, "--debunk", "--fact-check", CHECK)
    done = waarmerk("registry", "sweep", "-j1", folder / "cut.jpg", folder / "whole.jpg", *where)
    row, check = done.stdout.splitlines()
    assert done.returncode == 1
    assert "cut.jpg: shows r1" in row
    assert "which a fact-check published; not the whole: 8" in row
    assert "Its stamp or frame may be missing. Fact-checked, entered here." in row
    assert CHECK in check
    listed = waarmerk("registry", "list", *where[:2], "--lang", "nl").stdout.splitlines()
    assert "  Gefactcheckt, hier ingevoerd.  sha256" in listed[0]
    assert listed[1:] == [
        "  wat een factcheck publiceerde; het geheel ervan telt niet als kopie",
        f"  factcheck: {CHECK}",
    ]


def test_a_registry_without_its_pictures_says_that_it_could_not_tell(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite", *AT)
    waarmerk("registry", "add", folder / "item.jpg", *where, "--fact-check", CHECK)
    shutil.rmtree(folder / "known.sqlite.files")
    copy = folder / "stream" / "repost0.jpg"
    looked = waarmerk("registry", "match", copy, *where)
    assert looked.returncode == 3
    assert "r1, fingerprint, not compared" in looked.stdout
    assert "is gone or damaged. Whether this is a copy is not known." in looked.stdout
    swept = waarmerk("registry", "sweep", "-j1", copy, *where, "--lang", "nl")
    assert (swept.returncode, swept.stdout) == (3, "")
    assert "repost0.jpg: Het register kent iets" in swept.stderr
    assert "kon zeggen wat het weet: 1." in swept.stderr


def test_what_says_itself_what_it_is_is_listed_only_on_request(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    Image.fromarray(scene(600, 800, 5)).save(tmp_path / "source.jpg", quality=92)
    desk.label(tmp_path / "source.jpg", tmp_path / "labelled.jpg")
    with Image.open(tmp_path / "labelled.jpg") as image:
        image.convert("RGB").save(tmp_path / "stripped.jpg", quality=80)
    where = ("--registry", tmp_path / "known.sqlite", "--trust", desk.folder / "trust", *AT)
    waarmerk("registry", "add", tmp_path / "labelled.jpg", *where, "--origin", "generated", "--label", "ai-generated")
    both = (tmp_path / "labelled.jpg", tmp_path / "stripped.jpg")
    rows = json.loads(waarmerk("registry", "sweep", "-j1", *both, *where, "--format", "json").stdout)
    assert [(Path(row["name"]).name, row["origin"]) for row in rows] == [("stripped.jpg", "ai-generated")]
    rows = json.loads(waarmerk("registry", "sweep", "-j1", *both, *where, "--all", "--format", "json").stdout)
    assert [(Path(row["name"]).name, row["says_itself"]) for row in rows] == [
        ("labelled.jpg", ["credentials", "metadata"]),
        ("stripped.jpg", []),
    ]


def test_copies_are_counted_by_the_hour_and_only_where_asked(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite")
    waarmerk("registry", "add", folder / "item.jpg", *where, "--label", "satire", *AT)
    stream = (folder / "stream" / "repost0.jpg", folder / "stream" / "repost6.jpg", folder / "stream" / "other0.jpg")
    waarmerk("registry", "sweep", "-j1", stream[1], *where, *AT)
    assert json.loads(waarmerk("registry", "velocity", *where, "--format", "json", *AT).stdout) == []
    waarmerk("registry", "sweep", "-j1", *stream, *where, "--count", *AT)
    waarmerk("registry", "match", stream[1], *where, "--count", "--at", "2026-11-22T10:10:00Z")
    (seen,) = json.loads(waarmerk("registry", "velocity", *where, "--format", "json", *AT).stdout)
    assert seen == {
        "registry_id": "r1",
        "last_hour": 2,
        "hours": 24,
        "copies": 3,
        "busiest_hour": "2026-11-22T12:00:00Z",
        "copies_in_busiest_hour": 2,
    }
    told = waarmerk("registry", "velocity", *where, "--hours", "1", "--at", "2026-11-22T10:59:59Z")
    assert "r1: 1 in the last hour, 1 in 1 hours" in told.stdout
    assert "counted" in waarmerk("registry", "velocity", *where, "--at", "2026-11-24T12:00:00Z").stdout


def test_dispute_withdraw_reinstate_and_the_history(folder: Path, waarmerk: Run) -> None:
    where = ("--registry", folder / "known.sqlite", *AT)
    copy = folder / "stream" / "repost6.jpg"
    waarmerk("registry", "add", folder / "item.jpg", *where, "--label", "satire")
    assert waarmerk("registry", "dispute", "r1", "--why", "Wrong place", *where).returncode == 0
    assert waarmerk("registry", "sweep", "-j1", copy, *where).returncode == 0
    assert "disputed" in waarmerk("registry", "list", *where[:2]).stdout
    assert waarmerk("registry", "withdraw", "r1", "--why", "It was right", *where).returncode == 0
    assert waarmerk("registry", "match", copy, *where).returncode == 1
    assert waarmerk("registry", "reinstate", "r1", "--why", "Right place", *where).returncode == 0
    assert waarmerk("registry", "sweep", "-j1", copy, *where).returncode == 1
    noted = json.loads(waarmerk("registry", "history", "r1", *where[:2], "--format", "json").stdout)
    assert [(note["what"], note["why"]) for note in noted] == [
        ("added", None),
        ("disputed", "Wrong place"),
        ("withdrawn", "It was right"),
        ("active", "Right place"),
    ]
    assert waarmerk("registry", "withdraw", "r9", "--why", "x", *where).returncode == 1
    assert waarmerk("registry", "withdraw", "r1", "--why", " ", *where).returncode == 2
    assert waarmerk("registry", "history", "r9", *where[:2]).returncode == 1


def test_a_folder_without_media_is_no_all_clear(folder: Path, waarmerk: Run) -> None:
    """It was "0 to review" with exit code 0, also of a folder that was mistyped or not yet filled."""
    where = ("--registry", folder / "known.sqlite", *AT)
    waarmerk("registry", "add", folder / "item.jpg", "--label", "satire", *where)
    (folder / "bare").mkdir()
    for name in (None, "notes.txt"):
        if name is not None:
            (folder / "bare" / name).write_text("no picture")
        done = waarmerk("registry", "sweep", folder / "bare", *where)
        assert (done.returncode, "No supported media" in done.stderr) == (3, True), name
