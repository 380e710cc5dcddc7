# SPDX-License-Identifier: Apache-2.0
"""Marks in clips: MP4, MOV, MKV and WebM.  Needs the extra ``video``; PyAV is imported nowhere else in the library.

>>> embed_video("in.mp4", "out.mp4", key, Payload(b"8 bytes!"))
>>> detect_video("out.mp4", key).payload
Payload(value=b'8 bytes!')
"""

from waarmerk.watermark.containers import UnreadableVideo
from waarmerk.watermark.overlay import Caption, Overlay
from waarmerk.watermark.pooling import ClipDetection
from waarmerk.watermark.video.reading import detect_video, detect_video_each
from waarmerk.watermark.video.writing import MarkedVideo, embed_video

__all__ = [
    "Caption",
    "ClipDetection",
    "MarkedVideo",
    "Overlay",
    "UnreadableVideo",
    "detect_video",
    "detect_video_each",
    "embed_video",
]
