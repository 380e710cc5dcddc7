# SPDX-License-Identifier: Apache-2.0
"""PNG text chunks (PNG, third edition, 11.3.3): XMP, labels and what generators write. The texts are not kept."""

import zlib

from waarmerk.provenance.media.window import Window
from waarmerk.provenance.metadata import aigc
from waarmerk.provenance.metadata.found import Found
from waarmerk.provenance.metadata.generators import keyed_tool

XMP_KEY = "XML:com.adobe.xmp"
_KEY_BYTES = 79


class Budget:
    """How many bytes of text may still come out of chunks of one file, unpacked ones included."""

    def __init__(self, max_bytes: int) -> None:
        self.left = max_bytes

    def take(self, text: bytes) -> bytes:
        """``text``, paid for."""
        self.left -= len(text)
        return text


def read_text(chunk: bytes, body: Window, found: Found, budget: Budget) -> bytes | None:
    """Note what one text chunk declares; the packet if it is XMP. ``chunk`` is ``tEXt``, ``zTXt`` or ``iTXt``."""
    head = body.up_to(0, _KEY_BYTES + 1)
    key_bytes, end, _ = head.partition(b"\x00")
    if not end or budget.left <= 0:
        found.note_finding("metadata.unreadable" if not end else "metadata.too-large", "png-text")
        return None
    found.containers.add("png-text")
    key = key_bytes.decode("latin-1")
    most = min(found.limits.xmp_bytes if key == XMP_KEY else found.limits.text_kept, budget.left)
    text = _value(chunk, body, len(key_bytes) + 1, most + 1)
    if text is None:
        found.note_finding("metadata.unreadable", "png-text")
        return None
    budget.take(text)
    if key == XMP_KEY:
        if len(text) > most:
            found.note_finding("metadata.too-large", "xmp")
            return None
        return text
    _note(key, text[:most].decode("utf-8" if chunk == b"iTXt" else "latin-1", "replace"), found)
    return None


def _value(chunk: bytes, body: Window, at: int, max_bytes: int) -> bytes | None:
    """The first ``max_bytes`` of the text, None where it cannot be unpacked."""
    if chunk == b"tEXt":
        return body.up_to(at, max_bytes)
    packed = True
    if chunk == b"zTXt":
        at += 1
    else:
        packed = body.up_to(at, 1) == b"\x01"
        fields = body.up_to(at + 2, 1024).split(b"\x00", 2)  # language tag, translated key
        if len(fields) < 3:
            return None
        at += 2 + len(fields[0]) + 1 + len(fields[1]) + 1
    if not packed:
        return body.up_to(at, max_bytes)
    try:
        return zlib.decompressobj().decompress(body.up_to(at, max_bytes), max_bytes)
    except zlib.error:
        return None


def _note(key: str, text: str, found: Found) -> None:
    found.note_hint(keyed_tool(key, text), f"png:{key}")
    if key == "Software":
        found.note("software", text)
    elif key == "AIGC":
        found.note("aigc_label", aigc.label_of(text, found.limits.text_kept))
