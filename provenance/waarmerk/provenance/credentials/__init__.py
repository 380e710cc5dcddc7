# SPDX-License-Identifier: Apache-2.0
"""Content Credentials (C2PA), read on separate axes; the only package that knows the engine."""

from waarmerk.provenance.credentials.passes import load_engine
from waarmerk.provenance.credentials.reader import CredentialReader
from waarmerk.provenance.credentials.second import SecondEngine, WithSecondOpinion

__all__ = ["CredentialReader", "SecondEngine", "WithSecondOpinion", "load_engine"]
