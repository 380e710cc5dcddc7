# SPDX-License-Identifier: Apache-2.0
"""``/v1/disputes``: anybody may say that a match is wrong; whoever keeps the registry answers."""

from contextlib import ExitStack
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.bodies import json_body, told
from waarmerk.api.caller import Caller
from waarmerk.api.disputes import Dispute, Disputes, Outcome
from waarmerk.api.problems import Problem
from waarmerk.api.registries import changed
from waarmerk.api.routes.jobs import Cursor, Limit, next_link, worklist_of
from waarmerk.api.services import Services, services_of
from waarmerk.api.tenants import Scope
from waarmerk.api.wire import Json
from waarmerk.provenance.model.moment import rfc3339

router = APIRouter(tags=["disputes"])

ID = r"^r[1-9][0-9]{0,8}$"
_NAME = r"^([a-z0-9][a-z0-9-]{0,62})?$"


class NewDispute(BaseModel):
    """What is said to be wrong. Say nothing of third persons."""

    model_config = ConfigDict(extra="forbid")

    registry_id: str = Field(pattern=ID, description="The entry, as reports name it in `matches`")
    of: str = Field(
        default="",
        pattern=_NAME,
        description="Whose registry: a tenant; empty, or no tenant here, for that of the service",
    )
    reason: str = Field(min_length=1, max_length=2000)
    contact: str | None = Field(default=None, max_length=200, description="Where an answer may go, if you want one")


class DisputeAnswer(BaseModel):
    """What becomes of a disputed entry, and why."""

    model_config = ConfigDict(extra="forbid")

    outcome: Literal["rejected", "disputed", "withdrawn"]
    answer: str = Field(min_length=1, max_length=500)


class DisputeDocument(BaseModel):
    """A dispute, and its answer once there is one."""

    model_config = ConfigDict(extra="forbid")

    id: str
    registry_id: str
    of: str = Field(description="As it was given; whether there is such a tenant is not told")
    reason: str
    contact: str | None
    outcome: Outcome
    answer: str | None
    created_at: str
    answered_at: str | None


class DisputePage(BaseModel):
    """Some disputes, the newest first; the link `next` of the header `Link` leads on."""

    model_config = ConfigDict(extra="forbid")

    disputes: list[DisputeDocument]


Service = Annotated[bool, Query(description="About the registry of the service itself; needs the scope `admin` too")]
Keeper = Annotated[Caller, Depends(open_to(Scope.REGISTRY))]


@router.post(
    "/v1/disputes",
    summary="Say that a match is wrong",
    status_code=201,
    response_model=DisputeDocument,
    openapi_extra={"requestBody": json_body(NewDispute)},
)
async def add(request: Request, caller: Annotated[Caller, Depends(open_to(ANYONE))]) -> Json:
    """Record a dispute. It changes nothing by itself; keep the address, by which alone it is known."""
    held, new = _disputes(services_of(request)), await told(request, NewDispute)
    made = await run_sync(
        lambda: held.add(tenant=new.of, registry_id=new.registry_id, reason=new.reason, contact=new.contact)
    )
    return Json(_document(made), 201, {"Location": f"/v1/disputes/{made.id}"})


@router.get("/v1/disputes", summary="Disputes about one's own registry", response_model=DisputePage)
async def page(
    request: Request, caller: Keeper, limit: Limit = 100, cursor: Cursor = None, service: Service = False
) -> Json:
    """The newest first, answered ones among them until their time is over."""
    services = services_of(request)
    held, worklist = _disputes(services), worklist_of(services)
    before = None if cursor is None else worklist.place(cursor)
    side = _side(caller, service=service)
    found = await run_sync(lambda: held.page(tenant=side, before=before, most=limit + 1))
    shown, more = found[:limit], len(found) > limit
    headers = next_link(request, worklist.cursor(shown[-1].number), limit) if more else {}
    return Json({"disputes": [_document(each) for each in shown]}, headers=headers)


@router.get("/v1/disputes/{dispute}", summary="One dispute, by its id", response_model=DisputeDocument)
async def show(request: Request, dispute: str, caller: Annotated[Caller, Depends(open_to(ANYONE))]) -> Json:
    """Shown to whoever knows its id."""
    return Json(_document(await _found(request, dispute)))


@router.delete("/v1/disputes/{dispute}", summary="Take a dispute back", status_code=204, response_class=Response)
async def take_back(request: Request, dispute: str, caller: Annotated[Caller, Depends(open_to(ANYONE))]) -> Response:
    """Erase it, whatever was answered; what was done to the entry stays."""
    if not await run_sync(_disputes(services_of(request)).remove, dispute):
        raise Problem("dispute.unknown")
    return Response(status_code=204)


@router.post(
    "/v1/disputes/{dispute}/answer",
    summary="Answer a dispute about one's own registry",
    response_model=DisputeDocument,
    openapi_extra={"requestBody": json_body(DisputeAnswer)},
)
async def answer(request: Request, dispute: str, caller: Keeper) -> Json:
    """Reject it, or mark the entry: `disputed` proposes nothing any more, `withdrawn` is found no more."""
    services, given = services_of(request), await told(request, DisputeAnswer)
    held, found = _disputes(services), await _found(request, dispute)
    is_admin, outcome = Scope.ADMIN in caller.scopes, Outcome(given.outcome)

    def work() -> None:
        is_own = held.is_for(found, caller.name)
        if not is_own and not (is_admin and held.is_for(found, "")):
            raise Problem("dispute.unknown")
        if found.outcome is not Outcome.OPEN:
            raise Problem("dispute.answered")
        settings = services.settings
        if is_own and outcome is not Outcome.REJECTED:
            services.registries.own(caller, services.settings)
            settings = caller.profile(services.settings)
        with ExitStack() as noted:  # the entry is changed for good before that is noted for good

            def note() -> None:
                noted.enter_context(held.answering(dispute, outcome=outcome, answer=given.answer))

            if outcome is Outcome.REJECTED:
                note()
                return
            if settings.registry is None:
                raise Problem("registry.unknown")
            at = services.clock()
            if not changed(settings, found.registry_id, outcome.value, why=given.answer, at=at, agreed=note):
                raise Problem("registry.unknown")

    await run_sync(work)
    return Json(_document(await _found(request, dispute)))


def _disputes(services: Services) -> Disputes:
    if services.disputes is None:
        raise Problem("service.not-configured")
    return services.disputes


def _side(caller: Caller, *, service: bool) -> str:
    """Whose registry the caller speaks for. Raises Problem."""
    if service and Scope.ADMIN not in caller.scopes:
        raise Problem("auth.forbidden", f"this key has no scope `{Scope.ADMIN}`")
    return "" if service else caller.name


async def _found(request: Request, id: str) -> Dispute:
    found = await run_sync(_disputes(services_of(request)).find, id)
    if found is None:
        raise Problem("dispute.unknown")
    return found


def _document(dispute: Dispute) -> dict[str, Any]:
    answered = dispute.answered_at
    same = ("id", "registry_id", "reason", "contact", "outcome", "answer")
    return {
        **{name: getattr(dispute, name) for name in same},
        "of": dispute.tenant,
        "created_at": rfc3339(dispute.created_at),
        "answered_at": None if answered is None else rfc3339(answered),
    }
