# SPDX-License-Identifier: Apache-2.0
"""Where a picture or a clip comes from, and which label it owes.

The public names are loaded when first used: a process that only passes files on to workers starts in a moment.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from waarmerk.provenance.build import build_verifier
    from waarmerk.provenance.jobs import Pool
    from waarmerk.provenance.model import Report
    from waarmerk.provenance.pipeline import Verifier
    from waarmerk.provenance.settings import Settings

_HOME = {"Pool": "jobs", "Report": "model", "Settings": "settings", "Verifier": "pipeline", "build_verifier": "build"}

__all__ = ["Pool", "Report", "Settings", "Verifier", "build_verifier"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
