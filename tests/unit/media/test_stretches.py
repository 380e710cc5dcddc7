# SPDX-License-Identifier: Apache-2.0
"""Stretches of a clip for comparison: all of a short one, some of a long one, never more than a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from fractions import Fraction
from io import BytesIO, RawIOBase
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.stretches import MOST_DECODED, OF_A_STRETCH, SMALL_SIDE, Looked, every_second, stretches

av = pytest.importorskip("av", reason="the extra `video` is not installed")


def clip(frames: int, *, rate: int = 10, size: tuple[int, int] = (400, 160)) -> bytes:
    held = BytesIO()
    with av.open(held, "w", format="mp4") as out:
        video = out.add_stream("libx264", rate=rate, options={"crf": "30", "preset": "ultrafast", "g": "20"})
        video.width, video.height, video.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), number % 256, np.uint8)
            out.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(video.encode(None))
    return held.getvalue()


def looked(data: bytes, seconds: float, secret: bytes = b"") -> Looked:
    asset = asset_from_bytes(data, name=None, limits=Limits())
    return stretches(asset, Limits(), seconds=seconds, secret=secret)


def times(found: Looked) -> list[list[float]]:
    return [[frame.seconds for frame in each] for each in found.stretches]


def test_a_short_clip_is_read_through() -> None:
    found = looked(clip(40), 1.5)
    one, other = times(found)  # the second that is left over belongs to the second stretch
    assert one == sorted(one)
    assert 0.0 <= one[0] < 0.2
    assert 1.3 <= one[-1] < 1.5 <= other[0]
    assert other[-1] > 3.6
    assert found.complete
    assert found.seconds == pytest.approx(3.9)
    assert [len(each) for each in times(looked(clip(4), 1.5))] == [4]


def test_a_long_clip_is_looked_at_in_places_and_never_complete() -> None:
    whole = looked(clip(900), 1.5)
    found = times(whole)
    assert 10 < len(found) <= 20
    assert all(len(each) <= OF_A_STRETCH for each in found)
    assert found[0][0] < 10.0
    assert found[-1][0] > 75.0
    assert all(each[-1] - each[0] < 1.5 for each in found)
    assert not whole.complete
    assert whole.seconds <= MOST_DECODED / 10


def test_places_follow_from_the_file_and_the_secret() -> None:
    data = clip(40)
    assert times(looked(data, 1.5)) == times(looked(data, 1.5))
    assert times(looked(data, 1.5, b"a")) != times(looked(data, 1.5, b"b"))


@pytest.mark.parametrize(("frames", "complete"), [(MOST_DECODED, True), (MOST_DECODED + 1, False)])
def test_a_clip_that_says_no_length_is_complete_only_where_it_was_read_to_its_end(frames: int, complete: bool) -> None:
    found = looked(streamed(frames), 1.5)
    assert found.complete is complete
    assert found.seconds == pytest.approx((MOST_DECODED - 1) / 25, abs=0.1)


def test_a_frame_that_stands_long_is_looked_at() -> None:
    """Times are the file's to choose: one frame among many that are over at once is most of what is seen."""
    data = streamed(30, lambda number: number * 40 if number < 20 else 20_000 + number * 40)
    found = times(looked(data, 1.5))
    assert any(at == pytest.approx(0.76) for each in found for at in each)


@pytest.mark.parametrize(("videos", "complete"), [(1, True), (2, False)])
def test_a_second_video_that_a_player_may_show_makes_it_incomplete(videos: int, complete: bool) -> None:
    held = BytesIO()
    with av.open(held, "w", format="mp4") as out:
        streams = [out.add_stream("libx264", rate=10, options={"preset": "ultrafast"}) for _ in range(videos)]
        for video in streams:
            video.width, video.height, video.pix_fmt = 160, 96, "yuv420p"
        for level, video in enumerate(streams):
            for _ in range(10):
                picture = np.full((96, 160, 3), 40 + 90 * level, np.uint8)
                out.mux(video.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
            out.mux(video.encode(None))
    assert looked(held.getvalue(), 1.5).complete is complete


class Backwards:
    """A container whose frames run backwards once."""

    duration = None

    def __init__(self) -> None:
        self.streams = SimpleNamespace(video=[SimpleNamespace(disposition=av.stream.Disposition.default)])

    def decode(self, _: Any) -> Iterator[Any]:
        for number in range(40):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number, np.uint8), "rgb24")
            frame.pts, frame.time_base = 40 * (number if number < 20 else number - 10), Fraction(1, 1000)
            yield frame


def test_frames_that_run_backwards_are_left_out_and_make_it_incomplete(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = SimpleNamespace(average_rate=25, duration=None, time_base=None)
    monkeypatch.setattr("waarmerk.provenance.media.stretches.opened", lambda *_: nullcontext((Backwards(), stream)))
    data = streamed(2)
    found = looked(data, 0.5)
    assert all(each == sorted(set(each)) for each in times(found))
    assert found.seconds == pytest.approx(1.16)
    assert not found.complete
    every = every_second(asset_from_bytes(data, name=None, limits=Limits()), Limits(), most=9)
    assert [frame.seconds for frame in every] == [0.0, 1.0]


def streamed(frames: int, at: Callable[[int], int] = lambda number: number * 40) -> bytes:
    """A Matroska file as a stream is written: its header says no length. ``at`` gives milliseconds."""

    class Pipe(RawIOBase):
        def __init__(self) -> None:
            self.held = bytearray()

        def writable(self) -> bool:
            return True

        def seekable(self) -> bool:
            return False

        def write(self, data: Any) -> int:
            self.held += bytes(data)
            return len(data)

    pipe = Pipe()
    with av.open(pipe, "w", format="matroska") as out:
        video = out.add_stream("mjpeg", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuvj420p"
        packets = []
        for number in range(frames):
            picture = np.full((48, 64, 3), number % 256, np.uint8)
            packets += video.encode(av.VideoFrame.from_ndarray(picture, "rgb24"))
        for number, packet in enumerate([*packets, *video.encode(None)]):
            packet.time_base = Fraction(1, 1000)
            packet.pts = packet.dts = at(number)
            out.mux(packet)
    return bytes(pipe.held)


def test_frames_are_small_and_know_how_large_they_were() -> None:
    asset = asset_from_bytes(clip(2), name=None, limits=Limits())
    ((frame, _),) = stretches(asset, Limits(), seconds=1.0).stretches
    assert (frame.width, frame.height) == (400, 160)
    assert frame.rgb.shape == (round(160 * SMALL_SIDE / 400), SMALL_SIDE, 3)


def test_a_clip_cut_off_ends_and_no_clip_is_said_so() -> None:
    data = clip(40)
    damaged = data.replace(data[len(data) // 2 : len(data) // 2 + 400], bytes(400), 1)
    assert sum(len(each) for each in times(looked(damaged, 1.5))) <= 40
    with pytest.raises(UnsupportedAsset):
        looked(b"\x89PNG\r\n\x1a\n" + bytes(64), 1.5)
