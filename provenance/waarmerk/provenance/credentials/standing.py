# SPDX-License-Identifier: Apache-2.0
"""What a manifest store is worth that did not come in the file it is laid beside: found again, or given by a service.

Two questions that are easily taken for one: whether the store is whole as its signer made it, and whether it is about
these very bytes. For a copy that was cut or compressed the second is answered no, and the first may well be yes.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from waarmerk.provenance.credentials.container import Embedded
from waarmerk.provenance.credentials.cose import OwnView, view_of
from waarmerk.provenance.credentials.embed import EMBEDDABLE, embedded
from waarmerk.provenance.credentials.jumbf import JumbfError, active_label
from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import asset_from_bytes
from waarmerk.provenance.model import Asset, Credential, CredentialState, Integrity, Sidecar

# Broken within itself: what was signed is not what is there. A hash of the file's content is another matter.
_BROKEN = frozenset({"claimSignature.mismatch", "assertion.hashedURI.mismatch", "claimSignature.missing"})


class Held(StrEnum):
    """Whether something holds. ``unread``: nobody could tell."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNREAD = "unread"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a manifest store is worth beside a file that it did not come in.

    ``signature`` is whether it is whole as its signer made it, ``content`` whether it is about these very bytes; of a
    copy that was changed it is not, and that is no fault of either. ``bindings`` are the soft bindings that it states,
    as algorithm and value.
    """

    credential: Credential
    signature: Held
    content: Held
    label: str | None
    bindings: tuple[tuple[str, str], ...] = ()


def stands(asset: Asset, data: bytes, read: Callable[[Asset], Credential], limits: Limits) -> Standing:
    """What the manifest store ``data`` is worth beside ``asset``, which has none of its own. Content never raises.

    Where nothing but the store was taken out of a file, it holds again once it is laid back.
    """
    laid_back = _laid_back(asset, data, limits, read)
    if laid_back is not None:
        return laid_back
    beside = Sidecar(kind="c2pa", name="recovered.c2pa", sha256=hashlib.sha256(data).hexdigest(), data=data)
    credential = read(replace(asset, sidecars=(beside,)))
    try:
        label = active_label(data)
    except JumbfError:
        label = None
    if credential.state is not CredentialState.SIDECAR or label is None:
        return Standing(credential=credential, signature=Held.UNREAD, content=Held.UNREAD, label=label)
    codes = set(credential.codes)
    is_signed = "claimSignature.validated" in codes and not codes & _BROKEN
    differs = any(code.endswith("Hash.mismatch") for code in codes)
    same = credential.integrity is Integrity.INTACT
    content = Held.HOLDS if same else Held.BROKEN if differs else Held.UNREAD
    view = view_of((Embedded(data, 0, 0),), label)
    return Standing(
        credential=credential,
        signature=Held.HOLDS if is_signed else Held.BROKEN,
        content=content,
        label=label,
        bindings=() if view is None else tuple(_bindings(view)),
    )


def _laid_back(asset: Asset, data: bytes, limits: Limits, read: Callable[[Asset], Credential]) -> Standing | None:
    """The store in its place in the file, None where it does not hold there."""
    if asset.media_type not in EMBEDDABLE:
        return None
    try:
        with asset.open() as stream:
            made = embedded(stream.read(), asset.media_type, data, limits)
        credential = read(asset_from_bytes(made, name=asset.name, limits=limits))
        label = active_label(data)
    except (UnsupportedAsset, LimitExceeded, JumbfError):
        return None
    if credential.state is not CredentialState.EMBEDDED or credential.integrity is not Integrity.INTACT:
        return None
    view = view_of((Embedded(data, 0, 0),), label)
    return Standing(
        credential=credential,
        signature=Held.HOLDS,
        content=Held.HOLDS,
        label=label,
        bindings=() if view is None else tuple(_bindings(view)),
    )


def _bindings(view: OwnView) -> Iterator[tuple[str, str]]:
    """Algorithm and value of each soft binding that a manifest states (C2PA 2.2, section 18.10)."""
    for label in view.labels("c2pa.soft-binding"):
        stated = view.assertion(label)
        blocks = stated.get("blocks") if isinstance(stated, dict) else None
        for block in blocks if isinstance(blocks, list) else ():
            value = block.get("value") if isinstance(block, dict) else None
            if isinstance(value, str) and isinstance(stated.get("alg"), str):
                yield stated["alg"], value
