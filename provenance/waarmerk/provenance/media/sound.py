# SPDX-License-Identifier: Apache-2.0
"""Durations that the headers of WAV, FLAC and AVI state."""

from collections.abc import Callable

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import riff_chunks
from waarmerk.provenance.media.window import Truncated, Window


def read_duration(window: Window, media_type: str, limits: Limits) -> float | None:
    """Seconds, None where the header states none. Never raises for content."""
    read = _READERS.get(media_type)
    if read is None:
        return None
    try:
        return read(window, limits)
    except Truncated:
        return None


def _wav(window: Window, limits: Limits) -> float | None:
    """Bytes of sound by bytes a second; the bytes are those that are there, whatever the header says."""
    rate = 0
    for part in riff_chunks(window, limits):
        if part.name == b"fmt ":
            (rate,) = window.unpack("<I", part.offset + 8)
        elif part.name == b"data":
            return round(part.size / rate, 3) if rate else None
    return None


def _flac(window: Window, _: Limits) -> float | None:
    """STREAMINFO (RFC 9639, 8.2): 20 bits of sample rate, 36 bits of sample count."""
    packed = int.from_bytes(window.at(18, 8))
    rate, samples = packed >> 44, packed & (1 << 36) - 1
    return round(samples / rate, 3) if rate and samples else None


def _avi(window: Window, _: Limits) -> float | None:
    """``avih``, the first chunk of the header list: microseconds a frame and the number of frames."""
    if window.at(12, 4) != b"LIST" or window.at(20, 8) != b"hdrlavih":
        return None
    (micros,), (frames,) = window.unpack("<I", 32), window.unpack("<I", 48)
    seconds = micros * frames / 1e6
    return round(seconds, 3) if 0 < seconds < 48 * 3600 else None


_READERS: dict[str, Callable[[Window, Limits], float | None]] = {
    "audio/wav": _wav,
    "audio/flac": _flac,
    "video/x-msvideo": _avi,
}
