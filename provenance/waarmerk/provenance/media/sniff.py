# SPDX-License-Identifier: Apache-2.0
"""What a file is, from its content alone: magic bytes and ISO-BMFF brands, never the name.

A text that a media framework would follow to other files (ffconcat, SDP, playlists), HTML and scripts match nothing
here and are therefore never opened by a decoder.
"""

import re
from enum import StrEnum
from io import BytesIO
from pathlib import Path

from waarmerk.provenance.media.tiff import raw_type
from waarmerk.provenance.media.window import Window

HEAD_BYTES = 64 * 2**10  # what ``sniff`` needs


class Kind(StrEnum):
    """What a media type is to its reader; decides limits."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


# Containers from which the C2PA engine reads a manifest store (c2pa-python 0.38, get_supported_mime_types). A test
# holds the list to the engine. Archives (docx, epub) are left out: they are no media and keep bytes no hash covers.
CREDENTIAL_TYPES = frozenset(
    {
        "application/pdf",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/wav",
        "image/avif",
        "image/gif",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/jxl",
        "image/png",
        "image/svg+xml",
        "image/tiff",
        "image/webp",
        "image/x-adobe-dng",
        "image/x-nikon-nef",
        "image/x-sony-arw",
        "video/mp4",
        "video/quicktime",
        "video/x-msvideo",
    }
)
# Media that no engine reads credentials from: examined, and the channel says unread, not none.
OTHER_TYPES = frozenset({"audio/ogg", "video/ogg", "video/webm", "video/x-matroska"})
MEDIA_TYPES = CREDENTIAL_TYPES | OTHER_TYPES


def carries_credentials(media_type: str) -> bool:
    """Whether Content Credentials can be embedded in this container and read back by the engine."""
    return media_type in CREDENTIAL_TYPES


def kind_of(media_type: str) -> Kind:
    """The kind of a media type that ``sniff`` gave."""
    family = media_type.partition("/")[0]
    return Kind(family) if family in {"image", "video", "audio"} else Kind.DOCUMENT


def kind_at(path: Path) -> Kind | None:
    """The kind of the file at ``path`` by its first bytes alone, None for no supported media. Raises OSError."""
    with path.open("rb") as file:
        return kind_by(file.read(HEAD_BYTES))


def kind_by(head: bytes) -> Kind | None:
    """The same of a file that begins with ``head``; ``HEAD_BYTES`` are enough, of most kinds far fewer."""
    found = sniff(head)
    return None if found is None else kind_of(found)


def sniff(head: bytes) -> str | None:
    """The media type of a file that begins with ``head`` (64 KiB are enough), None if it is no supported media."""
    for magic, media_type in _MAGIC:
        if head.startswith(magic):
            return media_type
    for read in (_tiff, _riff, _bmff, _ebml, _ogg, _mpeg_audio, _svg):
        if (found := read(head)) is not None:
            return found
    return None


_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),  # ISO/IEC 18181-2, container
    (b"\xff\x0a", "image/jxl"),  # ISO/IEC 18181-1, bare codestream
)
_TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00\x08\x00\x00\x00", b"MM\x00+\x00\x08\x00\x00")


def _tiff(head: bytes) -> str | None:
    """TIFF 6.0, BigTIFF, and the raw formats built on them."""
    if not head.startswith(_TIFF_MAGIC):
        return None
    return raw_type(Window(BytesIO(head), len(head))) or "image/tiff"


_RIFF_FORMS = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}


def _riff(head: bytes) -> str | None:
    return _RIFF_FORMS.get(head[8:12]) if head.startswith(b"RIFF") else None


# ISO/IEC 14496-12 section 4.3 and the MP4 registration authority's list of brands.
_BRANDS = {
    "image/avif": "avif avis avio",
    "image/heic": "heic heix heim heis hevc hevx hevm hevs",
    "image/heif": "mif1 mif2 msf1 miaf heif",
    "video/quicktime": "qt__",
    "audio/mp4": "M4A_ M4B_ M4P_ F4A_ F4B_",
    "video/mp4": "isom iso2 iso3 iso4 iso5 iso6 iso7 iso8 iso9 mp41 mp42 mp71 avc1 av01 dash cmfc cmff cmf2 dby1 "
    "M4V_ M4VH M4VP mmp4 MSNV NDSC NDSH NDSM F4V_ F4P_ XAVC 3gp4 3gp5 3gp6 3gp7 3gp8 3gp9 3ge6 3g2a 3g2b 3g2c",
}
_TYPE_OF_BRAND = {
    brand.replace("_", " ").encode(): media_type for media_type, names in _BRANDS.items() for brand in names.split()
}
# mif1 and msf1 say only "HEIF structure"; a compatible brand then names the codec.
_GENERAL = "image/heif"
_BEFORE_BRANDS = frozenset({b"moov", b"mdat", b"wide", b"pnot"})  # QuickTime before 2001 has no ftyp


def _bmff(head: bytes) -> str | None:
    if len(head) < 16:
        return None
    size, box = int.from_bytes(head[:4]), head[4:8]
    if box in _BEFORE_BRANDS:  # a size of 512 MiB and more is four letters of a text
        return "video/quicktime" if size in (0, 1) or 8 <= size < 0x20000000 else None
    if box != b"ftyp" or not 16 <= size < 0x10000:
        return None
    brands = (head[8:12], *(head[at : at + 4] for at in range(16, min(size, len(head)) - 3, 4)))
    types = [_TYPE_OF_BRAND[brand] for brand in brands if brand in _TYPE_OF_BRAND]
    if types and types[0] == _GENERAL:
        return next((found for found in types if found.startswith("image/") and found != _GENERAL), _GENERAL)
    return types[0] if types else None


def _ebml(head: bytes) -> str | None:
    """Matroska and WebM (RFC 8794, RFC 9559): the DocType stands in the first element."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    found = re.search(rb"\x42\x82[\x84\x88](webm|matroska)", head[:256])
    if found is None:
        return None
    return "video/webm" if found[1] == b"webm" else "video/x-matroska"


def _ogg(head: bytes) -> str | None:
    """Ogg (RFC 3533): video if the first packet is Theora's."""
    if not head.startswith(b"OggS\x00"):
        return None
    return "video/ogg" if head[28:35] == b"\x80theora" else "audio/ogg"


_BITRATES = {
    True: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    False: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def _mpeg_audio(head: bytes) -> str | None:
    """MPEG audio layer III (ISO/IEC 11172-3, 13818-3), alone or behind an ID3v2 tag.

    Eleven set bits are no magic number: without a tag a second frame must follow where the first one ends.
    """
    if head.startswith(b"ID3") and len(head) > 10 and max(head[6:10]) < 0x80 and head[3] < 0xFF:
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        behind = head[10 + size :]
        if behind.startswith(b"fLaC"):  # the C2PA engine keeps its store of a FLAC file in a tag in front
            return "audio/flac"
        return "audio/mpeg" if len(behind) < 4 or _frame_bytes(behind) else None
    length = _frame_bytes(head)
    return "audio/mpeg" if length and _frame_bytes(head[length:]) else None


def _frame_bytes(head: bytes) -> int:
    """The length of the layer III frame that ``head`` begins with, 0 if it begins with none."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:
        return 0
    version, bitrate, rate = head[1] >> 3 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or bitrate in (0, 15) or rate == 3:
        return 0
    kilobits = _BITRATES[version == 3][bitrate - 1]
    return (144 if version == 3 else 72) * kilobits * 1000 // _RATES[version][rate] + (head[2] >> 1 & 1)


_NAME = re.compile(r"<(?:[A-Za-z_][\w.-]{0,30}:)?svg[\s/>]")
_DOCTYPE = re.compile(r"<!DOCTYPE\s{1,9}(?:[A-Za-z_][\w.-]{0,30}:)?svg[\s\[>]")  # "<!DOCTYPE html><svg>" is a page


def _svg(head: bytes) -> str | None:
    """SVG: the root element is ``svg``, behind nothing but what XML allows before a root element.

    No parser runs here, so no entity is ever expanded; HTML that holds an ``svg`` further down has another root.
    """
    text = _xml_text(head)
    at = 0
    while text.startswith("<", at := _skip_blanks(text, at)):
        if text.startswith("<?", at):
            at = text.find("?>", at) + 2
        elif text.startswith("<!--", at):
            at = text.find("-->", at) + 3
        elif _DOCTYPE.match(text, at):
            at = _doctype_end(text, at)
        else:
            return "image/svg+xml" if _NAME.match(text, at) else None
        if at < 4:  # what was begun does not end
            return None
    return None


def _xml_text(head: bytes) -> str:
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return head[2:].decode(encoding, "replace")
    return head.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")


def _skip_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def _doctype_end(text: str, at: int) -> int:
    """Behind the document type, its internal subset included; 0 if it does not end."""
    close, subset = text.find(">", at), text.find("[", at)
    if 0 <= subset < close:
        end = text.find("]", subset)
        close = text.find(">", end) if end >= 0 else -1
    return close + 1
