# SPDX-License-Identifier: Apache-2.0
"""Reports on their way out."""

import hashlib
import json
from typing import Any

from waarmerk.api.wire import Json
from waarmerk.provenance.jobs.told import Told


class _Encoded(Json):
    """A report whose JSON is there already."""

    def render(self, content: bytes) -> bytes:
        return content


def answered(report: dict[str, Any]) -> Json:
    """The answer with this report, and its tag; one that nobody changed leaves as the worker wrote it, in ASCII too."""
    response = _Encoded(report.text) if isinstance(report, Told) else Json(report)
    response.headers["ETag"] = _tag(report, bytes(response.body))
    return response


def etag(report: dict[str, Any]) -> str:
    """A weak entity tag (RFC 9110, 8.8.3) over everything in a report but the moment it was made.

    Equal for the same bytes under the same rules, lists and keys: those stand in the report with their digests, and its
    keys always in the same order.
    """
    return _tag(report, bytes(Json(report).body))


def _tag(report: dict[str, Any], body: bytes) -> str:
    """Over the bytes that leave anyway: a second encoding took a tenth of the time of a small request."""
    moment = f'"at":{json.dumps(report["at"])},'.encode("ascii")
    return f'W/"{hashlib.sha256(body.replace(moment, b"", 1)).hexdigest()}"'
