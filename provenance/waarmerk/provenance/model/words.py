# SPDX-License-Identifier: Apache-2.0
"""The smallest words of the domain: origin, tier, assurance, finding."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Origin(StrEnum):
    """Where content comes from. There is no word for "real": absence of marks proves nothing."""

    UNKNOWN = "unknown"
    CAPTURED = "captured"
    CREATED = "created"
    AI_GENERATED = "ai-generated"
    AI_MODIFIED = "ai-modified"

    @property
    def is_ai(self) -> bool:
        """Whether generative AI made or changed the content."""
        return self in (Origin.AI_GENERATED, Origin.AI_MODIFIED)


class Tier(StrEnum):
    """How well an AI finding stands."""

    PROVEN = "proven"
    CLAIMED = "claimed"
    SUSPECTED = "suspected"
    NONE = "none"


class Assurance(IntEnum):
    """How far one piece of evidence can be relied on, weakest first."""

    UNREADABLE = 0  # the source could not look; not the same as finding nothing
    ABSENT = 1  # looked and found nothing; says nothing about the origin
    INVALID = 2  # found, but broken or altered
    INDIRECT = 3  # points at an origin without stating it: tool name, mark from elsewhere, unfetched store
    DECLARED = 4  # stated, but nothing binds the statement to the content
    VALID = 5  # bound and intact, but who made it is not established
    TRUSTED = 6  # bound and intact, and its maker is on a list the caller trusts


class Claimant(StrEnum):
    """Who makes a claim about the origin."""

    UPLOADER = "uploader"
    SIGNER = "unknown-signer"  # the report's word; a listed signer is not a claimant but a proof
    METADATA = "unsigned-metadata"
    MARK = "mark"
    REGISTRY = "registry"
    CLASSIFIER = "classifier"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One fact that was verified, or could not be.

    ``code`` is the code its standard gives it, verbatim, or one of our own (``source.what``, lower case).
    ``about`` names what it is about (a box, a manifest, a signer): text that may come from the file and is
    escaped wherever it is shown. The sentence a person reads stands with the code in ``report/wording``.
    """

    code: str
    about: str = ""
