# SPDX-License-Identifier: Apache-2.0
"""A way past the framework for the one route that every upload takes.

FastAPI finds a route, reads its parameters and checks them, and enters four context managers, for every request: a good
part of what the service costs beside its workers. The route stays where it is, described and tested like the others;
what comes in here has the same answers (``tests/unit/api/test_shortcut.py``).
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from waarmerk.api.problems import Problem, not_ready
from waarmerk.provenance.errors import StoreError


class Shortcut:
    """ASGI middleware, the innermost: ``answer`` answers what is for ``route``, everything else goes on."""

    def __init__(self, app: ASGIApp, *, route: APIRoute, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._app = app
        self._route = route
        self._methods = frozenset(route.methods or ())
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"] != self._route.path or scope["method"] not in self._methods:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        request = Request(scope, receive, send)
        try:
            response = await self._answer(request)
        except Problem as problem:
            response = problem.response(request)
        except StoreError:
            response = not_ready(request)
        await response(scope, receive, send)
