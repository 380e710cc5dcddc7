# SPDX-License-Identifier: Apache-2.0
"""What a worker process can be asked to do with one file; every answer is plain data."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from waarmerk.provenance.build import (
    applied_rules,
    assemble,
    load_trust,
    mark_searches,
    opener,
    tool_version,
)
from waarmerk.provenance.credentials import CredentialReader, load_engine
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.jobs.detectors import closed_sources
from waarmerk.provenance.jobs.frames import Written
from waarmerk.provenance.jobs.resolving import Resolving
from waarmerk.provenance.labelling.applied import AppliedRules
from waarmerk.provenance.labelling.loader import load_packs
from waarmerk.provenance.media.open import File, open_asset
from waarmerk.provenance.model import Report
from waarmerk.provenance.pipeline import Basis, Decided, Verifier
from waarmerk.provenance.report.document import Writer, to_dict
from waarmerk.provenance.report.wording import LANGUAGES, wording
from waarmerk.provenance.settings import Settings
from waarmerk.provenance.trust import TrustStore, seen_at, state_of
from waarmerk.provenance.verdict import weigh

# What is imported with the first file that has need of it, so that a command which needs none of it starts at once.
_LOADED_WITH_FILES = (
    "cryptography.hazmat.backends.openssl.backend",
    "cryptography.hazmat.primitives.serialization",
    "defusedxml.ElementTree",
    "_strptime",
    "zoneinfo",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lists:
    """What holds at one time; ``state`` is that of the files its trust was read from."""

    at: datetime
    state: tuple[object, ...]
    trust: TrustStore
    reader: CredentialReader


class Workbench:
    """What a worker process can be asked to do. Keeps what is costly to build between tasks."""

    def __init__(self, settings: Settings) -> None:
        """Raises ConfigurationError where the settings cannot be used."""
        self._settings = settings
        self._version = tool_version()
        self._packs = load_packs(settings.rule_packs, weigh=weigh)
        self._rules = applied_rules(self._packs, settings, settings.context)
        self._detectors = closed_sources(settings.declared_detectors, settings.limits)
        self._writer = Writer(tool_version=self._version)
        self._lists: _Lists | None = None
        self._verifier: tuple[_Lists, Verifier] | None = None
        self._searcher: tuple[datetime, Verifier] | None = None
        self._resolving = Resolving(settings)

    def perform(
        self,
        verb: str,
        file: File,
        *,
        named: bool,
        at: datetime,
        facts: Sequence[str] = (),
        options: Mapping[str, Any] | None = None,
        written: bool = False,
    ) -> Any:
        """Do ``verb`` with a file, by its path or its bytes; the answer is plain data.

        Raises ConfigurationError, KeyError.

        ``written``: a report that nothing stands beside is ``Written``.

        ``facts`` are further ``field=value`` for the rules, on top of the context of the settings. ``options`` are
        ``record`` and ``fingerprint`` for ``verify`` and ``dossier``, which then answer ``{"answer", "record",
        "fingerprint"}``, and ``withhold``, by which no marks are searched and no detectors asked; for ``export``
        they are the keywords of ``report.exports.forms.export``, for ``stands`` ``store``, the file of a manifest
        store, and for ``resolve`` ``alg``, ``max_results`` and ``withhold``.
        """
        wishes = dict(options or {})
        if verb == "export":
            return self._export(file, at, facts, wishes)
        if verb in ("verify", "dossier"):
            record, withhold = bool(wishes.get("record")), bool(wishes.get("withhold"))
            decided = self._decided(file, at, facts, record=record, withhold=withhold)
            if written and verb == "verify" and not record and not wishes.get("fingerprint"):
                return Written(self._writer.written(_as_named(decided.report, named)))
            answer = self._told(decided, named) if verb == "verify" else self._dossier(file, decided, named, at)
            if not record and not wishes.get("fingerprint"):
                return answer
            seen = self._fingerprint(file) if wishes.get("fingerprint") else None
            return {"answer": answer, "record": decided.record, "fingerprint": seen}
        if verb == "stands":
            return self._stands(file, Path(str(wishes["store"])), at)
        if verb == "resolve":
            return self._resolving.matches(file, wishes)
        if verb == "marks":
            return self._search(file, named, at)
        if verb == "rubric":
            return self._rubric(file, named, at)
        if verb in ("keyframes", "hashes"):
            return self._key_frames(file) if verb == "keyframes" else self._resolving.hashes(file)
        return {"tree": self._tree, "detailed": self._detailed, "crjson": self._crjson, "features": self._features}[
            verb
        ](file, at)

    def warm(self, at: datetime) -> None:
        """Load now what any file may need: lists, engine, keys, sentences. Starts no thread, opens no database, gives
        the engine nothing to hold, so that this process may go on in a child. Raises ConfigurationError.
        """
        lists = self._lists_at(at)
        load_engine()
        lists.reader.prepare()
        for language in LANGUAGES:
            wording(language)
        for module in _LOADED_WITH_FILES:
            import_module(module)
        bare = replace(self._settings, ledger=None, registry=None)
        assemble(bare, lists.trust, self._rules, at, reader=lists.reader)
        if self._settings.registry is not None:
            import waarmerk.provenance.registry.finder  # noqa: PLC0415 - only a registry pays
            import waarmerk.provenance.sources.registry  # noqa: F401, PLC0415

    def _lists_at(self, at: datetime) -> _Lists:
        """The lists at one time. A service asks for another with every second; they are read when they change."""
        held = self._lists
        if held is None or held.at != at:
            state = state_of(self._settings.trust, data_folder=self._settings.data_folder)
            if held is not None and held.state == state:
                trust, reader = seen_at(held.trust, at), held.reader.turned_to(at)
            else:
                trust = load_trust(self._settings, at=at)
                reader = CredentialReader(trust, at=at)
            held = self._lists = _Lists(at=at, state=state, trust=trust, reader=reader)
        return held

    def _verifier_at(self, at: datetime) -> Verifier:
        lists = self._lists_at(at)
        if self._verifier is None or self._verifier[0] is not lists:
            verifier = assemble(
                self._settings, lists.trust, self._rules, at, detectors=self._detectors, reader=lists.reader
            )
            self._verifier = lists, verifier
        return self._verifier[1]

    def _decided(
        self, file: File, at: datetime, facts: Sequence[str] = (), *, record: bool = False, withhold: bool = False
    ) -> Decided:
        if not facts and not withhold:
            return self._verifier_at(at).decide(file, record=record)
        held = self._lists_at(at)
        verifier = assemble(
            self._settings,
            held.trust,
            self._rules_with(facts),
            at,
            detectors=self._detectors,
            withheld=withhold,
            reader=held.reader,
        )
        return verifier.decide(file, record=record)

    def _fingerprint(self, file: File) -> list[str] | None:
        """PDQ of the picture in its eight orientations, hex, upright first; None where nothing can be decoded."""
        from waarmerk.provenance.media.image import decode_rgb  # noqa: PLC0415 - only for this form
        from waarmerk.provenance.registry.hashes import pdq_orientations  # noqa: PLC0415

        try:
            picture = decode_rgb(open_asset(file, limits=self._settings.limits), self._settings.limits)
            return [each.hex() for each in pdq_orientations(picture.rgb)]
        except Exception:  # the file chose these pixels; who asks for a fingerprint treats none as the worst case
            return None

    def _rules_with(self, facts: Sequence[str]) -> AppliedRules:
        return applied_rules(self._packs, self._settings, (*self._settings.context, *facts)) if facts else self._rules

    def _told(self, decided: Decided, named: bool) -> dict[str, Any]:
        return to_dict(_as_named(decided.report, named), tool_version=self._version)

    def _export(self, file: File, at: datetime, facts: Sequence[str], options: Mapping[str, Any]) -> dict[str, Any]:
        """The data of one export, and whether an AI finding was left out of it that waits for a person."""
        from waarmerk.provenance.labelling.record import decision_digest  # noqa: PLC0415 - only for this form
        from waarmerk.provenance.report.exports.forms import export  # noqa: PLC0415

        report, record = self._decided(file, at, facts, record=True)
        if report.fault is not None or record is None:
            raise UnsupportedAsset(report.fault.code if report.fault else "media.unreadable", "nothing to export")
        public = self._rules_with(facts).publishable(report.verdict)
        return export(report, at=at, decision=decision_digest(record), publishable=public, **options)

    def _dossier(self, file: File, decided: Decided, named: bool, at: datetime) -> dict[str, Any]:
        """The report, and what a dossier shows beside it where the file could be examined."""
        from waarmerk.provenance.report.dossier import payload  # noqa: PLC0415 - only for this form

        document = self._told(decided, named)
        if document["status"] != "examined":
            return {"report": document, "dossier": None}
        asset = open_asset(file, limits=self._settings.limits)
        return {"report": document, "dossier": payload(asset, self._reader(at).manifests(asset), self._settings.limits)}

    def _reader(self, at: datetime) -> CredentialReader:
        return self._lists_at(at).reader

    def _search(self, file: File, named: bool, at: datetime) -> dict[str, Any]:
        """A report in which nothing but watermarks was looked for; only its asset and its watermarks mean anything."""
        if self._searcher is None or self._searcher[0] != at:
            self._searcher = (
                at,
                Verifier(
                    open_asset=opener(self._settings.limits),
                    sources=mark_searches(self._settings),
                    basis=Basis(trust_lists=()),
                    rules=None,
                    at=at,
                ),
            )
        return to_dict(_as_named(self._searcher[1].verify(file), named), tool_version=self._version)

    def _key_frames(self, file: File) -> list[dict[str, Any]]:
        """Pictures out of a clip: ``seconds``, ``width``, ``height`` and ``jpeg`` in base64."""
        from waarmerk.provenance.media.video import key_frames  # noqa: PLC0415 - only for this form

        found = key_frames(open_asset(file, limits=self._settings.limits), self._settings.limits)
        return [
            {
                "seconds": one.seconds,
                "width": one.picture.width,
                "height": one.picture.height,
                "jpeg": b64encode(one.picture.data).decode("ascii"),
            }
            for one in found
        ]

    def _tree(self, file: File, at: datetime) -> list[dict[str, Any]]:
        asset = open_asset(file, limits=self._settings.limits)
        return [asdict(manifest) for manifest in self._reader(at).manifests(asset)]

    def _features(self, file: File, at: datetime) -> dict[str, Any]:
        """What a registry keeps of a file."""
        from waarmerk.provenance.build import build_extractor  # noqa: PLC0415 - only where files are entered

        return build_extractor(self._settings, self._lists_at(at).trust, at=at).features(file).to_json()

    def _stands(self, file: File, store: Path, at: datetime) -> dict[str, Any]:
        """What the manifest store in another file is worth beside this one."""
        from waarmerk.provenance.credentials.standing import stands  # noqa: PLC0415 - only for what was recovered

        limits = self._settings.limits
        with store.open("rb") as stream:
            data = stream.read(limits.manifest_bytes)
        found = stands(open_asset(file, limits=limits), data, self._reader(at).read, limits)
        signer = found.credential.signer
        return {
            "label": found.label,
            "signature": found.signature.value,
            "content": found.content.value,
            "signer": {"status": signer.status.value, "name": signer.name, "verified_name": signer.verified_name},
            "ai": {"source_types": list(found.credential.source_types), "signal": found.credential.signal.value},
            "generator": found.credential.generator,
            "bindings": [{"alg": alg, "value": value} for alg, value in found.bindings],
        }

    def _detailed(self, file: File, at: datetime) -> Any:
        return self._reader(at).detailed(open_asset(file, limits=self._settings.limits))

    def _crjson(self, file: File, at: datetime) -> Any:
        return self._reader(at).crjson(open_asset(file, limits=self._settings.limits))

    def _rubric(self, file: File, named: bool, at: datetime) -> dict[str, Any]:
        """The official asset rubric on the crJSON, and beside it what we make of the file."""
        from waarmerk.provenance.credentials.rubric import evaluate  # noqa: PLC0415 - only for this form

        report = self._told(self._decided(file, at), named)
        document = self._crjson(file, at)
        ours = {"report": {key: report[key] for key in ("status", "error", "verdict", "credentials")}}
        return {"crjson": document, "rubric": evaluate(document), **ours}


def _as_named(report: Report, named: bool) -> Report:
    """The report without the name of the file, unless that is told."""
    return report if named else replace(report, asset=replace(report.asset, name=None))
