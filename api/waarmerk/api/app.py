# SPDX-License-Identifier: Apache-2.0
"""The verification API. Everything it needs is handed in; it fetches no address for anybody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute

from waarmerk.api import auth, problems
from waarmerk.api.limits import LimitBody
from waarmerk.api.routes import (
    batches,
    decide,
    desk,
    desk_jobs,
    disputes,
    explain,
    health,
    jobs,
    label,
    page,
    registry,
    resolution,
    verify,
)
from waarmerk.api.services import Services
from waarmerk.api.shortcut import Shortcut
from waarmerk.api.trail import Trailing
from waarmerk.api.wire import Json
from waarmerk.provenance.errors import StoreError

API_VERSION = "1"  # of the interface; which release answers is nothing a stranger needs
ROUTERS = (
    verify.router,
    jobs.router,
    batches.router,
    decide.router,
    label.router,
    registry.router,
    disputes.router,
    resolution.router,
    health.router,
    explain.router,
    page.router,
    desk.router,
    desk_jobs.router,
)


def create_app(services: Services) -> FastAPI:
    """The application. Raises ValueError for a route that does not say who may call it."""

    @asynccontextmanager
    async def living(app: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            services.shelf.close()

    app = FastAPI(
        lifespan=living,
        title="waarmerk",
        version=API_VERSION,
        summary="Where a picture or a clip comes from, and which label it owes.",
        docs_url=None,  # the bundled pages load scripts from a third party
        redoc_url=None,
        responses=problems.RESPONSES,
        default_response_class=Json,
        # The framework's own: who asked what would go wherever its environment names, and each request pays for asking.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = services
    problems.install(app)

    @app.exception_handler(StoreError)
    async def on_store(request: Request, error: StoreError) -> Response:
        return problems.not_ready(request)

    for router in ROUTERS:
        app.include_router(router)
    auth.require_access_declared(ROUTERS)
    app.add_middleware(Shortcut, route=_route(verify.router, verify.PATH), answer=verify.verify_at_once)
    app.add_middleware(LimitBody, limits=services.body, gate=services.gate)
    app.add_middleware(
        Trailing, journal=services.journal, metrics=services.metrics, clock=services.clock, mint=services.mint
    )
    _describe_access(app)
    return app


def _route(router: APIRouter, path: str) -> APIRoute:
    return next(each for each in router.routes if isinstance(each, APIRoute) and each.path == path)


def _describe_access(app: FastAPI) -> None:
    """Say in the description which operations need no key; the framework knows only that one may be sent."""
    described = app.openapi

    def openapi() -> dict[str, Any]:
        document = described()
        for method, path in auth.open_operations(ROUTERS):
            operation = document["paths"].get(path, {}).get(method)
            if operation is not None:
                operation["security"] = [{}, {"key": []}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]  # how FastAPI wants it done
