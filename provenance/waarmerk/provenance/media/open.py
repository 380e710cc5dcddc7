# SPDX-License-Identifier: Apache-2.0
"""From a path or bytes to an ``Asset``: what it is, how large, and a digest of exactly the bytes examined."""

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import copies, sidecars
from waarmerk.provenance.media.bmff import read_movie
from waarmerk.provenance.media.content import Content
from waarmerk.provenance.media.ending import CUT_OFF, is_cut_off
from waarmerk.provenance.media.extension import extension_differs
from waarmerk.provenance.media.image import read_header
from waarmerk.provenance.media.limits import MIB, Limits
from waarmerk.provenance.media.matroska import read_heading
from waarmerk.provenance.media.parts import require_few_parts
from waarmerk.provenance.media.sniff import Kind, kind_of, sniff
from waarmerk.provenance.media.sound import read_duration
from waarmerk.provenance.media.tiff import raw_type
from waarmerk.provenance.media.window import Window
from waarmerk.provenance.model import Asset, Finding

_MATROSKA = frozenset({"video/webm", "video/x-matroska"})
_MOVIES = frozenset({"video/mp4", "video/quicktime", "audio/mp4"})

File = Path | bytes
"""What an asset is opened from: where it lies, or the bytes themselves, which have no name."""


def open_asset(file: File, *, limits: Limits) -> Asset:
    """The asset at a path, or that the bytes are.

    A file up to the picture limit is read once into memory; a longer one is hashed while it is read and later
    opened again, and ``Asset.open`` then raises UnsupportedAsset (``media.changed``) if the file changed since.

    What stands beside the file under its name (``sidecars.py``) comes with it.

    Raises UnsupportedAsset (``media.empty``, ``media.unsupported``, ``media.not-a-file``), LimitExceeded
    (``media.too-large``, ``media.too-many-parts``), and OSError where the file is missing or may not be read.
    """
    if isinstance(file, bytes):
        return asset_from_bytes(file, name=None, limits=limits)
    asset = _opened(file, limits=limits)
    beside = sidecars.sidecars(file, limits)
    return replace(asset, sidecars=beside, hints=(*asset.hints, *sidecars.findings(beside))) if beside else asset


def require_size(path: Path, *, limits: Limits) -> None:
    """Refuse the file at ``path`` if ``open_asset`` would for its size; no more than its beginning is read.

    Raises LimitExceeded (``media.too-large``), UnsupportedAsset (``media.not-a-file``), OSError.
    """
    with _open_regular(path) as stream:
        size = os.fstat(stream.fileno()).st_size
        if size > limits.image_bytes:
            found = sniff(Window(stream, size).up_to(0, limits.sniff_bytes))
            _require_size(size, found or "application/octet-stream", limits)


def _opened(path: Path, *, limits: Limits) -> Asset:
    with _open_regular(path) as stream:
        before = os.fstat(stream.fileno())
        if before.st_size <= limits.image_bytes:
            data = stream.read(before.st_size + 1)  # not the limit: so much would be allocated for every file
            if len(data) != before.st_size or _state(before) != _state(os.fstat(stream.fileno())):
                raise _changed()
            return asset_from_bytes(data, name=path.name, limits=limits)
        media_type = _media_type(Window(stream, before.st_size), limits)
        _require_size(before.st_size, media_type, limits)
        digest = _sha256(stream)
        if _state(before) != _state(os.fstat(stream.fileno())):
            raise _changed()
        window = Window(stream, before.st_size)
        return _asset(window, digest, lambda: _reopen(path, before), limits, name=path.name, media_type=media_type)


def asset_from_bytes(data: bytes, *, name: str | None, limits: Limits) -> Asset:
    """The asset that ``data`` is. Raises UnsupportedAsset and LimitExceeded as ``open_asset`` does."""
    window = Window(BytesIO(data), len(data))
    media_type = _media_type(window, limits)
    _require_size(len(data), media_type, limits)
    digest = hashlib.sha256(data).hexdigest()
    return _asset(window, digest, lambda: BytesIO(data), limits, name=name, media_type=media_type)


def asset_of(content: Content, *, name: str | None, limits: Limits) -> Asset:
    """The asset that ``content`` is; it lives as long as the asset. Raises as ``asset_from_bytes`` does, OSError."""
    if not content.lies_on_disk:
        return asset_from_bytes(content.read(), name=name, limits=limits)
    with content.open() as stream:
        window = Window(stream, content.size)
        media_type = _media_type(window, limits)
        _require_size(content.size, media_type, limits)
        digest = _sha256(stream)
        return _asset(window, digest, content.open, limits, name=name, media_type=media_type)


def _open_regular(path: Path) -> BinaryIO:
    """Open a regular file; a pipe, socket, device or folder is refused without waiting for it."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise _not_a_file()
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # replaced by a pipe in the meantime
            raise _not_a_file()
        return cast("BinaryIO", os.fdopen(descriptor, "rb"))
    except BaseException:
        os.close(descriptor)
        raise


def _not_a_file() -> UnsupportedAsset:
    return UnsupportedAsset("media.not-a-file", "not a regular file; give a pipe as standard input (-)")


def _state(seen: os.stat_result) -> tuple[int, ...]:
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


def _changed() -> UnsupportedAsset:
    return UnsupportedAsset("media.changed", "the file was changed while it was being read")


def _reopen(path: Path, before: os.stat_result) -> BinaryIO:
    stream = _open_regular(path)
    if _state(os.fstat(stream.fileno())) != _state(before):
        stream.close()
        raise _changed()
    return stream


def _sha256(stream: BinaryIO) -> str:
    stream.seek(0)
    digest = hashlib.sha256()
    while block := stream.read(MIB):
        digest.update(block)
    return digest.hexdigest()


def _media_type(window: Window, limits: Limits) -> str:
    if window.size == 0:
        raise UnsupportedAsset("media.empty", "the file is empty")
    found = sniff(window.up_to(0, limits.sniff_bytes))
    if found is None:
        raise UnsupportedAsset("media.unsupported", "the content is no supported picture, video, sound or PDF")
    return (raw_type(window) or found) if found == "image/tiff" else found


def _require_size(size: int, media_type: str, limits: Limits) -> None:
    streamed = kind_of(media_type) in (Kind.VIDEO, Kind.AUDIO)
    most = limits.video_bytes if streamed else limits.image_bytes
    if size > most:
        raise LimitExceeded("media.too-large", f"{media_type} of {size} bytes, more than {most}")


def _asset(
    window: Window, digest: str, reopen: Callable[[], BinaryIO], limits: Limits, *, name: str | None, media_type: str
) -> Asset:
    """Add what the header states; a header that lies or ends early is no error."""
    hints: tuple[Finding, ...] = ()
    size: tuple[int | None, int | None]
    if extension_differs(name, media_type):
        hints = (Finding("media.name-differs", media_type),)
    if media_type in _MOVIES:
        movie = read_movie(window, limits)
        if not movie.whole:  # the engine walks over them too, and a million take it longer than it is given
            raise LimitExceeded("media.too-many-parts", f"the file has more than {limits.parts} boxes")
        size, duration, hints = movie.size or (None, None), movie.duration_seconds, (*hints, *movie.findings)
    elif media_type in _MATROSKA:
        heading = read_heading(window, limits)
        size, duration = (heading.width, heading.height), heading.duration_seconds
    else:
        require_few_parts(window, media_type, limits)
        header = read_header(window, media_type, limits)
        size, duration = (header.width, header.height), read_duration(window, media_type, limits)
        hints += copies.hints(window, media_type, name, size, limits)
    if is_cut_off(window, media_type, limits):
        hints += (Finding(CUT_OFF),)
    return Asset(
        name=name,
        sha256=digest,
        bytes=window.size,
        media_type=media_type,
        open=reopen,
        width=size[0],
        height=size[1],
        duration_seconds=duration,
        hints=hints,
    )
