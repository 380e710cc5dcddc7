# SPDX-License-Identifier: Apache-2.0
"""What a rewrite of a picture drops: everything the source holds that the result does not, by comparing the two.

Nothing is left to the good will of an encoder: both files are taken stock of, part by part, unknown parts included.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from waarmerk.provenance.media.image import Picture
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.stock import WALKS, Item
from waarmerk.provenance.media.window import Truncated, Window
from waarmerk.provenance.model import Asset


@dataclass(frozen=True, slots=True, order=True)
class Loss:
    """One thing a rewrite drops: a code with a sentence in ``report/wording``, and which one where there are many."""

    code: str
    about: str = ""


# Each has a sentence in section ``loss`` of ``report/wording``.
CODES = frozenset(
    {
        "alpha",
        "animation",
        "application-data",
        "bilevel",
        "box",
        "chunk",
        "clip-alpha",
        "clip-box",
        "clip-codec",
        "clip-hdr",
        "clip-interlacing",
        "clip-pixel-format",
        "clip-side-data",
        "clip-stream",
        "clip-tag",
        "clip-unmarked",
        "cmyk",
        "colour",
        "comment",
        "credentials",
        "declaration",
        "density",
        "depth",
        "exif",
        "further-pictures",
        "gain-map",
        "icc",
        "iptc",
        "maker-note",
        "mode",
        "orientation",
        "pages",
        "palette",
        "personal",
        "text",
        "thumbnail",
        "trailing-data",
        "unreadable",
        "xmp",
    }
)


def losses(before: frozenset[Item], after: frozenset[Item]) -> tuple[Loss, ...]:
    """What stands in ``before`` and not in ``after``, sorted, each code and name once."""
    return tuple(sorted({Loss(item.code, item.about) for item in before - after}))


def stock(asset: Asset, picture: Picture, limits: Limits) -> frozenset[Item]:
    """Every part of a picture file that a rewrite could drop. Content never raises.

    A part of the structure that cannot be walked to its end counts as ``unreadable``: nobody knows what it held.
    """
    found = set(_form(picture))
    if picture.frames > 1 and asset.media_type != "image/tiff":  # there, further directories are pages or thumbnails
        found.add(Item("animation", "", "yes"))
    with asset.open() as stream:
        try:
            found.update(WALKS[asset.media_type](Window(stream, asset.bytes), limits))
        except Truncated:
            found.add(Item("unreadable", "", asset.sha256))
    return frozenset(found)


_PLAIN = {"L": "L", "LA": "L", "RGB": "RGB", "RGBA": "RGB", "RGBX": "RGB"}
_SPECIAL = {"1": "bilevel", "P": "palette", "PA": "palette", "CMYK": "cmyk"}


def _form(picture: Picture) -> Iterator[Item]:
    """What the decoder knows about the pixels."""
    if picture.alpha is not None:
        yield Item("alpha", "", "yes")
    if picture.orientation != 1:
        yield Item("orientation", "", str(picture.orientation))
    if picture.mode in _SPECIAL:
        yield Item(_SPECIAL[picture.mode], "", picture.mode)
    elif picture.mode.startswith("I;16"):
        yield Item("depth", "", "16")
    elif picture.mode not in _PLAIN:
        yield Item("mode", picture.mode, picture.mode)
