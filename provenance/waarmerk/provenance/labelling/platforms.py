# SPDX-License-Identifier: Apache-2.0
"""What people call a platform, and the name that the rules have for it."""

from collections.abc import Collection

from waarmerk.provenance.labelling.context import FactError

# Services whose rules are written by their owner, for all of them alike.
_ALSO_CALLED = {"facebook": "meta", "instagram": "meta", "threads": "meta", "google": "google_ads", "twitter": "x"}


def platform_names(listed: str | None) -> tuple[str, ...]:
    """The platforms in a list with commas, each once, in its order. A name that no rule has stays, to be refused."""
    names = (part.strip() for part in (listed or "").split(","))
    return tuple(dict.fromkeys(_ALSO_CALLED.get(name.lower(), name) for name in names if name))


def require_platforms(names: Collection[str], known: Collection[str]) -> None:
    """Raise FactError for a name that the rules, which know these, do not."""
    for name in names:
        if name not in known:
            raise FactError(f"{name!r} is no platform; choose from {', '.join(known)}")
