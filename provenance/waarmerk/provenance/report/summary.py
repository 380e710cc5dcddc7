# SPDX-License-Identifier: Apache-2.0
"""The verdict in a sentence, and what a careful person does now.

Both are chosen from the report alone and written in ``wording``; the choice stands here, the words there.
"""

from waarmerk.provenance.model import (
    Chain,
    Claimant,
    Credential,
    CredentialState,
    Integrity,
    Origin,
    Report,
    SignerStatus,
    Tier,
)
from waarmerk.provenance.report.escape import plain
from waarmerk.provenance.report.wording import Wording

UNTOLD = "credentials.engine-failed"
"""The concern by which nobody can say whether there are credentials: reading failed, and none can be seen."""


def summary_key(report: Report) -> str:
    """The key of the sentence that says what may be said of this file, the gravest first."""
    if report.fault is not None:
        return "unreadable"
    verdict = report.verdict
    if verdict.conflict and verdict.tier is Tier.SUSPECTED and verdict.origin is not Origin.CAPTURED:
        return (
            "conflict-suspected-denied"  # nobody vouches for a camera: a declaration or the registry speaks against AI
        )
    if verdict.conflict:
        return f"conflict-{verdict.tier}"
    if verdict.tier in (Tier.PROVEN, Tier.CLAIMED):
        return f"{verdict.origin}-{_basis(report)}{_of_a_part(report)}"
    if verdict.authentic_capture:
        return "authentic-capture"
    if verdict.origin in (Origin.CAPTURED, Origin.CREATED):
        return str(verdict.origin)
    if verdict.tier is Tier.SUSPECTED:
        return "suspected-altered" if _integrity(report) is Integrity.ALTERED else "suspected"
    return _unknown_key(report)


def _basis(report: Report) -> str:
    """What a standing AI finding rests on: a listed signer, a bound mark, the issued file, a claim, the registry."""
    if report.verdict.tier is Tier.PROVEN:
        return "proven" if _vouches_for_ai(report.credential) else "issued" if _is_as_issued(report) else "mark"
    claimants = report.verdict.claimed_by
    if Claimant.UPLOADER in claimants:
        return "declared"
    if claimants != (Claimant.REGISTRY,):
        return "claimed"
    return "told" if _issuers(report) else "known"


def _issuers(report: Report) -> tuple[str, ...]:
    """Who says so, where the registry knows it from others alone."""
    said = [match for match in report.matches if match.verified and match.origin.is_ai]
    is_told = bool(said) and all(match.basis == "package" for match in said)
    return tuple(dict.fromkeys(plain(match.source) for match in said)) if is_told else ()


def _of_a_part(report: Report) -> str:
    """``-part`` where the registry alone says it, of something that is only partly the same."""
    if _basis(report) != "known" or report.verdict.origin is not Origin.AI_GENERATED:
        return ""
    return "" if any(each.is_whole and each.origin is Origin.AI_GENERATED for each in report.matches) else "-part"


def _is_as_issued(report: Report) -> bool:
    """Whether this is, byte for byte, the file that was issued with its mark: so the ledger or the own registry say."""
    if any(mark.unchanged and mark.bound and mark.means == "ai" for mark in report.marks):
        return True
    issued = [match for match in report.matches if match.kind == "exact" and match.basis == "issued"]
    return any(match.verified and match.origin.is_ai for match in issued)


def _vouches_for_ai(credential: Credential | None) -> bool:
    """Whether a listed signer says AI: a signer who says something else does not vouch for what a mark proves."""
    if credential is None or not credential.signer.status.is_listed or credential.integrity is not Integrity.INTACT:
        return False
    return (credential.vouched or credential.stated).origin.is_ai


def _integrity(report: Report) -> Integrity:
    return report.credential.integrity if report.credential is not None else Integrity.UNCHECKED


def _unknown_key(report: Report) -> str:
    credential = report.credential
    if credential is None or credential.state is CredentialState.NONE:
        return "nothing"
    if any(finding.code == UNTOLD for finding in credential.concerns):
        return "state-untold"
    if credential.state in (CredentialState.REMOTE, CredentialState.UNREADABLE):
        return f"state-{credential.state}"
    if credential.integrity is not Integrity.INTACT:
        return f"integrity-{credential.integrity}"
    if credential.chain is Chain.BROKEN:
        return "chain-broken" if credential.signer.status.is_listed else "chain-broken-unlisted"
    if credential.signer.status.is_listed:
        return "signed-silent"
    if any(finding.code == "signer.not-yet-valid" for finding in credential.concerns):
        return "signer-not-yet"
    return f"signer-{credential.signer.status}"


def summary(report: Report, words: Wording) -> str:
    """The verdict in a sentence or two, in the language of ``words``."""
    credential = report.credential
    name = credential.signer.name if credential is not None else None
    return words.say(
        "summary",
        summary_key(report),
        signer=name or words.say("axis", "nobody"),
        list=words.say("signer", str(credential.signer.status)) if credential is not None else "",
        claimants=", ".join(words.say("claimant", str(claimant)) for claimant in report.verdict.claimed_by),
        issuer=", ".join(_issuers(report)),
        reason=words.say("fault", report.fault.code) if report.fault is not None else "",
    )


def step_keys(report: Report) -> tuple[str, ...]:
    """What a careful person does now, most useful first, at most five."""
    if report.fault is not None:
        return ("ask-original",) if report.fault.code != "media.missing" else ()
    steps = [*_credential_steps(report), *_verdict_steps(report)]
    return tuple(dict.fromkeys(steps))[:5]


def _verdict_steps(report: Report) -> list[str]:
    verdict = report.verdict
    if verdict.conflict:
        return ["look-yourself", "ask-original"]
    if verdict.tier is Tier.PROVEN:
        return ["label-it" if _basis(report) == "proven" else "label-it-mark"]
    if verdict.tier in (Tier.CLAIMED, Tier.SUSPECTED):
        return ["look-yourself", "ask-original"]
    if verdict.origin is Origin.UNKNOWN:
        return ["ask-original", "closed-checkers", "search-earlier"]
    return ["context-still"]


def _credential_steps(report: Report) -> list[str]:
    credential = report.credential
    if credential is None:
        return []
    if credential.state is CredentialState.REMOTE:
        return ["remote-yourself"]
    if credential.state is CredentialState.UNREADABLE:
        return ["ask-original"]
    if credential.integrity is Integrity.ALTERED:
        return ["not-as-signed", "ask-original"]
    if credential.integrity is Integrity.MALFORMED:
        return ["ask-sound-credentials"]
    steps = []
    if credential.signer.status is SignerStatus.UNKNOWN:
        steps.append("contact-signer")
    if credential.chain in ("broken", "missing"):
        steps.append("ask-parent")
    return steps
