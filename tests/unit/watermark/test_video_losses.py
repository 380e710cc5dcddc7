# SPDX-License-Identifier: Apache-2.0
"""Nothing of a clip is lost without being listed: every kind of clip is marked and compared, stream by stream.

A few run always, all of them with the slow tests.
"""

from __future__ import annotations

from dataclasses import fields, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.unit.watermark import clips, hosts
from waarmerk.watermark import Key, Payload

video: Any = pytest.importorskip("waarmerk.watermark.video")

H264 = {"options": {"crf": "16", "preset": "ultrafast"}}
HEVC = {"codec": "libx265", "options": {"crf": "16", "preset": "ultrafast", "x265-params": "log-level=none"}}
VP9 = {"codec": "libvpx-vp9", "options": {"crf": "16", "b": "0", "deadline": "realtime", "cpu-used": "8"}}
VP8 = {"codec": "libvpx", "options": {"crf": "8", "b": "3000000", "deadline": "realtime", "cpu-used": "8"}}
AV1 = {"codec": "libsvtav1", "options": {"crf": "20", "preset": "10"}}
COARSE = {"options": {"qscale": "2", "flags": "+qscale"}}
MASTERING = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
HDR = {**HEVC, "options": {**HEVC["options"], "x265-params": f"log-level=none:{MASTERING}"}}

# name: muxer, recipe, losses that must be listed
MATRIX: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "mp4": ("mp4", H264, ()),
    "mp4 with sound": ("mp4", {"sound": ("aac",)}, ()),
    "mp4 with two sounds": ("mp4", {"sound": ("aac", "aac")}, ()),
    "mp4 with AC-3": ("mp4", {"sound": ("ac3",)}, ()),
    "mov with sound": ("mov", {"sound": ("aac",)}, ()),
    "mov with two sounds": ("mov", {"sound": ("aac", "aac")}, ()),
    "mkv with two sounds": ("matroska", {"sound": ("aac", "libopus")}, ()),
    "mkv with AC-3": ("matroska", {"sound": ("ac3",)}, ()),
    "webm with sound": ("webm", {**VP9, "sound": ("libopus",)}, ()),
    "webm with two sounds": ("webm", {**VP9, "sound": ("libopus", "libopus")}, ()),
    "webm of VP8": ("webm", {**VP8, "sound": ("libopus",)}, ("codec",)),
    "webm of AV1": ("webm", AV1, ()),
    "mp4 of AV1": ("mp4", AV1, ()),
    "mp4 of VP9": ("mp4", VP9, ()),
    "mp4 of HEVC": ("mp4", HEVC, ()),
    "HEVC of 10 bits": ("mp4", {**HEVC, "pixel_format": "yuv420p10le"}, ()),
    "H.264 of 10 bits": ("mp4", {"pixel_format": "yuv420p10le"}, ()),
    "4:2:2": ("mp4", {"pixel_format": "yuv422p"}, ()),
    "4:4:4": ("mp4", {"pixel_format": "yuv444p"}, ()),
    "full range": ("matroska", {"pixel_format": "yuvj420p"}, ()),
    "grey": ("mp4", {"pixel_format": "gray"}, ()),
    "MPEG-4 part 2": ("mp4", {"codec": "mpeg4", **COARSE}, ("codec",)),
    "MPEG-4 part 2, odd": ("mp4", {"codec": "mpeg4", "size": (321, 255), **COARSE}, ("codec", "pixel-format")),
    "motion JPEG": ("mov", {"codec": "mjpeg", "pixel_format": "yuvj420p", **COARSE}, ("codec",)),
    "ProRes": ("mov", {"codec": "prores_ks", "pixel_format": "yuv422p10le", "options": {}}, ("codec",)),
    "RGB": ("matroska", {"codec": "ffv1", "pixel_format": "bgr0", "options": {}}, ("codec", "pixel-format")),
    "odd VP9": ("webm", {**VP9, "size": (321, 255)}, ()),
    "odd AV1": ("mp4", {**AV1, "size": (321, 255)}, ()),
    "tall": ("mp4", {"size": (144, 400)}, ()),
    "variable rate": ("mp4", {"frames": 6, "times": (0, 1, 5, 6, 12, 25)}, ()),
    "variable rate, mkv": ("matroska", {"frames": 6, "times": (0, 1, 5, 6, 12, 25)}, ()),
    "starts late": ("mp4", {"frames": 6, "times": (5, 6, 7, 8, 9, 10), "sound": ("aac",)}, ()),
    "one frame": ("mp4", {"frames": 1}, ()),
    "one frame, mkv": ("matroska", {"frames": 1}, ()),
    "one frame, webm": ("webm", {**VP9, "frames": 1}, ()),
    "60 a second": ("mp4", {"rate": 60, "frames": 60}, ()),
    "turned": ("mp4", {"rotation": 90}, ()),
    "upside down": ("mov", {"rotation": 180}, ()),
    "turned, mkv": ("matroska", {"rotation": 270}, ()),
    "subtitles": ("mp4", {"subtitles": "mov_text", "sound": ("aac",)}, ()),
    "subtitles, mkv": ("matroska", {"subtitles": "subrip"}, ()),
    "chapters": ("mp4", {"chapters": 2}, ()),
    "chapters, mkv": ("matroska", {"chapters": 2}, ()),
    "tags": ("mp4", {"tags": {"title": "Één", "artist": "wij", "comment": "nee"}}, ()),
    "tags, mkv": ("matroska", {"tags": {"title": "Één", "artist": "wij"}}, ()),
    "colours": ("mp4", {"colour": (1, 1, 1, 1)}, ()),
    "HDR10": ("mp4", {**HDR, "pixel_format": "yuv420p10le", "colour": (1, 9, 16, 9)}, ()),
    "wide pixels": ("mp4", {"aspect": Fraction(4, 3)}, ()),
}
ALWAYS = {
    "mov with two sounds",
    "webm with sound",
    "turned",
    "subtitles",
    "chapters, mkv",
    "variable rate",
    "one frame",
}
_WRITTEN_ANEW = {"encoder", "compatible_brands", "major_brand", "minor_version"}


def test_there_are_enough_kinds() -> None:
    assert len(MATRIX) >= 30
    assert MATRIX.keys() >= ALWAYS


@pytest.mark.parametrize(
    "name", [name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow) for name in MATRIX]
)
def test_nothing_is_lost_unlisted(name: str, tmp_path: Path, key: Key) -> None:
    payload = Payload(b"8 bytes!")
    muxer, given, expected = MATRIX[name]
    recipe = clips.Recipe(**given)
    picture = hosts.textured(max(recipe.size[1], 144), recipe.size[0] + 64)
    source, target = tmp_path / "a", tmp_path / "b"
    clips.write(source, recipe, clips.panorama(picture, recipe), muxer)
    written = video.embed_video(source, target, key, payload)
    assert written.detection.payload == payload
    listed = tuple(code for code, _ in written.losses)
    assert listed == expected
    before, after = clips.stock(source), clips.stock(target)
    assert before.copied == after.copied  # kind, codec, digest of all packets, language
    assert before.stamps == after.stamps
    assert before.times == after.times
    if "pixel-format" in listed:
        after = replace(after, pixel_format=before.pixel_format)
    kept = {entry.name for entry in fields(before)} - {"copied", "stamps", "times", "tags", "colour"}
    assert {k: getattr(before, k) for k in kept} == {k: getattr(after, k) for k in kept}
    assert [c if c else 1 for c in before.colour[:1]] == [
        c if c else 1 for c in after.colour[:1]
    ]  # 0 means video range
    assert before.colour[1:] == after.colour[1:]
    missing = {k for k, v in before.tags.items() if after.tags.get(k) != v} - _WRITTEN_ANEW
    assert missing == set()
    assert after.hdr == before.hdr


def test_frames_differ_only_by_the_mark(tmp_path: Path, key: Key, payload: Payload) -> None:
    """No frame is shifted, doubled or dropped: each resembles its own source more than any other."""
    import av
    import numpy as np

    recipe = clips.Recipe(frames=12, drift=(5, 3))
    source, target = tmp_path / "a.mp4", tmp_path / "b.mp4"
    clips.write(source, recipe, clips.panorama(hosts.textured(256, 400), recipe))
    video.embed_video(source, target, key, payload)
    before, after = (
        [frame.to_ndarray(format="gray").astype(np.float32) for frame in av.open(str(path)).decode(video=0)]
        for path in (source, target)
    )
    assert len(before) == len(after) == 12
    for number, frame in enumerate(after):
        errors = [float(np.mean(np.square(frame - other))) for other in before]
        assert int(np.argmin(errors)) == number
        assert errors[number] < 12.0  # 37 dB, mark and encoder together
