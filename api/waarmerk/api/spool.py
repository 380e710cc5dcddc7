# SPDX-License-Identifier: Apache-2.0
"""An upload on its way to a worker: a file without a name, gone on every path, a killed service included."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fastapi import Request

from waarmerk.api.forms import Form, FormError
from waarmerk.api.problems import BodyProblem, Problem
from waarmerk.provenance.errors import LimitExceeded
from waarmerk.provenance.jobs.spool import nameless_file
from waarmerk.provenance.media.limits import MIB, Limits
from waarmerk.provenance.media.open import require_size

MAX_PARTS = 4

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
    """What was sent: the file under a path that workers can open, and the other fields of the form."""

    path: Path
    bytes: int
    fields: dict[str, str] = field(default_factory=dict)


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
            raise BodyProblem("service.full", "there is no room for this upload now") from None
        yield upload


def require_examinable(path: Path, limits: Limits) -> None:
    """Raise Problem for a file that is larger than any of its kind may be: later it could only fail."""
    try:
        require_size(path, limits=limits)
    except LimitExceeded:
        most = (limits.image_bytes // MIB, limits.video_bytes // MIB)
        detail = "at most {} MiB of a picture or document are examined, {} MiB of a clip or sound".format(*most)
        raise Problem("request.too-large", detail) from None


async def _from_body(request: Request, held: ExitStack) -> Upload:
    copy, path = held.enter_context(nameless_file())
    async for piece in request.stream():
        copy.write(piece)
    copy.flush()
    return Upload(path=path, bytes=copy.tell())  # an empty file is a file, as it is in a form


async def _from_form(request: Request, held: ExitStack, max_parts: int) -> Upload:
    opened: list[tuple[IO[bytes], Path]] = []

    def open_file() -> Callable[[bytes], object]:
        opened.append(held.enter_context(nameless_file()))
        return opened[0][0].write

    form = Form(open_file=open_file, max_parts=max_parts)
    try:
        await form.read(request.headers["content-type"], request.stream())
    except FormError as error:
        raise Problem("request.form", str(error)) from None
    if form.file_field != "file":
        raise Problem("request.no-file", "the form has no file in its field `file`")
    copy, path = opened[0]
    copy.flush()
    return Upload(path=path, bytes=copy.tell(), fields=form.fields)
