# SPDX-License-Identifier: Apache-2.0
"""Write changed pixels back into the format they came from, with everything around them that can be kept.

Pixels stay in the orientation in which they are stored and the EXIF orientation stays with them; only TIFF is written
upright, for that is how its decoder gives it. JPEG, PNG, TIFF: the encoder's own file gets the source's metadata
segments, chunks and fields, byte for byte. WebP, AVIF: through the encoder. What is dropped all the same is for
``losses`` to find.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media.graft import graft
from waarmerk.provenance.media.image import Picture
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.photoshop import THUMBNAILS
from waarmerk.provenance.media.photoshop import segments as photoshop_segments
from waarmerk.provenance.media.photoshop import without as without_resources
from waarmerk.provenance.media.segments import jpeg_segments, png_chunks, riff_chunks
from waarmerk.provenance.media.stock import coded_segments
from waarmerk.provenance.media.thumbnails import without_thumbnail
from waarmerk.provenance.media.tiff import ORIENTATION, read_tiff
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Asset

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

_GREY = ("1", "L", "LA")
_COLOUR = ("P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr")
_PRINT = ("CMYK", "YCbCr", "LAB")  # an ICC profile of these does not describe the RGB that is written
_SIZE_ROOM = (1.0, 1.2)  # a lossy result is this large, compared with its source
_QUALITY = (55, 95)  # where lossy WebP and AVIF are searched for the size of the source
_STEPS = 4
_FINE = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewrite:
    """A picture file and what it decoded to: what an encoder needs to write it anew."""

    asset: Asset
    picture: Picture
    limits: Limits
    finer: bool = False  # lossy formats: a good quality whatever it takes, not the size of the source

    @property
    def is_grey(self) -> bool:
        """Whether one plane holds all of it; then it is written with one plane again."""
        return self.picture.mode in _GREY or self.picture.mode.startswith("I;16")

    @property
    def is_writable(self) -> bool:
        """Whether ``encode`` knows the format and the kind of pixels."""
        return self.asset.media_type in _WRITERS and (self.is_grey or self.picture.mode in _COLOUR)

    @property
    def changes_colour(self) -> bool:
        """Whether the pixels are in other colours than those that were stored: print colours are written as RGB."""
        return self.picture.mode in _PRINT

    @property
    def turns(self) -> bool:
        """Whether the result is stored upright where the source was not: only TIFF is."""
        if self.asset.media_type != "image/tiff":
            return False
        with self.asset.open() as stream:
            tiff = read_tiff(Window(stream, self.asset.bytes))
            if tiff is None:
                return False
            try:
                stated = tiff.directory(tiff.first, self.limits).fields.get(ORIENTATION)
            except Truncated:
                return False
            return (*tiff.numbers(stated), 1)[0] in range(2, 9)

    @property
    def host(self) -> "NDArray[np.uint8]":
        """The pixels to change: H x W for a grey picture, H x W x 3 else, without alpha."""
        return self.picture.rgb[:, :, 0].copy() if self.is_grey else self.picture.rgb


def encode(source: Rewrite, pixels: "NDArray[np.uint8]") -> bytes:
    """A file of the source's format with ``pixels`` (shaped as ``source.host``) in place of its own.

    Raises UnsupportedAsset (``media.unwritable``) where the format, or this kind of it, is not written here.
    """
    if not source.is_writable:
        raise UnsupportedAsset("media.unwritable", "pictures of this kind are read here, but not written")
    if pixels.shape != source.host.shape:
        raise ValueError(f"pixels of shape {pixels.shape} do not replace {source.host.shape}")
    try:
        with source.asset.open() as stream:
            return _WRITERS[source.asset.media_type](source, _image(source, pixels), Window(stream, source.asset.bytes))
    except (Truncated, OSError, ValueError, RuntimeError, struct.error) as error:
        raise UnsupportedAsset("media.unwritable", "the picture could not be written in its format") from error


def _image(source: Rewrite, pixels: "NDArray[np.uint8]") -> "Image.Image":
    import numpy as np  # noqa: PLC0415 - loaded with the first picture, not with the module
    from PIL import Image  # noqa: PLC0415

    alpha = source.picture.alpha
    return Image.fromarray(pixels if alpha is None else np.dstack((pixels, alpha)))


def _saved(image: "Image.Image", form: str, **options: Any) -> bytes:
    target = BytesIO()
    image.save(target, form, **options)
    return target.getvalue()


def _opened(source: Rewrite, form: str) -> "Image.Image":
    """The source as Pillow sees its header; no pixel is decoded."""
    from PIL import Image  # noqa: PLC0415

    with source.asset.open() as stream:
        return Image.open(BytesIO(stream.read()), formats=[form])


# JPEG: the source's own tables, so that quality and size stay what they were

# They speak of bytes that are gone, or show what the picture was.
_DROPPED = frozenset({"credentials", "further-pictures", "gain-map", "thumbnail"})


def _jpeg(source: Rewrite, image: "Image.Image", window: Window) -> bytes:
    encoded = _jpeg_pixels(source, image)
    fresh = Window(BytesIO(encoded), len(encoded))
    kept = list(_kept_segments(window, source))
    has_density = any(segment[1] == 0xE0 for segment in kept)
    out, at = [b"\xff\xd8", *kept], 2
    for part in jpeg_segments(fresh, source.limits):
        end = part.offset + part.size
        if not (part.name == b"\xe0" and has_density):
            out.append(encoded[at:end])
        at = end
    return b"".join([*out, encoded[at:]])


def _jpeg_pixels(source: Rewrite, image: "Image.Image") -> bytes:
    from PIL import JpegImagePlugin  # noqa: PLC0415

    opened: Any = _opened(source, "JPEG")
    options: dict[str, Any] = {"optimize": True, "progressive": "progressive" in opened.info}
    if opened.mode not in ("L", "RGB") or source.finer:
        return _saved(image, "JPEG", quality=_FINE, subsampling=0, **options)
    sampling = JpegImagePlugin.get_sampling(opened)
    tables = [opened.quantization[number] for number in sorted(opened.quantization)]
    return _saved(image, "JPEG", qtables=tables, subsampling=max(sampling, 0), **options)


def _kept_segments(window: Window, source: Rewrite) -> Iterator[bytes]:
    """Metadata segments of the source, JFIF first, whole and in order."""
    segments, resources = [], []
    for part, code in coded_segments(window, source.limits):
        if code is None or code in _DROPPED or (code == "icc" and source.picture.mode in _PRINT):
            continue
        body = window.at(part.offset, part.size)
        if code == "iptc":
            resources.append(body)
            continue
        if code == "exif":
            body = without_thumbnail(body, source.limits)
        segments.append((code != "density", part.name, body))
    shown = photoshop_segments(resources, lambda data: without_resources(data, THUMBNAILS))
    segments += [(True, b"\xed", body) for body in shown]
    for _, name, body in sorted(segments, key=lambda one: one[0]):
        yield b"\xff" + name + struct.pack(">H", len(body) + 2) + body


# PNG: the source's ancillary chunks

_REPLACED = frozenset(
    {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"acTL", b"fcTL", b"fdAT", b"caBX", b"hIST", b"sPLT"}
)
_OF_THE_TYPE = frozenset({b"sBIT", b"bKGD"})  # their layout follows depth and colour type


def _png(source: Rewrite, image: "Image.Image", window: Window) -> bytes:
    encoded = _saved(image, "PNG", icc_profile=None)
    same_type = window.at(24, 2) == encoded[24:26]
    out = [encoded[:33]]  # signature and IHDR
    for part in png_chunks(window, source.limits):
        safe = part.name[3] & 0x20  # PNG, third edition, 5.4: safe to copy after a change of pixels
        known = part.name in _PNG_KEPT or (part.name in _OF_THE_TYPE and same_type)
        if part.name not in _REPLACED and (known or (safe and part.name not in _OF_THE_TYPE)):
            body = window.at(part.offset, part.size)
            if part.name == b"eXIf":
                body = without_thumbnail(body, source.limits)
            chunk = part.name + body
            out.append(struct.pack(">I", len(body)) + chunk + struct.pack(">I", zlib.crc32(chunk)))
    return b"".join([*out, encoded[33:]])


_PNG_KEPT = frozenset({b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"cICP", b"mDCV", b"cLLI", b"tIME", b"eXIf", b"pHYs"})


# WebP and AVIF: lossless stays lossless, lossy is searched for the size of the source


def _webp(source: Rewrite, image: "Image.Image", window: Window) -> bytes:
    chunks = {part.name: window.at(part.offset, part.size) for part in riff_chunks(window, source.limits)}
    kept = {
        "icc_profile": chunks.get(b"ICCP", b""),
        "exif": without_thumbnail(chunks.get(b"EXIF", b""), source.limits),
        "xmp": chunks.get(b"XMP ", b""),
        "exact": True,
    }
    if b"VP8L" in chunks:
        return _saved(image, "WEBP", lossless=True, quality=75, **kept)
    return _near_size(source, lambda quality: _saved(image, "WEBP", quality=quality, **kept))


_COLR = b"colrnclx"


def _avif(source: Rewrite, image: "Image.Image", window: Window) -> bytes:
    opened = _opened(source, "AVIF")
    exif = without_thumbnail(opened.info.get("exif", b""), source.limits)
    kept: dict[str, Any] = {"exif": exif, "xmp": opened.info.get("xmp", b"")}
    kept["icc_profile"] = source.picture.icc_profile or b""
    if image.mode == "LA":
        image = image.convert("RGBA")
    data = _near_size(source, lambda quality: _saved(image, "AVIF", quality=quality, speed=8, **kept))
    old, new = window.up_to(0, source.limits.sniff_bytes).find(_COLR), data.find(_COLR)
    if old >= 0 and new >= 0:  # primaries and transfer of the source: its values were never converted
        meaning = window.at(old + len(_COLR), 4)
        data = data[: new + len(_COLR)] + meaning + data[new + len(_COLR) + 4 :]
    return data


def _near_size(source: Rewrite, save: Callable[[int], bytes]) -> bytes:
    """A quality whose file is about as large as the source, by bisection; the best one not much larger if none is.

    Where even the lowest quality tried gives more, that one: worse would show.
    """
    if source.finer:
        return save(_FINE)
    low, high = _QUALITY
    best: bytes | None = None
    for _ in range(_STEPS):
        middle = (low + high) // 2
        found = save(middle)
        ratio = len(found) / source.asset.bytes
        if ratio <= _SIZE_ROOM[1]:
            best, low = found, middle + 1
        else:
            high = middle - 1
        if low > high or _SIZE_ROOM[0] <= ratio <= _SIZE_ROOM[1]:
            break
    return best or save(_QUALITY[0])


# TIFF

_LOSSLESS = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "packbits", "zstd", "lzma"})
_ICC = 34675
_NOT_KEPT = frozenset({274, 52545})  # orientation: Pillow turns a TIFF upright as it loads; credentials


def _tiff(source: Rewrite, image: "Image.Image", window: Window) -> bytes:
    compression = _opened(source, "TIFF").info.get("compression", "raw")
    options: dict[str, Any] = {"compression": compression if compression in _LOSSLESS else "tiff_adobe_deflate"}
    if compression == "jpeg":
        options = {"compression": "jpeg", "quality": _FINE}
    encoded = _saved(image, "TIFF", **options)
    without = _NOT_KEPT | {_ICC} if source.picture.mode in _PRINT else _NOT_KEPT
    return graft(Window(BytesIO(encoded), len(encoded)), window, source.limits, without=without)


_WRITERS: dict[str, Callable[[Rewrite, "Image.Image", Window], bytes]] = {
    "image/jpeg": _jpeg,
    "image/png": _png,
    "image/webp": _webp,
    "image/avif": _avif,
    "image/tiff": _tiff,
}
WRITTEN = frozenset(_WRITERS)
