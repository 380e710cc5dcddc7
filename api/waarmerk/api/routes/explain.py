# SPDX-License-Identifier: Apache-2.0
"""Where the ``type`` of a problem points: what its code means."""

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from waarmerk.api.auth import ANYONE, open_to
from waarmerk.api.problems import KINDS

router = APIRouter(tags=["health"])


class Kind(BaseModel):
    """A kind of problem."""

    model_config = ConfigDict(extra="forbid")

    code: str
    status: int
    title: str


@router.get(
    "/problems/{code}",
    summary="What a problem code means",
    dependencies=[Depends(open_to(ANYONE, counted=False))],
)
async def explain(code: str) -> Kind:
    """The status and the title of one code; a status of HTTP stands for itself (`http.404`)."""
    if code not in KINDS:
        raise HTTPException(404)
    status, title = KINDS[code]
    return Kind(code=code, status=int(status), title=title)
