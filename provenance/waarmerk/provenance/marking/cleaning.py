# SPDX-License-Identifier: Apache-2.0
"""Metadata that is not to go out: small pictures of what was there before, and personal details where that is asked."""

from waarmerk.provenance.marking.drawing import Drawn
from waarmerk.provenance.marking.plan import Wishes
from waarmerk.provenance.media import Limits
from waarmerk.provenance.media.losses import Loss
from waarmerk.provenance.metadata.strip import without_personal, without_thumbnails


def cleaned(drawn: Drawn, media_type: str, wishes: Wishes, limits: Limits) -> tuple[bytes, tuple[Loss, ...]]:
    """The drawn file without them, and each thing that went. Content never raises."""
    data, gone = drawn.data, list[Loss]()
    if drawn.rgb is not None:
        data, had_thumbnails = without_thumbnails(data, media_type, limits)
        gone += [Loss("thumbnail")] * had_thumbnails
    if wishes.strips_personal:
        data, kinds = without_personal(data, media_type, limits)
        gone += [Loss("personal", kind) for kind in kinds]
    return data, tuple(gone)
