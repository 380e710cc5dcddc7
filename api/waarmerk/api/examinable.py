# SPDX-License-Identifier: Apache-2.0
"""Whether a file that is to be kept for later could be examined then."""

from pathlib import Path

from waarmerk.api.problems import Problem
from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.media.limits import MIB, Limits
from waarmerk.provenance.media.open import require_size


def require_examinable(path: Path, limits: Limits) -> None:
    """Raise Problem for a file that is larger than any of its kind may be: later it could only fail."""
    try:
        require_size(path, limits=limits)
    except LimitExceeded:
        most = (limits.image_bytes // MIB, limits.video_bytes // MIB)
        detail = "at most {} MiB of a picture or document are examined, {} MiB of a clip or sound".format(*most)
        raise Problem("request.too-large", detail) from None
