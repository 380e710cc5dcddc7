# SPDX-License-Identifier: Apache-2.0
"""Reports on their way out."""

import hashlib
import json
from typing import Any


def etag(report: dict[str, Any]) -> str:
    """A weak entity tag (RFC 9110, 8.8.3) over everything in a report but the moment it was made.

    Equal for the same bytes under the same rules, lists and keys: those stand in the report with their digests.
    """
    lasting = {key: value for key, value in report.items() if key != "at"}
    text = json.dumps(lasting, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return f'W/"{hashlib.sha256(text.encode("ascii")).hexdigest()}"'
