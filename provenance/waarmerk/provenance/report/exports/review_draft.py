# SPDX-License-Identifier: Apache-2.0
"""A draft for a fact-checker: ClaimReview or MediaReview with everything but the verdict.

Vocabulary: https://schema.org/ClaimReview, https://schema.org/MediaReview. Whether a claim is true is for people who
checked it, so rating and category stay empty, and a draft says that it is one.
"""

from typing import Any

from waarmerk.provenance.model import Report
from waarmerk.provenance.report.exports.schema_org import CONTEXT, media_object

EMPTY = ""
"""The category that a fact-checker fills in; the tool never does."""


def media_review_draft(report: Report, *, content_url: str | None = None) -> dict[str, Any]:
    """A MediaReview without category and author."""
    return {
        "@context": CONTEXT,
        "@type": "MediaReview",
        "creativeWorkStatus": "Draft",
        "mediaAuthenticityCategory": EMPTY,
        "author": None,
        "datePublished": None,
        "url": None,
        "itemReviewed": _item(report, content_url),
    }


def claim_review_draft(report: Report, *, claim: str, content_url: str | None = None) -> dict[str, Any]:
    """A ClaimReview without rating and author. ``claim`` is the sentence to be checked, in the reviewer's words."""
    return {
        "@context": CONTEXT,
        "@type": "ClaimReview",
        "creativeWorkStatus": "Draft",
        "claimReviewed": claim,
        "reviewRating": {"@type": "Rating", "alternateName": EMPTY},
        "author": None,
        "datePublished": None,
        "url": None,
        "itemReviewed": {"@type": "Claim", "appearance": _item(report, content_url)},
    }


def _item(report: Report, content_url: str | None) -> dict[str, Any]:
    item = media_object(report, content_url=content_url)
    del item["@context"]
    return item
