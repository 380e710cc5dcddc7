# SPDX-License-Identifier: Apache-2.0
"""Signal packages, ``waarmerk.signals/1``: what one registry tells another, signed, and nothing that shows a picture.

One JSON object in canonical form (keys sorted, ASCII, no space, no fraction), so that one content has one spelling. It
holds everything its issuer tells at that time: what is missing from the next one is told no more. The signature covers
the name of the format and all but itself; ``docs/registry.md`` describes every key.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.model import Origin
from waarmerk.provenance.model.moment import moment_of
from waarmerk.provenance.registry.model import Basis, Binding, BindingKind, Entry, Role, State

FORMAT = "waarmerk.signals/1"
MAX_BYTES, MAX_ITEMS = 64 * 2**20, 100_000
_MAX_NAME, _MAX_LIST, _MAX_MARKS, _MAX_SEQUENCE = 200, 32, 8, 2**53
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_LABEL = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,63}")
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,1990}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_KEY_ID = re.compile(r"[0-9a-f]{4,64}")
_TOP = frozenset({"format", "issuer", "sequence", "issued_at", "items", "withdrawn", "signature"})
_ITEM = frozenset(
    {
        *("id", "sha256", "media_type", "width", "height", "origin", "labels", "fact_checks", "role", "basis", "state"),
        *("added", "hashes", "marks"),
    }
)
_HASHES = {"phash": BindingKind.PHASH, "pdq": BindingKind.PDQ}
_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, RecursionError, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One item: an entry that has no number here yet, its hashes and marks, and what its issuer rests it on."""

    entry: Entry
    bindings: tuple[Binding, ...]
    stated_basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package whose signature holds. ``key_id`` names the key (``key_id_of``); ``sha256`` is that of the file."""

    key_id: str
    public_key: bytes
    name: str
    sequence: int
    issued_at: str
    items: tuple[Item, ...]
    withdrawn: tuple[str, ...]
    sha256: bytes


def key_id_of(public_key: bytes) -> str:
    """What a key is called: the first 32 hex digits of the sha256 of its SubjectPublicKeyInfo (DER)."""
    return hashlib.sha256(public_key).hexdigest()[:32]


def written(body: Mapping[str, Any], *, algorithm: str, sign: Callable[[bytes], bytes]) -> bytes:
    """The file of a package: ``body`` without its signature, signed. ``algorithm`` is ``Ed25519`` or ``ES256``."""
    value = sign(_message(body))
    if algorithm == "ES256" and len(value) != 64:
        r, s = decode_dss_signature(value)
        value = r.to_bytes(32) + s.to_bytes(32)
    signature = {"alg": algorithm, "value": base64.b64encode(value).decode()}
    return _canonical({**body, "signature": signature}) + b"\n"


def is_label(text: str) -> bool:
    """Whether a package can carry this as a label."""
    return _fits(text, _LABEL)


def is_name(text: str) -> bool:
    """Whether a package can name its issuer so."""
    return _line(text, _MAX_NAME)


def item_of(entry: Entry, bindings: tuple[Binding, ...]) -> dict[str, Any]:
    """An entry of ours as it leaves: no name of who entered it, no time of day, no picture, no hashes of its parts."""
    return {
        "id": entry.registry_id,
        **entry.stated(),
        "added": entry.added_at[:10],
        "hashes": {name: tie.value.hex() for tie in bindings for name, kind in _HASHES.items() if tie.kind is kind},
        "marks": [
            {"key_id": tie.key_id, "payload": tie.value.hex()} for tie in bindings if tie.kind is BindingKind.WATERMARK
        ],
    }


def fits(entry: Entry, bindings: tuple[Binding, ...] = ()) -> bool:
    """Whether a package can carry what is said of an entry: one that it cannot would make the whole unreadable."""
    try:
        _item(item_of(entry, bindings), "-")
    except _MALFORMED:
        return False
    return True


def read(data: bytes) -> Package:
    """The package in a file. Nothing of it counts unless all of it is right, the signature included.

    Raises StoreError: ``exchange.malformed``, ``exchange.too-large``, ``exchange.signature``.
    """
    if len(data) > MAX_BYTES:
        raise StoreError("exchange.too-large", f"a package has at most {MAX_BYTES} bytes")
    try:
        body = json.loads(data, object_pairs_hook=_once, parse_float=_refuse, parse_constant=_refuse)
        if not isinstance(body, dict) or _canonical(body) != data.removesuffix(b"\n"):
            raise ValueError("not in canonical form")
        return _package(body, hashlib.sha256(data).digest())
    except _MALFORMED as error:
        raise StoreError("exchange.malformed", "this is no package of signals that can be read") from error


def _package(body: dict[str, Any], sha256: bytes) -> Package:
    _require(body.keys() == _TOP and body["format"] == FORMAT)
    issuer, items, withdrawn = body["issuer"], body["items"], body["withdrawn"]
    _require(issuer.keys() == {"name", "public_key"} and _line(issuer["name"], _MAX_NAME))
    public_key = base64.b64decode(issuer["public_key"], validate=True)
    _verify(body, public_key)
    _require(type(body["sequence"]) is int and 0 < body["sequence"] < _MAX_SEQUENCE)
    _require(isinstance(items, list) and isinstance(withdrawn, list) and len(items) + len(withdrawn) <= MAX_ITEMS)
    _require(all(_fits(each, _ID) for each in withdrawn))
    moment_of(body["issued_at"])
    read_items = tuple(_item(each, issuer["name"]) for each in items)
    told = [*(item.entry.foreign_id for item in read_items), *withdrawn]
    _require(len(set(told)) == len(told))
    return Package(
        key_id=key_id_of(public_key),
        public_key=public_key,
        name=issuer["name"],
        sequence=body["sequence"],
        issued_at=body["issued_at"],
        items=read_items,
        withdrawn=tuple(withdrawn),
        sha256=sha256,
    )


def _verify(body: dict[str, Any], public_key: bytes) -> None:
    """Raise StoreError (``exchange.signature``) unless the key that the package names signed it."""
    signature = body["signature"]
    _require(signature.keys() == {"alg", "value"})
    value = base64.b64decode(signature["value"], validate=True)
    message = _message({name: part for name, part in body.items() if name != "signature"})
    key = serialization.load_der_public_key(public_key)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey) and signature["alg"] == "Ed25519":
            key.verify(value, message)
            return
        if isinstance(key, ec.EllipticCurvePublicKey) and signature["alg"] == "ES256" and len(value) == 64:
            _require(isinstance(key.curve, ec.SECP256R1))
            der = encode_dss_signature(int.from_bytes(value[:32]), int.from_bytes(value[32:]))
            key.verify(der, message, ec.ECDSA(hashes.SHA256()))
            return
    except InvalidSignature:
        pass
    raise StoreError("exchange.signature", "the signature of this package does not hold")


def _item(item: dict[str, Any], issuer: str) -> Item:
    _require(item.keys() == _ITEM and _fits(item["id"], _ID) and _fits(item["media_type"], _MEDIA_TYPE))
    _require(_fits(item["added"], _DAY) and all(_size(item[side]) for side in ("width", "height")))
    for name, form in (("labels", _LABEL), ("fact_checks", _ADDRESS)):
        _require(isinstance(item[name], list) and len(item[name]) <= _MAX_LIST)
        _require(all(_fits(each, form) for each in item[name]))
    _require(item["hashes"].keys() <= _HASHES.keys() and isinstance(item["marks"], list))
    _require(len(item["marks"]) <= _MAX_MARKS and item["state"] in (State.ACTIVE.value, State.DISPUTED.value))
    tied = [Binding(kind=_HASHES[name], value=bytes.fromhex(value)) for name, value in item["hashes"].items()]
    for mark in item["marks"]:
        _require(mark.keys() == {"key_id", "payload"} and _fits(mark["key_id"], _KEY_ID))
        payload = bytes.fromhex(mark["payload"])
        tied.append(Binding(kind=BindingKind.WATERMARK, value=payload, key_id=mark["key_id"]))
    entry = Entry(
        sha256=bytes.fromhex(item["sha256"]),
        media_type=item["media_type"],
        added_at=f"{item['added']}T00:00:00Z",
        width=item["width"],
        height=item["height"],
        origin=Origin(item["origin"]),
        labels=tuple(item["labels"]),
        fact_checks=tuple(item["fact_checks"]),
        source=issuer,
        role=Role(item["role"]),
        basis=Basis.PACKAGE,
        state=State(item["state"]),
        foreign_id=item["id"],
    )
    moment_of(entry.added_at)
    return Item(entry=entry, bindings=tuple(tied), stated_basis=Basis(item["basis"]).value)


def _message(body: Mapping[str, Any]) -> bytes:
    """What is signed. The name of the format in front keeps the signature from meaning anything elsewhere."""
    return FORMAT.encode() + b"\n" + _canonical(body)


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")).encode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    _require(len(found) == len(pairs))
    return found


def _refuse(_text: str) -> Any:
    raise ValueError("no fractions")


def _fits(value: object, form: re.Pattern[str]) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _line(value: object, most: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= most and value.isprintable()


def _size(value: object) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**31)


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("not as the format says")
