# SPDX-License-Identifier: Apache-2.0
"""Small bodies: read whole, but no further than they may be long; a file goes through ``spool.received`` instead."""

from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from waarmerk.api.problems import BodyProblem, Problem, pointer

M = TypeVar("M", bound=BaseModel)
MAX_BYTES = 64 * 2**10


async def small_body(request: Request, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The body. Raises Problem at the byte that goes too far."""
    held = bytearray()
    async for piece in request.stream():
        held += piece
        if len(held) > max_bytes:
            raise BodyProblem("request.too-large", f"this body may have {max_bytes} bytes")
    return bytes(held)


async def told(request: Request, model: type[M], *, max_bytes: int = MAX_BYTES) -> M:
    """The body as a document. Raises Problem, which says where it is not as described."""
    body = await small_body(request, max_bytes=max_bytes)
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        places = [{"pointer": pointer(("body", *each["loc"])), "detail": str(each["msg"])} for each in faults]
        raise Problem("request.invalid", errors=places) from None


def json_body(model: type[BaseModel]) -> dict[str, object]:
    """What a route that takes such a document says of its body: ``openapi_extra={"requestBody": …}``."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"required": True, "content": {"application/json": {"schema": schema}}}
