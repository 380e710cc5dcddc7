# SPDX-License-Identifier: Apache-2.0
"""What a report says, line by line, in one language, without any markup: the same lines in every form people read.

Made from the report's dictionary alone. Whatever puts a line on a terminal or a page makes its texts safe there.
Green is only what a list the reader trusts vouches for; a stranger's intact signature is not, and neither is silence.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.model.labelling import is_makers
from waarmerk.provenance.model.source_types import term_of
from waarmerk.provenance.report.escape import Shown, plain
from waarmerk.provenance.report.summary import UNTOLD
from waarmerk.provenance.report.wording import Wording

LISTED = ("official", "interim", "user")
HELD = ("embedded", "sidecar")
_SOURCES_SHOWN = 12
_PRACTICE = "workflow"
_DECLARED = ("source_types", "aigc_label", "ai_system", "camera", "software", "captured_at", "credit")
_FACT = re.compile(r"(?P<field>[a-z_]+) = (?P<value>.*) \((?P<by>[a-z, ]+)\)\Z", re.DOTALL)

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: its heading, its text, and ``good``, ``plain``, ``mind``, ``bad`` or no tone."""

    head: str
    text: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One of the five rows of a page: which, its heading, its texts, its tone as in ``Row``."""

    name: str
    head: str
    texts: tuple[str, ...]
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """One decided duty: its status and who in words, the text of the label, where it goes, why, and who says so."""

    head: str
    wording: str
    place: str
    because: tuple[str, ...]
    source: str
    rule: str
    since: str


class Rows:
    """One report in lines. ``addresses`` writes the address of a source type behind its words."""

    def __init__(self, document: Document, words: Wording, *, addresses: bool = False) -> None:
        self._document = document
        self._words = words
        self._addresses = addresses

    def tone(self) -> str:
        """The tone of the verdict."""
        verdict, credential = self._document["verdict"], self._document["credentials"]
        if self._document["status"] != "examined" or verdict["conflict"] or credential["integrity"] == "altered":
            return "bad"
        return "good" if verdict["authentic_capture"] else "plain" if verdict["tier"] == "proven" else "mind"

    def axes(self) -> Iterator[Row]:
        """One row an axis; no axis is computed from another. Only of a file that was examined."""
        credential = self._document["credentials"]
        yield self._integrity(credential)
        if credential["state"] in HELD:
            yield self._signer(credential["signer"])
            yield Row(self._say("axis", "identity"), self._say("identity", credential["identity"]))
            tone = "mind" if credential["chain"] in ("broken", "missing") else ""
            chain = self._say("chain", credential["chain"], count=len(credential["ingredients"]))
            yield Row(self._say("axis", "chain"), chain, tone)
            yield Row(self._say("axis", "ai"), self._ai(credential))
        yield Row(self._say("axis", "metadata"), self._declared(self._document["metadata"]))
        yield from (Row(self._say("axis", "marks"), text) for text in self._marks())

    def card(self) -> Iterator[Card]:
        """The five questions a page answers, one row each, whatever was found."""
        credential = self._document["credentials"]
        held = credential["state"] in HELD
        nothing = self._say("axis", "no-signature")
        yield _card("credentials", self._integrity(credential))
        yield _card("signer", self._signer(credential["signer"]) if held else Row(self._say("axis", "signer"), nothing))
        identity = self._say("identity", credential["identity"]) if held else nothing
        yield _card("identity", Row(self._say("axis", "identity"), identity))
        ai = [self._ai(credential)] if held else []
        declared = self._declared(self._document["metadata"])
        told = [*ai, f"{self._say('axis', 'metadata')}: {declared}"]
        told += [f"{self._say('axis', 'marks')}: {text}" for text in self._marks()]
        yield Card("ai", self._say("axis", "ai-and-marks"), tuple(told), "")
        yield Card("labels", self._say("axis", "labels"), (self.owed(),), "")

    def owed(self) -> str:
        """How many labels are required, and on how many facts it depends whether there are more."""
        required = sum(label["status"] == "required" for label in self._document["labels"])
        asked = len(self.asked())
        key = "owed-open" if asked else "owed" if required else "owed-none"
        return self._say("dossier", key, required=required, asked=asked)

    def _integrity(self, credential: Document) -> Row:
        untold = any(each["code"] == UNTOLD for each in self._document["verdict"]["concerns"])
        state = self._say("state", "untold" if untold else credential["state"], url=credential["remote_url"] or "?")
        head = self._say("axis", "credentials")
        if credential["state"] not in HELD:
            return Row(head, state)
        integrity = credential["integrity"]
        listed = credential["signer"]["status"] in LISTED
        tone = "bad" if integrity == "altered" else "good" if integrity == "intact" and listed else "mind"
        return Row(head, f"{state}, {self._say('integrity', integrity)}", tone)

    def _signer(self, signer: Document) -> Row:
        text, tone = signer_line(self._words, signer["name"], signer["status"], verified=signer["verified_name"])
        if signer["time"] is not None:
            key = "signed_at" if signer["time_status"] == "trusted" else "signed_claimed"
            text += "; " + self._say("axis", key, time=signer["time"])
        return Row(self._say("axis", "signer"), text, tone)

    def _ai(self, credential: Document) -> str:
        if credential["integrity"] != "intact":
            return self._say("ai", "void")
        text = self._say("ai", credential["ai"]["signal"])
        stated = self._sources(credential["ai"]["source_types"])
        return f"{text}; {self._say('axis', 'stated', value=stated)}" if stated else text

    def _sources(self, source_types: Sequence[str]) -> Shown:
        shown = [source_words(self._words, each, address=self._addresses) for each in source_types[:_SOURCES_SHOWN]]
        rest = len(source_types) - len(shown)
        return Shown(", ".join([*shown, *([self._say("axis", "more", count=rest)] if rest else [])]))

    def _marks(self) -> Iterator[str]:
        unread = {each["channel"] for each in self._document["channels"] if each["state"] == "unread"}
        for mark in self._document["watermarks"]:
            if mark["key_id"] is None:
                if mark["detected"]:
                    yield self._words.keyless_mark(mark["scheme"], mark["p_value"])
                continue
            if f"watermark:{mark['key_id']}" in unread:
                yield self._say("mark", "unread", key=mark["key_id"])
                continue
            if not mark["detected"]:  # strangers of a service are not told how near it was
                yield self._say("mark", "absent", key=mark["key_id"])
                continue
            key = "found" if mark["payload"] else "found-silent"
            key = {True: "found-bound", False: "found-elsewhere"}.get(mark["bound"], key)
            chance = self._words.chance(mark["p_value"])
            yield self._say("mark", key, key=mark["key_id"], p=chance, means=mark["means"] or "?")
        if not self._document["watermarks"]:
            yield self._say("axis", "no_marks")
        if ("open-marks", "none") in {(each["channel"], each["state"]) for each in self._document["channels"]}:
            yield self._say("axis", "no_open_marks")

    def _declared(self, metadata: Document | None) -> str:
        if metadata is None:
            return self._say("axis", "no_metadata")
        parts = [
            self._say("metadata", key, value=self._sources(value) if isinstance(value, list) else value)
            for key in _DECLARED
            if (value := metadata[key])
        ]
        parts += [self._say("metadata", "hint", **hint) for hint in metadata["hints"]]
        return "; ".join(parts) or self._say("axis", "no_metadata")

    def duties(self) -> list[Owed]:
        """The decided duties; what the evidence rules say stands in the summary already."""
        return [
            self._owed(duty)
            for duty in self._document["labels"]
            if duty["status"] != "undecided" and duty["basis"] != "evidence"
        ]

    def _owed(self, duty: Document) -> Owed:
        status = self._say("status", duty["status"])
        if duty["status_if_confirmed"]:
            status += f", {self._say('rule', 'if_confirmed')}"
        return Owed(
            since=self._since(duty),
            head=f"{status} ({self._say('who', duty['who'])})",
            wording=self._in_language(duty["wording"]) or duty["label"],
            place=self._in_language(duty["placement_wording"]),
            because=tuple(fact_words(self._words, fact) for fact in duty["because"]),
            source=", ".join(part for part in (duty["source"]["title"], duty["source"]["paragraph"]) if part),
            rule=duty["rule"],
        )

    def _since(self, duty: Document) -> str:
        """From which day it holds, and until when; empty where the rules name no day.

        A way of working comes into force on none: the day a rule has for it is that of the case which its source tells
        of, and may lie before the source.
        """
        if duty["basis"] == _PRACTICE:
            return ""
        about = "about" if duty["dates"] == "approximate" else "on"
        parts = [(key, duty[name]) for key, name in (("from", "from"), ("until", "until")) if duty[name]]
        return ", ".join(self._say("rule", f"{key}-{about}", day=day) for key, day in parts)

    def asked(self) -> dict[str, str]:
        """The questions that decide the labels still open, by their field, each once; the role first.

        Where nothing points to AI and no label was decided the questions are beside the point.
        """
        if self._document["verdict"]["tier"] == "none" and not self.duties():
            return {}
        found: dict[str, str] = {}
        for duty in self._document["labels"]:
            for ask in duty["asks"] if duty["status"] == "undecided" else ():
                found.setdefault(ask["field"], self._in_language(ask["question"]))
        return {field: found[field] for field in role_first(found)}

    def silent(self) -> list[str]:
        """The platforms that labels were asked for, where no rule that names them comes to anything for a person."""
        return list(self._silent(bool(self.asked())))

    def _silent(self, questions_stand: bool) -> Iterator[str]:
        theirs = [duty for duty in self._document["labels"] if _is_makers(duty) and duty["status"] != "info"]
        named = {rule for each in self._document["basis"]["platforms"] for rule in each["rules"]}
        told = ("required", "prohibited", "undecided") if questions_stand else ("required", "prohibited")
        elsewhere = any(duty["status"] in told and duty["rule"] not in named for duty in theirs)
        for each in self._document["basis"]["platforms"]:
            found = [duty for duty in theirs if duty["rule"] in each["rules"]]
            if any(duty["status"] != "undecided" for duty in found) or (found and questions_stand):
                continue  # they stand among the labels, or their questions among the questions
            fields = role_first(dict.fromkeys(ask["field"] for duty in found for ask in duty["asks"]))
            name = platform_words(self._words, each["platform"])
            key = "silent-so-far" if found else "silent"
            line = self._say("rule", key, platform=name, fields=", ".join(fields))
            yield f"{line} {self._say('rule', 'holds-there-too')}" if elsewhere else line

    def concerns(self) -> list[str]:
        """What must not vanish behind the headline."""
        return [self._words.concern(each["code"], each["about"]) for each in self._document["verdict"]["concerns"]]

    def steps(self) -> list[str]:
        """What a careful person does now."""
        return [step[self._words.language] for step in self._document["verdict"]["next_steps"]]

    def _in_language(self, texts: Mapping[str, str]) -> str:
        return texts.get(self._words.language) or texts.get("en") or ""

    def _say(self, section: str, key: str, /, **parts: object) -> str:
        return self._words.say(section, key, **parts)


def role_first(fields: Iterable[str]) -> list[str]:
    """The open facts in their order, ``role`` before all: who somebody is decides which of the others matter."""
    return sorted(fields, key=lambda field: field != "role")


def platform_words(words: Wording, platform: str) -> str:
    """The name of a platform as people know it."""
    return words.say("value", platform) if words.has("value", platform) else plain(platform)


def _is_makers(duty: Document) -> bool:
    return is_makers(who=duty["who"], basis=duty["basis"], shown_to=duty["shown_to"])


def _card(name: str, row: Row) -> Card:
    return Card(name, row.head, (row.text,), row.tone)


def signer_line(words: Wording, name: str | None, status: str, *, verified: bool) -> tuple[str, str]:
    """Who signed and on whose word, with its tone; ``verified`` where the name is listed and what was signed holds."""
    standing = words.say("signer", status)
    shown = name or words.say("axis", "nobody")
    if verified:
        return words.say("axis", "named", name=shown, list=standing), "good"
    if status in LISTED:
        return words.say("axis", "not_theirs", name=shown, list=standing), "mind"
    return f"{words.say('axis', 'claims', name=shown)} ({standing})", "mind"


def source_words(words: Wording, source_type: str, *, address: bool = False) -> str:
    """A digital source type in plain words; a term that no vocabulary lists is quoted as it stands."""
    term = term_of(source_type)
    if not words.has("source", term):
        return f"“{plain(source_type)}”"
    said = words.say("source", term)
    return f"{said} ({plain(source_type)})" if address and "/" in source_type else said


def fact_words(words: Wording, fact: str) -> str:
    """A reason, ``field = value (origin)``, with its value and its origin in words where they have any."""
    found = _FACT.match(fact)
    if found is None:
        return fact
    value = words.say("value", found["value"]) if words.has("value", found["value"]) else found["value"]
    origins = (words.say("said_by", each.strip()) for each in found["by"].split(","))
    return f"{found['field']} = {value} ({', '.join(origins)})"
