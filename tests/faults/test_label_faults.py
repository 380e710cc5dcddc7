# SPDX-License-Identifier: Apache-2.0
"""``label`` and ``sign`` on a machine that fails: the n-th fallible call, for every n (promise P7)."""

import errno
import hashlib
import io
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults.test_write_faults import Faults
from tests.unit.marking.conftest import AT, Desk, made_desk, saved
from waarmerk.cli import main
from waarmerk.provenance.build import build_verifier
from waarmerk.provenance.errors import Error
from waarmerk.provenance.marking.labeller import Labeller, Prepared
from waarmerk.provenance.marking.plan import Says, Wishes
from waarmerk.provenance.media.write import PREFIX
from waarmerk.provenance.model import Integrity

CALLS = ("open", "fchmod", "write", "fsync", "replace", "link")
OLD = b"the file that was there before"


@pytest.fixture
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One of its own: what its ledger holds is counted."""
    return made_desk(tmp_path_factory.mktemp("desk"))


class Failing:
    """All fallible calls of the machine, counted together: of the system, of Python's files, of the database."""

    def __init__(self, patch: pytest.MonkeyPatch, fail_at: int, number: int) -> None:
        self.faults = faults = Faults(fail_at, number)
        for name in CALLS:
            patch.setattr(os, name, faults.around(getattr(os, name)))
        patch.setattr(io, "open", faults.around(io.open))
        connect: Callable[..., sqlite3.Connection] = sqlite3.connect

        class Database(sqlite3.Connection):
            def execute(self, *arguments: Any) -> sqlite3.Cursor:
                try:
                    return faults.around(super().execute)(*arguments)
                except OSError as error:
                    raise sqlite3.OperationalError(str(error)) from error

        patch.setattr(sqlite3, "connect", lambda *names, **how: connect(*names, factory=Database, **how))

    @property
    def is_over(self) -> bool:
        """Whether no call was left to fail."""
        return self.faults.count < self.faults.fail_at


def label_once(labeller: Labeller, prepared: Prepared, target: Path, *, force: bool) -> str:
    """``failed``, ``uncertain`` or ``done``; anything but an error of ours comes through."""
    try:
        done = labeller.write(prepared, target, force=force)
    except Error as error:
        return "half" if error.code == "write.half" else "failed"
    return "done" if done.doubt is None else "uncertain"


@pytest.mark.parametrize("force", [False, True], ids=["new", "replacing"])
@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_whichever_call_of_label_fails_files_and_ledger_are_old_or_complete(
    desk: Desk, tmp_path: Path, sidecar: bool, force: bool
) -> None:
    source = saved(tmp_path / "in.png", "PNG", size=(320, 320))
    labeller = desk.labeller()
    prepared = labeller.prepare(source, Wishes(says=Says.GENERATED, sidecar=sidecar))
    names = ["out.c2pa", "out.png"] if sidecar else ["out.png"]
    fail_at, outcomes = 0, []
    while True:
        fail_at += 1
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        for name in names if force else ():
            (folder / name).write_bytes(OLD)
        with pytest.MonkeyPatch.context() as patch:
            machine = Failing(patch, fail_at, errno.EIO if fail_at % 2 else errno.ENOSPC)
            outcome = label_once(labeller, prepared, folder / "out.png", force=force)
        found = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(PREFIX)}
        entries = list(desk.ledger.entries())
        if outcome == "failed":
            assert found == (dict.fromkeys(names, OLD) if force else {}), fail_at
            assert entries == [], fail_at
        else:
            assert sorted(found) == names
            assert [entry.sha256 for entry in entries] == [hashlib.sha256(found["out.png"]).digest()]
            report = build_verifier(desk.settings, at=AT).verify(folder / "out.png")
            assert report.credential is not None
            assert report.credential.integrity is Integrity.INTACT
            desk.ledger.forget(payload=entries[0].payload, at="2026-11-21T12:00:00Z")
        outcomes.append(outcome)
        if machine.is_over:
            break
    assert outcomes[-1] == "done"
    assert outcomes.count("failed") >= 15
    assert set(outcomes) == {"done", "failed", "uncertain"}


@pytest.mark.parametrize("sidecar", [False, True], ids=["inside", "sidecar"])
def test_whichever_call_of_sign_fails_the_file_is_old_or_complete(
    desk: Desk, tmp_path: Path, sidecar: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    source = saved(tmp_path / "in.png", "PNG", size=(320, 320))
    before, fail_at, codes = source.read_bytes(), 0, []
    while True:
        fail_at += 1
        folder = tmp_path / str(fail_at)
        folder.mkdir()
        target = folder / ("out.c2pa" if sidecar else "out.png")
        target.write_bytes(OLD)
        words = ["sign", str(source), str(target), "--force", "--key-folder", str(desk.folder / "keys")]
        words += ["--trust", str(desk.folder / "trust"), "--at", "2026-11-21T12:00:00Z", *(["--sidecar"] * sidecar)]
        faults = Faults(fail_at, errno.EIO)
        with pytest.MonkeyPatch.context() as patch:
            for name in CALLS:
                patch.setattr(os, name, faults.around(getattr(os, name)))
            with pytest.raises(SystemExit) as end:
                main.main(words)
        said = capsys.readouterr()
        assert end.value.code in (0, 1, 2, 3), said.err
        is_old = target.read_bytes() == OLD
        assert is_old == (end.value.code not in (0, 1)), (fail_at, said.err)
        assert source.read_bytes() == before
        assert [path.name for path in folder.iterdir()] == [target.name]
        codes.append(end.value.code)
        if faults.count < fail_at:
            break
    assert codes[-1] == 0
    assert codes.count(3) >= 4
    assert 1 in codes  # there, not yet certain on disk
