# SPDX-License-Identifier: Apache-2.0
"""From finding and context to duties: pure, no clock, no file, the same answer for the same question.

Order of the answer: prohibited, required, undecided, recommended, info; within a status the order of the packs.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.facts import Facts
from waarmerk.provenance.labelling.fields import ASSUMED
from waarmerk.provenance.labelling.known import Known, KnownFacts, kind_of
from waarmerk.provenance.labelling.rules import Replaced, Rule, RuleSet, Texts
from waarmerk.provenance.labelling.telling import in_language, note_id, places, replacement, said
from waarmerk.provenance.labelling.wording import fill, placeholders
from waarmerk.provenance.model import Duty, DutyStatus, Question, Tier, Verdict

_RANK = {status: rank for rank, status in enumerate(DutyStatus)}
_WHOLE = frozenset(("signer",))
"""Placeholders whose phrase for "not given" makes a true and whole sentence: signed by a listed signer."""


def decide(
    packs: RuleSet,
    facts: Facts,
    verdict: Verdict,
    context: Context,
    at: datetime,
    *,
    texts: Mapping[str, str] | None = None,
) -> tuple[Duty, ...]:
    """The duties that follow, or the questions that decide them.

    ``at`` is the clock, with a time zone; a ``date`` in the context takes its place. ``texts`` fill the placeholders
    ``signer``, ``link``, ``publisher``, ``date``, ``system`` and ``present`` of wordings.
    """
    case = _Case(packs, facts, verdict, context, at, texts=texts or {})
    duties = [duty for rule in packs.rules if (duty := case.duty(rule)) is not None]
    duties += [note for gone in packs.replaced if (note := case.note(gone)) is not None]
    if any(duty.status is DutyStatus.PROHIBITED for duty in duties):
        duties = [_held_back(duty) for duty in duties]
    return tuple(sorted(duties, key=lambda duty: _RANK[duty.status]))


def decide_for(
    packs: RuleSet,
    facts: Facts,
    verdict: Verdict,
    context: Context,
    at: datetime,
    *,
    platforms: Collection[str],
    texts: Mapping[str, str] | None = None,
) -> tuple[Duty, ...]:
    """The duties on several platforms together: of each rule the strongest outcome, the earlier platform on a tie.

    Where none are named it is ``decide``: the platform of the context, if there is one.
    """
    if not platforms:
        return decide(packs, facts, verdict, context, at, texts=texts)
    strongest: dict[str, Duty] = {}
    for platform in platforms:
        there = context.with_facts(Given(field="platform", value=platform, origin="uploader"))
        for duty in decide(packs, facts, verdict, there, at, texts=texts):
            held = strongest.get(duty.rule)
            if held is None or _RANK[duty.status] < _RANK[held.status]:
                strongest[duty.rule] = duty
    names = [*(rule.id for rule in packs.rules), *(note_id(gone) for gone in packs.replaced)]
    order = {name: position for position, name in enumerate(names)}
    return tuple(sorted(strongest.values(), key=lambda duty: (_RANK[duty.status], order[duty.rule])))


def open_questions(packs: RuleSet, duties: Iterable[Duty]) -> tuple[Question, ...]:
    """Every question that the duties still ask, each once, in the order of the dictionary."""
    asked = {question.field: question for duty in duties for question in duty.asks}
    return tuple(asked[known.name] for known in packs.fields if known.name in asked)


def _held_back(duty: Duty) -> Duty:
    """No label goes out by itself where something is forbidden: a label does not cure it. Evidence may be shown."""
    if not duty.automatic or duty.shown_to != "public" or duty.basis == "evidence":
        return duty
    held = {name: getattr(duty, name) for name in Duty.__slots__}
    return Duty(**{**held, "automatic": False})


class _Case:
    """One decision: the known facts and what the duties have in common."""

    def __init__(
        self,
        packs: RuleSet,
        facts: Facts,
        verdict: Verdict,
        context: Context,
        at: datetime,
        *,
        texts: Mapping[str, str],
    ) -> None:
        self._packs = packs
        self._facts = facts
        self._verdict = verdict
        self._texts = texts
        self._kind = kind_of(verdict)
        self._fields = packs.by_name
        self._days = KnownFacts(packs, facts, verdict, context, at)

    def duty(self, rule: Rule) -> Duty | None:
        """What one rule comes to; None where it does not apply."""
        known = self._days.on_day_in(rule.zone)
        if not rule.holds_on(str(known.values["date"])):
            return None
        outcome = rule.condition.evaluate(known.values)
        if outcome is False:
            return None
        return Duty(
            rule=rule.id,
            status=rule.status if outcome else DutyStatus.UNDECIDED,
            label=rule.label,
            who=rule.who,
            shown_to=rule.shown_to,
            wording=self._wording(rule),
            places=places(rule, known.values["modality"]),
            automatic=bool(outcome) and self._automatic(rule, known),
            because=self._because(rule, known),
            asks=() if outcome else self._asks(rule, known),
            source=rule.source,
            basis=rule.basis,
            confidence=rule.confidence,
            status_if_confirmed=rule.status_if_confirmed,
            ui_string=rule.ui_string,
            dates=rule.dates,
            starts=rule.starts,
            ends=rule.ends,
            uses_ai_finding=rule.uses_ai_finding,
        )

    def note(self, gone: Replaced) -> Duty | None:
        """That a rule which would have applied, or asked, was taken out of force; None where it would be absent."""
        duty = self.duty(gone.rule)
        return None if duty is None else replacement(duty, gone, self._packs)

    def _automatic(self, rule: Rule, known: Known) -> bool:
        """Contract, section 3, below the table of tiers; what rests on an assumption waits for a person's word."""
        if any(known.origins[name].startswith(ASSUMED) for name in rule.condition.support(known.values)):
            return False
        if not rule.automatic or self._verdict.conflict or (rule.shown_to == "public" and self._unfilled(rule)):
            return False
        if not rule.uses_ai_finding:
            return True
        tier = self._verdict.tier
        return tier in (Tier.PROVEN, Tier.NONE) or (tier is Tier.CLAIMED and self._declared())

    def _unfilled(self, rule: Rule) -> bool:
        """Whether the text has a gap that only a person can fill: "(link to be set)" is nothing to publish."""
        given = {*self._texts, *_WHOLE, "source", "channels"}
        if self._facts.c2pa in dict(self._packs.phrases.signatures):
            given.add("present")
        return any(not placeholders(text) <= given for _, texts in rule.wording for _, text in texts)

    def _declared(self) -> bool:
        """Whether whoever publishes says as much himself; "partly AI" does not carry a label "AI-generated"."""
        return self._facts.decl == "ai" or (self._facts.decl == "ai_partial" and self._kind == "modified")

    def _because(self, rule: Rule, known: Known) -> tuple[str, ...]:
        support = rule.condition.support(known.values)
        return tuple(
            f"{name} = {said(known.values[name])} ({known.origins[name]})" for name in self._fields if name in support
        )

    def _asks(self, rule: Rule, known: Known) -> tuple[Question, ...]:
        missing = rule.condition.open_fields(known.values)
        return tuple(Question(field=name, text=self._fields[name].asked) for name in self._fields if name in missing)

    def _wording(self, rule: Rule) -> Texts:
        variants = dict(rule.wording)
        texts = variants.get(self._kind) or variants.get("any") or rule.wording[0][1]
        if not any("{" in text for _, text in texts):
            return texts
        return tuple((language, fill(text, self._fillings(language, text))) for language, text in texts)

    def _fillings(self, language: str, text: str) -> dict[str, str]:
        """What fills the placeholders of one text: given, derived from the facts, or the phrase for "not given"."""
        fallback = dict(self._packs.phrases.placeholders)
        filled = {name: in_language(language, fallback[name]) for name in placeholders(text) if name in fallback}
        signature = dict(self._packs.phrases.signatures).get(self._facts.c2pa)
        if signature is not None:
            filled["present"] = in_language(language, signature)
        filled["channels"] = ", ".join(self._facts.unread)
        phrases = dict(self._packs.phrases.claims)
        filled["source"] = ", ".join(
            in_language(language, phrases[claim]) for claim in self._claims() if claim in phrases
        )
        return {**filled, **self._texts}

    def _claims(self) -> tuple[str, ...]:
        """Who says AI, on the tier that counts."""
        if self._verdict.tier is not Tier.PROVEN:
            return tuple(claimant.value for claimant in self._verdict.claimed_by)
        proofs = []
        if self._facts.c2pa == "trusted" and self._facts.signed_marked:
            proofs.append("credential")
        if self._facts.wm == "ai" and self._facts.wm_bound:
            proofs.append("own-mark")
        return tuple(proofs)
