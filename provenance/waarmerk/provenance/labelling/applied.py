# SPDX-License-Identifier: Apache-2.0
"""The packs in force, applied to files: one context for many files, each with its own findings."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

from waarmerk.provenance.labelling.campaign import with_publisher
from waarmerk.provenance.labelling.context import Context, Given
from waarmerk.provenance.labelling.decide import decide_for
from waarmerk.provenance.labelling.facts import Facts, evidence_of, fact_checked, facts_of
from waarmerk.provenance.labelling.known import in_utc, local_day
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.labelling.wording import one_line
from waarmerk.provenance.model import (
    Asset,
    Channel,
    ChannelState,
    Credential,
    Declarations,
    Duty,
    Edition,
    Evidence,
    Integrity,
    MarkFinding,
    Match,
    Origin,
    Platform,
    Tier,
    Verdict,
)
from waarmerk.provenance.model.credential import CredentialState

_MODALITIES = {"image": "image", "video": "video", "audio": "audio", "text": "text"}

_ANSWERS_KEPT = 256


class Examined(Protocol):
    """What the sources found in one file; ``sources.Examination`` is one."""

    @property
    def credential(self) -> Credential | None: ...  # noqa: D102
    @property
    def declarations(self) -> Declarations | None: ...  # noqa: D102
    @property
    def marks(self) -> tuple[MarkFinding, ...]: ...  # noqa: D102
    @property
    def matches(self) -> tuple[Match, ...]: ...  # noqa: D102
    @property
    def channels(self) -> tuple[Channel, ...]: ...  # noqa: D102


class AppliedRules:
    """Rules, context and platforms together; what ``pipeline.Rules`` asks for.

    ``texts`` fill placeholders that no file can (``link``, ``publisher``, ``date``); ``platforms`` are those of
    ``--for``, in place of a single ``platform`` in the context. Where the rules are not asked (``is_asked`` false)
    there are no duties; what the person handing in a file declares about it still counts. ``for_maker``: whoever asks
    made the file and mostly publishes it too (``campaign.with_publisher``).
    """

    def __init__(
        self,
        packs: RuleSet,
        context: Context | None = None,
        *,
        platforms: tuple[str, ...] = (),
        texts: Mapping[str, str] | None = None,
        is_asked: bool = True,
        for_maker: bool = False,
    ) -> None:
        self._packs = packs
        self._is_asked = is_asked
        self._for_maker = for_maker
        self._context = context or Context()
        self._platforms = platforms
        self._texts = dict(texts or {})
        self._answered: dict[tuple[object, ...], tuple[Duty, ...]] = {}
        self._dated: tuple[datetime, tuple[str, ...]] | None = None
        self.editions: tuple[Edition, ...] = packs.editions if is_asked else ()
        self.platforms: tuple[Platform, ...] = tuple(self._named()) if is_asked else ()

    def _named(self) -> Iterator[Platform]:
        """The platforms that labels are asked for, each with the rules that name it."""
        stated = self._given("platform", None)
        for name in self._platforms or ((str(stated),) if stated is not None else ()):
            yield Platform(id=name, rules=self._packs.naming(name))

    def evidence(self) -> tuple[Evidence, ...]:
        """What the person handing in the file declares about AI, and an outside classifier's score."""
        stated = evidence_of(Facts(decl=str(self._given("decl", "none")), forensic=self._forensic()))
        return tuple(e for e in stated if e.channel in ("declaration", "classifier"))

    def facts(self, examined: Examined) -> Facts:
        """The findings of one file in the words of the rules."""
        read = any(c.name == "registry" and c.state is not ChannelState.UNREAD for c in examined.channels)
        credential, declarations = examined.credential, examined.declarations
        remote = credential is not None and credential.state is CredentialState.REMOTE
        return facts_of(
            credential,
            declarations,
            examined.marks,
            examined.matches,
            declared=str(self._given("decl", "none")),
            registry_read=read,
            fact_check=str(self._given("fc_match", fact_checked(examined.matches, read=read))),
            forensic=self._forensic(),
            claimed_remotely=declarations.source_types if remote and declarations is not None else (),
        )

    def duties(self, asset: Asset, examined: Examined, verdict: Verdict, at: datetime) -> tuple[Duty, ...]:
        """The duties of one file; pure in its arguments. Raises ValueError for a clock without a zone.

        Most files of a stream bring the same facts (no credentials, nothing declared), so the last answers are kept.
        Concerns are for people and decide no duty; without them more files are alike. Of the moment its days count.
        """
        if not self._is_asked:
            return ()
        at = in_utc(at)
        context, texts = self._context_of(asset), self._texts_of(examined)
        facts, finding = self.facts(examined), replace(verdict, concerns=())
        question = (facts, finding, context, self._days(context, at), tuple(sorted(texts.items())))
        answer = self._answered.get(question)
        if answer is None:
            answer = self._decide(facts, finding, context, at, texts)
            if len(self._answered) >= _ANSWERS_KEPT:
                self._answered.clear()
            self._answered[question] = answer
        return answer

    def _days(self, context: Context, at: datetime) -> tuple[str, ...]:
        """The calendar days that rules may ask for: a stated one is part of the context already."""
        if context.get("date") is not None:
            return ()
        held = self._dated
        if held is None or held[0] != at:
            held = self._dated = at, tuple(local_day(at, zone) for zone in self._packs.zones)
        return held[1]

    def _decide(
        self, facts: Facts, verdict: Verdict, context: Context, at: datetime, texts: Mapping[str, str]
    ) -> tuple[Duty, ...]:
        def decided(context: Context) -> tuple[Duty, ...]:
            return decide_for(self._packs, facts, verdict, context, at, platforms=self._platforms, texts=texts)

        return with_publisher(decided, context) if self._for_maker else decided(context)

    def record(
        self,
        asset: Asset,
        examined: Examined,
        verdict: Verdict,
        at: datetime,
        *,
        duties: tuple[Duty, ...],
        trust_lists: tuple[Edition, ...] = (),
    ) -> dict[str, Any]:
        """The decision on one file as ``record.decision_record`` keeps it; the file itself is not named."""
        from waarmerk.provenance.labelling.record import decision_record  # noqa: PLC0415 - only where a log is kept

        return decision_record(
            self._packs,
            self.facts(examined),
            verdict,
            self._context_of(asset),
            at,
            duties=duties,
            trust_lists=trust_lists,
            platforms=self._platforms,
        )

    def publishable(self, verdict: Verdict) -> bool:
        """Whether an AI finding may be told in public without a person having looked: proven, or said by the publisher.

        The column ``automatic`` of the contract's table of tiers.
        """
        if verdict.conflict:
            return False
        declared = self._given("decl", "none")
        partly = declared == "ai_partial" and verdict.origin is Origin.AI_MODIFIED
        return verdict.tier is Tier.PROVEN or (verdict.tier is Tier.CLAIMED and (declared == "ai" or partly))

    def _context_of(self, asset: Asset) -> Context:
        modality = _MODALITIES.get(asset.media_type.partition("/")[0])
        if modality is None or self._context.get("modality") is not None:
            return self._context
        return self._context.with_facts(Given(field="modality", value=modality, origin="file"))

    def _texts_of(self, examined: Examined) -> Mapping[str, str]:
        """The operator's texts, and what the file says itself: who signed, and which system it names.

        An intact credential names its own system; what unsigned metadata names stands only where there is none.
        """
        credential, declared = examined.credential, examined.declarations
        found: dict[str, str | None] = {}
        if credential is not None and credential.integrity is Integrity.INTACT:
            found["system"] = credential.generator
            found["signer"] = credential.signer.name if credential.signer.verified_name else None
        elif declared is not None and credential is not None and credential.state is CredentialState.NONE:
            found["system"] = declared.ai_system
        named = {name: text for name, text in found.items() if text and one_line(text)}
        return {**self._texts, **named}

    def _given(self, name: str, otherwise: object) -> object:
        fact = self._context.get(name)
        return otherwise if fact is None or fact.value is None else fact.value

    def _forensic(self) -> float | None:
        score = self._given("forensic", None)
        return score if isinstance(score, float) else None
