# SPDX-License-Identifier: Apache-2.0
"""The implicit label of China's GB 45438-2025, annex E: a JSON object under the key ``AIGC``.

``Label`` is "1" (generated), "2" (possibly) or "3" (suspected). Producer and identifiers are not kept.
"""

import json

NAMESPACE = "http://www.tc260.org.cn/ns/AIGC/1.0/"
_LABELS = frozenset({"1", "2", "3"})
OTHER = "other"  # an AIGC field whose label is outside the standard is still a statement


def label_of(text: str, max_characters: int) -> str:
    """The label that the text of an ``AIGC`` field states: 1, 2, 3 or ``other``. Never raises."""
    if len(text) > max_characters:
        return OTHER
    try:
        stated = json.loads(text)
    except (ValueError, RecursionError):
        return OTHER
    if isinstance(stated, dict) and isinstance(stated.get("AIGC"), dict):
        stated = stated["AIGC"]
    label = stated.get("Label") if isinstance(stated, dict) else stated
    return normal(label)


def normal(label: object) -> str:
    """A label as the standard writes it, else ``other``."""
    text = str(label).strip() if isinstance(label, str | int) else ""
    return text if text in _LABELS else OTHER


def inside_comment(text: str) -> bool:
    """Whether a comment field is the JSON object with an ``AIGC`` member that some writers put into EXIF."""
    return text.lstrip().startswith("{") and '"AIGC"' in text[:256]
