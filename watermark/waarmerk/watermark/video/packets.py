# SPDX-License-Identifier: Apache-2.0
"""The packets of a clip as they come, each fault of the demuxer or decoder told as ``UnreadableVideo``."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import av

from waarmerk.watermark.containers import UnreadableVideo
from waarmerk.watermark.video.reading import reason

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

BEFORE_VIDEO = 4_000  # packets of other streams kept until the first frame of video shows how it is to be written


def chained(early: deque[Packet[Any]], packets: Iterator[Packet[Any]]) -> Iterator[Packet[Any]]:
    """The packets kept ``early``, then the others. Raises UnreadableVideo where the file ends in a fault."""
    while early:
        yield early.popleft()
    while True:
        try:
            packet = next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError as error:
            raise UnreadableVideo(f"the file cannot be read further: {reason(error)}") from error
        yield packet


def until_video(packets: Iterator[Packet[Any]], stream: VideoStream) -> tuple[deque[Packet[Any]], list[VideoFrame]]:
    """The packets of other streams before the first frames of video, and those frames. Raises UnreadableVideo."""
    early: deque[Packet[Any]] = deque()
    for packet in chained(deque(), packets):
        if packet.stream.index == stream.index:
            frames = decoded(packet)
            if frames:
                return early, frames
        else:
            early.append(packet)
            if len(early) > BEFORE_VIDEO:
                break
    raise UnreadableVideo("no frame of the video can be decoded")


def decoded(packet: Packet[VideoStream]) -> list[VideoFrame]:
    """The frames of one packet, often none. Raises UnreadableVideo."""
    try:
        return packet.decode()
    except av.error.FFmpegError as error:
        raise UnreadableVideo(f"the video does not decode: {reason(error)}") from error
