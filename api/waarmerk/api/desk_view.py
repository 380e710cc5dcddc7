# SPDX-License-Identifier: Apache-2.0
"""The pages on which people label: the key, the form, what would be owed, and what became of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from waarmerk.api.desk_form import ASKED, FOR, MODALITIES, PLACES, SAYS, STANDS, TICKED, WRITTEN
from waarmerk.api.page_facts import platforms, questions
from waarmerk.api.page_view import laid_out, other_than
from waarmerk.api.sessions import Session
from waarmerk.provenance.model import DutyStatus
from waarmerk.provenance.report.rows import Owed, Rows
from waarmerk.provenance.report.wording import Wording, wording

LANGUAGE_CHOICE = {  # each in its own words; the first two are those of the page
    "nl": "Nederlands",
    "en": "English",
    "bg": "български",
    "cs": "čeština",
    "da": "dansk",
    "de": "Deutsch",
    "el": "ελληνικά",
    "es": "español",
    "et": "eesti",
    "fi": "suomi",
    "fr": "français",
    "ga": "Gaeilge",
    "hr": "hrvatski",
    "hu": "magyar",
    "it": "italiano",
    "lt": "lietuvių",
    "lv": "latviešu",
    "mt": "Malti",
    "pl": "polski",
    "pt": "português",
    "ro": "română",
    "sk": "slovenčina",
    "sl": "slovenščina",
    "sv": "svenska",
}
_CLOCK = "%H:%M"
_MUST = (DutyStatus.PROHIBITED, DutyStatus.REQUIRED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """Who sees a page: their language, the token of their forms, and their session where they showed a key."""

    language: str
    token: str
    session: Session | None = None

    def told(self) -> dict[str, Any]:
        """What every one of these pages needs."""
        words, session = wording(self.language), self.session
        known = None if session is None else session.known
        who = {"tenant": known.tenant.name, "until": session.ends.strftime(_CLOCK)} if session and known else None
        return {"words": words, "token": self.token, "who": who, "other": other_than(self.language)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duties:
    """What the rules ask, in lines: ``silent`` where a platform asks nothing; ``met``: the visible label does it."""

    owed: Sequence[Owed]
    silent: Sequence[str]
    asked: Sequence[str]
    met: frozenset[str]


def sign_in(visit: Visit, *, problem: str | None = None) -> str:
    """Where a key is shown."""
    return laid_out("desk_key.html", {**visit.told(), "problem": problem, "reasons": ()})


def form(
    visit: Visit,
    given: Mapping[str, str],
    *,
    problem: str | None = None,
    reasons: Sequence[str] = (),
    duties: Duties | None = None,
    day: str = "",
) -> str:
    """The form with what was filled in; with a problem and its ``reasons``, or with the duties of ``day``."""
    words = wording(visit.language)
    told = {
        "problem": problem,
        "reasons": reasons,
        "duties": duties,
        "day": day,
        "given": given,
        "says": SAYS,
        "places": [(place, words.say("desk", f"place-{place}")) for place in PLACES],
        "times": [(each, words.say("desk", f"stands-{each}")) for each in STANDS],
        "modalities": [(each, words.say("desk", f"modality-{each}")) for each in MODALITIES],
        "languages": list(LANGUAGE_CHOICE.items()),
        "platforms": [(FOR + value, shown) for value, shown in platforms(words)],
        "questions": questions(words, given, ASKED),
        "written": WRITTEN,
        "ticked": TICKED,
        "is_unfolded": any(name in given for name in ASKED),
        "is_further": any(name in given for name in TICKED),
    }
    return laid_out("desk_form.html", {**visit.told(), **told})


def done(
    visit: Visit,
    told: Mapping[str, Any],
    *,
    says: str,
    until: str,
    links: Mapping[str, str],
    picture: Mapping[str, Any] | None = None,
    job: str | None = None,
) -> str:
    """What became of a file; ``links`` lead to ``file``, ``record`` and perhaps ``sidecar`` until then.

    ``picture`` is a small re-encoding of it, or of a frame of it: ``uri``, ``width``, ``height``. ``job``: it can
    be erased before.
    """
    words = wording(visit.language)
    is_owed = any(each["status"] in _MUST and not each["met"] for each in told["remaining"])
    kind = (
        "done-partial" if told["gaps"] else "done-open" if is_owed else "done-full" if says != "none" else "done-signed"
    )
    if kind == "done-full" and "sidecar" in links:
        kind = "done-beside"
    page = {
        "problem": None,
        "kind": kind,
        "inside": carried(words, told, says=says, has_sidecar="sidecar" in links),
        "lost": [words.loss(each["code"], each["about"]) for each in told["losses"]],
        "missing": [reason(words, code) for code in dict.fromkeys(told["gaps"])],
        "noted": _notes(words, told),
        "duties": duties_of(words, told["remaining"], told["report"]["basis"]["platforms"]),
        "links": links,
        "picture": picture,
        "job": job,
        "shown": "frame" if str(told["media_type"]).startswith("video/") else "picture",
        "label": told["words"],
        "until": until,
    }
    return laid_out("desk_done.html", {**visit.told(), **page})


def waiting(visit: Visit, told: Mapping[str, Any], *, watches: bool) -> str:
    """How far a clip is: ``job``, ``state``, ``megabytes``, ``here``; ``watches``: the page asks again by itself."""
    return laid_out("desk_waiting.html", {**visit.told(), "problem": None, "watches": watches, **told})


def clock(moment: datetime) -> str:
    """The time of day, for what is gone soon."""
    return moment.strftime(_CLOCK)


def duties_of(words: Wording, labels: Sequence[Mapping[str, Any]], platforms: Sequence[Mapping[str, Any]]) -> Duties:
    """Entries of ``labels`` with ``met`` in lines; ``platforms`` as in the ``basis`` of a report."""
    rows = Rows({"labels": labels, "verdict": {"tier": "claimed"}, "basis": {"platforms": platforms}}, words)
    asked = [f"{text} ({field})" for field, text in rows.asked().items()]
    met = frozenset(each["rule"] for each in labels if each["met"])
    return Duties(owed=rows.duties(), silent=rows.silent(), asked=asked, met=met)


def carried(words: Wording, told: Mapping[str, Any], *, says: str, has_sidecar: bool) -> list[str]:
    """The layers in a labelled file, each in words."""
    signer = (
        told["report"]["credentials"]["signer"] if told["report"]["credentials"] else {"name": "", "status": "none"}
    )
    lines = {
        "watermark": lambda: words.say("desk", "has-watermark", payload=told["payload"] or ""),
        "visible": lambda: words.say(
            "label",
            "has-visible",
            words=told["words"] or "",
            place=words.say("desk", f"place-{told['corner'] or 'none'}"),
        ),
        "metadata": lambda: words.say("label", f"has-metadata-{says}"),
        "credentials": lambda: (
            words.say("desk", "has-sidecar")
            if has_sidecar
            else words.say(
                "desk", "has-credentials", signer=signer["name"] or "", status=words.say("signer", signer["status"])
            )
        ),
        "ledger": lambda: words.say("desk", "has-ledger"),
    }
    found = [lines[layer]() for layer in told["layers"]]
    if told.get("on_detail"):
        found.append(words.say("desk", "on-detail", place=words.say("desk", f"place-{told['corner']}")))
    return [*found, words.say("desk", "has-registry", id=told["registered"])] if told["registered"] else found


def reason(words: Wording, code: str, about: str = "") -> str:
    """Why something is not done or left out, in words for somebody who has a form and no command line."""
    section = next((each for each in ("desk", "label", "fault") if words.has(each, code)), None)
    return code if section is None else words.say(section, code, about=about, message=about)


_LABELS = {
    "tool": "tool",
    "tool_version": "tool-version",
    "title": "title-in-file",
    "alt": "alt",
    "visible": "place",
    "stands": "stands",
    "modality": "modality",
    "label_lang": "language",
}


def label_of(words: Wording, field: str) -> str | None:
    """What stands beside a field of the form; None for what is none of its fields."""
    if field in _LABELS:
        return words.say("desk", _LABELS[field])
    return next((each.text for each in questions(words, {}, ASKED) if each.name == field), None)


def problem_text(words: Wording, code: str) -> str:
    """A problem of the request, in words for a person."""
    section = "desk_problem" if words.has("desk_problem", code) else "page_problem"
    return words.say(section, code if words.has(section, code) else "other")


def _notes(words: Wording, told: Mapping[str, Any]) -> list[str]:
    lines = []
    if told["personal"]:
        kinds = ", ".join(words.say("personal", kind) for kind in told["personal"])
        lines.append(words.say("desk", "personal", kinds=kinds))
    for note in told["notes"]:
        section = "desk" if words.has("desk", note["code"]) else "signing"
        lines.append(words.say(section, note["code"], about=note["about"]))
    if told["unregistered"]:
        lines.append(words.say("desk", "not-registered", code=told["unregistered"]))
    return lines
