# SPDX-License-Identifier: Apache-2.0
"""What people call a platform, and the name that the rules have for it."""

# Services whose rules are written by their owner, for all of them alike.
_ALSO_CALLED = {"facebook": "meta", "instagram": "meta", "threads": "meta", "google": "google_ads", "twitter": "x"}


def platform_names(listed: str | None) -> tuple[str, ...]:
    """The platforms in a list with commas, each once, in its order. A name that no rule has stays, to be refused."""
    names = (part.strip() for part in (listed or "").split(","))
    return tuple(dict.fromkeys(_ALSO_CALLED.get(name.lower(), name) for name in names if name))
