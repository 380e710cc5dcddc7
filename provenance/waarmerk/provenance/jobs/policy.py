# SPDX-License-Identifier: Apache-2.0
"""The digest of everything but the file that decides a report: settings, lists, rules, keys, and this release.

What a registry or a ledger holds is not part of it: that is evidence, and grows while the policy stays.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from waarmerk.provenance.settings import Settings


def policy_digest(settings: Settings, *, version: str) -> bytes:
    """The digest (sha256) of the policy that ``settings`` name. Raises OSError where something named cannot be read."""
    told = json.dumps([version, settings.to_json()], sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    digest = hashlib.sha256(told.encode("ascii"))
    for path in _files(settings):
        digest.update(len(path.name).to_bytes(2) + path.name.encode("utf-8", "surrogateescape"))
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


def _files(settings: Settings) -> Iterator[Path]:
    folders = [settings.trust, settings.data_folder if settings.trust is None else None, *settings.rule_packs]
    for folder in folders:
        if folder is not None and folder.is_dir():
            yield from sorted(path for path in folder.rglob("*") if path.is_file())
    yield from settings.keys
