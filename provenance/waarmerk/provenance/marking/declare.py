# SPDX-License-Identifier: Apache-2.0
"""The declaration in a file's metadata: one, in place of whatever stood there."""

from waarmerk.provenance.errors import UnsupportedAsset
from waarmerk.provenance.marking.plan import SOURCE_TYPES, Wishes
from waarmerk.provenance.media import Content, Limits, asset_of
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.metadata import read
from waarmerk.provenance.metadata.xmp_packet import replaced
from waarmerk.provenance.metadata.xmp_write import Statement, earlier_in, state_in


def declared(content: Content, media_type: str, wishes: Wishes, limits: Limits) -> tuple[Content, tuple[Loss, ...]]:
    """The file with the declaration in its XMP, and the earlier declarations that gave way to it.

    Raises UnsupportedAsset and LimitExceeded as ``state`` does; UnsupportedAsset too where another source type would
    stand beside ours, out of reach of the packet (extended XMP): a file is not left contradicting itself.
    """
    said = Statement(
        source_type=SOURCE_TYPES[wishes.says.value],
        system=wishes.tool,
        system_version=wishes.tool_version,
        title=wishes.title,
        alt=wishes.alternative,
    )
    earlier = earlier_in(content, media_type, limits)
    lost = () if earlier is None else replaced(said, earlier)
    written = state_in(content, media_type, said, limits)
    found = read(asset_of(written, name=None, limits=Limits()), limits).source_types
    if set(found) != {said.source_type}:
        raise UnsupportedAsset("metadata.unwritable", "another declaration stands out of reach in the file")
    return written, tuple(Loss("declaration", name) for name in lost)
