# SPDX-License-Identifier: Apache-2.0
"""Pictures out of clips: different ones, in order, upright; a hostile file gives a reason."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.video import MOST_KEY_FRAMES, key_frames

av = pytest.importorskip("av", reason="the extra `video` is not installed")
COLOURS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 40))


def scene(colour: tuple[int, int, int]) -> Any:
    picture = np.full((128, 160, 3), colour, np.uint8)
    picture[:40, :40] = 255
    return picture


def clip(path: Path, scenes: list[Any], *, each: int = 10, muxer: str = "mp4", rotation: int = 0) -> bytes:
    with av.open(str(path), "w", format=muxer) as out:
        codec = "libvpx-vp9" if muxer == "webm" else "libx264"
        stream = out.add_stream(codec, rate=10, options={"crf": "20", "b": "0", "g": "10"})
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        if rotation:
            stream.set_display_rotation(rotation)
        for picture in scenes:
            for _ in range(each):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    return path.read_bytes()


def shown(data: bytes, limits: Limits | None = None) -> list[tuple[float, Any]]:
    found = key_frames(asset_from_bytes(data, name=None, limits=Limits()), limits or Limits())
    return [(one.seconds, np.asarray(Image.open(io.BytesIO(one.picture.data)))) for one in found]


@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska", "webm"])
def test_one_picture_a_scene_in_order(muxer: str, tmp_path: Path) -> None:
    found = shown(clip(tmp_path / "a", [scene(c) for c in COLOURS], muxer=muxer))
    assert [seconds for seconds, _ in found] == pytest.approx([0.0, 1.0, 2.0, 3.0], abs=0.2)
    for (_, picture), colour in zip(found, COLOURS, strict=True):
        assert picture.shape == (128, 160, 3)
        assert np.abs(picture[100, 100].astype(int) - colour).max() < 25


def test_black_shows_nothing(tmp_path: Path) -> None:
    black = np.zeros((128, 160, 3), np.uint8)
    assert len(shown(clip(tmp_path / "a", [black, scene(COLOURS[0]), black]))) == 1


def test_no_more_than_anybody_looks_at(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    many = [scene(tuple(int(v) for v in rng.integers(0, 255, 3))) for _ in range(30)]
    assert len(shown(clip(tmp_path / "a", many))) == MOST_KEY_FRAMES


def test_a_turned_clip_is_shown_upright(tmp_path: Path) -> None:
    ((_, picture),) = shown(clip(tmp_path / "a", [scene(COLOURS[2])], rotation=90))
    assert picture.shape == (160, 128, 3)
    assert picture[150, 10].min() > 200  # the white corner of the upper left went a quarter against the clock


def test_half_a_file_says_so(tmp_path: Path) -> None:
    data = clip(tmp_path / "a", [scene(COLOURS[0])])
    for part in (data[: len(data) // 2], data[:60]):
        with pytest.raises(UnsupportedAsset) as caught:
            shown(part)
        assert caught.value.code == "media.no-video"


def test_limits_act_before_the_decoder(tmp_path: Path) -> None:
    data = clip(tmp_path / "a", [scene(COLOURS[0])])
    with pytest.raises(UnsupportedAsset):
        shown(data, Limits(frame_pixels=100 * 100))
    lying = data.replace(b"stsz" + bytes(8) + struct.pack(">I", 10), b"stsz" + bytes(8) + struct.pack(">I", 2**31))
    assert lying != data
    with pytest.raises(LimitExceeded) as caught:
        shown(lying)
    assert caught.value.code == "media.too-many-samples"


def test_a_picture_is_no_clip() -> None:
    buffer = io.BytesIO()
    Image.fromarray(scene(COLOURS[0])).save(buffer, "PNG")
    with pytest.raises(UnsupportedAsset):
        shown(buffer.getvalue())
