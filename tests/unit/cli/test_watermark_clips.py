# SPDX-License-Identifier: Apache-2.0
"""``waarmerk watermark`` with clips, as a user runs it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Run
from tests.unit.watermark import clips

av = pytest.importorskip("av", reason="the extra `video` is not installed")
PAYLOAD = "0011223344556677"


def make(path: Path, muxer: str, codec: str, sound: str) -> Path:
    y, x = np.mgrid[0:288, 0:400]
    noise = np.random.default_rng(2).normal(0, 8, (288, 400, 3))
    wide = np.clip(120 + 50 * np.sin(x / 31)[..., None] * np.cos(y / 23)[..., None] + noise, 0, 255).astype(np.uint8)
    recipe = clips.Recipe(codec=codec, sound=(sound,), size=(384, 288), frames=12, options={"crf": "18", "b": "0"})
    return clips.write(path, recipe, clips.panorama(wide, recipe), muxer)


@pytest.fixture
def key(tmp_path: Path, waarmerk: Run) -> Path:
    path = tmp_path / "ai.key"
    waarmerk("watermark", "keygen", path)
    return path


@pytest.mark.parametrize(
    "form",
    [
        ("a.mp4", "mp4", "libx264", "aac"),
        pytest.param(("a.mov", "mov", "libx264", "aac"), marks=pytest.mark.slow),
        pytest.param(("a.mkv", "matroska", "libx264", "flac"), marks=pytest.mark.slow),
        ("a.webm", "webm", "libvpx-vp9", "libopus"),
    ],
)
def test_embed_detect_verify(waarmerk: Run, tmp_path: Path, key: Path, form: tuple[str, str, str, str]) -> None:
    name, *rest = form
    source, target = make(tmp_path / name, *rest), tmp_path / f"out-{name}"
    done = waarmerk("watermark", "embed", source, target, "--key", key, "--payload", PAYLOAD)
    assert (done.returncode, done.stderr) == (0, "")
    assert PAYLOAD in done.stdout
    assert clips.heard(target) == clips.heard(source)
    found = waarmerk("watermark", "detect", target, source, "--key", key, "--format", "json")
    marked, plain = json.loads(found.stdout)
    assert [mark["payload"] for mark in marked["watermarks"]] == [PAYLOAD]
    assert marked["watermarks"][0]["seconds"] == [0.0]
    assert not plain["watermarks"][0]["detected"]
    (report,) = json.loads(waarmerk("verify", target, "--key", key, "--format", "json").stdout)
    assert (report["verdict"]["origin"], report["verdict"]["tier"]) == ("ai-generated", "claimed")
    assert [mark["bound"] for mark in report["watermarks"]] == [None]
    human = waarmerk("watermark", "detect", target, "--key", key, "--lang", "nl")
    assert "0.0 s" in human.stdout


def test_what_is_refused_is_refused_plainly(waarmerk: Run, tmp_path: Path, key: Path) -> None:
    source = make(tmp_path / "a.mp4", "mp4", "libx264", "aac")
    before = source.read_bytes()

    def run(*words: Any) -> Any:
        return waarmerk("watermark", "embed", *words, "--key", key)

    other = run(source, tmp_path / "b.webm")
    assert (other.returncode, "video/mp4" in other.stderr) == (1, True)
    assert run(source, source, "--force").returncode == 2
    there = tmp_path / "there.mp4"
    there.write_bytes(b"old")
    assert run(source, there).returncode == 2
    assert there.read_bytes() == b"old"
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(before[: len(before) // 2])
    done = run(cut, tmp_path / "c.mp4")
    assert (done.returncode, "Nothing was written" in done.stderr) == (3, True)
    text = tmp_path / "text.mp4"
    text.write_text(f"ffconcat version 1.0\nfile {source.name}\n")
    assert run(text, tmp_path / "d.mp4").returncode == 3
    assert source.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4", "ai.key", "cut.mp4", "text.mp4", "there.mp4"]


def test_key_frames_go_to_a_folder(waarmerk: Run, tmp_path: Path) -> None:
    source, folder = make(tmp_path / "a b;c.mp4", "mp4", "libx264", "aac"), tmp_path / "new" / "frames"
    before = source.read_bytes()
    run = ("verify", source, "--keyframes", folder, "--format", "json")
    done = waarmerk(*run)
    assert (done.returncode, "1 picture" in done.stderr) == (0, True), done.stderr
    assert json.loads(done.stdout)[0]["status"] == "examined"
    (picture,) = folder.iterdir()
    assert picture.name == "a_b_c-00000.000s.jpg"
    assert picture.read_bytes().startswith(b"\xff\xd8\xff")
    assert waarmerk(*run).returncode == 0  # the same again
    picture.write_bytes(b"something else")
    again = waarmerk(*run)
    assert (again.returncode, picture.read_bytes()) == (2, b"something else")
    assert source.read_bytes() == before


def test_key_frames_of_what_is_no_clip(waarmerk: Run, tmp_path: Path) -> None:
    half = tmp_path / "half.mp4"
    half.write_bytes(make(tmp_path / "a.mp4", "mp4", "libx264", "aac").read_bytes()[:400])
    done = waarmerk("verify", half, "--keyframes", tmp_path / "k", "--lang", "nl", "--fail-on", "")
    assert (done.returncode, "geen beelden" in done.stderr) == (0, True), done.stderr
    assert list((tmp_path / "k").iterdir()) == []
