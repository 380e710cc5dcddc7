# SPDX-License-Identifier: Apache-2.0
"""HEIC, as telephones make it, becomes JPEG before it is labelled: no browser outside one shows it otherwise."""

from dataclasses import dataclass, replace
from io import BytesIO

from PIL import Image

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.media import Limits, asset_from_bytes, decode_rgb
from waarmerk.provenance.media.losses import Loss, losses, stock
from waarmerk.provenance.metadata.xmp_write import earlier_packet, write_packet
from waarmerk.provenance.model import Asset

CONVERTED = frozenset({"image/heic", "image/heif"})
_QUALITY = 92


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """The file to label: as it is, or converted, with what the conversion drops."""

    asset: Asset
    losses: tuple[Loss, ...] = ()
    is_converted: bool = False


def written_type(media_type: str) -> str:
    """The type in which a file of ``media_type`` is labelled."""
    return "image/jpeg" if media_type in CONVERTED else media_type


def started(asset: Asset, limits: Limits) -> Start:
    """The file in a format that is written here.

    Raises UnsupportedAsset (``media.undecodable``) for HEIC where its decoder, the extra ``heic``, is absent.
    """
    if asset.media_type not in CONVERTED:
        return Start(asset=asset)
    picture = decode_rgb(asset, limits)
    target = BytesIO()
    kept = {"exif": picture.exif or b"", "icc_profile": picture.icc_profile or b""}
    Image.fromarray(picture.rgb).save(target, "JPEG", quality=_QUALITY, optimize=True, **kept)
    data, same = target.getvalue(), set()
    with asset.open() as stream:
        packet = earlier_packet(stream.read(), asset.media_type, limits)
    if packet is not None:
        try:
            data = write_packet(data, "image/jpeg", packet, limits)
            same.add("xmp")
        except (UnsupportedAsset, LimitExceeded):
            pass  # then the comparison below finds it missing
    made = asset_from_bytes(data, name=asset.name, limits=Limits())
    again = decode_rgb(made, limits)
    if again.icc_profile == picture.icc_profile:
        same.add("icc")
    before = stock(replace(asset, media_type="image/avif"), picture, limits)  # the same container
    dropped = losses(before, stock(made, again, limits))
    return Start(asset=made, losses=tuple(x for x in dropped if x.code not in same), is_converted=True)
