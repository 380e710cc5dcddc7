# SPDX-License-Identifier: Apache-2.0
"""Clips are marked without loss to anything beside the pixels, searched within a budget, and never half written."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.watermark import clips, hosts
from waarmerk.watermark import CannotCarry, Key, Payload

av = pytest.importorskip("av", reason="the extra `video` is not installed")
video: Any = pytest.importorskip("waarmerk.watermark.video")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    recipe = clips.Recipe(sound=("aac",), frames=30)
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    made: Path = clips.write(path, recipe, clips.panorama(hosts.textured(256, 384), recipe))
    return made


@pytest.fixture(scope="module")
def marked(clip: Path, key: Key, payload: Payload) -> Path:
    target = clip.with_name("b.mp4")
    video.embed_video(clip, target, key, payload)
    return target


def test_a_marked_clip_is_read(marked: Path, key: Key, other_key: Key, payload: Payload) -> None:
    found = video.detect_video(marked, key)
    assert (found.payload, found.scheme, found.key_id) == (payload, "ring/1", key.key_id)
    assert found.seconds
    both = video.detect_video_each(BytesIO(marked.read_bytes()), (other_key, key))
    assert [entry.payload for entry in both] == [None, payload]


def test_an_unmarked_clip_is_not(clip: Path, key: Key) -> None:
    found = video.detect_video(clip, key)
    assert (found.detected, found.payload) == (False, None)
    assert found.frames > 8


def test_what_was_written_is_told(clip: Path, tmp_path: Path, key: Key, payload: Payload) -> None:
    told: list[tuple[float, float | None]] = []
    written = video.embed_video(
        clip, tmp_path / "b.mp4", key, payload, progress=lambda done, of: told.append((done, of))
    )
    assert (written.frames, written.encoder, written.losses) == (30, "libx264", ())
    assert 36.0 < written.psnr < 55.0
    assert written.detection.payload == payload
    assert told == sorted(told)
    assert [of for _, of in told] == [pytest.approx(1.2, abs=0.05)] * len(told)
    assert len(told) >= 3


def test_two_seconds_from_the_middle_are_enough(tmp_path: Path, key: Key, payload: Payload) -> None:
    recipe = clips.Recipe(frames=90, size=(512, 384))
    source = clips.write(tmp_path / "a.mp4", recipe, clips.panorama(hosts.textured(384, 640), recipe))
    video.embed_video(source, tmp_path / "b.mp4", key, payload)
    with av.open(str(tmp_path / "b.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][20:70]
    piece = clips.Recipe(frames=50, size=(512, 384), options={"crf": "25", "preset": "veryfast"})
    assert video.detect_video(clips.write(tmp_path / "c.mp4", piece, frames), key).payload == payload


def test_a_long_clip_is_searched_at_places(tmp_path: Path, key: Key, payload: Payload) -> None:
    """Black at first, marked later: frames are taken from all of it, not from its beginning."""
    recipe = clips.Recipe(frames=400, rate=25, size=(256, 192), options={"crf": "16", "preset": "ultrafast", "g": "50"})
    pictures = clips.panorama(hosts.textured(192, 512), recipe)
    dark = [np.zeros_like(p) if i < 150 else p for i, p in enumerate(pictures)]
    source = clips.write(tmp_path / "a.mp4", recipe, dark)
    written = video.embed_video(source, tmp_path / "b.mp4", key, payload)
    assert written.frames == 400
    assert min(written.detection.seconds) >= 6.0


def test_equal_calls_give_equal_bytes(clip: Path, tmp_path: Path, key: Key, payload: Payload) -> None:
    for name in ("x.mp4", "y.mp4"):
        video.embed_video(clip, tmp_path / name, key, payload)
    assert (tmp_path / "x.mp4").read_bytes() == (tmp_path / "y.mp4").read_bytes()


def test_a_mark_that_is_not_read_back_is_not_written(tmp_path: Path, key: Key, payload: Payload) -> None:
    recipe = clips.Recipe(frames=5)
    grey = [np.full((256, 320, 3), 128, np.uint8)] * 5
    source = clips.write(tmp_path / "a.mp4", recipe, grey)
    with pytest.raises(CannotCarry):
        video.embed_video(source, tmp_path / "b.mp4", key, payload, strength=0.05)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4"]
    written = video.embed_video(source, tmp_path / "b.mp4", key, payload, strength=0.05, best_effort=True)
    assert written.detection.payload is None
    assert (tmp_path / "b.mp4").exists()


def test_too_small_to_carry_a_mark(tmp_path: Path, key: Key, payload: Payload) -> None:
    recipe = clips.Recipe(size=(160, 96), frames=3)
    source = clips.write(tmp_path / "a.mp4", recipe, [np.full((96, 160, 3), 90, np.uint8)] * 3)
    with pytest.raises(CannotCarry, match="128"):
        video.embed_video(source, tmp_path / "b.mp4", key, payload)


def test_the_output_is_never_the_input_and_nothing_is_replaced_unasked(
    clip: Path, tmp_path: Path, key: Key, payload: Payload
) -> None:
    before = clip.read_bytes()
    with pytest.raises(ValueError, match="input itself"):
        video.embed_video(clip, clip, key, payload, force=True)
    link = tmp_path / "link.mp4"
    link.symlink_to(clip)
    with pytest.raises(ValueError, match="input itself"):
        video.embed_video(clip, link, key, payload, force=True)
    other = tmp_path / "there.mp4"
    other.write_bytes(b"old")
    with pytest.raises(FileExistsError):
        video.embed_video(clip, other, key, payload)
    assert (clip.read_bytes(), other.read_bytes()) == (before, b"old")


class _Stop(KeyboardInterrupt):
    pass


def test_an_interrupt_leaves_no_trace(clip: Path, tmp_path: Path, key: Key, payload: Payload) -> None:
    def stop(done: float, of: float | None) -> None:
        raise _Stop

    with pytest.raises(_Stop):
        video.embed_video(clip, tmp_path / "b.mp4", key, payload, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_file_cut_off_is_refused_not_shortened(marked: Path, tmp_path: Path, key: Key, payload: Payload) -> None:
    half = tmp_path / "half.mp4"
    half.write_bytes(marked.read_bytes()[: marked.stat().st_size * 6 // 10])
    with pytest.raises(video.UnreadableVideo):
        video.embed_video(half, tmp_path / "b.mp4", key, payload)
    assert [p.name for p in tmp_path.iterdir()] == ["half.mp4"]
    assert video.detect_video(half, key).payload == payload  # what is left is searched


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"ffconcat version 1.0\nfile a.mp4\n",
        b"v=0\r\nm=video 9 RTP/AVP 96\r\n",
        b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41",
        b"\x1a\x45\xdf\xa3\x93\x42\x82\x84webm" + bytes(400),
    ],
)
def test_what_holds_no_video_is_said_so(data: bytes, tmp_path: Path, key: Key, payload: Payload) -> None:
    source = tmp_path / "a.mp4"
    source.write_bytes(data)
    with pytest.raises(video.UnreadableVideo):
        video.detect_video(source, key)
    with pytest.raises(video.UnreadableVideo):
        video.embed_video(source, tmp_path / "b.mp4", key, payload)


def test_arguments_without_sense(clip: Path, tmp_path: Path, key: Key, payload: Payload) -> None:
    with pytest.raises(ValueError, match="not both"):
        video.embed_video(clip, tmp_path / "b.mp4", key, payload, strength=1.0, psnr=42.0)
    with pytest.raises(TypeError):
        video.embed_video(clip, tmp_path / "b.mp4", key, b"12345678")
    with pytest.raises(ValueError, match="strength"):
        video.embed_video(clip, tmp_path / "b.mp4", key, payload, strength=100.0)
    with pytest.raises(ValueError, match="psnr"):
        video.embed_video(clip, tmp_path / "b.mp4", key, payload, psnr=10.0)
    with pytest.raises(TypeError):
        video.detect_video_each(clip, key)
    with pytest.raises(ValueError, match="max_false_positive"):
        video.detect_video(clip, key, max_false_positive=0.0)


def test_a_tag_without_a_place_is_listed(tmp_path: Path, key: Key, payload: Payload) -> None:
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w", container_options={"movflags": "use_metadata_tags"}) as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "16"})
        stream.width, stream.height, stream.pix_fmt = 320, 256, "yuv420p"
        out.metadata.update({"title": "kept", "org.example.shot": "12b"})
        out.mux(stream.encode(av.VideoFrame.from_ndarray(hosts.textured(256, 320), "rgb24")))
        out.mux(stream.encode(None))
    written = video.embed_video(source, tmp_path / "b.mp4", key, payload)
    assert written.losses == (("tag", "org.example.shot"),)
    with av.open(str(tmp_path / "b.mp4")) as result:
        assert result.metadata["title"] == "kept"
