# SPDX-License-Identifier: Apache-2.0
"""Content Credentials as evidence."""

from dataclasses import replace
from typing import Protocol

from waarmerk.provenance.media import carries_credentials
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Credential,
    CredentialState,
    Evidence,
    Finding,
    Integrity,
    Origin,
    SignerStatus,
)
from waarmerk.provenance.sources import Examination

_NAME = "c2pa"
_REMOTE_ONLY = "credentials.remote-only"
_SIGNER_ASSURANCE = {
    SignerStatus.OFFICIAL: Assurance.TRUSTED,
    SignerStatus.INTERIM: Assurance.TRUSTED,
    SignerStatus.USER: Assurance.TRUSTED,
    SignerStatus.UNKNOWN: Assurance.VALID,
    SignerStatus.EXPIRED: Assurance.VALID,
    SignerStatus.REVOKED: Assurance.INVALID,
    SignerStatus.WRONG_PURPOSE: Assurance.INVALID,
    SignerStatus.NONE: Assurance.INVALID,
}


class Reader(Protocol):
    """Anything that reads a credential, as ``credentials.CredentialReader`` does."""

    def read(self, asset: Asset) -> Credential:
        """The credential of ``asset``; content never makes it raise."""
        ...


class CredentialSource:
    """What the manifest store of an asset says, as far as its integrity and its signer allow it to speak."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def examine(self, asset: Asset) -> Examination:
        """Read the credential and put it on the scale of assurance."""
        credential = self._reader.read(asset)
        return Examination(
            evidence=evidence_of(credential), channels=(_channel(credential, asset),), credential=credential
        )


def reconciled(examined: Examination, asset: Asset) -> Examination:
    """Where the file's own metadata names a store elsewhere and none was found in it, that store was not read.

    Two readers look at one file: the credential's finds the address as text, the metadata's understands every way in
    which XMP can be written. "No credentials" holds only where both say so.
    """
    credential, declared = examined.credential, examined.declarations
    if credential is None or credential.state is not CredentialState.NONE or declared is None:
        return examined
    if not declared.remote_manifest:
        return examined
    remote = replace(
        credential,
        state=CredentialState.REMOTE,
        remote_url=declared.remote_manifest,
        concerns=tuple(sorted({*credential.concerns, Finding(_REMOTE_ONLY, declared.remote_manifest)})),
    )
    return replace(
        examined,
        credential=remote,
        evidence=(*evidence_of(remote), *(each for each in examined.evidence if each.channel != _NAME)),
        channels=(_channel(remote, asset), *(each for each in examined.channels if each.name != _NAME)),
    )


def assurance_of(credential: Credential) -> Assurance:
    """The row of the contract's table for this credential: integrity first, then the signer."""
    if credential.state is CredentialState.NONE:
        return Assurance.ABSENT
    if credential.state is CredentialState.REMOTE:
        return Assurance.INDIRECT if credential.source_types else Assurance.UNREADABLE
    if credential.integrity is Integrity.UNCHECKED:
        return Assurance.UNREADABLE
    if credential.integrity is not Integrity.INTACT:
        return Assurance.INVALID
    return _SIGNER_ASSURANCE[credential.signer.status]


def evidence_of(credential: Credential) -> tuple[Evidence, ...]:
    """A credential as evidence: what its signer answers for, and beside it what only strangers say.

    A listed editor does not vouch for a stranger's word below it. What it states itself is trusted; what the whole
    store says beyond that is evidence of its own, no better than a valid signature of anybody.
    What an altered or malformed credential says of AI stays a suspicion; any other origin stated there counts for
    nothing, as does whatever an unread store might say.
    """
    assurance, origin = assurance_of(credential), credential.stated.origin
    rest: tuple[Evidence, ...] = ()
    if assurance is Assurance.TRUSTED and credential.vouched is not None:
        vouched = credential.vouched.origin
        if not vouched.is_ai or (vouched is Origin.AI_MODIFIED and origin is Origin.AI_GENERATED):
            rest = (_evidence(Assurance.VALID, origin),)
        origin = vouched if vouched.is_ai else Origin.UNKNOWN
    if assurance <= Assurance.ABSENT or (assurance <= Assurance.INDIRECT and not origin.is_ai):
        origin = Origin.UNKNOWN
    first = replace(_evidence(assurance, origin), bars=credential.capture_bars, findings=credential.concerns)
    return (first, *rest)


def _evidence(assurance: Assurance, origin: Origin) -> Evidence:
    return Evidence(channel=_NAME, claimant=Claimant.SIGNER, assurance=assurance, origin=origin)


def _channel(credential: Credential, asset: Asset) -> Channel:
    if not carries_credentials(asset.media_type):
        return Channel(name=_NAME, state=ChannelState.UNREAD, why="credentials.unsupported")
    match credential.state:
        case CredentialState.NONE:
            return Channel(name=_NAME, state=ChannelState.NONE)
        case CredentialState.REMOTE | CredentialState.UNREADABLE:
            return Channel(name=_NAME, state=ChannelState.UNREAD, why=f"credentials.{credential.state}")
        case _:
            return Channel(name=_NAME, state=ChannelState.FOUND)
