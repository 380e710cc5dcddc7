# SPDX-License-Identifier: Apache-2.0
"""Rules, facts and decisions in the forms that ``waarmerk rules`` prints."""

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from waarmerk.cli.said import said
from waarmerk.provenance.labelling.fields import Field
from waarmerk.provenance.labelling.rules import Rule, RuleSet
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.rows import fact_words
from waarmerk.provenance.report.wording import Wording, wording

SHOWN = 2_000
_LEAST_COLUMN = 36  # characters in which a sentence can be read
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_QUOTED = re.compile(r"'[^']*'")


def human(answer: dict[str, Any], lang: str) -> Iterator[str]:
    """The answer to one set of facts, line by line."""
    words = wording(lang)
    if "error" in answer:
        yield f"{words.say('rule', 'refused')}: {plain(said(answer['error']['message'], lang), limit=SHOWN)}"
        return
    finding = answer["finding"]
    marks = [words.say("rule", name) for name in ("authentic_capture", "conflict") if finding[name]]
    yield "; ".join((words.say("origin", finding["origin"]), words.say("tier", finding["tier"]), *marks))
    for entry in answer["labels"]:
        yield from _duty(entry, words)


def _duty(entry: dict[str, Any], words: Wording) -> Iterator[str]:
    lang = words.language
    undecided = entry["status"] == "undecided"
    confirm = "" if entry["automatic"] or undecided else f"  [{words.say('rule', 'confirms')}]"
    who = words.say("who", entry["who"])
    yield f"  {status(entry['status'], words):<18}{plain(entry['rule'])} ({plain(who)}){confirm}"
    open_yet = f"{words.say('rule', 'if_so')} " if undecided else ""  # nothing is said of it as a fact
    yield f"      {open_yet}{plain(entry['wording'].get(lang) or entry['wording']['en'], limit=SHOWN)}"
    if entry["status_if_confirmed"]:
        yield f"      ! {words.say('rule', 'if_confirmed')}"
    for question in entry["asks"]:
        texts = question["question"]
        yield f"      ? {plain(question['field'])}: {plain(texts.get(lang) or texts['en'], limit=SHOWN)}"
    place = entry["placement_wording"].get(lang) or entry["placement"]
    if place:
        yield f"      {words.say('shows', 'placement')}: {plain(place, limit=SHOWN)}"
    for fact in entry["because"]:
        yield f"      - {plain(fact_words(words, fact), limit=SHOWN)}"
    source = entry["source"]
    yield "      " + ", ".join(plain(part) for part in (source["title"], source["paragraph"]) if part)


def status(name: str, words: Wording) -> str:
    """A status in words; an undecided one stands here without the questions it depends on."""
    return words.say("rule", "undecided") if name == "undecided" else words.say("status", name)


def table(packs: RuleSet, lang: str, day: str) -> Iterator[str]:
    """All rules, a line each, and below them those that a pack took out of force."""
    words = wording(lang)
    rows = [
        (
            plain(rule.id),
            status(rule.status.value, words),
            f"{rule.starts or '-'} .. {rule.ends or '-'}",
            words.say("who", rule.who),
            plain(rule.law) + _standing(rule, day, words),
        )
        for rule in packs.rules
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    for gone in packs.replaced:
        yield words.say("rule", "replaced", rule=gone.rule.id, pack=gone.rule.pack, by=gone.by, reason="") + plain(
            gone.reason, limit=SHOWN
        )


def _standing(rule: Rule, day: str, words: Wording) -> str:
    """That a rule is not in force on that day, where it is not."""
    if rule.holds_on(day):
        return ""
    key = "later" if rule.starts is not None and day < rule.starts else "ended"
    return f"  [{words.say('rule', key)}]"


def dictionary(fields: Iterable[Field], lang: str, *, width: int) -> Iterator[str]:
    """The facts: name, kind, and what they mean in a column of its own; below it the values of those that have some.

    Lines of at most ``width`` characters; in a narrow window the column begins on the next line, four to the right.
    """
    held = list(fields)
    wide = max((len(known.name) for known in held), default=0) + 2
    column = wide + max((len(known.kind) for known in held), default=0) + 2
    is_narrow = width - column < _LEAST_COLUMN
    indent = " " * (4 if is_narrow else column)
    for known in held:
        head = f"{known.name:<{wide}}{known.kind:<{column - wide}}"
        texts = [dict(known.asked).get(lang, ""), f"= {', '.join(known.values)}" if known.values else ""]
        lines = [line for text in texts for line in _wrapped(text, max(_LEAST_COLUMN, width - len(indent)))]
        if is_narrow or not lines:
            yield head.rstrip()
            yield from (indent + line for line in lines)
        else:
            yield head + lines[0]
            yield from (indent + line for line in lines[1:])


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, subsequent_indent="  " if text.startswith("= ") else "", break_on_hyphens=False)


def field(known: Field) -> dict[str, Any]:
    """What the dictionary says of one fact."""
    return {
        "field": known.name,
        "group": known.group,
        "type": known.kind,
        "values": list(known.values),
        "known_by": list(known.known_by),
        "absent": known.absent,
        "question": dict(known.question),
        "help": dict(known.help),
    }


def summary(rule: Rule, packs: RuleSet) -> dict[str, Any]:
    """One rule in a line of the list; ``replaces`` says which rules of its id it took out of force, and why."""
    return {
        "rule": rule.id,
        "status": rule.status.value,
        "law": rule.law,
        "who": rule.who,
        "basis": rule.basis,
        "from": rule.starts,
        "until": rule.ends,
        "confidence": rule.confidence,
        "pack": rule.pack,
        "replaces": [
            {"pack": gone.rule.pack, "status": gone.rule.status.value, "basis": gone.rule.basis, "reason": gone.reason}
            for gone in packs.replaced
            if gone.rule.id == rule.id and gone.by == rule.pack
        ],
        "replaced_by": [{"pack": gone.by, "reason": gone.reason} for gone in packs.replaced if gone.rule is rule],
    }


def detail(rule: Rule, packs: RuleSet) -> dict[str, Any]:
    """One rule with all that is known of it."""
    return {
        **summary(rule, packs),
        "dates": rule.dates,
        "when": rule.condition.text,
        "defines": _defines(rule, packs),
        "label": rule.label,
        "shown_to": rule.shown_to,
        "automatic": rule.automatic,
        "status_if_confirmed": rule.status_if_confirmed,
        "wording": {variant: dict(texts) for variant, texts in rule.wording},
        "ui_string": rule.ui_string,
        "placement": {medium: dict(texts) for medium, texts in rule.placement},
        "except": list(rule.exceptions),
        "reports": list(rule.report_fields),
        "notes": rule.notes,
        "source": {"title": rule.source.title, "url": rule.source.url, "paragraph": rule.source.paragraph},
        "also": [_title(ref, packs) for ref in rule.also],
        "checked_on": rule.read_on,
    }


def _defines(rule: Rule, packs: RuleSet) -> dict[str, str]:
    """The abbreviations of a condition and what they stand for, those inside them too."""
    known = {name: text for pack in packs.packs for name, text in pack.defines}
    found: dict[str, str] = {}
    waiting = [rule.condition.text]
    while waiting:
        for name in _NAME.findall(_QUOTED.sub("", waiting.pop())):
            if name in known and name not in found:
                found[name] = known[name]
                waiting.append(known[name])
    return found


def _title(ref: str, packs: RuleSet) -> str:
    return next(cited.title for pack in reversed(packs.packs) for name, cited in pack.sources if name == ref)


def shown(data: dict[str, Any], lang: str) -> Iterator[str]:
    """One rule for a person: keys, status and ``who`` in words, and what is open about them said aloud."""
    words = wording(lang)
    told = {**data, "status": status(data["status"], words), "who": words.say("who", data["who"])}
    for key in ("basis", "confidence", "dates", "shown_to"):
        told[key] = words.say("shown_as", data[key]) if words.has("shown_as", data[key]) else data[key]
    told["automatic"] = words.say("value", "true" if data["automatic"] else "false")
    told["source"] = {words.say("shows", key): value for key, value in data["source"].items()}
    told["placement"] = {
        words.say("medium", medium): texts.get(lang) or texts["en"] for medium, texts in data["placement"].items()
    }
    if data["status_if_confirmed"]:
        told["status_if_confirmed"] = words.say("rule", "if_confirmed")
    for key in ("replaces", "replaced_by"):
        told[key] = [
            words.say("rule", key, **{"status": "", "basis": "", **each, "reason": ""}) + each["reason"]
            for each in data[key]
        ]
    for line in described(told):
        key, colon, rest = line.partition(":")
        yield words.say("shows", key) + colon + rest


def described(data: dict[str, Any]) -> Iterator[str]:
    """Plain data as lines for a person."""
    for key, value in data.items():
        if isinstance(value, dict):
            yield f"{key}:"
            yield from (f"    {inner}" for inner in described(value))
        elif isinstance(value, list):
            yield from (f"{key}: {plain(str(part), limit=SHOWN)}" for part in value)
        elif value is not None:
            yield f"{key}: {plain(str(value), limit=SHOWN)}"
