# SPDX-License-Identifier: Apache-2.0
"""Labels of the AT Protocol (lexicon ``com.atproto.label.defs``), unsigned: signing is the labeler's own.

A withdrawal is the same label with ``neg``; both stay. ``ai-unverified`` is for a review queue and is never put on
public display by us.
"""

import re
from datetime import UTC, datetime
from typing import Any

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.model import Origin, Tier, Verdict

VERSION = 1
_DID = re.compile(r"did:[a-z]+:[A-Za-z0-9._:%-]{1,200}\Z")
_URI = re.compile(r"(at://|did:)[^\s\x00-\x1f]{1,1000}\Z")
_VALUES = {Origin.AI_GENERATED: "ai-generated", Origin.AI_MODIFIED: "ai-modified"}
VALUES = ("ai-generated", "ai-modified", "ai-unverified", "capture-signed")


def value_of(verdict: Verdict) -> str | None:
    """The label value that a finding comes to; None where there is nothing to say."""
    if verdict.origin in _VALUES:
        return _VALUES[verdict.origin]
    if verdict.tier is Tier.SUSPECTED:
        return "ai-unverified"
    return "capture-signed" if verdict.authentic_capture else None


def label(
    value: str, *, labeler: str, uri: str, at: datetime, cid: str | None = None, withdrawn: bool = False
) -> dict[str, Any]:
    """One label on a record or account. Raises ConfigurationError for a value, a DID or an address that is none."""
    if value not in VALUES:
        raise ConfigurationError("atproto.value", f"the value is one of {', '.join(VALUES)}")
    if not _DID.match(labeler) or not _URI.match(uri):
        raise ConfigurationError("atproto.address", "the labeler is a DID, the subject an at:// address or a DID")
    if at.tzinfo is None:
        raise ValueError("the time of a label has a zone")
    moment = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    data: dict[str, Any] = {"ver": VERSION, "src": labeler, "uri": uri, "val": value, "cts": moment}
    if cid is not None:
        data["cid"] = cid
    return data | {"neg": True} if withdrawn else data


def definitions() -> list[dict[str, Any]]:
    """The label value definitions that a labeler publishes: they inform, blur nothing and can be switched off."""
    return [
        {
            "identifier": value,
            "severity": "inform",
            "blurs": "none",
            "defaultSetting": "warn",
            "locales": [
                {"lang": language, "name": name, "description": description}
                for language, (name, description) in sorted(texts.items())
            ],
        }
        for value, texts in _TEXTS.items()
    ]


_TEXTS = {
    "ai-generated": {
        "en": ("AI-generated", "A signed mark, or whoever placed it, says that AI made this."),
        "nl": ("Gemaakt met AI", "Een ondertekend kenmerk, of de plaatser, zegt dat AI dit heeft gemaakt."),
    },
    "ai-modified": {
        "en": ("AI-modified", "A signed mark, or whoever placed it, says that AI changed this."),
        "nl": ("Aangepast met AI", "Een ondertekend kenmerk, of de plaatser, zegt dat AI dit heeft aangepast."),
    },
    "ai-unverified": {
        "en": ("Possible AI - not verified", "Something points at AI; nobody has verified it."),
        "nl": ("Mogelijk AI - niet vastgesteld", "Iets wijst op AI; niemand heeft het vastgesteld."),
    },
    "capture-signed": {
        "en": ("Signed capture", "A listed signer says that a camera took this. It says nothing of what was shown."),
        "nl": (
            "Ondertekende opname",
            "Een erkende ondertekenaar zegt: opgenomen met een camera. Niet wat er te zien was.",
        ),
    },
}
