# SPDX-License-Identifier: Apache-2.0
"""Certificates that the operator no longer believes, whatever a list says of their issuer: ``denylist.json``.

Nothing is fetched at verification, so a certificate that its authority withdrew would go on vouching. In 2025 a camera
maker had to withdraw every certificate after false captures were signed under them. The format is ours::

    {"format": "waarmerk.denylist/1", "issued": "2026-11-20T08:00:00Z", "source": "https://...",
     "entries": [{"issuer": "CN=Issuing CA,O=Example", "serial": "1f9a...",
                  "from": "2026-10-01T00:00:00Z", "until": null,
                  "reason": "key compromise", "source": "https://..."}]}

An entry names one certificate by ``issuer`` (RFC 4514) and ``serial`` (hexadecimal), or every certificate with, or
issued under, a key by ``ski`` (its subject key identifier, hexadecimal). ``from`` and ``until`` bound the time of
signing; a claim escapes the window only by a trusted time-stamp that lies outside it.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography import x509

from waarmerk.provenance.errors import TrustListError
from waarmerk.provenance.model import Edition
from waarmerk.provenance.trust.lists import Dates, moment_of, rfc3339

FILE = "denylist.json"
FORMAT = "waarmerk.denylist/1"
MAX_ENTRIES = 100_000
_KEYS = frozenset({"format", "issued", "next_update", "source", "entries"})
_ENTRY_KEYS = frozenset({"issuer", "serial", "ski", "from", "until", "reason", "source"})
_HEX = re.compile(r"[0-9a-f]{1,128}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """One entry: which certificate or key, signed when, and why."""

    issuer: x509.Name | None = None
    serial: int | None = None
    ski: bytes | None = None
    start: datetime | None = None
    end: datetime | None = None
    reason: str
    source: str

    @property
    def about(self) -> str:
        """The reason and who states it, for a person."""
        return f"{self.reason} ({self.source})"

    def names(self, certificate: x509.Certificate) -> bool:
        """Whether the certificate is the one named, carries the key named, or was issued under it."""
        if self.ski is not None:
            return self.ski in _key_identifiers(certificate)
        return certificate.serial_number == self.serial and certificate.issuer == self.issuer

    def covers(self, signed_at: datetime | None) -> bool:
        """Whether a claim signed then falls into the window; a time nobody vouches for (None) always does."""
        if signed_at is None:
            return True
        return (self.start is None or signed_at >= self.start) and (self.end is None or signed_at < self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denylist:
    """The denylist as it stands in the trust store."""

    text: str = field(repr=False)
    sha256: str
    dates: Dates
    entries: tuple[Denial, ...] = field(repr=False)
    id: str = "denylist"
    file: str = FILE

    @property
    def members(self) -> tuple[Denial, ...]:
        """What is counted and compared when the list changes."""
        return self.entries

    @property
    def edition(self) -> Edition:
        """The line of the report's ``basis`` that names this list."""
        issued = self.dates.issued
        return Edition(id=self.id, issued=None if issued is None else rfc3339(issued), sha256=self.sha256)

    def denial_of(self, chain: Iterable[x509.Certificate], signed_at: datetime | None) -> Denial | None:
        """The first entry that names a certificate of the chain, for a claim signed then; None if there is none."""
        certificates = tuple(chain)
        for entry in self.entries:
            if entry.covers(signed_at) and any(entry.names(each) for each in certificates):
                return entry
        return None


def parse_denylist(data: bytes, file: str = FILE) -> Denylist:
    """Read a denylist. Raises TrustListError, naming the file, unless all of it is understood."""
    try:
        document = json.loads(data)
        text = data.decode("utf-8")
    except (ValueError, RecursionError) as fault:
        raise TrustListError("trust.broken-denylist", f"{file}: not readable as JSON") from fault
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise TrustListError("trust.broken-denylist", f"{file}: not a {FORMAT}")
    _refuse_unknown(document, _KEYS, file)
    issued = moment_of(document, "issued", file)
    entries = document.get("entries")
    if issued is None or not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise TrustListError("trust.broken-denylist", f"{file}: it needs the date issued and a list of entries")
    return Denylist(
        text=text,
        sha256=hashlib.sha256(data).hexdigest(),
        dates=Dates(issued=issued, next_update=moment_of(document, "next_update", file)),
        entries=tuple(_denial(each, f"{file}: entry {number}") for number, each in enumerate(entries, 1)),
    )


def _denial(entry: Any, where: str) -> Denial:
    if not isinstance(entry, dict):
        raise TrustListError("trust.broken-denylist", f"{where}: not an object")
    _refuse_unknown(entry, _ENTRY_KEYS, where)
    reason, source = entry.get("reason"), entry.get("source")
    if not (isinstance(reason, str) and reason and isinstance(source, str) and source):
        raise TrustListError("trust.broken-denylist", f"{where}: it needs a reason and a source")
    if ("ski" in entry) == ("issuer" in entry or "serial" in entry):
        raise TrustListError("trust.broken-denylist", f"{where}: it names issuer and serial, or ski alone")
    start, end = moment_of(entry, "from", where), moment_of(entry, "until", where)
    if start is not None and end is not None and end <= start:
        raise TrustListError("trust.broken-denylist", f"{where}: the window ends before it starts")
    if "ski" in entry:
        key = bytes.fromhex(_hexadecimal(entry, "ski", where, even=True))
        return Denial(ski=key, start=start, end=end, reason=reason, source=source)
    serial = int(_hexadecimal(entry, "serial", where), 16)
    return Denial(issuer=_name(entry, where), serial=serial, start=start, end=end, reason=reason, source=source)


def _name(entry: Mapping[str, Any], where: str) -> x509.Name:
    try:
        return x509.Name.from_rfc4514_string(entry["issuer"])
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise TrustListError("trust.broken-denylist", f"{where}: issuer is no name as in RFC 4514") from fault


def _hexadecimal(entry: Mapping[str, Any], key: str, where: str, *, even: bool = False) -> str:
    value = entry.get(key)
    text = value.replace(":", "").lower() if isinstance(value, str) else ""
    if not _HEX.fullmatch(text) or (even and len(text) % 2):
        raise TrustListError("trust.broken-denylist", f"{where}: {key} is not hexadecimal")
    return text


def _refuse_unknown(found: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    """A misspelt key would silently widen or lose an entry."""
    unknown = sorted(set(found) - known)
    if unknown:
        raise TrustListError("trust.broken-denylist", f"{where}: unknown key {unknown[0]!r}")


def _key_identifiers(certificate: x509.Certificate) -> tuple[bytes | None, ...]:
    """The key's own identifier, stated or computed (RFC 5280, section 4.2.1.2), and that of the key it is under."""
    extensions = certificate.extensions
    try:
        own = extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        own = None
    try:
        under = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    except x509.ExtensionNotFound:
        under = None
    return own, x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest, under
