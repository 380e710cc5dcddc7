# SPDX-License-Identifier: Apache-2.0
"""Fact-checks as their publishers tell them: schema.org ClaimReview and MediaReview in JSON-LD, feeds and pages.

Kept of a review are its address, who publishes it (an organisation, never a person), what MediaReview calls the media,
and which pictures it is about. What it claims, who said it and where it was posted is not read. No address is fetched:
pictures are local files, told apart by the last part of their address, by their digest, or by hand.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from waarmerk.provenance.errors import LimitExceeded, UnsupportedAsset
from waarmerk.provenance.registry.model import Role

MAX_BYTES, MAX_NODES = 64 * 2**20, 2_000_000
_DEEPEST = 40
_REVIEWS = frozenset({"ClaimReview", "MediaReview"})
_PICTURES = ("contentUrl", "image", "thumbnailUrl", "thumbnail")
_PEOPLE = frozenset({"author", "creator", "publisher", "provider", "contributor"})  # a portrait is not what was checked
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_ADDRESS = re.compile(r"https?://[\x21-\x7e]{1,1990}")
# schema.org MediaManipulationRatingEnumeration, and how the first is widely misspelt (in its early drafts as well).
CATEGORIES = {
    "DecontextualizedContent": "decontextualized-content",
    "DecontexualizedContent": "decontextualized-content",
    "EditedOrCroppedContent": "edited-or-cropped-content",
    "OriginalMediaContent": "original-media-content",
    "SatireOrParodyContent": "satire-or-parody-content",
    "StagedContent": "staged-content",
    "TransformedContent": "transformed-content",
    "MissingContext": "missing-context",
}
CHECKED = "fact-checked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A picture that a review names: what it is about, or what it shows itself. ``sha256`` in hex where it is told."""

    address: str
    role: Role
    sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One fact-check. ``publisher`` is the name of an organisation, else the host of the address."""

    address: str
    publisher: str
    labels: tuple[str, ...]
    references: tuple[Reference, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A fact-check that nothing is taken from. ``place`` counts the fact-checks of a document, from 1.

    ``why`` is ``no-address``, ``not-an-address`` (``address`` is what it gives as one) or ``no-picture``; ``pictures``
    are the addresses of those it names.
    """

    place: int
    address: str | None
    why: str
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """What a document holds: ``reviews`` that name pictures, each address once, in order; and all the others."""

    reviews: tuple[Review, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A local file that may be one of the pictures. ``address`` is set where somebody said which one it is."""

    name: str
    sha256: str
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A local picture (its place in what was given) that a review names."""

    picture: int
    review: Review
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A picture that a review names and no file is. ``why`` is ``no-file`` or ``ambiguous``."""

    review: Review
    reference: Reference
    why: str


def read_reviews(data: bytes) -> Feed:
    """The reviews of a JSON-LD document (one, a list, ``@graph``, a DataFeed), and those that are left out.

    One without an address that stands within another of the same publisher is told at the address of that one.
    Raises UnsupportedAsset (``claim-review.malformed``) for no JSON, LimitExceeded (``claim-review.too-large``).
    """
    if len(data) > MAX_BYTES:
        raise LimitExceeded("claim-review.too-large", f"a feed has at most {MAX_BYTES} bytes")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnsupportedAsset("claim-review.malformed", "this is no JSON-LD that can be read") from error
    found: dict[str, Review] = {}
    places: dict[str, int] = {}
    left_out: list[LeftOut] = []
    for node, shown, within in _Walk().reviews(document):
        place = len(found) + len(left_out) + 1
        address = _address_of(node) or _lent(node, within)
        if address is None:
            told = _text(node.get("url")) or None
            why = "no-address" if told is None else "not-an-address"
            pictures = tuple(each.address for each in _references(node, shown))
            left_out.append(LeftOut(place=place, address=told, why=why, pictures=pictures))
            continue
        review, held = _review(node, shown, address), found.get(address)
        found[address] = review if held is None else _joined(held, review)
        places.setdefault(address, place)
    left_out += (
        LeftOut(place=places[each.address], address=each.address, why="no-picture")
        for each in found.values()
        if not each.references
    )
    reviews = tuple(each for each in found.values() if each.references)
    return Feed(reviews=reviews, left_out=tuple(sorted(left_out, key=lambda each: each.place)))


def plan(reviews: Sequence[Review], pictures: Sequence[Picture]) -> tuple[tuple[Matched, ...], tuple[Unmatched, ...]]:
    """Which local picture is which: by hand, by digest, by the last part of its address where that is one of a kind.

    What reviews are about comes before what they show themselves.
    """
    by_address = {picture.address: number for number, picture in enumerate(pictures) if picture.address is not None}
    by_digest = {picture.sha256: number for number, picture in enumerate(pictures)}
    by_name = {picture.name: number for number, picture in enumerate(pictures) if picture.address is None}
    addresses = {reference.address for review in reviews for reference in review.references}
    names = Counter(_name(address) for address in addresses)
    matched: list[Matched] = []
    unmatched: list[Unmatched] = []
    for review in reviews:
        for reference in review.references:
            name = _name(reference.address)
            number = by_address.get(reference.address, by_digest.get(reference.sha256 or ""))
            if number is None and names[name] == 1 and reference.sha256 is None:
                number = by_name.get(name)
            if number is not None:
                matched.append(Matched(picture=number, review=review, role=reference.role))
            else:
                why = "ambiguous" if name in by_name and reference.sha256 is None else "no-file"
                unmatched.append(Unmatched(review=review, reference=reference, why=why))
    matched.sort(key=lambda each: each.role is Role.DEBUNK)
    return tuple(matched), tuple(unmatched)


def is_address(value: str | None) -> bool:
    """Whether this is an address that a fact-check can have: http or https, with a host, at most 2,000 characters."""
    if value is None or _ADDRESS.fullmatch(value) is None:
        return False
    try:
        return bool(urlsplit(value).hostname)
    except ValueError:
        return False


class _Walk:
    """Through a document, however deep its publisher nests it; bounded."""

    def __init__(self) -> None:
        self._left = MAX_NODES

    def reviews(
        self, node: Any, shown: tuple[Any, ...] = (), within: Mapping[str, Any] | None = None, depth: int = 0
    ) -> Iterator[tuple[Mapping[str, Any], tuple[Any, ...], Mapping[str, Any] | None]]:
        """Each review, with the pictures that the articles around it show, and the review that it stands in."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise LimitExceeded("claim-review.too-large", "this feed is nested too deep or holds too much")
        if isinstance(node, list):
            for each in node:
                yield from self.reviews(each, shown, within, depth + 1)
        if not isinstance(node, dict):
            return
        if _types(node) & _REVIEWS:
            yield node, shown, within
            within = node
        elif "image" in node and any(kind.endswith(("Article", "WebPage")) for kind in _types(node)):
            shown = (*shown, node["image"])
        for value in node.values():
            if isinstance(value, (dict, list)):
                yield from self.reviews(value, shown, within, depth + 1)


def _address_of(node: Mapping[str, Any]) -> str | None:
    return next((each for each in (_text(node.get("url")), _text(node.get("@id"))) if is_address(each)), None)


def _lent(node: Mapping[str, Any], within: Mapping[str, Any] | None) -> str | None:
    """The address of the review around one that gives none; not if another organisation publishes it."""
    address = None if within is None or node.get("url") else _address_of(within)
    if within is None or address is None:
        return None
    return address if _publisher(node, address) in (_publisher(within, address), _host(address)) else None


def _review(node: Mapping[str, Any], shown: Iterable[Any], address: str) -> Review:
    named = node.get("mediaAuthenticityCategory")
    words = named if isinstance(named, list) else [named]
    categories = {CATEGORIES.get(_term(word)) for word in words}
    labels = (CHECKED, *sorted(label for label in categories if label is not None))
    references = _references(node, shown)
    return Review(address=address, publisher=_publisher(node, address), labels=labels, references=references)


def _references(node: Mapping[str, Any], shown: Iterable[Any]) -> tuple[Reference, ...]:
    own = [node.get(name) for name in ("image", "thumbnailUrl")]
    debunks = {found.address: found for value in (*own, *shown) for found in _pictures(value, Role.DEBUNK)}
    about = {found.address: found for found in _under(node.get("itemReviewed"), 0)}
    return (*(about[name] for name in about if name not in debunks), *debunks.values())


def _joined(one: Review, other: Review) -> Review:
    """Two tellings of one fact-check: often a ClaimReview and a MediaReview share an address."""
    references = {each.address: each for each in (*other.references, *one.references)}
    for each in (*one.references, *other.references):
        if each.role is Role.DEBUNK:
            references[each.address] = each
    labels = tuple(dict.fromkeys((*one.labels, *other.labels)))
    return Review(address=one.address, publisher=one.publisher, labels=labels, references=tuple(references.values()))


def _under(node: Any, depth: int) -> Iterator[Reference]:
    """The pictures of what is reviewed, wherever they hang; not those of a review within."""
    if isinstance(node, list):
        for each in node:
            yield from _under(each, depth + 1)
    if not isinstance(node, dict) or depth > _DEEPEST or _types(node) & _REVIEWS:
        return
    for name, value in node.items():
        if name in _PICTURES:
            digest = node.get("sha256") if name == "contentUrl" else None
            yield from _pictures(value, Role.ITEM, digest)
        elif isinstance(value, (dict, list)) and name not in _PEOPLE:
            yield from _under(value, depth + 1)


def _pictures(value: Any, role: Role, digest: Any = None) -> Iterator[Reference]:
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and is_address(each):
            told = digest.lower() if isinstance(digest, str) and _SHA256.fullmatch(digest) else None
            yield Reference(address=each, role=role, sha256=told)
        elif isinstance(each, dict):
            address = each.get("contentUrl", each.get("url"))
            if isinstance(address, str):
                yield from _pictures(address, role, each.get("sha256"))


def _publisher(node: Mapping[str, Any], address: str) -> str:
    for name in ("author", "publisher", "sdPublisher"):
        for each in node[name] if isinstance(node.get(name), list) else [node.get(name)]:
            if isinstance(each, dict) and any(kind.endswith("Organization") for kind in _types(each)):
                told = " ".join((_text(each.get("name")) or "").split())
                if 0 < len(told) <= 200 and told.isprintable():
                    return told
    return _host(address)


def _host(address: str) -> str:
    return urlsplit(address).hostname or address


def _types(node: Mapping[str, Any]) -> set[str]:
    named = node.get("@type")
    return {_term(each) for each in (named if isinstance(named, list) else [named])}


def _term(value: Any) -> str:
    """A name of schema.org, written as such, with a prefix, or as an address."""
    return re.split(r"[/#:]", value)[-1] if isinstance(value, str) else ""


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _name(address: str) -> str:
    return PurePosixPath(unquote(urlsplit(address).path)).name
