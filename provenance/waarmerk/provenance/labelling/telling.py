# SPDX-License-Identifier: Apache-2.0
"""How a decision is told: reasons, places, and the line for a rule that a pack took out of force."""

from waarmerk.provenance.labelling.fields import Value
from waarmerk.provenance.labelling.rules import Replaced, Rule, RuleSet, Texts
from waarmerk.provenance.labelling.wording import one_line
from waarmerk.provenance.model import Claimant, Duty, DutyStatus, Tier, Verdict

_BY_PLATFORM = frozenset((Claimant.REGISTRY, Claimant.CLASSIFIER))
_MAX_REASON = 1_500
REPLACED = "rule_replaced"
"""The label of the line that says that a rule is out of force."""


def note_id(gone: Replaced) -> str:
    """The id of the line that says that a rule is out of force; no rule of a pack can have it."""
    return f"replaced:{gone.by}:{gone.rule.id}"


def replacement(duty: Duty, gone: Replaced, packs: RuleSet) -> Duty:
    """In place of the duty that no longer is: a line that says which pack took it away, and why.

    It stands for a person to read: told of, never published, and nobody is asked anything for it.
    """
    held = {name: getattr(duty, name) for name in Duty.__slots__}
    return Duty(
        **held
        | {
            "rule": note_id(gone),
            "status": DutyStatus.INFO,
            "label": REPLACED,
            "shown_to": "case_file",
            "wording": _told(gone, still=any(rule.id == gone.rule.id for rule in packs.rules)),
            "places": (),
            "automatic": False,
            "asks": (),
            "basis": "house",
            "status_if_confirmed": None,
            "ui_string": None,
        }
    )


def _told(gone: Replaced, *, still: bool) -> Texts:
    rule, why = gone.rule, one_line(gone.reason, _MAX_REASON)
    en = "replaced" if still else "removed, with nothing in its place,"
    nl = "vervangen" if still else "weggehaald, zonder iets ervoor in de plaats,"
    return (
        ("en", f"Rule {rule.id} of {rule.pack} ({rule.status}, {rule.basis}) was {en} by {gone.by}: {why}"),
        ("nl", f"Regel {rule.id} van {rule.pack} ({rule.status}, {rule.basis}) is {nl} door {gone.by}: {why}"),
    )


def claimed_by(verdict: Verdict) -> str:
    """Whose word the AI finding is, in the report's words for origins."""
    if verdict.tier is not Tier.CLAIMED:
        return "file"
    words = {
        "uploader" if claimant is Claimant.UPLOADER else "platform" if claimant in _BY_PLATFORM else "file"
        for claimant in verdict.claimed_by
    }
    return ", ".join(sorted(words)) or "file"


def places(rule: Rule, modality: Value) -> Texts:
    """Where the label goes on this medium; all places, where the medium has none of its own."""
    stated = dict(rule.placement)
    own = stated.get(str(modality)) or stated.get("any")
    if own or not rule.placement:
        return own or ()
    languages = sorted({language for _, texts in rule.placement for language, _ in texts})
    return tuple(
        (language, "; ".join(f"{medium}: {in_language(language, texts)}" for medium, texts in rule.placement))
        for language in languages
    )


def in_language(language: str, texts: Texts) -> str:
    """The text in a language, else in English."""
    words = dict(texts)
    return words.get(language) or words["en"]


def said(value: Value) -> str:
    """A value as a reason shows it."""
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "true" if value else "false"
    return (", ".join(value) or "none") if isinstance(value, tuple) else str(value)
