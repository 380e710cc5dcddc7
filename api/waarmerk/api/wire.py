# SPDX-License-Identifier: Apache-2.0
"""JSON as it leaves this service: ASCII, so that no control or direction mark of a file reaches anybody's terminal."""

import json
from typing import Any

from fastapi.responses import JSONResponse


class Json(JSONResponse):
    """A JSON response in ASCII, as the command line writes it; every other character is an escape."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
