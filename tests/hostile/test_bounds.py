# SPDX-License-Identifier: Apache-2.0
"""Files made to exhaust who reads them: a report of each, in bounded time and memory (P5).

Processor time and memory of the largest process are counted by the kernel (wait4), start of the command included, with
a search for a mark, which is what looks at pixels.
"""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import makers
from tests.measuring import Measured, verified
from waarmerk.watermark import Key

IMAGE_SECONDS, IMAGE_MIB = 4, 512
VIDEO_SECONDS, VIDEO_MIB = 20, 1024
REFUSED = {"media.too-many-parts", "media.unsupported"}
# Cheap to make; the rest are for the slow run.
QUICK = (
    "webp-16383.webp",
    "avif-16000.avif",
    "gif-7000-frames.gif",
    "texts-3000.png",
    "chunks-300000.png",
    "comments-100000.jpg",
    "laughs.jpg",
    "deep.svg",
    "directories.tif",
    "boxes-in-boxes.jpg",
    "boxes-1000000.avif",
)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "ai.key"
    Key.generate("ai").save(path)
    return path


def reports(run: Measured) -> list[dict[str, Any]]:
    """All that was examined, each file once; nothing ended a worker, and nothing was found that is not there."""
    found: list[dict[str, Any]] = json.loads(run.out)
    for each in found:
        if each["error"] is not None:
            assert each["error"]["code"] in REFUSED, each["asset"]["name"]
        assert each["verdict"]["origin"] == "unknown"
        assert not any(mark["detected"] for mark in each["watermarks"])
    return found


def test_files_that_state_more_than_they_are_cost_little(key: Path, tmp_path: Path) -> None:
    files = [tmp_path / name for name in QUICK]
    for path in files:
        path.write_bytes(makers.LIARS[path.name]())
    run = verified("--key", key, *files)
    assert len(reports(run)) == len(files)
    assert run.mebibytes <= IMAGE_MIB
    assert run.seconds <= IMAGE_SECONDS * 4  # eleven of them; one alone has IMAGE_SECONDS in the slow run


def test_a_decoder_is_not_sent_over_a_picture_a_hundred_times(key: Path, tmp_path: Path) -> None:
    for count in (100, 20):
        (tmp_path / f"{count}.jpg").write_bytes(makers.scans(800, count))
    many, few = reports(verified("--key", key, tmp_path / "100.jpg", tmp_path / "20.jpg"))
    for report, searched in ((many, False), (few, True)):
        (marks,) = (each for each in report["channels"] if each["channel"] == "open-marks")
        assert (marks["state"], marks["code"]) == (("none", None) if searched else ("unread", "open-marks.unreadable"))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*makers.LIARS, *makers.LARGE])
def test_a_picture_has_four_seconds_and_half_a_gibibyte(
    name: str, key: Path, tmp_path: Path, record_property: Any
) -> None:
    path = tmp_path / name
    path.write_bytes({**makers.LIARS, **makers.LARGE}[name]())
    run = verified("--key", key, path)
    record_property("bytes", path.stat().st_size)
    record_property("seconds", round(run.seconds, 1))
    record_property("mebibytes", round(run.mebibytes))
    print(f"{name}: {path.stat().st_size} bytes, {run.seconds:.1f} s, {run.mebibytes:.0f} MiB")
    (report,) = reports(run)
    if name in makers.LARGE:  # or it was not these pixels that took the time
        (marks,) = (each for each in report["channels"] if each["channel"] == "open-marks")
        assert marks["state"] == ("unread" if name == "jpeg-300-scans.jpg" else "none")
    assert run.mebibytes <= IMAGE_MIB
    assert run.seconds <= IMAGE_SECONDS


def clip(path: Path, side: int, frames: int) -> bytes:
    import av

    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "40", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = side, side, "yuv420p"
        frame = av.VideoFrame(side, side, "yuv420p")
        for number in range(frames):
            frame.pts = number
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path.read_bytes()


def lying(data: bytes, table: bytes, at: int, count: int) -> bytes:
    start = data.index(table) + 4 + at
    return data[:start] + struct.pack(">I", count) + data[start + 4 :]


def films(folder: Path) -> dict[str, bytes]:
    """Small clips that state or hold too much of something."""
    plain = clip(folder / "plain.mp4", 160, 6)
    return {
        "samples.mp4": lying(plain, b"stsz", 8, 50_000_000),
        "runs.mp4": lying(plain, b"stts", 8, 2**31),
        "empty-boxes.mp4": plain + makers.box(b"free", b"") * 300_000,
        "half.mp4": plain[: len(plain) // 2],
    }


def test_clips_that_state_more_than_they_are_cost_little(key: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="the extra `video` is not installed")
    paths = []
    for name, data in films(tmp_path).items():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(data)
    run = verified("--key", key, *paths)
    assert len(reports(run)) == len(paths)
    assert run.mebibytes <= VIDEO_MIB
    assert run.seconds <= VIDEO_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [(160, 6, 1_000_000), (160, 20_000, 0), (4096, 100, 0), (6400, 12, 0), (8192, 6, 0)], ids=str
)
def test_a_clip_has_twenty_seconds_and_a_gibibyte(
    shape: tuple[int, int, int], key: Path, tmp_path: Path, record_property: Any
) -> None:
    side, frames, boxes = shape
    pytest.importorskip("av", reason="the extra `video` is not installed")
    path = tmp_path / "clip.mp4"
    path.write_bytes(clip(tmp_path / "made.mp4", side, frames) + makers.box(b"free", b"") * boxes)
    run = verified("--key", key, path)
    record_property("seconds", round(run.seconds, 1))
    record_property("mebibytes", round(run.mebibytes))
    print(f"{side} x {side}, {frames} frames, {boxes} boxes: {run.seconds:.1f} s, {run.mebibytes:.0f} MiB")
    assert len(reports(run)) == 1
    assert run.mebibytes <= VIDEO_MIB
    assert run.seconds <= VIDEO_SECONDS
