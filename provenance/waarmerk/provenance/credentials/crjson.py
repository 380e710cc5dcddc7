# SPDX-License-Identifier: Apache-2.0
"""crJSON for conformance tools (C2PA 2.4, "Content Credentials JSON"), as of a stated time and stated lists.

The engine writes crJSON, but as of the machine's clock and with one list. What the harness promises, asset and lists
and time in, results out, is set right here for the active manifest: the codes about its signer and its time-stamp are
those of our own judgement. Everything else is the engine's, manifests of ingredients included: about them it states
no signer codes at all. What was replaced stands under ``waarmerk:validation``, so that a reader can tell.

Two deviations of the engine (0.91.3) from the published schema are mended: ``isUpdateManifest`` and
``isCompressedManifest`` are no properties of a manifest, and ``timeStampInfo`` without a time says nothing. What a
file itself states in another form than the schema wants is left as the file states it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from waarmerk.provenance.model import Credential, Edition, SignerStatus, TimeStatus
from waarmerk.provenance.trust.lists import rfc3339

NAMESPACE = "https://waarmerk.org/crjson/1#"
_SIGNER_CODES = frozenset(
    {
        "signingCredential.trusted",
        "signingCredential.untrusted",
        "signingCredential.expired",
        "claimSignature.insideValidity",
        "claimSignature.outsideValidity",
    }
)
_TIME_CODES = frozenset({"timeStamp.trusted", "timeStamp.untrusted"})
_INSIDE = ("success", "claimSignature.insideValidity")
_CODES_OF_SIGNER: Mapping[SignerStatus, tuple[tuple[str, str], ...]] = {
    SignerStatus.OFFICIAL: (("success", "signingCredential.trusted"), _INSIDE),
    SignerStatus.INTERIM: (("success", "signingCredential.trusted"), _INSIDE),
    SignerStatus.USER: (("success", "signingCredential.trusted"), _INSIDE),
    SignerStatus.UNKNOWN: (("failure", "signingCredential.untrusted"), _INSIDE),
    SignerStatus.EXPIRED: (
        ("failure", "signingCredential.untrusted"),
        ("failure", "signingCredential.expired"),
        ("failure", "claimSignature.outsideValidity"),
    ),
    SignerStatus.REVOKED: (("failure", "signingCredential.ocsp.revoked"),),
    SignerStatus.WRONG_PURPOSE: (("failure", "signingCredential.invalid"),),
}
_CODES_OF_TIME: Mapping[TimeStatus, tuple[tuple[str, str], ...]] = {
    TimeStatus.TRUSTED: (("success", "timeStamp.trusted"),),
    TimeStatus.UNTRUSTED: (("informational", "timeStamp.untrusted"),),
}
_KINDS = ("success", "informational", "failure")
_NOT_OF_A_MANIFEST = ("isUpdateManifest", "isCompressedManifest")


def judged(text: str, credential: Credential, *, at: datetime, lists: Sequence[Edition]) -> dict[str, Any]:
    """The engine's crJSON with our judgement in it. Without a store to be read it holds no manifests."""
    document = _parsed(text)
    manifests = document["manifests"]
    moved = [_tidied(each, at) for each in manifests]
    replaced = _judge(manifests[0], credential) if manifests else []
    engine = document.get("jsonGenerator")
    document["jsonGenerator"] = {"name": "waarmerk", "version": version("waarmerk"), "engine": engine}
    document["@context"] = {**_context(document.get("@context")), "waarmerk": NAMESPACE}
    document["waarmerk:validation"] = {
        "validationTime": rfc3339(at),
        "trustLists": [{"id": each.id, "issued": each.issued, "sha256": each.sha256} for each in lists],
        "state": credential.state,
        "integrity": credential.integrity,
        "signer": credential.signer.status,
        "signerList": credential.signer.list,
        "time": credential.signer.time_status,
        "identity": credential.identity,
        "chain": credential.chain,
        "replacedCodes": replaced,
        "manifests": moved,
    }
    return document


def _parsed(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    document = document if isinstance(document, dict) else {}
    manifests = document.get("manifests")
    found = [each for each in manifests if isinstance(each, dict)] if isinstance(manifests, list) else []
    return {**document, "manifests": found}


def _context(stated: Any) -> dict[str, str]:
    return stated if isinstance(stated, dict) else {"@vocab": "https://c2pa.org/crjson"}


def _tidied(manifest: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Bring a manifest into the published form; what is no property of it is returned."""
    results = manifest.get("validationResults")
    if isinstance(results, dict):
        results["validationTime"] = rfc3339(at)
    signature = manifest.get("signature")
    if isinstance(signature, dict):
        stamp = signature.get("timeStampInfo")
        if isinstance(stamp, dict) and not {"timestamp", "certificateInfo"} <= stamp.keys():
            del signature["timeStampInfo"]
    moved = {key: manifest.pop(key) for key in _NOT_OF_A_MANIFEST if key in manifest}
    return {"label": manifest.get("label"), **moved}


def _judge(manifest: dict[str, Any], credential: Credential) -> list[dict[str, str]]:
    """Replace the codes that depend on lists and time. A signature that does not hold is left as it was found."""
    results = manifest.get("validationResults")
    if not isinstance(results, dict):
        return []
    before = _codes(results)
    if "claimSignature.validated" not in before.get("success", ()):
        return []
    url = f"self#jumbf=/c2pa/{manifest.get('label')}/c2pa.signature"
    _replace(results, _SIGNER_CODES, _CODES_OF_SIGNER.get(credential.signer.status, ()), url)
    if credential.signer.time_status is not TimeStatus.NONE:
        _replace(results, _TIME_CODES, _CODES_OF_TIME[credential.signer.time_status], url)
    after = _codes(results)
    gone = [{"code": code, "was": kind} for kind in _KINDS for code in sorted(before[kind] - after[kind])]
    come = [{"code": code, "is": kind} for kind in _KINDS for code in sorted(after[kind] - before[kind])]
    return gone + come


def _replace(results: dict[str, Any], about: frozenset[str], by: Iterable[tuple[str, str]], url: str) -> None:
    """Take out the entries on one subject and put ours in; an entry that says the same keeps the engine's words."""
    wanted = set(by)
    held = {(kind, entry.get("code")): entry for kind in _KINDS for entry in _entries(results, kind)}
    for kind in _KINDS:
        results[kind] = [entry for entry in _entries(results, kind) if entry.get("code") not in about]
    for kind, code in sorted(wanted):
        if any(entry.get("code") == code for entry in results[kind]):
            continue
        ours = {"code": code, "url": url, "explanation": "judged by waarmerk at the validation time"}
        results[kind].append(held.get((kind, code), ours))


def _entries(results: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    found = results.get(kind)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _codes(results: Mapping[str, Any]) -> dict[str, set[str]]:
    return {kind: {str(entry.get("code")) for entry in _entries(results, kind)} for kind in _KINDS}
