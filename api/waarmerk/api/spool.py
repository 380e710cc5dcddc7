# SPDX-License-Identifier: Apache-2.0
"""An upload on its way to a worker: a file without a name, gone on every path, a killed service included."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import Request

from waarmerk.api.forms import Form, FormError
from waarmerk.api.problems import BodyProblem, Problem
from waarmerk.api.services import services_of
from waarmerk.provenance.jobs.spool import Spooled

MAX_PARTS = 4
_NO_ROOM = "there is no room for this upload now"
MOST_IN_MEMORY = 64 * 2**20  # bytes of uploads under way; beyond it what comes goes into files

# What a route that takes a file says of its body: ``openapi_extra={"requestBody": BODY}``.
BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "string", "contentMediaType": "application/octet-stream"}},
            }
        },
        "application/octet-stream": {"schema": {}},
    },
}


def with_field(name: str, description: str) -> dict[str, Any]:
    """The same of a route that takes another field in a form."""
    body = deepcopy(BODY)
    body["content"]["multipart/form-data"]["schema"]["properties"][name] = {
        "type": "string",
        "description": description,
    }
    return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What was sent: a file, and the other fields of the form."""

    file: Spooled
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        """How many there are."""
        return self.file.size

    @property
    def path(self) -> Path:
        """The file under a path that workers can open. Raises Problem where the disk is full."""
        try:
            return self.file.path
        except OSError:
            raise Problem("service.full", _NO_ROOM) from None


@asynccontextmanager
async def received(request: Request, *, max_parts: int = MAX_PARTS) -> AsyncIterator[Upload]:
    """The uploaded file: the field ``file`` of a multipart body, or the body itself.

    Raises Problem where the form has no file, more than ``max_parts`` parts, or cannot be read, or the disk is full.
    """
    with ExitStack() as held:
        try:
            if request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
                upload = await _from_form(request, held, max_parts)
            else:
                upload = await _from_body(request, held)
        except OSError:
            raise BodyProblem("service.full", _NO_ROOM) from None
        yield upload


async def _from_body(request: Request, held: ExitStack) -> Upload:
    copy = held.enter_context(_copy(request))
    async for piece in request.stream():
        copy.write(piece)
    copy.flush()
    return Upload(file=copy)  # an empty file is a file, as it is in a form


async def _from_form(request: Request, held: ExitStack, max_parts: int) -> Upload:
    opened: list[Spooled] = []

    def open_file() -> Callable[[bytes], object]:
        opened.append(held.enter_context(_copy(request)))
        return opened[0].write

    form = Form(open_file=open_file, max_parts=max_parts)
    try:
        await form.read(request.headers["content-type"], request.stream())
    except FormError as error:
        raise Problem("request.form", str(error)) from None
    if form.file_field != "file":
        raise Problem("request.no-file", "the form has no file in its field `file`")
    opened[0].flush()
    return Upload(file=opened[0], fields=form.fields)


def _copy(request: Request) -> Spooled:
    gate = services_of(request).gate
    return Spooled(has_room=lambda: gate.held <= MOST_IN_MEMORY)
