# SPDX-License-Identifier: Apache-2.0
"""The composition root: the only place that chooses sources, keys, lists and rules."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from waarmerk.provenance.credentials import CredentialReader, SecondEngine, WithSecondOpinion
from waarmerk.provenance.errors import ConfigurationError, StoreError, UnsupportedAsset
from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.context import Context, FactError, context_of, read_context
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.labelling.rules import RuleSet
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.model import Asset, Report
from waarmerk.provenance.pipeline import Basis, Decided, Verifier
from waarmerk.provenance.report.document import to_dict
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.sources import EvidenceSource
from waarmerk.provenance.sources.credentials import CredentialSource, Reader
from waarmerk.provenance.sources.metadata import MetadataSource
from waarmerk.provenance.sources.unread import UnreadChannels
from waarmerk.provenance.trust import TrustStore, load_store
from waarmerk.provenance.verdict import weigh

if TYPE_CHECKING:
    from waarmerk.provenance.credentials.signing_keys import Signer
    from waarmerk.provenance.marking.labeller import Labeller
    from waarmerk.provenance.marking.watermark import Marker
    from waarmerk.provenance.recovery import Recovery


def tool_version() -> str:
    """The version of the installed distribution."""
    return version("waarmerk")


def load_rules(settings: Settings) -> AppliedRules:
    """The rules in force with the context of ``settings``. Raises RulePackError and FactError."""
    return _applied(load_packs(settings.rule_packs, weigh=weigh), settings, settings.context)


def _applied(packs: RuleSet, settings: Settings, given_facts: Iterable[str | Mapping[str, Any]]) -> AppliedRules:
    context = Context()
    for given in given_facts:
        if isinstance(given, str):
            context = context.with_facts(*read_context([given], packs.by_name, _no_file).given)
        else:
            context = context.with_facts(*context_of(given, packs.by_name).given)
    known = packs.by_name["platform"].values
    strangers = [name for name in settings.platforms if name not in known]
    if strangers:
        raise FactError(f"{strangers[0]!r} is no platform; choose from {', '.join(known)}")
    return AppliedRules(packs, context, platforms=settings.platforms)


def _no_file(argument: str) -> Mapping[str, object]:
    raise FactError(f"{argument!r} is not field=value")


def load_trust(settings: Settings, *, at: datetime) -> TrustStore:
    """The trust store that ``settings`` name. Raises TrustListError."""
    return load_store(settings.trust, data_folder=settings.data_folder, at=at)


def build_verifier(settings: Settings | None = None, *, at: datetime | None = None) -> Verifier:
    """A verifier that runs in this process; ``at`` is the clock of its decisions, now if not given.

    For files of strangers use ``jobs.Pool``, which runs verifiers in confined processes.
    Raises ConfigurationError where the settings or the trust store cannot be used.
    """
    moment = at or datetime.now(UTC)
    chosen = settings or Settings()
    return _verifier(chosen, load_trust(chosen, at=moment), load_rules(chosen), moment)


def _verifier(settings: Settings, trust: TrustStore, rules: AppliedRules, at: datetime) -> Verifier:
    sources: list[EvidenceSource] = [
        CredentialSource(_reader(settings, trust, at)),
        MetadataSource(settings.limits),
        *_known(settings, _marks(settings)),
        *_pixels(settings),
        UnreadChannels(watermark=bool(settings.keys), registry=settings.registry is not None),
    ]
    return Verifier(
        open_asset=_opener(settings.limits),
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
) -> "Labeller":
    """What labels files with these keys: without ``signer`` it only prepares, without ``ledger`` it forgets at once.

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
        given = {fact.partition("=")[0] for fact in settings.context if isinstance(fact, str)}
        ours = tuple(fact for fact in facts if fact.partition("=")[0] not in given)
        return _verifier(bare, trust, _applied(packs, settings, (*ours, *settings.context)), at).examine(asset)

    generator = Tool(name="waarmerk", version=tool_version())
    writer = None
    if signer is not None:
        writer = CredentialWriter(
            signer, trust=trust, at=at, generator=generator, timestamps=timestamps, limits=settings.limits
        )
    return Labeller(
        survey=lambda asset: Survey(credential=reader.read(asset)),
        examine=examine,
        writer=writer,
        marker=marker,
        ledger=None if ledger is None else Ledger(ledger),
        at=at,
        limits=settings.limits,
    )


def _reader(settings: Settings, trust: TrustStore, at: datetime) -> Reader:
    first = CredentialReader(trust, at=at)
    return WithSecondOpinion(first, SecondEngine(at=at)) if settings.second_opinion else first


def _marks(settings: Settings) -> tuple[EvidenceSource, ...]:
    """The search for watermarks, where there is a key. Raises ConfigurationError for a key that cannot be used."""
    if not settings.keys:
        return ()
    from waarmerk.provenance.sources import watermark  # noqa: PLC0415 - 0.3 s of numerics that only keys pay for

    keys, ledger = watermark.load_keys(settings.keys), None
    if settings.ledger is not None:
        from waarmerk.provenance.registry import Ledger  # noqa: PLC0415 - as above

        ledger = Ledger(settings.ledger)
    rate = watermark.MAX_FALSE_POSITIVE
    return (watermark.WatermarkSource(keys, settings.limits, max_false_positive=rate, ledger=ledger),)


def _known(settings: Settings, marks: tuple[EvidenceSource, ...]) -> tuple[EvidenceSource, ...]:
    """The search for marks, and the look into a registry that goes by them; a registry that is none stops the run.

    Raises ConfigurationError, for a registry on a server too: nothing is fetched while strangers' files are examined.
    """
    if settings.registry is None:
        return marks
    from waarmerk.provenance.registry.finder import Finder  # noqa: PLC0415 - 0.4 s that only a registry pays for
    from waarmerk.provenance.registry.store import Store, database_path  # noqa: PLC0415
    from waarmerk.provenance.sources.registry import RegistrySource  # noqa: PLC0415

    if database_path(settings.registry) is None:
        raise ConfigurationError("registry.address", "verify takes a registry in a file; nothing is fetched here")
    store = Store(settings.registry)
    try:
        store.require()
    except StoreError as error:
        raise ConfigurationError(error.code, error.message) from error
    found = marks[0] if marks else None
    return (RegistrySource(Finder(store, settings.limits), settings.limits, marks=found),)


def build_recovery(settings: Settings, *, at: datetime) -> "Recovery":
    """What enters files into the registry of ``settings``, and gives manifests back. The registry is made if absent.

    Raises ConfigurationError where there is no registry in the settings, and as ``build_verifier`` does; StoreError.
    """
    from waarmerk.provenance.recovery import Recovery  # noqa: PLC0415 - only a registry pays
    from waarmerk.provenance.registry.store import Store  # noqa: PLC0415

    if settings.registry is None:
        raise ConfigurationError("registry.not-named", "name a registry")
    store = Store(settings.registry, writing=True)
    store.create()
    reader, searches = CredentialReader(load_trust(settings, at=at), at=at), _marks(replace(settings, ledger=None))

    def marks(asset: Asset) -> list[tuple[str, bytes]]:
        seen = [mark for search in searches for mark in search.examine(asset).marks]
        return [(m.key_id, bytes.fromhex(m.payload)) for m in seen if m.key_id is not None and m.payload is not None]

    return Recovery(store, open_asset=_opener(settings.limits), read=reader.read, marks=marks, limits=settings.limits)


def _pixels(settings: Settings) -> tuple[EvidenceSource, ...]:
    """The look for a picture inside the picture, where pixels are decoded anyway or somebody asked for it."""
    if not settings.pixels and not settings.keys:
        return ()
    from waarmerk.provenance.sources.screenshot import ScreenshotSource  # noqa: PLC0415 - as above

    return (ScreenshotSource(settings.limits),)


def _opener(limits: Limits) -> Callable[[Path], Asset]:
    return lambda path: open_asset(path, limits=limits)


class Workbench:
    """What a worker process can be asked to do. Keeps what is costly to build between tasks."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError where the settings cannot be used."""
        self._settings = settings
        self._version = tool_version()
        self._packs = load_packs(settings.rule_packs, weigh=weigh)
        self._rules = _applied(self._packs, settings, settings.context)
        self._built: tuple[datetime, TrustStore, Verifier] | None = None
        self._searcher: tuple[datetime, Verifier] | None = None

    def perform(
        self,
        verb: str,
        path: Path,
        *,
        named: bool,
        at: datetime,
        facts: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Do ``verb`` with the file at ``path``; the answer is plain data. Raises ConfigurationError, KeyError.

        ``facts`` are further ``field=value`` for the rules, on top of the context of the settings. ``options`` are
        ``record`` for ``verify`` and ``dossier``, which then answer ``{"answer", "record"}``; and for ``export`` the
        keywords of ``report.exports.forms.export``.
        """
        if verb == "export":
            return self._export(path, at, facts, options or {})
        if verb in ("verify", "dossier"):
            decided = self._decided(path, at, facts, record=bool((options or {}).get("record")))
            answer = self._told(decided, named) if verb == "verify" else self._dossier(path, decided, named, at)
            return {"answer": answer, "record": decided.record} if (options or {}).get("record") else answer
        if verb == "marks":
            return self._search(path, named, at)
        if verb == "rubric":
            return self._rubric(path, named, at)
        return {"tree": self._tree, "detailed": self._detailed, "crjson": self._crjson}[verb](path, at)

    def _at(self, at: datetime) -> tuple[TrustStore, Verifier]:
        if self._built is None or self._built[0] != at:
            trust = load_trust(self._settings, at=at)
            self._built = (at, trust, _verifier(self._settings, trust, self._rules, at))
        return self._built[1], self._built[2]

    def _decided(self, path: Path, at: datetime, facts: Sequence[str] = (), *, record: bool = False) -> Decided:
        trust, verifier = self._at(at)
        if facts:
            verifier = _verifier(self._settings, trust, self._rules_with(facts), at)
        return verifier.decide(path, record=record)

    def _rules_with(self, facts: Sequence[str]) -> AppliedRules:
        return _applied(self._packs, self._settings, (*self._settings.context, *facts)) if facts else self._rules

    def _told(self, decided: Decided, named: bool) -> dict[str, Any]:
        document = to_dict(decided.report, tool_version=self._version)
        if not named:
            document["asset"]["name"] = None
        return document

    def _export(self, path: Path, at: datetime, facts: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
        """The data of one export, and whether an AI finding was left out of it that waits for a person."""
        from waarmerk.provenance.labelling.record import decision_digest  # noqa: PLC0415 - only for this form
        from waarmerk.provenance.report.exports.forms import export  # noqa: PLC0415

        report, record = self._decided(path, at, facts, record=True)
        if report.fault is not None or record is None:
            raise UnsupportedAsset(report.fault.code if report.fault else "media.unreadable", "nothing to export")
        public = self._rules_with(facts).publishable(report.verdict)
        return export(report, at=at, decision=decision_digest(record), publishable=public, **options)

    def _dossier(self, path: Path, decided: Decided, named: bool, at: datetime) -> dict[str, Any]:
        """The report, and what a dossier shows beside it where the file could be examined."""
        from waarmerk.provenance.report.dossier import payload  # noqa: PLC0415 - only for this form

        document = self._told(decided, named)
        if document["status"] != "examined":
            return {"report": document, "dossier": None}
        asset = open_asset(path, limits=self._settings.limits)
        return {"report": document, "dossier": payload(asset, self._reader(at).manifests(asset), self._settings.limits)}

    def _reader(self, at: datetime) -> CredentialReader:
        return CredentialReader(self._at(at)[0], at=at)

    def _search(self, path: Path, named: bool, at: datetime) -> dict[str, Any]:
        """A report in which nothing but watermarks was looked for; only its asset and its watermarks mean anything."""
        if self._searcher is None or self._searcher[0] != at:
            opener, nobody = _opener(self._settings.limits), Basis(trust_lists=())
            sources = _marks(self._settings)
            self._searcher = at, Verifier(open_asset=opener, sources=sources, basis=nobody, rules=None, at=at)
        document = to_dict(self._searcher[1].verify(path), tool_version=self._version)
        if not named:
            document["asset"]["name"] = None
        return document

    def _tree(self, path: Path, at: datetime) -> list[dict[str, Any]]:
        asset = open_asset(path, limits=self._settings.limits)
        return [asdict(manifest) for manifest in self._reader(at).manifests(asset)]

    def _detailed(self, path: Path, at: datetime) -> Any:
        return self._reader(at).detailed(open_asset(path, limits=self._settings.limits))

    def _crjson(self, path: Path, at: datetime) -> Any:
        return self._reader(at).crjson(open_asset(path, limits=self._settings.limits))

    def _rubric(self, path: Path, named: bool, at: datetime) -> dict[str, Any]:
        """The official asset rubric on the crJSON, and beside it what we make of the file."""
        from waarmerk.provenance.credentials.rubric import evaluate  # noqa: PLC0415 - only for this form

        report = self._told(self._decided(path, at), named)
        document = self._crjson(path, at)
        ours = {"report": {key: report[key] for key in ("status", "error", "verdict", "credentials")}}
        return {"crjson": document, "rubric": evaluate(document), **ours}
