# SPDX-License-Identifier: Apache-2.0
"""Writing: the old file or the complete new one, nothing between, nothing left over."""

import fcntl
import os
from pathlib import Path

import pytest

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.media.write import PREFIX, SUFFIX, sweep, write_file


def fine(path: Path) -> None:
    assert path.is_file()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out.bin"


def refused(target: Path, *, source: Path | None = None, force: bool = False) -> str:
    with pytest.raises(ConfigurationError) as caught:
        write_file(target, b"new", verify=fine, source=source, force=force)
    return caught.value.code


def test_a_new_file_is_whole_and_alone(target: Path) -> None:
    write_file(target, b"new", verify=fine)
    assert target.read_bytes() == b"new"
    assert [path.name for path in target.parent.iterdir()] == ["out.bin"]


def test_what_verify_is_shown_is_what_will_stand_there(target: Path) -> None:
    seen = []
    write_file(target, b"new", verify=lambda path: seen.append((path.parent, path.read_bytes(), target.exists())))
    assert seen == [(target.parent, b"new", False)]


def test_nothing_is_replaced_without_force(target: Path) -> None:
    target.write_bytes(b"old")
    assert refused(target) == "write.exists"
    assert target.read_bytes() == b"old"
    write_file(target, b"new", verify=fine, force=True)
    assert target.read_bytes() == b"new"


def test_not_even_a_file_that_appears_in_the_last_moment(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    link = os.link

    def late(*names: Path, **options: bool) -> None:
        target.write_bytes(b"somebody else's")
        link(*names, **options)

    monkeypatch.setattr(os, "link", late)
    assert refused(target) == "write.exists"
    assert target.read_bytes() == b"somebody else's"
    assert len(list(target.parent.iterdir())) == 1


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("way", ["itself", "dotted", "hard link", "symbolic link"])
def test_the_input_is_never_the_output(tmp_path: Path, way: str, force: bool) -> None:
    source = tmp_path / "in.bin"
    source.write_bytes(b"old")
    (tmp_path / "folder").mkdir()
    target = {"itself": source, "dotted": tmp_path / "folder" / ".." / "in.bin"}.get(way, tmp_path / "other.bin")
    if way == "hard link":
        target.hardlink_to(source)
    if way == "symbolic link":
        target.symlink_to(source)
    assert refused(target, source=source, force=force) == "write.same-file"
    assert source.read_bytes() == b"old"


def test_a_symbolic_link_is_not_followed(tmp_path: Path, target: Path) -> None:
    elsewhere = tmp_path / "elsewhere.bin"
    elsewhere.write_bytes(b"old")
    target.symlink_to(elsewhere)
    assert refused(target, force=True) == "write.symlink"
    elsewhere.unlink()
    assert refused(target, force=True) == "write.symlink"
    assert target.is_symlink()


def test_what_is_no_file_and_what_has_no_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert refused(tmp_path / "pipe", force=True) == "write.not-a-file"
    assert refused(tmp_path, force=True) == "write.not-a-file"
    assert refused(tmp_path / "nowhere" / "x", force=True) == "write.no-folder"


def test_the_mode_is_that_of_any_new_file_or_of_the_one_that_is_replaced(tmp_path: Path, target: Path) -> None:
    source = tmp_path / "in.bin"
    source.write_bytes(b"in")
    source.chmod(0o600)  # as programs leave what they made with mkstemp
    before = os.umask(0o027)
    try:
        write_file(target, b"new", verify=fine, source=source)
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o640
    target.chmod(0o604)
    write_file(target, b"newer", verify=fine, source=source, force=True)
    assert target.stat().st_mode & 0o777 == 0o604


def test_a_verification_that_fails_leaves_everything_as_it_was(target: Path) -> None:
    target.write_bytes(b"old")

    def fails(path: Path) -> None:
        raise ValueError("not good")

    with pytest.raises(ValueError, match="not good"):
        write_file(target, b"new", verify=fails, force=True)
    assert target.read_bytes() == b"old"
    assert len(list(target.parent.iterdir())) == 1


def test_left_over_files_go_and_others_stay(target: Path) -> None:
    folder = target.parent
    (folder / f"{PREFIX}dead{SUFFIX}").write_bytes(b"left over")
    (folder / f"{PREFIX}folder{SUFFIX}").mkdir()
    (folder / f"{PREFIX}notes.txt").write_bytes(b"mine")
    elsewhere = folder / "elsewhere"
    elsewhere.write_bytes(b"kept")
    (folder / f"{PREFIX}link{SUFFIX}").symlink_to(elsewhere)
    write_file(target, b"new", verify=fine)
    names = {path.name for path in folder.iterdir()}
    assert names == {"out.bin", "elsewhere", f"{PREFIX}notes.txt", f"{PREFIX}folder{SUFFIX}", f"{PREFIX}link{SUFFIX}"}
    assert elsewhere.read_bytes() == b"kept"


def test_a_file_that_somebody_still_writes_is_no_left_over(tmp_path: Path) -> None:
    path = tmp_path / f"{PREFIX}alive{SUFFIX}"
    with path.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 0
        assert path.exists()
    assert sweep(tmp_path) == 1
    assert not path.exists()


def test_a_folder_that_may_not_be_written_is_an_error_of_ours(target: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root writes everywhere")
    target.parent.chmod(0o500)
    try:
        with pytest.raises(Exception, match="was not written"):
            write_file(target, b"new", verify=fine)
    finally:
        target.parent.chmod(0o700)
