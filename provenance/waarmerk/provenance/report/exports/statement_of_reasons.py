# SPDX-License-Identifier: Apache-2.0
"""A DSA statement of reasons as one object for the public database (DSA, articles 17 and 24(5)).

Fields after the API documentation of the transparency database, https://transparency.dsa.ec.europa.eu/page/api-documentation.
The statement is public: no names, accounts, addresses or links of persons. What a platform writes itself is looked at
for such traces and refused; what the tool adds holds facts and values only.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.model import Duty, DutyStatus, Tier, Verdict
from waarmerk.provenance.report.escape import plain

RULE = "DSA-17-sor"
ELECTIONS = "STATEMENT_CATEGORY_NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS"
MISINFORMATION = "KEYWORD_MISINFORMATION_DISINFORMATION"
INCOMPATIBLE, ILLEGAL = "DECISION_GROUND_INCOMPATIBLE_CONTENT", "DECISION_GROUND_ILLEGAL_CONTENT"

_VISIBILITY = {
    "labelled": "LABELLED",
    "labelled_restriction": "LABELLED",
    "removed": "REMOVED",
    "disabled": "DISABLED",
    "demoted": "DEMOTED",
    "age_restricted": "AGE_RESTRICTED",
    "interaction_restricted": "INTERACTION_RESTRICTED",
}
ACTIONS = tuple(_VISIBILITY)
VISIBILITIES = tuple(f"DECISION_VISIBILITY_CONTENT_{word}" for word in dict.fromkeys(_VISIBILITY.values()))
CONTENT_TYPES = tuple(f"CONTENT_TYPE_{word}" for word in ("SYNTHETIC_MEDIA", "IMAGE", "VIDEO", "AUDIO", "TEXT"))
SOURCE_TYPES = ("SOURCE_ARTICLE_16", "SOURCE_TRUSTED_FLAGGER", "SOURCE_TYPE_OTHER_NOTIFICATION", "SOURCE_VOLUNTARY")
AUTOMATION = tuple(f"AUTOMATED_DECISION_{word}" for word in ("FULLY", "PARTIALLY", "NOT_AUTOMATED"))

Holds = Callable[[Any], bool]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_PUID = re.compile(r"[A-Za-z0-9_-]{1,500}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_LANGUAGE = re.compile(r"[A-Z]{2}\Z")
_CATEGORY = re.compile(r"STATEMENT_CATEGORY_[A-Z_]+\Z")
_PERSONAL = (
    (re.compile(r"[^\s@]+@[^\s@]+\.[a-zA-Z]{2,}"), "an e-mail address"),
    (re.compile(r"(?<![\w/])@[A-Za-z0-9_.]{2,}"), "an account"),
    (re.compile(r"https?://|www\."), "a link"),
    (re.compile(r"(?<!\d)(?:\+|00)\d[\d \-()]{7,}\d"), "a telephone number"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the platform decided, in its own words where the law asks for words.

    ``action`` is a value of the field ``platform_action``; ``ground`` one of the two grounds with its own ``rule``
    (the term of service, or the provision) and ``explanation``. ``content_type`` is a medium.
    """

    action: str
    ground: str
    rule: str
    explanation: str
    content_type: str
    category: str
    content_date: str
    application_date: str
    territories: tuple[str, ...]
    language: str
    source_type: str = "SOURCE_VOLUNTARY"
    automated_detection: bool = False
    automation: str = "AUTOMATED_DECISION_NOT_AUTOMATED"
    rule_url: str | None = None
    specification: tuple[str, ...] = ()


def is_owed(duties: Iterable[Duty]) -> bool:
    """Whether the law asks for a statement: only then, or on the operator's word, one is exported."""
    return any(duty.rule == RULE and duty.status is DutyStatus.REQUIRED for duty in duties)


def statement_of_reasons(
    statement: Statement, verdict: Verdict, duties: Iterable[Duty], *, decision: str, asked: bool = False
) -> dict[str, Any]:
    """The object for the database. ``decision`` is the digest of the decision record, from which the id is made.

    Raises ConfigurationError where no statement is owed (and none was asked for) or a field does not hold.
    """
    held = tuple(duties)
    if not asked and not is_owed(held):
        raise ConfigurationError("dsa.not-owed", f"{RULE} does not apply; ask for the statement to export it anyway")
    if statement.action not in _VISIBILITY:
        raise ConfigurationError("dsa.field", "decision_visibility: the platform took no action that is reported")
    name = "incompatible_content" if statement.ground == INCOMPATIBLE else "illegal_content"
    facts = sorted({fact for duty in held if duty.rule == RULE or duty.uses_ai_finding for fact in duty.because})
    data: dict[str, Any] = {
        "decision_visibility": [f"DECISION_VISIBILITY_CONTENT_{_VISIBILITY[statement.action]}"],
        "decision_ground": statement.ground,
        f"{name}_{'ground' if statement.ground == INCOMPATIBLE else 'legal_ground'}": statement.rule,
        f"{name}_explanation": statement.explanation,
        "content_type": _content_types(statement.content_type, verdict),
        "category": statement.category,
        "source_type": statement.source_type,
        "automated_detection": "Yes" if statement.automated_detection else "No",
        "automated_decision": statement.automation,
        "content_date": statement.content_date,
        "application_date": statement.application_date,
        "territorial_scope": sorted(statement.territories),
        "content_language": statement.language,
        "decision_facts": plain("; ".join(facts) or "No facts beyond the decision.", limit=5_000),
        "puid": f"waarmerk-{decision[:64]}",
    }
    if statement.specification:
        data["category_specification"] = sorted(statement.specification)
    if statement.rule_url is not None:
        data["decision_ground_reference_url"] = statement.rule_url
    verify(data)
    return data


_WRITTEN = (
    "incompatible_content_ground",
    "incompatible_content_explanation",
    "illegal_content_legal_ground",
    "illegal_content_explanation",
    "decision_facts",
)


def verify(data: dict[str, Any]) -> None:
    """Hold an object against the field table. Raises ConfigurationError naming every field that does not hold."""
    wrong = [name for name, holds in _FIELDS.items() if not holds(data.get(name))]
    wrong += sorted(data.keys() - _FIELDS.keys())
    wrong += _grounds(data)
    if wrong:
        raise ConfigurationError("dsa.field", f"does not hold: {', '.join(wrong)}")
    for name in _WRITTEN:
        for pattern, what in _PERSONAL:
            if pattern.search(str(data.get(name, ""))):
                raise ConfigurationError("dsa.personal-data", f"{name} holds {what}; the statement is public")


def _content_types(medium: str, verdict: Verdict) -> list[str]:
    types = [f"CONTENT_TYPE_{medium.upper()}"]
    return ["CONTENT_TYPE_SYNTHETIC_MEDIA", *types] if verdict.tier in (Tier.PROVEN, Tier.CLAIMED) else types


def _grounds(data: dict[str, Any]) -> list[str]:
    """Each ground comes with its own two texts, and with those of the other not at all."""
    own, other = ("incompatible_content", "illegal_content")
    if data.get("decision_ground") == ILLEGAL:
        own, other = other, own
    suffix = {"incompatible_content": "ground", "illegal_content": "legal_ground"}
    needed = (f"{own}_{suffix[own]}", f"{own}_explanation")
    return [name for name in needed if not data.get(name)] + [name for name in data if name.startswith(other)]


def _text(longest: int, *, optional: bool = False) -> Holds:
    return lambda v: (optional and v is None) or (isinstance(v, str) and len(v.strip()) > 0 and len(v) <= longest)


def _listed(allowed: tuple[str, ...] | re.Pattern[str], *, optional: bool = False) -> Holds:
    def holds(value: Any) -> bool:
        if value is None:
            return optional
        if not isinstance(value, list) or not value:
            return False
        return all(p in allowed if isinstance(allowed, tuple) else bool(allowed.match(str(p))) for p in value)

    return holds


def _form(pattern: re.Pattern[str]) -> Holds:
    return lambda v: isinstance(v, str) and bool(pattern.match(v))


_FIELDS: dict[str, Holds] = {
    "decision_visibility": _listed(VISIBILITIES),
    "decision_ground": lambda v: v in (INCOMPATIBLE, ILLEGAL),
    "incompatible_content_ground": _text(500, optional=True),
    "incompatible_content_explanation": _text(2_000, optional=True),
    "illegal_content_legal_ground": _text(500, optional=True),
    "illegal_content_explanation": _text(2_000, optional=True),
    "decision_ground_reference_url": _text(500, optional=True),
    "content_type": _listed(CONTENT_TYPES),
    "category": _form(_CATEGORY),
    "category_specification": _listed(re.compile(r"KEYWORD_[A-Z_]+\Z"), optional=True),
    "source_type": lambda v: v in SOURCE_TYPES,
    "automated_detection": lambda v: v in ("Yes", "No"),
    "automated_decision": lambda v: v in AUTOMATION,
    "content_date": _form(_DAY),
    "application_date": _form(_DAY),
    "territorial_scope": _listed(_COUNTRY),
    "content_language": _form(_LANGUAGE),
    "decision_facts": _text(5_000),
    "puid": _form(_PUID),
}
