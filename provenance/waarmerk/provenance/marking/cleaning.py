# SPDX-License-Identifier: Apache-2.0
"""Metadata that is not to go out: small pictures of what was there before, and personal details where that is asked."""

from waarmerk.provenance.marking.drawing import Drawn
from waarmerk.provenance.marking.plan import Wishes
from waarmerk.provenance.media import Content, Limits
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.metadata.strip import stripped, without_thumbnails


def cleaned(drawn: Drawn, media_type: str, wishes: Wishes, limits: Limits) -> tuple[Content, tuple[Loss, ...]]:
    """The drawn file without them, and each thing that went. What stands in it never raises."""
    content, gone = drawn.content, list[Loss]()
    if drawn.rgb is not None:
        data, had_thumbnails = without_thumbnails(content.read(), media_type, limits)
        content = Content.of(data)
        gone += [Loss("thumbnail")] * had_thumbnails
    if wishes.strips_personal:
        content, kinds = stripped(content, media_type, limits)
        gone += [Loss("personal", kind) for kind in kinds]
    return content, tuple(gone)
