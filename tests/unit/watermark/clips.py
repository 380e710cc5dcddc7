# SPDX-License-Identifier: Apache-2.0
"""Clips for tests, made with PyAV: a picture that pans, sound, subtitles, chapters, whatever a test asks for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

av = pytest.importorskip("av", reason="the extra `video` is not installed")

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What a clip is made of; ``times`` in units of 1 / ``rate`` seconds make it one of variable frame rate."""

    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    size: tuple[int, int] = (320, 256)  # width, height
    frames: int = 25
    rate: int = 25
    times: Sequence[int] | None = None
    options: dict[str, str] = field(default_factory=lambda: {"crf": "16", "preset": "ultrafast"})
    sound: Sequence[str] = ()  # codecs
    subtitles: str | None = None  # codec
    rotation: int = 0
    chapters: int = 0
    tags: dict[str, str] = field(default_factory=dict)
    colour: tuple[int, int, int, int] | None = None  # range, primaries, transfer, matrix (ITU-T H.273)
    aspect: Fraction | None = None
    interlaced: bool = False
    drift: tuple[int, int] = (1, 0)  # pixels a frame


def panorama(picture: Bytes, recipe: Recipe) -> list[Bytes]:
    """Windows of ``size`` over a picture that is larger or wraps around."""
    width, height = recipe.size
    out = []
    for i in range(recipe.frames):
        moved = np.roll(picture, (-recipe.drift[1] * i, -recipe.drift[0] * i), axis=(0, 1))
        out.append(np.ascontiguousarray(moved[:height, :width]))
    return out


def write(path: Path, recipe: Recipe, pictures: Sequence[Bytes], muxer: str | None = None) -> Path:
    """Encode ``pictures`` (RGB) as ``recipe`` says."""
    with av.open(str(path), "w", format=muxer) as out:
        video = out.add_stream(recipe.codec, rate=recipe.rate, options=dict(recipe.options))
        video.width, video.height = recipe.size
        video.pix_fmt = recipe.pixel_format
        video.codec_context.time_base = Fraction(1, recipe.rate * 100)
        if recipe.colour is not None:
            context = video.codec_context
            context.color_range, context.color_primaries, context.color_trc, context.colorspace = recipe.colour
        if recipe.aspect is not None:
            video.codec_context.sample_aspect_ratio = recipe.aspect
        if recipe.rotation:
            video.set_display_rotation(recipe.rotation)
        sounds = [out.add_stream(codec, rate=48_000) for codec in recipe.sound]
        for number, sound in enumerate(sounds):
            sound.metadata["language"] = ("nld", "eng", "deu")[number]
        texts = _subtitles(out, recipe)
        out.metadata.update(recipe.tags)
        _chapters(out, recipe)
        times = recipe.times if recipe.times is not None else range(recipe.frames)
        for position, (time, picture) in enumerate(zip(times, pictures, strict=True)):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format=recipe.pixel_format)
            frame.pts, frame.time_base = time * 100, Fraction(1, recipe.rate * 100)
            if recipe.colour is not None:
                frame.color_range = recipe.colour[0]
            out.mux(video.encode(frame))
            if position == 0:
                for packet in texts:
                    out.mux(packet)
        out.mux(video.encode(None))
        seconds = (max(times) + 1) / recipe.rate
        for number, sound in enumerate(sounds):
            _beep(out, sound, seconds, 440 * (number + 1))
    return path


def _beep(out: Any, sound: Any, seconds: float, hertz: int) -> None:
    kind = sound.codec_context.format.name
    size = 1024 if kind == "fltp" else 960
    for start in range(0, int(seconds * 48_000), size):
        wave = 0.2 * np.sin(2 * np.pi * hertz * (start + np.arange(size)) / 48_000)
        samples = np.stack((wave, wave)) if kind == "fltp" else np.repeat(wave * 32767, 2)[None, :]
        frame = av.AudioFrame.from_ndarray(samples.astype(np.float32 if kind == "fltp" else np.int16), kind, "stereo")
        frame.sample_rate, frame.pts = 48_000, start
        out.mux(sound.encode(frame))
    out.mux(sound.encode(None))


def _subtitles(out: Any, recipe: Recipe) -> list[Any]:
    if recipe.subtitles is None:
        return []
    stream = out.add_mux_stream(recipe.subtitles)
    stream.time_base = Fraction(1, 1000)
    packets = []
    for number, text in enumerate((b"een", b"twee")):
        body = len(text).to_bytes(2) + text if recipe.subtitles == "mov_text" else text
        packet = av.Packet(body)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = number * 300
        packet.duration = 200
        packets.append(packet)
    return packets


def _chapters(out: Any, recipe: Recipe) -> None:
    made = [
        {
            "id": n + 1,
            "start": n * 400,
            "end": n * 400 + 400,
            "time_base": Fraction(1, 1000),
            "metadata": {"title": f"deel {n}"},
        }
        for n in range(recipe.chapters)
    ]
    if made:
        out.set_chapters(made)


def heard(path: Path) -> str:
    """SHA-256 of the packets of the first sound."""
    with av.open(str(path)) as clip:
        return hashlib.sha256(b"".join(bytes(packet) for packet in clip.demux(audio=0) if packet.size)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Stock:
    """What of a clip must be the same afterwards."""

    copied: list[tuple[str, str, str, str | None]]  # kind, codec, SHA-256 of all packets, language
    stamps: list[list[tuple[int | None, Fraction]]]  # of the copied streams, in seconds
    times: list[float]  # of the frames
    size: tuple[int, int]
    pixel_format: str
    rotation: int
    colour: tuple[int, int, int, int]
    aspect: Fraction
    chapters: list[tuple[float, float, str]]
    tags: dict[str, str]
    hdr: dict[str, bytes]


def stock(path: Path) -> Stock:
    """Take stock of a clip."""
    packets: dict[int, list[Any]] = {}
    with av.open(str(path)) as clip:
        for packet in clip.demux():
            if packet.size:
                packets.setdefault(packet.stream.index, []).append(
                    (bytes(packet), None if packet.pts is None else round(float(packet.pts * packet.time_base), 2))
                )
        streams = [
            (s.index, s.type, s.name if s.codec_context else None, s.metadata.get("language")) for s in clip.streams
        ]
        chapters = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"].get("title", ""))
            for c in clip.chapters()
        ]
        tags = {k.lower(): v for k, v in clip.metadata.items()}
        aspect = clip.streams.video[0].sample_aspect_ratio or Fraction(1)
    with av.open(str(path)) as clip:
        frames = list(clip.decode(video=0))
    first = frames[0]
    others = [s for s in streams if s[1] not in ("video", "data")]
    return Stock(
        copied=[
            (kind, str(name), hashlib.sha256(b"".join(p for p, _ in packets.get(at, []))).hexdigest(), language)
            for at, kind, name, language in others
        ],
        stamps=[[when for _, when in packets.get(at, [])] for at, *_ in others],
        times=[round(float(frame.time or 0.0), 3) for frame in frames],
        size=(first.width, first.height),
        pixel_format=first.format.name,
        rotation=first.rotation,
        colour=(first.color_range, first.color_primaries, first.color_trc, first.colorspace),
        aspect=aspect,
        chapters=chapters,
        tags=tags,
        hdr={
            first.side_data[i].type.name: bytes(first.side_data[i])
            for i in range(len(first.side_data))
            if first.side_data[i].type.name in ("MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL")
        },
    )
