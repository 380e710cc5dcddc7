# SPDX-License-Identifier: Apache-2.0
"""What the registry says of AI about one picture, and which of it holds for another that shows a part of it.

"Made with AI" holds for every part of what was made so, and is carried to a crop. "Changed with AI" holds for the
whole: which part was changed is not recorded, and a photograph that somebody put into a poster, or that somebody
changed, is found by the very same match. Nor is anything carried where the part has clearly more pixels here than in
what was entered: a source has that, and a crop only when it was enlarged. Nor to a page of which it is a small part,
nor where a part of it is known here as a capture: then it was made from that.

Where the file is the whole of an item that is known itself, what AI changed of it is an edit of that: nothing that is
said of the edit is carried or proposed.

An origin is a statement about the file, and is carried where it holds. A label is a proposal to a person, who is told
what is seen: of what was changed it is made for copies too that were cut or written on, not for fragments. Labels are
free text in any language: which of them speak of AI is not guessed, so all of an entry follow its origin.
"""

from collections.abc import Sequence
from dataclasses import replace

from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry.finder import NEARLY_ALL, Found
from waarmerk.provenance.registry.model import Entry, Role, State

MOST = 0.5  # of what was entered: below that it is a fragment, which a source may be; of what was looked up
_FINER = 1.25**2  # times as many pixels as the part had; resizing to the next usual width stays below it


def is_carried(found: Found) -> bool:
    """Whether the origin that the entry states holds for what was looked up as well."""
    if found.of_all:
        return True
    if found.edit_of is not None:
        return False
    is_made = found.entry.origin is Origin.AI_GENERATED
    return is_made and found.fills >= MOST and _holds_for_each_part(found)


def is_proposed(found: Found) -> bool:
    """Whether the labels of the entry are proposed for what was looked up as well."""
    if found.edit_of is not None:
        return False
    if not found.entry.origin.is_ai or is_carried(found):
        return True
    if found.entry.origin is Origin.AI_GENERATED:
        return _holds_for_each_part(found)
    return found.share >= NEARLY_ALL or (found.share >= MOST and not _is_finer(found))


def with_its_parts(found: Sequence[Found]) -> tuple[Found, ...]:
    """What was found, and of each entry that only partly is there whether what is there is known as a capture."""
    captures = [each for each in found if each.verified and _is_own_capture(each.entry)]
    return tuple(
        replace(each, is_put_together=True)
        if each.share < NEARLY_ALL and any(one.share > each.share and _over_each_other(one, each) for one in captures)
        else each
        for each in found
    )


def with_its_whole(found: Sequence[Found]) -> tuple[Found, ...]:
    """What was found, and of each edit of an item that the file is the whole of, which item that is."""
    whole = next((each.entry for each in found if each.verified and each.of_all and _is_own(each.entry)), None)
    if whole is None:
        return tuple(found)
    return tuple(replace(each, edit_of=whole.registry_id) if _is_edit(each, whole) else each for each in found)


def _is_edit(found: Found, whole: Entry) -> bool:
    """Whether this is an edit of ``whole``, which the file is: AI changed it, or ``whole`` came from a camera."""
    entry = found.entry
    if not found.verified or found.of_all or entry.role is not Role.ITEM or entry.origin is Origin.CAPTURED:
        return False
    return entry.origin is Origin.AI_MODIFIED or whole.origin is Origin.CAPTURED


def _is_own(entry: Entry) -> bool:
    return entry.state is State.ACTIVE and entry.role is Role.ITEM and entry.issuer is None


def _is_own_capture(entry: Entry) -> bool:
    return _is_own(entry) and entry.origin is Origin.CAPTURED


def _over_each_other(one: Found, other: Found) -> bool:
    """Whether two entries lie in the same place of a picture: in half of the smaller one at least."""
    here, there = (None if each.resemblance is None else each.resemblance.region for each in (one, other))
    if here is None or there is None:
        return True
    (left, top, width, height), (aside, down, wide, high) = here, there
    across = min(left + width, aside + wide) - max(left, aside)
    along = min(top + height, down + high) - max(top, down)
    return max(0, across) * max(0, along) >= MOST * min(width * height, wide * high)


def _holds_for_each_part(found: Found) -> bool:
    """Whether what holds for all of the entry holds for the part of it that was found."""
    return found.share >= NEARLY_ALL or not (_is_finer(found) or found.is_put_together)


def _is_finer(found: Found) -> bool:
    entry, laid = found.entry, found.resemblance
    if laid is None or laid.region is None or laid.seen is None or not entry.width or not entry.height:
        return False
    there = laid.seen[2] * laid.seen[3] * entry.width * entry.height
    return laid.region[2] * laid.region[3] > _FINER * max(1.0, there)
