# SPDX-License-Identifier: Apache-2.0
"""Clips are entered by their frames and found by them; what is found counts only where frames agree."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from waarmerk.provenance.build import build_recovery
from waarmerk.provenance.recovery import Recovery, Wishes
from waarmerk.provenance.registry.features import Features
from waarmerk.provenance.registry.frames import FrameHash, ties_of
from waarmerk.provenance.registry.model import BindingKind
from waarmerk.provenance.registry.stills import unpacked
from waarmerk.provenance.settings import Settings

av = pytest.importorskip("av", reason="the extra `video` is not installed")
AT = datetime(2026, 11, 22, tzinfo=UTC)
RATE = 6


def film(*seeds: int) -> list[Any]:
    """Two seconds of each scene, panned."""
    found = []
    for seed in seeds:
        random = np.random.default_rng(seed)
        wide = cv2.resize(random.integers(0, 256, (7, 12, 3)).astype(np.uint8), (440, 192))
        for _ in range(24):
            left, top = int(random.integers(0, 400)), int(random.integers(0, 150))
            colour = tuple(int(v) for v in random.integers(0, 256, 3))
            cv2.rectangle(wide, (left, top), (left + int(random.integers(12, 60)), top + 30), colour, -1)
        found += [wide[:, 4 * n : 4 * n + 320] for n in range(2 * RATE)]
    return found


def write(path: Path, frames: list[Any], crf: int = 20) -> Path:
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=RATE, options={"crf": str(crf), "preset": "ultrafast"})
        video.height, video.width, video.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for frame in frames:
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        out.mux(video.encode(None))
    return path


@pytest.fixture
def known(tmp_path: Path) -> Recovery:
    made = build_recovery(Settings(registry=str(tmp_path / "r.sqlite")), at=AT)
    made.add(write(tmp_path / "one.mp4", film(1, 2, 3)), Wishes(), at=AT)
    made.add(write(tmp_path / "two.mp4", film(4, 5, 6)), Wishes(), at=AT)
    return made


def test_a_smaller_coarser_piece_is_found(known: Recovery, tmp_path: Path) -> None:
    frames = [cv2.resize(frame, (224, 136), interpolation=cv2.INTER_AREA) for frame in film(1, 2, 3)[4:30]]
    (found,) = [each for each in known.match(write(tmp_path / "copy.mp4", frames, 30)) if each.verified]
    assert (found.entry.number, found.kind) == (1, "fingerprint")
    assert found.distance is not None


def test_the_file_itself_is_found_exactly(known: Recovery, tmp_path: Path) -> None:
    assert [(each.kind, each.verified) for each in known.match(tmp_path / "two.mp4")] == [("exact", True)]


def test_another_clip_is_not_found_and_half_of_one_does_not_count(known: Recovery, tmp_path: Path) -> None:
    assert not any(each.verified for each in known.match(write(tmp_path / "other.mp4", film(7, 8))))
    mixed = known.match(write(tmp_path / "mixed.mp4", film(1, 7, 8)))
    assert not any(each.verified for each in mixed)


def test_another_clip_with_frames_of_a_known_one_is_no_copy(known: Recovery, tmp_path: Path) -> None:
    other = film(7, 8, 9)
    for at, frame in enumerate(film(1, 2, 3)):
        if at % 4 == 0:
            other[at] = frame
    found = known.match(write(tmp_path / "spliced.mp4", other))
    assert found
    assert not any(each.verified or each.whole for each in found)


def test_what_is_kept_of_a_clip_goes_through_an_answer(known: Recovery, tmp_path: Path) -> None:
    features = known._extractor.features(tmp_path / "one.mp4")
    assert Features.from_json(features.to_json()) == features
    assert features.reference is not None
    assert [round(each.at) for each in unpacked(features.reference)] == [0, 1, 2, 3, 4, 5]
    assert {tie.kind for tie in features.bindings} <= {BindingKind.PHASH, BindingKind.PDQ}


def test_a_clip_that_cannot_be_decoded_is_known_by_its_digest(known: Recovery, tmp_path: Path) -> None:
    data = (tmp_path / "one.mp4").read_bytes()
    (tmp_path / "broken.mp4").write_bytes(data.replace(b"avcC", b"avcX"))
    known.add(tmp_path / "broken.mp4", Wishes(), at=AT)
    assert [each.kind for each in known.match(tmp_path / "broken.mp4")][:1] == ["exact"]


def test_a_frame_like_the_one_before_is_entered_once() -> None:
    frames = [FrameHash(at=float(n), phash=bytes([0] * 7 + [n // 2 * 255]), pdq=None) for n in range(4)]
    assert [tie.value[-1] for tie in ties_of(frames)] == [0, 255]
