# SPDX-License-Identifier: Apache-2.0
"""The composition root: the only place that chooses sources, keys, lists and rules."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.credentials import CredentialReader, SecondEngine, WithSecondOpinion
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.context import Context, FactError, context_of, read_context
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.platforms import require_platforms
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.once import DecodedOnce
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.model import Asset, Origin, Report
from waarmerk.provenance.pipeline import Basis, Opener, Verifier
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.sources import EvidenceSource
from waarmerk.provenance.sources.credentials import CredentialSource, Reader
from waarmerk.provenance.sources.metadata import MetadataSource
from waarmerk.provenance.sources.unread import UnreadChannels, UnusableRegistry
from waarmerk.provenance.trust import TrustStore, load_store
from waarmerk.provenance.verdict import weigh

if TYPE_CHECKING:
    from waarmerk.provenance.credentials.signing_keys import Signer
    from waarmerk.provenance.marking.admission import Admission
    from waarmerk.provenance.marking.labeller import Labeller, Register
    from waarmerk.provenance.marking.plan import Says
    from waarmerk.provenance.marking.watermark import Mark, Marker
    from waarmerk.provenance.recovery import Extractor, Recovery
    from waarmerk.provenance.registry.store import Store


def tool_version() -> str:
    """The version of the installed distribution."""
    return version("waarmerk")


def load_rules(settings: Settings) -> AppliedRules:
    """The rules in force with the context of ``settings``. Raises RulePackError and FactError."""
    return applied_rules(load_packs(settings.rule_packs, weigh=weigh), settings, settings.context)


def applied_rules(
    packs: RuleSet, settings: Settings, given_facts: Iterable[str | Mapping[str, Any]], *, for_maker: bool = False
) -> AppliedRules:
    """These packs with the facts given, texts (``field=value``) or mappings; ``for_maker`` as AppliedRules has it.

    Raises FactError.
    """
    context = Context()
    for given in given_facts:
        if isinstance(given, str):
            context = context.with_facts(*read_context([given], packs.by_name, _no_file).given)
        else:
            context = context.with_facts(*context_of(given, packs.by_name).given)
    require_platforms(settings.platforms, packs.by_name["platform"].values)
    return AppliedRules(packs, context, platforms=settings.platforms, is_asked=settings.labels, for_maker=for_maker)


def _no_file(argument: str) -> Mapping[str, object]:
    raise FactError(f"{argument!r} is not field=value")


def load_trust(settings: Settings, *, at: datetime) -> TrustStore:
    """The trust store that ``settings`` name. Raises TrustListError."""
    return load_store(settings.trust, data_folder=settings.data_folder, at=at)


def build_verifier(settings: Settings | None = None, *, at: datetime | None = None) -> Verifier:
    """A verifier that runs in this process; ``at`` is the clock of its decisions, now if not given.

    For files of strangers use ``jobs.Pool``, which runs verifiers in confined processes.
    Raises ConfigurationError where the settings or the trust store cannot be used, StoreError for a registry.
    """
    moment = at or datetime.now(UTC)
    chosen = settings or Settings()
    if chosen.detectors:
        raise ConfigurationError("settings.detector", "closed detectors run in confined workers only: use jobs.Pool")
    require_registry(chosen)
    return assemble(chosen, load_trust(chosen, at=moment), load_rules(chosen), moment)


def assemble(
    settings: Settings,
    trust: TrustStore,
    rules: AppliedRules,
    at: datetime,
    *,
    detectors: Sequence[EvidenceSource] = (),
    withheld: bool = False,
    reader: CredentialReader | None = None,
) -> Verifier:
    """A verifier from parts that are loaded already; ``detectors`` are the sources of those that the settings declare.

    ``reader`` is one with this trust and this time, where there is one already.

    ``withheld``: neither are keys searched nor detectors asked for this caller; the report says so.
    Raises ConfigurationError where a key is none.
    """
    silent: list[str] = []
    asked = [name for name, _ in settings.declared_detectors] if detectors else []
    if withheld:
        silent = [*(["watermark"] if settings.keys else []), *(f"closed:{name}" for name in asked)]
        settings, detectors = replace(settings, keys=(), ledger=None), ()
    pixels = DecodedOnce(settings.limits)
    sources: list[EvidenceSource] = [
        CredentialSource(_reader(settings, reader or CredentialReader(trust, at=at), at)),
        MetadataSource(settings.limits),
        *_known(settings, mark_searches(settings, pixels)),
        *_pixels(settings, pixels),
        *_open_marks(settings, pixels),
        *detectors,
        UnreadChannels(
            watermark=bool(settings.keys),
            registry=settings.registry is not None,
            open_marks=settings.searches_open_marks,
            asked=asked,
            withheld=silent,
        ),
    ]
    return Verifier(
        open_asset=opener(settings.limits),
        sources=sources,
        basis=Basis(trust_lists=trust.editions, trust_findings=trust.findings),
        rules=rules,
        at=at,
    )


def build_labeller(
    settings: Settings,
    *,
    at: datetime,
    signer: "Signer | None",
    marker: "Marker | None",
    ledger: Path | None,
    timestamps: str | None = None,
    registry: str | None = None,
) -> "Labeller":
    """What labels files with these keys: without ``signer`` it only prepares, without ``ledger`` it forgets at once.
    ``registry`` is where what was labelled is entered, so that copies of it are found again; made if absent.
    The keys and the ledger of ``settings`` are those by which a file is known that carries our label already.

    Raises ConfigurationError for a certificate that validators refuse, and as ``build_verifier`` does.
    """
    from waarmerk.provenance.credentials.signing import CredentialWriter, Survey  # noqa: PLC0415 - only labelling pays
    from waarmerk.provenance.credentials.signing_statement import Tool  # noqa: PLC0415
    from waarmerk.provenance.marking.labeller import Labeller  # noqa: PLC0415
    from waarmerk.provenance.registry import Ledger  # noqa: PLC0415

    trust, packs = load_trust(settings, at=at), load_packs(settings.rule_packs, weigh=weigh)
    reader = CredentialReader(trust, at=at)
    bare = replace(settings, keys=(), ledger=None, registry=None)  # the mark is looked for once, where it is put

    def examine(asset: Asset, facts: tuple[str, ...]) -> Report:
        rules = applied_rules(packs, settings, (*facts, *settings.context), for_maker=True)  # what is given comes later
        return assemble(bare, trust, rules, at).examine(asset)

    generator = Tool(name="waarmerk", version=tool_version())
    writer = None
    if signer is not None:
        writer = CredentialWriter(
            signer, trust=trust, at=at, generator=generator, timestamps=timestamps, limits=settings.limits
        )
    return Labeller(
        survey=lambda asset: Survey(credential=reader.read(asset)),
        admission=build_admission(settings),
        examine=examine,
        writer=writer,
        marker=marker,
        ledger=None if ledger is None else Ledger(ledger),
        at=at,
        limits=settings.limits,
        register=None if registry is None else _registration(replace(bare, registry=registry), at),
    )


def _registration(settings: Settings, at: datetime) -> "Register":
    """What enters finished files into the registry of ``settings``; opened with the first of them."""
    held: list[Recovery] = []

    def register(asset: Asset, manifest: bytes, mark: "Mark | None", says: "Says") -> str:
        if not held:
            held.append(build_recovery(settings, at=at))
        marks = () if mark is None else ((mark.key_id, mark.payload),)
        origin = Origin.AI_GENERATED if says.value == "generated" else Origin.AI_MODIFIED
        return held[0].issue(asset, manifest, marks, origin, at=at).registry_id

    return register


def build_admission(settings: Settings) -> "Admission":
    """What says whether a file may be labelled as asked, with the keys and the ledger of ``settings`` at hand.

    Raises ConfigurationError for a key that cannot be used.
    """
    from waarmerk.provenance.marking.admission import Admission  # noqa: PLC0415 - only labelling pays
    from waarmerk.provenance.metadata import read  # noqa: PLC0415

    searches = mark_searches(settings)
    return Admission(
        declarations=lambda asset: read(asset, settings.limits),
        marks=lambda asset: tuple(mark for search in searches for mark in search.examine(asset).marks),
    )


def _reader(settings: Settings, first: CredentialReader, at: datetime) -> Reader:
    return WithSecondOpinion(first, SecondEngine(at=at)) if settings.second_opinion else first


def mark_searches(settings: Settings, pixels: DecodedOnce | None = None) -> tuple[EvidenceSource, ...]:
    """The search for watermarks, where there is a key. Raises ConfigurationError for a key that cannot be used."""
    if not settings.keys:
        return ()
    from waarmerk.provenance.sources import watermark  # noqa: PLC0415 - 0.3 s of numerics that only keys pay for

    keys, ledger = watermark.load_keys(settings.keys), None
    if settings.ledger is not None:
        from waarmerk.provenance.registry import Ledger  # noqa: PLC0415 - as above

        ledger = Ledger(settings.ledger)
    rate = watermark.MAX_FALSE_POSITIVE
    source = watermark.WatermarkSource(keys, settings.limits, max_false_positive=rate, ledger=ledger, pixels=pixels)
    return (source,)


def _known(settings: Settings, marks: tuple[EvidenceSource, ...]) -> tuple[EvidenceSource, ...]:
    """The search for marks, and the look into a registry that goes by them.

    A registry that cannot be used is a channel that was not read; ``require_registry`` stops a run of one's own.
    """
    if settings.registry is None:
        return marks
    from waarmerk.provenance.registry.finder import Finder  # noqa: PLC0415 - 0.4 s that only a registry pays for
    from waarmerk.provenance.registry.store import Store  # noqa: PLC0415
    from waarmerk.provenance.sources.registry import RegistrySource  # noqa: PLC0415

    found = marks[0] if marks else None
    try:
        require_registry(settings)
    except (ConfigurationError, StoreError) as error:
        return (UnusableRegistry(error.code, marks=found),)
    store = Store(settings.registry)
    return (RegistrySource(store, Finder(store, settings.limits), settings.limits, marks=found),)


def require_registry(settings: Settings, *, wait_seconds: float | None = None) -> None:
    """Raise unless the registry of ``settings``, where they name one, can be read by who examines files.

    ConfigurationError for an address that is none, or of a server: nothing is fetched while strangers' files are
    examined. StoreError for one that is missing, damaged, of another version, or that somebody else has to himself for
    longer than ``wait_seconds`` (as long as usual, if not given).
    """
    if settings.registry is None:
        return
    from waarmerk.provenance.registry.database import WAIT_SECONDS  # noqa: PLC0415 - only a registry pays
    from waarmerk.provenance.registry.store import Store, database_path  # noqa: PLC0415

    if database_path(settings.registry) is None:
        raise ConfigurationError("registry.address", "verify takes a registry in a file; nothing is fetched here")
    Store(settings.registry, wait_seconds=WAIT_SECONDS if wait_seconds is None else wait_seconds).require()


def build_store(settings: Settings, *, writing: bool = False) -> "Store":
    """The registry of ``settings``, not opened yet. Raises ConfigurationError where there is none in the settings.

    The index of one on a server lies in the data folder, by its address.
    """
    from waarmerk.provenance.registry.store import Store, database_path  # noqa: PLC0415 - only a registry pays

    if settings.registry is None:
        raise ConfigurationError("registry.not-named", "name a registry")
    folder = None
    if database_path(settings.registry) is None and settings.data_folder is not None:
        name = hashlib.sha256(settings.registry.encode()).hexdigest()[:16]
        folder = settings.data_folder.parent / "registries" / name
    return Store(settings.registry, folder=folder, writing=writing)


def registry_within_reach(settings: Settings) -> Settings:
    """The settings with a registry that a process without a network can read: of one on a server, a copy in a file.

    The copy lies in the data folder, readable by its owner alone. Raises ConfigurationError, StoreError.
    """
    from waarmerk.provenance.registry.store import Store, database_path  # noqa: PLC0415 - only a registry pays

    if settings.registry is None or database_path(settings.registry) is not None:
        return settings
    from waarmerk.provenance.registry.index import Index  # noqa: PLC0415
    from waarmerk.provenance.registry.mirror import refresh  # noqa: PLC0415

    source = build_store(settings)
    copy = Store(str(source.folder / "copy.sqlite"), writing=True)
    index = Index(copy)
    try:
        refresh(source, copy, forget=index.settle)
        index.seal()
    finally:
        source.close()
    return replace(settings, registry=str(copy.path))


def build_recovery(settings: Settings, *, at: datetime) -> "Recovery":
    """What enters files into the registry of ``settings``, and gives manifests back. The registry is made if absent.

    Raises ConfigurationError where there is no registry in the settings, and as ``build_verifier`` does; StoreError.
    """
    from waarmerk.provenance.recovery import Recovery  # noqa: PLC0415 - only a registry pays

    store = build_store(settings, writing=True)
    store.create()
    return Recovery(store, build_extractor(settings, load_trust(settings, at=at), at=at))


def build_extractor(settings: Settings, trust: TrustStore, *, at: datetime) -> "Extractor":
    """What takes from a file what a registry keeps of it. Raises ConfigurationError for a key that cannot be used."""
    from waarmerk.provenance.recovery import Extractor  # noqa: PLC0415 - only a registry pays

    searches = mark_searches(replace(settings, ledger=None))

    def marks(asset: Asset) -> list[tuple[str, bytes]]:
        seen = [mark for search in searches for mark in search.examine(asset).marks]
        return [(m.key_id, bytes.fromhex(m.payload)) for m in seen if m.key_id is not None and m.payload is not None]

    reader = CredentialReader(trust, at=at)
    return Extractor(open_asset=opener(settings.limits), read=reader.read, marks=marks, limits=settings.limits)


def _pixels(settings: Settings, pixels: DecodedOnce) -> tuple[EvidenceSource, ...]:
    """The look for a picture inside the picture, where pixels are decoded anyway or somebody asked for it."""
    if not settings.pixels and not settings.keys:
        return ()
    from waarmerk.provenance.sources.screenshot import ScreenshotSource  # noqa: PLC0415 - as above

    return (ScreenshotSource(settings.limits, pixels),)


def _open_marks(settings: Settings, pixels: DecodedOnce) -> tuple[EvidenceSource, ...]:
    if not settings.searches_open_marks:
        return ()
    from waarmerk.provenance.sources.open_marks import OpenMarkSource  # noqa: PLC0415 - as above

    return (OpenMarkSource(settings.limits, pixels=pixels),)


def opener(limits: Limits) -> Opener:
    """What opens files within these limits."""
    return lambda file: open_asset(file, limits=limits)
