# SPDX-License-Identifier: Apache-2.0
"""What the search for watermarks and the registry came to, as the report states it."""

from dataclasses import dataclass

from waarmerk.provenance.model.words import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkFinding:
    """One key's search. ``means`` is the key's purpose (``ai`` or ``origin``); ``bound`` None where unchecked.

    ``p_value`` accounts for everything searched; None only where the pixels could not be read. ``seconds``: of a
    clip, the times of the frames in which the mark answered. ``unchanged``: this is, byte for byte,
    the file that was issued with it.
    """

    scheme: str
    key_id: str | None
    detected: bool
    payload: str | None
    p_value: float | None
    means: str | None
    bound: bool | None = None
    unchanged: bool = False
    regions: tuple[tuple[int, int, int, int], ...] = ()
    seconds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A known asset that this file equals or resembles. A fingerprint match is a candidate until ``verified``.

    ``basis`` says what the entry rests on (``entered``, ``issued``, ``fact-check``, ``package``), ``source`` who says
    so. ``fact_checks`` are addresses of those who wrote about it. ``region`` (left, top, width, height) is where the
    known picture lies in this one, in pixels of this one turned upright; ``seen`` which part of the known picture is
    there, in shares of its sides (the box around it); both None where nothing was laid on anything.
    ``seen_percent``: how much of the known asset is there, 100 for the whole only, and without what differs where
    nearly all of it is in view; ``is_whole``: all but an edge of it is there, nothing of note differs, and hardly
    anything stands beside it; both None for a candidate. ``mirrored``: it is there turned over.
    ``not_carried``: what is said of AI about the known picture as a whole, and does not hold for this one by that.
    ``edit_of``: the entry that this file is the whole of, where the known picture is an edit of that.
    ``role``: ``item``, or ``debunk`` for what a fact-check published; of a part of that ``fact_checks`` says whose.
    """

    registry_id: str
    kind: str
    distance: int | None
    verified: bool
    labels: tuple[str, ...] = ()
    origin: Origin = Origin.UNKNOWN
    basis: str = "entered"
    source: str = "own"
    fact_checks: tuple[str, ...] = ()
    region: tuple[int, int, int, int] | None = None
    seen: tuple[float, float, float, float] | None = None
    seen_percent: int | None = None
    is_whole: bool | None = None
    mirrored: bool | None = None
    not_carried: tuple[str, ...] = ()
    edit_of: str | None = None
    role: str = "item"
