# SPDX-License-Identifier: Apache-2.0
"""The proof of a new credential: read again with our own reader, it says what was to be said, signed by whom it should.

``verify_after_sign`` of the engine is on as well; this is the second lock, and it compares words, signer and parent.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from waarmerk.provenance.credentials.container import Embedded, find_stores
from waarmerk.provenance.credentials.cose import OwnView, view_of
from waarmerk.provenance.credentials.ingredients import parents_of
from waarmerk.provenance.credentials.reader import CredentialReader
from waarmerk.provenance.credentials.settings import settings
from waarmerk.provenance.credentials.signing_statement import Statement
from waarmerk.provenance.credentials.status import attribute, integrity_of
from waarmerk.provenance.credentials.store import parse_store
from waarmerk.provenance.errors import SigningError
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import Action, Asset, Credential, CredentialState, Integrity, Signer, SignerStatus
from waarmerk.provenance.trust import TrustList
from waarmerk.provenance.trust.chain import SIGNER_PURPOSES, Anchors, chains_to

_GOOD = (SignerStatus.OFFICIAL, SignerStatus.INTERIM, SignerStatus.USER, SignerStatus.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the result must be. ``parent`` is the label of the manifest that must not have got lost."""

    reader: CredentialReader
    chain: tuple[x509.Certificate, ...]
    lists: tuple[TrustList, ...]  # the operator's own
    at: datetime
    statement: Statement
    parent: str | None
    limits: Limits

    def of_embedded(self, asset: Asset) -> tuple[str, Credential]:
        """The new manifest's label and the credential read. Raises SigningError (``signing.not-verified``)."""
        credential = self.reader.read(asset)
        manifests = self.reader.manifests(asset)
        _demand(credential.state is CredentialState.EMBEDDED and bool(manifests), "no credential can be read")
        _demand(credential.integrity is Integrity.INTACT, f"integrity is {credential.integrity.value}")
        _demand(credential.signer.status in _GOOD, f"the signer is {credential.signer.status.value}")
        label = manifests[0].label
        with asset.open() as stream:
            stores = find_stores(Window(stream, asset.bytes), asset.media_type, self.limits)
        self._demand_view(view_of(stores, label))
        _demand(self._said(credential.actions), "the actions are not those stated")
        parents = [each.manifest for each in credential.ingredients if each.relationship == "parentOf"]
        _demand(len(parents) == self.statement.opens, "there is not one parent")
        _demand(self.parent is None or self.parent in parents, "the earlier credentials got lost")
        return label, credential

    def of_sidecar(self, asset: Asset, store: bytes) -> tuple[str, Credential]:
        """The same for a store beside the file, read with the engine directly; only the operator's own lists count."""
        import c2pa  # noqa: PLC0415  (a native library)

        try:
            context = c2pa.Context.from_dict(settings([]))
            with asset.open() as stream, c2pa.Reader(asset.media_type, stream, store, context=context) as reader:
                read = parse_store(json.loads(reader.json()))
        except MemoryError:
            raise
        except Exception as fault:
            raise _failed(f"the sidecar cannot be read ({type(fault).__name__})") from None
        if read is None:
            raise _failed("the sidecar names no manifest")
        own, _ = attribute(read.entries, read.active, frozenset(read.nodes), parents_of(read))
        integrity, _ = integrity_of(own)
        _demand(integrity is Integrity.INTACT, f"integrity is {integrity.value}")
        self._demand_view(view_of((Embedded(store, 0, len(store)),), read.active))
        actions = tuple(edit.action for edit in read.root.edits)
        _demand(self._said(actions), "the actions are not those stated")
        _demand(self.parent is None or self.parent in read.nodes, "the earlier credentials got lost")
        return read.active, Credential(
            state=CredentialState.SIDECAR,
            integrity=integrity,
            signer=self._signer(read.root.signer_name),
            actions=actions,
            generator=read.root.generator,
            validation_state=read.state,
        )

    def _signer(self, name: str | None) -> Signer:
        for each in self.lists:
            anchors = Anchors.of(each.certificates)
            if chains_to(self.chain[0], self.chain[1:], anchors, at=self.at, allowed=SIGNER_PURPOSES):
                return Signer(status=SignerStatus.USER, list=each.id, name=name, verified_name=name is not None)
        return Signer(status=SignerStatus.UNKNOWN, name=name)

    def _demand_view(self, view: OwnView | None) -> None:
        """The certificate is ours, byte for byte, and the mark is the one that was embedded."""
        _demand(view is not None and view.signature is not None, "the signature cannot be read")
        if view is None or view.signature is None:
            return
        _demand(view.signature.leaf == self.chain[0], "another certificate signed")
        mark = self.statement.mark
        if mark is not None:
            stated = view.assertion("c2pa.soft-binding")
            _demand(isinstance(stated, dict) and stated.get("alg") == mark.scheme, "the mark is not stated")
            _demand(stated["blocks"][0]["value"] == mark.payload.hex(), "another mark is stated")

    def _said(self, actions: tuple[Action, ...]) -> bool:
        stated = [(step.action, step.source_type) for step in self.statement.steps]
        return [(each.action, each.source_type) for each in actions] == stated


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise _failed(message)


def _failed(message: str) -> SigningError:
    return SigningError("signing.not-verified", f"the signed file did not verify: {message}; nothing is written")
