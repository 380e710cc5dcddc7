# SPDX-License-Identifier: Apache-2.0
"""What is known of one case: defaults, then what was found, then what was given, on the calendar day of each zone."""

from datetime import UTC, datetime
from typing import NamedTuple

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.context import Context, widened
from waarmerk.provenance.labelling.facts import NAMES, Facts
from waarmerk.provenance.labelling.fields import DERIVED, Value, shown
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.labelling.telling import claimed_by
from waarmerk.provenance.model import Origin, SourceClass, Tier, Verdict
from waarmerk.provenance.model.source_types import class_of

_KINDS = {Origin.AI_GENERATED: "generated", Origin.AI_MODIFIED: "modified"}


def kind_of(verdict: Verdict) -> str:
    """``generated``, ``modified`` or ``unknown``: what a label would say of AI."""
    return _KINDS.get(verdict.origin, "unknown")


class Known(NamedTuple):
    """All facts of one case on one calendar day."""

    values: dict[str, Value]
    origins: dict[str, str]


class KnownFacts:
    """The facts of one case, per zone with their own calendar day. ``at`` has a time zone."""

    def __init__(self, packs: RuleSet, facts: Facts, verdict: Verdict, context: Context, at: datetime) -> None:
        self._packs = packs
        self._facts = facts
        self._verdict = verdict
        self._context = context
        self._at = in_utc(at)
        self._kind = kind_of(verdict)
        self._zones: dict[str, Known] = {}
        self._values, self._origins = self._gather()

    def on_day_in(self, zone: str) -> Known:
        """The facts on the calendar day of a zone; on the stated day, where the context has one."""
        return self._zones.get(zone) or self._known(zone)

    def _known(self, zone: str) -> Known:
        if self._context.get("date") is not None:
            known = self._dated(self._values, self._origins)
            self._zones = dict.fromkeys((rule.zone for rule in self._packs.rules), known)
            return known
        day = {**self._values, "date": local_day(self._at, zone)}
        self._zones[zone] = self._dated(day, {**self._origins, "date": "config"})
        return self._zones[zone]

    def _gather(self) -> tuple[dict[str, Value], dict[str, str]]:
        """All facts but the day, each with who says so: default, then what was found, then what was given."""
        values, fields = dict(self._packs.defaults), self._packs.by_name
        origins = dict.fromkeys(values, "default")
        for name in NAMES:
            values[name] = getattr(self._facts, name)
            origins[name] = fields[name].known_by[0]
        self._add_finding(values, origins)
        for fact in self._context.given:
            values[fact.field], origins[fact.field] = fact.value, fact.origin
        countries = values["jur"]
        if isinstance(countries, tuple):
            values["jur"] = wide = widened(countries)
            if set(wide) != set(countries):
                origins["jur"] += f", {DERIVED}"
        if values["edit"] is None:
            values["edit"], origins["edit"] = self._edit(), origins["ai"]
        return values, origins

    def _add_finding(self, values: dict[str, Value], origins: dict[str, str]) -> None:
        verdict, facts = self._verdict, self._facts
        nothing_ai = verdict.tier is Tier.NONE and verdict.origin is not Origin.UNKNOWN
        found: dict[str, Value] = {
            "ai": "none" if nothing_ai else self._kind,
            "tier": verdict.tier.value,
            "origin": verdict.origin.value,
            "authentic_capture": verdict.authentic_capture,
            "conflict": verdict.conflict,
            "machine_marked": facts.machine_marked,
            "signed_marked": facts.signed_marked,
            "has_unread": bool(facts.unread),
        }
        values.update(found)
        origins.update(dict.fromkeys(found, "file"))
        origins.update(dict.fromkeys(("ai", "tier", "origin"), claimed_by(verdict)))

    def _edit(self) -> str | None:
        """The extent of AI editing where nobody states it: only what follows from the finding itself."""
        if self._kind == "generated":
            return "full"
        if self._verdict.tier is not Tier.NONE or self._verdict.origin is Origin.UNKNOWN:
            return None
        classes = {class_of(term) for term in self._facts.c2pa_dst}
        if SourceClass.ENHANCED in classes:
            return "minor"
        return None if SourceClass.HUMAN_EDIT in classes else "none"

    def _dated(self, values: dict[str, Value], origins: dict[str, str]) -> Known:
        """The facts of one day, the operator's election calendar consulted where nobody says."""
        countries, day = values["jur"], str(values["date"])
        if not self._packs.elections or not isinstance(countries, tuple):
            return Known(values, origins)
        near = [vote for vote in self._packs.elections if vote.is_near(day, countries)]
        ahead = [days for vote in near if (days := vote.days_to_vote(day)) >= 0]
        if self._context.get("election_period") is None and near:
            values["election_period"], origins["election_period"] = True, "config"
        if self._context.get("days_to_vote") is None and ahead:
            values["days_to_vote"], origins["days_to_vote"] = min(ahead), "config"
        return Known(values, origins)


def local_day(at: datetime, zone: str) -> str:
    """The calendar day of an instant in the zone of a jurisdiction. Raises ValueError for a clock without a zone."""
    at = in_utc(at)
    if zone == "UTC":
        return at.date().isoformat()
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415  # only where a clock and not a date is given

    try:
        return at.astimezone(ZoneInfo(zone)).date().isoformat()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ConfigurationError(
            "labelling.no-zone", f"the machine knows no time zone {shown(zone)}; install tzdata"
        ) from error


def in_utc(at: datetime) -> datetime:
    """The same instant; where a clock is put back, two with the same hour are different ones only so.

    Raises ValueError for a clock without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("the clock of a decision has a time zone")
    return at.astimezone(UTC)
