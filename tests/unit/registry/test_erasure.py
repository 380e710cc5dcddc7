# SPDX-License-Identifier: Apache-2.0
"""What is erased is gone: from the database, its journals, the files and the index, searched for piece by piece."""

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from tests.unit.marking.conftest import Desk, desk
from tests.unit.marking.pictures import scene
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.recovery import Recovery, Wishes
from waarmerk.provenance.registry import index
from waarmerk.provenance.registry.model import BindingKind
from waarmerk.provenance.registry.sightings import Sightings
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings

__all__ = ["desk"]
AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
SHINGLE = 32


class Desked:
    """A registry with one labelled picture in it, among others, and an index on disk."""

    def __init__(self, desk: Desk, folder: Path) -> None:
        self.folder = folder
        self.url = str(folder / "own" / "registry.sqlite")
        self.settings = Settings(registry=self.url, trust=desk.folder / "trust", keys=(desk.folder / "mark.key",))
        Image.fromarray(scene(400, 500, 5)).save(folder / "source.png")
        desk.label(folder / "source.png", folder / "original.png")
        for number in range(3):
            Image.fromarray(scene(200, 250, 30 + number)).save(folder / f"other{number}.png")

    def recovery(self) -> Recovery:
        return build_recovery(self.settings, at=AT)

    def held(self) -> bytes:
        return b"\0".join(p.read_bytes() for p in sorted((self.folder / "own").rglob("*")) if p.is_file())


def pieces(store: Store, number: int) -> dict[str, list[bytes]]:
    """Everything that is held of an entry, cut into pieces short enough to be found wherever a part of it survives."""
    entry = store.held(number)
    assert entry is not None
    assert entry.manifest is not None
    assert entry.reference is not None
    whole = {
        name: store.files.get(digest, max_bytes=2**26)
        for name, digest in (("manifest", entry.manifest), ("reference", entry.reference))
    }
    found = {
        name: [data[at : at + SHINGLE] for at in range(0, len(data) - SHINGLE, SHINGLE)] for name, data in whole.items()
    }
    found["digests"] = [entry.sha256, entry.manifest, entry.reference]
    found["words"] = [entry.source.encode(), *(label.encode() for label in entry.labels)]
    assert entry.manifest_label is not None
    found["words"].append(entry.manifest_label.encode())
    for tie in store.bindings_of(number)[number]:
        size = 16 if tie.kind is BindingKind.LOCAL else len(tie.value)
        found.setdefault(tie.kind.value, []).extend(tie.value[at : at + size] for at in range(0, len(tie.value), size))
    return found


def test_no_piece_of_what_was_erased_is_left(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        index, "SHARD_ENTRIES", 1
    )  # so that there are shards on disk, which else come with many entries
    case = Desked(desk, tmp_path)
    recovery = case.recovery()
    for number in range(3):
        recovery.add(tmp_path / f"other{number}.png", Wishes(), at=AT)
    others = case.held()
    wishes = Wishes(source="Bron van de redactie", labels=("een-label-dat-opvalt",), keep_until=AT + timedelta(days=1))
    number = recovery.add(tmp_path / "original.png", wishes, at=AT).number
    store = Store(case.url, writing=True)
    index.Index(store).seal()
    Sightings(store).count([number], at=AT)
    # The tables of a JPEG and the zeros that pad a manifest are in every registry.
    gone = {kind: [part for part in parts if part not in others] for kind, parts in pieces(store, number).items()}
    assert min(len(parts) for parts in gone.values()) > 0
    assert len(gone["manifest"]) > 50
    assert set(gone) == {"manifest", "reference", "digests", "words", "phash", "pdq", "local", "watermark"}
    assert list((store.folder / "index").glob("phash-*")), "the index is on disk"
    before = case.held()
    for kind, parts in gone.items():
        assert all(part in before for part in parts), f"{kind} is looked for where it is"

    later = AT + timedelta(days=2)
    assert recovery.due(at=later) == (number,)
    assert recovery.remove(recovery.due(at=later), at=later) == 1
    after = case.held()
    left = {kind: sum(part in after for part in parts) for kind, parts in gone.items()}
    assert left == dict.fromkeys(gone, 0)
    assert [entry.number for entry in store.entries()] == [1, 2, 3]
    assert [
        each.name for each in (tmp_path / "own").iterdir() if each.name.endswith(("-wal", "-journal", "-shm"))
    ] == []
    assert recovery.match(tmp_path / "original.png") == () or not any(
        each.verified for each in recovery.match(tmp_path / "original.png")
    )
    assert [each.verified for each in recovery.match(tmp_path / "other0.png")][:1] == [True], "the index is made anew"


def test_what_is_due_goes_before_the_next_is_entered(desk: Desk, tmp_path: Path) -> None:
    case = Desked(desk, tmp_path)
    recovery = case.recovery()
    first = recovery.add(tmp_path / "other0.png", Wishes(keep_until=AT + timedelta(hours=1)), at=AT)
    recovery.add(tmp_path / "other1.png", Wishes(), at=AT + timedelta(minutes=59))
    assert Store(case.url).held(first.number) is not None
    recovery.add(tmp_path / "other2.png", Wishes(), at=AT + timedelta(hours=1))
    assert Store(case.url).held(first.number) is None


_DIES = """
import os, signal, sys
from datetime import datetime, UTC
from pathlib import Path
from waarmerk.provenance.registry.files import Files
from waarmerk.provenance.registry.store import Store
store = Store(sys.argv[1], writing=True)
drop = Files.drop
Files.drop = lambda self, digests: os.kill(os.getpid(), signal.SIGKILL)
store.remove([1], at=datetime(2026, 11, 22, 12, tzinfo=UTC))
"""


def test_bytes_that_a_killed_erasure_left_go_with_the_next(desk: Desk, tmp_path: Path) -> None:
    case = Desked(desk, tmp_path)
    recovery = case.recovery()
    entry = recovery.add(tmp_path / "other0.png", Wishes(), at=AT)
    done = subprocess.run([sys.executable, "-c", _DIES, case.url], check=False, timeout=60)
    assert done.returncode == -signal.SIGKILL
    store = Store(case.url, writing=True)
    assert store.entries() == []
    assert entry.reference is not None
    assert store.files.get(entry.reference, max_bytes=2**26), "left over"
    assert recovery.remove((), at=datetime.now(UTC)) == 0
    assert list(store.folder.glob("bytes/??/*")), "not yet: a writer may still be at it"
    assert recovery.remove((), at=datetime.now(UTC) + timedelta(hours=2)) == 0
    assert list(store.folder.glob("bytes/??/*")) == []


def test_looking_up_writes_nothing(desk: Desk, tmp_path: Path) -> None:
    case = Desked(desk, tmp_path)
    case.recovery().add(tmp_path / "original.png", Wishes(), at=AT)
    before = case.held()
    settings = replace(case.settings, registry=case.url)
    from waarmerk.provenance.build import build_verifier

    assert build_verifier(settings, at=AT).verify(tmp_path / "original.png").matches
    assert case.held() == before
