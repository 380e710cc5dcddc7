# SPDX-License-Identifier: Apache-2.0
"""Fact-checks as publishers write them: feeds, graphs and pages; what is taken, what is not, which picture is which."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.registry.claim_review import Matched, Picture, Reference, plan, read_reviews
from waarmerk.provenance.registry.model import Role

CHECK = "https://check.example/2026/flood"
POSTED = "https://social.example/p/1.jpg"
STAMPED = "https://check.example/img/flood-false.jpg"
CLAIM = {
    "@type": "ClaimReview",
    "url": CHECK,
    "author": {"@type": "NewsMediaOrganization", "name": "Check  Desk"},
    "claimReviewed": "Piet Jansen says that this is Rotterdam",
    "reviewRating": {"@type": "Rating", "alternateName": "False"},
    "image": STAMPED,
    "itemReviewed": {
        "@type": "Claim",
        "author": {"@type": "Person", "name": "Piet Jansen", "image": "https://social.example/face.jpg"},
        "appearance": {"@type": "ImageObject", "contentUrl": POSTED},
    },
}
MEDIA = {
    "@type": ["https://schema.org/MediaReview"],
    "@id": CHECK,
    "author": {"@type": "Person", "name": "Piet Jansen"},
    "mediaAuthenticityCategory": ["https://schema.org/DecontexualizedContent", "TransformedContent", "Nonsense"],
    "itemReviewed": {
        "@type": "MediaReviewItem",
        "mediaItemAppearance": [{"@type": "ImageObject", "contentUrl": POSTED, "sha256": "AB" * 32}],
    },
}


def read(document: Any) -> Any:
    return read_reviews(json.dumps(document).encode()).reviews


def left_out(document: Any) -> Any:
    return [
        (each.place, each.why, each.address, each.pictures)
        for each in read_reviews(json.dumps(document).encode()).left_out
    ]


@pytest.mark.parametrize(
    "document",
    [
        CLAIM,
        [CLAIM],
        {"@context": "https://schema.org", "@graph": [{"@type": "WebSite"}, CLAIM]},
        {"@type": "DataFeed", "dataFeedElement": [{"@type": "DataFeedItem", "item": [CLAIM]}, {"item": CLAIM}]},
        {"@type": "NewsArticle", "mainEntity": {"hasPart": CLAIM}},
    ],
    ids=["one", "list", "graph", "feed", "article"],
)
def test_one_review_in_whatever_it_comes(document: Any) -> None:
    (review,) = read(document)
    assert (review.address, review.publisher, review.labels) == (CHECK, "Check Desk", ("fact-checked",))
    about = {reference.address: reference.role for reference in review.references}
    assert about == {POSTED: Role.ITEM, STAMPED: Role.DEBUNK}, "the portrait of whoever said it is no picture of it"


def test_media_reviews_bring_their_category_misspelt_or_not_and_no_person() -> None:
    (review,) = read(MEDIA)
    assert review.publisher == "check.example", "a person's name is not kept"
    assert review.labels == ("fact-checked", "decontextualized-content", "transformed-content")
    assert review.references == (Reference(address=POSTED, role=Role.ITEM, sha256="ab" * 32),)
    spelled = {**MEDIA, "mediaAuthenticityCategory": "DecontextualizedContent"}
    assert read(spelled)[0].labels == ("fact-checked", "decontextualized-content")
    (both,) = read([CLAIM, MEDIA])
    assert both.publisher == "Check Desk"
    assert both.labels == review.labels
    assert {reference.role for reference in both.references} == {Role.ITEM, Role.DEBUNK}


def test_what_a_review_shows_itself_is_never_what_it_is_about() -> None:
    (review,) = read({**CLAIM, "itemReviewed": {"@type": "Claim", "image": [STAMPED, POSTED]}})
    assert {r.address: r.role for r in review.references} == {STAMPED: Role.DEBUNK, POSTED: Role.ITEM}
    (review,) = read({"@type": "ReportageNewsArticle", "image": {"url": POSTED}, "review": {**CLAIM, "image": None}})
    assert {r.address: r.role for r in review.references}[POSTED] is Role.DEBUNK


def test_a_review_without_an_address_is_none_and_one_within_another_stays_its_own() -> None:
    assert read({**CLAIM, "url": "javascript:alert(1)"}) == ()
    assert read({**CLAIM, "url": "https://[::1"}) == ()
    inner = {**CLAIM, "url": "https://other.example/1", "image": "https://other.example/x.jpg"}
    outer, within = read({**CLAIM, "itemReviewed": {"@type": "Claim", "review": inner}})
    assert (outer.address, within.address) == (CHECK, "https://other.example/1")
    assert [reference.address for reference in outer.references] == [STAMPED], "what the other one is about is its own"


def test_what_is_left_out_is_named_with_the_reason_and_nothing_is_in_both() -> None:
    """A feed of four of which one had an address that is none said "3 fact-checks" and no word of the fourth."""
    script = {**CLAIM, "url": "javascript:alert(1)", "image": None}
    nameless = {**MEDIA, "@id": "_:b0"}
    text = {"@type": "ClaimReview", "url": "https://check.example/text", "claimReviewed": "no picture"}
    feed = {"@type": "DataFeed", "dataFeedElement": [CLAIM, script, nameless, text, {**CLAIM, "url": ""}]}
    assert [review.address for review in read(feed)] == [CHECK]
    assert left_out(feed) == [
        (2, "not-an-address", "javascript:alert(1)", (POSTED,)),
        (3, "no-address", None, (POSTED,)),
        (4, "no-picture", "https://check.example/text", ()),
        (5, "no-address", None, (POSTED, STAMPED)),
    ]
    told = {**text, "url": CHECK}
    assert left_out([told, MEDIA]) == [], "the other telling of it names the picture"


def test_a_media_review_without_an_address_is_told_at_that_of_the_review_it_stands_in() -> None:
    part = {name: value for name, value in MEDIA.items() if name != "@id"}
    outer = {"@type": "ClaimReview", "url": CHECK, "author": CLAIM["author"], "associatedMediaReview": part}
    (review,) = read(outer)
    assert (review.address, review.publisher) == (CHECK, "Check Desk")
    assert [each.address for each in review.references] == [POSTED]
    assert left_out(outer) == []
    others = {**part, "author": {"@type": "Organization", "name": "Another Desk"}}
    assert read({**outer, "associatedMediaReview": others}) == (), "what others found is not theirs"
    assert [each[1] for each in left_out({**outer, "associatedMediaReview": others})] == ["no-picture", "no-address"]


def test_which_file_is_which() -> None:
    same = "https://elsewhere.example/other/1.jpg"
    reviews = read([CLAIM, {**CLAIM, "url": "https://check.example/2", "image": None, "itemReviewed": {"image": same}}])
    files = (
        Picture(name="1.jpg", sha256="00" * 32),
        Picture(name="flood-false.jpg", sha256="11" * 32),
        Picture(name="whatever.png", sha256="22" * 32, address=same),
    )
    matched, unmatched = plan(reviews, files)
    assert [(each.picture, each.role) for each in matched] == [(2, Role.ITEM), (1, Role.DEBUNK)]
    assert {(each.reference.address, each.why) for each in unmatched} >= {(POSTED, "ambiguous")}
    (by_digest,), none = plan(read(MEDIA), (Picture(name="x", sha256="ab" * 32),))
    assert isinstance(by_digest, Matched)
    assert none == ()
    _, (missing,) = plan(read(MEDIA), (Picture(name="1.jpg", sha256="cd" * 32),))
    assert missing.why == "no-file", "the name is right and the digest is another: another picture"


def test_bounds() -> None:
    deep: Any = CLAIM
    for _ in range(60):
        deep = {"hasPart": deep}
    with pytest.raises(LimitExceeded):
        read(deep)
    for broken in (b"", b"\xff", b"{", b"[" * 200_000):
        with pytest.raises((UnsupportedAsset, LimitExceeded)):
            read_reviews(broken)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20) | st.just(POSTED),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["@type", "url", "image", "itemReviewed", "author", "contentUrl", "sha256", "@graph", "name"]
            ),
            inner | st.sampled_from(["ClaimReview", "MediaReview", "Organization", "NewsArticle", CHECK]),
            max_size=6,
        )
    ),
    max_leaves=30,
)


@given(json_values)
def test_whatever_a_feed_holds_it_is_read_or_left_out(document: Any) -> None:
    for review in read(document):
        assert review.address.startswith("http")
        assert review.labels[0] == "fact-checked"
        plan((review,), (Picture(name="1.jpg", sha256="00" * 32),))
