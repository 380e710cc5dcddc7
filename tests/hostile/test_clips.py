# SPDX-License-Identifier: Apache-2.0
"""Clips made to break whoever decodes them: a clear answer in time, with bounded memory, and nothing hung."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from waarmerk.provenance.jobs import Pool
from waarmerk.provenance.settings import Settings
from waarmerk.watermark import Key

av = pytest.importorskip("av", reason="the extra `video` is not installed")
AT = datetime(2026, 11, 21, tzinfo=UTC)
SHARED = ROOT.parent / "shared" / "corpus" / "hostile"
# What may come of a file that was changed at random: searched and nothing found, or one of these.
REASONS = {None, "watermark.unreadable"}
FAULTS = {"media.unsupported", "media.empty", "media.too-large", "worker.timeout", "worker.memory"}


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "ai.key"
    Key.generate("ai").save(path)
    return path


@pytest.fixture(scope="module")
def pool(key: Path) -> Iterator[Pool]:
    with Pool(Settings(keys=(key,)).to_json(), size=1) as made:
        yield made


def clip(path: Path, muxer: str, *, frames: int = 6) -> bytes:
    rng = np.random.default_rng(1)
    with av.open(str(path), "w", format=muxer) as out:
        codec = "libvpx-vp9" if muxer == "webm" else "libx264"
        stream = out.add_stream(codec, rate=25, options={"crf": "30", "b": "0"})
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        for _ in range(frames):
            picture = rng.integers(0, 255, (128, 160, 3)).astype(np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    return path.read_bytes()


def searched(pool: Pool, path: Path) -> dict[str, Any]:
    answer = pool.perform("marks", path, at=AT)
    assert "where" not in answer, answer
    return answer


def require_plain(answer: dict[str, Any]) -> None:
    """A report in which no mark was found, or a fault with a code that is not a crash."""
    if "fault" in answer:
        assert answer["fault"] in FAULTS
        return
    report = answer["answer"]
    if report["error"] is not None:
        assert report["error"]["code"] in FAULTS
        return
    assert not any(mark["detected"] for mark in report["watermarks"])
    assert {channel["code"] for channel in report["channels"] if channel["channel"].startswith("watermark")} <= REASONS


def mutants(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """Bytes changed, cut and doubled."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        made = bytearray(data)
        for _ in range(int(rng.integers(1, 8))):
            at = int(rng.integers(0, len(made)))
            made[at] = int(rng.integers(0, 256))
        if rng.random() < 0.2:
            made = made[: int(rng.integers(1, len(made)))]
        if rng.random() < 0.1:
            made += made[int(rng.integers(0, len(made))) :]
        yield bytes(made)


@pytest.mark.parametrize("count", [12, pytest.param(400, marks=pytest.mark.slow)])
@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska", "webm"])
def test_mutants_end_in_an_answer(muxer: str, count: int, pool: Pool, tmp_path: Path) -> None:
    data = clip(tmp_path / "seed", muxer)
    for number, made in enumerate(mutants(data, count, seed=count)):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(made)
        require_plain(searched(pool, path))
        path.unlink()


@pytest.mark.parametrize("muxer", ["mp4", "matroska", "webm"])
def test_cut_anywhere(muxer: str, pool: Pool, tmp_path: Path) -> None:
    data = clip(tmp_path / "seed", muxer)
    for tenth in range(1, 10):
        path = tmp_path / "cut"
        path.write_bytes(data[: len(data) * tenth // 10])
        require_plain(searched(pool, path))


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile {other}\n",
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nc=IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{other}\n",
        '<?xml version="1.0"?><MPD><BaseURL>file://{other}</BaseURL></MPD>',
    ],
)
def test_texts_that_name_other_files_are_not_followed(text: str, pool: Pool, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    clip(other, "mp4")
    path = tmp_path / "a.mp4"
    path.write_text(text.format(other=other))
    began = time.monotonic()
    answer = searched(pool, path)
    assert answer["answer"]["error"]["code"] == "media.unsupported"
    assert time.monotonic() - began < 30  # an SDP made a demuxer wait for packets


def lying(data: bytes, name: bytes, at: int, count: int) -> bytes:
    """The MP4 with another number in a table."""
    start = data.index(name) + 4 + at
    return data[:start] + struct.pack(">I", count) + data[start + 4 :]


@pytest.mark.parametrize(
    ("name", "at", "count"),
    [(b"stsz", 8, 50_000_000), (b"stsz", 8, 2**32 - 1), (b"stts", 8, 2**31), (b"stco", 4, 2**31), (b"stsz", 8, 0)],
)
def test_counts_that_lie(name: bytes, at: int, count: int, pool: Pool, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(lying(clip(tmp_path / "seed", "mp4"), name, at, count))
    answer = searched(pool, path)
    require_plain(answer)
    codes = {channel["code"] for channel in answer["answer"]["channels"]}
    assert "watermark.unreadable" in codes or count == 2**31  # never "no mark" where nothing was decoded


def measured(path: Path, key: Path) -> tuple[int, float, float]:
    """Exit code, seconds and MiB of the largest process of ``watermark detect``."""
    command = [sys.executable, "-m", "waarmerk.cli", "watermark", "detect", "--format", "json", "--key", str(key)]
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([*command, str(path)], stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = 0
        out.seek(0)
        assert len(json.loads(out.read())) == 1
    return os.waitstatus_to_exitcode(status), time.monotonic() - began, usage.ru_maxrss / 1024


@pytest.mark.slow
def test_frames_of_sixty_seven_megapixels(key: Path, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "40", "preset": "ultrafast"})
        stream.width = stream.height = 8192
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            frame = av.VideoFrame(8192, 8192, "yuv420p")
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    code, _, mebibytes = measured(path, key)
    assert code == 3
    assert mebibytes < 1024


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason="the hostile set is not beside the checkout")
def test_the_hostile_set(key: Path) -> None:
    found = sorted(path for path in SHARED.iterdir() if path.suffix in {".mp4", ".mov", ".mkv", ".webm"})
    assert len(found) >= 5
    for path in found:
        code, seconds, mebibytes = measured(path, key)
        assert code in (0, 3), path.name
        assert seconds < 60, path.name
        assert mebibytes < 1024, path.name
