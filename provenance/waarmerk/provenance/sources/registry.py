# SPDX-License-Identifier: Apache-2.0
"""Known pictures as evidence.

The registry proposes and never imposes: a verified match that was entered as AI is a claim (by the registry, never
automatic), one entered as a capture speaks against AI only where nothing of note differs, and what could not be
verified is named as a finding and carries no label.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from waarmerk.provenance.credentials.composed import is_put_together
from waarmerk.provenance.errors import LimitExceeded, StoreError, UnsupportedAsset
from waarmerk.provenance.media.image import decode_rgb
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.model import (
    Asset,
    Assurance,
    Channel,
    ChannelState,
    Claimant,
    Evidence,
    Finding,
    MarkFinding,
    Origin,
)
from waarmerk.provenance.registry.clip_finder import ClipFinder, clip_stretches
from waarmerk.provenance.registry.finder import NEARLY_ALL, Bytes, Finder, Found, origins, ties, upright
from waarmerk.provenance.registry.model import Basis, BindingKind, Entry, Role, State
from waarmerk.provenance.registry.signals import Signals
from waarmerk.provenance.registry.store import Store
from waarmerk.provenance.sources import EvidenceSource, Examination
from waarmerk.provenance.sources.carried import with_its_parts, with_its_whole
from waarmerk.provenance.sources.told import evidence_of, hint, match_of

CODES = frozenset(
    {
        "registry.known",
        "registry.known-part",
        "registry.mirrored",
        "registry.not-carried",
        "registry.edit",
        "registry.candidate",
        "registry.not-compared",
        "registry.lost",
        "registry.told",
        "registry.fact-checked-told",
        "registry.capture",
        "registry.fact-checked",
        "registry.fact-checked-part",
        "registry.fact-checked-edit",
        "registry.has-manifest",
        "registry.disputed",
        "registry.disputed-part",
        "registry.debunk",
        "registry.debunk-part",
        "registry.signal",
        "registry.undecodable",
    }
)
_MOST_OF_IT = 0.5  # of the issued picture, and of the examined one, before a mark is bound to what was issued
_CANDIDATES_NAMED = 3


class RegistrySource:
    """Looks a file up in one registry: by digest, by the marks that another source finds in it, by its pixels."""

    def __init__(self, store: Store, finder: Finder, limits: Limits, *, marks: EvidenceSource | None) -> None:
        """``marks`` is the search for watermarks, where there is one; its findings are handed on with ours."""
        self._store = store
        self._finder = finder
        self._signals = Signals(store)
        self._limits = limits
        self._marks = marks

    def examine(self, asset: Asset) -> Examination:
        """What is known of ``asset``; content never makes this raise."""
        seen = self._marks.examine(asset) if self._marks is not None else Examination()
        try:
            rgb = self._pixels(asset)
            found = with_its_whole(with_its_parts(counted(self._found(asset, rgb, seen.marks))))
            found = tuple(map(self._asked_for_parts, found))
            seen = bound(seen, self._issued(found, rgb))
            hints = self._hints(rgb)
        except StoreError as error:
            return self._unread(seen, "registry.unreadable", Finding(error.code))
        except Exception:  # the file chose these pixels: what fails on them must not lose the rest of the report
            return self._unread(seen, "registry.unreadable", Finding("registry.search-failed"))
        known = {each.entry.number for each in found if each.verified}
        if rgb is None and not known and asset.media_type.startswith("image/"):
            seen = replace(seen, matches=tuple(match_of(each) for each in found))
            return self._unread(seen, "registry.undecodable", Finding("registry.undecodable"))
        hints = tuple(each for each in hints if each[0].number not in known)  # of that very file more is told
        return replace(
            seen,
            evidence=(*seen.evidence, *_told(found), *map(hint, hints)),
            channels=(*seen.channels, _channel(found, is_hinted=bool(hints))),
            matches=tuple(match_of(each) for each in found),
        )

    def _pixels(self, asset: Asset) -> Bytes | None:
        if not asset.media_type.startswith("image/"):
            return None
        try:
            return upright(decode_rgb(asset, self._limits))
        except (UnsupportedAsset, LimitExceeded):
            return None  # its digest can still be known

    def _found(self, asset: Asset, rgb: Bytes | None, marks: tuple[MarkFinding, ...]) -> tuple[Found, ...]:
        pairs = [(m.key_id, bytes.fromhex(m.payload)) for m in marks if m.key_id is not None and m.payload is not None]
        digest = bytes.fromhex(asset.sha256)
        if asset.media_type in VIDEO_TYPES:
            return ClipFinder(self._store, self._finder).find(digest, clip_stretches(asset, self._limits), pairs)
        return self._finder.find(digest, rgb, pairs)

    def _asked_for_parts(self, found: Found) -> Found:
        """With what the kept credentials of an entry tell of parts, where that decides."""
        entry = found.entry
        if entry.manifest is None or entry.origin is not Origin.AI_GENERATED or not found.verified:
            return found
        if found.share >= NEARLY_ALL:
            return found
        try:
            data = self._store.files.get(entry.manifest, max_bytes=self._limits.manifest_bytes)
        except StoreError:
            return replace(found, is_put_together=True)  # it cannot be asked: nothing is said of a part
        return replace(found, is_put_together=is_put_together(data))

    def _hints(self, rgb: Bytes | None) -> tuple[tuple[Entry, int], ...]:
        return () if rgb is None or not self._signals.any() else self._signals.near(ties(rgb))

    def _issued(self, found: tuple[Found, ...], rgb: Bytes | None) -> dict[tuple[str, str], Origin]:
        """The marks, as key id and payload, of what was labelled here and is seen in these pixels; and what it is."""
        return {
            (tie.key_id or "", tie.value.hex()): each.entry.origin
            for each in found
            if _is_issued(each, rgb)
            for tie in self._store.bindings_of(each.entry.number).get(each.entry.number, ())
            if tie.kind is BindingKind.WATERMARK
        }

    def _unread(self, seen: Examination, why: str, finding: Finding) -> Examination:
        evidence = Evidence(
            channel="registry", claimant=Claimant.REGISTRY, assurance=Assurance.UNREADABLE, findings=(finding,)
        )
        channel = Channel(name="registry", state=ChannelState.UNREAD, why=why)
        return replace(seen, evidence=(*seen.evidence, evidence), channels=(*seen.channels, channel))


def _channel(found: tuple[Found, ...], *, is_hinted: bool) -> Channel:
    """Not read where nothing is known for sure because what was kept to compare with cannot be read."""
    if any(each.is_lost for each in found) and not any(each.verified for each in found):
        return Channel(name="registry", state=ChannelState.UNREAD, why="registry.incomplete")
    return Channel(name="registry", state=ChannelState.FOUND if found or is_hinted else ChannelState.NONE)


def _named(found: tuple[Found, ...]) -> Iterator[Found]:
    """All that is verified; a few of what could not be compared; a few of the rest where nothing is verified."""
    verified = [each for each in found if each.verified]
    lost = [each for each in found if each.is_lost and not each.verified]
    yield from verified
    yield from lost[:_CANDIDATES_NAMED]
    if not verified:
        yield from [each for each in found if not each.is_lost][: max(0, _CANDIDATES_NAMED - len(lost))]


def _told(found: tuple[Found, ...]) -> Iterator[Evidence]:
    """The evidence of what is named; only of one of them it says that recovery gives its credentials back."""
    kept = next((each for each in origins(found) if each.entry.manifest is not None), None)
    for each in _named(found):
        yield evidence_of(each, gives_back=each is kept)


def counted(found: tuple[Found, ...]) -> tuple[Found, ...]:
    """What was found, without the copies that are none.

    What a fact-check published shows the picture that it is about, stamped: whoever posts that posts the fact-check,
    and no copy of the picture.
    """
    stamped = [each for each in found if _is_all_of_a_debunk(each)]
    return tuple(each for each in found if not any(_is_of(each, other) for other in stamped))


def _is_all_of_a_debunk(found: Found) -> bool:
    """Whether all that a fact-check published is there, its stamp too, whatever stands beside it."""
    entry = found.entry
    is_debunk = entry.role is Role.DEBUNK and entry.state is State.ACTIVE
    return is_debunk and found.whole and found.share >= NEARLY_ALL


def _is_of(found: Found, stamped: Found) -> bool:
    """Whether ``found`` is there only because the picture of the fact-check shows it."""
    same = set(found.entry.fact_checks) & set(stamped.entry.fact_checks)
    return found.entry.role is Role.ITEM and bool(same) and _nearness(stamped) > _nearness(found)


def _nearness(found: Found) -> tuple[bool, bool, float]:
    return found.kind == "exact", found.whole, 0.0 if found.resemblance is None else found.resemblance.share


def bound(seen: Examination, issued: Mapping[tuple[str, str], Origin]) -> Examination:
    """``seen`` with the marks bound that were issued for these very pixels; what the ledger said already stands."""
    marks, evidence = [], list(seen.evidence)
    for mark in seen.marks:
        origin = issued.get((mark.key_id or "", mark.payload or ""))
        if origin is None or mark.bound is not None or not mark.detected:
            marks.append(mark)
            continue
        marks.append(replace(mark, bound=True))
        evidence = [_proof(each, origin) if each.channel == f"watermark:{mark.key_id}" else each for each in evidence]
    return replace(seen, marks=tuple(marks), evidence=tuple(evidence))


def _proof(evidence: Evidence, origin: Origin) -> Evidence:
    """The evidence of a mark that is bound; one that says nothing of AI still says nothing."""
    says = origin if evidence.origin.is_ai and origin.is_ai else evidence.origin
    return replace(evidence, assurance=Assurance.TRUSTED, origin=says, findings=())


def _is_issued(found: Found, rgb: Bytes | None) -> bool:
    """Whether this is what was labelled here: most of it, filling most of the picture, and nothing that is disputed."""
    entry, seen = found.entry, found.resemblance
    if entry.basis is not Basis.ISSUED or entry.issuer is not None or entry.state is not State.ACTIVE:
        return False
    if found.kind == "exact":
        return True
    if entry.media_type in VIDEO_TYPES:
        return found.verified  # all of it was looked at, and no frame shows something else
    if rgb is None or seen is None or not seen.verified or seen.region is None:
        return False
    filled = seen.region[2] * seen.region[3] / (rgb.shape[0] * rgb.shape[1])
    return seen.overlap >= _MOST_OF_IT and filled >= _MOST_OF_IT
