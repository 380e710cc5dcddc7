# SPDX-License-Identifier: Apache-2.0
"""``/v1/registry``: what a tenant's own registry knows of a file or a hash, what is in it, and taking it back."""

from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from waarmerk.api.auth import open_to
from waarmerk.api.bodies import json_body, told
from waarmerk.api.caller import Caller
from waarmerk.api.examining import examined
from waarmerk.api.problems import Problem
from waarmerk.api.registries import Opened, changed
from waarmerk.api.resolving import SEARCHES
from waarmerk.api.routes.jobs import Cursor, Limit, next_link, worklist_of
from waarmerk.api.services import services_of
from waarmerk.api.spool import BODY, received
from waarmerk.api.tenants import Scope
from waarmerk.api.wire import Json
from waarmerk.provenance.report import review

router = APIRouter(tags=["registry"])
Keeper = Annotated[Caller, Depends(open_to(Scope.REGISTRY))]
EntryId = Annotated[str, Path(pattern=r"^r[1-9][0-9]{0,8}$", description="As reports and lists name it")]


class Match(BaseModel):
    """One entry that is known, or that a hash points at. Only what is verified proposes labels."""

    model_config = ConfigDict(extra="forbid")

    registry_id: str
    kind: str
    distance: int | None
    verified: bool
    labels: list[str]


class HashMatch(Match):
    """One entry that a hash names or points at, and how it stands: one that is disputed proposes nothing."""

    state: Literal["active", "disputed"]


class Matches(BaseModel):
    """The entries that a digest names or a hash points at; `error` is null."""

    model_config = ConfigDict(extra="forbid")

    matches: list[HashMatch]
    error: str | None


class FileMatch(Match):
    """One entry as it stands in the report's `matches`, with how much of it the file shows."""

    origin: str
    basis: str
    source: str
    fact_checks: list[str]
    region: list[int] | None
    seen: list[float] | None
    seen_percent: int | None
    is_whole: bool | None
    mirrored: bool | None
    not_carried: list[str]
    edit_of: str | None
    role: str


class Concern(BaseModel):
    """What the report says of the file and the registry, as one of its concerns."""

    model_config = ConfigDict(extra="forbid")

    code: str
    message: str
    about: str


class FileMatches(BaseModel):
    """What the registry knows of a file; `error` is the code of why it could not be examined."""

    model_config = ConfigDict(extra="forbid")

    matches: list[FileMatch]
    concerns: list[Concern]
    error: str | None


class EntryDocument(BaseModel):
    """One known file."""

    model_config = ConfigDict(extra="forbid")

    registry_id: str
    sha256: str
    media_type: str
    width: int | None
    height: int | None
    origin: str
    labels: list[str]
    fact_checks: list[str]
    source: str
    state: str
    basis: str
    role: str
    added_at: str
    keep_until: str | None
    manifest_id: str | None


class EntryPage(BaseModel):
    """Some entries, the oldest first; the link `next` of the header `Link` leads on."""

    model_config = ConfigDict(extra="forbid")

    entries: list[EntryDocument]


class Change(BaseModel):
    """A new state of an entry, and why; no names of persons."""

    model_config = ConfigDict(extra="forbid")

    state: Literal["active", "disputed", "withdrawn"]
    why: str = Field(min_length=1, max_length=500)


@router.post(
    "/v1/registry/match",
    summary="What the registry knows of a file",
    response_model=FileMatches,
    openapi_extra={"requestBody": BODY},
)
async def match_file(request: Request, caller: Keeper) -> Json:
    """Exactly, by mark, by fingerprint: the `matches` of the file's report, and its concerns about the registry."""
    services = services_of(request)
    await run_sync(services.registries.own, caller, services.settings, limiter=SEARCHES)
    async with received(request) as upload:
        done = await examined(request, caller, upload, at=services.clock().replace(microsecond=0))
    error = done.report["error"]
    told = review.known_about(done.report)
    return Json({"matches": done.report["matches"], "concerns": told, "error": error and error["code"]})


@router.get("/v1/registry/match", summary="What the registry knows of a hash", response_model=Matches)
async def match_hash(
    request: Request,
    caller: Keeper,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="Digest of the file")] = None,
    phash: Annotated[str | None, Query(pattern="^[0-9a-f]{16}$", description="DCT hash, 64 bits")] = None,
    pdq: Annotated[str | None, Query(pattern="^[0-9a-f]{64}$", description="PDQ, 256 bits")] = None,
) -> Json:
    """One of the three. A digest is exact; a perceptual hash points at candidates, which propose nothing."""
    given = {name: value for name, value in (("sha256", sha256), ("phash", phash), ("pdq", pdq)) if value is not None}
    if len(given) != 1:
        raise Problem("request.invalid", errors=[{"pointer": "/query", "detail": "one of sha256, phash, pdq"}])
    ((kind, value),) = given.items()
    services = services_of(request)
    opened = await run_sync(services.registries.own, caller, services.settings, limiter=SEARCHES)
    found = await run_sync(_looked_up, opened, kind, bytes.fromhex(value), limiter=SEARCHES)
    return Json({"matches": found, "error": None})


@router.get("/v1/registry/entries", summary="What is in the registry", response_model=EntryPage)
async def entries(request: Request, caller: Keeper, limit: Limit = 100, cursor: Cursor = None) -> Json:
    """The oldest first, withdrawn ones among them."""
    services = services_of(request)
    worklist = worklist_of(services)
    after = 0 if cursor is None else worklist.place(cursor)
    opened = await run_sync(services.registries.own, caller, services.settings, limiter=SEARCHES)
    found = await run_sync(lambda: opened.store.page(after=after, most=limit + 1), limiter=SEARCHES)
    shown, more = found[:limit], len(found) > limit
    headers = next_link(request, worklist.cursor(shown[-1].number), limit) if more else {}
    return Json({"entries": [_document(each) for each in shown]}, headers=headers)


@router.get("/v1/registry/entries/{entry}", summary="One entry", response_model=EntryDocument)
async def show(request: Request, entry: EntryId, caller: Keeper) -> Json:
    """One entry, whatever its state."""
    services = services_of(request)
    opened = await run_sync(services.registries.own, caller, services.settings, limiter=SEARCHES)
    found = await run_sync(opened.store.held, int(entry[1:]), limiter=SEARCHES)
    if found is None:
        raise Problem("registry.unknown")
    return Json(_document(found))


@router.post(
    "/v1/registry/entries/{entry}/state",
    summary="Withdraw, dispute or reinstate an entry",
    response_model=EntryDocument,
    openapi_extra={"requestBody": json_body(Change)},
)
async def change(request: Request, entry: EntryId, caller: Keeper) -> Json:
    """`disputed` is found and proposes nothing; `withdrawn` is found no more; `active` counts again."""
    services, given = services_of(request), await told(request, Change)
    opened = await run_sync(services.registries.own, caller, services.settings, limiter=SEARCHES)
    settings = caller.profile(services.settings)
    known = await run_sync(
        lambda: changed(settings, entry, given.state, why=given.why, at=services.clock()), limiter=SEARCHES
    )
    found = await run_sync(opened.store.held, int(entry[1:]), limiter=SEARCHES) if known else None
    if found is None:
        raise Problem("registry.unknown")
    return Json(_document(found))


def _looked_up(opened: Opened, kind: str, value: bytes) -> list[dict[str, Any]]:
    from waarmerk.provenance.registry.model import BindingKind, State  # noqa: PLC0415 - only a registry pays

    if kind == "sha256":
        exact = opened.store.of_file(value)
        if exact is None:
            return []
        return [_match(exact, "exact", 0, list(exact.labels) if exact.state is State.ACTIVE else [])]
    with opened.turn:
        near = opened.finder.near(BindingKind(kind), value)
    live = ((opened.store.entry(number), apart) for number, apart in near[:100])
    return [_match(entry, "fingerprint", apart, None) for entry, apart in live if entry is not None]


def _match(entry: Any, kind: str, distance: int, labels: list[str] | None) -> dict[str, Any]:
    verified = labels is not None
    return {
        "registry_id": entry.registry_id,
        "kind": kind,
        "distance": distance,
        "verified": verified,
        "labels": labels or [],
        "state": entry.state.value,
    }


def _document(entry: Any) -> dict[str, Any]:
    same = ("registry_id", "source", "added_at", "keep_until")
    return {
        **{name: getattr(entry, name) for name in same},
        **entry.stated(),
        "manifest_id": entry.manifest_label,
    }
