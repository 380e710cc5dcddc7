# SPDX-License-Identifier: Apache-2.0
"""One trust list: its certificates, its dates, its digest.

A list is a PEM file, with its dates in ``NAME.json`` beside it: either the ETSI form in which the official lists are
published (ETSI TS 119 602, "list of trusted entities") or ``{"issued", "next_update", "source"}``. The PEM decides
whom to believe; the JSON only says when it was issued. A list whose date nobody states is used and reported undated.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography import x509

from waarmerk.provenance.errors import TrustListError
from waarmerk.provenance.model import Edition

_PLAIN_KEYS = frozenset({"issued", "next_update", "source"})
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """When a list was issued and when its issuer promises the next one; None where nobody says."""

    issued: datetime | None = None
    next_update: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustList:
    """A list of certificates that someone vouches for. Empty means: nobody is trusted.

    ``id`` is what a report calls it, ``file`` where it came from, ``sha256`` of the PEM file as it stands.
    """

    id: str
    file: str
    pem: str = field(repr=False)
    sha256: str
    certificates: tuple[x509.Certificate, ...] = field(repr=False)
    dates: Dates = Dates()

    @property
    def members(self) -> tuple[x509.Certificate, ...]:
        """What is counted and compared when the list changes."""
        return self.certificates

    @property
    def text(self) -> str:
        """The file as it stands."""
        return self.pem

    @property
    def edition(self) -> Edition:
        """The line of the report's ``basis`` that names this list."""
        issued = self.dates.issued
        return Edition(id=self.id, issued=None if issued is None else rfc3339(issued), sha256=self.sha256)


def parse_list(*, id: str, file: str, pem: bytes, dates: bytes | None = None) -> TrustList:
    """Read one list. Raises TrustListError, naming the file, for anything that is not wholly readable."""
    return TrustList(
        id=id,
        file=file,
        pem=_text(pem, file),
        sha256=hashlib.sha256(pem).hexdigest(),
        certificates=parse_certificates(pem, file),
        dates=Dates() if dates is None else parse_dates(dates, file.removesuffix(".pem") + ".json"),
    )


def parse_certificates(pem: bytes, file: str) -> tuple[x509.Certificate, ...]:
    """All certificates of a PEM file, in order, each once.

    A PEM reader stops without a word at a damaged block; counting the markers makes a half-read list an error.
    """
    begun, ended = pem.count(_BEGIN), pem.count(_END)
    if begun == 0:
        raise TrustListError("trust.no-certificates", f"{file}: no certificate in it")
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as fault:
        raise TrustListError("trust.broken-pem", f"{file}: not a readable PEM file of certificates") from fault
    if not begun == ended == len(found):
        raise TrustListError(
            "trust.broken-pem", f"{file}: {begun} certificates begin, {ended} end, {len(found)} can be read"
        )
    return tuple(dict.fromkeys(found))


def parse_dates(data: bytes, file: str) -> Dates:
    """The dates of a list from the JSON beside it, in the ETSI form or the plain one."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as fault:
        raise TrustListError("trust.broken-dates", f"{file}: not readable as JSON") from fault
    if not isinstance(document, dict):
        raise TrustListError("trust.broken-dates", f"{file}: neither an ETSI list nor issued/next_update/source")
    if "LoTE" in document:
        return _etsi_dates(document, file)
    unknown = sorted(set(document) - _PLAIN_KEYS)
    if unknown:
        raise TrustListError("trust.broken-dates", f"{file}: unknown key {unknown[0]!r}")
    return Dates(
        issued=moment_of(document, "issued", file),
        next_update=moment_of(document, "next_update", file),
    )


def _etsi_dates(document: Mapping[str, Any], file: str) -> Dates:
    lote = document["LoTE"]
    scheme = lote.get("ListAndSchemeInformation") if isinstance(lote, dict) else None
    if not isinstance(scheme, dict):
        raise TrustListError("trust.broken-dates", f"{file}: an ETSI list without ListAndSchemeInformation")
    return Dates(
        issued=moment_of(scheme, "ListIssueDateTime", file),
        next_update=moment_of(scheme, "NextUpdate", file),
    )


def moment_of(document: Mapping[str, Any], key: str, file: str) -> datetime | None:
    """A moment of a JSON document, None where it is absent or null. Raises TrustListError for any other text."""
    value = document.get(key)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as fault:
        raise TrustListError("trust.broken-dates", f"{file}: {key} is not a date") from fault
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _text(pem: bytes, file: str) -> str:
    try:
        return pem.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise TrustListError("trust.broken-pem", f"{file}: not a text file") from fault


def concatenate(lists: Iterable[TrustList]) -> str:
    """Several lists as one PEM text: certificates only, for comments need not survive the engine's reader."""
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415  (only when passes are built)

    distinct = dict.fromkeys(certificate for each in lists for certificate in each.certificates)
    return "".join(certificate.public_bytes(Encoding.PEM).decode("ascii") for certificate in distinct)


def rfc3339(moment: datetime) -> str:
    """A moment in UTC as reports write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
