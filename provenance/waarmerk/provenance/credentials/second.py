# SPDX-License-Identifier: Apache-2.0
"""A second opinion on integrity, by an engine that shares no code with the first (encypher-c2pa, Rust, Apache-2.0).

Two validators that disagree on whether a file is as it was signed are a finding, and the weaker result counts: an
opinion can lower a credential, never raise it. Trust is not asked for: no list is loaded there.

The engine is called below its Python wrapper. The wrapper writes the choice of telemetry into the user's home on
every call, and an ``online`` left unset can be switched on by the environment (``ENCYPHER_C2PA_ONLINE``); here both
are stated as off in every call, and nothing is written.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from waarmerk.provenance.credentials import findings
from waarmerk.provenance.credentials.status import ALTERED, UNCHECKED, statuses
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.model import (
    Asset,
    Credential,
    CredentialState,
    Finding,
    Integrity,
    SecondOpinion,
)
from waarmerk.provenance.trust.lists import rfc3339

DISTRIBUTION = "encypher-c2pa"
MAX_BYTES = 128 * 1024 * 1024  # the engine's own limit for a file; it takes the whole of it into memory
_INACCESSIBLE = "manifest.inaccessible"
_HOLDS_NOT = frozenset({Integrity.ALTERED, Integrity.MALFORMED})


class Reader(Protocol):
    """Anything that reads a credential, as ``CredentialReader`` does."""

    def read(self, asset: Asset) -> Credential:
        """The credential of ``asset``; content never makes it raise."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opinion:
    """What the second engine found: whether there is a manifest at all, and whether it holds."""

    is_present: bool
    integrity: Integrity


class SecondEngine:
    """The independent engine. Content never makes it raise; ``at`` is its time of validation."""

    def __init__(self, *, at: datetime) -> None:
        """Raises ConfigurationError where the engine is not installed."""
        try:
            self._verify = import_module("encypher_c2pa").verify_bytes
            self.name = f"{DISTRIBUTION} {version(DISTRIBUTION)}"
        except (ImportError, AttributeError, PackageNotFoundError) as fault:
            raise ConfigurationError(
                "engines.not-installed",
                "the second engine is not installed; install it with: pip install 'waarmerk[second-opinion]'",
            ) from fault
        self._options = json.dumps(
            {
                "no_default_trust": True,
                "validation_time": rfc3339(at),
                "online": False,
                "telemetry": {"enabled": False, "endpoint": None, "sdk_name": "waarmerk"},
            }
        )

    def examine(self, asset: Asset) -> Opinion | None:
        """Its opinion; None where it has none: a format it does not read, a file too large, a fault of its own."""
        if asset.bytes > MAX_BYTES:
            return None
        with asset.open() as stream:
            data = stream.read()
        try:
            document = json.loads(self._verify(data, asset.media_type, self._options))
        except (MemoryError, KeyboardInterrupt, SystemExit):
            raise
        except BaseException:  # "unsupported" and "limit" are ValueErrors, a panic of its native side is no Exception
            return None
        return opinion_of(document)


def opinion_of(document: Any) -> Opinion | None:
    """Read one answer. ``present`` comes first: a file without a manifest is "invalid" to this engine too."""
    if not isinstance(document, Mapping) or not isinstance(document.get("present"), bool):
        return None
    if not document["present"]:
        return Opinion(is_present=False, integrity=Integrity.UNCHECKED)
    if document.get("integrity") == "valid":
        return Opinion(is_present=True, integrity=Integrity.INTACT)
    failed = {entry.code for entry in statuses(document.get("validation_results")) if entry.kind == "failure"}
    if failed & ALTERED or document.get("hard_binding") == "mismatch":
        integrity = Integrity.ALTERED
    elif failed & (UNCHECKED | {_INACCESSIBLE}) or document.get("integrity") != "invalid":
        integrity = Integrity.UNCHECKED
    else:
        integrity = Integrity.MALFORMED
    return Opinion(is_present=True, integrity=integrity)


def agrees(credential: Credential, opinion: Opinion) -> bool:
    """Whether both say the same of integrity: it holds, it does not, or there was nothing to be read."""
    if credential.state is CredentialState.NONE:
        return not opinion.is_present
    if credential.integrity is Integrity.UNCHECKED:
        return opinion.integrity is not Integrity.INTACT
    return (credential.integrity in _HOLDS_NOT) == (opinion.integrity in _HOLDS_NOT) and (
        opinion.integrity is not Integrity.UNCHECKED
    )


def weaker(credential: Credential, opinion: Opinion | None, *, engine: str) -> Credential:
    """The credential with the opinion beside it, lowered where the opinion is the weaker one, never raised."""
    if opinion is None:
        silent = credential.state not in (CredentialState.NONE, CredentialState.REMOTE)
        return _with_concern(credential, Finding(findings.ENGINES_SILENT, engine)) if silent else credential
    same = agrees(credential, opinion)
    judged = replace(credential, second_opinion=SecondOpinion(engine=engine, agrees=same))
    if same:
        return judged
    seen = str(opinion.integrity) if opinion.is_present else "no manifest"
    judged = _with_concern(judged, Finding(findings.ENGINES_DISAGREE, f"{engine}: {seen}"))
    if judged.state is CredentialState.NONE:
        return replace(judged, state=CredentialState.UNREADABLE)
    if judged.integrity is Integrity.INTACT:
        signer = replace(judged.signer, verified_name=False)
        return replace(judged, integrity=opinion.integrity, signer=signer)
    return judged


def _with_concern(credential: Credential, concern: Finding) -> Credential:
    return replace(credential, concerns=tuple(sorted({*credential.concerns, concern})))


class WithSecondOpinion:
    """A reader whose every answer is held against the second engine's."""

    def __init__(self, first: Reader, second: SecondEngine) -> None:
        self._first = first
        self._second = second

    def read(self, asset: Asset) -> Credential:
        """The weaker of both answers."""
        return weaker(self._first.read(asset), self._second.examine(asset), engine=self._second.name)
