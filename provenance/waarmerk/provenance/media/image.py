# SPDX-License-Identifier: Apache-2.0
"""What a picture's header states, without a decoder; and one decoded frame within limits, with Pillow.

The headers are read here, from the bytes: the common case then needs no import of Pillow, and no decoder is asked
before the stated size is known. A header may lie; ``read_header`` repeats what it states, ``decode_rgb`` refuses.
"""

import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.heif import picture_size
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.parts import require_few_scans
from waarmerk.provenance.media.segments import gif_blocks, jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.tiff import HEIGHT, WIDTH, read_tiff
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Asset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The stated size in pixels as stored, and the frames counted so far (``Limits.frames`` + 1 means "more")."""

    width: int | None = None
    height: int | None = None
    frames: int = 1

    @property
    def pixels(self) -> int:
        """Pixels of one frame; 0 where the size is not stated."""
        return (self.width or 0) * (self.height or 0)


def read_header(window: Window, media_type: str, limits: Limits) -> Header:
    """What the header states; empty where it states nothing or cannot be read. Never raises for content."""
    read = _READERS.get(media_type)
    if read is None:
        return Header()
    try:
        return read(window, limits)
    except Truncated:
        return Header()


_START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # without DHT, JPG, DAC


def _jpeg(window: Window, limits: Limits) -> Header:
    """ITU-T T.81, B.2.2."""
    for part in jpeg_segments(window, limits):
        if part.name[0] in _START_OF_FRAME and part.size >= 5:
            height, width = window.unpack(">HH", part.offset + 1)
            return Header(width=width, height=height)
    return Header()


def _png(window: Window, limits: Limits) -> Header:
    """PNG, third edition, 11.2.1 (IHDR comes first) and 11.3.6.1 (acTL)."""
    width, height = window.unpack(">II", 16) if window.at(12, 4) == b"IHDR" else (None, None)
    frames = 1
    with suppress(Truncated):
        for part in png_chunks(window, limits):
            if part.name == b"acTL":
                frames = min(window.unpack(">I", part.offset)[0], limits.frames + 1)
            if part.name in (b"acTL", b"IDAT"):
                break
    return Header(width=width, height=height, frames=frames)


def _gif(window: Window, limits: Limits) -> Header:
    width, height = window.unpack("<HH", 6)
    frames = 0
    with suppress(Truncated):
        for part in gif_blocks(window, limits):
            frames += part.name == b","
            if frames > limits.frames:
                break
    return Header(width=width, height=height, frames=frames)


def _webp(window: Window, limits: Limits) -> Header:
    """RFC 9649, sections 2.5 to 2.7; VP8 frame header: RFC 6386, 9.1."""
    found, frames = Header(), 0
    for part in riff_chunks(window, limits):
        if part.name == b"VP8X":
            sides = window.at(part.offset + 4, 6)
            found = Header(
                width=int.from_bytes(sides[:3], "little") + 1, height=int.from_bytes(sides[3:], "little") + 1
            )
        elif part.name == b"VP8L" and found.width is None:
            (bits,) = window.unpack("<I", part.offset + 1)
            return Header(width=(bits & 0x3FFF) + 1, height=(bits >> 14 & 0x3FFF) + 1)
        elif part.name == b"VP8 " and found.width is None:
            width, height = window.unpack("<HH", part.offset + 6)
            return Header(width=width & 0x3FFF, height=height & 0x3FFF)
        elif part.name == b"ANMF" and frames <= limits.frames:
            frames += 1
    return Header(width=found.width, height=found.height, frames=max(frames, 1))


def _tiff(window: Window, limits: Limits) -> Header:
    """The largest picture of the file: the first directory of a raw file is a thumbnail."""
    tiff = read_tiff(window)
    if tiff is None:
        return Header()
    sizes = [
        (*tiff.numbers(found.fields.get(WIDTH)), *tiff.numbers(found.fields.get(HEIGHT)))
        for found in tiff.directories(limits)
    ]
    width, height = max((size for size in sizes if len(size) == 2), key=lambda s: s[0] * s[1], default=(None, None))
    return Header(width=width, height=height, frames=min(max(len(sizes), 1), limits.frames + 1))


def _heif(window: Window, limits: Limits) -> Header:
    width, height = picture_size(window, limits) or (None, None)
    return Header(width=width, height=height)


_SVG_ROOT = re.compile(rb"<(?:[A-Za-z_][\w.-]{0,30}:)?svg(?=[\s/>])([^>]{0,4096})")
_SVG_SIDE = rb"""\s%b\s{0,9}=\s{0,9}["']\s{0,9}(\d{1,7})(?:\.\d{0,9})?(?:px)?\s{0,9}["']"""


def _svg(window: Window, limits: Limits) -> Header:
    """Width and height where the root states them in pixels; a drawing need not have a size."""
    root = _SVG_ROOT.search(window.up_to(0, limits.sniff_bytes))
    sides = [re.search(_SVG_SIDE % name, root[1]) if root else None for name in (b"width", b"height")]
    width, height = (int(side[1]) if side else None for side in sides)
    return Header(width=width, height=height)


_READERS: dict[str, Callable[[Window, Limits], Header]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/gif": _gif,
    "image/webp": _webp,
    "image/tiff": _tiff,
    "image/x-adobe-dng": _tiff,
    "image/x-nikon-nef": _tiff,
    "image/x-sony-arw": _tiff,
    "image/avif": _heif,
    "image/heic": _heif,
    "image/heif": _heif,
    "image/svg+xml": _svg,
}

# Formats whose decoders are asked at all, and Pillow's names for them. EPS, FITS, PSD and ICNS have recent flaws.
_PILLOW = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/tiff": "TIFF",
    "image/avif": "AVIF",
}
_STRIP_ROWS = 256
# Bytes of memory that a pixel takes at most from its decoder to our array, measured, rounded up. Pillow's four for each
# and our three or four are in all. WebP's decoder holds two frames and hands over a third; AVIF's holds the planes of
# the film grain and those without it, at most of 16 bits and not subsampled, beside two copies of the result.
_BYTES_A_PIXEL = {"image/webp": 17, "image/avif": 27, "image/heic": 18, "image/heif": 18}
_BYTES_A_PIXEL_OF_OTHERS = 8
_BITS_PER_SAMPLE, _BITS_HANDED_OVER = 258, 32  # TIFF 6.0, section 8; of a pixel of Pillow
# Bytes a pixel of what a decoder holds whole, beside the result: coefficients that come scan by scan, deep samples.
_COLOURS_HELD, _FOUR_COLOURS_HELD, _DEEP_HELD = 10, 13, 13
_HEIF = frozenset({"image/heic", "image/heif"})  # pixels only with the extra ``heic``; its library is GPL-licensed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """The first frame: ``rgb`` H x W x 3 uint8 as stored, ``alpha`` H x W or None, and what a faithful rewrite needs.

    ``orientation`` is EXIF's (1 to 8); the pixels are not turned. ``mode`` is Pillow's name for how they were stored.
    """

    rgb: "NDArray[np.uint8]"
    alpha: "NDArray[np.uint8] | None"
    mode: str
    orientation: int
    frames: int
    icc_profile: bytes | None
    exif: bytes | None


def decode_rgb(asset: Asset, limits: Limits) -> Picture:
    """Decode one frame.

    Raises UnsupportedAsset (``media.undecodable``) for a type without a decoder here and for a picture that does not
    decode to its end, LimitExceeded (``media.too-many-pixels``, ``media.too-many-parts``) before any pixel of too large
    a picture, or of one that would be walked over too often, is touched.
    """
    name = _PILLOW.get(asset.media_type)
    if name is None and asset.media_type not in _HEIF:
        raise UnsupportedAsset("media.undecodable", f"there is no decoder for {asset.media_type} here")
    with asset.open() as stream:
        header = read_header(Window(stream, asset.bytes), asset.media_type, limits)
        most = pixels_decoded(asset.media_type, limits)
        _require_pixels(header.pixels, most)
        if asset.media_type == "image/jpeg":
            require_few_scans(Window(stream, asset.bytes), limits)
        stream.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with _opened(stream, name) as image:
                    _require_pixels(image.width * image.height, most)
                    held = _held_whole(image)
                    if held is not None:
                        _require_pixels(image.width * image.height, limits.decoding_bytes // held)
                    image.load()
                    return _picture(image, header)
        except LimitExceeded:
            raise
        except Exception as error:  # decoders raise nearly anything on broken input: security review, section 3
            raise UnsupportedAsset("media.undecodable", "the picture cannot be decoded") from error


def _opened(stream: BinaryIO, name: str | None) -> "Image":
    """The picture, not yet decoded; HEIC (no Pillow name) through its own library, ImportError where it is absent."""
    from PIL import Image  # noqa: PLC0415 - 22 ms that a verification without pixels does not pay

    if name is not None:
        return Image.open(stream, formats=[name])
    from pillow_heif import open_heif  # noqa: PLC0415 - an extra

    picture: Image.Image = open_heif(stream, convert_hdr_to_8bit=True).to_pillow()
    return picture


def pixels_decoded(media_type: str, limits: Limits) -> int:
    """How many pixels a picture of this type may have for its pixels to be looked at."""
    return min(limits.frame_pixels, limits.decoding_bytes // _BYTES_A_PIXEL.get(media_type, _BYTES_A_PIXEL_OF_OTHERS))


def _held_whole(image: "Image") -> int | None:
    """Bytes a pixel where the decoder holds more than it hands over, by what the decoder itself reads of the header."""
    if image.format == "JPEG" and "progressive" in image.info:
        return _FOUR_COLOURS_HELD if image.mode == "CMYK" else _COLOURS_HELD
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    return _DEEP_HELD if sum(tags.get(_BITS_PER_SAMPLE, ())) > _BITS_HANDED_OVER else None


def _require_pixels(pixels: int, most: int) -> None:
    if pixels > most:
        raise LimitExceeded("media.too-many-pixels", f"more than the {most:,} pixels that are decoded of its format")


def _picture(image: "Image", header: Header) -> Picture:
    import numpy as np  # noqa: PLC0415 - as above

    wide = image.mode.startswith("I;16")
    if wide:  # Pillow clips 16 bits to 8; the upper byte is the picture
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        rgb, alpha = np.repeat(grey[:, :, None], 3, axis=2), None
    else:
        rgb, alpha = _eight_bits(image)
    profile = image.info.get("icc_profile")
    exif = image.info.get("exif")
    turned = image.getexif().get(0x0112, 1)
    return Picture(
        rgb=rgb,
        alpha=alpha,
        mode=image.mode,
        orientation=turned if isinstance(turned, int) and 1 <= turned <= 8 else 1,
        frames=header.frames,
        icc_profile=profile if isinstance(profile, bytes) else None,
        exif=exif if isinstance(exif, bytes) else None,
    )


def _eight_bits(image: "Image") -> tuple["NDArray[np.uint8]", "NDArray[np.uint8] | None"]:
    """RGB and alpha, a strip at a time: made whole, the copies on the way take three times what the picture does."""
    import numpy as np  # noqa: PLC0415 - as above

    rgb = np.empty((image.height, image.width, 3), np.uint8)
    alpha = np.empty((image.height, image.width), np.uint8) if image.has_transparency_data else None
    for top in range(0, image.height, _STRIP_ROWS):
        strip = image.crop((0, top, image.width, min(top + _STRIP_ROWS, image.height)))
        if alpha is not None:  # taken apart by Pillow: three of four channels of an array are copied one by one
            strip = strip if strip.mode == "RGBA" else strip.convert("RGBA")
            alpha[top : top + _STRIP_ROWS] = np.asarray(strip.getchannel("A"))
        rgb[top : top + _STRIP_ROWS] = np.asarray(strip if strip.mode == "RGB" else strip.convert("RGB"))
    return rgb, alpha
