# SPDX-License-Identifier: Apache-2.0
"""Write a credential and believe it only after having read it again (C2PA 2.2, sections 10 and 14).

What was there before is never lost: a file with credentials is opened as the parent of the new one, in the state it
is in, and what cannot be carried is not signed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from waarmerk.provenance.credentials.certificate_lint import lint
from waarmerk.provenance.credentials.reader import CredentialReader
from waarmerk.provenance.credentials.settings import anchor, refuse_foreign_library
from waarmerk.provenance.credentials.signing_engine import EMBEDDABLE, Made, Order, make, require_authority
from waarmerk.provenance.credentials.signing_keys import Signer
from waarmerk.provenance.credentials.signing_proof import Proof
from waarmerk.provenance.credentials.signing_statement import Statement, Tool
from waarmerk.provenance.errors import ConfigurationError, SigningError, UnsupportedAsset
from waarmerk.provenance.media.content import Content
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_of
from waarmerk.provenance.media.tiff import WIDTH, read_tiff
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import AISignal, Asset, Credential, CredentialState, Finding, Integrity, SignerStatus
from waarmerk.provenance.trust import TrustStore
from waarmerk.provenance.trust.lists import concatenate

# What is to be said about the input. Each has a sentence in ``report/wording``.
PARENT_AI = "signing.parent-ai"
PARENT_BROKEN = "signing.parent-broken"
PARENT_UNLISTED = "signing.parent-unlisted"
PARENT_REMOTE = "signing.parent-remote"
PARENT_KEPT = "signing.parent-kept"
SIGNER_UNLISTED = "signing.signer-unlisted"
BARE_PAGE = "signing.bare-page"
NOTES = frozenset({PARENT_AI, PARENT_BROKEN, PARENT_UNLISTED, PARENT_REMOTE, PARENT_KEPT, SIGNER_UNLISTED, BARE_PAGE})
_LATER = timedelta(minutes=10)  # an authority answers after the decision, by a clock of its own
_AI = (AISignal.GENERATED, AISignal.MODIFIED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a file carries before it is signed. ``label`` names its active manifest."""

    credential: Credential
    label: str | None = None

    @property
    def has_credentials(self) -> bool:
        """Whether there is anything that must not get lost, readable or not."""
        return self.credential.state is not CredentialState.NONE

    @property
    def says_ai(self) -> bool:
        """Whether the credentials say AI, whoever signed them and whether or not they still fit."""
        return self.credential.signal in _AI

    def establishes(self, ai: str | None) -> bool:
        """Whether the credentials say already, intact and by a listed signer, what ``ai`` would say."""
        found = self.credential
        if found.integrity is not Integrity.INTACT or not found.signer.status.is_listed:
            return False
        return found.signal is AISignal.GENERATED or (found.signal is AISignal.MODIFIED and ai == "modified")

    @property
    def notes(self) -> tuple[Finding, ...]:
        """What whoever signs must be told about the input."""
        found, name = self.credential, self.credential.signer.name or ""
        if found.state is CredentialState.NONE:
            return ()
        if found.state is CredentialState.REMOTE:
            return (Finding(PARENT_REMOTE, found.remote_url or ""),)
        notes = [Finding(PARENT_KEPT, name)]
        if found.integrity is not Integrity.INTACT:
            notes.append(Finding(PARENT_BROKEN, found.integrity.value))
        elif not found.signer.status.is_listed:
            notes.append(Finding(PARENT_UNLISTED, name))
        if self.says_ai:
            notes.append(Finding(PARENT_AI, name))
        return tuple(notes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed file that was read again. ``store`` is its manifest store: the sidecar's bytes where there is one."""

    content: Content = field(repr=False)
    store: bytes = field(repr=False)
    is_sidecar: bool
    manifest: str  # label of the new manifest
    credential: Credential
    notes: tuple[Finding, ...] = ()

    @property
    def data(self) -> bytes:
        """The signed file, all of it in memory."""
        return self.content.read()

    @property
    def output(self) -> bytes | Content:
        """What is to be written: the signed file, or the sidecar."""
        return self.store if self.is_sidecar else self.content

    def require_at(self, path: Path) -> None:
        """Raise SigningError unless exactly these bytes, which were read again, stand at ``path``.

        For ``media/write.py``, which asks before a written file takes another one's place.
        """
        output = self.output
        if not (Content.of(output) if isinstance(output, bytes) else output).stands_at(path):
            raise SigningError("signing.not-verified", "what was written is not what was signed")


class CredentialWriter:
    """Signs in one name, under one set of trust lists, at one time.

    Raises ConfigurationError for a certificate that validators refuse, naming the first reason (``lint`` names all).
    ``timestamps`` is the address of an RFC 3161 authority; it is sent a digest, and it learns when who signs.
    """

    def __init__(
        self,
        signer: Signer,
        *,
        trust: TrustStore,
        at: datetime,
        generator: Tool,
        timestamps: str | None = None,
        limits: Limits | None = None,
    ) -> None:
        refuse_foreign_library()
        require_authority(timestamps)
        refused = lint(signer.chain, at)
        if refused:
            raise ConfigurationError(
                "signing.certificate", f"the certificate cannot sign: {', '.join(each.code for each in refused)}"
            )
        self._signer = signer
        self._at = at
        self._trust = trust
        self._generator = generator
        self._timestamps = timestamps
        self._limits = limits or Limits()
        self._reader = CredentialReader(trust, at=at, limits=self._limits)
        # A time-stamp vouches only for what lies before the reader's clock, and this one is made after ``at``.
        self._proving = self._reader
        if timestamps is not None:
            self._proving = CredentialReader(trust, at=at + _LATER, limits=self._limits)

    def survey(self, asset: Asset) -> Survey:
        """What the file carries now."""
        credential = self._reader.read(asset)
        manifests = self._reader.manifests(asset) if credential.state is CredentialState.EMBEDDED else ()
        return Survey(credential=credential, label=manifests[0].label if manifests else None)

    def sign(
        self, content: Asset, statement: Statement, *, parent: Asset | None = None, sidecar: bool = False
    ) -> Signed:
        """Sign ``content``, read the result again, and return it; nothing is written anywhere.

        ``parent`` is the file before our changes; it must be given where the statement opens something, and may be
        ``content`` itself. Raises SigningError: ``signing.has-provenance``, ``signing.other-provenance``,
        ``signing.parent-unreadable``, ``signing.no-parent``, ``signing.ai-denied``, ``signing.needs-sidecar``,
        ``signing.refused``, ``signing.signer-failed``, ``signing.not-verified``.
        """
        own = self.survey(content)
        before = self._admit(content, own, statement, parent)
        if sidecar and own.credential.state is CredentialState.EMBEDDED:
            raise SigningError("signing.sidecar", "the file carries credentials inside: new ones go there too")
        if not sidecar and content.media_type not in EMBEDDABLE:
            raise SigningError(
                "signing.needs-sidecar", f"no credential can be embedded in {content.media_type}; --sidecar writes one"
            )
        made = make(
            Order(
                content=content,
                manifest=statement.to_manifest(content.media_type, self._generator),
                parent=parent,
                anchors=self._anchors(before),
                is_sidecar=sidecar,
                authority=self._timestamps,
            ),
            self._signer,
        )
        return self._proved(made, content, statement, before, sidecar)

    def _admit(self, content: Asset, own: Survey, statement: Statement, parent: Asset | None) -> Survey | None:
        """The survey of the parent, or None where there is none. Raises SigningError where something would get lost."""
        if not statement.opens:
            if parent is not None or own.has_credentials:
                raise SigningError(
                    "signing.has-provenance", "the file has credentials: it cannot be stated as newly created"
                )
            return None
        if parent is None:
            raise SigningError("signing.no-parent", "what is opened must be given")
        before = own if parent is content else self.survey(parent)
        if before.credential.state is CredentialState.UNREADABLE or (
            own.credential.state is CredentialState.UNREADABLE
        ):
            raise SigningError(
                "signing.parent-unreadable", "the file has credentials that cannot be read, and they would get lost"
            )
        if own.label not in (None, before.label):
            raise SigningError("signing.other-provenance", "the content has credentials that the parent has not")
        if statement.denies_ai and before.says_ai:
            raise SigningError(
                "signing.ai-denied", "the credentials of the file say AI: it is not signed as without AI"
            )
        return before

    def _anchors(self, before: Survey | None) -> tuple[Mapping[str, str], ...]:
        """Whom the engine may call trusted when it records the parent: the one list our own reader found it on.

        Never the interim list, and no list where our reader found none: the record would say more than we know.
        """
        status = SignerStatus.NONE if before is None else before.credential.signer.status
        lists = {SignerStatus.OFFICIAL: (self._trust.official,), SignerStatus.USER: self._trust.user}.get(status, ())
        held = [each for each in lists if each is not None]
        if not held:
            return ()
        found = [anchor("manifest", status.value, concatenate(held))]
        if self._trust.time_anchors:
            found.append(anchor("tsa", "tsa", concatenate(self._trust.time_anchors)))
        return tuple(found)

    def _proved(self, made: Made, content: Asset, statement: Statement, before: Survey | None, sidecar: bool) -> Signed:
        proof = Proof(
            reader=self._proving,
            chain=self._signer.chain,
            lists=self._trust.user,
            at=self._at,
            statement=statement,
            parent=None if before is None else before.label,
            limits=self._limits,
        )
        if sidecar:
            label, credential = proof.of_sidecar(content, made.store)
        else:
            label, credential = proof.of_embedded(self._opened(made.content, content.media_type))
        notes = () if before is None else before.notes
        if not credential.signer.status.is_listed:
            notes = (*notes, Finding(SIGNER_UNLISTED, credential.signer.name or ""))
        if not sidecar and content.media_type == "image/tiff" and _has_bare_page(made.content, self._limits):
            notes = (*notes, Finding(BARE_PAGE))
        return Signed(
            content=made.content,
            store=made.store,
            is_sidecar=sidecar,
            manifest=label,
            credential=credential,
            notes=notes,
        )

    def _opened(self, content: Content, media_type: str) -> Asset:
        """The signed file as any reader here would open it: it must still be what it was."""
        try:
            asset = asset_of(content, name=None, limits=self._limits)
        except UnsupportedAsset:
            asset = None
        if asset is None or asset.media_type != media_type:
            raise SigningError("signing.needs-sidecar", f"with credentials inside it is no longer read as {media_type}")
        return asset


def _has_bare_page(content: Content, limits: Limits) -> bool:
    """Whether a TIFF has a directory without a picture: there the engine puts the credentials of several pages."""
    tiff = read_tiff(Window(content.open(), content.size))
    return tiff is not None and any(WIDTH not in each.fields for each in tiff.directories(limits))
