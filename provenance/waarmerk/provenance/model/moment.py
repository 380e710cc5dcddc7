# SPDX-License-Identifier: Apache-2.0
"""Moments as RFC 3339 writes them: one reading and one writing for every door."""

from datetime import UTC, datetime

EARLIEST, LATEST = 1970, 9000  # years: outside of them calendars of zones and certificates cannot be computed


def moment_of(text: str) -> datetime:
    """The moment in UTC, e.g. of ``2026-11-21T12:00:00Z``. Raises ValueError with the reason.

    A text without time or offset is refused, for nobody then knows which moment is meant.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or "T" not in text.upper():
            raise ValueError(f"{text!r} lacks a time or an offset; write 2026-11-21T12:00:00Z")
        in_utc = moment.astimezone(UTC)
    except OverflowError:
        in_utc = datetime.min.replace(tzinfo=UTC)
    except ValueError as error:
        reason = str(error) if "lacks" in str(error) else f"{text!r} is not a moment such as 2026-11-21T12:00:00Z"
        raise ValueError(reason) from None
    if not EARLIEST <= in_utc.year <= LATEST:
        raise ValueError(f"{text!r} lies outside the years {EARLIEST} to {LATEST}")
    return in_utc


def rfc3339(moment: datetime) -> str:
    """``moment`` in UTC to the second, e.g. ``2026-11-21T12:00:00Z``."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
