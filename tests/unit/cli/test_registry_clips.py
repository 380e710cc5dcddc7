# SPDX-License-Identifier: Apache-2.0
"""Clips in the registry: a stripped and smaller copy is found by its frames and gets its credentials back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.conftest import Run
from tests.unit.marking.conftest import Desk, desk
from waarmerk.provenance.credentials.jumbf import active_label

__all__ = ["desk"]
av = pytest.importorskip("av", reason="the extra `video` is not installed")
CLOCK = ("--at", "2026-11-22T12:00:00Z")


def film(seed: int, frames: int = 60) -> list[Any]:
    """Two scenes with things in them, panned."""
    found = []
    for part in range(2):
        random = np.random.default_rng([seed, part])
        wide = cv2.resize(random.integers(0, 256, (9, 16, 3)).astype(np.uint8), (900, 360))
        for _ in range(30):
            left, top = int(random.integers(0, 860)), int(random.integers(0, 320))
            colour = tuple(int(v) for v in random.integers(0, 256, 3))
            cv2.rectangle(wide, (left, top), (left + int(random.integers(20, 90)), top + 50), colour, -1)
        noise = random.normal(0, 4, wide.shape)
        shown = np.clip(wide + noise, 0, 255).astype(np.uint8)
        found += [np.ascontiguousarray(shown[:, 4 * n : 4 * n + 640]) for n in range(frames // 2)]
    return found


def write(path: Path, frames: list[Any], crf: int = 20) -> Path:
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as out:
        video = out.add_stream("libx264", rate=12, options={"crf": str(crf), "preset": "veryfast"})
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            out.mux(video.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")))
        out.mux(video.encode(None))
    return path


def copied(path: Path, target: Path) -> Path:
    """What a platform makes of it: smaller, coarser, half a second gone, all metadata too."""
    with av.open(str(path)) as clip:
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    return write(target, [cv2.resize(f, (426, 240), interpolation=cv2.INTER_AREA) for f in frames[6:]], crf=30)


@pytest.mark.slow
def test_a_stripped_smaller_copy_is_found_and_gets_its_credentials(desk: Desk, tmp_path: Path, waarmerk: Run) -> None:
    desk.label(write(tmp_path / "in.mp4", film(1)), tmp_path / "original.mp4")
    write(tmp_path / "other.mp4", film(2))
    there = ("--registry", str(tmp_path / "r.sqlite"))
    trust = ("--trust", str(desk.folder / "trust"))
    added = waarmerk("registry", "add", str(tmp_path / "original.mp4"), *there, *trust, *CLOCK)
    assert (added.returncode, "r1" in added.stdout) == (0, True), added.stderr
    assert waarmerk("registry", "add", str(tmp_path / "other.mp4"), *there, *CLOCK).returncode == 0
    copy = copied(tmp_path / "original.mp4", tmp_path / "copy.mp4")
    seen = waarmerk("registry", "match", str(copy), *there, *CLOCK, "--format", "json")
    assert seen.returncode == 0, seen.stderr
    (match,) = [each for each in json.loads(seen.stdout)[0]["matches"] if each["verified"]]
    assert (match["registry_id"], match["kind"]) == ("r1", "fingerprint")
    back = waarmerk("registry", "recover", str(copy), str(tmp_path / "back.c2pa"), *there, *trust, *CLOCK)
    assert back.returncode == 0, back.stderr
    assert active_label((tmp_path / "back.c2pa").read_bytes())
    stranger = write(tmp_path / "stranger.mp4", film(3))
    assert waarmerk("registry", "match", str(stranger), *there, *CLOCK).returncode == 1
    assert waarmerk("registry", "recover", str(stranger), *there, *CLOCK).returncode == 1
