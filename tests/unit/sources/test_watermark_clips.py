# SPDX-License-Identifier: Apache-2.0
"""Marks in clips as evidence: a stranger's file gives a finding or a reason, never an exception."""

from __future__ import annotations

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.unit.marking.pictures import scene
from waarmerk.provenance.media import Limits, asset_from_bytes
from waarmerk.provenance.media.stretches import WORTH_COMPARING
from waarmerk.provenance.model import Assurance, ChannelState, MarkFinding
from waarmerk.provenance.registry import Issuance, Ledger, Still
from waarmerk.provenance.registry.hashes import chroma, thumbnail
from waarmerk.provenance.sources import Examination
from waarmerk.provenance.sources.watermark import MAX_FALSE_POSITIVE, WatermarkSource
from waarmerk.watermark import Key, Payload, embed

av = pytest.importorskip("av", reason="the extra `video` is not installed")

KEY = Key.generate("ai", random_bytes=lambda count: bytes(range(count)))
OTHER = Key.generate("origin", random_bytes=lambda count: bytes(range(1, count + 1)))
PAYLOAD = Payload(b"\x00\x11\x22\x33\x44\x55\x66\x77")


def still() -> Any:
    y, x = np.mgrid[0:288, 0:384]
    noise = np.random.default_rng(2).normal(0, 8, (288, 384, 3))
    wave = 120 + 50 * np.sin(x / 31)[..., None] * np.cos(y / 23)[..., None]
    return np.clip(wave + noise, 0, 255).astype(np.uint8)


def clip(path: Path, picture: Any, muxer: str, codec: str) -> bytes:
    with av.open(str(path), "w", format=muxer) as out:
        stream = out.add_stream(codec, rate=25, options={"crf": "20", "b": "0"})
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        for _ in range(5):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        out.mux(stream.encode(None))
    return path.read_bytes()


def examined(data: bytes, *keys: Key) -> Examination:
    source = WatermarkSource(keys, Limits(), max_false_positive=MAX_FALSE_POSITIVE)
    return source.examine(asset_from_bytes(data, name=None, limits=Limits()))


@pytest.mark.parametrize(
    ("muxer", "codec"), [("mp4", "libx264"), ("mov", "libx264"), ("matroska", "libx264"), ("webm", "libvpx-vp9")]
)
def test_a_mark_is_found_in_every_container(muxer: str, codec: str, tmp_path: Path) -> None:
    data = clip(tmp_path / "a", embed(still(), KEY, PAYLOAD), muxer, codec)
    mine, other = examined(data, KEY, OTHER).marks
    assert (mine.detected, mine.payload, mine.means) == (True, bytes(PAYLOAD).hex(), "ai")
    assert mine.seconds[0] == 0.0
    assert (other.detected, other.seconds) == (False, ())


@pytest.mark.parametrize("kept", ["its own", "another's", "none"])
def test_the_ledger_binds_a_clip_by_its_frames(kept: str, tmp_path: Path) -> None:
    picture = embed(blocks(1), KEY, PAYLOAD)
    data = clip(tmp_path / "a", picture, "mp4", "libx264")
    shown = {"its own": [picture], "another's": [scene(360, 480, 4)[36:324, 48:432]], "none": []}[kept]
    mark, _ = told(tmp_path, data, shown)
    assert mark.detected
    assert (mark.bound is True) == (kept == "its own")


@pytest.mark.parametrize("issued", [(0,), (0, 1, 2, 3, 4, 5), (0, 2, 4, 6, 8, 10)])
def test_frames_of_an_issued_clip_between_others_bind_nothing(issued: tuple[int, ...], tmp_path: Path) -> None:
    mine, other = embed(blocks(1), KEY, PAYLOAD), blocks(9)
    frames = [mine if at in issued else other for at in range(12)]
    mark, codes = told(tmp_path, written(tmp_path / "a", frames), [mine])
    assert mark.detected
    assert mark.bound is None
    assert set(codes) == {"watermark.clip-mixed"}


def test_a_clip_of_which_part_was_looked_at_is_not_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waarmerk.provenance.media.stretches.MOST_DECODED", 10)
    picture = embed(blocks(1), KEY, PAYLOAD)
    data = written(tmp_path / "a", [picture] * (10 * WORTH_COMPARING + 1))
    mark, codes = told(tmp_path, data, [picture])
    assert mark.detected
    assert mark.bound is None
    assert set(codes) == {"watermark.clip-part-seen"}


def test_a_still_of_an_issued_clip_is_compared_with_the_likest_of_its_frames(tmp_path: Path) -> None:
    mine, other = embed(blocks(1), KEY, PAYLOAD), scene(360, 480, 4)[36:324, 48:432]
    Image.fromarray(mine).save(tmp_path / "a.png")
    mark, _ = told(tmp_path, (tmp_path / "a.png").read_bytes(), [other, mine])
    assert (mark.detected, mark.bound) == (True, True)
    mark, codes = told(tmp_path, (tmp_path / "a.png").read_bytes(), [other, other])
    assert (mark.detected, mark.bound) == (True, None)  # most frames of a clip are not kept
    assert codes == ["watermark.binding-unknown"]


def written(path: Path, frames: list[Any]) -> bytes:
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=25, options={"crf": "20", "preset": "ultrafast"})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for each in frames:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(each), "rgb24")))
        out.mux(stream.encode(None))
    return path.read_bytes()


def told(folder: Path, data: bytes, shown: list[Any]) -> tuple[MarkFinding, list[str]]:
    """The mark in a file, where the ledger kept these frames of what was issued; and the concerns."""
    stills = tuple(Still(at=float(at), thumbnail=thumbnail(each), chroma=chroma(each)) for at, each in enumerate(shown))
    first = stills[0] if stills else Still(at=0.0, thumbnail=thumbnail(blocks(1)), chroma=chroma(blocks(1)))
    ledger = Ledger(folder / f"own-{len(list(folder.iterdir()))}" / "ledger.sqlite")
    ledger.create()
    ledger.add(
        Issuance(
            key_id=KEY.key_id,
            payload=bytes(PAYLOAD),
            scheme="ring/1",
            issued_at="2026-11-22T00:00:00Z",
            says="generated",
            sha256=bytes(32),
            media_type="video/mp4",
            width=384,
            height=288,
            phash=bytes(8),
            pdq=None,
            thumbnail=first.thumbnail,
            geometry=None,
            manifest=None,
            chroma=first.chroma,
            stills=stills,
        )
    )
    source = WatermarkSource((KEY,), Limits(), max_false_positive=MAX_FALSE_POSITIVE, ledger=ledger)
    found = source.examine(asset_from_bytes(data, name=None, limits=Limits()))
    return found.marks[0], [each.code for each in found.evidence[0].findings]


def blocks(seed: int) -> Any:
    """A picture with things in it."""
    random = np.random.default_rng(seed)
    small = np.kron(random.integers(30, 220, (9, 12, 3)), np.ones((32, 32, 1)))
    return np.clip(small + random.normal(0, 6, (288, 384, 3)), 0, 255).astype(np.uint8)


def test_no_mark_is_a_finding_of_none(tmp_path: Path) -> None:
    found = examined(clip(tmp_path / "a", still(), "mp4", "libx264"), KEY)
    assert [channel.state for channel in found.channels] == [ChannelState.NONE]


def unread(found: Examination) -> tuple[str | None, list[str]]:
    assert [channel.state for channel in found.channels] == [ChannelState.UNREAD]
    assert found.evidence[0].assurance is Assurance.UNREADABLE
    return found.channels[0].why, [finding.code for finding in found.evidence[0].findings]


def test_half_a_clip_is_searched_or_unread_never_none(tmp_path: Path) -> None:
    """The index of an MP4 stands at its end: cut off, there is nothing to decode, and that is not "no mark"."""
    data = clip(tmp_path / "a", embed(still(), KEY, PAYLOAD), "mp4", "libx264")
    for share in (0.2, 0.5, 0.9):
        assert unread(examined(data[: int(len(data) * share)], KEY)) == ("watermark.unreadable", ["media.no-video"])


def test_sound_without_pictures_is_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("aac", rate=48_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate = 48_000
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    assert unread(examined(path.read_bytes(), KEY)) == ("watermark.unreadable", ["media.no-video"])


def test_without_the_extra_it_is_said_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = clip(tmp_path / "a", still(), "mp4", "libx264")
    real = builtins.__import__

    def missing(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("waarmerk.watermark.video"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "waarmerk.watermark.video", raising=False)
    monkeypatch.setattr(builtins, "__import__", missing)
    assert unread(examined(data, KEY)) == ("watermark.no-video", [])
