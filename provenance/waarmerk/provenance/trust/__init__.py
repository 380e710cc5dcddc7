# SPDX-License-Identifier: Apache-2.0
"""Whom to believe: trust lists with their dates and digests, and certificate paths of our own."""

from waarmerk.provenance.trust.lists import TrustList
from waarmerk.provenance.trust.store import WARN_AGE, TrustStore, load_store, seen_at, state_of
from waarmerk.provenance.trust.update import Imported, import_lists, plan_import

__all__ = [
    "WARN_AGE",
    "Imported",
    "TrustList",
    "TrustStore",
    "import_lists",
    "load_store",
    "plan_import",
    "seen_at",
    "state_of",
]
