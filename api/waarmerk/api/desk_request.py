# SPDX-License-Identifier: Apache-2.0
"""One request to the pages on which people label: language, visit with cookie and token, and how it is answered."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from waarmerk.api.desk_form import Fields
from waarmerk.api.desk_view import Visit, form, label_of, problem_text, reason, sign_in
from waarmerk.api.page_answers import SAFE, html
from waarmerk.api.page_view import language_of
from waarmerk.api.problems import Problem
from waarmerk.api.services import services_of
from waarmerk.api.sessions import LIFE, Session, Sessions
from waarmerk.api.tenants import Known, Scope, Tenant
from waarmerk.api.trail import trail_of
from waarmerk.provenance.report.wording import Wording, wording

LOOKUPS = CapacityLimiter(4)  # threads that ask the database whether a key is still in use
_VISIT, _START = "waarmerk-visit", "waarmerk-start"  # once a key was shown, and before


class Desk:
    """One request to these pages: in which language, by which visit."""

    def __init__(self, request: Request, lang: str | None) -> None:
        self.request = request
        self.services = services_of(request)
        self.language = language_of(lang, request.headers.get("accept-language", ""))
        self.words = wording(self.language)
        self.session: Session | None = None
        self._fresh: str | None = None
        self._has_ended = False

    @property
    def sessions(self) -> Sessions:
        """The visits of this service. Raises Problem where it has none."""
        if self.services.sessions is None:
            raise Problem("service.not-configured")
        return self.services.sessions

    async def enter(self) -> None:
        """Find the visit, or begin one that nobody has shown a key in. Raises Problem, StoreError."""
        for name in (_VISIT, _START):
            cookie = self.request.cookies.get(self._named(name), "")
            self.session = await run_sync(self.sessions.read, cookie, limiter=LOOKUPS) if cookie else None
            if self.session is not None:
                return
        self._fresh, self.session = self.sessions.begin()

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self._is_tls else name

    @property
    def _is_tls(self) -> bool:
        return self.request.url.scheme == "https"

    @property
    def visit(self) -> Visit:
        """Whoever sees the page."""
        session = self.session
        token = "" if session is None else self.sessions.token(session)
        return Visit(language=self.language, token=token, session=session)

    def keyed(self) -> tuple[Session, Tenant]:
        """The visit of somebody who may label. Raises Problem."""
        session = self.session
        if session is None or session.known is None:
            raise Problem("auth.missing", headers={"WWW-Authenticate": "Bearer"})
        if Scope.LABEL not in session.known.scopes:
            raise Problem("auth.forbidden")
        trail_of(self.request).tenant = session.known.tenant.name
        return session, session.known.tenant

    def require_token(self, fields: Fields) -> None:
        """Raise Problem for a form that does not come from a page of this visit."""
        if self.session is None or not self.sessions.holds(self.session, fields.get("token", "")):
            raise Problem("auth.token")

    def answer(self, page: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
        """A page, with the cookie of a visit that has just begun."""
        return self._marked(html(page, self.language, status=status, headers=headers))

    def turned(self, path: str = "/label") -> Response:
        """On to the form, or another of these pages, with ``GET``."""
        made = RedirectResponse(f"{path}?lang={self.language}", HTTPStatus.SEE_OTHER, headers=SAFE)
        return self._marked(made)

    def gone(self) -> Response:
        """What was labelled is no longer here, or never was."""
        trail_of(self.request).code = "label.gone"
        page = form(self.visit, {}, problem=self.words.say("desk_problem", "gone"))
        return self.answer(page, status=HTTPStatus.NOT_FOUND)

    def not_labelled(self, why: Sequence[str], given: Fields, *, is_refused: bool) -> Response:
        """Why there is no labelled file: the codes of ``why``, the first of all of it, then of single layers."""
        code = why[0]
        if code.startswith(("worker.", "internal.")):
            return self.refused(Problem("internal.fault" if code == "internal.fault" else "label.failed"), given)
        problem = Problem("label.refused" if is_refused else "label.unreadable")
        trail_of(self.request).code = problem.code
        first = self.words.say("desk", "refused") if is_refused else problem_text(self.words, problem.code)
        reasons = [reason(self.words, each) for each in dict.fromkeys(why)]
        page = form(self.visit, given, problem=first, reasons=reasons)
        return self.answer(page, status=problem.status_code)

    def begin_anew(self, known: Known | None = None) -> None:
        """Another visit in place of this one: what was sealed before somebody showed a key is worth nothing after."""
        if self.session is not None:
            self.sessions.end(self.session)
        self._has_ended = known is None
        self._fresh, self.session = self.sessions.begin(known)

    def refused(self, problem: Problem, given: Fields | None = None) -> Response:
        """A problem as a page: the form of the key where one is needed, else the form with what was filled in."""
        trail_of(self.request).code = problem.code
        status, headers = problem.status_code, dict(problem.headers or {})
        text = problem_text(self.words, problem.code)
        session = self.session
        is_keyed = session is not None and session.known is not None and Scope.LABEL in session.known.scopes
        if is_keyed and problem.code not in ("auth.missing", "auth.forbidden"):
            reasons = _reasons(self.words, problem)
            text = self.words.say("desk_problem", "label.fields") if reasons else text
            text = self.words.say("desk", "tenant-none") if problem.code == "tenant.not-configured" else text
            page = form(self.visit, given or {}, problem=text, reasons=reasons)
        else:
            page = sign_in(self.visit, problem=text)
        return self.answer(page, status=status, headers=headers)

    def _marked(self, response: Response) -> Response:
        """With the cookie of a visit that has just begun.

        Before a key was shown it has a name of its own: a request from another site comes without cookies, and what it
        is answered with must not take the place of a visit.
        """
        if self._fresh is None or self.session is None:
            return response
        name = self._named(_START if self.session.known is None else _VISIT)
        life, is_tls = int(LIFE.total_seconds()), self._is_tls
        response.set_cookie(name, self._fresh, max_age=life, path="/", secure=is_tls, httponly=True, samesite="strict")
        if self._has_ended:
            gone = self._named(_VISIT)
            response.delete_cookie(gone, path="/", secure=is_tls, httponly=True, samesite="strict")
        return response


def _reasons(words: Wording, problem: Problem) -> list[str]:
    """What is wrong, or with which field: by the words that stand beside it on the page."""
    if problem.code != "request.invalid":
        return []
    if words.has("desk", str(problem.detail)):
        return [reason(words, str(problem.detail))]
    named = [each["pointer"].removeprefix("/body").lstrip("/") for each in problem.errors]
    return [label_of(words, name) or each["detail"] for name, each in zip(named, problem.errors, strict=True)]
