# SPDX-License-Identifier: Apache-2.0
"""Two files that appear together: what a killed writer left is ended by the next one, and only that."""

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from waarmerk.provenance.media.together import complete, move_together, moves_of
from waarmerk.provenance.media.write import PREFIX, sweep

OLD, NEW = b"old", b"new"
NAMES = ("out.c2pa", "out.jpg")


class Killed(BaseException):
    """Stands for the end of the process."""


def begun(folder: Path, monkeypatch: pytest.MonkeyPatch, *, calls: int, replaces: bool) -> None:
    """Two files on their way, by a writer that died after ``calls`` moves and left everything as it stood then."""
    for number, name in enumerate(NAMES):
        (folder / f"{PREFIX}aa-{number}.tmp").write_bytes(NEW)
        if replaces:
            (folder / name).write_bytes(OLD)
    moves = moves_of(folder, "aa", [folder / name for name in NAMES])
    left = calls
    names = ("replace", "link", "unlink")
    real = {name: getattr(os, name) for name in names}

    def dying(name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return real[name](*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in names:
            patch.setattr(os, name, dying(name))
        with suppress(Killed):
            move_together(folder, "aa", moves)


def state(folder: Path) -> list[bytes | None]:
    return [(folder / name).read_bytes() if (folder / name).exists() else None for name in NAMES]


@pytest.mark.parametrize("replaces", [False, True])
def test_whenever_the_writer_dies_the_next_one_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaces: bool
) -> None:
    seen = set()
    for calls in range(12):
        folder = tmp_path / str(calls)
        folder.mkdir()
        begun(folder, monkeypatch, calls=calls, replaces=replaces)
        middle = state(folder)
        sweep(folder)
        assert state(folder) in ([NEW, NEW], [OLD if replaces else None] * 2)
        assert [path.name for path in folder.iterdir() if path.name.startswith(PREFIX)] == []
        seen.add(tuple(middle))
        assert sweep(folder) == 0
    assert len(seen) == 3  # nothing moved, one moved, both moved


def test_what_somebody_put_there_since_stays_and_what_belonged_to_the_old_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(tmp_path, monkeypatch, calls=3, replaces=True)  # journal, kept sidecar, moved sidecar
    assert state(tmp_path) == [NEW, OLD]
    (tmp_path / NAMES[1]).write_bytes(b"somebody's")
    assert complete(tmp_path) == 1
    assert state(tmp_path) == [OLD, b"somebody's"]
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)


def test_what_is_changed_after_both_were_moved_stays_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tmp_path, monkeypatch, calls=5, replaces=True)
    assert state(tmp_path) == [NEW, NEW]
    (tmp_path / NAMES[1]).unlink()
    (tmp_path / NAMES[1]).write_bytes(b"edited later")
    sweep(tmp_path)
    assert state(tmp_path) == [NEW, b"edited later"]


def test_a_writer_that_lives_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun(tmp_path, monkeypatch, calls=3, replaces=True)
    before = sorted(path.name for path in tmp_path.iterdir())
    with next(tmp_path.glob("*.job")).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 0
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert sweep(tmp_path) == 1
    assert state(tmp_path) == [NEW, NEW]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[" * 60000,
        "[]",
        '{"moves": [{"target": "../outside", "new": 1, "old": null}]}',
        '{"moves": [{"target": ".", "new": 1, "old": null}]}',
        '{"moves": [{"target": ".waarmerk-x.job", "new": 1, "old": null}]}',
        '{"moves": [{"target": "out.jpg", "new": "x", "old": null}]}',
        '{"moves": [{"target": "out.jpg", "new": 1, "old": [1, 2]}]}',
    ],
)
def test_a_damaged_journal_moves_nothing(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(OLD)
    (folder / "out.jpg").write_bytes(OLD)
    (folder / f"{PREFIX}aa-0.tmp").write_bytes(NEW)
    (folder / f"{PREFIX}aa.job").write_text(text)
    sweep(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["out.jpg"]
    assert (folder / "out.jpg").read_bytes() == (tmp_path / "outside").read_bytes() == OLD


def test_a_journal_of_other_files_takes_nothing_away(tmp_path: Path) -> None:
    (tmp_path / "out.jpg").write_bytes(OLD)
    seen = (tmp_path / "out.jpg").stat()
    row = {"target": "out.jpg", "new": seen.st_ino + 1, "old": None}
    (tmp_path / f"{PREFIX}aa.job").write_text(json.dumps({"moves": [row]}))
    sweep(tmp_path)
    assert (tmp_path / "out.jpg").read_bytes() == OLD


def test_without_hard_links_the_old_file_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*names: Any, **options: Any) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    replace, count = os.replace, 0

    def second_fails(*names: Any) -> None:
        nonlocal count
        count += 1
        if count == 3:  # the journal, the sidecar, then the picture
            raise OSError(5, "Input/output error")
        replace(*names)

    monkeypatch.setattr(os, "replace", second_fails)
    for number, name in enumerate(NAMES):
        (tmp_path / f"{PREFIX}aa-{number}.tmp").write_bytes(NEW)
        (tmp_path / name).write_bytes(OLD)
    with pytest.raises(OSError, match="Input"):
        move_together(tmp_path, "aa", moves_of(tmp_path, "aa", [tmp_path / name for name in NAMES]))
    assert state(tmp_path) == [OLD, OLD]
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NAMES)
