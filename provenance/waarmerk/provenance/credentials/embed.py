# SPDX-License-Identifier: Apache-2.0
"""Put the bytes of a manifest store into a file that has none, or beside it (C2PA 2.2, appendix A). Nothing is signed.

For recovery: what was stripped is laid back. Whether it holds for the file is another question; usually it does not.
"""

import struct
import zlib
from functools import partial
from hashlib import sha256
from io import BytesIO
from pathlib import Path

from waarmerk.provenance.credentials.container import Embedded, find_stores
from waarmerk.provenance.credentials.cose import view_of
from waarmerk.provenance.credentials.jumbf import JumbfError, active_label
from waarmerk.provenance.errors import ConfigurationError, StoreError, UnsupportedAsset
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.media.open import open_asset
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.media.write import write_file

EMBEDDABLE = frozenset({"image/jpeg", "image/png", "image/webp"})
_SEGMENT = 65_535 - 2 - 8  # bytes of the store in one APP11: its length counts itself; "JP", instance, sequence
_INSTANCE = 0x0211


def embedded(data: bytes, media_type: str, store: bytes, limits: Limits) -> bytes:
    """``data`` with ``store`` in it, every other byte as it was; where it says that it stood, if it can stand there.

    Raises UnsupportedAsset: ``embed.container`` for a kind of file that is not written here or not as its kind wants,
    ``embed.occupied`` where there is a store already.
    """
    if media_type not in EMBEDDABLE:
        raise UnsupportedAsset("embed.container", "credentials are laid back into JPEG, PNG and WebP only")
    if _stores(data, media_type, limits):
        raise UnsupportedAsset("embed.occupied", "this file has credentials of its own")
    for at in (_stood_at(store), _USUAL.get(media_type, len(data))):
        made = _WRITTEN[media_type](data, store, at) if at is not None and at <= len(data) else b""
        if made and _stores(made, media_type, limits) == [store]:
            return made
    raise UnsupportedAsset("embed.container", "the credentials cannot be read back from this file")


def write_attached(store: bytes, source: Path, target: Path, *, limits: Limits, force: bool = False) -> None:
    """Write the file at ``source`` with ``store`` in it to ``target``, whole or not at all.

    Raises as ``embedded`` and ``media.write.write_file`` do.
    """
    asset = open_asset(source, limits=limits)
    with asset.open() as stream:
        made = embedded(stream.read(), asset.media_type, store, limits)
    write_file(target, made, verify=partial(_require_same, sha256(made).digest()), source=source, force=force)


def write_sidecar(store: bytes, target: Path, *, force: bool = False) -> None:
    """Write a manifest store to ``target`` (``.c2pa``), whole or not at all.

    Raises ConfigurationError for another suffix or where ``target`` may not be written, StoreError where it fails.
    """
    if target.suffix != ".c2pa":
        raise ConfigurationError("registry.no-sidecar", f"{target.name}: a sidecar ends in .c2pa")
    write_file(target, store, verify=partial(_require_same, sha256(store).digest()), force=force)


def _require_same(digest: bytes, path: Path) -> None:
    if sha256(path.read_bytes()).digest() != digest:
        raise StoreError("write.failed", "the file did not read back as it was written")


def _stood_at(store: bytes) -> int | None:
    """Where the store stood in its file: what its hash of the content leaves out (C2PA 2.2, section 18.6)."""
    try:
        label = active_label(store)
    except JumbfError:
        return None
    view = view_of((Embedded(store, 0, 0),), label)
    stated = None if view is None else view.assertion("c2pa.hash.data")
    ranges = stated.get("exclusions") if isinstance(stated, dict) else None
    start = ranges[0].get("start") if isinstance(ranges, list) and ranges and isinstance(ranges[0], dict) else None
    return start if isinstance(start, int) and start > 0 else None


def _stores(data: bytes, media_type: str, limits: Limits) -> list[bytes]:
    return [each.data for each in find_stores(Window(BytesIO(data), len(data)), media_type, limits)]


def _jpeg(data: bytes, store: bytes, at: int) -> bytes:
    """APP11 segments (ISO/IEC 18477-3); each repeats the header of the box that it goes on."""
    header, rest = store[:8], store
    segments = []
    number = 1
    while rest:
        repeated = b"" if number == 1 else header
        piece, rest = rest[: _SEGMENT - len(repeated)], rest[_SEGMENT - len(repeated) :]
        body = b"JP" + struct.pack(">HI", _INSTANCE, number) + repeated + piece
        segments.append(b"\xff\xeb" + struct.pack(">H", len(body) + 2) + body)
        number += 1
    return data[:at] + b"".join(segments) + data[at:]


def _png(data: bytes, store: bytes, at: int) -> bytes:
    """A ``caBX`` chunk."""
    checked = b"caBX" + store
    chunk = struct.pack(">I", len(store)) + checked + struct.pack(">I", zlib.crc32(checked))
    return data[:at] + chunk + data[at:]


def _webp(data: bytes, store: bytes, _at: int) -> bytes:
    """A ``C2PA`` chunk behind all others; the length of the whole grows with it."""
    size = struct.unpack("<I", data[4:8])[0] + 8
    body = data[8:size] + bytes(size & 1)
    chunk = b"C2PA" + struct.pack("<I", len(store)) + store + bytes(len(store) & 1)
    return b"RIFF" + struct.pack("<I", len(body) + len(chunk)) + body + chunk + data[size + (size & 1) :]


_WRITTEN = {"image/jpeg": _jpeg, "image/png": _png, "image/webp": _webp}
_USUAL = {"image/jpeg": 2, "image/png": 33}  # behind the first marker; behind the header chunk
