# SPDX-License-Identifier: Apache-2.0
"""From a report's parts to the words of the rules, and from stated facts to evidence."""

import io
from itertools import product

import pytest

from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.context import Context, FactError, Given, context_of, read_context, widened
from waarmerk.provenance.labelling.facts import Facts, evidence_of, facts_from, facts_of, state_of
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.record import record_line, replay
from waarmerk.provenance.labelling.scenarios import CLOCK
from waarmerk.provenance.model import (
    Asset,
    Channel,
    ChannelState,
    Credential,
    CredentialState,
    Declarations,
    Integrity,
    MarkFinding,
    Match,
    Origin,
    Signer,
    SignerStatus,
    Tier,
)
from waarmerk.provenance.model.source_types import IPTC
from waarmerk.provenance.verdict import weigh

PACKS = load_packs()
FIELDS = PACKS.by_name


def test_a_rule_names_a_platform_if_it_can_hold_there_for_that_reason() -> None:
    named = PACKS.naming("meta")
    assert {"META-ai-info", "META-political-ad-ai", "PLAT-no-political-ads-EU"} <= set(named)
    assert not {"TT-selflabel", "EU-50-4-deepfake", "GADS-synthetic"} & set(named)
    for asked, expected in ((True, (named,)), (False, ())):
        applied = AppliedRules(PACKS, platforms=("meta",), is_asked=asked)
        assert tuple(each.rules for each in applied.platforms) == expected
    stated = AppliedRules(PACKS, Context().with_facts(Given(field="platform", value="meta", origin="uploader")))
    assert [(each.id, each.rules) for each in stated.platforms] == [("meta", named)]


def credential(
    integrity: Integrity = Integrity.INTACT,
    signer: SignerStatus = SignerStatus.OFFICIAL,
    state: CredentialState = CredentialState.EMBEDDED,
    types: tuple[str, ...] = (),
) -> Credential:
    return Credential(state=state, integrity=integrity, signer=Signer(status=signer), source_types=types)


LISTED = (SignerStatus.OFFICIAL, SignerStatus.INTERIM, SignerStatus.USER)
TABLE = {
    **{(Integrity.INTACT, signer): "trusted" for signer in LISTED},
    (Integrity.INTACT, SignerStatus.UNKNOWN): "valid_untrusted",
    (Integrity.INTACT, SignerStatus.EXPIRED): "valid_untrusted",
    (Integrity.INTACT, SignerStatus.REVOKED): "invalid",
    (Integrity.INTACT, SignerStatus.WRONG_PURPOSE): "invalid",
    **dict.fromkeys(product((Integrity.ALTERED, Integrity.MALFORMED), SignerStatus), "invalid"),
    **{(Integrity.UNCHECKED, signer): "unread" for signer in SignerStatus},
}


@pytest.mark.parametrize(("axes", "c2pa"), TABLE.items())
def test_integrity_and_signer_give_the_contracts_word(axes: tuple[Integrity, SignerStatus], c2pa: str) -> None:
    assert state_of(credential(*axes)) == c2pa


@pytest.mark.parametrize(
    ("state", "c2pa"),
    [
        (CredentialState.NONE, "none"),
        (CredentialState.REMOTE, "remote_only"),
        (CredentialState.UNREADABLE, "unread"),
        (CredentialState.SIDECAR, "unread"),
    ],
)
def test_without_a_store_that_was_read(state: CredentialState, c2pa: str) -> None:
    assert state_of(credential(Integrity.UNCHECKED, SignerStatus.NONE, state)) == c2pa


def mark(means: str | None, detected: bool = True, p: float | None = 1e-12, bound: bool | None = None) -> MarkFinding:
    return MarkFinding(scheme="s", key_id="k", detected=detected, payload=None, p_value=p, means=means, bound=bound)


@pytest.mark.parametrize(
    ("marks", "wm", "bound"),
    [
        ((), "unread", None),
        ((mark("ai", detected=False, p=None),), "unread", None),
        ((mark("ai", detected=False, p=0.4),), "none", None),
        ((mark("ai"),), "ai", None),
        ((mark("origin"),), "origin", None),
        ((mark(None),), "none", None),
        ((mark("origin"), mark("ai", bound=False)), "ai", False),
        ((mark("ai", bound=False), mark("ai", bound=True)), "ai", True),
        ((mark("ai", bound=False), mark("ai", bound=None)), "ai", None),
    ],
)
def test_marks(marks: tuple[MarkFinding, ...], wm: str, bound: bool | None) -> None:
    found = facts_of(None, None, marks, ())
    assert (found.wm, found.wm_bound) == (wm, bound)


def match(origin: Origin, verified: bool = True) -> Match:
    return Match(registry_id="r", kind="fingerprint", distance=2, verified=verified, origin=origin)


@pytest.mark.parametrize(
    ("matches", "read", "fp"),
    [
        ((), False, "unread"),
        ((), True, "none"),
        ((match(Origin.AI_MODIFIED),), True, "known_ai"),
        ((match(Origin.CAPTURED),), True, "known_capture"),
        ((match(Origin.CAPTURED), match(Origin.AI_GENERATED)), True, "known_ai"),
        ((match(Origin.AI_GENERATED, verified=False),), True, "none"),
        ((match(Origin.UNKNOWN),), True, "none"),
    ],
)
def test_registry(matches: tuple[Match, ...], read: bool, fp: str) -> None:
    assert facts_of(None, None, (), matches, registry_read=read).fp == fp


def test_declarations_of_the_file() -> None:
    assert facts_of(None, None, (), ()).aigc == "unread"
    found = facts_of(None, Declarations(source_types=(IPTC + "print",), aigc_label="7"), (), ())
    assert (found.aigc, found.xmp_dst) == ("other", (IPTC + "print",))
    assert facts_of(None, Declarations(aigc_label="2"), (), ()).aigc == "2"
    assert facts_of(None, Declarations(), (), ()).aigc == "none"


def test_what_was_not_examined_is_named() -> None:
    assert facts_of(None, None, (), ()).unread == ("c2pa", "aigc", "wm", "fp", "fc_match")
    assert Facts(c2pa="remote_only", aigc="none", wm="none", fp="none", fc_match="none").unread == ("remote",)
    interim = facts_of(credential(signer=SignerStatus.INTERIM), None, (), ())
    assert (interim.c2pa, interim.c2pa_interim) == ("trusted", True)


def test_silence_claims_nothing() -> None:
    for facts in (Facts(), Facts(c2pa="unread", c2pa_dst=("trainedAlgorithmicMedia",))):
        verdict = weigh(evidence_of(facts))
        assert (verdict.origin, verdict.tier, verdict.conflict) == (Origin.UNKNOWN, Tier.NONE, False)


def test_the_report_and_the_rules_weigh_alike() -> None:
    """Facts read from a report's parts give the finding that the same facts give when stated."""
    found = facts_of(credential(types=(IPTC + "trainedAlgorithmicMedia",)), Declarations(), (), ())
    verdict = weigh(evidence_of(found))
    assert (verdict.origin, verdict.tier) == (Origin.AI_GENERATED, Tier.PROVEN)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"c2pa": "fine"}, "c2pa is one of"),
        ({"c2pa": None}, "c2pa cannot be unknown"),
        ({"c2pa_dst": "trainedAlgorithmicMedia"}, "list"),
        ({"c2pa_dst": [1]}, "texts"),
        ({"c2pa_dst": ["x" * 500]}, "texts"),
        ({"forensic": 1.5}, "from 0 to 1"),
        ({"forensic": float("nan")}, "from 0 to 1"),
        ({"forensic": True}, "from 0 to 1"),
        ({"wm_bound": "yes"}, "true or false"),
        ({"aigc": True}, "one of"),
    ],
)
def test_evidence_that_cannot_be(stated: dict[str, object], reason: str) -> None:
    with pytest.raises(FactError, match=reason):
        facts_from(stated, FIELDS)


@pytest.mark.parametrize(
    ("stated", "reason"),
    [
        ({"role": "king"}, "role is one of"),
        ({"ai": "generated"}, "found by examining"),
        ({"c2pa": "trusted"}, "found by examining"),
        ({"mood": True}, "no fact that a rule knows"),
        ({"jur": ["Nederland"]}, "codes"),
        ({"jur": "NL"}, "list"),
        ({"date": "21 November"}, "no day"),
        ({"date": "2026-02-30"}, "date"),
        ({"date": None}, "cannot be unknown"),
        ({"days_to_vote": 1.5}, "whole number"),
        ({"days_to_vote": True}, "whole number"),
        ({"monthly_users": 10**15}, "whole number"),
        ({"edit": {"value": "minor"}}, "keys value and by"),
        ({"edit": {"value": "minor", "by": "a friend"}}, "given by"),
        ({"professional": "yes"}, "true or false"),
    ],
)
def test_context_that_cannot_be(stated: dict[str, object], reason: str) -> None:
    with pytest.raises(FactError, match=reason):
        context_of(stated, FIELDS)


def test_arguments_of_the_command_line() -> None:
    files: dict[str, dict[str, object]] = {"a.yaml": {"role": "deployer", "jur": ["DE"], "paid": False}}
    typed = ["a.yaml", "jur=NL, US-CA", "edit@reviewer=minor", "professional=ja", "paid=onbekend", "days_to_vote=12"]
    context = read_context([*typed, "decl=ai_partial", "forensic=0.5"], FIELDS, files.__getitem__)
    assert {fact.field: (fact.value, fact.origin) for fact in context.given} == {
        "role": ("deployer", "uploader"),
        "jur": (("NL", "US-CA"), "uploader"),
        "edit": ("minor", "reviewer"),
        "professional": (True, "uploader"),
        "paid": (None, "uploader"),
        "days_to_vote": (12, "config"),
        "decl": ("ai_partial", "uploader"),
        "forensic": (0.5, "platform"),
    }


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("role=king", "role is one of"),
        ("mood=good", "no fact"),
        ("days_to_vote=soon", "number"),
        ("professional=perhaps", "true or false"),
        ("jur=Holland", "codes"),
        ("date=", "cannot be unknown"),
        ("edit@mother=minor", "given by"),
        ("tier=proven", "found by examining"),
    ],
)
def test_arguments_that_cannot_be(typed: str, reason: str) -> None:
    with pytest.raises(FactError, match=reason):
        read_context([typed], FIELDS, lambda name: {})


def test_countries_lie_in_something() -> None:
    assert widened(("NL",)) == ("EU", "NL")
    assert widened(("US-CA",)) == ("US", "US-CA")
    assert widened(("CA",)) == ("CA",)
    assert widened(("CH", "GB")) == ("CH", "GB")
    assert widened(()) == ()


class Found:
    """What an examination looks like from here."""

    def __init__(self, credential: Credential | None, *channels: Channel) -> None:
        self.credential = credential
        self.declarations = Declarations(source_types=(IPTC + "trainedAlgorithmicMedia",))
        self.marks: tuple[MarkFinding, ...] = ()
        self.matches: tuple[Match, ...] = ()
        self.channels = channels


def test_rules_applied_to_a_file() -> None:
    given = (Given(field="decl", value="ai", origin="uploader"), Given(field="forensic", value=0.95, origin="platform"))
    rules = AppliedRules(PACKS, Context(given=given))
    assert [(e.channel, e.origin) for e in rules.evidence()] == [
        ("declaration", Origin.AI_GENERATED),
        ("classifier", Origin.AI_GENERATED),
    ]
    assert AppliedRules(PACKS).evidence() == ()
    remote = credential(Integrity.UNCHECKED, SignerStatus.NONE, CredentialState.REMOTE)
    read = Channel(name="registry", state=ChannelState.NONE)
    facts = rules.facts(Found(remote, read))
    assert (facts.c2pa, facts.fp, facts.decl, facts.forensic) == ("remote_only", "none", "ai", 0.95)
    assert facts.c2pa_dst == (IPTC + "trainedAlgorithmicMedia",)
    asset = Asset(name="x", sha256="0" * 64, bytes=1, media_type="image/jpeg", open=io.BytesIO)
    verdict = weigh((*rules.evidence(), *evidence_of(facts)))
    duties = rules.duties(asset, Found(remote, read), verdict, CLOCK)
    record = rules.record(asset, Found(remote, read), verdict, CLOCK, duties=duties)
    assert replay(record_line(record).decode(), PACKS) == []
    assert {"field": "modality", "value": "image", "by": "file"} in record["context"]
    assert "x" not in record.values()
    unread = Channel(name="registry", state=ChannelState.UNREAD, why="registry.none")
    assert AppliedRules(PACKS).facts(Found(None, unread)).fp == "unread"


@pytest.mark.parametrize("text", ["00", "{} {}", '{"a": 1}\n{} {}', "1 2"])
def test_two_values_on_a_line_are_no_json_lines(text: str) -> None:
    from waarmerk.provenance.labelling.context import FactError
    from waarmerk.provenance.labelling.stated import read_json_facts

    with pytest.raises(FactError, match="more than one value"):
        read_json_facts(text)
