# SPDX-License-Identifier: Apache-2.0
"""Mark one picture file: decode, embed, encode, read back, write (docs/adr/0008)."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from waarmerk.cli import exits
from waarmerk.cli.console import Console
from waarmerk.provenance.credentials.container import remote_address, shows_store
from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.media import (
    Limits,
    Picture,
    Window,
    asset_from_bytes,
    decode_rgb,
    extension_differs,
    open_asset,
)
from waarmerk.provenance.media.encode import Rewrite, encode
from waarmerk.provenance.media.losses import Loss, losses, stock
from waarmerk.provenance.media.write import write_file
from waarmerk.provenance.report.wording import Wording
from waarmerk.watermark import CannotCarry, Key, Payload, detect, embed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_STILLS_ONLY = frozenset({"animation", "pages"})


class _Refused(Exception):
    """What was asked is not done; the code of the sentence that says why, and its parts."""

    def __init__(self, code: str, **parts: object) -> None:
        super().__init__(code)
        self.code = code
        self.parts = parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """One picture on its way from ``source`` to ``target``."""

    source: Path
    target: Path
    key: Key
    payload: Payload
    words: Wording
    console: Console

    def through(self, strength: dict[str, Any], *, force: bool, allow_breaking: bool) -> int:
        """Mark, encode, read back, write; returns the exit code.

        ``strength`` are the keywords of ``waarmerk.watermark.embed``. Raises ConfigurationError and StoreError of
        ``write_file``, UnsupportedAsset and LimitExceeded for a picture that is not read or not written here.
        """

        try:
            rewrite = self._opened(allow_breaking=allow_breaking)
            data, seen = self._encoded(rewrite, self._marked(rewrite, strength), must=not strength["best_effort"])
            lost, decibel = self._losses(rewrite, data, seen)
            write_file(self.target, data, verify=lambda path: _same(path, data), source=self.source, force=force)
        except _Refused as refusal:
            return self._refuse(refusal.code, **refusal.parts)
        for loss in lost:
            self.console.warn(self.words.say("watermark", "lost", loss=self.words.loss(loss.code, loss.about)))
        parts = {"payload": bytes(self.payload).hex(), "key": self.key.key_id, "decibel": f"{decibel:.1f}"}
        click.echo(self.words.say("watermark", "marked", path=self.target, **parts))
        return exits.OK

    def _marked(self, rewrite: Rewrite, strength: dict[str, Any]) -> "NDArray[np.uint8]":
        try:
            return embed(rewrite.host, self.key, self.payload, **strength)
        except (CannotCarry, ValueError) as error:  # ValueError: smaller than any picture that carries a mark
            raise _Refused("cannot-carry") from error

    def _refuse(self, code: str, **parts: object) -> int:
        self.console.warn(self.words.say("watermark", code, **{"path": self.source, **parts}))
        return exits.FAILED

    def _opened(self, *, allow_breaking: bool) -> Rewrite:
        limits = Limits()
        asset = open_asset(self.source, limits=limits)
        if extension_differs(self.target.name, asset.media_type):
            raise _Refused("other-format", path=self.target, format=asset.media_type)
        with asset.open() as stream:
            window = Window(stream, asset.bytes)
            if not allow_breaking and shows_store(window, asset.media_type, limits):
                raise _Refused("breaks-credentials")
            if not allow_breaking and (url := remote_address(window)) is not None:
                raise _Refused("breaks-remote", url=url)
        rewrite = Rewrite(asset=asset, picture=decode_rgb(asset, limits), limits=limits)
        if not rewrite.is_writable:
            raise UnsupportedAsset(
                "media.unwritable", f"{self.source.name}: pictures of this kind are not written here"
            )
        if any(item.code in _STILLS_ONLY for item in stock(asset, rewrite.picture, limits)):
            message = self.words.say("watermark", "moves", path=self.source)
            raise UnsupportedAsset("media.unwritable", message)
        return rewrite

    def _encoded(self, rewrite: Rewrite, marked: "NDArray[np.uint8]", *, must: bool) -> tuple[bytes, Picture]:
        """The finished file and what it decodes to, the mark read back. Raises _Refused where ``must``.

        A lossy file of the source's own quality comes first; one of better quality where that eats the mark.
        """
        data = encode(rewrite, marked)
        picture = self._decoded(rewrite, data)
        if detect(picture.rgb, self.key).payload == self.payload:
            return data, picture
        finer = encode(replace(rewrite, finer=True), marked)
        if detect(self._decoded(rewrite, finer).rgb, self.key).payload == self.payload:
            return finer, self._decoded(rewrite, finer)
        if must:
            raise _Refused("does-not-survive")
        self.console.warn(self.words.say("watermark", "unread-back", path=self.target))
        return data, picture

    def _decoded(self, rewrite: Rewrite, data: bytes) -> Picture:
        return decode_rgb(asset_from_bytes(data, name=self.target.name, limits=rewrite.limits), rewrite.limits)

    def _losses(self, rewrite: Rewrite, data: bytes, picture: Picture) -> tuple[tuple[Loss, ...], float]:
        """What the finished file lost, and how far its pixels are from the source in dB."""
        written = asset_from_bytes(data, name=self.target.name, limits=rewrite.limits)
        before = stock(rewrite.asset, rewrite.picture, rewrite.limits)
        after = stock(written, picture, rewrite.limits)
        return losses(before, after), _psnr(rewrite.picture.rgb, picture.rgb)


def _same(path: Path, data: bytes) -> None:
    """What stands on the disk is what was read back from memory. Raises OSError."""
    if path.read_bytes() != data:
        raise OSError("the file system does not give back what was written")


def _psnr(before: "NDArray[np.uint8]", after: "NDArray[np.uint8]") -> float:
    import numpy as np  # noqa: PLC0415

    wide = before.astype(np.float32) - after
    error = float(np.mean(wide * wide))
    return 99.0 if error == 0 else float(10 * np.log10(255.0**2 / error))
