# SPDX-License-Identifier: Apache-2.0
"""What a file declares about itself without a signature: XMP, IPTC, EXIF, PNG text, the AIGC label."""

from collections.abc import Iterator

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.metadata import aigc, contradictions
from waarmerk.provenance.metadata.blocks import Block, BlockKind, blocks
from waarmerk.provenance.metadata.exif import read_exif
from waarmerk.provenance.metadata.found import Found
from waarmerk.provenance.metadata.generators import keyed_tool, named_tool
from waarmerk.provenance.metadata.iptc import read_iim, read_resources
from waarmerk.provenance.metadata.png import Budget, read_text
from waarmerk.provenance.metadata.xmp import read_packet
from waarmerk.provenance.model import Asset, Declarations

__all__ = ["CODES", "read"]

# Every finding that ``read`` may report; each has a sentence in ``report/wording``.
CODES = contradictions.CODES | frozenset(
    {"metadata.too-large", "metadata.truncated", "metadata.unreadable", "metadata.unsupported"}
)

# Keys under which movies keep what EXIF keeps for pictures (QuickTime file format, metadata keys).
_TAGS = {
    "\xa9too": "software",
    "software": "software",
    "com.apple.quicktime.software": "software",
    "com.apple.quicktime.model": "camera",
    "com.apple.quicktime.creationdate": "captured_at",
}


def read(asset: Asset, limits: Limits) -> Declarations:
    """Read the declarations of ``asset``. Content never raises; what could not be read stands in ``findings``."""
    found = Found(limits)
    with asset.open() as stream:
        walk = blocks(Window(stream, asset.bytes), asset.media_type, limits)
        if walk is None:
            found.note_finding("metadata.unsupported", asset.media_type)
        else:
            _Reading(asset.media_type, found).read(walk)
    beside = asset.sidecar("xmp")
    if beside is not None:
        read_packet(beside.data, found)
    return found.declarations()


class _Reading:
    """One pass over the blocks of a file, with what must be kept between them."""

    def __init__(self, media_type: str, found: Found) -> None:
        self._media_type = media_type
        self._found = found
        self._limits = found.limits
        self._is_tiff = media_type.startswith(("image/tiff", "image/x-"))
        self._xmp = Budget(found.limits.xmp_bytes)
        self._text = Budget(found.limits.png_text_bytes)
        self._extended: str | None = None
        self._extensions: list[Block] = []

    def read(self, walk: Iterator[Block]) -> None:
        try:
            for number, block in enumerate(walk):
                if number == self._limits.metadata_blocks:
                    self._found.note_finding("metadata.too-large", self._media_type)
                    break
                self._block(block)
        except Truncated:
            self._found.note_finding("metadata.truncated", self._media_type)
        if self._extended is not None:
            self._extension(self._extended)

    def _block(self, block: Block) -> None:
        match block.kind:
            case BlockKind.EXIF:
                read_exif(block.parts[0], self._found, whole_file=self._is_tiff)
            case BlockKind.XMP:
                self._packet(block)
            case BlockKind.XMP_EXTENSION:
                self._extensions.append(block)
            case BlockKind.RESOURCES:
                read_resources(block.read(self._limits.xmp_bytes), self._found)
            case BlockKind.IIM:
                read_iim(block.read(self._limits.xmp_bytes), self._found)
            case BlockKind.PNG_TEXT:
                packet = read_text(block.name, block.parts[0], self._found, self._text)
                if packet is not None:
                    read_packet(packet, self._found)
            case BlockKind.TAG:
                self._tag(block)

    def _packet(self, block: Block) -> None:
        if block.size > self._xmp.left:
            self._found.note_finding("metadata.too-large", "xmp")
            return
        packet = self._xmp.take(block.read(block.size))
        if b"</x:xmpmeta>" in packet:  # what stands behind is padding, or the tail that GIF needs
            packet = packet[: packet.rindex(b"</x:xmpmeta>") + len(b"</x:xmpmeta>")]
        self._extended = read_packet(packet, self._found) or self._extended

    def _extension(self, identifier: str) -> None:
        """Put an extended packet together (XMP part 3, 1.1.3.1): 32 characters, full length, offset, piece."""
        packet = bytearray()
        for block in self._extensions:
            head = block.parts[0].up_to(0, 40)
            length, offset = int.from_bytes(head[32:36]), int.from_bytes(head[36:40])
            if head[:32] != identifier.encode("ascii", "replace") or offset != len(packet):
                continue
            if length > self._xmp.left or block.size > self._xmp.left:
                self._found.note_finding("metadata.too-large", "xmp")
                return
            packet += block.read(block.size)[40:]
            if len(packet) >= length:
                read_packet(bytes(packet), self._found)
                return
        self._found.note_finding("metadata.unreadable", "xmp")

    def _tag(self, block: Block) -> None:
        name = block.name.decode("latin-1")
        text = block.read(self._limits.text_kept).decode("utf-8", "replace")
        self._found.containers.add("tags")
        fact = _TAGS.get(name)
        if name.upper() == "AIGC":
            self._found.note("aigc_label", aigc.label_of(text, self._limits.text_kept))
        elif fact == "software":
            self._found.note("software", text)
            self._found.note_hint(named_tool(text), "tag:software")
        elif fact is not None:
            self._found.note(fact, text)
        else:
            self._found.note_hint(keyed_tool(name, text), f"tag:{name[:64]}")
