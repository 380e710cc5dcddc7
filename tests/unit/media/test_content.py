# SPDX-License-Identifier: Apache-2.0
"""What is being made: the same bytes in memory and on a disk, read as often as needed, and nothing left of it."""

import gc
import io
import os
import sys
from pathlib import Path

import pytest

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media import Limits, asset_from_bytes, asset_of
from waarmerk.provenance.media.content import Content
from waarmerk.provenance.media.staging import fill

DATA = bytes(range(256)) * 40
PNG = b"\x89PNG\r\n\x1a\n" + bytes(4) + b"IHDR" + bytes(50)


@pytest.fixture(params=["memory", "disk"])
def is_large(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    if request.param == "disk":
        monkeypatch.setattr("waarmerk.provenance.media.content.IN_MEMORY_BYTES", 100)
        monkeypatch.setattr("waarmerk.provenance.media.content._PIECE_BYTES", 1000)
    return bool(request.param == "disk")


def test_it_is_read_as_often_as_needed(is_large: bool) -> None:
    content = Content.copied(io.BytesIO(DATA))
    assert (content.lies_on_disk, content.size, content.read()) == (is_large, len(DATA), DATA)
    first, second = content.open(), content.open()
    assert first.read(10) == DATA[:10]
    assert second.read() == DATA
    assert (first.tell(), first.seek(-5, os.SEEK_END), first.read(), first.read(1)) == (
        10,
        len(DATA) - 5,
        DATA[-5:],
        b"",
    )
    assert first.seek(3) == 3
    assert first.seek(4, os.SEEK_CUR) == 7
    assert first.read(2) == DATA[7:9]
    with pytest.raises(ValueError, match=r"negative|before"):
        first.seek(-1)
    whole = bytearray(len(DATA) + 10)
    assert content.open().readinto(whole) == len(DATA)  # type: ignore[attr-defined]
    assert whole[: len(DATA)] == DATA


def test_it_knows_itself(is_large: bool, tmp_path: Path) -> None:
    content, path = Content.copied(io.BytesIO(DATA)), tmp_path / "x"
    for data in (DATA[:-1], DATA + b"x", DATA[:-1] + b"x", b"x" + DATA[1:], b""):
        path.write_bytes(data)
        assert not content.stands_at(path)
        assert not content.is_that_of(io.BytesIO(data))
    descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    fill(descriptor, content, None)
    os.close(descriptor)
    assert path.read_bytes() == DATA
    assert content.stands_at(path)


def test_an_edit_is_another_content(is_large: bool) -> None:
    content = Content.copied(io.BytesIO(DATA))
    edited = content.edited([(0, b"ab"), (500, b"cd")], size=600, tail=b"end")
    expected = b"ab" + DATA[2:500] + b"cd" + DATA[502:600] + b"end"
    assert (edited.read(), edited.size, edited.lies_on_disk) == (expected, 603, is_large)
    assert content.read() == DATA
    assert content.edited([]).read() == DATA
    del content
    assert edited.read() == expected


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(sys.platform != "linux", reason="the files of a process are counted in /proc")
def test_a_file_is_taken_out_of_its_folder_and_gone_with_the_last_reader(is_large: bool, tmp_path: Path) -> None:
    path = tmp_path / "made"
    path.write_bytes(DATA)
    gc.collect()
    before = open_files()
    content = Content.taken(path)
    assert not path.exists()
    stream = content.open()
    del content
    gc.collect()
    assert stream.read() == DATA, "who still reads keeps it"
    del stream
    gc.collect()
    assert open_files() == before


def test_an_asset_of_it_is_that_of_its_bytes(is_large: bool) -> None:
    content = Content.copied(io.BytesIO(PNG * 5))
    asset, plain = (
        asset_of(content, name="x.png", limits=Limits()),
        asset_from_bytes(PNG * 5, name="x.png", limits=Limits()),
    )
    assert asset == plain
    assert asset.open().read() == PNG * 5
    with pytest.raises(UnsupportedAsset):
        asset_of(Content.copied(io.BytesIO(DATA)), name=None, limits=Limits())
