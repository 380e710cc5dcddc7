# SPDX-License-Identifier: Apache-2.0
"""Whether a file ends before its structure does: the cheap sign of each container, and no decoder.

What stands behind the end is no sign: cameras and telephones append films, depth and notes of their own. Where a
container leaves its length open, or the walk gives up for another reason, nothing is said.
"""

from collections.abc import Callable

from waarmerk.provenance.media.bmff import Steps, boxes
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import TooManyParts, jpeg_segments, png_chunks
from waarmerk.provenance.media.window import Truncated, Window

CUT_OFF = "media.cut-off"
_EOI, _PIECE = b"\xff\xd9", 1 << 20
_TAIL = 64 * 1024  # where the end of nearly every picture stands
_OPEN_LENGTH = 0x7FFF0000  # what writers to a pipe put for a length that they do not know yet, and above
_KEPT_WHOLE = frozenset({b"mdat", b"moov", b"moof", b"meta", b"free", b"skip", b"uuid", b"ftyp", b"mfra", b"sidx"})


def is_cut_off(window: Window, media_type: str, limits: Limits) -> bool:
    """Whether the end of the structure is missing. Content never raises; a type without a sign is never cut off."""
    read = _READERS.get(media_type)
    try:
        return read is not None and read(window, limits)
    except Truncated:
        return False


def _jpeg(window: Window, limits: Limits) -> bool:
    """A segment past the end of the file, or no EOI behind the header (ITU-T T.81, B.1.1.3: data never holds it)."""
    at = 2
    try:
        for part in jpeg_segments(window, limits):
            at = part.offset + part.size
    except TooManyParts:
        return False
    except Truncated:
        head = window.up_to(at, 4)
        is_marker = head[:1] == b"\xff" and head[1:2] != b"\xff"
        if len(head) < 4 or (is_marker and at + 2 + int.from_bytes(head[2:]) > window.size):
            return True
    return not _holds(window, max(at, window.size - _TAIL)) and not _holds(window, at)


def _holds(window: Window, at: int) -> bool:
    while piece := window.up_to(at, _PIECE):
        if _EOI in piece:
            return True
        at += max(1, len(piece) - 1)  # it may stand across two pieces
    return False


def _png(window: Window, limits: Limits) -> bool:
    """No IEND (PNG, third edition, section 5.6)."""
    try:
        for _ in png_chunks(window, limits):
            pass
    except TooManyParts:
        return False
    except Truncated:
        return True
    return False


def _riff(window: Window, _limits: Limits) -> bool:
    """A form longer than the file; the padding of its last chunk may be missing."""
    (size,) = window.unpack("<I", 4)
    return size < _OPEN_LENGTH and 8 + size > window.size + 1


def _bmff(window: Window, limits: Limits) -> bool:
    """A known box that reaches past the end (ISO/IEC 14496-12, section 4.2); other bytes may be anything."""
    at = 0
    try:
        for box in boxes(window, Steps(limits.parts)):
            at = box.body.start + box.body.size
    except Truncated:
        (size,), name = window.unpack(">I", at), window.at(at + 4, 4)
        if size == 1:
            (size,) = window.unpack(">Q", at + 8)
        return name in _KEPT_WHOLE and at + size > window.size
    return False


_Reader = Callable[[Window, Limits], bool]
_READERS: dict[str, _Reader] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    **dict.fromkeys(("image/webp", "audio/wav", "video/x-msvideo"), _riff),
    **dict.fromkeys(("image/avif", "image/heic", "image/heif", "video/mp4", "video/quicktime", "audio/mp4"), _bmff),
}
