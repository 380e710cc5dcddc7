# SPDX-License-Identifier: Apache-2.0
"""From status codes to axes: the one table (C2PA 2.2, section 15.2; credentials of other years included).

Two rules beside it. The engine's overall state is never used: it lumps tampering, an ended certificate, an identity
that cannot be resolved offline and a broken rule into "Invalid". And a failure that the table does not know makes
the integrity unchecked, never intact.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from waarmerk.provenance.model import Integrity

_BINDINGS = ("dataHash", "bmffHash", "boxesHash", "collectionHash", "multiAssetHash")
_BINDING_PREFIXES = tuple(f"assertion.{name}." for name in _BINDINGS)

ALTERED = frozenset(
    {
        *(f"assertion.{name}.mismatch" for name in _BINDINGS),
        "assertion.hashedURI.mismatch",
        "hashedURI.mismatch",
        "claimSignature.mismatch",
    }
)
MALFORMED = frozenset(
    {
        "claim.missing",
        "claim.multiple",
        "claim.malformed",
        "claim.cbor.invalid",
        "claim.required.missing",
        "claim.hardBindings.missing",
        "claimSignature.missing",
        "assertion.missing",
        "assertion.undeclared",
        "assertion.outsideManifest",
        "assertion.notRedacted",
        "assertion.selfRedacted",
        "assertion.multipleHardBindings",
        "assertion.required.missing",
        "assertion.cbor.invalid",
        "assertion.json.invalid",
        *(f"assertion.{name}.malformed" for name in _BINDINGS),
        "assertion.boxesHash.unknownBox",
        "assertion.collectionHash.incorrectFileCount",
        "assertion.collectionHash.invalidURI",
        "assertion.multiAssetHash.missingPart",
        "assertion.dataHash.redacted",
        "assertion.action.malformed",
        "assertion.action.ingredientMismatch",
        "assertion.action.redacted",
        "assertion.action.redactionMismatch",
        "assertion.ingredient.malformed",
        "assertion.timestamp.malformed",
        "assertion.cloud-data.malformed",
        "assertion.cloud-data.hardBinding",
        "assertion.cloud-data.actions",
        "assertion.metadata.disallowed",
        "hashedURI.missing",
        "manifest.multipleParents",
        "manifest.update.invalid",
        "manifest.update.wrongParents",
        "manifest.timestamp.invalid",
        "manifest.timestamp.wrongParents",
        "manifest.compressed.invalid",
    }
)
UNCHECKED = frozenset({"algorithm.unsupported", "general.error", "assertion.inaccessible"})
MATCHES = frozenset(f"assertion.{name}.match" for name in _BINDINGS)

CHAIN_BROKEN = frozenset(
    {
        "ingredient.manifest.mismatch",
        "ingredient.claimSignature.mismatch",
        "ingredient.claimSignature.missing",
        "ingredient.hashedURI.mismatch",
    }
)
CHAIN_MISSING = frozenset({"ingredient.manifest.missing", "manifest.inaccessible"})
CHAIN_OPEN = frozenset({"ingredient.unknownProvenance"})

EXTRA_EXCLUSIONS = frozenset(f"assertion.{name}.additionalExclusionsPresent" for name in ("dataHash", "bmffHash"))
UNREFERENCED = frozenset({"manifest.unreferenced", "manifest.unknownProvenance"})
REVOCATION_UNKNOWN = frozenset({"signingCredential.ocsp.unknown", "signingCredential.ocsp.inaccessible"})

# Axes of their own: signer, time and identity. Whatever stands there never touches the integrity.
_OTHER_AXES = ("signingCredential.", "timeStamp.", "timeOfSigning.", "cawg.")
_OTHER_KNOWN = frozenset(
    {
        *CHAIN_BROKEN,
        *CHAIN_MISSING,
        *CHAIN_OPEN,
        *EXTRA_EXCLUSIONS,
        *UNREFERENCED,
        "algorithm.deprecated",
        "claimSignature.outsideValidity",
    }
)

_RECORDED_FAILURES = (".mismatch", ".missing", ".invalid", ".malformed")

# What the engine says of a hash whose exclusion covers more, or something else, than the manifest. Nothing hashed
# has changed then: three cameras of 2023 wrote such exclusions, correct by the rules of their day.
_MISPLACED_EXCLUSION = "exclusion does not match the manifest location"


@dataclass(frozen=True, slots=True)
class Status:
    """One status entry of the engine. ``kind`` is success, informational or failure."""

    code: str
    kind: str
    url: str = ""
    explanation: str = ""

    @property
    def manifest(self) -> str | None:
        """The label of the manifest that the url points into, None where it names none."""
        marker = "self#jumbf=/c2pa/"
        if not self.url.startswith(marker):
            return None
        return self.url.removeprefix(marker).partition("/")[0]


def statuses(results: Any) -> Iterator[Status]:
    """The entries of a ``{"success", "informational", "failure"}`` object, whatever else it may hold."""
    if not isinstance(results, Mapping):
        return
    for kind in ("success", "informational", "failure"):
        entries = results.get(kind)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, Mapping) and isinstance(entry.get("code"), str):
                yield Status(entry["code"], kind, str(entry.get("url") or ""), str(entry.get("explanation") or ""))


def attribute(
    entries: Iterable[Status], active: str, others: frozenset[str], line: frozenset[str]
) -> tuple[tuple[Status, ...], tuple[Status, ...]]:
    """Split the entries into those of the active manifest and those of other manifests.

    A url that names no other manifest of this store counts for the active one (fail closed). So do the hard binding
    codes of the line of parents: an update manifest has no binding of its own, its standard manifest binds the file.
    """
    own, foreign = [], []
    for entry in entries:
        label = entry.manifest
        elsewhere = label is not None and label != active and label in others
        if elsewhere and not (label in line and entry.code.startswith(_BINDING_PREFIXES)):
            foreign.append(entry)
        else:
            own.append(entry)
    return tuple(own), tuple(foreign)


def integrity_of(entries: Iterable[Status]) -> tuple[Integrity, tuple[str, ...]]:
    """The integrity that the active manifest's entries come to, and the failure codes that no table knows."""
    seen = tuple(entries)
    altered = any(entry.code in ALTERED and not _is_misplaced(entry) for entry in seen)
    malformed = any(entry.code in MALFORMED or _is_misplaced(entry) for entry in seen)
    unknown = tuple(sorted({entry.code for entry in seen if entry.kind == "failure" and not _is_known(entry.code)}))
    codes = {entry.code for entry in seen}
    if altered:
        return Integrity.ALTERED, unknown
    if malformed:
        return Integrity.MALFORMED, unknown
    if unknown or codes & UNCHECKED:
        return Integrity.UNCHECKED, unknown
    succeeded = {entry.code for entry in seen if entry.kind == "success"}
    if "claimSignature.validated" in succeeded and succeeded & MATCHES:
        return Integrity.INTACT, unknown
    return Integrity.UNCHECKED, unknown


def is_recorded_break(code: str) -> bool:
    """Whether a code recorded about an ingredient, or found there now, breaks the chain.

    Signer, time and identity of an ingredient never do: an unlisted parent is no tampered one.
    """
    if code in ALTERED or code in MALFORMED or code in CHAIN_BROKEN:
        return True
    if code in CHAIN_MISSING or code.startswith(("signingCredential.", "timeStamp.", "timeOfSigning.", "cawg.")):
        return False
    return code.endswith(_RECORDED_FAILURES)


def _is_misplaced(entry: Status) -> bool:
    return entry.code == "assertion.dataHash.mismatch" and _MISPLACED_EXCLUSION in entry.explanation


def _is_known(code: str) -> bool:
    table = ALTERED | MALFORMED | UNCHECKED | _OTHER_KNOWN
    return code in table or code.startswith(_OTHER_AXES)
