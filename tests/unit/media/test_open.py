# SPDX-License-Identifier: Apache-2.0
import hashlib
import io
import os
import struct
import time
import wave
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

from waarmerk.provenance.errors import ConfigurationError, LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import Limits, asset_from_bytes, open_asset
from waarmerk.provenance.model import Finding

LIMITS = Limits()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (40, 30), (10, 90, 200)).save(path)
    return path


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(bytes(16000))
    return path


def test_facts_of_a_picture(photo: Path) -> None:
    data = photo.read_bytes()
    asset = open_asset(photo, limits=LIMITS)
    assert (asset.name, asset.media_type, asset.width, asset.height) == ("photo.jpg", "image/jpeg", 40, 30)
    assert (asset.bytes, asset.sha256, asset.hints) == (len(data), hashlib.sha256(data).hexdigest(), ())
    assert asset.open().read() == asset.open().read() == data


def test_bytes_without_a_name_are_the_same_asset(photo: Path) -> None:
    one, other = open_asset(photo, limits=LIMITS), asset_from_bytes(photo.read_bytes(), name=None, limits=LIMITS)
    assert other.name is None
    assert (one.sha256, one.media_type, one.width) == (other.sha256, other.media_type, other.width)


def test_a_small_file_is_examined_as_it_was_read(photo: Path) -> None:
    data = photo.read_bytes()
    asset = open_asset(photo, limits=LIMITS)
    photo.write_bytes(b"other")
    assert asset.open().read() == data


def test_a_long_file_is_streamed_and_its_changes_noticed(sound: Path) -> None:
    small = Limits(image_bytes=1000)
    asset = open_asset(sound, limits=small)
    data = sound.read_bytes()
    assert (asset.media_type, asset.duration_seconds) == ("audio/wav", 1.0)
    assert asset.sha256 == hashlib.sha256(data).hexdigest()
    with asset.open() as stream:
        assert stream.read() == data
    time.sleep(0.01)
    sound.write_bytes(data[:-1] + b"\x01")
    with pytest.raises(UnsupportedAsset) as caught:
        asset.open()
    assert caught.value.code == "media.changed"


def test_a_name_that_lies_is_a_hint(photo: Path) -> None:
    asset = open_asset(photo.rename(photo.with_suffix(".png")), limits=LIMITS)
    assert asset.hints == (Finding("media.name-differs", "image/jpeg"),)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "media.empty"),
        (b"ffconcat version 1.0\nfile photo.jpg\n", "media.unsupported"),
        (b"<html><svg></svg></html>", "media.unsupported"),
    ],
)
def test_what_is_no_media(data: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    for attempt in (lambda: open_asset(path, limits=LIMITS), lambda: asset_from_bytes(data, name="x", limits=LIMITS)):
        with pytest.raises(UnsupportedAsset) as caught:
            attempt()
        assert caught.value.code == code


def test_size_limits_go_by_kind(photo: Path, sound: Path) -> None:
    small = Limits(image_bytes=100, video_bytes=20_000)
    with pytest.raises(LimitExceeded) as caught:
        open_asset(photo, limits=small)
    assert caught.value.code == "media.too-large"
    with pytest.raises(LimitExceeded):
        asset_from_bytes(photo.read_bytes(), name=None, limits=small)
    assert open_asset(sound, limits=small).media_type == "audio/wav"
    with pytest.raises(LimitExceeded):
        open_asset(sound, limits=Limits(image_bytes=100, video_bytes=10_000))


def test_only_regular_files_are_opened_and_nothing_waits(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, Path("/dev/null"), Path("/dev/zero")):
        with pytest.raises(UnsupportedAsset) as caught:
            open_asset(path, limits=LIMITS)
        assert caught.value.code == "media.not-a-file"


def test_missing_files_and_dangling_links(tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    for path in (link, tmp_path / "gone.jpg"):
        with pytest.raises(FileNotFoundError):
            open_asset(path, limits=LIMITS)


def test_a_link_to_a_file_is_that_file(photo: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.jpg"
    link.symlink_to(photo)
    assert open_asset(link, limits=LIMITS).sha256 == open_asset(photo, limits=LIMITS).sha256


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(photo: Path) -> None:
    photo.chmod(0)
    with pytest.raises(PermissionError):
        open_asset(photo, limits=LIMITS)


@pytest.mark.parametrize(
    ("data", "media_type", "seconds"),
    [
        (b"RIFF\x24\0\0\0WAVEdata\x04\0\0\0abcd", "audio/wav", None),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f", "audio/wav", None),
        (b"fLaC\x80\0\0\x22" + bytes(10) + struct.pack(">Q", 44100 << 44 | 88200) + bytes(16), "audio/flac", 2.0),
        (
            b"RIFF\0\0\0\0AVI LIST\0\0\0\0hdrlavih8\0\0\0" + struct.pack("<5I", 40000, 0, 0, 0, 50),
            "video/x-msvideo",
            2.0,
        ),
    ],
)
def test_durations(data: bytes, media_type: str, seconds: float | None) -> None:
    asset = asset_from_bytes(data, name=None, limits=LIMITS)
    assert (asset.media_type, asset.duration_seconds) == (media_type, seconds)


def test_settings_may_lower_a_limit_and_nothing_else() -> None:
    assert LIMITS.lowered({"frames": 10}).frames == 10
    for values, code in (
        ({"frames": 301}, "limits.raised"),
        ({"framez": 1}, "limits.unknown"),
        ({"frames": 0}, "limits.not-positive"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            LIMITS.lowered(values)
        assert caught.value.code == code


def test_hostile_corpus_opens_at_once(shared: Path) -> None:
    started = time.perf_counter()
    for path in (shared / "corpus" / "hostile").glob("*.*"):
        with suppress(UnsupportedAsset, LimitExceeded):
            open_asset(path, limits=LIMITS)
    assert time.perf_counter() - started < 2


def test_every_stored_picture_states_its_size(shared: Path) -> None:
    for path in (shared / "corpus" / "photos").glob("*.[jp][pn]g"):
        asset = open_asset(path, limits=LIMITS)
        with Image.open(io.BytesIO(asset.open().read())) as image:
            assert (asset.width, asset.height) == image.size
