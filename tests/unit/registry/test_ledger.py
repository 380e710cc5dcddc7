# SPDX-License-Identifier: Apache-2.0
"""The ledger: append-only, whole after any crash, readable by its owner alone, and forgetful where it must be."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry import Chroma, Issuance, Ledger, Still, Thumbnail
from waarmerk.provenance.registry.hashes import chroma, fingerprints, thumbnail

DAY = "2026-11-21T12:00:00Z"
NOISE = np.random.default_rng(5).integers(0, 256, 96 * 72, np.uint8).tobytes()

SMALL = Thumbnail(width=96, height=72, pixels=NOISE)
COLOURS = Chroma(width=48, height=36, pixels=NOISE[: 2 * 48 * 36])


def issuance(number: int = 1, *, key_id: str = "0011223344556677") -> Issuance:
    return Issuance(
        key_id=key_id,
        payload=number.to_bytes(8),
        scheme="ring/1",
        issued_at=DAY,
        says="generated",
        sha256=number.to_bytes(32),
        media_type="image/jpeg",
        width=1200,
        height=900,
        phash=bytes(8),
        pdq=None,
        thumbnail=Thumbnail(width=96, height=72, pixels=NOISE),
        geometry=(1.0, 0.0, 0.5, 0.0, 1.0, 0.5, 0.0, 0.0, 1.0),
        manifest="urn:c2pa:example",
        chroma=Chroma(width=48, height=36, pixels=NOISE[: 2 * 48 * 36]),
        label=(900, 20, 250, 40),
        stills=(Still(at=0.04, thumbnail=SMALL, chroma=COLOURS), Still(at=1.0, thumbnail=SMALL, chroma=COLOURS)),
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "own" / "ledger.sqlite")
    made.create()
    return made


def test_what_was_issued_is_found(ledger: Ledger) -> None:
    ledger.add(issuance(1))
    ledger.add(issuance(2))
    assert ledger.find("0011223344556677", (2).to_bytes(8)) == issuance(2)
    assert ledger.find("0011223344556677", (3).to_bytes(8)) is None
    assert ledger.find("ffffffffffffffff", (2).to_bytes(8)) is None
    assert ledger.of_file((1).to_bytes(32)) == (issuance(1),)
    assert list(ledger.entries()) == [issuance(1), issuance(2)]
    assert ledger.damage() is None


def test_a_mark_is_issued_once(ledger: Ledger) -> None:
    ledger.add(issuance(1))
    with pytest.raises(StoreError, match="issued before"):
        ledger.add(replace(issuance(1), sha256=bytes(32)))
    ledger.add(issuance(1, key_id="ffffffffffffffff"))


def test_making_it_again_keeps_it(ledger: Ledger) -> None:
    ledger.add(issuance())
    ledger.create()
    assert len(list(ledger.entries())) == 1


def earlier(path: Path, version: int) -> None:
    """Take from a ledger what later versions added, as if an earlier one had written it."""
    later = ("stills", *(("chroma_width", "chroma_height", "chroma", "label") if version == 1 else ()))
    with sqlite3.connect(path) as database:
        for column in later:
            database.execute(f"ALTER TABLE issuance DROP COLUMN {column}")
        database.execute(f"PRAGMA user_version = {version}")
    database.close()


@pytest.mark.parametrize("version", [1, 2])
def test_a_ledger_of_an_earlier_version_is_read_and_brought_up_to_date(
    ledger: Ledger, tmp_path: Path, version: int
) -> None:
    ledger.add(replace(issuance(1), stills=()))
    earlier(tmp_path / "own" / "ledger.sqlite", version)
    old = replace(issuance(1), stills=())
    if version == 1:
        old = replace(old, chroma=None, label=None)
    assert list(ledger.entries()) == [old]  # by who only reads, and changes nothing
    assert list(ledger.entries()) == [old]
    ledger.create()
    ledger.add(issuance(2))
    assert list(ledger.entries()) == [old, issuance(2)]
    assert ledger.forget(payload=(1).to_bytes(8), at=DAY) == 1
    assert ledger.damage() is None


def test_only_its_owner_reads_it(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "own" / "ledger.sqlite"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    with pytest.raises(StoreError, match="0600"):
        list(ledger.entries())


def test_the_database_itself_refuses_changes(ledger: Ledger, tmp_path: Path) -> None:
    ledger.add(issuance())
    ledger.add(issuance(2))
    ledger.forget(payload=(2).to_bytes(8), at=DAY)
    with sqlite3.connect(tmp_path / "own" / "ledger.sqlite") as database:
        for change in (
            "UPDATE issuance SET says = 'none'",
            "DELETE FROM issuance",
            "DELETE FROM erasure",
            "UPDATE erasure SET erased_at = ''",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(change)
    database.close()


def test_forgetting_leaves_no_trace_of_the_content(ledger: Ledger, tmp_path: Path) -> None:
    path = tmp_path / "own" / "ledger.sqlite"
    secret = replace(issuance(7), sha256=b"\xa5" * 32, phash=b"\x5a" * 8, manifest="urn:to-be-forgotten")
    ledger.add(issuance(1))
    ledger.add(secret)
    assert b"\xa5" * 32 in path.read_bytes()
    assert ledger.forget(sha256=b"\xa5" * 32, at=DAY) == 1
    left = path.read_bytes()
    for trace in (b"\xa5" * 32, b"\x5a" * 8, b"urn:to-be-forgotten", (7).to_bytes(8)):
        assert trace not in left
    assert sorted(p.name for p in path.parent.iterdir()) == ["ledger.sqlite"]
    assert ledger.find(secret.key_id, secret.payload) is None
    assert list(ledger.entries()) == [issuance(1)]
    assert ledger.forget(sha256=b"\xa5" * 32, at=DAY) == 0
    assert ledger.damage() is None


def test_it_holds_nothing_about_persons_or_names(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "own" / "ledger.sqlite") as database:
        columns = {row[1] for row in database.execute("PRAGMA table_info(issuance)")}
    database.close()
    assert columns == {
        *("id", "key_id", "payload", "scheme", "issued_at", "says", "sha256", "media_type", "width", "height", "phash"),
        *("pdq", "thumbnail_width", "thumbnail_height", "thumbnail", "geometry", "manifest"),
        *("chroma_width", "chroma_height", "chroma", "stills", "label"),
    }


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no ledger"):
        list(Ledger(tmp_path / "absent").entries())
    foreign = tmp_path / "foreign"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE t (a)")
    database.close()
    foreign.chmod(0o600)
    with pytest.raises(StoreError, match="no ledger of this version"):
        Ledger(foreign).create()
    noise = tmp_path / "noise"
    noise.write_bytes(b"not a database at all" * 100)
    noise.chmod(0o600)
    with pytest.raises(StoreError):
        list(Ledger(noise).entries())
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        Ledger(link).create()


def test_a_damaged_entry_is_said_to_be_damaged(ledger: Ledger, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "own" / "ledger.sqlite") as database:
        database.execute(
            "INSERT INTO issuance (key_id, payload, scheme, issued_at, says, sha256, media_type, width, height, phash,"
            " thumbnail_width, thumbnail_height, thumbnail) VALUES ('a', x'00', 's', 't', 'g', x'00', 'm', 1, 1, x'00',"
            " 1, 1, x'00')"
        )
    database.close()
    with pytest.raises(StoreError, match="damaged"):
        list(ledger.entries())


_WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.unit.registry.test_ledger import issuance
from waarmerk.provenance.registry import Ledger
ledger = Ledger(Path(sys.argv[1]))
for number in range(int(sys.argv[2]), 1_000_000):
    ledger.add(issuance(number))
    print(number, flush=True)
"""


def test_killed_at_any_moment_it_stays_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.create()
    first = 1
    for delay in (0.0, 0.004, 0.011, 0.019, 0.030):
        command = [sys.executable, "-c", _WRITER, str(path), str(first)]
        writer = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[3])
        assert writer.stdout is not None
        said = [int(writer.stdout.readline())]
        time.sleep(delay)
        os.kill(writer.pid, signal.SIGKILL)
        said += [int(line) for line in writer.stdout.read().split()]
        writer.stdout.close()
        writer.wait()
        found = [int.from_bytes(entry.payload) for entry in ledger.entries()]
        assert ledger.damage() is None
        assert found[: said[-1]] == list(range(1, said[-1] + 1))  # what was said to be written is there
        first = found[-1] + 1


def test_what_a_killed_writer_left_half_done_is_undone_by_who_only_reads(ledger: Ledger, tmp_path: Path) -> None:
    for number in range(1, 60):
        ledger.add(issuance(number))
    path, dead = tmp_path / "own" / "ledger.sqlite", tmp_path / "dead" / "ledger.sqlite"
    dead.parent.mkdir()
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA cache_size = 2")  # so that pages reach the file before the end of the transaction
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO erasure (issuance_id, erased_at) SELECT id, 'now' FROM issuance")
    writer.execute("DELETE FROM issuance")
    for suffix in ("", "-journal"):
        shutil.copy(f"{path}{suffix}", f"{dead}{suffix}")
    writer.execute("ROLLBACK")
    writer.close()
    dead.chmod(0o600)
    left = Ledger(dead)
    assert len(list(left.entries())) == 59
    assert left.damage() is None


def test_a_full_disk_changes_nothing(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.add(issuance(1))
    original = Ledger._connected

    def small(self: Ledger, mode: str) -> sqlite3.Connection:
        database = original(self, mode)
        database.execute(f"PRAGMA max_page_count = {database.execute('PRAGMA page_count').fetchone()[0]}")
        return database

    monkeypatch.setattr(Ledger, "_connected", small)
    failed = []
    for number in range(2, 6):
        try:
            ledger.add(issuance(number))
        except StoreError as error:
            failed.append(error.message)
    assert failed
    assert all("full" in message for message in failed)
    monkeypatch.undo()
    assert ledger.damage() is None
    assert ledger.find(issuance(1).key_id, issuance(1).payload) == issuance(1)


def test_fingerprints_stay_near_and_thumbnails_small() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8).repeat(10, 0).repeat(10, 1)
    one, other = fingerprints(picture), fingerprints(np.clip(picture.astype(int) + 6, 0, 255).astype(np.uint8))
    assert len(one.phash) == 8
    apart = (int.from_bytes(one.phash) ^ int.from_bytes(other.phash)).bit_count()
    assert apart <= 6
    small = thumbnail(picture)
    assert (small.width, small.height) == (96, 64)
    assert (thumbnail(picture[:30, :50]).width, thumbnail(picture[:30, :50]).height) == (50, 30)


def test_parts_have_their_sizes() -> None:
    for wrong in ({"payload": b"short"}, {"sha256": b""}, {"phash": b""}, {"pdq": b"x"}, {"geometry": (1.0,)}):
        with pytest.raises(ValueError, match=r"size|32 bytes|matrix"):
            replace(issuance(), **wrong)
    with pytest.raises(ValueError, match="width x height"):
        Thumbnail(width=2, height=2, pixels=b"abc")


def test_colours_are_small_and_only_colours() -> None:
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:, 150:] = (255, 0, 0)
    small = chroma(picture)
    assert (small.width, small.height, len(small.pixels)) == (48, 32, 2 * 48 * 32)
    planes = np.frombuffer(small.pixels, np.uint8).reshape(2, 32, 48)
    assert (planes[:, :, :20] == 128).all()
    assert (planes[1, :, 30:] > 230).all()
    assert (planes[0, :, 30:] < 100).all()
    with pytest.raises(ValueError, match="two planes"):
        Chroma(width=2, height=2, pixels=b"abcd")
    with pytest.raises(ValueError, match="place and a size"):
        replace(issuance(), label=(-1, 0, 5, 5))
