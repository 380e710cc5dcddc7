# SPDX-License-Identifier: Apache-2.0
"""The signer and the time of signing: the engine's answer, and our own locks behind it.

The engine decides on which list a signer stands, one list a pass. Three things it does not decide alone. A leaf that
was not issued for signing claims is never listed. A certificate that has ended needs a time-stamp by an authority on
a loaded list, which on version 1 claims only our own check establishes. And ``at``, not the machine's clock, is the
time of the decision.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from cryptography import x509

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.cose import Signature
from waarmerk.provenance.credentials.passes import Pass
from waarmerk.provenance.credentials.status import REVOCATION_UNKNOWN, Status
from waarmerk.provenance.credentials.store import Node
from waarmerk.provenance.model import Finding, Signer, SignerStatus, TimeStatus
from waarmerk.provenance.trust import TrustList, TrustStore
from waarmerk.provenance.trust.chain import SIGNER_PURPOSES, Anchors, chains_to, is_valid_at, may_sign_claims
from waarmerk.provenance.trust.denylist import Denial, Denylist
from waarmerk.provenance.trust.lists import rfc3339
from waarmerk.provenance.trust.timestamp import parse_token, stamped_at

Run = Callable[[Pass], tuple[Status, ...]]

STATUS_OF_PASS = {
    Pass.OFFICIAL: SignerStatus.OFFICIAL,
    Pass.INTERIM: SignerStatus.INTERIM,
    Pass.USER: SignerStatus.USER,
}
_ENDED = frozenset({"signingCredential.expired"})
_OUTSIDE = frozenset({"claimSignature.outsideValidity", "timeOfSigning.outsideValidity"})
_CONCERN_OF_STATUS = {
    SignerStatus.INTERIM: findings.INTERIM_LIST,
    SignerStatus.UNKNOWN: findings.SIGNER_UNLISTED,
    SignerStatus.EXPIRED: findings.SIGNER_EXPIRED,
    SignerStatus.REVOKED: findings.SIGNER_REVOKED,
    SignerStatus.WRONG_PURPOSE: findings.SIGNER_WRONG_PURPOSE,
}


class KnownLists:
    """The certificates of the store, indexed on first use: which list could vouch for a chain, which user list does."""

    def __init__(self, trust: TrustStore) -> None:
        self._trust = trust

    @cached_property
    def anchors(self) -> dict[Pass, Anchors]:
        """The certificates of each signer list; allowed leaves count with the interim anchors."""
        trust = self._trust
        return {
            Pass.OFFICIAL: Anchors.of(_certificates(trust.official)),
            Pass.INTERIM: Anchors.of((*_certificates(trust.interim), *_certificates(trust.allowed))),
            Pass.USER: Anchors.of(certificate for each in trust.user for certificate in each.certificates),
        }

    @cached_property
    def time(self) -> Anchors:
        """Under whom a time-stamp authority may stand."""
        return Anchors.of(certificate for each in self._trust.time_anchors for certificate in each.certificates)

    @cached_property
    def allowed(self) -> frozenset[x509.Certificate]:
        """The allowed leaves of the interim list."""
        return frozenset(_certificates(self._trust.allowed))

    @property
    def denied(self) -> Denylist | None:
        """The operator's denylist."""
        return self._trust.denylist

    def issuers(self, chain: Iterable[x509.Certificate]) -> tuple[x509.Certificate, ...]:
        """The anchors that carry the name of an issuer in the chain: they need not travel with the file."""
        return tuple(
            each for certificate in chain for found in self.anchors.values() for each in found.named(certificate.issuer)
        )

    @cached_property
    def users(self) -> tuple[tuple[str, Anchors], ...]:
        """Each of the operator's lists with its id."""
        return tuple((each.id, Anchors.of(each.certificates)) for each in self._trust.user)


def _certificates(found: TrustList | None) -> tuple[x509.Certificate, ...]:
    return () if found is None else found.certificates


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The signer, the pass that decided, and what a report must say."""

    signer: Signer
    decided_by: Pass
    concerns: tuple[Finding, ...] = field(default=())


@dataclass(slots=True, kw_only=True)
class SignerCase:
    """One signer under judgement. ``run`` gives the active manifest's entries of a pass, running it when needed."""

    node: Node
    own: Signature | None
    lists: KnownLists
    at: datetime
    run: Run

    def judge(self) -> Judgement:
        """Status, list, name and time; the name is not yet called verified, for that takes an intact file too."""
        first = self.run(Pass.OFFICIAL)
        codes = {entry.code for entry in first}
        stamped, time_status = self._time(first)
        reference = stamped or self.at
        which, is_listed = self._listed(codes, reference)
        status, extra = self._status(codes, which, reference, is_listed=is_listed)
        denial = self._denial(codes, stamped)
        if denial is not None:
            status, extra = SignerStatus.REVOKED, ()
        name = self.node.signer_name or ""
        because = _CONCERN_OF_STATUS.get(status)
        if status is SignerStatus.EXPIRED and self._is_too_early(reference):
            because = findings.SIGNER_NOT_YET_VALID
        concerns = [Finding(code, name) for code in (because, *extra) if code is not None]
        if denial is not None:
            concerns.append(Finding(findings.SIGNER_DENIED, denial.about))
        if time_status is TimeStatus.UNTRUSTED:
            concerns.append(Finding(findings.TIME_UNTRUSTED, self.node.time or ""))
        if codes & REVOCATION_UNKNOWN:
            concerns.append(Finding(findings.SIGNER_REVOCATION_UNKNOWN, name))
        signer = Signer(
            status=status,
            list=self._list_name(status, reference),
            name=self.node.signer_name,
            time=_stated_time(stamped, self.node, time_status),
            time_status=time_status,
        )
        return Judgement(signer=signer, decided_by=which, concerns=tuple(sorted(concerns)))

    def _is_too_early(self, reference: datetime) -> bool:
        """Whether the certificate begins only later.

        The status is ``expired`` all the same, for the report has one word for "outside its validity"; the finding
        tells the two apart.
        """
        return self.own is not None and reference < self.own.leaf.not_valid_before_utc

    def _denial(self, codes: set[str], stamped: datetime | None) -> Denial | None:
        """The denylist's entry for this signer; a signature that does not hold proves no certificate at all."""
        denied = self.lists.denied
        if denied is None or self.own is None or "claimSignature.validated" not in codes:
            return None
        chain = self.own.chain
        return denied.denial_of((*chain, *self.lists.issuers(chain)), stamped)

    def _status(
        self, codes: set[str], which: Pass, reference: datetime, *, is_listed: bool
    ) -> tuple[SignerStatus, tuple[str, ...]]:
        """The table's precedence: revoked, wrong purpose, ended, listed, unknown."""
        if "claimSignature.validated" not in codes:
            return SignerStatus.UNKNOWN, (findings.SIGNATURE_INVALID,)
        if "signingCredential.ocsp.revoked" in codes:
            return SignerStatus.REVOKED, ()
        if "signingCredential.invalid" in codes or (self.own is not None and not may_sign_claims(self.own.leaf)):
            return SignerStatus.WRONG_PURPOSE, ()
        if self.own is None:
            unverifiable = (findings.SIGNER_UNVERIFIABLE,) if is_listed else ()
            return (SignerStatus.EXPIRED if codes & (_ENDED | _OUTSIDE) else SignerStatus.UNKNOWN), unverifiable
        if codes & _OUTSIDE or not is_valid_at(self.own.leaf, reference):
            return SignerStatus.EXPIRED, ()
        return (STATUS_OF_PASS[which] if is_listed else SignerStatus.UNKNOWN), ()

    def _listed(self, codes: set[str], reference: datetime) -> tuple[Pass, bool]:
        """The first pass whose list vouches for the signer; the official one where none does.

        A pass is spared where no certificate of the chain was issued under a name on its list.
        """
        if "claimSignature.validated" not in codes:
            return Pass.OFFICIAL, False
        for which in STATUS_OF_PASS:
            anchors = self.lists.anchors[which]
            if self.own is not None and not anchors.could_vouch_for(self.own.chain):
                continue
            if not anchors.certificates:
                continue
            entries = {entry.code for entry in self.run(which)}
            if "signingCredential.trusted" in entries or self._listed_at(which, entries, reference):
                return which, True
        return Pass.OFFICIAL, False

    def _listed_at(self, which: Pass, codes: set[str], reference: datetime) -> bool:
        """Whether the list vouched for the signer at a time that the engine was not asked about.

        Only where the engine's one objection is that the certificate has ended: it knows the machine's clock, not
        ``at``, and it does not know a time-stamp authority that stands on another list than the signer.
        """
        if self.own is None or not codes & _ENDED or codes & (_OUTSIDE | {"signingCredential.invalid"}):
            return False
        if not is_valid_at(self.own.leaf, reference):
            return False
        if which is Pass.INTERIM and self.own.leaf in self.lists.allowed:
            return True
        return self._chains(self.lists.anchors[which], reference)

    def _chains(self, anchors: Anchors, reference: datetime) -> bool:
        own = self.own
        return own is not None and chains_to(own.leaf, own.chain[1:], anchors, at=reference, allowed=SIGNER_PURPOSES)

    def _time(self, first: Iterable[Status]) -> tuple[datetime | None, TimeStatus]:
        """The stamped time if an authority on a loaded list vouches for it.

        Our own check comes first: it is cheap and it may only lower the engine's answer. For version 2 claims the
        pass with the authorities' list must agree; on version 1 claims the engine has no opinion of its own.
        """
        codes = {entry.code for entry in first}
        has_token = any(code.startswith("timeStamp.") for code in codes)
        if self.own is None or not self.own.is_stamped:
            return None, TimeStatus.UNTRUSTED if has_token else TimeStatus.NONE
        stamped = self._own_time(self.own) if "timeStamp.validated" in codes else None
        if stamped is not None and (self.node.claim_version or 1) >= 2:
            agreed = {entry.code for entry in self.run(Pass.TSA)}
            if not {"timeStamp.validated", "timeStamp.trusted"} <= agreed:
                stamped = None
        return stamped, TimeStatus.UNTRUSTED if stamped is None else TimeStatus.TRUSTED

    def _own_time(self, own: Signature) -> datetime | None:
        for tokens, message in ((own.tokens_v1, own.message_v1), (own.tokens_v2, own.message_v2)):
            for encoded in tokens:
                token = parse_token(encoded)
                stamped = None if token is None else stamped_at(token, message, self.lists.time)
                if stamped is not None and stamped <= self.at:
                    return stamped
        return None

    def _list_name(self, status: SignerStatus, reference: datetime) -> str | None:
        if status is not SignerStatus.USER:
            return status.value if status.is_listed else None
        for name, anchors in self.lists.users:
            if self._chains(anchors, reference):
                return name
        return status.value


def _stated_time(stamped: datetime | None, node: Node, status: TimeStatus) -> str | None:
    """The time of the token. One that the signer merely wrote down is a claim like any other and not shown here."""
    if stamped is not None:
        return rfc3339(stamped)
    return None if status is TimeStatus.NONE else node.time
