# SPDX-License-Identifier: Apache-2.0
"""The engine, one trust list at a time.

An anchor given to the engine for one purpose makes signers under it trusted for every purpose, so the lists are
loaded in separate passes and the pass gives the list its name. A context is built once, on first use; it is shared
by threads, not by processes.
"""

import json
import re
import threading
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from waarmerk.provenance.credentials.settings import anchor, settings
from waarmerk.provenance.model import Asset
from waarmerk.provenance.trust import TrustList, TrustStore
from waarmerk.provenance.trust.lists import concatenate

_REMOTE = re.compile(r"^Remote: must fetch remote manifests from url (\S+)")


def load_engine() -> None:
    """Load the native library now, not with the first file. It starts no thread, and a fork of this process may use it;
    a context may not cross a fork.
    """
    import c2pa  # noqa: F401, PLC0415  (a native library)


class Pass(StrEnum):
    """Which list is loaded."""

    OFFICIAL = "official"
    INTERIM = "interim"
    USER = "user"
    TSA = "tsa"
    IDENTITY = "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the engine said: a manifest store, or why there is none.

    ``document`` is its JSON. Without one, ``remote_url`` is the address of a store outside the file, ``failed`` the
    engine's class of error, and both None mean that it saw no store at all. ``from_sidecar``: the store stood in a
    file beside the asset, for there was none inside.
    """

    document: dict[str, Any] | None = field(default=None, repr=False)
    remote_url: str | None = None
    failed: str | None = None
    from_sidecar: bool = False


class Engine:
    """Runs passes over assets. Content never makes it raise."""

    def __init__(self, trust: TrustStore) -> None:
        self._trust = trust
        self._contexts: dict[Pass, Any] = {}
        self._settings: dict[Pass, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Put together what contexts are made of, and give the engine none of it yet."""
        for which in Pass:
            self._settings[which] = self._settings_of(which)

    def run(self, which: Pass, asset: Asset) -> Answer:
        """One pass over the asset."""
        return self._read(which, asset, lambda reader: json.loads(reader.json()))

    def detailed(self, asset: Asset) -> Answer:
        """The store in the engine's detailed form, official pass."""
        return self._read(Pass.OFFICIAL, asset, lambda reader: json.loads(reader.detailed_json()))

    def crjson(self, asset: Asset) -> str:
        """The store as crJSON, official pass; an empty text where there is none to be read."""
        answer = self._read(Pass.OFFICIAL, asset, lambda reader: {"crjson": reader.crjson()})
        return str((answer.document or {"crjson": ""})["crjson"])

    def _read(self, which: Pass, asset: Asset, take: Any) -> Answer:
        """The store inside the asset; only where there is none, the one in the sidecar."""
        answer = self._attempt(which, asset, take, None)
        beside = asset.sidecar("c2pa")
        if beside is None or answer.document is not None or answer.failed is not None:
            return answer
        return replace(self._attempt(which, asset, take, beside.data), from_sidecar=True)

    def _attempt(self, which: Pass, asset: Asset, take: Any, manifest: bytes | None) -> Answer:
        context = self._context(which)
        import c2pa  # noqa: PLC0415  (a native library, loaded with the first file)

        try:
            with asset.open() as stream:
                reader = c2pa.Reader.try_create(asset.media_type, stream, manifest, context)
                if reader is None:
                    return Answer()
                with reader:
                    document = take(reader)
        except MemoryError:
            raise
        except Exception as fault:  # errors of the native side arrive in many classes
            return _failure(fault)
        return Answer(document=document) if isinstance(document, dict) else Answer(failed="ValueError")

    def _context(self, which: Pass) -> Any:
        context = self._contexts.get(which)
        if context is None:
            with self._lock:
                context = self._contexts.get(which)
                if context is None:
                    context = self._contexts[which] = self._new_context(which)
        return context

    def _new_context(self, which: Pass) -> Any:
        import c2pa  # noqa: PLC0415

        return c2pa.Context.from_dict(self._settings.get(which) or self._settings_of(which))

    def _settings_of(self, which: Pass) -> dict[str, Any]:
        return settings(self._anchors(which), identity=which is Pass.IDENTITY)

    def _anchors(self, which: Pass) -> list[dict[str, str]]:
        trust = self._trust
        match which:
            case Pass.OFFICIAL:
                return _anchor("manifest", "official", (trust.official,))
            case Pass.INTERIM:
                allowed = None if trust.allowed is None else concatenate((trust.allowed,))
                return _anchor("manifest", "interim", (trust.interim,), allowed)
            case Pass.USER:
                return _anchor("manifest", "user", trust.user)
            case Pass.TSA:
                return _anchor("tsa", "tsa", trust.time_anchors)
            case Pass.IDENTITY:
                return []  # there is no identity list; signer lists must not stand in for one


def _anchor(
    kind: str, name: str, lists: tuple[TrustList | None, ...], allowed: str | None = None
) -> list[dict[str, str]]:
    loaded = [each for each in lists if each is not None]
    return [anchor(kind, name, concatenate(loaded), allowed)] if loaded or allowed else []


def _failure(fault: BaseException) -> Answer:
    """Which of three things an error means. The engine's text is looked at for the remote address alone."""
    text = str(fault)
    remote = _REMOTE.match(text)
    if remote is not None:
        return Answer(remote_url=remote[1])
    name = type(fault).__name__.removeprefix("_C2pa")
    return Answer() if name == "ManifestNotFound" else Answer(failed=name)
