# SPDX-License-Identifier: Apache-2.0
"""Clips get every layer: mark, label in the frames and in a caption track, XMP, credentials, ledger; sound stays."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.marking.conftest import Desk
from tests.unit.watermark import clips
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.marking.clips import EVERY_SECONDS, STANDS_SECONDS, captions, shows
from waarmerk.provenance.marking.labeller import Refused
from waarmerk.provenance.marking.plan import Layer, Says, Timing, Wishes
from waarmerk.provenance.marking.visible import Corner
from waarmerk.provenance.model import Integrity, Origin, Tier

av = pytest.importorskip("av", reason="the extra `video` is not installed")


def picture(number: int = 0) -> Any:
    y, x = np.mgrid[0:360, 0:640]
    noise = np.random.default_rng(2).normal(0, 8, (360, 640, 3))
    wave = 110 + 50 * np.sin((x + number) / 31)[..., None] * np.cos(y / 23)[..., None]
    return np.clip(wave + noise, 0, 255).astype(np.uint8)


def clip(path: Path, *, muxer: str = "mp4", frames: int = 8, rate: int = 25, rotation: int = 0) -> Path:
    codec, sound = ("libvpx-vp9", "libopus") if muxer == "webm" else ("libx264", "aac")
    recipe = clips.Recipe(
        codec=codec,
        sound=(sound,),
        size=(640, 360),
        frames=frames,
        rate=rate,
        rotation=rotation,
        options={"crf": "18", "b": "0"},
    )
    return clips.write(path, recipe, [picture(number) for number in range(frames)], muxer)


def seen(path: Path) -> list[tuple[float, Any]]:
    """Frames as people see them."""
    with av.open(str(path)) as opened:
        return [
            (float(f.time), np.rot90(f.to_ndarray(format="rgb24"), round(f.rotation / 90) % 4))
            for f in opened.decode(video=0)
        ]


def spoken(path: Path) -> list[tuple[bytes, float, float]]:
    with av.open(str(path)) as opened:
        packets = [p for p in opened.demux(subtitles=0) if p.size > 2]
        return [(bytes(p), float(p.pts * p.time_base), float(p.duration * p.time_base)) for p in packets]


def changed(before: Any, after: Any) -> Any:
    """Rows and columns where two frames differ by far more than a mark and a codec do."""
    return np.nonzero(np.abs(before.astype(int) - after).mean(axis=2) > 60)


@pytest.mark.parametrize(
    ("timing", "seconds", "expected"),
    [
        (Timing.AUTO, 20.0, [(0.0, 21.0)]),
        (Timing.THROUGHOUT, 900.0, [(0.0, 901.0)]),
        (Timing.START, 900.0, [(0.0, STANDS_SECONDS)]),
        (Timing.AUTO, 70.0, [(t, t + STANDS_SECONDS) for t in (0.0, EVERY_SECONDS, 2 * EVERY_SECONDS)]),
        (Timing.REPEATED, 5.0, [(0.0, STANDS_SECONDS)]),
        (Timing.REPEATED, 0.0, [(0.0, STANDS_SECONDS)]),
    ],
)
def test_when_the_label_stands(timing: Timing, seconds: float, expected: list[tuple[float, float]]) -> None:
    assert shows(timing, seconds) == expected


def test_a_clip_of_unknown_length_is_labelled_again_and_again_and_never_made_longer() -> None:
    times = shows(Timing.AUTO, None)
    assert times[0][0] == 0.0
    assert len(times) > 1000
    assert captions(times, None) == [(0.0, STANDS_SECONDS)]
    assert captions([(0.0, 8.0), (30.0, 38.0), (60.0, 68.0)], 33.0) == [(0.0, 8.0), (30.0, 33.0)]


@pytest.mark.parametrize("muxer", ["mp4", "mov"])
def test_every_layer_is_written_and_found(desk: Desk, tmp_path: Path, muxer: str) -> None:
    source, target = clip(tmp_path / f"in.{muxer}", muxer=muxer), tmp_path / f"out.{muxer}"
    done = desk.label(source, target, languages=("nl", "en"))
    assert done.plan.gaps == ()
    assert done.plan.layers == tuple(Layer)
    assert clips.heard(target) == clips.heard(source)
    report = desk.verify(target)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    assert report.verdict.origin is Origin.AI_GENERATED
    assert [mark.payload for mark in report.marks] == [done.payload.hex() if done.payload else None]
    assert report.declarations is not None
    assert len(report.declarations.source_types) == 1
    ((text, start, length),) = spoken(target)
    assert text[2:].decode() == "Gemaakt met AI / AI-generated"
    assert (start, round(length, 2)) == (0.0, 0.32)


def moved(number: int, seed: int) -> Any:
    """A frame of a film that moves as slowly as the stills of the ledger, one a second, can follow."""
    random = np.random.default_rng(seed)
    wide = np.kron(random.integers(0, 256, (9, 40, 3)), np.ones((40, 40, 1))).astype(float)[:, 2 * number :][:, :640]
    return np.clip(0.6 * wide + 50 + random.normal(0, 6, (360, 640, 3)), 0, 255).astype(np.uint8)


def film(path: Path, seed: int, *, frames: int = 50, options: dict[str, str] | None = None, shapes: Any = None) -> Path:
    with av.open(str(path), "w") as out:
        video = None
        pictures = shapes if shapes is not None else (moved(number, seed) for number in range(frames))
        for picture in pictures:
            if video is None:
                video = out.add_stream("libx264", rate=25, options=options or {"crf": "18"})
                video.height, video.width, video.pix_fmt = *picture.shape[:2], "yuv420p"
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")))
        if video is not None:
            out.mux(video.encode(None))
    return path


@pytest.mark.slow
def test_a_copy_of_a_labelled_clip_is_proven_and_another_clip_with_its_mark_is_not(desk: Desk, tmp_path: Path) -> None:
    source, target = film(tmp_path / "in.mp4", 3), tmp_path / "out.mp4"
    done = desk.label(source, target)
    frames = [rgb for _, rgb in seen(target)]
    copy = film(tmp_path / "copy.mp4", 0, options={"crf": "24"}, shapes=frames[12:])
    (mark,) = desk.verify(copy).marks
    assert (mark.payload, mark.bound) == (done.payload.hex() if done.payload else "", True)
    report = desk.verify(copy)
    assert report.verdict.origin is Origin.AI_GENERATED
    assert report.verdict.tier is Tier.PROVEN
    added = (rgb.astype(float) - plain for rgb, (_, plain) in zip(frames, seen(source), strict=True))
    others = (moved(number, 9) + 1.6 * change for number, change in enumerate(added))
    carried = film(tmp_path / "b.mp4", 0, shapes=(np.clip(np.rint(each), 0, 255).astype(np.uint8) for each in others))
    report = desk.verify(carried)
    assert [(mark.detected, mark.bound) for mark in report.marks] == [(True, False)]
    assert report.verdict.tier is not Tier.PROVEN


def test_the_label_stands_in_every_frame_and_changes_nothing_else(desk: Desk, tmp_path: Path) -> None:
    source, target = clip(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    desk.label(source, target, corner=Corner.BOTTOM_LEFT)
    for (_, before), (_, after) in zip(seen(source), seen(target), strict=True):
        rows, columns = changed(before, after)
        assert rows.size > 400
        assert rows.min() > 0.8 * 360
        assert columns.max() < 0.65 * 640
        outside = np.abs(before.astype(int) - after)[: rows.min() - 8]
        assert outside.mean() < 6.0


def test_the_label_goes_and_comes_back(desk: Desk, tmp_path: Path) -> None:
    """A frame a second: 8 seconds with it, then none until 30."""
    source, target = clip(tmp_path / "in.mp4", frames=33, rate=1), tmp_path / "out.mp4"
    desk.label(source, target, timing=Timing.REPEATED)
    for (time, before), (_, after) in zip(seen(source), seen(target), strict=True):
        stands = changed(before, after)[0].size > 400
        assert stands == (time < STANDS_SECONDS or 30.0 <= time < 38.0), time
    assert [(round(start), round(length)) for _, start, length in spoken(target)] == [(0, 8), (30, 3)]


def test_a_turned_clip_is_labelled_as_people_see_it(desk: Desk, tmp_path: Path) -> None:
    source, target = clip(tmp_path / "in.mp4", rotation=90), tmp_path / "out.mp4"
    desk.label(source, target, corner=Corner.TOP_RIGHT)
    (_, before), (_, after) = seen(source)[0], seen(target)[0]
    assert before.shape == after.shape == (640, 360, 3)
    rows, columns = changed(before, after)
    assert rows.max() < 0.45 * 640  # the safe area of a tall picture begins below its upper edge
    assert columns.min() > 0.4 * 360
    assert columns.max() - columns.min() > 2 * (rows.max() - rows.min())  # the words lie, they do not stand


@pytest.mark.parametrize("muxer", [pytest.param("matroska", marks=pytest.mark.slow), "webm"])
def test_what_a_container_does_not_take_is_said_plainly(desk: Desk, tmp_path: Path, muxer: str) -> None:
    source, target = clip(tmp_path / "in", muxer=muxer), tmp_path / "out"
    with pytest.raises(Refused) as caught:
        desk.label(source, target)
    assert [gap.code for gap in caught.value.gaps] == ["label.no-xmp", "label.no-embedding"]
    assert not target.exists()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("waarmerk.provenance.marking.labeller.draw", lambda *given: pytest.fail("encoded for nothing"))
        for beside in (False, True):
            with pytest.raises(Refused) as early:
                desk.labeller().prepare(source, Wishes(says=Says.GENERATED, sidecar=beside))
            gaps = ["label.no-xmp", "label.no-embedding"]
            assert [gap.code for gap in early.value.gaps] == (gaps[:1] if beside else gaps)
    done = desk.label(source, target, sidecar=True, allow_partial=True)
    assert [gap.layer for gap in done.plan.gaps] == [Layer.METADATA]
    assert done.beside is not None
    assert done.beside.exists()
    assert clips.heard(target) == clips.heard(source)
    assert [mark.detected for mark in desk.verify(target).marks] == [True]


def test_half_a_clip_is_not_labelled(desk: Desk, tmp_path: Path) -> None:
    source = clip(tmp_path / "in.mp4")
    half = tmp_path / "half.mp4"
    half.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(UnsupportedAsset):
        desk.labeller().prepare(half, Wishes(says=Says.GENERATED))


def test_no_ai_changes_no_pixel_of_a_clip(desk: Desk, tmp_path: Path) -> None:
    source, target = clip(tmp_path / "in.mp4"), tmp_path / "out.mp4"
    desk.label(source, target, says=Says.NONE)
    for (_, before), (_, after) in zip(seen(source), seen(target), strict=True):
        assert np.array_equal(before, after)


def test_a_clip_on_its_way_is_not_held_in_memory(desk: Desk, tmp_path: Path) -> None:
    source, more = clip(tmp_path / "in.mp4"), 64 * 2**20
    with source.open("ab") as file:
        file.write((more + 8).to_bytes(4) + b"mdat" + bytes(more))
    desk.label(source, tmp_path / "first.mp4", says=Says.NONE)  # what is loaded once is loaded now
    tracemalloc.start()
    try:
        done = desk.label(source, tmp_path / "out.mp4", says=Says.NONE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert done.bytes_after > more
    assert most < more * 3 / 4, "frames are searched for marks, some 38 MiB; the file itself is read piece by piece"


def test_a_clip_on_the_disk_gets_every_layer(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waarmerk.provenance.media.content.IN_MEMORY_BYTES", 1000)
    source = clip(tmp_path / "in.mp4")
    before = hashlib.sha256(source.read_bytes()).digest()
    done = desk.label(source, tmp_path / "out.mp4", strips_personal=True)
    assert done.plan.gaps == ()
    report = desk.verify(tmp_path / "out.mp4")
    assert (report.verdict.origin, report.verdict.tier) == (Origin.AI_GENERATED, Tier.PROVEN)
    assert report.credential is not None
    assert report.credential.integrity is Integrity.INTACT
    assert hashlib.sha256(source.read_bytes()).digest() == before
