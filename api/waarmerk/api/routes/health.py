# SPDX-License-Identifier: Apache-2.0
"""Whether the process lives, whether it can work, and its counters. Strangers get yes or no, and no version."""

from typing import Annotated, Any

from anyio.to_thread import run_sync
from fastapi import APIRouter, Depends, Request, Response

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.caller import Caller
from waarmerk.api.problems import Problem
from waarmerk.api.services import services_of
from waarmerk.api.tenants import Scope

router = APIRouter(tags=["health"])


@router.get(
    "/livez",
    summary="The process answers",
    response_description="Always ok",
    dependencies=[Depends(open_to(ANYONE, counted=False))],
)
async def livez() -> dict[str, str]:
    """The process is alive; says nothing about its version or its state."""
    return {"status": "ok"}


@router.get("/readyz", summary="Everything needed is there", response_description="It can work")
async def readyz(request: Request, caller: Annotated[Caller, Depends(open_to(ANYONE, counted=False))]) -> Any:
    """Store, disk, keys, trust lists and registry; which of them is in the way is told to the scope `admin` alone."""
    answers = await run_sync(services_of(request).readiness.answers)
    wrong = {name: code for name, code in answers.items() if code is not None}
    told = Scope.ADMIN in caller.scopes
    if wrong:
        places = [{"pointer": f"/{name}", "detail": code} for name, code in wrong.items()] if told else []
        raise Problem("service.not-ready", errors=places, retry_after=5)
    return {"status": "ok", **({"probes": sorted(answers)} if told else {})}


@router.get(
    "/metrics",
    summary="Counters for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "The counters"}},
    dependencies=[Depends(open_to(Scope.ADMIN, counted=False))],
)
async def metrics(request: Request) -> Response:
    """Counters by route, status and class of verdict; never by file or caller."""
    counters = services_of(request).metrics
    return Response(counters.exposition(), media_type=counters.content_type)
