# SPDX-License-Identifier: Apache-2.0
"""A copy in a file of a registry on a server: the same entries under the same numbers, and what is gone is gone."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from tests.conftest import Run
from tests.unit.marking.pictures import scene
from tests.unit.registry.conftest import Server
from tests.unit.registry.test_exchange import Sender, taken
from tests.unit.registry.test_store import TIES, entry
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.registry import exchange, mirror
from waarmerk.provenance.registry.exchange import Standing
from waarmerk.provenance.registry.model import BindingKind, State
from waarmerk.provenance.registry.store import Store

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Forgotten:
    """How often the index was taken away."""

    count = 0

    def __call__(self) -> None:
        self.count += 1


def test_a_copy_follows_additions_changes_and_erasures(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_STEP", 3)
    copy, forgotten = Store(str(tmp_path / "copy" / "copy.sqlite"), writing=True), Forgotten()
    secret = b"a picture that will be erased"
    store.add(replace(entry(1), reference=store.files.put(secret)), TIES)
    kept = store.add(replace(entry(2), manifest=store.files.put(b"kept")), TIES)
    for number in range(3, 9):
        store.add(entry(number), TIES[:1])
    assert mirror.refresh(store, copy, forget=forgotten) == 8
    assert copy.entries() == store.entries()
    assert copy.bindings(BindingKind.PHASH, after=0) == store.bindings(BindingKind.PHASH, after=0)
    assert copy.files.get(kept.manifest or b"", max_bytes=9) == b"kept"
    assert mirror.refresh(store, copy, forget=forgotten) == 0
    assert forgotten.count == 0

    store.remove([1], at=AT)
    store.mark(2, State.DISPUTED, why="asked", at=AT)
    store.check(3, labels=["x"], fact_checks=["https://check.example/2"], at=AT)
    assert mirror.refresh(store, copy, forget=forgotten) == 3
    assert forgotten.count == 1
    assert copy.entries() == store.entries()
    assert copy.notes() == store.notes()
    held = b"".join(path.read_bytes() for path in (tmp_path / "copy").rglob("*") if path.is_file())
    assert secret not in held
    assert b"kept" in held
    assert store.add(entry(1), ()).number == copy.add(entry(1), ()).number, "numbers go on as they do there"
    with pytest.raises(StoreError) as caught:
        mirror.refresh(Store(str(tmp_path / "none.sqlite")), copy, forget=forgotten)
    assert caught.value.code == "registry.missing"


def test_who_is_accepted_there_is_accepted_here(store: Store, tmp_path: Path) -> None:
    sender, copy = Sender(tmp_path), Store(str(tmp_path / "copy.sqlite"), writing=True)
    sender.add(entry(1))
    issuer = taken(store, sender.send()).issuer
    mirror.refresh(store, copy, forget=Forgotten())
    assert copy.of_file((1).to_bytes(32)) is None
    exchange.judge(store, issuer.key_id, Standing.ACCEPTED)
    mirror.refresh(store, copy, forget=Forgotten())
    assert copy.of_file((1).to_bytes(32)) is not None
    assert exchange.issuers(copy) == exchange.issuers(store)


def test_another_registry_is_not_taken_for_the_one_that_was_copied(store: Store, tmp_path: Path) -> None:
    copy = Store(str(tmp_path / "copy.sqlite"), writing=True)
    copy.create()
    copy.add(entry(1), ())
    with pytest.raises(StoreError) as caught:
        mirror.refresh(store, copy, forget=Forgotten())
    assert caught.value.code == "registry.not-a-copy"


def test_verify_looks_into_a_registry_on_a_server(server: Server, tmp_path: Path, waarmerk: Run) -> None:
    address = server.fresh()
    Image.fromarray(scene(400, 500, 5)).save(tmp_path / "item.jpg")
    Image.fromarray(scene(400, 500, 5)).save(tmp_path / "copy.jpg", quality=60)
    where = ("--registry", address, "--at", "2026-11-22T12:00:00Z")
    done = waarmerk("registry", "add", tmp_path / "item.jpg", "--label", "satire", *where)
    assert (done.returncode, done.stderr) == (0, "")
    verified = waarmerk("verify", tmp_path / "copy.jpg", *where, "--format", "json")
    assert verified.returncode == 0, verified.stderr
    (match,) = json.loads(verified.stdout)[0]["matches"]
    assert (match["registry_id"], match["verified"], match["labels"]) == ("r1", True, ["satire"])
    assert waarmerk("registry", "remove", "r1", *where).returncode == 0
    assert json.loads(waarmerk("verify", tmp_path / "copy.jpg", *where, "--format", "json").stdout)[0]["matches"] == []
