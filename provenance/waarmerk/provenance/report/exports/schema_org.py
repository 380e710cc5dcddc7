# SPDX-License-Identifier: Apache-2.0
"""JSON-LD for a page: what schema.org can say about the origin of a media object.

Vocabulary: https://schema.org/digitalSourceType and https://schema.org/IPTCDigitalSourceEnumeration. Only a proven or
claimed AI origin, or an authentic capture, is stated: silence is not "human".
"""

import json
from typing import Any

from waarmerk.provenance.model import Origin, Report
from waarmerk.provenance.report.escape import plain

CONTEXT = "https://schema.org"
_TYPES = {"image": "ImageObject", "video": "VideoObject", "audio": "AudioObject"}
_SOURCES = {
    Origin.AI_GENERATED: "TrainedAlgorithmicMediaDigitalSource",
    Origin.AI_MODIFIED: "CompositeWithTrainedAlgorithmicMediaDigitalSource",
}
_CAPTURED = "DigitalCaptureDigitalSource"


def media_object(report: Report, *, content_url: str | None = None, credit: str | None = None) -> dict[str, Any]:
    """The media object of a report. ``content_url`` and ``credit`` come from the publisher, never from the file."""
    kind = (report.asset.media_type or "").partition("/")[0]
    found: dict[str, Any] = {"@context": CONTEXT, "@type": _TYPES.get(kind, "CreativeWork")}
    source = _source(report)
    if source is not None:
        found["digitalSourceType"] = f"{CONTEXT}/{source}"
    known = {
        "contentUrl": content_url,
        "creditText": None if credit is None else plain(credit),
        "encodingFormat": report.asset.media_type,
        "sha256": report.asset.sha256,
    }
    return found | {key: value for key, value in known.items() if value is not None}


def script_text(data: dict[str, Any]) -> str:
    """The JSON as it may stand inside a ``<script type="application/ld+json">``: nothing in it can end the element."""
    text = json.dumps(data, ensure_ascii=True, sort_keys=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _source(report: Report) -> str | None:
    if report.verdict.authentic_capture:
        return _CAPTURED
    return _SOURCES.get(report.verdict.origin)
