# SPDX-License-Identifier: Apache-2.0
"""The laws from what every source may find to the verdict: no source exceeds its row, and less trust never gives more.

The results are those the readers and detectors can hand over (credentials on all axes, declarations, marks of both
kinds, answers of closed detectors, matches, the uploader's word); the steps from them to evidence are the real ones.
"""

from dataclasses import dataclass, replace
from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.property.laws import MOST, PROMISED, law
from waarmerk.provenance.labelling.facts import Facts
from waarmerk.provenance.labelling.facts import evidence_of as stated_evidence
from waarmerk.provenance.marks.published import published_marks
from waarmerk.provenance.marks.search import Found as MarkFound
from waarmerk.provenance.model import (
    AISignal,
    Assurance,
    Claimant,
    Credential,
    CredentialState,
    Declarations,
    Evidence,
    Finding,
    Hint,
    Integrity,
    Origin,
    Signer,
    SignerStatus,
    Statement,
    Tier,
)
from waarmerk.provenance.model.source_types import IPTC, canonical
from waarmerk.provenance.registry.finder import Found as MatchFound
from waarmerk.provenance.registry.model import Entry
from waarmerk.provenance.sources import closed, credentials, metadata, open_marks, told, watermark
from waarmerk.provenance.sources.closed import read_answer
from waarmerk.provenance.verdict import weigh
from waarmerk.watermark import Detection, Key, Payload

STRENGTH = {Tier.NONE: 0, Tier.SUSPECTED: 1, Tier.CLAIMED: 2, Tier.PROVEN: 3}
TERMS = ("trainedAlgorithmicMedia", "compositeSynthetic", "digitalCapture", "digitalCreation", "composite", "new")
TYPES = st.lists(st.sampled_from([IPTC + term for term in TERMS]), max_size=2, unique=True).map(tuple)
AI_KEY = Key.generate("ai", random_bytes=lambda count: bytes(range(count)))
ORIGIN_KEY = Key.generate("origin", random_bytes=lambda count: bytes(range(1, count + 1)))
# From the strongest to the weakest.
INTEGRITIES = (Integrity.INTACT, Integrity.ALTERED)
SIGNERS = (SignerStatus.OFFICIAL, SignerStatus.UNKNOWN, SignerStatus.REVOKED)
BOUND = (True, None, False)
CHANCES = (1e-12, 1e-8, 1e-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What all sources found in one file; each number is a place on a scale from the strongest down."""

    types: tuple[str, ...] | None  # None: no credentials
    signal: AISignal
    integrity: int
    signer: SignerStatus
    barred: bool
    declared: Declarations
    key: Key | None
    payload: bool
    bound: int
    opened: int | None
    closed: tuple[str, dict[str, Any]] | None
    known: Origin | None
    verified: bool
    word: str
    score: float | None


def credential_of(seen: Seen) -> Credential:
    if seen.types is None:
        return Credential()
    said = Statement(source_types=tuple(canonical(each) for each in seen.types), signal=seen.signal)
    return Credential(
        state=CredentialState.EMBEDDED,
        integrity=INTEGRITIES[seen.integrity],
        signer=Signer(status=seen.signer),
        source_types=said.source_types,
        signal=said.signal,
        vouched=said if said.origin.is_ai and seen.signer.is_listed else None,
        capture_bars=(Finding("chain.open"),) if seen.barred else (),
    )


def mark_of(seen: Seen) -> list[Evidence]:
    if seen.key is None:
        return []
    found = Detection(
        detected=True,
        payload=Payload(bytes(8)) if seen.payload else None,
        p_value=1e-40,
        geometry=None,
        scheme=seen.key.scheme,
        key_id=seen.key.key_id,
    )
    return [watermark.evidence_of(seen.key, found, watermark.Binding(bound=BOUND[seen.bound]))]


def open_mark_of(seen: Seen) -> list[Evidence]:
    if seen.opened is None:
        return []
    found = MarkFound(mark=published_marks()[0], p_value=CHANCES[seen.opened], way="float bgr", blocks=4096)
    return list(open_marks.examination_of(found).evidence)


def closed_of(seen: Seen) -> list[Evidence]:
    if seen.closed is None:
        return []
    kind, said = seen.closed
    answer = read_answer(said, kind=kind)
    return [] if answer is None else list(closed.examination_of(answer, name="acme", kind=kind).evidence)


def match_of(seen: Seen) -> list[Evidence]:
    if seen.known is None:
        return []
    entry = Entry(sha256=bytes(32), media_type="image/png", added_at="2026-11-21T12:00:00Z", origin=seen.known)
    kind = "exact" if seen.verified else "fingerprint"  # of which the pixels were not confirmed
    return [told.evidence_of(MatchFound(entry=entry, kind=kind, distance=0))]


def word_of(seen: Seen) -> list[Evidence]:
    stated = stated_evidence(Facts(decl=seen.word, forensic=seen.score))
    return [each for each in stated if each.channel in ("declaration", "classifier")]


def evidence_of(seen: Seen) -> list[Evidence]:
    return [
        *credentials.evidence_of(credential_of(seen)),
        *metadata.evidence_of(seen.declared),
        *mark_of(seen),
        *open_mark_of(seen),
        *closed_of(seen),
        *match_of(seen),
        *word_of(seen),
    ]


CLOSED = st.one_of(
    st.tuples(
        st.just("mark"),
        st.fixed_dictionaries(
            {
                "found": st.sampled_from([True, False, None]),
                "says": st.sampled_from(["generated", "modified"]),
                "p_value": st.sampled_from([None, 1e-12, 1e-8, 1.0]),
            }
        ),
    ),
    st.tuples(
        st.just("classifier"),
        st.fixed_dictionaries(
            {"score": st.sampled_from([None, 0, 0.5, 0.9, 1.0]), "says": st.sampled_from(["generated", "modified"])}
        ),
    ),
)
DECLARED = st.builds(
    lambda types, label, system, hinted: Declarations(
        source_types=types,
        aigc_label=label,
        ai_system=system,
        hints=(Hint(tool="x", where="png:parameters"),) if hinted else (),
    ),
    TYPES,
    st.sampled_from([None, "1", "2", "other"]),
    st.sampled_from([None, "x"]),
    st.booleans(),
)
SEEN = st.builds(
    Seen,
    types=st.none() | TYPES,
    signal=st.sampled_from(AISignal),
    integrity=st.integers(0, len(INTEGRITIES) - 1),
    signer=st.sampled_from(SIGNERS),
    barred=st.booleans(),
    declared=DECLARED,
    key=st.sampled_from([None, AI_KEY, ORIGIN_KEY]),
    payload=st.booleans(),
    bound=st.integers(0, len(BOUND) - 1),
    opened=st.none() | st.integers(0, len(CHANCES) - 1),
    closed=st.none() | CLOSED,
    known=st.none() | st.sampled_from([Origin.UNKNOWN, Origin.CAPTURED, Origin.AI_GENERATED, Origin.AI_MODIFIED]),
    verified=st.booleans(),
    word=st.sampled_from(["none", "ai", "ai_partial", "not_ai"]),
    score=st.none() | st.sampled_from([0.0, 0.9, 1.0]),
)


def any_seen(chance: Random) -> Seen:
    """What SEEN gives, by plain chance."""

    def types() -> tuple[str, ...]:
        return tuple(chance.sample([IPTC + term for term in TERMS], chance.randint(0, 2)))

    def answer() -> tuple[str, dict[str, Any]]:
        says = chance.choice(["generated", "modified"])
        if chance.random() < 0.5:
            return "classifier", {"score": chance.choice([None, 0, 0.5, 0.9, 1.0]), "says": says}
        found = {"found": chance.choice([True, False, None]), "says": says}
        return "mark", {**found, "p_value": chance.choice([None, 1e-12, 1e-8, 1.0])}

    declared = Declarations(
        source_types=types(),
        aigc_label=chance.choice([None, "1", "2", "other"]),
        ai_system=chance.choice([None, "x"]),
        hints=(Hint(tool="x", where="png:parameters"),) if chance.random() < 0.5 else (),
    )
    return Seen(
        types=None if chance.random() < 0.3 else types(),
        signal=chance.choice(tuple(AISignal)),
        integrity=chance.randrange(len(INTEGRITIES)),
        signer=chance.choice(SIGNERS),
        barred=chance.random() < 0.5,
        declared=declared,
        key=chance.choice([None, AI_KEY, ORIGIN_KEY]),
        payload=chance.random() < 0.5,
        bound=chance.randrange(len(BOUND)),
        opened=chance.choice([None, *range(len(CHANCES))]),
        closed=None if chance.random() < 0.3 else answer(),
        known=chance.choice([None, Origin.UNKNOWN, Origin.CAPTURED, Origin.AI_GENERATED, Origin.AI_MODIFIED]),
        verified=chance.random() < 0.5,
        word=chance.choice(["none", "ai", "ai_partial", "not_ai"]),
        score=chance.choice([None, 0.0, 0.9, 1.0]),
    )


def trusts(seen: Seen) -> bool:
    """Whether the credential is intact and its signer listed."""
    return seen.types is not None and INTEGRITIES[seen.integrity] is Integrity.INTACT and seen.signer.is_listed


@law(SEEN)
def test_no_source_exceeds_its_row(seen: Seen) -> None:
    for each in evidence_of(seen):
        if each.assurance is Assurance.TRUSTED:
            own = each.channel.startswith("watermark:") and seen.payload and BOUND[seen.bound] is True
            assert own or (each.channel == "c2pa" and trusts(seen))
        if each.assurance is Assurance.VALID:
            assert each.channel == "c2pa"
        if each.claimant is Claimant.CLASSIFIER:
            assert each.assurance <= Assurance.INDIRECT
        if each.origin is Origin.CAPTURED and each.assurance >= Assurance.VALID:
            assert each.channel == "c2pa"
        if each.contradicts_ai:
            assert each.channel in ("registry", "declaration")


@law(SEEN)
def test_proven_and_the_badge_have_one_way_in_each(seen: Seen) -> None:
    verdict = weigh(evidence_of(seen))
    bound = seen.key is AI_KEY and seen.payload and BOUND[seen.bound] is True
    said = credential_of(seen).stated.origin
    if verdict.tier is Tier.PROVEN:
        assert bound or (trusts(seen) and said.is_ai)
    if verdict.authentic_capture:
        assert trusts(seen)
        assert said is Origin.CAPTURED
        assert not seen.barred
        assert not any(each.origin.is_ai for each in evidence_of(seen))


def weakened(seen: Seen, step: str) -> Seen:
    """The same file with one thing believed less."""
    place = SIGNERS.index(seen.signer)
    match step:
        case "integrity":
            return replace(seen, integrity=len(INTEGRITIES) - 1)
        case "signer":
            return replace(seen, signer=SIGNERS[min(place + 1, len(SIGNERS) - 1)])
        case "bars":
            return replace(seen, barred=True)
        case "bound":
            return replace(seen, bound=min(seen.bound + 1, len(BOUND) - 1))
        case "payload":
            return replace(seen, payload=False)
        case "opened":
            return replace(seen, opened=None if seen.opened is None else min(seen.opened + 1, len(CHANCES) - 1))
        case "closed":
            return replace(seen, closed=None)
        case _:
            return replace(seen, verified=False)


CREDENTIAL_STEPS = ("integrity", "signer", "bars")
STEPS = (*CREDENTIAL_STEPS, "bound", "payload", "opened", "closed", "verified")


@law(
    SEEN,
    st.sampled_from(STEPS),
    examples=PROMISED,
    slow=MOST,
    drawn=lambda chance: (any_seen(chance), chance.choice(STEPS)),
)
def test_less_trust_never_upgrades(seen: Seen, step: str) -> None:
    before, after = weigh(evidence_of(seen)), weigh(evidence_of(weakened(seen, step)))
    assert STRENGTH[after.tier] <= STRENGTH[before.tier]
    if step in CREDENTIAL_STEPS:
        assert after.authentic_capture <= before.authentic_capture
    elif after.authentic_capture and not before.authentic_capture:
        assert before.conflict, "only by losing what spoke against it"


@law(SEEN)
def test_an_unread_source_supports_nothing(seen: Seen) -> None:
    """Taking away all pixels, the registry and what people say leaves at most what credentials and metadata support."""
    bare = replace(seen, key=None, opened=None, closed=None, known=None, word="none", score=None)
    before, after = weigh(evidence_of(seen)), weigh(evidence_of(bare))
    assert STRENGTH[after.tier] <= STRENGTH[before.tier]
    assert after.origin in (Origin.UNKNOWN, Origin.CAPTURED, Origin.CREATED) or before.origin.is_ai


@law(SEEN)
def test_order_has_no_meaning_and_the_parts_agree(seen: Seen) -> None:
    """What is drawn can be weighed in any order, and the parts of the verdict agree with each other."""
    evidence = evidence_of(seen)
    assert weigh(evidence) == weigh(reversed(evidence))
    verdict = weigh(evidence)
    assert (verdict.tier is Tier.NONE) == (not any(each.origin.is_ai for each in evidence))
    assert verdict.conflict <= (verdict.tier is not Tier.NONE)


def test_every_tier_and_the_badge_are_reachable() -> None:
    """The laws above would hold of a search that never draws anything; this one shows what it has to draw."""
    base = Seen(
        types=(IPTC + "digitalCapture",),
        signal=AISignal.NONE,
        integrity=0,
        signer=SignerStatus.OFFICIAL,
        barred=False,
        declared=Declarations(),
        key=None,
        payload=True,
        bound=0,
        opened=None,
        closed=None,
        known=None,
        verified=True,
        word="none",
        score=None,
    )
    assert weigh(evidence_of(base)).authentic_capture
    tiers = {
        Tier.PROVEN: replace(base, key=AI_KEY),
        Tier.CLAIMED: replace(base, opened=0),
        Tier.SUSPECTED: replace(base, closed=("classifier", {"score": 1.0, "says": "modified"})),
        Tier.NONE: replace(base, key=ORIGIN_KEY),
    }
    for tier, seen in tiers.items():
        assert weigh(evidence_of(seen)).tier is tier
        assert weigh(evidence_of(seen)).conflict == (tier is not Tier.NONE)
