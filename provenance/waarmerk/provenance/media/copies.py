# SPDX-License-Identifier: Apache-2.0
"""Signs that a file is a screenshot or a messenger's copy: its size, its name, what its header holds and lacks.

Each sign alone is common among other files. A hint is given only where a sign speaks for itself, or several agree;
it says what to ask for (the original), never what the picture is. No pixel is decoded here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.segments import jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.tiff import MAKE, read_tiff
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Finding

SCREENSHOT, MESSENGER = "media.looks-like-screenshot", "media.looks-like-messenger-copy"
PICTURE_WITHIN = "media.picture-within"  # found in pixels (``sources/screenshot.py``)

# Screens of telephones and tablets, in pixels, short side first. Sides of desktop screens (1920 x 1080) are left out:
# films, drawings and wallpapers have them too.
_SCREENS = frozenset(
    {(720, 1520), (720, 1560), (720, 1600), (750, 1334), (828, 1792), (1008, 2244), (1080, 2160), (1080, 2220)}
    | {(1080, 2280), (1080, 2310), (1080, 2316), (1080, 2340), (1080, 2376), (1080, 2400), (1080, 2408)}
    | {(1080, 2412), (1125, 2436), (1170, 2532), (1179, 2556), (1206, 2622), (1220, 2712), (1242, 2208)}
    | {(1242, 2688), (1260, 2800), (1264, 2780), (1280, 2856), (1284, 2778), (1290, 2796), (1320, 2868)}
    | {(1344, 2992), (1440, 2960), (1440, 3040), (1440, 3088), (1440, 3120), (1440, 3200), (1620, 2160)}
    | {(1640, 2360), (1668, 2224), (1668, 2388), (2048, 2732), (2064, 2752)}
)
_MESSENGER_SIDES = frozenset({1280, 1600, 2048})  # the longest side to which messengers reduce a picture
_SCREEN_NAME = re.compile(
    r"(?:screen[\s_-]?shot|schermafbeelding|schermopname|schermfoto|bildschirmfoto|capture d.[ée]cran|captura de )",
    re.I,
)
_MESSENGER_NAME = re.compile(
    r"(?:img-\d{8}-wa\d{4}|whatsapp image \d{4}-|photo_\d{4}-\d\d-\d\d[_ ]\d\d-\d\d-\d\d|signal-\d{4}-\d\d-\d\d-)", re.I
)
_SCREEN_NOTES = (b"Screenshot", b"screenshot", b"screenCapture", b"S\0c\0r\0e\0e\0n\0s\0h\0o\0t")
_PLATFORM_NOTE = b"FBMD"  # written by Meta's platforms into IPTC special instructions
_NOTE_BYTES = 64 * 1024
_MAX_QUALITY = 92  # libjpeg's scale; cameras and editors store finer
_MAX_NOTES = 50


@dataclass(slots=True)
class _Seen:
    """What the header of one file holds."""

    has_metadata: bool = False
    has_camera: bool = False
    is_note: bool = False
    is_platform: bool = False
    quality: int | None = None  # JPEG, None where its tables are not the ordinary ones


def hints(
    window: Window, media_type: str, name: str | None, size: tuple[int | None, int | None], limits: Limits
) -> tuple[Finding, ...]:
    """The findings for a picture, each with its reasons separated by semicolons. Content never raises."""
    read = _READERS.get(media_type)
    if read is None:
        return ()
    seen = _Seen()
    try:
        read(window, limits, seen)
    except Truncated:
        return ()
    screen = _screen_reasons(seen, name or "", size)
    messenger = _messenger_reasons(seen, name or "", size)
    found = ((SCREENSHOT, screen), (MESSENGER, messenger))
    return tuple(Finding(code, "; ".join(reasons)) for code, reasons in found if reasons)


def _screen_reasons(seen: _Seen, name: str, size: tuple[int | None, int | None]) -> list[str]:
    """A note of its own is enough; a size or a name only where no camera is named."""
    sides = tuple(sorted(side or 0 for side in size))
    is_screen, is_named = sides in _SCREENS, _SCREEN_NAME.match(name) is not None
    if not seen.is_note and (seen.has_camera or not (is_screen or is_named)):
        return []
    reasons = (("screen-note", seen.is_note), ("screen-size", is_screen), ("screen-name", is_named))
    return [*(reason for reason, holds in reasons if holds), *([] if seen.has_camera else ["no-camera"])]


def _messenger_reasons(seen: _Seen, name: str, size: tuple[int | None, int | None]) -> list[str]:
    """A platform's note or name is enough; else size, no metadata at all and strong compression together."""
    is_named = _MESSENGER_NAME.match(name) is not None
    is_reduced = max(side or 0 for side in size) in _MESSENGER_SIDES
    is_coarse = seen.quality is not None and seen.quality <= _MAX_QUALITY
    is_bare = not seen.has_metadata
    if not (seen.is_platform or (is_named and not seen.has_camera) or (is_reduced and is_bare and is_coarse)):
        return []
    reasons = (
        ("messenger-note", seen.is_platform),
        ("messenger-name", is_named),
        ("messenger-size", is_reduced),
        ("recompressed", is_coarse),
        ("no-metadata", is_bare),
    )
    return [reason for reason, holds in reasons if holds]


_APP1, _APP11, _APP13, _DQT, _COM = b"\xe1", b"\xeb", b"\xed", b"\xdb", b"\xfe"
_EXIF = b"Exif\0\0"


def _jpeg(window: Window, limits: Limits, seen: _Seen) -> None:
    for part in jpeg_segments(window, limits):
        if part.name == _DQT and seen.quality is None:
            seen.quality = quality_of(window.up_to(part.offset, min(part.size, 65)))
        elif part.name in (_APP1, _APP11, _APP13, _COM):
            data = window.up_to(part.offset, min(part.size, _NOTE_BYTES))
            _note(data, seen)
            seen.is_platform = seen.is_platform or (part.name == _APP13 and _PLATFORM_NOTE in data)
            if data.startswith(_EXIF):
                _camera(window.part(part.offset + 6, part.size - 6), limits, seen)


def _png(window: Window, limits: Limits, seen: _Seen) -> None:
    notes = (part for part in png_chunks(window, limits) if part.name in (b"tEXt", b"iTXt", b"zTXt", b"eXIf", b"caBX"))
    for part, _ in zip(notes, range(_MAX_NOTES), strict=False):
        _note(window.up_to(part.offset, min(part.size, _NOTE_BYTES)), seen)
        if part.name == b"eXIf":
            _camera(window.part(part.offset, part.size), limits, seen)


def _webp(window: Window, limits: Limits, seen: _Seen) -> None:
    for part in riff_chunks(window, limits):
        if part.name in (b"EXIF", b"XMP ", b"C2PA"):
            data = window.up_to(part.offset, min(part.size, _NOTE_BYTES))
            _note(data, seen)
            skip = 6 if data.startswith(_EXIF) else 0
            if part.name == b"EXIF":
                _camera(window.part(part.offset + skip, part.size - skip), limits, seen)


_READERS: dict[str, Callable[[Window, Limits, _Seen], None]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
}


def _note(data: bytes, seen: _Seen) -> None:
    seen.has_metadata = True
    seen.is_note = seen.is_note or any(note in data for note in _SCREEN_NOTES)


def _camera(window: Window, limits: Limits, seen: _Seen) -> None:
    tiff = read_tiff(window)
    if tiff is not None:
        make = tiff.directory(tiff.first, limits).fields.get(MAKE)
        seen.has_camera = seen.has_camera or (make is not None and bool(tiff.value(make, 16).strip(b"\0 ")))


# ITU-T T.81, table K.1 (luminance), in zigzag order.
_ORDINARY = (
    *(16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51),
    *(61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77),
    *(113, 121, 112, 100, 120, 92, 101, 103, 99),
)


def quality_of(table: bytes) -> int | None:
    """The quality on libjpeg's scale (1 to 100) whose ordinary luminance table this is, None for any other table.

    ``table`` is the payload of a DQT segment: one byte of precision and number, then 64 values.
    """
    if len(table) < 65 or table[0] != 0:
        return None
    values = tuple(table[1:65])
    near = (quality for quality in range(100, 0, -1) if _scaled(_ORDINARY[0], quality) == values[0])
    return next((q for q in near if tuple(_scaled(value, q) for value in _ORDINARY) == values), None)


def _scaled(value: int, quality: int) -> int:
    """libjpeg's rule for one entry of a table at a quality."""
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return min(max((value * scale + 50) // 100, 1), 255)
