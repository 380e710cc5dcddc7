# SPDX-License-Identifier: Apache-2.0
"""The panel a person reads: the verdict in a sentence, one line an axis, what to mind, what to do.

Rendered from the report's dictionary. Green is only what a list the reader trusts vouches for; a stranger's intact
signature is not green, and neither is silence.
"""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from waarmerk.provenance.model.source_types import term_of
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import Wording, wording

_LISTED = ("official", "interim", "user")
_RED, _YELLOW, _GREEN, _DIM, _BOLD = "31", "33", "32", "2", "1"
_GUTTER = 15
_MAX_TEXT = 2_000  # the reason why a pack takes a rule out of force is never cut
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
        name = document["asset"]["name"]
        yield self._paint(plain(name) if name else "-", _BOLD)
        yield from self._wrapped("  ", document["verdict"]["summary"][self._words.language], self._tone(document))
        if document["status"] == "examined":
            yield ""
            yield from self._axes(document)
            yield from self._listed("labels", list(self._labels(document)), _YELLOW)
            yield from self._listed("concerns", list(self._concerns(document)), _YELLOW)
            yield from self._listed("unread", list(self._unread(document)), _DIM)
        steps = [step[self._words.language] for step in document["verdict"]["next_steps"]]
        yield from self._listed("steps", steps, "")

    def footer(self, codes: Iterable[str]) -> Iterator[str]:
        unread = "; ".join(self._words.say("unread", code) for code in codes)
        yield from self._row("unread", unread or "-", _DIM)
        yield from self._row("credentials", self._words.say("axis", "explained"), _DIM)

    def _tone(self, document: dict[str, Any]) -> str:
        verdict, credential = document["verdict"], document["credentials"]
        if document["status"] != "examined" or verdict["conflict"]:
            return _RED
        if credential["integrity"] == "altered":
            return _RED
        if verdict["authentic_capture"]:
            return _GREEN
        return _BOLD if verdict["tier"] == "proven" else _YELLOW

    def _axes(self, document: dict[str, Any]) -> Iterator[str]:
        credential = document["credentials"]
        yield from self._row("credentials", *self._state(credential))
        if credential["state"] in ("embedded", "sidecar"):
            yield from self._row("signer", *self._signer(credential["signer"]))
            yield from self._row("identity", self._words.say("identity", credential["identity"]), "")
            yield from self._row("chain", *self._chain(credential))
            yield from self._row("ai", self._ai(credential), "")
        yield from self._row("metadata", self._declared(document["metadata"]), "")
        marks = [self._mark(mark) for mark in document["watermarks"]] or [self._words.say("axis", "no_marks")]
        for mark in marks:
            yield from self._row("marks", mark, "")

    def _state(self, credential: dict[str, Any]) -> tuple[str, str]:
        state = self._words.say("state", credential["state"], url=credential["remote_url"] or "?")
        if credential["state"] not in ("embedded", "sidecar"):
            return state, ""
        integrity = credential["integrity"]
        listed = credential["signer"]["status"] in _LISTED
        tone = _RED if integrity == "altered" else _GREEN if integrity == "intact" and listed else _YELLOW
        return f"{state}, {self._words.say('integrity', integrity)}", tone

    def _signer(self, signer: dict[str, Any]) -> tuple[str, str]:
        standing = self._words.say("signer", signer["status"])
        name = signer["name"] or self._words.say("axis", "nobody")
        if signer["verified_name"]:
            text, tone = self._words.say("axis", "named", name=name, list=standing), _GREEN
        elif signer["status"] in _LISTED:
            text, tone = self._words.say("axis", "not_theirs", name=name, list=standing), _YELLOW
        else:
            text, tone = f"{self._words.say('axis', 'claims', name=name)} ({standing})", _YELLOW
        if signer["time"] is not None:
            key = "signed_at" if signer["time_status"] == "trusted" else "signed_claimed"
            text += "; " + self._words.say("axis", key, time=signer["time"])
        return text, tone

    def _ai(self, credential: dict[str, Any]) -> str:
        if credential["integrity"] != "intact":
            return self._words.say("ai", "void")
        text = self._words.say("ai", credential["ai"]["signal"])
        stated = self._sources(credential["ai"]["source_types"])
        return f"{text}; {self._words.say('axis', 'stated', value=stated)}" if stated else text

    def _sources(self, source_types: list[str]) -> str:
        """Digital source types in plain words; a term that no vocabulary lists is quoted as it stands."""
        listed = ((term_of(each), each) for each in source_types)
        return ", ".join(
            self._words.say("source", term) if self._words.has("source", term) else f"“{plain(text)}”"
            for term, text in listed
        )

    def _chain(self, credential: dict[str, Any]) -> tuple[str, str]:
        text = self._words.say("chain", credential["chain"], count=len(credential["ingredients"]))
        return text, _YELLOW if credential["chain"] in ("broken", "missing") else ""

    def _declared(self, metadata: dict[str, Any] | None) -> str:
        if metadata is None:
            return self._words.say("axis", "no_metadata")
        parts = [
            self._words.say("metadata", key, value=self._sources(value) if isinstance(value, list) else value)
            for key in ("source_types", "aigc_label", "ai_system", "camera", "software", "captured_at", "credit")
            if (value := metadata[key])
        ]
        parts += [self._words.say("metadata", "hint", **hint) for hint in metadata["hints"]]
        return "; ".join(parts) or self._words.say("axis", "no_metadata")

    def _mark(self, mark: dict[str, Any]) -> str:
        if mark["key_id"] is None:
            return self._words.keyless_mark(mark["scheme"], mark["p_value"])
        if mark["p_value"] is None:
            return self._words.say("mark", "unread", key=mark["key_id"])
        key = "absent" if not mark["detected"] else "found" if mark["payload"] else "found-silent"
        key = {True: "found-bound", False: "found-elsewhere"}.get(mark["bound"], key)
        return self._words.say("mark", key, key=mark["key_id"], p=f"{mark['p_value']:.1e}", means=mark["means"] or "?")

    def _labels(self, document: dict[str, Any]) -> Iterator[str]:
        """Decided duties one by one; of the undecided ones the questions they wait for, in one item."""
        open_questions: set[str] = set()
        decided = False
        for duty in document["labels"]:
            if duty["status"] == "undecided":
                open_questions.update(ask["field"] for ask in duty["asks"])
            elif duty["basis"] != "evidence":  # what the evidence rules say stands in the summary already
                decided = True
                yield self._duty(duty)
        if open_questions and (document["verdict"]["tier"] != "none" or decided):
            yield self._words.say("axis", "asks", count=len(open_questions))

    def _duty(self, duty: dict[str, Any]) -> str:
        status = self._words.say("status", duty["status"])
        cited = ", ".join(part for part in (duty["source"]["title"], duty["source"]["paragraph"]) if part)
        text = self._in_language(duty["wording"]) or duty["label"]
        if duty["status_if_confirmed"]:
            status += f", {self._words.say('rule', 'if_confirmed')}"
        who = self._words.say("who", duty["who"])
        return f"{status} ({plain(who)}): “{plain(text, limit=_MAX_TEXT)}” — {plain(cited)} [{plain(duty['rule'])}]"

    def _in_language(self, texts: dict[str, str]) -> str:
        return plain(texts.get(self._words.language) or texts.get("en") or "", limit=_MAX_TEXT)

    def _concerns(self, document: dict[str, Any]) -> Iterator[str]:
        for concern in document["verdict"]["concerns"]:
            yield self._words.concern(concern["code"], concern["about"])

    def _unread(self, document: dict[str, Any]) -> Iterator[str]:
        for channel in document["channels"]:
            if channel["state"] == "unread" and channel["code"] and not is_general(channel["code"]):
                yield self._words.say("unread", channel["code"])

    def _row(self, axis: str, text: str, tone: str) -> Iterator[str]:
        head = "  " + self._words.say("axis", axis).ljust(_GUTTER)
        yield from self._wrapped(head, text, tone)

    def _listed(self, axis: str, items: list[str], tone: str) -> Iterator[str]:
        if not items:
            return
        yield ""
        head = "  " + self._words.say("axis", axis).ljust(_GUTTER)
        for item in items:
            yield from self._wrapped(head + "- ", item, tone)
            head = " " * (_GUTTER + 2)

    def _wrapped(self, head: str, text: str, tone: str) -> Iterator[str]:
        lines: Iterable[str] = textwrap.wrap(text, self._width - len(head), break_on_hyphens=False) or [""]
        for line in lines:
            yield head + self._paint(line, tone)
            head = " " * len(head)

    def _paint(self, text: str, tone: str) -> str:
        return f"\x1b[{tone}m{text}\x1b[0m" if self._colour and tone else text
