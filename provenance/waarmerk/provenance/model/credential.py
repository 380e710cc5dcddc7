# SPDX-License-Identifier: Apache-2.0
"""A Content Credential on its separate axes, and a read-only view of its manifest store.

No axis is computed from another: an altered file may still have a listed signer, an unlisted signer an intact file.
Specification: C2PA 2.2, sections 10 (manifests), 14 (trust model), 15 (validation).
"""

from dataclasses import dataclass
from enum import StrEnum

from waarmerk.provenance.model.source_types import origin_of
from waarmerk.provenance.model.words import Finding, Origin


class CredentialState(StrEnum):
    """Whether there is a manifest store, and where."""

    NONE = "none"
    EMBEDDED = "embedded"
    SIDECAR = "sidecar"
    REMOTE = "remote"  # the file names an address; nothing is fetched
    UNREADABLE = "unreadable"


class Integrity(StrEnum):
    """Whether the bytes are those that were signed."""

    INTACT = "intact"
    ALTERED = "altered"  # a real hash or signature mismatch, nothing less
    MALFORMED = "malformed"  # a rule is broken, nothing hashed has changed
    UNCHECKED = "unchecked"


class SignerStatus(StrEnum):
    """On whose list the claim signer stands."""

    OFFICIAL = "official"
    INTERIM = "interim"
    USER = "user"
    UNKNOWN = "unknown"
    EXPIRED = "expired"  # outside its validity: ended, or not yet begun (finding ``signer.not-yet-valid``)
    REVOKED = "revoked"
    WRONG_PURPOSE = "wrong-purpose"
    NONE = "none"

    @property
    def is_listed(self) -> bool:
        """Whether a list that the caller trusts vouches for the signer."""
        return self in (SignerStatus.OFFICIAL, SignerStatus.INTERIM, SignerStatus.USER)


class TimeStatus(StrEnum):
    """Whether a time-stamp authority on a loaded list vouches for the time of signing."""

    TRUSTED = "trusted"
    UNTRUSTED = "untrusted"
    NONE = "none"


class Identity(StrEnum):
    """What the CAWG identity assertion comes to."""

    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    UNAVAILABLE = "unavailable"  # needs the network, which is never used
    FAILED = "failed"
    NONE = "none"


class Chain(StrEnum):
    """Whether the ingredients are accounted for."""

    COMPLETE = "complete"
    OPEN = "open"  # at least one ingredient has no credentials of its own
    BROKEN = "broken"  # a failure was recorded at signing or is found now
    MISSING = "missing"  # a manifest is referred to but absent
    NONE = "none"  # no ingredients at all


class AISignal(StrEnum):
    """What the credential's actions say about AI, after the official asset rubric."""

    GENERATED = "generated"
    MODIFIED = "modified"
    POSSIBLE = "possible"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signed and when. ``verified_name`` only where the signer is listed and the claim signature holds.

    ``list`` is the id of the trust list that names the signer (``official``, ``interim``, ``user:FILE``), ``time``
    RFC 3339 in UTC as the time-stamp states it, whatever ``time_status`` says of its authority.
    """

    status: SignerStatus = SignerStatus.NONE
    list: str | None = None
    name: str | None = None
    verified_name: bool = False
    time: str | None = None
    time_status: TimeStatus = TimeStatus.NONE

    def __post_init__(self) -> None:
        if self.verified_name and not self.status.is_listed:
            raise ValueError("a name is verified only where the signer is on a list")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One recorded action (C2PA 2.2, section 18.14). Texts are the file's own."""

    action: str
    source_type: str | None = None
    when: str | None = None
    tool: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingredient:
    """One ingredient of the active manifest.

    ``state`` is ``intact``, ``broken``, ``missing`` (its manifest is referred to but absent) or ``none`` (it has no
    credentials); ``signal`` what AI its own line says.
    """

    title: str | None
    relationship: str
    state: str
    signal: AISignal = AISignal.NONE
    manifest: str | None = None  # label of its manifest in the store


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One manifest of the store, for the tree.

    Its identity is ``claim_sha256`` together with the label: a label alone can be changed without notice. ``signer`` is
    on whose list its signer stands, None where nothing refers to the manifest.
    """

    label: str
    claim_sha256: str | None
    claim_version: int | None
    title: str | None
    generator: str | None
    signer_name: str | None
    signed_at: str | None
    signer: SignerStatus | None = None
    actions: tuple[Action, ...] = ()
    assertions: tuple[str, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    failures: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondOpinion:
    """What an independent engine says about integrity."""

    engine: str
    agrees: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What is said of AI: the source types, as published URIs, and what the actions come to."""

    source_types: tuple[str, ...] = ()
    signal: AISignal = AISignal.NONE

    @property
    def origin(self) -> Origin:
        """The origin it comes to.

        A picture is "generated" only where the asset itself is said to be: an AI type that stands elsewhere, in a
        placed part or in a later edit, makes a modified one.
        """
        origin = origin_of(self.source_types)
        if origin is Origin.AI_GENERATED and self.signal is not AISignal.GENERATED:
            return Origin.AI_MODIFIED
        if not origin.is_ai and self.signal in (AISignal.GENERATED, AISignal.MODIFIED):
            return Origin.AI_MODIFIED
        return origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One credential, axis by axis.

    ``source_types`` are all digital source types stated by the active manifest and its ingredients, down to the
    leaves, as published URIs, sorted; where a listed signer states no AI, only those that a list supports: its own and
    those of the line of parents whose signers are listed too. ``vouched`` is the part of the statement that the active
    signer makes, or one below whom a list vouches for as well; None where no AI is stated. The rest is the claim of
    strangers, whoever signed on top. ``capture_bars`` are the reasons why a capture stated here is not an authentic
    one. ``codes`` are C2PA status codes of the active manifest, ``ingredient_codes`` those of others.
    ``unhashed_bytes`` counts bytes of the file that no hash covers.
    """

    state: CredentialState = CredentialState.NONE
    integrity: Integrity = Integrity.UNCHECKED
    signer: Signer = Signer()
    identity: Identity = Identity.NONE
    chain: Chain = Chain.NONE
    source_types: tuple[str, ...] = ()
    signal: AISignal = AISignal.NONE
    vouched: Statement | None = None
    generator: str | None = None
    actions: tuple[Action, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    remote_url: str | None = None
    unhashed_bytes: int = 0
    validation_state: str | None = None
    codes: tuple[str, ...] = ()
    ingredient_codes: tuple[str, ...] = ()
    concerns: tuple[Finding, ...] = ()
    capture_bars: tuple[Finding, ...] = ()
    second_opinion: SecondOpinion | None = None

    def __post_init__(self) -> None:
        if self.signer.verified_name and self.integrity is not Integrity.INTACT:
            raise ValueError("a name is verified only where the credential is intact")
        if self.state in (CredentialState.NONE, CredentialState.REMOTE) and self.integrity is not Integrity.UNCHECKED:
            raise ValueError("what was not read was not checked")

    @property
    def stated(self) -> Statement:
        """All that is said of AI, whoever says it."""
        return Statement(source_types=self.source_types, signal=self.signal)
