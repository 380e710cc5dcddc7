# SPDX-License-Identifier: Apache-2.0
"""The engine's settings, one dictionary per pass, held to a schema of our own.

The engine ignores unknown keys without a word (``trust.trust_anchor`` loads no anchor and reports nothing), and by
default it fetches remote manifests, resolves did:web and trusts nobody. So every key is stated, and a dictionary
that deviates from ``_SCHEMA`` never reaches the engine.
"""

import os
from collections.abc import Mapping
from typing import Any

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.trust.chain import SIGNER_PURPOSES

_FOREIGN_LIBRARY = "C2PA_LIBRARY_NAME"
EKUS = "\n".join(sorted(SIGNER_PURPOSES))

_SCHEMA: dict[str, dict[str, type]] = {
    "verify": {
        "verify_after_reading": bool,
        "verify_trust": bool,
        "verify_timestamp_trust": bool,
        "remote_manifest_fetch": bool,
        "ocsp_fetch": bool,
    },
    "core": {"allowed_network_hosts": list, "allow_redirects": bool, "decode_identity_assertions": bool},
    "trust": {"anchors": list, "trust_config": str},
}
_ANCHOR_KEYS = frozenset({"trust_kind", "trust_uri", "trust_anchors", "allowed_list"})
_REQUIRED = {
    ("verify", "verify_after_reading"): True,
    ("verify", "verify_trust"): True,
    ("verify", "verify_timestamp_trust"): True,
    ("verify", "remote_manifest_fetch"): False,
    ("verify", "ocsp_fetch"): False,
    ("core", "allowed_network_hosts"): [],  # [] is nothing; null would be everything
    ("core", "allow_redirects"): False,
}


def settings(anchors: list[dict[str, str]], *, identity: bool = False) -> dict[str, Any]:
    """The settings of one pass. ``anchors`` holds one list: the engine does not keep several apart.

    ``trust_config`` is honoured here only, not inside an anchor; an allowed list inside an anchor only.
    """
    return validated(
        {
            "verify": {
                "verify_after_reading": True,
                "verify_trust": True,
                "verify_timestamp_trust": True,
                "remote_manifest_fetch": False,
                "ocsp_fetch": False,
            },
            "core": {
                "allowed_network_hosts": [],
                "allow_redirects": False,
                "decode_identity_assertions": identity,
            },
            "trust": {"anchors": anchors, "trust_config": EKUS},
        }
    )


def anchor(kind: str, name: str, pem: str, allowed: str | None = None) -> dict[str, str]:
    """One list as the engine takes it; ``kind`` is ``manifest`` or ``tsa``."""
    found = {"trust_kind": kind, "trust_uri": f"waarmerk:{name}", "trust_anchors": pem}
    return found if allowed is None else {**found, "allowed_list": allowed}


def validated(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document itself. Raises ConfigurationError for a key or a value that must not reach the engine."""
    _same_keys("settings", document, _SCHEMA)
    for section, fields in _SCHEMA.items():
        _same_keys(section, document[section], fields)
        for key, kind in fields.items():
            value = document[section][key]
            if type(value) is not kind or _REQUIRED.get((section, key), value) != value:
                raise ConfigurationError("credentials.settings", f"engine setting {section}.{key} must not be changed")
    if len(document["trust"]["anchors"]) > 1:
        raise ConfigurationError("credentials.settings", "one trust list a pass")
    for each in document["trust"]["anchors"]:
        if set(each) - _ANCHOR_KEYS or each.get("trust_kind") not in ("manifest", "tsa"):
            raise ConfigurationError("credentials.settings", "an engine anchor of no known form")
    return dict(document)


def refuse_foreign_library() -> None:
    """Raise ConfigurationError where the environment would replace the native library that verifies."""
    if _FOREIGN_LIBRARY in os.environ:
        raise ConfigurationError(
            "credentials.foreign-library", f"{_FOREIGN_LIBRARY} is set: another library would verify; unset it"
        )


def _same_keys(name: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    if set(found) != set(expected):
        odd = sorted(set(found) ^ set(expected))[0]
        raise ConfigurationError("credentials.settings", f"{name}: unknown or missing engine setting {odd!r}")
