# SPDX-License-Identifier: Apache-2.0
"""The frozen words of the domain. Standard library only, no I/O; one file a concept."""

from waarmerk.provenance.model.asset import Asset, Sidecar
from waarmerk.provenance.model.credential import (
    Action,
    AISignal,
    Chain,
    Credential,
    CredentialState,
    Identity,
    Ingredient,
    Integrity,
    Manifest,
    SecondOpinion,
    Signer,
    SignerStatus,
    Statement,
    TimeStatus,
)
from waarmerk.provenance.model.declaration import Declarations, Hint
from waarmerk.provenance.model.evidence import CLASSIFIER_THRESHOLD, Channel, ChannelState, Evidence
from waarmerk.provenance.model.labelling import Citation, Duty, DutyStatus, Question
from waarmerk.provenance.model.report import AssetFacts, Edition, Fault, Platform, Report
from waarmerk.provenance.model.source_types import SourceClass
from waarmerk.provenance.model.verdict import Verdict
from waarmerk.provenance.model.watermark import MarkFinding, Match
from waarmerk.provenance.model.words import Assurance, Claimant, Finding, Origin, Tier

__all__ = [
    "CLASSIFIER_THRESHOLD",
    "AISignal",
    "Action",
    "Asset",
    "AssetFacts",
    "Assurance",
    "Chain",
    "Channel",
    "ChannelState",
    "Citation",
    "Claimant",
    "Credential",
    "CredentialState",
    "Declarations",
    "Duty",
    "DutyStatus",
    "Edition",
    "Evidence",
    "Fault",
    "Finding",
    "Hint",
    "Identity",
    "Ingredient",
    "Integrity",
    "Manifest",
    "MarkFinding",
    "Match",
    "Origin",
    "Platform",
    "Question",
    "Report",
    "SecondOpinion",
    "Sidecar",
    "Signer",
    "SignerStatus",
    "SourceClass",
    "Statement",
    "Tier",
    "TimeStatus",
    "Verdict",
]
