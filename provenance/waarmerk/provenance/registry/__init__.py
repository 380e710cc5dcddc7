# SPDX-License-Identifier: Apache-2.0
"""Known assets: what was issued under our own keys, and whether a marked picture is what was issued."""

from waarmerk.provenance.registry.ledger import Ledger
from waarmerk.provenance.registry.model import Issuance, Thumbnail
from waarmerk.provenance.registry.verify_match import binds

__all__ = ["Issuance", "Ledger", "Thumbnail", "binds"]
