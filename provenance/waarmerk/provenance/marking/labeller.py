# SPDX-License-Identifier: Apache-2.0
"""Label one file, in one straight line: mark, visible label, one encoding with XMP, the mark found again, signed,
verified as a stranger would, remembered, and only then moved into place.

Nothing of the original is claimed falsely or lost in silence: earlier credentials become the parent, what a rewrite
drops is listed, and a layer that cannot be written stops the work unless less is allowed.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from waarmerk.provenance.credentials.signing import CredentialWriter, Signed, Survey
from waarmerk.provenance.credentials.signing_engine import EMBEDDABLE
from waarmerk.provenance.errors import ConfigurationError, Error, LimitExceeded, SigningError, UnsupportedAsset
from waarmerk.provenance.labelling.fields import ASSUMED, DERIVED
from waarmerk.provenance.marking.admission import Admission
from waarmerk.provenance.marking.cleaning import cleaned
from waarmerk.provenance.marking.convert import Start, started
from waarmerk.provenance.marking.declare import declared
from waarmerk.provenance.marking.drawing import Drawn, draw, shows_the_same
from waarmerk.provenance.marking.placing import Place, issuance_of, sidecar_of
from waarmerk.provenance.marking.plan import SOURCE_TYPES, Gap, Layer, MarkingPlan, Says, Wishes
from waarmerk.provenance.marking.statement import statement_of
from waarmerk.provenance.marking.watermark import Mark, Marker
from waarmerk.provenance.media import Content, Limits, asset_of, decode_rgb, open_asset
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.media.write import Uncertain, require_room
from waarmerk.provenance.metadata.personal import STAYS, personal
from waarmerk.provenance.model import AISignal, Asset, Integrity, Report
from waarmerk.provenance.registry import Issuance, Ledger

_DECLARED = {Says.GENERATED: "ai", Says.MODIFIED: "ai_partial", Says.NONE: "not_ai"}
_SIGNALS = (AISignal.GENERATED, AISignal.MODIFIED)

Facts = tuple[str, ...]


class Refused(Error):
    """The file is not labelled as asked, and nothing was written. ``gaps`` are the layers that stopped it."""

    def __init__(self, code: str, message: str, gaps: tuple[Gap, ...] = ()) -> None:
        super().__init__(code, message)
        self.gaps = gaps


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A file with all layers but the credentials. ``content`` is what is to be signed; a clip lies on the disk."""

    source: Path
    asset: Asset
    survey: Survey
    wishes: Wishes
    drawn: Drawn
    content: Asset
    is_converted: bool
    plan: MarkingPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What was written, with ``beside`` the sidecar. ``report`` is our own examination of it, ``payload`` its name in
    the ledger; ``doubt`` says why it is there but perhaps not for good. ``registered`` names it in the registry, and
    ``unregistered`` is the code of what kept it out; both None where no registry was asked to remember it.
    """

    target: Path
    beside: Path | None
    plan: MarkingPlan
    signed: Signed
    report: Report
    payload: bytes | None
    bytes_before: int
    bytes_after: int
    doubt: Uncertain | None = None
    registered: str | None = None
    unregistered: str | None = None


# Enters a finished file into a registry: the file, its manifest store, its mark and what it is; its name there.
Register = Callable[[Asset, bytes, Mark | None, Says], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeller:
    """Labels files in one name, with one key, at one time.

    ``examine`` is our own verifier: it is given an asset and the facts of its maker. ``writer`` and ``marker`` are
    None where there are no keys; then a file can be prepared, not written. ``ledger`` None remembers nothing.
    ``register`` enters what says AI into the registry once it is there.
    """

    survey: Callable[[Asset], Survey]
    admission: Admission
    examine: Callable[[Asset, Facts], Report]
    writer: CredentialWriter | None
    marker: Marker | None
    ledger: Ledger | None
    at: datetime
    limits: Limits
    register: Register | None = None

    def prepare(self, source: Path, wishes: Wishes) -> Prepared:
        """Everything but signing and writing.

        Raises Refused (codes of ``admission``; ``label.partial`` where a clip is of a type that cannot take all layers
        and less was not allowed), UnsupportedAsset and LimitExceeded for a file that cannot be read,
        ConfigurationError for keys and texts that do not fit.
        """
        asset = _opened(source, self.limits)
        survey = self.survey(asset)
        self._admit(asset, survey, wishes)
        start = started(asset, self.limits) if wishes.says.is_ai else Start(asset=asset)
        self._require_layers(start.asset, wishes)
        drawn = draw(start.asset, wishes, self.marker, self.limits)
        made, removed = cleaned(drawn, start.asset.media_type, wishes, self.limits)
        made, gaps, replaced = self._stated(made, drawn.gaps, start.asset.media_type, wishes)
        gaps = (*gaps, *_unembedded(start.asset, wishes))
        content = asset_of(made, name=asset.name, limits=Limits())
        left = personal(content, self.limits)
        if wishes.strips_personal and not STAYS.issuperset(left):
            raise Refused("label.personal-stays", "personal details stay where they cannot be taken out")
        missing = {gap.layer for gap in gaps} | ({Layer.LEDGER} if drawn.mark is None or self.ledger is None else set())
        plan = MarkingPlan(
            layers=tuple(layer for layer in wishes.layers if layer not in missing),
            gaps=gaps,
            losses=_without_parent(tuple(sorted({*start.losses, *drawn.losses, *removed, *replaced})), survey),
            notes=survey.notes,
            words=drawn.words,
            corner=drawn.corner,
            on_detail=drawn.on_detail,
            report=self.examine(content, _facts(wishes, drawn)),
            personal=left,
        )
        return Prepared(
            source=source,
            asset=asset,
            survey=survey,
            wishes=wishes,
            drawn=replace(drawn, content=Content.of(b"")),  # ``content`` holds it
            content=content,
            is_converted=start.is_converted,
            plan=plan,
        )

    def write(
        self,
        prepared: Prepared,
        target: Path,
        *,
        force: bool = False,
        others: Collection[Path] = (),
        most: int | None = None,
        is_wanted: Callable[[], bool] = lambda: True,
    ) -> Labelled:
        """Sign, verify, remember, and move into place; on any failure everything is as it was.

        ``others`` are files that are to stand beside ``target``: none of them shares its sidecar; ``most`` bytes are
        written, sidecar and all. ``is_wanted`` is asked last, before anything is remembered.
        Raises Refused (``label.partial``) where a layer is missing and less was not allowed, (``label.takes-long``)
        where it would be more bytes or (``label.not-wanted``), SigningError, StoreError, and ConfigurationError of
        ``write_together``.
        """
        place = _place(prepared, target, others, force=force)
        signed, final, report = self._signed(prepared, target)
        if most is not None and final.bytes + len(signed.store) * signed.is_sidecar > most:
            raise Refused("label.takes-long", "what is made of it is larger than an answer")
        issuance = self._issuance(prepared, final, signed)
        if not is_wanted():
            raise Refused("label.not-wanted", "nobody wants it any more; nothing is written")
        doubt = place.put(signed, issuance=issuance, ledger=self.ledger, at=self.at)
        return Labelled(
            target=target,
            beside=place.beside,
            plan=prepared.plan,
            signed=signed,
            report=report,
            payload=None if prepared.drawn.mark is None else prepared.drawn.mark.payload,
            bytes_before=prepared.asset.bytes,
            bytes_after=final.bytes,
            doubt=doubt,
            **self._registered(prepared, final, signed),
        )

    def _registered(self, prepared: Prepared, final: Asset, signed: Signed) -> dict[str, str]:
        """What became of it in the registry. The file is there by now, so nothing that fails here is raised."""
        if self.register is None or not prepared.wishes.says.is_ai:
            return {}
        try:
            return {"registered": self.register(final, signed.store, prepared.drawn.mark, prepared.wishes.says)}
        except Error as error:
            return {"unregistered": error.code}

    def rehearse(
        self,
        prepared: Prepared,
        target: Path,
        *,
        force: bool = False,
        others: Collection[Path] = (),
        makes_folder: bool = False,
    ) -> None:
        """Everything ``write`` does but writing; raises what it would raise, as far as that can be known before."""
        _place(prepared, target, others, force=force, makes_folder=makes_folder)
        signed, final, _ = self._signed(prepared, target)
        require_room(target.parent, final.bytes + len(signed.store) * signed.is_sidecar)
        if self.ledger is not None and self._issuance(prepared, final, signed) is not None:
            self.ledger.require()

    def _signed(self, prepared: Prepared, target: Path) -> tuple[Signed, Asset, Report]:
        """The finished file, where nobody sees it yet, and our own examination of it."""
        plan = prepared.plan
        if plan.gaps and not prepared.wishes.allow_partial:
            raise _partial(plan.gaps)
        if self.writer is None:
            raise ConfigurationError("keys.none", "there are no keys to sign with; waarmerk keys init makes them")
        statement = statement_of(
            prepared.wishes, prepared.drawn, plan, prepared.survey, is_converted=prepared.is_converted, at=self.at
        )
        parent = prepared.asset if statement.opens else None
        signed = self.writer.sign(prepared.content, statement, parent=parent, sidecar=prepared.wishes.sidecar)
        final = asset_of(signed.content, name=target.name, limits=Limits())
        return signed, final, self._verified(prepared, final, signed)

    def _admit(self, asset: Asset, survey: Survey, wishes: Wishes) -> None:
        """Raise where what is asked contradicts what the file says."""
        if wishes.says.is_ai:
            if self.marker is not None:
                self.marker.require(ai=True)
            code = self.admission.against_label(asset, survey, says=wishes.says.value)
        else:
            code = self.admission.against_none(asset, survey, despite_traces=wishes.despite_traces)
        if code is not None:
            raise Refused(code, "the file says otherwise of itself; nothing is written")

    def _require_layers(self, asset: Asset, wishes: Wishes) -> None:
        """Raise Refused where a clip cannot take all layers, by its type: minutes of encoding would be for nothing."""
        if asset.media_type not in VIDEO_TYPES - EMBEDDABLE or not wishes.says.is_ai or wishes.allow_partial:
            return
        with asset.open() as stream:
            _, gaps, _ = self._stated(Content.copied(stream), (), asset.media_type, wishes)
        if gaps := (*gaps, *_unembedded(asset, wishes)):
            raise _partial(gaps)

    def _stated(
        self, content: Content, gaps: tuple[Gap, ...], media_type: str, wishes: Wishes
    ) -> tuple[Content, tuple[Gap, ...], tuple[Loss, ...]]:
        """The file with the declaration in its XMP, and the earlier declarations that it takes the place of."""
        if Layer.METADATA not in wishes.layers:
            return content, gaps, ()
        try:
            content, lost = declared(content, media_type, wishes, self.limits)
        except (UnsupportedAsset, LimitExceeded):
            return content, (*gaps, Gap(layer=Layer.METADATA, code="label.no-xmp")), ()
        return content, gaps, lost

    def _verified(self, prepared: Prepared, final: Asset, signed: Signed) -> Report:
        """Our own examination of the finished file. Raises SigningError (``label.not-verified``)."""
        wishes, drawn, layers = prepared.wishes, prepared.drawn, prepared.plan.layers
        report = self.examine(final, _facts(wishes, drawn))
        credential = signed.credential if signed.is_sidecar else report.credential
        declared = report.declarations.source_types if report.declarations is not None else ()
        _demand(report.fault is None and credential is not None, "it cannot be examined")
        _demand(credential is None or credential.integrity is Integrity.INTACT, "its credentials are not intact")
        if wishes.says.is_ai:
            said = signed.is_sidecar or (credential is not None and credential.signal in _SIGNALS)
            _demand(said, "its credentials do not say AI")
            _demand(report.verdict.origin.is_ai, "it is not found to be AI")
        if Layer.METADATA in layers:
            _demand(SOURCE_TYPES[wishes.says.value] in declared, "its metadata do not say AI")
        if drawn.rgb is not None:
            same = np.array_equal(decode_rgb(final, Limits()).rgb, drawn.rgb)
            _demand(same, "its pixels are not those in which the mark was found")
        elif final.media_type.startswith("image/"):
            _demand(shows_the_same(prepared.asset, final, self.limits), "its pixels are not those of the input")
        return report

    def _issuance(self, prepared: Prepared, final: Asset, signed: Signed) -> Issuance | None:
        if Layer.LEDGER not in prepared.plan.layers:
            return None
        return issuance_of(prepared.drawn, signed, final=final, says=prepared.wishes.says, at=self.at)


def _place(
    prepared: Prepared, target: Path, others: Collection[Path], *, force: bool, makes_folder: bool = False
) -> Place:
    """Where it goes. Raises ConfigurationError where it may not, before anything is signed."""
    beside = sidecar_of(target, prepared.source, others=others) if prepared.wishes.sidecar else None
    place = Place(target=target, source=prepared.source, beside=beside, force=force, makes_folder=makes_folder)
    place.require()
    return place


def _unembedded(asset: Asset, wishes: Wishes) -> tuple[Gap, ...]:
    if wishes.sidecar or asset.media_type in EMBEDDABLE:
        return ()
    return (Gap(layer=Layer.CREDENTIALS, code="label.no-embedding"),)


def _partial(gaps: tuple[Gap, ...]) -> Refused:
    return Refused("label.partial", "not all layers can be written; --allow-partial goes on without", gaps)


def _opened(source: Path, limits: Limits) -> Asset:
    try:
        return open_asset(source, limits=limits)
    except OSError as fault:
        raise UnsupportedAsset("media.unreadable", f"{source.name}: {fault.strerror or 'not readable'}") from None


def _facts(wishes: Wishes, drawn: Drawn) -> Facts:
    """What the maker of a file declares by labelling it, for the rules; nobody states the role, so it is assumed."""
    seen = "true" if drawn.words is not None else "false"
    return (f"decl={_DECLARED[wishes.says]}", f"role@{ASSUMED}=deployer", f"has_visible_label@{DERIVED}={seen}")


def _without_parent(losses: tuple[Loss, ...], survey: Survey) -> tuple[Loss, ...]:
    """Credentials that live on as the parent are not lost."""
    return tuple(loss for loss in losses if not (loss.code == "credentials" and survey.has_credentials))


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise SigningError("label.not-verified", f"the labelled file did not verify: {message}; nothing is written")
