# SPDX-License-Identifier: Apache-2.0
"""Renew the user's trust store from the addresses where the lists are published, through the import of a folder.

Everything is fetched into a folder of its own first, then goes through the same gate as lists taken by hand: read
whole, never older, never drastically different without a word. What does not pass leaves the last good state as it
was. A publication is taken whole or not at all: signers and time-stamp authorities of the official lists belong
together, and so do anchors and leaves of the interim list.
"""

import base64
import binascii
import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from waarmerk.provenance.errors import Error, StoreError, TrustListError
from waarmerk.provenance.trust.denylist import FILE as DENYLIST
from waarmerk.provenance.trust.fetch import Fetch
from waarmerk.provenance.trust.lists import parse_certificates
from waarmerk.provenance.trust.store import INTERIM_ALLOWED, INTERIM_ANCHORS, OFFICIAL, TSA
from waarmerk.provenance.trust.update import Imported, import_lists

_OFFICIAL = "https://raw.githubusercontent.com/c2pa-org/conformance-public/refs/heads/main/trust-list/"
_INTERIM = "https://contentcredentials.org/trust/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """Files that are published together: file of the store -> address."""

    name: str
    files: Mapping[str, str]

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts its addresses name, in the form that ``Fetcher`` takes."""
        return frozenset(urlsplit(url).netloc.lower().removesuffix(":443") for url in self.files.values())


def _dates_of(name: str) -> str:
    return name.removesuffix(".pem") + ".json"


PUBLICATIONS = (
    Publication(
        name="official",
        files={name: _OFFICIAL + name for pem in (OFFICIAL, TSA) for name in (pem, _dates_of(pem))},
    ),
    Publication(
        name="interim",
        files={INTERIM_ANCHORS: _INTERIM + "anchors.pem", INTERIM_ALLOWED: _INTERIM + "allowed.pem"},
    ),
)


def denylist_at(url: str) -> Publication:
    """A denylist that the operator named by its address."""
    return Publication(name="denylist", files={DENYLIST: url})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one publication: the lists taken, or why the state held before stays."""

    publication: str
    taken: tuple[Imported, ...] = ()
    refused: Error | None = None


def refresh(
    store_folder: Path, publication: Publication, fetch: Fetch, *, accept_drastic: bool = False, dry_run: bool = False
) -> Outcome:
    """Fetch one publication, examine it and take it. What is refused is an outcome, not an exception."""
    try:
        with tempfile.TemporaryDirectory(prefix="waarmerk-trust-") as spool:
            folder = Path(spool)
            for name, url in publication.files.items():
                (folder / name).write_bytes(fetch(url))
            for name in publication.files:
                if name.endswith(".pem") and _dates_of(name) in publication.files:
                    _require_same(name, (folder / name).read_bytes(), (folder / _dates_of(name)).read_bytes())
            taken = import_lists(folder, store_folder, accept_drastic=accept_drastic, dry_run=dry_run)
    except Error as error:
        return Outcome(publication=publication.name, refused=error)
    except OSError as error:
        fault = StoreError("trust.not-written", f"temporary folder: {error.strerror or 'not written'}")
        return Outcome(publication=publication.name, refused=fault)
    return Outcome(publication=publication.name, taken=taken)


def _require_same(name: str, pem: bytes, etsi: bytes) -> None:
    """The PEM file is not signed and states no date: the list in the ETSI form beside it must hold the same.

    Two publications that are caught between two issues differ, and so does a PEM that somebody else put there.
    """
    stated = frozenset(_certificates_of(etsi, _dates_of(name)))
    listed = frozenset(each.public_bytes(_der()) for each in parse_certificates(pem, name))
    if stated != listed:
        raise TrustListError(
            "trust.mismatch", f"{name}: {len(stated ^ listed)} certificates stand in it or in {_dates_of(name)} alone"
        )


def _der() -> Any:
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - only when lists are renewed

    return Encoding.DER


def _certificates_of(etsi: bytes, file: str) -> Iterable[bytes]:
    """Every certificate of a "list of trusted entities" (ETSI TS 119 602, clause 6), wherever a service states it."""
    try:
        pending = [json.loads(etsi)["LoTE"]["TrustedEntitiesList"]]
        found = []
        while pending:
            each = pending.pop()
            if isinstance(each, list):
                pending += each
            elif isinstance(each, dict):
                found += [entry["val"] for entry in each.get("X509Certificates", ())]
                pending += [value for key, value in each.items() if key != "X509Certificates"]
        return [base64.b64decode(text, validate=True) for text in found]
    except (KeyError, TypeError, ValueError, RecursionError, binascii.Error) as fault:
        raise TrustListError("trust.broken-dates", f"{file}: no list of trusted entities in the ETSI form") from fault
