# SPDX-License-Identifier: Apache-2.0
"""Who calls, and what they may do. Nothing is allowed that a route does not declare.

A route says ``caller: Annotated[Caller, Depends(open_to(Scope.LABEL))]``; one for everybody says
``open_to(ANYONE)``. Either way whoever sends a key is known by it, and a key that is not known is refused, not ignored.
"""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Final

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from waarmerk.api.caller import STRANGER, Caller
from waarmerk.api.problems import Problem
from waarmerk.api.quota import Count
from waarmerk.api.services import services_of
from waarmerk.api.tenants import Scope
from waarmerk.api.trail import trail_of

ANYONE: Final = None
_LOOKUPS = CapacityLimiter(8)  # threads that ask the database who it is


class Access(HTTPBearer):
    """The dependency ``open_to`` gives; its class is how a route is seen to have declared who may call it."""

    def __init__(self, scope: Scope | None, *, counted: bool) -> None:
        super().__init__(auto_error=False, scheme_name="key", description="A key of a tenant, shown once when made")
        self.scope = scope
        self._counted = counted

    async def __call__(self, request: Request) -> Caller:  # type: ignore[override]
        """The caller. Raises Problem: 401 without a key or with an unknown one, 403 beyond its scopes, 429."""
        caller = await _identify(request)
        if self.scope is not None:
            if caller.is_stranger:
                raise Problem("auth.missing", headers={"WWW-Authenticate": "Bearer"})
            if self.scope not in caller.scopes:
                raise Problem("auth.forbidden", f"this key has no scope `{self.scope}`")
        if self._counted:
            count(request, caller)
        return caller


def open_to(scope: Scope | None, *, counted: bool = True) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that gives the Caller, who must have ``scope``; ``ANYONE`` opens the route to strangers.

    ``counted``: the request counts towards the quota of the caller.
    """
    return Access(scope, counted=counted)


def require_access_declared(routers: Iterable[APIRouter]) -> None:
    """Raise ValueError for a route that does not declare who may call it."""
    for router in routers:
        for route in router.routes:
            if not isinstance(route, APIRoute) or not _declares(route.dependant):
                raise ValueError(f"the route {getattr(route, 'path', route)} does not say who may call it")


def open_operations(routers: Iterable[APIRouter]) -> Iterator[tuple[str, str]]:
    """Method and path of each operation that a stranger may call."""
    for router in routers:
        for route in router.routes:
            if isinstance(route, APIRoute) and not _is_closed(route.dependant):
                yield from ((method.lower(), route.path) for method in route.methods or ())


def _is_closed(dependant: Dependant) -> bool:
    needs = isinstance(dependant.call, Access) and dependant.call.scope is not None
    return needs or any(map(_is_closed, dependant.dependencies))


def _declares(dependant: Dependant) -> bool:
    return any(isinstance(each.call, Access) or _declares(each) for each in dependant.dependencies)


async def _identify(request: Request) -> Caller:
    given = request.headers.getlist("authorization")
    if not given:
        return STRANGER
    keyring = services_of(request).keyring
    scheme, _, key = given[0].partition(" ")
    if len(given) == 1 and scheme.lower() == "bearer" and keyring is not None:
        known = await run_sync(keyring.find, key.strip(), limiter=_LOOKUPS)
        if known is not None:
            trail_of(request).tenant = known.tenant.name
            return Caller(tenant=known.tenant, scopes=known.scopes)
    count(request, STRANGER)  # whoever tries keys is counted as the stranger they are
    raise Problem("auth.unknown-key", headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def count(request: Request, caller: Caller) -> None:
    """Count a request towards the quota of its caller. Raises Problem where it is one too many."""
    quota, tenant = services_of(request).quota, caller.tenant
    if tenant is None:
        require_allowed(request, quota.count_stranger(address_of(request)))
    else:
        require_allowed(request, quota.count_tenant(tenant.name, tenant.per_minute))


def address_of(request: Request) -> str:
    """Where a request comes from; empty where nobody knows."""
    return "" if request.client is None else request.client.host


def require_allowed(request: Request, state: Count) -> None:
    """Say with the answer where somebody stands. Raises Problem for one request too many."""
    trail_of(request).headers |= {
        "ratelimit-limit": str(state.limit),
        "ratelimit-remaining": str(state.remaining),
        "ratelimit-reset": str(state.reset_seconds),
    }
    if not state.allowed:
        raise Problem("quota.exceeded", retry_after=state.reset_seconds)
