# SPDX-License-Identifier: Apache-2.0
"""Open a clip without letting a demuxer follow anything, pick the frames worth looking at, and search them.

The file is opened by us and handed over as a stream, with the demuxer named; there is no address to follow.  Whole
frames come first: a short clip is read through, a longer one at places spread over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import av
import numpy as np

from waarmerk.watermark.arrays import Bytes
from waarmerk.watermark.containers import Outline, UnreadableVideo, outline
from waarmerk.watermark.keys import Key
from waarmerk.watermark.model import MAX_FALSE_POSITIVE
from waarmerk.watermark.pooling import ClipDetection, ClipFrame, detect_frames, most_frames
from waarmerk.watermark.schemes import checked_keys

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

MAX_FRAME_PIXELS = 50_000_000
MAX_DECODED = 300  # frames decoded for one search
MAX_HELD_PIXELS = 300_000_000  # of frames that wait for their turn, in 1.5 bytes each: 36 frames of 3840 x 2160
MAX_DECODED_PIXELS = 600_000_000  # and their pixels: 300 frames of 1920 x 1080
SHORT_SECONDS = 12.0  # up to here a clip is read through
PLACES = 8  # looked at in a longer one
STEP = 12  # frames decoded behind a whole one until another is looked at
BUFFER_BYTES = 1 << 18


def detect_video(
    src: str | Path | BinaryIO, key: Key, *, max_false_positive: float = MAX_FALSE_POSITIVE
) -> ClipDetection:
    """Search a clip for the mark of one key.

    ``src``: a path or a seekable stream of an MP4, MOV, MKV or WebM file.  Raises UnreadableVideo where it is none, or
    no frame of it can be decoded, and OSError.
    """
    return detect_video_each(src, (key,), max_false_positive=max_false_positive)[0]


def detect_video_each(
    src: str | Path | BinaryIO, keys: Iterable[Key], *, max_false_positive: float = MAX_FALSE_POSITIVE
) -> tuple[ClipDetection, ...]:
    """Search for several keys at once, one detection per key in their order; each p-value counts all the keys."""
    chosen = checked_keys(keys, max_false_positive)
    with opened(src) as clip:
        sampler = _Sampler(clip)
        found = detect_frames(sampler.frames(), chosen, max_false_positive=max_false_positive)
    if sampler.decoded == 0:
        raise UnreadableVideo("no frame of the video can be decoded")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """An opened file: the container, what our own walk saw, and the video stream that is shown."""

    container: InputContainer
    outline: Outline
    stream: VideoStream

    @property
    def seconds(self) -> float | None:
        """How long the file says the video is; a statement, no fact."""
        if self.stream.duration and self.stream.time_base:
            return float(self.stream.duration * self.stream.time_base)
        return self.container.duration / 1e6 if self.container.duration else None


@contextmanager
def opened(src: str | Path | BinaryIO, *, threads: int = 1) -> Iterator[Clip]:
    """Open ``src`` for reading.  Raises UnreadableVideo and OSError."""
    with ExitStack() as held:
        stream = held.enter_context(Path(src).open("rb")) if isinstance(src, str | Path) else src
        seen = outline(stream)
        try:
            container = held.enter_context(
                av.open(
                    stream,
                    "r",
                    format=seen.container.demuxer,
                    container_options={
                        "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm",
                        "protocol_whitelist": "file",
                    },
                    metadata_errors="replace",
                    buffer_size=BUFFER_BYTES,
                )
            )
            shown = [s for s in container.streams.video if not is_cover(s) and getattr(s, "codec_context", None)]
        except Exception as error:  # IndexError, UnicodeDecodeError and others have been seen besides FFmpegError
            raise UnreadableVideo(f"the file cannot be opened: {reason(error)}") from error
        if not shown:
            raise UnreadableVideo("the file holds no video")
        video = shown[0]
        video.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}  # in stream_options it does not act
        video.thread_count = threads
        yield Clip(container=container, outline=seen, stream=video)


def is_cover(stream: Stream) -> bool:
    """Whether a video stream is one picture beside the clip."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def reason(error: Exception) -> str:
    """What went wrong, in one line, without the name of any file."""
    text = getattr(error, "strerror", None) or type(error).__name__
    return str(text).splitlines()[0][:200]


class _Sampler:
    """Frames of a clip in the order in which they are worth looking at; decodes no more than is asked for."""

    def __init__(self, clip: Clip) -> None:
        self._clip = clip
        self._pixels = 0
        self._most = most_frames((clip.stream.height or 0, clip.stream.width or 0))
        self.decoded = 0

    def frames(self) -> Iterator[ClipFrame]:
        """Whole frames, then others.  A file that breaks off ends the frames, it does not raise."""
        seconds = self._clip.seconds
        if seconds is None or seconds <= SHORT_SECONDS:
            yield from self._through()
        else:
            yield from self._places(seconds)

    def _decode(self) -> Iterator[VideoFrame]:
        """Frames from here on, as long as the budget lasts and the file can be decoded."""
        try:
            for frame in self._clip.container.decode(self._clip.stream):
                self.decoded += 1
                self._pixels += frame.width * frame.height
                yield frame
                if self.decoded >= MAX_DECODED or self._pixels >= MAX_DECODED_PIXELS:
                    return
        except Exception:  # a stranger's file: what was decoded so far is searched
            return

    def _through(self) -> Iterator[ClipFrame]:
        """All frames in order; those that are not whole are held back, every other one dropped when they are many."""
        held: list[VideoFrame] = []  # turned to grey only when they are asked for
        every, since, most = 1, 0, 2 * self._most
        for frame in self._decode():
            if frame.key_frame:
                yield _clip_frame(frame)
                continue
            since += 1
            if since >= every:
                since = 0
                held.append(frame)
                most = min(most, max(2, MAX_HELD_PIXELS // (frame.width * frame.height)))
            if len(held) > most:
                held, every = held[1::2], 2 * every
        step = max(1, len(held) // self._most)
        yield from map(_clip_frame, held[step // 2 :: step])

    def _places(self, seconds: float) -> Iterator[ClipFrame]:
        """The whole frame before each of some places, then a frame a little behind each."""
        seen: list[float] = []
        for place in _spread(PLACES):
            frame = self._first_at(place * seconds)
            if frame is not None and _time(frame) not in seen:
                seen.append(_time(frame))
                yield _clip_frame(frame)
        wanted = max(1, self._most // max(1, len(seen)))
        step = max(1, min(STEP, (MAX_DECODED - self.decoded) // max(1, len(seen) * wanted)))
        for time in seen:
            if not self._seek(time):
                continue
            for count, frame in enumerate(self._decode()):
                if count and count % step == 0:
                    yield _clip_frame(frame)
                if count >= step * wanted:
                    break

    def _first_at(self, seconds: float) -> VideoFrame | None:
        return next(self._decode(), None) if self._seek(seconds) else None

    def _seek(self, seconds: float) -> bool:
        stream = self._clip.stream
        if stream.time_base is None or self.decoded >= MAX_DECODED or self._pixels >= MAX_DECODED_PIXELS:
            return False
        try:
            self._clip.container.seek(int(seconds / stream.time_base) + (stream.start_time or 0), stream=stream)
        except Exception:
            return False
        return True


def _spread(count: int) -> list[float]:
    """Places in (0, 1): the middle of ``count`` parts, in an order that covers the whole early."""
    middle = [(k + 0.5) / count for k in range(count)]
    return sorted(middle, key=lambda place: bin(round(place * count - 0.5))[:1:-1])


def _time(frame: VideoFrame) -> float:
    return float(frame.time or 0.0)  # None where the file gives no time


def _clip_frame(frame: VideoFrame) -> ClipFrame:
    return ClipFrame(seconds=round(_time(frame), 3), pixels=grey(frame), whole=bool(frame.key_frame))


def grey(frame: VideoFrame) -> Bytes:
    """Luma of a frame in 8 bits of full range."""
    return np.ascontiguousarray(frame.to_ndarray(format="gray"), np.uint8)
