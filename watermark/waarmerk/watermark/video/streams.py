# SPDX-License-Identifier: Apache-2.0
"""Streams of the result and what frames carry beside their pixels."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np

from waarmerk.watermark.clip import Luma
from waarmerk.watermark.containers import Container
from waarmerk.watermark.encoders import Choice
from waarmerk.watermark.overlay import Caption

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.sidedata.sidedata import SideData
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream


def add_video(out: OutputContainer, source: VideoStream, plan: Choice, frame: VideoFrame) -> VideoStream:
    """The stream of the marked video, with the time base, shape of pixels, colours and rotation of its source."""
    rate = source.average_rate or source.guessed_rate or Fraction(25)
    video = cast("VideoStream", out.add_stream(plan.encoder, rate=rate, options=plan.options))
    video.width, video.height, video.pix_fmt = frame.width, frame.height, plan.pixel_format
    context = video.codec_context
    if source.time_base is not None:
        context.time_base = source.time_base
        video.time_base = source.time_base
    context.thread_count = 0
    if source.sample_aspect_ratio:
        context.sample_aspect_ratio = source.sample_aspect_ratio
    context.color_range = frame.color_range
    context.color_primaries = frame.color_primaries
    context.color_trc = frame.color_trc
    context.colorspace = frame.colorspace
    matrix = side_data(frame).get("DISPLAYMATRIX")
    if matrix is not None:
        video.set_display_matrix(struct.unpack("=9i", matrix[:36]))
    video.metadata.update(source.metadata)
    video.disposition = source.disposition
    return video


def takes(muxer: str, stream: Stream) -> bool:
    """Whether a container takes a stream as it is: tried on a file in memory."""
    try:
        with av.open(BytesIO(), "w", format=muxer) as trial:
            trial.add_stream_from_template(stream, opaque=True)
            trial.start_encoding()
    except Exception:
        return False
    return True


def is_chapter_track(stream: Stream) -> bool:
    """Whether a stream of an MP4 or MOV is the track its chapters stand in, which is written anew from them."""
    return stream.type == "data" and stream.name == "bin_data"


def is_pause(packet: Packet[Any]) -> bool:
    """Whether a packet is the empty text between two subtitles of an MP4, which the muxer writes by itself."""
    return packet.size == 2 and packet.stream.name == "mov_text" and bytes(packet) == b"\0\0"


def reformatted(frame: VideoFrame, pixel_format: str) -> VideoFrame:
    """The frame in another pixel format, its times kept."""
    out = frame.reformat(format=pixel_format)
    out.pts, out.time_base, out.duration = frame.pts, frame.time_base, frame.duration
    return out


def planes_of(frame: VideoFrame) -> list[Luma]:
    """The planes of a frame, luma first and alpha left out, written through."""
    kind = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    found = []
    for plane in frame.planes[:3]:
        rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
        found.append(cast(Luma, rows[:, : plane.width]))
    return found


def add_captions(out: OutputContainer, container: Container, captions: Sequence[Caption], language: str) -> list[Any]:
    """A caption track and its packets, to be muxed before all others."""
    if not captions:
        return []
    codec = {Container.WEBM: "webvtt", Container.MATROSKA: "subrip"}.get(container, "mov_text")
    stream = out.add_mux_stream(codec)
    stream.time_base = Fraction(1, 1000)
    stream.metadata["language"] = language
    packets = []
    for caption in captions:
        text = caption.text.encode()
        packet = av.Packet(len(text).to_bytes(2) + text if codec == "mov_text" else text)
        packet.stream, packet.time_base = stream, Fraction(1, 1000)
        packet.pts = packet.dts = round(caption.start * 1000)
        packet.duration = round((caption.end - caption.start) * 1000)
        packets.append(packet)
    return packets


def side_data(frame: VideoFrame) -> dict[str, bytes]:
    """What a frame carries beside its pixels, by FFmpeg's name of the kind."""
    data = cast("list[SideData]", frame.side_data)  # the mapping it claims to be cannot be walked
    found = (data[i] for i in range(len(data)))
    return {entry.type.name: bytes(entry) for entry in found}


def hdr_of(frame: VideoFrame) -> dict[str, str]:
    """Mastering display and content light as the encoders write them (SMPTE ST 2086, CTA-861.3).

    FFmpeg's AVMasteringDisplayMetadata: primaries of R, G, B, white point, least and most luminance as pairs of
    integers, then two flags; AVContentLightMetadata: two unsigned.
    """
    hdr: dict[str, str] = {}
    carried = side_data(frame)
    mastering = carried.get("MASTERING_DISPLAY_METADATA")
    if mastering is not None and len(mastering) >= 88:
        numbers = struct.unpack("=22i", mastering[:88])
        if numbers[20] and numbers[21] and all(numbers[1:20:2]):
            value = [Fraction(a, b) for a, b in zip(numbers[:20:2], numbers[1:20:2], strict=True)]
            colour = [round(v * 50_000) for v in value[:8]]
            low, high = (round(v * 10_000) for v in value[8:])
            red, green, blue, white = (colour[i : i + 2] for i in (0, 2, 4, 6))
            hdr["mastering"] = (
                f"G({green[0]},{green[1]})B({blue[0]},{blue[1]})R({red[0]},{red[1]})"
                f"WP({white[0]},{white[1]})L({high},{low})"
            )
    light = carried.get("CONTENT_LIGHT_LEVEL")
    if light is not None and len(light) >= 8:
        most, average = struct.unpack("=2I", light[:8])
        hdr["light"] = f"{most},{average}"
    return hdr
