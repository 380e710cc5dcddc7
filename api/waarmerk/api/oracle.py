# SPDX-License-Identifier: Apache-2.0
"""Strangers may learn whether a picture carries the service's mark, not how to take it out; the same goes for whatever
closed detector the operator asks. Open marks are told: whoever asks can search for them at home, as often as they like.

Fifty soft answers about one picture remove a generic mark at 46 dB, two hundred yes-or-no answers do at 47 dB. So
strangers get yes or no, and about one picture and all that look nearly like it fifty a day, over all of them together.
Who sends the same bytes again gets the same answer; it costs nothing of the fifty, for it teaches nothing. Beyond them
the rest of the report stands, and the channel says that it was not read.

Pictures that look alike are found by their PDQ hash (Facebook 2019), cut into 16 pieces of 16 bits: pictures are near
where three pieces agree in one of eight orientations. Of each piece only a keyed hash is held, in memory, under a key
that lives for a day: what was asked about cannot be read back from it.
"""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from waarmerk.api.quota import RotatingHash
from waarmerk.provenance.report.wording import wording

A_DAY = 50
MAX_FAMILIES = 50_000
_PIECE_BYTES = 2
_AGREE = 3
_FALSE_POSITIVE = 1e-9  # what a detection promises; all that a stranger is told of its strength


@dataclass(slots=True, kw_only=True, eq=False)
class _Family:
    """Pictures that look alike: the hashes of their pieces, and of each file that was asked about."""

    pieces: set[bytes] = field(default_factory=set)
    files: set[bytes] = field(default_factory=set)


class NearDuplicates:
    """How often was asked about pictures that look alike. Safe to use from several threads."""

    def __init__(self, *, clock: Callable[[], datetime], a_day: int = A_DAY, families: int = MAX_FAMILIES) -> None:
        self._hash = RotatingHash(clock=clock)
        self._a_day = a_day
        self._max = families
        self._lock = threading.Lock()
        self._day: date | None = None
        self._families: OrderedDict[int, _Family] = OrderedDict()
        self._by_piece: dict[bytes, set[_Family]] = {}

    def allows(self, sha256: bytes, orientations: Sequence[bytes]) -> bool:
        """Count a question about the file with this digest and these PDQ hashes, upright first; whether it is allowed.

        It counts for every family that the file is near to, and one that is used up refuses it: pieces belong to all
        that have them, so no picture made to share a few takes them from another. A file that was answered before
        is allowed again, and not counted.
        """
        with self._lock:
            self._turn_the_page()
            one, turned = self._hash(sha256), [self._pieces(each) for each in orientations]
            near = self._near(turned) or {self._found()}
            if any(one in family.files for family in near):
                return True
            if any(len(family.files) >= self._a_day for family in near):
                return False
            for family in near:
                family.files.add(one)
                family.pieces.update(turned[0])
            for piece in turned[0]:
                self._by_piece.setdefault(piece, set()).update(near)
            return True

    def _turn_the_page(self) -> None:
        today = self._hash.today()
        if today != self._day:
            self._day = today
            self._families.clear()
            self._by_piece.clear()

    def _pieces(self, pdq: bytes) -> list[bytes]:
        """A keyed hash of each piece and its place; of a uniform one too, or plain pictures would not be counted."""
        cut = [pdq[at : at + _PIECE_BYTES] for at in range(0, len(pdq), _PIECE_BYTES)]
        return [self._hash(bytes([place]) + piece)[:8] for place, piece in enumerate(cut)]

    def _near(self, turned: Sequence[Sequence[bytes]]) -> set[_Family]:
        near: set[_Family] = set()
        for pieces in turned:
            agreeing = Counter(family for piece in pieces for family in self._by_piece.get(piece, ()))
            near.update(family for family, count in agreeing.items() if count >= _AGREE)
        return near

    def _found(self) -> _Family:
        """A new family; where there are too many, the oldest that was asked about least is forgotten."""
        if len(self._families) >= self._max:
            oldest = list(self._families.items())[: max(1, self._max // 10)]
            number, gone = min(oldest, key=lambda each: len(each[1].files))
            del self._families[number]
            for piece in gone.pieces:
                having = self._by_piece[piece]
                having.discard(gone)
                if not having:
                    del self._by_piece[piece]
        made = _Family()
        self._families[id(made)] = made
        return made


def tells_marks(report: dict[str, Any]) -> bool:
    """Whether a search for marks had an outcome, or a closed detector an opinion, found or not."""
    told = any(each["channel"].startswith("closed:") and each["state"] != "unread" for each in report["channels"])
    return told or any(mark["p_value"] is not None or mark["detected"] for mark in report["watermarks"])


def unmeasured(report: dict[str, Any]) -> dict[str, Any]:
    """The report without how near a match is: which pictures are known is evidence, how nearly is a way around it."""
    if not report["matches"]:
        return report
    return {**report, "matches": [{**match, "distance": None} for match in report["matches"]]}


def coarse(report: dict[str, Any]) -> dict[str, Any]:
    """The report as strangers get it where marks are searched for them: no measure, no payload, no place."""
    marks = [
        {**mark, "p_value": _FALSE_POSITIVE if mark["detected"] else None, "payload": None, "regions": []}
        for mark in report["watermarks"]
    ]
    verdict = report["verdict"]
    return {
        **report,
        "watermarks": marks,
        "verdict": {**verdict, "concerns": [_unscored(each) for each in verdict["concerns"]]},
    }


def _unscored(concern: dict[str, Any]) -> dict[str, Any]:
    """A concern without the score that stands in it: ``NAME: 0.97``."""
    if concern["code"] != "detector.score":
        return concern
    name = concern["about"].rpartition(":")[0]
    return {**concern, "about": name, "message": wording("en").concern(concern["code"], name)}
