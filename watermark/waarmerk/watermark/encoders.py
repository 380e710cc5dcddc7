# SPDX-License-Identifier: Apache-2.0
"""Which encoder writes a marked clip, as near to its source as the container and the encoders here allow.

Pure: names in, names and options out; ``video`` asks the encoders themselves what they take.
"""

from __future__ import annotations

from collections.abc import Container as Holding
from dataclasses import dataclass

from waarmerk.watermark.containers import Container

# By the codec of the source.  What is not written here again (MPEG-4 part 2, MPEG-2, Theora, ProRes ...) becomes H.264.
_FAMILY = {"h264": "libx264", "hevc": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9", "vp8": "libvpx-vp9"}
_CODEC = {"libx264": "h264", "libx265": "hevc", "libsvtav1": "av1", "libvpx-vp9": "vp9"}
_WEBM = frozenset({"libvpx-vp9", "libsvtav1"})
# Near the source: at these the encoder's own error lies some 3 dB below that of the mark.
_QUALITY: dict[str, dict[str, str]] = {
    "libx264": {"crf": "18", "preset": "veryfast"},
    "libx265": {"crf": "20", "preset": "ultrafast"},
    "libsvtav1": {"crf": "20", "preset": "9"},
    "libvpx-vp9": {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "6", "row-mt": "1"},
}
_FINER = {"libx264": "14", "libx265": "15", "libsvtav1": "16", "libvpx-vp9": "14"}
RATE = 2.0  # times the source's rate, which the marked clip may take: a mark costs bits, a coarse source saves none


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What an encoder has to know of the video stream. ``rate`` is in bits a second, None if nobody states it."""

    codec: str
    pixel_format: str
    depth: int
    width: int
    height: int
    rate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An encoder with its pixel format and options, and what it cannot keep: codes ``codec``, ``pixel-format``."""

    encoder: str
    pixel_format: str
    options: dict[str, str]
    losses: tuple[tuple[str, str], ...]


def encoder_for(source: Source, container: Container) -> str:
    """The encoder of the source's own family where the container takes it."""
    chosen = _FAMILY.get(source.codec, "libx264")
    if container is Container.WEBM and chosen not in _WEBM:
        return "libvpx-vp9"
    if container is Container.MOV and chosen in _WEBM:
        return "libx264"
    return chosen


def choose(
    source: Source,
    container: Container,
    formats: Holding[str],
    *,
    preset: str | None = None,
    finer: bool = False,
    hdr: dict[str, str] | None = None,
) -> Choice:
    """Settle encoder, pixel format and options; ``formats`` are those that ``encoder_for`` takes.

    ``hdr`` holds ``mastering`` and ``light`` as the encoders write them.
    """
    encoder = encoder_for(source, container)
    pixel_format = _pixel_format(source, encoder, formats)
    options = dict(_QUALITY[encoder])
    if preset is not None:
        options["cpu-used" if encoder == "libvpx-vp9" else "preset"] = preset
    if finer:
        options["crf"] = _FINER[encoder]
    elif source.rate and encoder in ("libx264", "libx265"):
        options["maxrate"], options["bufsize"] = str(round(RATE * source.rate)), str(round(2 * RATE * source.rate))
    private = _private(encoder, hdr or {})
    if private:
        options[{"libx264": "x264-params", "libx265": "x265-params", "libsvtav1": "svtav1-params"}[encoder]] = private
    losses = []
    if _CODEC[encoder] != source.codec:
        losses.append(("codec", f"{source.codec} > {_CODEC[encoder]}"))
    if pixel_format != source.pixel_format:
        losses.append(("pixel-format", f"{source.pixel_format} > {pixel_format}"))
    if hdr and encoder == "libvpx-vp9":
        losses.append(("hdr", ""))
    return Choice(encoder=encoder, pixel_format=pixel_format, options=options, losses=tuple(losses))


def _pixel_format(source: Source, encoder: str, formats: Holding[str]) -> str:
    """The source's own, else the nearest; sizes that are odd have no 4:2:0 in H.264 and HEVC."""
    odd = (source.width % 2 or source.height % 2) and encoder in ("libx264", "libx265")
    has_luma = source.pixel_format.startswith(("yuv", "gray"))  # the first plane of GBR is green
    if source.pixel_format in formats and has_luma and not odd:
        return source.pixel_format
    full = odd or (not has_luma and "yuv444p" in formats)
    wanted = "yuv444p" if full else "yuv420p"
    deep = wanted + "10le"
    return deep if source.depth > 8 and deep in formats else wanted


def _private(encoder: str, hdr: dict[str, str]) -> str:
    """Options in an encoder's own language."""
    # SVT-AV1 averages key frames with their neighbours, which takes the mark for noise
    parts = {"libx265": ["log-level=none"], "libsvtav1": ["enable-tf=0"]}.get(encoder, [])
    names = {
        "libx264": ("mastering-display", "cll"),
        "libx265": ("master-display", "max-cll"),
        "libsvtav1": ("mastering-display", "content-light"),
    }.get(encoder, ("", ""))
    for name, key in zip(names, ("mastering", "light"), strict=True):
        if name and hdr.get(key):
            parts.append(f"{name}={hdr[key]}")
    return ":".join(parts)
