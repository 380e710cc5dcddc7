# SPDX-License-Identifier: Apache-2.0
"""What the engine keeps to itself: the signer's certificates, the time-stamp tokens, the claim's own bytes.

All of it is read from the manifest of one label. The label comes from the engine; a store in which it is not unique
is not read, so that this reader and the engine cannot be made to look at two different manifests.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.container import Embedded
from waarmerk.provenance.credentials.jumbf import JumbfError, Superbox, parse_store
from waarmerk.provenance.trust.chain import MAX_POOL, load_certificate

_X5CHAIN = (33, "x5chain")  # RFC 9360; the text is how claims before 2023 wrote it
_MAX_TOKENS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """The claim signature (COSE_Sign1, RFC 9052) of one manifest, nothing of it verified.

    ``tokens_v1`` are over claim and protected header, ``tokens_v2`` over the signature (C2PA 2.2, section 10.3.2.5).
    """

    chain: tuple[x509.Certificate, ...] = field(repr=False)
    tokens_v1: tuple[bytes, ...] = field(default=(), repr=False)
    tokens_v2: tuple[bytes, ...] = field(default=(), repr=False)
    message_v1: bytes = field(default=b"", repr=False)
    message_v2: bytes = field(default=b"", repr=False)

    @property
    def leaf(self) -> x509.Certificate:
        """The signer's own certificate."""
        return self.chain[0]

    @property
    def is_stamped(self) -> bool:
        """Whether there is any token."""
        return bool(self.tokens_v1 or self.tokens_v2)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnView:
    """One manifest as read here: its claim, its assertions, its signature; the range of the file that holds it."""

    claim: bytes = field(repr=False)
    signature: Signature | None
    assertions: Superbox | None = field(repr=False)
    start: int
    end: int

    def assertion(self, label: str) -> Any:
        """A CBOR assertion, None if it is absent, ambiguous or unreadable."""
        box = self.assertions.named(label) if self.assertions is not None else None
        data = box.payload(b"cbor") if box is not None else None
        if data is None:
            return None
        try:
            return cbor.decode(data)
        except cbor.CborError:
            return None

    def labels(self, prefix: str) -> tuple[str, ...]:
        """The labels of assertions that begin so."""
        parts = self.assertions.parts if self.assertions is not None else ()
        return tuple(part.label for part in parts if part.label.startswith(prefix))


def view_of(stores: tuple[Embedded, ...], label: str) -> OwnView | None:
    """The manifest of that label; None unless exactly one store holds exactly one."""
    found = [view for store in stores for view in _views(store, label)]
    return found[0] if len(found) == 1 else None


def claims_of(stores: tuple[Embedded, ...]) -> dict[str, bytes]:
    """The claim bytes of every manifest whose label is unique."""
    found: dict[str, bytes] = {}
    repeated: set[str] = set()
    for manifest in _manifests(stores):
        claim = _claim(manifest)
        if manifest.label in found:
            repeated.add(manifest.label)
        elif claim is not None:
            found[manifest.label] = claim
    return {label: claim for label, claim in found.items() if label not in repeated}


def chains_of(stores: tuple[Embedded, ...]) -> dict[str, tuple[x509.Certificate, ...]]:
    """The certificates, leaf first, of every manifest whose label is unique and whose signature can be read."""
    found: dict[str, list[tuple[x509.Certificate, ...]]] = {}
    for manifest in _manifests(stores):
        box = manifest.named("c2pa.signature")
        cose = box.payload(b"cbor") if box is not None else None
        signature = None if cose is None else parse_signature(cose, b"")
        found.setdefault(manifest.label, []).append(() if signature is None else signature.chain)
    return {label: chains[0] for label, chains in found.items() if len(chains) == 1 and chains[0]}


def _manifests(stores: tuple[Embedded, ...]) -> Iterator[Superbox]:
    """All of them; a store that cannot be parsed has none."""
    for store in stores:
        with suppress(JumbfError):
            yield from parse_store(store.data).parts


def _views(store: Embedded, label: str) -> list[OwnView]:
    try:
        parsed = parse_store(store.data)
    except JumbfError:
        return []
    found = []
    for manifest in parsed.parts:
        if manifest.label != label:
            continue
        claim = _claim(manifest) or b""
        box = manifest.named("c2pa.signature")
        cose = box.payload(b"cbor") if box is not None else None
        found.append(
            OwnView(
                claim=claim,
                signature=None if cose is None else parse_signature(cose, claim),
                assertions=manifest.named("c2pa.assertions"),
                start=store.start,
                end=store.end,
            )
        )
    return found


def _claim(manifest: Superbox) -> bytes | None:
    boxes = [part for part in manifest.parts if part.label in ("c2pa.claim", "c2pa.claim.v2")]
    return boxes[0].payload(b"cbor") if len(boxes) == 1 else None


def parse_signature(data: bytes, claim: bytes) -> Signature | None:
    """Read a COSE_Sign1 over a detached claim. None for anything that is not wholly readable."""
    try:
        protected, unprotected, payload, value = cbor.decode(data)
        headers = cbor.decode(protected) if protected else {}
        chain = _chain(headers, unprotected)
        if chain is None or payload is not None or not isinstance(value, bytes):
            return None
        return Signature(
            chain=chain,
            tokens_v1=_tokens(unprotected, "sigTst"),
            tokens_v2=_tokens(unprotected, "sigTst2"),
            message_v1=_counter_signed(protected, claim),
            message_v2=_counter_signed(protected, cbor.encode_bytes(value)),
        )
    except (cbor.CborError, TypeError, ValueError, AttributeError, KeyError):
        return None


def _chain(protected: Any, unprotected: Any) -> tuple[x509.Certificate, ...] | None:
    """The certificates, leaf first. Stated twice and differently they are not read: which one does the engine take?"""
    stated = [header[key] for header in (protected, unprotected) for key in _X5CHAIN if key in header]
    if not stated or any(other != stated[0] for other in stated):
        return None
    encoded = [stated[0]] if isinstance(stated[0], bytes) else stated[0]
    chain = [load_certificate(each) for each in encoded[:MAX_POOL]]
    if not chain or chain[0] is None:
        return None
    return tuple(each for each in chain if each is not None)


def _tokens(unprotected: Any, key: str) -> tuple[bytes, ...]:
    container = unprotected.get(key)
    if container is None:
        return ()
    return tuple(each["val"] for each in container["tstTokens"][:_MAX_TOKENS] if isinstance(each["val"], bytes))


def _counter_signed(protected: bytes, payload: bytes) -> bytes:
    """What a time-stamp is over (C2PA 2.2, section 10.3.2.5): RFC 9052, section 4.4, as a counter-signature.

    Version 1: of the claim. Version 2: of the signature, encoded as a CBOR byte string.
    """
    return cbor.encode_array(
        [
            cbor.encode_text("CounterSignature"),
            cbor.encode_bytes(protected),
            cbor.encode_bytes(b""),
            cbor.encode_bytes(payload),
        ]
    )
