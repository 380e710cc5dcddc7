# SPDX-License-Identifier: Apache-2.0
"""Stretches of a clip for comparison: all of a short one, some of a long one, never more than a budget."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.stretches import MOST_DECODED, SMALL_SIDE, stretches

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


def looked(data: bytes, seconds: float) -> list[list[float]]:
    asset = asset_from_bytes(data, name=None, limits=Limits())
    return [[frame.seconds for frame in each] for each in stretches(asset, Limits(), seconds=seconds)]


def test_a_short_clip_is_read_through() -> None:
    found = looked(clip(40), 1.5)
    assert [(each[0], len(each)) for each in found] == [(0.0, 15), (1.5, 15)]  # one second is left over
    assert [len(each) for each in looked(clip(4), 1.5)] == [4]


def test_a_long_clip_is_looked_at_in_places() -> None:
    found = looked(clip(900), 1.5)
    assert 10 < len(found) <= 20
    assert sum(len(each) for each in found) <= MOST_DECODED
    assert found[0][0] < 10.0
    assert found[-1][0] > 75.0
    assert all(each[-1] - each[0] < 1.5 for each in found)


def test_frames_are_small_and_know_how_large_they_were() -> None:
    asset = asset_from_bytes(clip(2), name=None, limits=Limits())
    ((frame, _),) = stretches(asset, Limits(), seconds=1.0)
    assert (frame.width, frame.height) == (400, 160)
    assert frame.rgb.shape == (round(160 * SMALL_SIDE / 400), SMALL_SIDE, 3)


def test_a_clip_cut_off_ends_and_no_clip_is_said_so() -> None:
    data = clip(40)
    damaged = data.replace(data[len(data) // 2 : len(data) // 2 + 400], bytes(400), 1)
    assert sum(len(each) for each in looked(damaged, 1.5)) <= 40
    with pytest.raises(UnsupportedAsset):
        looked(b"\x89PNG\r\n\x1a\n" + bytes(64), 1.5)
