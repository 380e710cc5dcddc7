# SPDX-License-Identifier: Apache-2.0
"""The laws between what a manifest store says of AI and the origin that follows, over random stores."""

from random import Random
from typing import Any

from hypothesis import strategies as st

from tests.property.laws import MOST, PROMISED, law
from waarmerk.provenance.credentials.ingredients import walk
from waarmerk.provenance.credentials.signals import assess
from waarmerk.provenance.credentials.store import parse_store
from waarmerk.provenance.model import (
    AISignal,
    Assurance,
    Credential,
    CredentialState,
    Integrity,
    Origin,
    Signer,
    SignerStatus,
    SourceClass,
)
from waarmerk.provenance.model.source_types import IPTC, class_of
from waarmerk.provenance.sources.credentials import evidence_of

TERMS = (
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "compositeSynthetic",
    "digitalCapture",
    "digitalArt",
    "composite",
    "somethingNew",
)
NAMES = ("created", "opened", "edited", "placed", "enhanced", "converted", "com.acme.magic")
LABELS = ("top", "a", "b", "c")
TRUSTED = {"activeManifest": {"success": [{"code": "signingCredential.trusted"}]}}
ACTION = st.builds(
    lambda name, term: {
        "action": name if name.startswith("com.") else f"c2pa.{name}",
        **({"digitalSourceType": IPTC + term} if term else {}),
    },
    st.sampled_from(NAMES),
    st.none() | st.sampled_from(TERMS),
)
LINK = st.fixed_dictionaries(
    {
        "relationship": st.sampled_from(["parentOf", "componentOf", "inputTo"]),
        "active_manifest": st.sampled_from(LABELS[1:]) | st.none(),
        "validation_results": st.sampled_from([TRUSTED, {}]),
    }
)
MANIFEST = st.builds(
    lambda actions, links: {
        "claim_version": 2,
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}, "created": True}],
        "ingredients": links,
    },
    st.lists(ACTION, max_size=3),
    st.lists(LINK, max_size=2),
)
MANIFESTS = st.fixed_dictionaries(dict.fromkeys(LABELS, MANIFEST))


def any_manifests(chance: Random) -> dict[str, Any]:
    """What MANIFESTS gives, by plain chance."""

    def action() -> dict[str, str]:
        name, term = chance.choice(NAMES), chance.choice((None, *TERMS))
        told = {"action": name if name.startswith("com.") else f"c2pa.{name}"}
        return {**told, "digitalSourceType": IPTC + term} if term else told

    def link() -> dict[str, Any]:
        return {
            "relationship": chance.choice(["parentOf", "componentOf", "inputTo"]),
            "active_manifest": chance.choice([*LABELS[1:], None]),
            "validation_results": chance.choice([TRUSTED, {}]),
        }

    def manifest() -> dict[str, Any]:
        actions = [action() for _ in range(chance.randint(0, 3))]
        return {
            "claim_version": 2,
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": actions}, "created": True}],
            "ingredients": [link() for _ in range(chance.randint(0, 2))],
        }

    return {label: manifest() for label in LABELS}


def read(manifests: dict[str, Any], status: SignerStatus) -> Credential:
    store = parse_store({"active_manifest": "top", "manifests": manifests})
    assert store is not None
    signals = assess(store, walk(store, (), ()), is_listed=status.is_listed)
    return Credential(
        state=CredentialState.EMBEDDED,
        integrity=Integrity.INTACT,
        signer=Signer(status=status),
        source_types=signals.source_types,
        signal=signals.signal,
        vouched=signals.vouched,
    )


@law(MANIFESTS, st.sampled_from([SignerStatus.OFFICIAL, SignerStatus.UNKNOWN]))
def test_generated_is_said_only_where_the_signal_says_it(manifests: dict[str, Any], status: SignerStatus) -> None:
    found = read(manifests, status)
    evidence = evidence_of(found)
    for each in evidence:
        assert each.origin is not Origin.AI_GENERATED or found.signal is AISignal.GENERATED
    says_ai = found.signal in (AISignal.GENERATED, AISignal.MODIFIED)
    assert any(each.origin.is_ai for each in evidence) == says_ai, "and neither forgets what the other heard"


@law(MANIFESTS, examples=PROMISED, slow=MOST, drawn=lambda chance: (any_manifests(chance),))
def test_what_is_trusted_is_said_by_the_signer_or_by_one_a_list_vouches_for(manifests: dict[str, Any]) -> None:
    """With the strangers' manifests emptied, the trusted part stays what it was."""
    found = read(manifests, SignerStatus.OFFICIAL)
    store = parse_store({"active_manifest": "top", "manifests": manifests})
    assert store is not None
    vouched = {"top"} | {step.link.manifest for step in walk(store, (), ()).steps if step.is_vouched}
    silent = {label: each if label in vouched else {**each, "assertions": []} for label, each in manifests.items()}
    trusted = [each.origin for each in evidence_of(found) if each.assurance is Assurance.TRUSTED]
    without = evidence_of(read(silent, SignerStatus.OFFICIAL))
    # What is vouched for on one way and not on another still speaks there, and is no more trusted for it.
    alone = [each.origin for each in without if each.assurance is Assurance.TRUSTED]
    if trusted[0].is_ai:
        assert trusted == alone
    assert all(each.assurance >= Assurance.VALID for each in evidence_of(found))


@law(MANIFESTS)
def test_every_ai_type_raises_the_signal(manifests: dict[str, Any]) -> None:
    found = read(manifests, SignerStatus.UNKNOWN)
    kinds = {class_of(value) for value in found.source_types}
    if kinds & {SourceClass.AI_GENERATED, SourceClass.AI_MODIFIED}:
        assert found.signal in (AISignal.GENERATED, AISignal.MODIFIED)
