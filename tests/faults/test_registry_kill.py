# SPDX-License-Identifier: Apache-2.0
"""The registry killed at any moment while a file is entered, erased or a package is taken in: whole or not at all.

Shards of two entries make every change write the index as well, and join shards.
"""

import pickle
import platform
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

import waarmerk.provenance.registry.index as index_module
from tests.faults.registry_writer import AT, SHARD
from tests.unit.marking.pictures import scene
from waarmerk.provenance import recovery as recovery_module
from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.recovery import Recovery, Wishes
from waarmerk.provenance.registry import exchange
from waarmerk.provenance.registry.features import Features
from waarmerk.provenance.registry.finder import Finder, reference_file, ties
from waarmerk.provenance.registry.index import HASH_BYTES
from waarmerk.provenance.registry.model import Binding, BindingKind
from waarmerk.provenance.registry.places import Places
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.settings import Settings

ACTIONS = ("add", "remove", "import")
HELD = 7  # entries at the start: with the one that is added, shards become one


def features(number: int) -> Features:
    rgb = scene(220, 260, 300 + number)
    mark = Binding(kind=BindingKind.WATERMARK, value=number.to_bytes(8), key_id="3f0a07685f598a8f")
    return Features(
        sha256=bytes([number]) * 32,
        media_type="image/png",
        width=260,
        height=220,
        bindings=(mark, *ties(rgb)),
        reference=reference_file(rgb),
        manifest=f"manifest {number}".encode() * 50,
        manifest_label=f"urn:c2pa:{number}",
    )


@dataclass(frozen=True)
class Ground:
    """A registry to begin from, and a process whose children change copies of it."""

    folder: Path
    known: list[Features]
    process: "subprocess.Popen[str]"

    @property
    def url(self) -> str:
        return str(self.folder / "work" / "registry.sqlite")

    def begin(self) -> None:
        shutil.rmtree(self.folder / "work", ignore_errors=True)
        shutil.copytree(self.folder / "begin", self.folder / "work")

    def killed(self, action: str, how: str, amount: float) -> bool:
        """Whether the writer died; fails where it ended in any other way than by the kill or with its work done."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(action, self.folder / "work", how, amount, file=self.process.stdin, flush=True)
        code = int(self.process.stdout.readline())
        assert code in (0, -signal.SIGKILL)
        return code != 0


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """A registry of seven entries, three shards of two and one beside them."""
    known = [features(number) for number in range(1, HELD + 2)]
    (folder / "features.pickle").write_bytes(pickle.dumps(known))
    (folder / "package.json").write_bytes(packed(folder))
    (folder / "begin").mkdir()
    with shards_of_two():
        at_work = recovery(folder / "begin")
        for each in known[:-1]:
            at_work.enter(each, Wishes(), at=AT)
    command, root = [sys.executable, "-m", "tests.faults.registry_writer"], Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        yield Ground(folder, known, process)
        assert process.stdin is not None
        process.stdin.close()


@contextmanager
def shards_of_two() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_module, "SHARD_ENTRIES", SHARD)
        patch.setattr(recovery_module, "_SEALED_EVERY", 1)
        yield


def recovery(folder: Path) -> Recovery:
    return build_recovery(Settings(registry=str(folder / "registry.sqlite")), at=AT)


def packed(folder: Path) -> bytes:
    """A package of three items by somebody else."""
    theirs = folder / "theirs"
    theirs.mkdir()
    at_work = recovery(theirs)
    for number in (21, 22, 23):
        at_work.enter(replace(features(number), manifest=None, manifest_label=None), Wishes(published=True), at=AT)
    key = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public_key = key.public_key().public_bytes(serialization.Encoding.DER, form)
    store = Store(str(theirs / "registry.sqlite"))
    made, _, _ = exchange.export(store, name="They", public_key=public_key, algorithm="Ed25519", sign=key.sign, at=AT)
    return made


def found(site: Ground, action: str) -> str:
    """``old`` or ``new``; fails for half an entry, for bytes or rows that nobody refers to, and for a lasting fault."""
    store = Store(site.url, writing=True)
    store.require()
    with store.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
    state = of_database(site, store, action)
    with shards_of_two():
        at_work = recovery(site.folder / "work")
        at_work.remove((), at=datetime.now(UTC) + timedelta(hours=2))  # what was left is made good
        of_files(site, store)
        of_index(site, store)
        next_one = features(40)
        number = at_work.enter(next_one, Wishes(), at=AT).number
    assert store.held(number) is not None
    assert not list((site.folder / "work").rglob(".waarmerk-*")), "nothing is left of the killed writer"
    of_index(site, store)
    return state


def of_database(site: Ground, store: Store, action: str) -> str:
    """Every entry has all of its bindings and bytes; which entries there are."""
    entries = store.entries()
    given = {each.sha256: each for each in site.known}
    for entry in entries:
        if entry.issuer is None and entry.sha256 not in given:  # what a command made of a picture
            assert len(store.bindings_of(entry.number)[entry.number]) == 3
            assert store.files.get(entry.reference or b"", max_bytes=2**20)
        elif entry.issuer is None:
            assert store.bindings_of(entry.number)[entry.number] == given[entry.sha256].bindings
            for digest, data in ((entry.manifest, "manifest"), (entry.reference, "reference")):
                assert digest is not None
                assert store.files.get(digest, max_bytes=2**20) == getattr(given[entry.sha256], data)
    notes = [(number, what) for number, what, _ in store.history()]
    whose = Counter(entry.issuer is None for entry in entries)
    added = [entry.number for entry in entries]
    old = whose == {True: HELD} and notes == [(n, "added") for n in range(1, HELD + 1)] and not exchange.issuers(store)
    if action in ("add", "command"):
        new = added == list(range(1, HELD + 2)) and notes[-1] == (HELD + 1, "added")
    elif action == "remove":
        new = added == [1, *range(4, HELD + 1)] and notes[-2:] == [(2, "removed"), (3, "removed")]
    else:
        new = whose == {True: HELD, False: 3} and len(exchange.issuers(store)) == 1
    assert old != new, "half of it"
    return "new" if new else "old"


def of_files(site: Ground, store: Store) -> None:
    """Bytes are there that an entry refers to, and no others."""
    there = {bytes.fromhex(p.parent.name + p.name) for p in (store.folder / "bytes").glob("??/*")}
    refers = {digest for entry in store.entries() for digest in (entry.manifest, entry.reference) if digest}
    assert there == refers


def of_index(site: Ground, store: Store) -> None:
    """Rows of the index belong to entries, each entry is found by each hash, and what is on disk is what is read."""
    own = {entry.number for entry in store.entries() if entry.issuer is None}
    fresh, tied = Finder(store, Limits()), dict[BindingKind, set[int]]()
    for number in own:
        for tie in store.bindings_of(number)[number]:
            tied.setdefault(tie.kind, set()).add(number)
            if tie.kind is BindingKind.LOCAL:
                assert fresh.index.votes(np.frombuffer(tie.value, np.uint8).reshape(-1, 16))[number] > 3
            elif tie.kind in HASH_BYTES:
                assert dict(fresh.near(tie.kind, tie.value))[number] == 0
    assert tied[BindingKind.PHASH] == tied[BindingKind.LOCAL] == own
    for kind in HASH_BYTES:
        held = fresh.index.held(kind)
        parts: list[object] = [*held.flat, *held.places]
        owners = [part.owners for part in (*held.flat, *held.places)]
        assert {int(owner) for each in owners for owner in each if owner} == tied.get(kind, set())
        assert parts or kind not in tied
        for part in held.places:
            assert isinstance(part, Places)
            part.require()


def at_random(site: Ground, action: str, points: int, *, seed: int = 7) -> Counter[str]:
    """Kill at ``points`` moments, up to one and a half times what the change takes here; how it ended, counted."""
    delays, outcomes = random.Random(seed), Counter[str]()
    for _ in range(2):  # the first time the writer itself is still starting
        site.begin()
        started = time.monotonic()
        assert not site.killed(action, "never", 0)
    longest = 1.5 * (time.monotonic() - started)
    assert found(site, action) == "new"
    for _ in range(points):
        site.begin()
        site.killed(action, "after", delays.uniform(0.0, longest))
        outcomes[found(site, action)] += 1
    return outcomes


def at_every_call(site: Ground, action: str, first: int, step: int) -> list[str]:
    """Die before the n-th change of a file, n from ``first`` in ``step``s, until one run ends by itself."""
    outcomes, count = [], first
    while True:
        site.begin()
        died = site.killed(action, "before", count)
        outcomes.append(found(site, action))
        if not died:
            return outcomes
        count += step


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with ground(tmp_path_factory.mktemp("registry")) as made:
        yield made


traced = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="calls are traced on Linux on x86-64 only"
)


@pytest.mark.parametrize("action", ACTIONS)
def test_whole_or_not_at_all(site: Ground, action: str) -> None:
    assert at_random(site, action, 7).total() == 7


@traced
@pytest.mark.parametrize("action", ACTIONS)
def test_dead_before_some_changes_of_a_file(site: Ground, action: str) -> None:
    assert at_every_call(site, action, 5, 23)[-1] == "new"


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS)
def test_whole_or_not_at_all_at_a_hundred_moments(site: Ground, action: str) -> None:
    assert set(at_random(site, action, 100)) <= {"old", "new"}


@traced
@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS)
def test_dead_before_every_change_of_a_file(site: Ground, action: str) -> None:
    outcomes = at_every_call(site, action, 1, 1)
    assert outcomes == sorted(outcomes, reverse=True)  # old until some call, new from then on
    assert set(outcomes) == {"old", "new"}
