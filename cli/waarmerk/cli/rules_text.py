# SPDX-License-Identifier: Apache-2.0
"""Rules, facts and decisions in the forms that ``waarmerk rules`` prints."""

from collections.abc import Iterator
from typing import Any

from waarmerk.provenance.labelling.fields import Field
from waarmerk.provenance.labelling.rules import Rule
from waarmerk.provenance.report.escape import plain

SHOWN = 2_000
_IF_SO = {"en": "if so:", "nl": "zo ja:"}


def human(answer: dict[str, Any], lang: str) -> Iterator[str]:
    """The answer to one set of facts, line by line."""
    if "error" in answer:
        yield f"refused: {plain(answer['error']['message'], limit=SHOWN)}"
        return
    finding = answer["finding"]
    marks = [name for name in ("authentic_capture", "conflict") if finding[name]]
    yield f"origin {finding['origin']}, tier {finding['tier']}" + "".join(f", {name}" for name in marks)
    for entry in answer["labels"]:
        by_itself = "" if entry["automatic"] or entry["status"] == "undecided" else "  [a person confirms]"
        yield f"  {entry['status']:<12}{plain(entry['rule'])} ({plain(entry['who'])}){by_itself}"
        open_yet = f"{_IF_SO[lang]} " if entry["status"] == "undecided" else ""  # nothing is said of it as a fact
        yield f"      {open_yet}{plain(entry['wording'].get(lang) or entry['wording']['en'], limit=SHOWN)}"
        for question in entry["asks"]:
            texts = question["question"]
            yield f"      ? {plain(question['field'])}: {plain(texts.get(lang) or texts['en'], limit=SHOWN)}"
        for fact in entry["because"]:
            yield f"      - {plain(fact, limit=SHOWN)}"
        yield f"      {plain(entry['source']['title'])}, {plain(entry['source']['paragraph'] or '')}"


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


def summary(rule: Rule) -> dict[str, Any]:
    """One rule in a line of the list."""
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
    }


def detail(rule: Rule) -> dict[str, Any]:
    """One rule with all that is known of it."""
    return {
        **summary(rule),
        "dates": rule.dates,
        "when": rule.condition.text,
        "label": rule.label,
        "shown_to": rule.shown_to,
        "automatic": rule.automatic,
        "status_if_confirmed": rule.status_if_confirmed,
        "wording": {variant: dict(texts) for variant, texts in rule.wording},
        "ui_string": rule.ui_string,
        "placement": dict(rule.placement),
        "except": list(rule.exceptions),
        "reports": list(rule.report_fields),
        "notes": rule.notes,
        "source": {"title": rule.source.title, "url": rule.source.url, "paragraph": rule.source.paragraph},
        "also": list(rule.also),
        "read_on": rule.read_on,
    }


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
