# SPDX-License-Identifier: Apache-2.0
"""The panel a person reads: the verdict in a sentence, one line an axis, what to mind, what to do.

Rendered from the report's dictionary; what the lines say is decided in ``rows``, here they get a place and a colour.
"""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.rows import Rows
from waarmerk.provenance.report.wording import Wording, wording

_RED, _YELLOW, _GREEN, _DIM, _BOLD = "31", "33", "32", "2", "1"
_COLOURS = {"good": _GREEN, "mind": _YELLOW, "bad": _RED}
_GUTTER = 15
_MAX_TEXT = 2_000  # the reason why a pack takes a rule out of force is never cut
_MAX_LINE = 10_000
_GENERAL = ("watermark.no-key", "registry.not-configured", "open-marks.not-searched")


def render(document: dict[str, Any], *, language: str, colour: bool, width: int = 100) -> str:
    """The panel for one report, without a final newline. ``width`` in characters, at least 60."""
    panel = _Panel(wording(language), colour=colour, width=max(60, width))
    return "\n".join(panel.lines(document))


def is_general(code: str) -> bool:
    """Whether a channel is unread whatever the file, so that one line for a whole run says it."""
    return code.startswith("closed.") or code in _GENERAL


def render_footer(codes: Iterable[str], *, language: str, colour: bool, width: int = 100) -> str:
    """What holds for every file of a run: which channels nobody listened to, and what Content Credentials are."""
    panel = _Panel(wording(language), colour=colour, width=max(60, width))
    return "\n".join(panel.footer(codes))


class _Panel:
    def __init__(self, words: Wording, *, colour: bool, width: int) -> None:
        self._words = words
        self._colour = colour
        self._width = width

    def lines(self, document: dict[str, Any]) -> Iterator[str]:
        name, rows = document["asset"]["name"], Rows(document, self._words)
        yield self._paint(plain(name) if name else "-", _BOLD)
        headline = _BOLD if rows.tone() == "plain" else _COLOURS[rows.tone()]
        yield from self._wrapped("  ", document["verdict"]["summary"][self._words.language], headline)
        if document["status"] == "examined":
            yield ""
            yield from self._axes(rows)
            yield from self._listed("labels", list(self._labels(rows)), _YELLOW)
            yield from self._listed("concerns", rows.concerns(), _YELLOW)
            yield from self._listed("left-out", list(self._unread(document)), _DIM)
        yield from self._listed("steps", rows.steps(), "")

    def footer(self, codes: Iterable[str]) -> Iterator[str]:
        unread = "; ".join(self._words.say("unread", code) for code in codes)
        yield from self._row("unread", unread or "-", _DIM)
        yield from self._row("credentials", self._words.say("axis", "explained"), _DIM)

    def _axes(self, rows: Rows) -> Iterator[str]:
        for row in rows.axes():
            yield from self._wrapped(self._head(row.head), row.text, _COLOURS.get(row.tone, ""))

    def _labels(self, rows: Rows) -> Iterator[str]:
        """Decided duties one by one; of the undecided ones how many questions they wait for, in one item."""
        for duty in rows.duties():
            place = f" {self._words.say('rule', 'where', place=plain(duty.place))}" if duty.place else ""
            text = plain(duty.wording, limit=_MAX_TEXT)
            yield f"{duty.head}: “{text}”{place} — {plain(duty.source)} [{plain(duty.rule)}]"
        if asked := rows.asked():
            yield self._words.say("axis", "asks", count=len(asked), fields=", ".join(map(plain, asked)))
        yield from rows.silent()

    def _unread(self, document: dict[str, Any]) -> Iterator[str]:
        for channel in document["channels"]:
            if channel["state"] == "unread" and channel["code"] and not is_general(channel["code"]):
                yield self._words.say("unread", channel["code"])

    def _head(self, text: str) -> str:
        return "  " + text.ljust(_GUTTER)

    def _row(self, axis: str, text: str, tone: str) -> Iterator[str]:
        yield from self._wrapped(self._head(self._words.say("axis", axis)), text, tone)

    def _listed(self, axis: str, items: list[str], tone: str) -> Iterator[str]:
        if not items:
            return
        yield ""
        head = self._head(self._words.say("axis", axis))
        for item in items:
            yield from self._wrapped(head + "- ", item, tone)
            head = " " * (_GUTTER + 2)

    def _wrapped(self, head: str, text: str, tone: str) -> Iterator[str]:
        safe = plain(text, limit=_MAX_LINE)  # whoever made the line: nothing in it may move a cursor
        lines: Iterable[str] = textwrap.wrap(safe, self._width - len(head), break_on_hyphens=False) or [""]
        for line in lines:
            yield head + self._paint(line, tone)
            head = " " * len(head)

    def _paint(self, text: str, tone: str) -> str:
        return f"\x1b[{tone}m{text}\x1b[0m" if self._colour and tone else text
