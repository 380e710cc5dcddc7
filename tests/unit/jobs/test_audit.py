# SPDX-License-Identifier: Apache-2.0
"""The audit log: whatever is done to it is found by a verifier that shares no code with it (P11)."""

import hashlib
import json
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Clock
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.jobs import audit_check
from waarmerk.provenance.jobs.audit import CHECKPOINT_EVERY, Audit, _Tree
from waarmerk.provenance.jobs.database import Database

KEEP = timedelta(days=30)
ENTRIES = 2 * CHECKPOINT_EVERY + 5


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    made = Database(str(tmp_path / "audit.sqlite"))
    yield made
    made.close()


@pytest.fixture
def log(tmp_path: Path, store: Database, clock: Clock) -> Path:
    folder = tmp_path / "audit"
    with Audit(folder, store, clock=clock) as audit:
        for number in range(ENTRIES):
            clock.wait(seconds=1)
            audit.write("report.given", {"sha256": f"{number:064x}", "verdict": "unknown"}, tenant="north", keep=KEEP)
    return folder


def wrong(folder: Path, *witnessed: str) -> list[str]:
    notes = [note for note in (folder / "audit.checkpoints").read_text("utf-8").split("\n\n\n") if note.strip()]
    key = bytes.fromhex((folder / "audit.pub").read_text("ascii").strip())
    return audit_check.faults((folder / "audit.log").read_bytes(), [*notes, *witnessed], key)


def last_note(folder: Path) -> str:
    return (folder / "audit.checkpoints").read_text("utf-8").rstrip("\n").rpartition("\n\n\n")[2] + "\n"


def test_the_tree_is_that_of_the_standard() -> None:
    """Vectors of RFC 6962's reference implementation (certificate-transparency, merkle_tree_test)."""
    leaves = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
    roots = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for count, root in roots.items():
        tree = _Tree()
        for each in leaves[:count]:
            tree.add(bytes.fromhex(each))
        hashed = [audit_check.leaf(bytes.fromhex(each)) for each in leaves[:count]]
        assert tree.root().hex() == root
        assert audit_check.head(hashed).hex() == root
        assert audit_check.Prefixes(hashed).head(count).hex() == root


def test_a_whole_log_holds_and_holds_nothing_of_anybody(log: Path) -> None:
    assert wrong(log) == []
    assert audit_check.main([str(log)]) == 0
    text = (log / "audit.log").read_text("ascii")
    assert len(text.splitlines()) == ENTRIES
    for secret in ("north", "sha256", f"{3:064x}", "verdict"):
        assert secret not in text
    assert len((log / "audit.checkpoints").read_text("utf-8").split("\n\n\n")) - 1 == ENTRIES // CHECKPOINT_EVERY + 1


def flip(lines: list[bytes], at: int, rng: random.Random) -> None:
    place = rng.randrange(len(lines[at]))
    lines[at] = lines[at][:place] + bytes([lines[at][place] ^ 1 << rng.randrange(8)]) + lines[at][place + 1 :]


def drop(lines: list[bytes], at: int, rng: random.Random) -> None:
    del lines[at]


def swap(lines: list[bytes], at: int, rng: random.Random) -> None:
    other = (at + 1 + rng.randrange(len(lines) - 1)) % len(lines)
    lines[at], lines[other] = lines[other], lines[at]


def insert(lines: list[bytes], at: int, rng: random.Random) -> None:
    lines.insert(at, lines[rng.randrange(len(lines))])


def truncate(lines: list[bytes], at: int, rng: random.Random) -> None:
    del lines[at:]


def renumber(lines: list[bytes], at: int, rng: random.Random) -> None:
    """Drop one and make the rest look right."""
    del lines[at]
    lines[:] = [json.dumps({**json.loads(e), "n": n}, separators=(",", ":")).encode() for n, e in enumerate(lines)]


def alter(lines: list[bytes], at: int, rng: random.Random) -> None:
    """Another commitment in an event that looks right in every other way."""
    told = json.loads(lines[at])
    lines[at] = json.dumps({**told, "commitment": hashlib.sha256(b"x").hexdigest()}, separators=(",", ":")).encode()


Damage = Callable[[list[bytes], int, random.Random], None]


@pytest.mark.parametrize("damage", [flip, drop, swap, insert, truncate, renumber, alter])
def test_whatever_is_done_to_a_line_is_found(log: Path, damage: Damage) -> None:
    rng = random.Random(1)
    whole = (log / "audit.log").read_bytes()
    for trial in range(60):
        lines = whole.split(b"\n")[:-1]
        damage(lines, trial * 2 if trial * 2 < len(lines) else trial, rng)
        (log / "audit.log").write_bytes(b"".join(line + b"\n" for line in lines))
        assert wrong(log), (damage.__name__, trial)
    (log / "audit.log").write_bytes(whole)
    assert wrong(log) == []


def test_a_log_cut_off_with_its_checkpoints_is_found_by_who_kept_one(log: Path) -> None:
    kept = last_note(log)
    lines = (log / "audit.log").read_bytes().split(b"\n")
    (log / "audit.log").write_bytes(b"\n".join(lines[:CHECKPOINT_EVERY]) + b"\n")
    notes = (log / "audit.checkpoints").read_text("utf-8").split("\n\n\n")
    (log / "audit.checkpoints").write_text(notes[0] + "\n\n\n", "utf-8")
    assert wrong(log) == []  # in itself it is whole: this is why checkpoints are handed out
    assert wrong(log, kept)
    witness = log / "kept"
    witness.write_text(kept, "utf-8")
    assert audit_check.main([str(log), str(witness)]) == 1


def test_a_log_begun_anew_is_found_by_who_kept_a_checkpoint(
    log: Path, store: Database, clock: Clock, tmp_path: Path
) -> None:
    kept, fork = last_note(log), tmp_path / "fork"
    fork.mkdir()
    shutil.copy(log / "audit.key", fork / "audit.key")
    with Audit(fork, store, clock=clock) as audit:
        for _ in range(ENTRIES):
            audit.write("report.given", {"another": "story"}, keep=KEEP)
    assert wrong(fork) == []
    assert wrong(fork, kept)


def test_a_checkpoint_by_another_key_or_altered_counts_for_nothing(log: Path, store: Database, clock: Clock) -> None:
    note = last_note(log)
    other = log.parent / "other"
    with Audit(other, store, clock=clock) as audit:
        audit.write("x", {}, keep=KEEP)
        foreign = audit.checkpoint()
    assert any("not signed" in each for each in wrong(log, foreign))
    size = str(ENTRIES)
    assert any("not signed" in each for each in wrong(log, note.replace(f"\n{size}\n", "\n1\n")))
    assert wrong(log, note) == []


def test_lines_beyond_the_last_checkpoint_are_named(log: Path) -> None:
    notes = (log / "audit.checkpoints").read_text("utf-8").split("\n\n\n")[:-2]
    (log / "audit.checkpoints").write_text("".join(note + "\n\n\n" for note in notes), "utf-8")
    assert wrong(log) == ["the last 5 lines are not signed"]


def test_a_line_torn_by_a_crash_is_taken_back_and_the_log_goes_on(log: Path, store: Database, clock: Clock) -> None:
    whole = (log / "audit.log").read_bytes()
    torn = b'{"n":133,"at":"2026-11-2'
    for cut in (1, 10, len(torn)):
        (log / "audit.log").write_bytes(whole + torn[:cut])
        assert "the last line is torn" in wrong(log)
        with Audit(log, store, clock=clock) as audit:
            assert audit.size == ENTRIES
        assert (log / "audit.log").read_bytes() == whole
    note = (log / "audit.checkpoints").read_bytes()
    (log / "audit.checkpoints").write_bytes(note + b"waarmerk.audit/0000\n13")
    with Audit(log, store, clock=clock) as audit:
        assert audit.write("more", {}, keep=KEEP) == ENTRIES
    assert wrong(log) == []


def test_a_log_that_was_cut_off_is_not_gone_on_with(log: Path, store: Database, clock: Clock) -> None:
    lines = (log / "audit.log").read_bytes().split(b"\n")
    (log / "audit.log").write_bytes(b"\n".join(lines[:10]) + b"\n")
    with pytest.raises(StoreError, match="last checkpoint"):
        Audit(log, store, clock=clock)


def test_two_writers_are_one_too_many(log: Path, store: Database, clock: Clock) -> None:
    with Audit(log, store, clock=clock), pytest.raises(StoreError, match="another process"):
        Audit(log, store, clock=clock)


def test_a_commitment_opens_with_its_record_and_erasure_leaves_the_log_whole(
    log: Path, store: Database, clock: Clock
) -> None:
    lines = (log / "audit.log").read_bytes().split(b"\n")
    with Audit(log, store, clock=clock) as audit:
        salt, record = audit.reveal(7) or (b"", "")
        assert json.loads(record)["sha256"] == f"{7:064x}"
        assert audit_check.opens(lines[7], salt, record)
        assert not audit_check.opens(lines[8], salt, record)
        assert not audit_check.opens(lines[7], bytes(32), record)
        assert audit.forget() == 0
        assert audit.forget(tenant="north") == ENTRIES
        assert audit.reveal(7) is None
    assert wrong(log) == []
    with Audit(log, store, clock=clock) as audit:
        audit.write("x", {"y": 1}, keep=timedelta(days=1))
        clock.wait(days=2)
        assert audit.forget() == 1


def test_the_verifier_stands_alone_and_is_short() -> None:
    text = Path(audit_check.__file__).read_text("utf-8")
    assert len(text.splitlines()) < 200
    assert "from waarmerk" not in text
    assert "import waarmerk" not in text


def test_the_key_is_given_as_text_or_as_a_file_and_what_it_says_can_be_acted_upon(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public = log / "audit.pub"
    for key in (public, public.read_text("ascii").strip()):
        assert audit_check.main([str(log), "--key", str(key)]) == 0
    (tmp_path / "other").write_text("wm_8475cdf15335_no-key")
    assert audit_check.main([str(log), "--key", str(tmp_path / "other")]) == 2
    assert "holds no public key" in capsys.readouterr().err
    assert audit_check.main(["--help"]) == 0
    assert "FOLDER" in capsys.readouterr().out
    (log / "audit.checkpoints").write_text("", "utf-8")
    assert audit_check.main([str(log)]) == 1
    assert "when it ends" in capsys.readouterr().out
