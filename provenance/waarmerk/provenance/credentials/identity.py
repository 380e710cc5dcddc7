# SPDX-License-Identifier: Apache-2.0
"""The identity axis (CAWG identity assertion 1.x): who stands behind the content, apart from who signed the claim.

Its failures never touch the integrity: the engine calls a file "Invalid" because a did:web could not be resolved,
which offline it never can.
"""

from collections.abc import Iterable

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.status import Status
from waarmerk.provenance.model import Finding, Identity

PREFIX = "cawg."
_UNAVAILABLE = frozenset({"cawg.ica.did_unavailable"})
_NEUTRAL = frozenset(
    {
        "cawg.x509.credential.untrusted",
        "cawg.ica.untrusted_issuer",
        "cawg.identity.well-formed",
        "cawg.x509.signature.validated",
        "cawg.ica.credential_valid",
        "cawg.ica.time_stamp.validated",
        "cawg.identity.trusted",
        "cawg.x509.credential.trusted",
    }
)
_CONCERNS = {
    Identity.FAILED: findings.IDENTITY_FAILED,
    Identity.UNAVAILABLE: findings.IDENTITY_UNAVAILABLE,
    Identity.UNVERIFIED: findings.IDENTITY_UNVERIFIED,
}


def identity_of(entries: Iterable[Status], *, is_listed: bool = False) -> Identity:
    """What the entries of the identity pass come to.

    ``is_listed``: an explicit list of identity issuers was loaded in that pass. Without one nothing is verified,
    whatever the engine says: it enforces the trust of X.509 identities only loosely, and it would accept an anchor
    that was loaded for claim signers. A failure that is not known here is a failure.
    """
    seen = [entry for entry in entries if entry.code.startswith(PREFIX)]
    codes = {entry.code for entry in seen}
    if any(entry.kind == "failure" and entry.code not in _NEUTRAL | _UNAVAILABLE for entry in seen):
        return Identity.FAILED
    if codes & _UNAVAILABLE:
        return Identity.UNAVAILABLE
    x509 = (
        codes & {"cawg.identity.trusted", "cawg.x509.credential.trusted"} and "cawg.x509.signature.validated" in codes
    )
    untrusted = codes & {"cawg.x509.credential.untrusted", "cawg.ica.untrusted_issuer"}
    if is_listed and not untrusted and (x509 or "cawg.ica.credential_valid" in codes):
        return Identity.VERIFIED
    return Identity.UNVERIFIED


def concern_of(identity: Identity, label: str) -> tuple[Finding, ...]:
    """What a report must say about it."""
    code = _CONCERNS.get(identity)
    return () if code is None else (Finding(code, label),)
