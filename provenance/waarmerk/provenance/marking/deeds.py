# SPDX-License-Identifier: Apache-2.0
"""What was done to a file, in the actions of C2PA (2.2, section 18.14.4), and whether they tell all of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from waarmerk.provenance.credentials.signing_statement import MARKED
from waarmerk.provenance.marking.drawing import Drawn
from waarmerk.provenance.media.losses import Loss

_ADDED_TEXT, _COLOUR, _METADATA = "c2pa.addedText", "c2pa.adjustedColor", "c2pa.edited.metadata"
_CONVERTED, _TURNED, _TRANSCODED = "c2pa.converted", "c2pa.orientation", "c2pa.transcoded"
_ORDER = (_CONVERTED, _TURNED, _COLOUR, MARKED, _ADDED_TEXT, _TRANSCODED, _METADATA)
# Which action accounts for a loss. What stands here nowhere (transparency, movement, a gain map, further pictures)
# no action of the list names: then the history does not claim to be whole.
_ACCOUNTS = {
    **dict.fromkeys(("bilevel", "depth", "palette"), _TRANSCODED),
    **dict.fromkeys(("cmyk", "mode"), _COLOUR),
    "orientation": _TURNED,
    **dict.fromkeys(("colour", "comment", "density", "exif", "icc", "iptc", "maker-note"), _METADATA),
    **dict.fromkeys(("declaration", "personal", "text", "thumbnail", "xmp"), _METADATA),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deeds:
    """``actions`` in the order in which they were done; ``is_complete`` where nothing else was done to the file."""

    actions: tuple[str, ...]
    is_complete: bool


def deeds(drawn: Drawn, losses: Sequence[Loss], *, is_converted: bool, states: bool) -> Deeds:
    """What was done: ``is_converted`` from another format, ``states`` a declaration was written into the metadata."""
    accounts = [_ACCOUNTS.get(loss.code) for loss in losses]
    done = {account for account in accounts if account in (_COLOUR, _METADATA, _TURNED)} | set(drawn.deeds)
    if is_converted:
        done |= {_CONVERTED, _TRANSCODED}
    if drawn.mark is not None:
        done.add(MARKED)
    if drawn.words is not None:
        done.add(_ADDED_TEXT)
    if states:
        done.add(_METADATA)
    actions = tuple(action for action in _ORDER if action in done)
    return Deeds(actions=actions, is_complete=all(account in done for account in accounts))
