# SPDX-License-Identifier: Apache-2.0
"""``waarmerk registry`` as a desk uses it."""

import json
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from tests.unit.marking.conftest import Desk, desk, saved
from tests.unit.marking.pictures import scene
from waarmerk.provenance.registry.store import Store

__all__ = ["desk"]
AT = "2026-11-22T12:00:00Z"


@pytest.fixture
def folder(desk: Desk, tmp_path: Path) -> Path:
    """An original with mark and credentials, a stripped crop of it, and a stranger."""
    saved(tmp_path / "source.jpg", "JPEG", seed=5, size=(900, 1200), quality=92)
    desk.label(tmp_path / "source.jpg", tmp_path / "original.jpg")
    with Image.open(tmp_path / "original.jpg") as image:
        image.convert("RGB").crop((90, 80, 1094, 833)).save(tmp_path / "copy.jpg", "JPEG", quality=60)
    Image.fromarray(scene(500, 700, 44)).save(tmp_path / "other.jpg")
    return tmp_path


def test_enter_match_recover_list_remove(desk: Desk, folder: Path, waarmerk: Run) -> None:
    known, key, trust = folder / "known.sqlite", desk.folder / "mark.key", desk.folder / "trust"
    where, copy = ("--registry", known), folder / "copy.jpg"
    entering = ("--origin", "generated", "--label", "ai-generated", "--key", key, "--trust", trust, "--at", AT)
    done = waarmerk("registry", "add", folder / "original.jpg", *where, *entering)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("r1: ")
    assert "with its Content Credentials" in done.stdout
    again = waarmerk("registry", "add", folder / "original.jpg", *where, "--at", AT)
    assert again.returncode == 1
    assert "registry.known" in again.stderr

    looked = waarmerk("registry", "match", copy, folder / "other.jpg", *where, "--format", "json", "--at", AT)
    assert looked.returncode == 1, "one of the two is not known"
    found = json.loads(looked.stdout)
    assert [(m["registry_id"], m["kind"], m["labels"]) for m in found[0]["matches"] if m["verified"]] == [
        ("r1", "fingerprint", ["ai-generated"])
    ]
    assert not [m for m in found[1]["matches"] if m["verified"] or m["labels"]]
    marked = waarmerk("registry", "match", copy, *where, "--key", key, "--lang", "nl", "--at", AT)
    assert (marked.returncode, "r1, watermark, bevestigd" in marked.stdout) == (0, True)

    back = waarmerk("registry", "recover", copy, *where, "--at", AT)
    assert (back.returncode, back.stderr) == (0, "")
    assert (folder / "copy.jpg.original.c2pa").stat().st_size > 1000
    assert waarmerk("registry", "recover", copy, *where, "--at", AT).returncode == 2, "never overwritten"
    assert waarmerk("registry", "recover", folder / "other.jpg", *where, "--at", AT).returncode == 1
    assert not (folder / "other.jpg.original.c2pa").exists()

    listed = json.loads(waarmerk("registry", "list", *where, "--format", "json").stdout)
    assert [(one["registry_id"], one["manifest"], one["labels"]) for one in listed] == [("r1", True, ["ai-generated"])]
    assert waarmerk("registry", "remove", "r1", *where, "--at", AT).returncode == 0
    again = waarmerk("registry", "remove", "r1", *where, "--at", AT)
    assert (again.returncode, again.stdout) == (1, "Nothing was removed.\n")
    assert again.stderr == "waarmerk: There is no entry r1.\n"
    assert waarmerk("registry", "remove", "1", *where).returncode == 2
    assert "holds nothing" in waarmerk("registry", "list", *where).stdout
    assert waarmerk("registry", "match", copy, *where, "--at", AT).returncode == 1


def test_verify_looks_into_a_registry_where_one_is_named(desk: Desk, folder: Path, waarmerk: Run) -> None:
    known = folder / "known.sqlite"
    waarmerk("registry", "add", folder / "original.jpg", "--registry", known, "--origin", "generated", "--at", AT)
    done = waarmerk("verify", folder / "copy.jpg", "--registry", f"sqlite:///{known}", "--format", "json", "--at", AT)
    assert done.returncode == 0
    (report,) = json.loads(done.stdout)
    assert (report["verdict"]["origin"], report["verdict"]["claimed_by"]) == ("ai-generated", ["registry"])
    assert [c["state"] for c in report["channels"] if c["channel"] == "registry"] == ["found"]
    assert not any(label["automatic"] for label in report["labels"] if label["rule"].startswith("EU-50"))
    panel = waarmerk("verify", folder / "copy.jpg", "--registry", known, "--lang", "nl", "--at", AT)
    assert "Het register kent iets" in " ".join(panel.stdout.split())
    (without,) = json.loads(waarmerk("verify", folder / "copy.jpg", "--format", "json", "--at", AT).stdout)
    assert without["matches"] == []
    assert [c["state"] for c in without["channels"] if c["channel"] == "registry"] == ["unread"]


def test_an_address_that_is_none_is_wrong_usage(folder: Path, waarmerk: Run) -> None:
    for command in (("verify", folder / "copy.jpg"), ("registry", "match", folder / "copy.jpg"), ("registry", "list")):
        done = waarmerk(*command, "--registry", "https://example.org/")
        assert (done.returncode, "[registry.address]" in done.stderr) == (2, True), done.stderr
    done = waarmerk("serve", "--data", folder, "--registry", "postgresql://host/name")
    assert (done.returncode, "[registry.address]" in done.stderr) == (2, True), done.stderr


def test_a_registry_that_cannot_be_used_is_told_in_words_and_ends_every_command_alike(
    folder: Path, waarmerk: Run
) -> None:
    """Exit code 3: an input could not be read. No class of an exception is a sentence."""
    none, damaged, newer = (folder / f"{name}.sqlite" for name in ("none", "damaged", "newer"))
    damaged.write_bytes(b"no database" * 999)
    Store(str(newer), writing=True).create()
    with closing(sqlite3.connect(newer)) as database, database:
        database.execute("UPDATE registry_version SET version = version + 1")
    picture = folder / "copy.jpg"
    told = {
        none: f"er is geen register {none}: waarmerk registry add maakt het met het eerste bestand [registry.missing]",
        damaged: "het register is beschadigd, of is er geen; zet een eerdere kopie op zijn plaats [registry.damaged]",
        newer: "een latere versie van waarmerk schreef dit register; het blijft zoals het is [registry.newer]",
    }
    commands: list[tuple[str | Path, ...]] = [
        ("verify", picture),
        ("registry", "match", picture),
        ("registry", "recover", picture),
        ("registry", "list"),
        ("registry", "history", "r1"),
        ("registry", "dispute", "r1", "--why", "x"),
        ("registry", "remove", "r1"),
        ("registry", "sweep", folder),
        ("registry", "upgrade"),
        ("serve", "--data", folder / "service", "--port", "0"),
    ]
    for address, sentence in told.items():
        for command in commands:
            language = () if command[0] == "serve" else ("--lang", "nl")
            done = waarmerk(*command, "--registry", address, *language)
            assert done.returncode == 3, (command, done.stderr)
            if language:
                assert done.stderr.splitlines()[-1] == f"waarmerk: {sentence}", command
    assert not none.exists()
    assert not (folder / "service").exists(), "refused before anything is made"


@pytest.mark.parametrize(
    "wrong",
    [
        ("--fact-check", "javascript:alert(1)"),
        ("--fact-check", "https://check.example/1", "--fact-check", ""),
        ("--label", ""),
        ("--label", "satire", "--label", " "),
    ],
)
def test_what_is_no_address_and_a_label_that_says_nothing_are_not_entered(
    wrong: tuple[str, ...], tmp_path: Path, waarmerk: Run
) -> None:
    Image.fromarray(scene(120, 160, 1)).save(tmp_path / "1.png")
    where = ("--registry", tmp_path / "known.sqlite", "--at", AT)
    done = waarmerk("registry", "add", tmp_path / "1.png", *wrong, *where, "--lang", "nl")
    assert (done.returncode, done.stdout) == (2, "")
    assert "adres van een factcheck" in done.stderr or "een label zegt iets" in done.stderr
    assert not (tmp_path / "known.sqlite").exists()


def test_an_index_that_fails_is_told_and_the_entry_stands(tmp_path: Path, waarmerk: Run) -> None:
    known = tmp_path / "known.sqlite"
    for number in (1, 2):
        Image.fromarray(scene(120, 160, number)).save(tmp_path / f"{number}.png")
    assert waarmerk("registry", "add", tmp_path / "1.png", "--registry", known, "--at", AT).returncode == 0
    with closing(sqlite3.connect(known)) as database, database:
        database.execute("UPDATE sqlite_sequence SET seq = 1023 WHERE name = 'entry'")  # the next one seals the index
    (tmp_path / "known.sqlite.files" / "index").write_bytes(b"no folder")
    done = waarmerk("registry", "add", tmp_path / "2.png", "--registry", known, "--at", AT)
    assert done.returncode == 0
    assert done.stdout.startswith("r1024: ")
    assert "registry.failed" in done.stderr
    assert "nothing has to be entered again" in done.stderr
    again = waarmerk("registry", "add", tmp_path / "2.png", "--registry", known, "--at", AT)
    assert (again.returncode, "registry.known" in again.stderr) == (1, True)


def test_what_was_kept_without_colours_is_named(waarmerk: Run, tmp_path: Path) -> None:
    where = ("--registry", tmp_path / "known.sqlite")
    for seed in (1, 2):
        Image.fromarray(scene(300, 400, seed)).save(tmp_path / f"{seed}.jpg")
    Image.fromarray(scene(300, 400, 3)).convert("L").save(tmp_path / "3.jpg")
    names = [tmp_path / f"{seed}.jpg" for seed in (1, 2, 3)]
    assert waarmerk("registry", "add", *names, *where, "--at", AT).returncode == 0
    assert "has its colours" in waarmerk("registry", "list", "--grey", *where).stdout
    store = Store(str(tmp_path / "known.sqlite"), writing=True)
    held = store.entry(2)
    assert held is not None
    out = BytesIO()
    Image.fromarray(scene(300, 400, 2)).convert("L").save(out, "JPEG")  # as versions before decision 114 kept it
    kept = store.files.put(out.getvalue())
    with closing(sqlite3.connect(tmp_path / "known.sqlite")) as database:
        database.execute("update entry set reference = ? where number = 2", (kept,))
        database.commit()
    told = waarmerk("registry", "list", "--grey", *where, "--lang", "nl").stdout
    assert (told.startswith("r2 "), "1 zonder kleuren" in told, "r1 " in told, "r3 " in told) == (
        True,
        True,
        False,
        False,
    )
    listed = json.loads(waarmerk("registry", "list", "--grey", *where, "--format", "json").stdout)
    assert [each["registry_id"] for each in listed] == ["r2"]
    assert len(waarmerk("registry", "list", *where).stdout.splitlines()) == 3


def test_a_picture_that_cannot_be_read_is_entered_by_its_digest_and_said_to_be(tmp_path: Path, waarmerk: Run) -> None:
    saved(tmp_path / "whole.jpg", "JPEG", seed=5, size=(300, 400), quality=92)
    (tmp_path / "broken.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:1500])
    done = waarmerk("registry", "add", tmp_path / "broken.jpg", "--registry", tmp_path / "k.sqlite", "--at", AT)
    assert (done.returncode, "Only this very file will be found again" in done.stderr) == (0, True)
    whole = waarmerk("registry", "add", tmp_path / "whole.jpg", "--registry", tmp_path / "k.sqlite", "--at", AT)
    assert (whole.returncode, whole.stderr) == (0, "")


def test_match_says_what_verify_says_of_the_registry_in_the_same_words_and_figures(
    waarmerk: Run, tmp_path: Path
) -> None:
    item, where = Image.fromarray(scene(600, 800, 5)), ("--registry", tmp_path / "known.sqlite", "--at", AT)
    item.save(tmp_path / "item.jpg", quality=92)
    item.save(tmp_path / "whole.jpg", quality=70)
    item.crop((200, 100, 800, 600)).save(tmp_path / "part.jpg", quality=80)
    item.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(tmp_path / "turned.jpg", quality=80)
    names = [tmp_path / name for name in ("whole.jpg", "part.jpg", "turned.jpg")]
    given = ("--origin", "generated", "--label", "ai-generated", "--fact-check", "https://example.org/checked")
    assert waarmerk("registry", "add", tmp_path / "item.jpg", *given, *where).returncode == 0

    found = json.loads(waarmerk("registry", "match", *names, *where, "--format", "json").stdout)
    reports = json.loads(waarmerk("verify", *names, *where, "--format", "json").stdout)
    assert [each["matches"] for each in found] == [each["matches"] for each in reports]
    facts = [(each["is_whole"], each["mirrored"]) for one in found for each in one["matches"]]
    assert facts == [(True, False), (False, False), (False, True)]
    for one, report in zip(found, reports, strict=True):
        known = [each for each in report["verdict"]["concerns"] if each["code"].startswith("registry.")]
        assert one["concerns"] == known
        checked = "registry.fact-checked" if one["matches"][0]["is_whole"] else "registry.fact-checked-part"
        assert checked in {each["code"] for each in known}
    assert "registry.mirrored" in {each["code"] for each in found[2]["concerns"]}
    (about,) = [each["about"] for each in found[1]["concerns"] if each["code"] == "registry.known-part"]
    assert f" {found[1]['matches'][0]['seen_percent']} % " in about

    for language, asked in (("en", names), ("nl", names[1:2])):
        told = waarmerk("registry", "match", *asked, *where, "--lang", language).stdout
        panels = " ".join(waarmerk("verify", *asked, *where, "--lang", language).stdout.split())
        said = [line.strip() for line in told.splitlines() if line.startswith("  ")]
        assert len(said) == sum(len(one["concerns"]) for name, one in zip(names, found, strict=True) if name in asked)
        assert all(line in panels for line in said)
        assert f"{found[1]['matches'][0]['seen_percent']} % " in told


def test_a_changed_mind_is_told_what_to_do(tmp_path: Path, waarmerk: Run) -> None:
    saved(tmp_path / "item.jpg", "JPEG", seed=5, size=(400, 500), quality=92)
    where = ("--registry", tmp_path / "known.sqlite", "--at", AT)
    adding = ("registry", "add", tmp_path / "item.jpg", *where)
    over = waarmerk(*adding, "--keep-until", "2026-11-22T12:00:00Z")
    assert (over.returncode, "over already" in over.stderr) == (2, True), "it was entered, and gone with the next"
    free = waarmerk(*adding, "--published", "--label", "say it")
    assert (free.returncode, "registry.label" in free.stderr) == (2, True), "no package can carry it"
    assert waarmerk(*adding, "--label", "say it").returncode == 0
    again = waarmerk(*adding, "--origin", "modified")
    assert (again.returncode, "as r1; to say something else" in again.stderr) == (1, True)
    waarmerk("registry", "withdraw", "r1", "--why", "mistaken", *where)
    refused = waarmerk("registry", "dispute", "r1", "--why", "asked", "--lang", "nl", *where)
    assert (refused.returncode, "eerst registry reinstate" in refused.stderr) == (3, True)
    assert "as r1, withdrawn" in waarmerk(*adding).stderr


def test_a_file_whose_pixels_cannot_be_read_is_not_said_to_be_unknown(tmp_path: Path, waarmerk: Run) -> None:
    saved(tmp_path / "item.jpg", "JPEG", seed=5, size=(400, 500), quality=92)
    where = ("--registry", tmp_path / "known.sqlite", "--at", AT)
    waarmerk("registry", "add", tmp_path / "item.jpg", *where)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((tmp_path / "item.jpg").read_bytes()[:-1500])
    looked = waarmerk("registry", "match", cut, *where)
    assert (looked.returncode, "not known\n" in looked.stdout) == (3, False)
    assert "cut.jpg" in looked.stdout
    given_back = waarmerk("registry", "recover", cut, *where)
    assert (given_back.returncode, "no confirmed match" in given_back.stdout) == (3, False)
    assert "could not be decoded" in given_back.stdout
    swept = waarmerk("registry", "sweep", cut, *where)
    assert (swept.returncode, "could not tell what it knows: 1" in swept.stderr) == (3, True)
