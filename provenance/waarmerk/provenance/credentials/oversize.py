# SPDX-License-Identifier: Apache-2.0
"""Stores that the engine would need minutes for: its work grows with the square of the number of actions.

They are not given to it. One thing is said of them all the same, and cheaply: where an assertion of the active
manifest does not have the hash that the claim states for it, the file was altered, whoever would rather have it
called unreadable (C2PA 2.2, sections 8.4.2 and 15.10.3).
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.container import Embedded
from waarmerk.provenance.credentials.jumbf import JumbfError, Superbox, parse_store

MAX_ACTIONS = 10_000
_SMALL = 64 * 1024  # a store below this size cannot hold that many
_UNDECODED = 1 << 20
_CLAIMS = ("c2pa.claim", "c2pa.claim.v2")
_REFERENCES = ("assertions", "created_assertions", "gathered_assertions")
_PREFIX = "c2pa.assertions/"
_HASHES = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


def is_too_large(stores: tuple[Embedded, ...]) -> bool:
    """Whether the manifests record more actions, over all of them, than any tool does."""
    return sum(_actions(store) for store in stores if len(store.data) > _SMALL) > MAX_ACTIONS


def is_altered(stores: tuple[Embedded, ...]) -> bool:
    """Whether an assertion of the active manifest, the last in its store, is not the one that was signed."""
    return any(_has_mismatch(store.data) for store in stores)


def _actions(store: Embedded) -> int:
    try:
        manifests = parse_store(store.data).parts
    except JumbfError:
        return 0  # the engine is quick to refuse it
    return sum(_actions_of(box) for manifest in manifests for box in _assertions(manifest))


def _assertions(manifest: Superbox) -> Iterator[Superbox]:
    for part in manifest.parts:
        if part.label == "c2pa.assertions":
            yield from part.parts


def _actions_of(box: Superbox) -> int:
    if not box.label.startswith("c2pa.actions"):
        return 0
    return sum(_entries(data) for name, data in box.content if name == b"cbor" and len(data) > _SMALL)


def _entries(data: bytes) -> int:
    try:
        found = cbor.decode(data)
    except cbor.CborError:  # it may be the number of items that cannot be read
        return MAX_ACTIONS + 1 if len(data) > _UNDECODED else 0
    actions = found.get("actions") if isinstance(found, dict) else None
    return _count(actions, 0) if isinstance(actions, list) else 0


def _count(actions: list[Any], depth: int) -> int:
    related = (each.get("related") for each in actions if isinstance(each, dict)) if depth < cbor.MAX_DEPTH else ()
    return len(actions) + sum(_count(each, depth + 1) for each in related if isinstance(each, list))


def _has_mismatch(data: bytes) -> bool:
    try:
        manifest = parse_store(data).parts[-1]
    except (JumbfError, IndexError):
        return False
    claims = [part.payload(b"cbor") for part in manifest.parts if part.label in _CLAIMS]
    boxes = manifest.named("c2pa.assertions")
    if len(claims) != 1 or claims[0] is None or boxes is None:
        return False
    try:
        claim = cbor.decode(claims[0])
    except cbor.CborError:
        return False
    return isinstance(claim, dict) and any(_differs(each, claim, boxes, data) for each in _references(claim))


def _references(claim: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    for key in _REFERENCES:
        found = claim.get(key)
        for each in found if isinstance(found, list) else ():
            if isinstance(each, dict):
                yield each


def _differs(reference: dict[Any, Any], claim: dict[Any, Any], boxes: Superbox, data: bytes) -> bool:
    """Whether a box that is there, once, has another hash than the one stated in a way that can be followed here."""
    url, stated = reference.get("url"), reference.get("hash")
    if not isinstance(url, str) or not isinstance(stated, bytes):
        return False
    box = boxes.named(url.rpartition(_PREFIX)[2])
    algorithm = _HASHES.get(str(reference.get("alg") or claim.get("alg") or "sha256"))
    if box is None or algorithm is None:
        return False
    return algorithm(data[box.start : box.end]).digest() != stated
