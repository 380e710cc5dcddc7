# SPDX-License-Identifier: Apache-2.0
"""The engine's Builder, fed with what was validated before: settings, callback, parent, sidecar.

The network: nothing is fetched, but a time-stamp is asked for where the caller names an authority. The engine asks it
whatever ``allowed_network_hosts`` says (c2pa-rs 0.91.3), so the address itself is the only lock.
"""

import errno
import io
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from waarmerk.provenance.credentials.settings import settings
from waarmerk.provenance.credentials.signing_keys import Algorithm, Signer, pem_of
from waarmerk.provenance.credentials.signing_statement import PARENT
from waarmerk.provenance.errors import NO_ROOM, ConfigurationError, Error, SigningError, StoreError, lacks_room
from waarmerk.provenance.media import CREDENTIAL_TYPES, Content
from waarmerk.provenance.media.content import IN_MEMORY_BYTES
from waarmerk.provenance.model import Asset

# What the engine can embed a store in: what it reads one from, without what it only reads; those get a sidecar.
EMBEDDABLE = CREDENTIAL_TYPES - {"image/x-nikon-nef", "image/x-sony-arw"}
# For a sidecar the engine rewrites MP3, FLAC and PDF and hashes that: the store would not fit the file beside it. So
# all files are hashed as they are, but for those whose hash must be over boxes (C2PA 2.2, section 9.2.2).
_BOXES = frozenset({"image/avif", "image/heic", "image/heif", "video/mp4", "video/quicktime", "audio/mp4"})
_ANY_BYTES = "application/octet-stream"
_AUTHORITY = re.compile(r"https?://[A-Za-z0-9.\[\]:-]{1,255}(?:/[!-~]{0,1024})?")
_INTERNAL, _NO_SIGNATURE = "Signature: internal error", "COSE signature invalid"
_ROOM = re.compile(rf"\(os error (?:{errno.ENOSPC}|{errno.EDQUOT}|{errno.EFBIG})\)$")  # how Rust tells it
_EXPECTED = re.compile(r"^([A-Za-z]{1,40}): ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One signature to make. ``anchors`` is whom the engine believes while it records the parent's state."""

    content: Asset
    manifest: Mapping[str, Any] = field(repr=False)
    parent: Asset | None = None
    anchors: tuple[Mapping[str, str], ...] = field(default=(), repr=False)
    is_sidecar: bool = False
    authority: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The signed file and its manifest store. For a sidecar ``content`` is as it was."""

    content: Content = field(repr=False)
    store: bytes = field(repr=False)


def signing_settings(anchors: tuple[Mapping[str, str], ...]) -> dict[str, Any]:
    """The reader's settings, and: verify what was signed, decode no pictures for thumbnails."""
    document = settings([])
    document["trust"]["anchors"] = [dict(each) for each in anchors]
    document["verify"]["verify_after_sign"] = True
    document["core"]["backing_store_memory_threshold_in_mb"] = IN_MEMORY_BYTES >> 20  # the engine's own is 512
    document["builder"] = {"thumbnail": {"enabled": False}}
    return document


def require_authority(address: str | None) -> None:
    """Raise ConfigurationError for an address that no time-stamp authority can have."""
    if address is not None and not _AUTHORITY.fullmatch(address):
        raise ConfigurationError("signing.timestamp-address", "a time-stamp authority is an http or https address")


def make(order: Order, signer: Signer) -> Made:
    """Sign. Raises SigningError, StoreError (``write.no-room``) where there is no room for what is made, or what the
    signer itself raised: the engine would call it a bad signature.
    """
    import c2pa  # noqa: PLC0415  (a native library, loaded with the first signature)

    algorithm = {Algorithm.ES256: c2pa.C2paSigningAlg.ES256, Algorithm.ED25519: c2pa.C2paSigningAlg.ED25519}
    callback = _Callback(signer)
    try:
        context = c2pa.Context.from_dict(signing_settings(order.anchors))
        engine = c2pa.Signer.from_callback(callback, algorithm[signer.algorithm], pem_of(signer.chain), order.authority)
        with engine, c2pa.Builder(dict(order.manifest), context=context) as builder:
            return _build(builder, engine, order)
    except (MemoryError, Error):
        raise
    except Exception as fault:
        if lacks_room(fault) or _ROOM.search(str(fault)):
            raise StoreError(NO_ROOM, "there is no room for the signed file") from fault
        if isinstance(callback.fault, Exception) and not isinstance(callback.fault, Error):
            raise SigningError(
                "signing.signer-failed", f"the signer gave no signature: {type(callback.fault).__name__}"
            ) from callback.fault
        raise callback.fault or _refused(fault, order) from None


def _build(builder: Any, engine: Any, order: Order) -> Made:
    import c2pa  # noqa: PLC0415

    if order.parent is not None:
        builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
        about: dict[str, str] = {"relationship": "parentOf", "label": PARENT}
        with order.parent.open() as stream:
            builder.add_ingredient(about, order.parent.media_type, stream)
    media_type = order.content.media_type
    if order.is_sidecar:
        builder.set_no_embed()
        media_type = media_type if media_type in _BOXES else _ANY_BYTES
    with _Target(IN_MEMORY_BYTES) as target, order.content.open() as source:
        try:
            store: bytes = builder.sign(engine, media_type, source, cast("BinaryIO", target))
        except Exception:
            if target.fault is not None:
                raise target.fault from None
            raise
        made = Made(content=Content.filled(cast("BinaryIO", target)), store=store)
        source.seek(0, io.SEEK_SET)
        if order.is_sidecar and not made.content.is_that_of(source):
            raise SigningError("signing.not-verified", "the engine changed a file that was to stay as it is")
        return made


class _Target(tempfile.SpooledTemporaryFile[bytes]):
    """Keeps why it could not be written: the engine knows only that it could not."""

    fault: OSError | None = None

    def write(self, data: bytes) -> int:  # type: ignore[override]  # as it is called here
        try:
            return super().write(data)
        except OSError as fault:
            self.fault = fault
            raise


class _Callback:
    """Asks the signer, and keeps what it raises, interrupts too: the engine knows only that there is no signature."""

    def __init__(self, signer: Signer) -> None:
        self._signer = signer
        self.fault: BaseException | None = None

    def __call__(self, message: bytes) -> bytes:
        try:
            return self._signer.sign(message)
        except BaseException as fault:
            self.fault = fault
            return b""


def _refused(fault: BaseException, order: Order) -> SigningError:
    """The engine's refusal by its class alone: its text may quote the file."""
    text = str(fault)
    if order.authority is not None and text.startswith(_INTERNAL) and _NO_SIGNATURE not in text:
        return SigningError(
            "signing.timestamp", "the time-stamp authority gave no usable time-stamp; nothing is signed"
        )
    stated = _EXPECTED.match(text)
    kind = stated[1] if stated else type(fault).__name__.removeprefix("_C2pa")
    return SigningError("signing.refused", f"the credential cannot be written ({kind})")
