# SPDX-License-Identifier: Apache-2.0
"""What goes over the wire, as JSON Schema."""

import json
from importlib.resources import files
from typing import Any


def report_schema() -> dict[str, Any]:
    """The schema of ``waarmerk.report/1``, without the keys that only stand alone."""
    text = (files("waarmerk.provenance.report") / "schema" / "report-1.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    schema.pop("$schema")
    schema.pop("$id")
    return schema
