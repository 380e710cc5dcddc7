# SPDX-License-Identifier: Apache-2.0
"""EXIF (JEITA CP-3451): camera, software and time of capture; never position, owner or serial numbers."""

from waarmerk.provenance.media.tiff import Entry, Tiff, read_tiff
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.metadata import aigc
from waarmerk.provenance.metadata.found import Found
from waarmerk.provenance.metadata.generators import commented_tool, named_tool, signed_by_xai

_DESCRIPTION, _MAKE, _MODEL, _SOFTWARE, _ARTIST, _EXIF_IFD = 0x010E, 0x010F, 0x0110, 0x0131, 0x013B, 0x8769
_ORIGINAL, _OFFSET_ORIGINAL, _COMMENT = 0x9003, 0x9011, 0x9286


def read_exif(window: Window, found: Found, *, whole_file: bool) -> None:
    """Note what the fields declare. ``whole_file``: a TIFF file, whose fields are EXIF only if they say so."""
    tiff = read_tiff(window)
    try:
        if tiff is None:
            raise Truncated
        fields = dict(tiff.directory(tiff.first, found.limits).fields)
        inner = tiff.numbers(fields.get(_EXIF_IFD))
        if inner:
            fields = {**tiff.directory(inner[0], found.limits).fields, **fields}
    except Truncated:
        found.note_finding("metadata.unreadable", "exif")
        return
    if not whole_file or inner:
        found.containers.add("exif")
    _note(tiff, fields, found)


def _note(tiff: Tiff, fields: dict[int, Entry], found: Found) -> None:
    def text(tag: int) -> str:
        return _text(tiff, fields.get(tag), found.limits.text_kept)

    make, model, software = text(_MAKE), text(_MODEL), text(_SOFTWARE)
    written = [tool for tool in map(commented_tool, (make, model)) if tool is not None]
    if written:  # ComfyUI keeps its graph there
        found.note_hint(written[0], "exif:Make")
    else:
        found.note("camera", model if _first_word(model) == _first_word(make) else f"{make} {model}")
    found.note("software", software)
    found.note_hint(named_tool(software), "exif:Software")
    taken = text(_ORIGINAL)
    found.note("captured_at", f"{taken} {text(_OFFSET_ORIGINAL)}" if any(c in "123456789" for c in taken) else None)
    description = text(_DESCRIPTION)
    found.note_hint(commented_tool(description), "exif:ImageDescription")
    if signed_by_xai(description, text(_ARTIST)):
        found.note_hint("Grok", "exif:ImageDescription")
    for comment in _comments(tiff, fields.get(_COMMENT), found.limits.text_kept):
        found.note_hint(commented_tool(comment), "exif:UserComment")
        if aigc.inside_comment(comment):
            found.note("aigc_label", aigc.label_of(comment, found.limits.text_kept))


def _first_word(text: str) -> str:
    """``NIKON CORPORATION`` makes a ``NIKON Z 9``."""
    return text.partition(" ")[0].lower()


def _text(tiff: Tiff, entry: Entry | None, max_bytes: int) -> str:
    if entry is None or entry.kind not in (1, 2, 7):
        return ""
    return tiff.value(entry, max_bytes).split(b"\x00", 1)[0].decode("utf-8", "replace").strip()


def _comments(tiff: Tiff, entry: Entry | None, max_bytes: int) -> tuple[str, ...]:
    """UserComment begins with eight bytes of character code; writers disagree on the byte order of UNICODE."""
    if entry is None:
        return ()
    value = tiff.value(entry, max_bytes)
    code, body = value[:8], value[8:]
    if code == b"UNICODE\x00":
        return body.decode("utf-16-be", "replace"), body.decode("utf-16-le", "replace"), body.decode("utf-8", "replace")
    return (body.decode("utf-8", "replace"), value.decode("utf-8", "replace"))
