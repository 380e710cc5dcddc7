# SPDX-License-Identifier: Apache-2.0
"""A picture on its way through the layers that change pixels: decode once, mark, draw the label, encode once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from waarmerk.provenance.errors import ConfigurationError, LimitExceeded, UnsupportedAsset
from waarmerk.provenance.marking.clips import draw_clip
from waarmerk.provenance.marking.lettering import lettering
from waarmerk.provenance.marking.plan import Gap, Layer, Wishes
from waarmerk.provenance.marking.visible import CannotShow, Corner, Shown, show
from waarmerk.provenance.marking.watermark import Mark, Marker, NoMark
from waarmerk.provenance.media import Content, Limits, asset_from_bytes, decode_rgb
from waarmerk.provenance.media.encode import WRITTEN, Rewrite, encode
from waarmerk.provenance.media.image import Picture
from waarmerk.provenance.media.losses import Loss, losses, stock
from waarmerk.provenance.media.video import VIDEO_TYPES
from waarmerk.provenance.model import Asset
from waarmerk.provenance.registry import Still

Bytes = npt.NDArray[np.uint8]
_MOVING = frozenset({"animation", "pages"})
_TURNS = {
    1: (0, False),
    2: (0, True),
    3: (2, False),
    4: (2, True),
    5: (3, True),
    6: (3, False),
    7: (1, True),
    8: (1, False),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawn:
    """An encoded picture with what it carries. ``rgb`` is what it decodes to, as stored, H x W x 3.

    ``content`` is empty once it went into another file.

    ``still`` is the frame that stands for a clip, whose ``rgb`` is None, and ``stills`` are kept to tell its copies by.
    ``deeds`` are the actions (C2PA 2.2, section 18.14.4) that writing it took besides mark and label.
    ``label`` is where the visible label stands in ``rgb``: left, top, width, height; ``corner`` the same in words,
    ``on_detail`` as in ``Shown``.
    """

    content: Content
    rgb: Bytes | None
    mark: Mark | None
    words: str | None
    losses: tuple[Loss, ...]
    gaps: tuple[Gap, ...]
    deeds: tuple[str, ...] = ()
    label: tuple[int, int, int, int] | None = None
    corner: Corner | None = None
    on_detail: bool = False
    still: Bytes | None = None
    stills: tuple[Still, ...] = ()


def upright(pixels: Bytes, orientation: int) -> Bytes:
    """Stored pixels as people see them (EXIF 3.0, 4.6.5.1.6: orientation 1 to 8)."""
    turns, mirrored = _TURNS[orientation]
    turned = np.rot90(pixels, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def as_stored(pixels: Bytes, orientation: int) -> Bytes:
    """The inverse of ``upright``."""
    turns, mirrored = _TURNS[orientation]
    return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if mirrored else pixels, -turns))


def draw(asset: Asset, wishes: Wishes, marker: Marker | None, limits: Limits) -> Drawn:
    """The picture with mark and visible label, encoded; the file as it is where it takes neither.

    What cannot be done stands in ``gaps``. Raises UnsupportedAsset and LimitExceeded for a picture that cannot be
    decoded, ConfigurationError for a label that the font cannot write.
    """
    wanted = [layer for layer in wishes.layers if layer in (Layer.WATERMARK, Layer.VISIBLE)]
    if wanted and asset.media_type in VIDEO_TYPES:
        return _clip(asset, wishes, marker, limits)
    with asset.open() as stream:
        untouched = Content.copied(stream)
    if not wanted:
        return Drawn(content=untouched, rgb=None, mark=None, words=None, losses=(), gaps=())
    rewrite = _writable(asset, limits)
    if rewrite is None:
        code = "not-spoken" if asset.media_type.startswith(("audio/", "video/")) else "not-drawn"
        gaps = tuple(Gap(layer=layer, code=f"label.{code}") for layer in wanted)
        return Drawn(content=untouched, rgb=None, mark=None, words=None, losses=(), gaps=gaps)
    return _Run(rewrite=rewrite, wishes=wishes, marker=marker).through(wanted)


def _clip(asset: Asset, wishes: Wishes, marker: Marker | None, limits: Limits) -> Drawn:
    if marker is None:
        raise ConfigurationError("label.no-watermark-key", "there is no watermark key")
    made = draw_clip(asset, wishes, marker, limits)
    return Drawn(
        content=made.content,
        rgb=None,
        mark=made.mark,
        words=made.words,
        losses=made.losses,
        gaps=made.gaps,
        deeds=("c2pa.transcoded",),
        still=made.still,
        stills=made.stills,
        label=made.label,
        corner=made.corner,
        on_detail=made.on_detail,
    )


def shows_the_same(before: Asset, after: Asset, limits: Limits) -> bool:
    """Whether a picture that was not drawn anew still decodes to the same pixels; true where none could be decoded."""
    try:
        pixels = decode_rgb(before, limits).rgb
    except (UnsupportedAsset, LimitExceeded):
        return True
    try:
        return bool(np.array_equal(decode_rgb(after, Limits()).rgb, pixels))
    except (UnsupportedAsset, LimitExceeded):
        return False


def _bytes_of(asset: Asset) -> bytes:
    with asset.open() as stream:
        return stream.read()


def _writable(asset: Asset, limits: Limits) -> Rewrite | None:
    """The picture where it is one that can be written anew: a still, in a format that is written here."""
    if not asset.media_type.startswith("image/"):
        return None
    try:
        rewrite = Rewrite(asset=asset, picture=decode_rgb(asset, limits), limits=limits)
    except UnsupportedAsset:
        if asset.media_type in WRITTEN:  # damaged or cut short: no kind of picture that is merely not drawn here
            raise
        return None
    if not rewrite.is_writable or any(item.code in _MOVING for item in stock(asset, rewrite.picture, limits)):
        return None
    return rewrite


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Run:
    rewrite: Rewrite
    wishes: Wishes
    marker: Marker | None

    def through(self, wanted: Sequence[Layer]) -> Drawn:
        gaps: list[Gap] = []
        payload = None if self.marker is None or Layer.WATERMARK not in wanted else self.marker.payload()
        host, shown = self.rewrite.host, None
        if Layer.WATERMARK in wanted:
            if self.marker is None or payload is None:
                raise ConfigurationError("label.no-watermark-key", "there is no watermark key")
            try:
                host = self.marker.put(host, payload)
            except NoMark:
                payload = None
                gaps.append(Gap(layer=Layer.WATERMARK, code="label.no-mark"))
        if Layer.VISIBLE in wanted:
            try:
                shown = self._shown(host)
            except CannotShow:
                gaps.append(Gap(layer=Layer.VISIBLE, code="label.too-small"))
        pixels = host if shown is None else self._stored(shown)
        written, picture, mark = self._written(self.rewrite, pixels, shown, payload)
        if payload is not None and mark is None:  # the source's own quality eats the mark: a better one is larger
            finer = self._written(replace(self.rewrite, finer=True), pixels, shown, payload)
            if finer[2] is None:
                gaps.append(Gap(layer=Layer.WATERMARK, code="label.mark-lost"))
            else:
                written, picture, mark = finer
        before = stock(self.rewrite.asset, self.rewrite.picture, self.rewrite.limits)
        return Drawn(
            content=Content.of(_bytes_of(written)),
            rgb=picture.rgb,
            mark=mark,
            words=None if shown is None else shown.words,
            losses=losses(before, stock(written, picture, self.rewrite.limits)),
            gaps=tuple(gaps),
            deeds=tuple(self._deeds()),
            label=None if shown is None else self._place(shown),
            corner=None if shown is None else shown.corner,
            on_detail=shown is not None and shown.on_detail,
        )

    def _written(
        self, rewrite: Rewrite, pixels: Bytes, shown: Shown | None, payload: bytes | None
    ) -> tuple[Asset, Picture, Mark | None]:
        """The encoded file, what it decodes to, and the mark found in that; None where it is not found or not asked."""
        data = self._encoded(rewrite, pixels, shown)
        written = asset_from_bytes(data, name=rewrite.asset.name, limits=rewrite.limits)
        picture = decode_rgb(written, rewrite.limits)
        if payload is None or self.marker is None:
            return written, picture, None
        try:
            return written, picture, self.marker.find(picture.rgb, payload)
        except NoMark:
            return written, picture, None

    def _place(self, shown: Shown) -> tuple[int, int, int, int]:
        """Where the label stands in the pixels as they are stored."""
        mask = np.zeros(shown.pixels.shape[:2], np.uint8)
        mask[shown.box.rows_columns] = 1
        down, across = np.nonzero(as_stored(mask, self.rewrite.picture.orientation))
        left, top = int(across.min()), int(down.min())
        return left, top, int(across.max()) + 1 - left, int(down.max()) + 1 - top

    def _deeds(self) -> Iterator[str]:
        if self.rewrite.turns:
            yield "c2pa.orientation"
        if self.rewrite.changes_colour:
            yield "c2pa.adjustedColor"
        yield "c2pa.transcoded"

    def _shown(self, host: Bytes) -> Shown:
        """The label drawn as people see the picture."""
        corner = self.wishes.corner
        if corner is None:
            raise CannotShow
        rgb = np.repeat(host[:, :, None], 3, axis=2) if host.ndim == 2 else host
        seen = upright(rgb, self.rewrite.picture.orientation)
        return show(seen, self.wishes.lines, corner=corner, letters=lettering(self.wishes.font))

    def _stored(self, shown: Shown) -> Bytes:
        pixels = as_stored(shown.pixels, self.rewrite.picture.orientation)
        return pixels[:, :, 0].copy() if self.rewrite.is_grey else pixels

    @staticmethod
    def _encoded(rewrite: Rewrite, pixels: Bytes, shown: Shown | None) -> bytes:
        """The file; under the label nothing shines through."""
        picture = rewrite.picture
        if shown is None or picture.alpha is None:
            return encode(rewrite, pixels)
        alpha = upright(picture.alpha, picture.orientation).copy()
        part = alpha[shown.box.rows_columns]
        alpha[shown.box.rows_columns] = np.maximum(part, shown.coverage)
        covered = replace(picture, alpha=as_stored(alpha, picture.orientation))
        return encode(replace(rewrite, picture=covered), pixels)
