# SPDX-License-Identifier: Apache-2.0
"""One pass over a clip: decode, mark and encode the video that is shown, copy everything else packet for packet.

Frames keep their time stamps; nothing is held but what the encoder looks ahead, so that length costs no memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import av
import numpy as np

from waarmerk.watermark.arrays import Bytes, pixels
from waarmerk.watermark.carriers import build_carriers
from waarmerk.watermark.clip import ClipMarker, Levels, Luma
from waarmerk.watermark.containers import UnreadableVideo
from waarmerk.watermark.embedding import pick_variant, render_pattern
from waarmerk.watermark.encoders import Choice, Source, choose, encoder_for
from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import CannotCarry, Payload
from waarmerk.watermark.overlay import Caption, Overlay, Painter
from waarmerk.watermark.transforms import MIN_SIDE, canvas_shape, clip_canvas_shape
from waarmerk.watermark.video.packets import chained, decoded, until_video
from waarmerk.watermark.video.reading import Clip, is_cover, opened
from waarmerk.watermark.video.streams import (
    add_captions,
    add_video,
    hdr_of,
    is_chapter_track,
    is_pause,
    planes_of,
    reformatted,
    side_data,
    takes,
)

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Progress = Callable[[float, float | None], None]
END_MISSING = 0.02  # of the frames stated, which may be missing before a clip counts as cut off
_WRITTEN_ANEW = frozenset({"encoder", "major_brand", "minor_version", "compatible_brands", "handler_name", "vendor_id"})
_WRITTEN_ANEW |= {"BPS", "DURATION", "NUMBER_OF_FRAMES", "NUMBER_OF_BYTES"}  # Matroska's statistics, by prefix
# Side data of frames that the encoders write again, or that only describes the old coding.
_KEPT = frozenset({"DISPLAYMATRIX", "MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "SEI_UNREGISTERED"})
_KEPT |= {"VIDEO_ENC_PARAMS", "MOTION_VECTORS", "REGIONS_OF_INTEREST", "VIDEO_HINT"}


class Watcher(Protocol):
    """Whoever wants to see some of the frames as they are written, marks and signs included."""

    def wants(self, seconds: float) -> bool:
        """Whether the frame at this time is wanted."""

    def take(self, seconds: float, rgb: Bytes) -> None:
        """The frame, H x W x 3, as it is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked of every pass: see ``embed_video``."""

    key: Key
    payload: Payload
    strength: float
    psnr: float | None
    preset: str | None
    overlays: Sequence[Overlay]
    captions: Sequence[Caption]
    language: str
    watcher: Watcher | None

    def painters(self, *, bits: int, full_range: bool, transfer: int) -> list[Painter]:
        """What paints the signs into frames of one format."""
        return [
            Painter(overlay=overlay, bits=bits, full_range=full_range, transfer=transfer) for overlay in self.overlays
        ]

    def marker(self, luma: Luma, levels: Levels, *, coarse: bool) -> ClipMarker:
        """The marker of a clip whose first frame has this luma; equal clips give equal marks."""
        shape = (luma.shape[0], luma.shape[1])
        if min(shape) < MIN_SIDE:
            raise CannotCarry(f"the video is {shape[1]} x {shape[0]}; the least side is {MIN_SIDE} pixels")
        first = np.ascontiguousarray(luma).view(np.uint8)
        variant = pick_variant(self.key.sub_key("variant"), first)
        canvas = clip_canvas_shape(*shape) if coarse else canvas_shape(*shape)
        pattern = render_pattern(build_carriers(self.key), bytes(self.payload), variant, canvas)
        return ClipMarker(pattern=pattern, shape=shape, levels=levels, strength=self.strength, psnr=self.psnr)


@dataclass(slots=True, kw_only=True)
class Writer:
    """One pass over a source."""

    wish: Wish
    finer: bool  # quality of the encoder
    coarse: bool  # pattern; the one of stills holds more in a single small frame, and less once that is compressed
    progress: Progress | None
    losses: set[tuple[str, str]] = field(default_factory=set)
    marker: ClipMarker | None = None
    painters: list[Painter] = field(default_factory=list)
    frames: int = 0
    last: float = 0.0
    durations: dict[int, int] = field(default_factory=dict)

    def write(self, source: Path | BinaryIO, draft: Path) -> dict[str, Any]:
        """Write the marked clip; what ``MarkedVideo`` says of it."""
        with opened(source, threads=0) as clip:
            packets = clip.container.demux()
            early, first = until_video(packets, clip.stream)
            plan = self._plan(clip, first)
            muxing = {"movflags": "+faststart"} if clip.outline.container.of_boxes else {}
            with av.open(str(draft), "w", format=clip.outline.container.muxer, container_options=muxing) as out:
                video, copied = self._streams(clip, out, plan, first)
                texts = add_captions(out, clip.outline.container, self.wish.captions, self.wish.language)
                self._header(clip, out)
                for text in texts:
                    out.mux(text)
                for frame in first:
                    self._frame(frame, plan, video, out)
                for packet in chained(early, packets):
                    if packet.stream.index == clip.stream.index:
                        for frame in decoded(packet):
                            self._frame(frame, plan, video, out)
                            self._tell(clip)
                    elif packet.stream.index in copied and packet.dts is not None and not is_pause(packet):
                        packet.stream = copied[packet.stream.index]
                        out.mux(packet)
                self._mux(video.encode(None), video, out)
            self._require_whole(clip)
            self._compare_tags(clip, draft)
            return {
                "frames": self.frames,
                "seconds": round(self.last, 3),
                "encoder": plan.encoder,
                "psnr": self.marker.mean_psnr if self.marker else float("inf"),
                "losses": tuple(sorted(self.losses)),
            }

    def _plan(self, clip: Clip, first: list[VideoFrame]) -> Choice:
        stream, frame = clip.stream, first[0]
        rate = stream.bit_rate or clip.container.bit_rate or None
        source = Source(
            codec=stream.codec_context.codec.canonical_name,
            pixel_format=frame.format.name,
            depth=frame.format.components[0].bits,
            width=frame.width,
            height=frame.height,
            rate=rate,
        )
        encoder = encoder_for(source, clip.outline.container)
        formats = {entry.name for entry in av.Codec(encoder, "w").video_formats or ()}
        hdr = hdr_of(frame)
        plan = choose(source, clip.outline.container, formats, preset=self.wish.preset, finer=self.finer, hdr=hdr)
        self.losses.update(plan.losses)
        self.losses.update(("side-data", name) for name in side_data(frame) if name not in _KEPT)
        self.losses.update(("box", name) for name in clip.outline.extra)
        if frame.interlaced_frame:
            self.losses.add(("interlacing", ""))
        if stream.metadata.get("alpha_mode") == "1":
            self.losses.add(("alpha", ""))
        return plan

    def _streams(
        self, clip: Clip, out: OutputContainer, plan: Choice, first: list[VideoFrame]
    ) -> tuple[VideoStream, dict[int, Stream]]:
        """The streams of the result in the order of the source: the new video, and those copied by their old index."""
        copied: dict[int, Stream] = {}
        video: VideoStream | None = None
        chapters = bool(clip.container.chapters())
        for stream in clip.container.streams:
            if stream.index == clip.stream.index:
                video = add_video(out, clip.stream, plan, first[0])
                continue
            if chapters and is_chapter_track(stream):
                continue  # written anew from the chapters
            if not takes(clip.outline.container.muxer, stream):
                self.losses.add(("stream", f"{stream.type} {stream.index}"))
                continue
            copy = out.add_stream_from_template(stream, opaque=True)
            copy.metadata.update(stream.metadata)
            copy.disposition = stream.disposition
            copied[stream.index] = copy
            if stream.type == "video" and not is_cover(stream):
                self.losses.add(("unmarked", f"video {stream.index}"))
        if video is None:
            raise UnreadableVideo("the file holds no video")
        return video, copied

    def _header(self, clip: Clip, out: OutputContainer) -> None:
        out.metadata.update({k: v for k, v in clip.container.metadata.items() if k not in _WRITTEN_ANEW})
        chapters = clip.container.chapters()
        if chapters:
            out.set_chapters(chapters)

    def _frame(self, frame: VideoFrame, plan: Choice, video: VideoStream, out: OutputContainer) -> None:
        """Mark and encode one frame."""
        if frame.is_corrupt:
            raise UnreadableVideo(f"the video is broken at {self.last:.1f} s")
        if frame.width != video.width or frame.height != video.height:
            raise UnreadableVideo(f"the picture changes its size at {self.last:.1f} s")
        if frame.format.name != plan.pixel_format:
            frame = reformatted(frame, plan.pixel_format)
        frame.make_writable()
        planes = planes_of(frame)
        if self.marker is None:
            bits = frame.format.components[0].bits
            full = frame.color_range == 2 or frame.format.name.startswith("yuvj")
            self.marker = self.wish.marker(planes[0], Levels.of(bits=bits, full_range=full), coarse=self.coarse)
            self.painters = self.wish.painters(bits=bits, full_range=full, transfer=frame.color_trc)
        self.marker.mark(planes[0])
        for painter in self.painters:
            painter.paint(planes, float(frame.time or 0.0))
        watcher, seconds = self.wish.watcher, float(frame.time or 0.0)
        if watcher is not None and watcher.wants(seconds):
            watcher.take(seconds, pixels(frame.to_ndarray(format="rgb24")))
        frame.pict_type = 0  # the encoder decides anew
        if frame.pts is not None and frame.duration:
            self.durations[frame.pts] = frame.duration
        self.frames += 1
        self.last = float(frame.time or 0.0)
        self._mux(video.encode(frame), video, out)

    def _mux(self, packets: list[Packet[Any]], video: VideoStream, out: OutputContainer) -> None:
        for packet in packets:
            known = self.durations.pop(packet.pts, None) if packet.pts is not None else None
            if known and packet.time_base == video.codec_context.time_base:
                packet.duration = known
            out.mux(packet)

    def _tell(self, clip: Clip) -> None:
        if self.progress is not None and self.frames % 8 == 0:
            self.progress(self.last, clip.seconds)

    def _compare_tags(self, clip: Clip, draft: Path) -> None:
        """List the tags of the file that the muxer has no place for."""
        with opened(draft) as result:
            kept = {name.lower(): value for name, value in result.container.metadata.items()}
        for name, value in clip.container.metadata.items():
            if name not in _WRITTEN_ANEW and kept.get(name.lower()) != value:
                self.losses.add(("tag", name))

    def _require_whole(self, clip: Clip) -> None:
        """A file that ends before it says is refused, not shortened."""
        stated = clip.stream.frames
        if stated and self.frames < stated * (1 - END_MISSING) - 2:
            raise UnreadableVideo(f"the video is cut off: {self.frames} of {stated} frames are there")
