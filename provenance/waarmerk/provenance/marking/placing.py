# SPDX-License-Identifier: Apache-2.0
"""The last step of a labelling: what was signed goes into the ledger, then into place."""

import hashlib
from datetime import datetime
from pathlib import Path

from waarmerk.provenance.credentials.signing import Signed
from waarmerk.provenance.errors import SigningError
from waarmerk.provenance.marking.drawing import Drawn
from waarmerk.provenance.marking.plan import Says
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.registry import Issuance, Ledger
from waarmerk.provenance.registry.hashes import fingerprints, thumbnail
from waarmerk.provenance.trust.lists import rfc3339


def issuance_of(drawn: Drawn, signed: Signed, *, media_type: str, says: Says, at: datetime) -> Issuance | None:
    """What the ledger remembers of a file; None for one without a mark."""
    mark, rgb = drawn.mark, drawn.rgb
    if mark is None or rgb is None:
        return None
    marks = fingerprints(rgb)
    return Issuance(
        key_id=mark.key_id,
        payload=mark.payload,
        scheme=mark.scheme,
        issued_at=rfc3339(at),
        says=says.value,
        sha256=hashlib.sha256(signed.data).digest(),
        media_type=media_type,
        width=rgb.shape[1],
        height=rgb.shape[0],
        phash=marks.phash,
        pdq=marks.pdq,
        thumbnail=thumbnail(rgb),
        geometry=mark.geometry,
        manifest=signed.manifest,
    )


def place(
    signed: Signed,
    target: Path,
    *,
    source: Path,
    issuance: Issuance | None,
    ledger: Ledger | None,
    at: datetime,
    force: bool,
) -> None:
    """Write, and remember a moment before the file is moved into place: no mark goes out unrecorded.

    Raises SigningError, StoreError, and ConfigurationError of ``write_file``.
    """
    remembered = False

    def verify(path: Path) -> None:
        nonlocal remembered
        if signed.is_sidecar:
            _demand(path.read_bytes() == signed.data, "the file system does not give back what was written")
        else:
            signed.require_at(path)
        if issuance is not None and ledger is not None:
            ledger.create()
            ledger.add(issuance)
            remembered = True

    beside = target.with_suffix(".c2pa")
    is_new = signed.is_sidecar and not beside.exists()
    if signed.is_sidecar:
        write_file(beside, signed.store, verify=lambda _: None, source=source, force=force)
    try:
        write_file(target, signed.data, verify=verify, source=source, force=force)
    except BaseException:
        if remembered and issuance is not None and ledger is not None:  # it never went out
            ledger.forget(payload=issuance.payload, at=rfc3339(at))
        if is_new:
            beside.unlink()
        raise


def _demand(holds: bool, message: str) -> None:
    if not holds:
        raise SigningError("label.not-verified", f"the labelled file did not verify: {message}; nothing is written")
