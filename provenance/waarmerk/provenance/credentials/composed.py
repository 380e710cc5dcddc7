# SPDX-License-Identifier: Apache-2.0
"""Whether a kept manifest store speaks of something that was put together from parts.

Only asked of stores that held for their file when they were kept. Nothing is validated here, and what cannot be read
counts as put together: then nothing that is said of the whole is said of a part.
"""

import json
from collections.abc import Iterator
from typing import Any

from waarmerk.provenance.credentials import cbor
from waarmerk.provenance.credentials.jumbf import JumbfError, Superbox, parse_store
from waarmerk.provenance.credentials.stated import texts_of
from waarmerk.provenance.model import SourceClass
from waarmerk.provenance.model.source_types import class_of

_ASSERTIONS = "c2pa.assertions"
_INGREDIENT = "c2pa.ingredient"
_PLACED = "c2pa.placed"
_OF_ONE_PIECE = frozenset({SourceClass.AI_GENERATED, SourceClass.ENHANCED, SourceClass.EMPTY})


def is_put_together(data: bytes) -> bool:
    """Whether a store names a part that was put in, or any source but a model's own output (C2PA 2.2, 18.10, 18.15)."""
    try:
        stated = [each for manifest in parse_store(data).parts for each in _assertions(manifest)]
    except (JumbfError, cbor.CborError, ValueError, RecursionError):
        return True
    return any(_tells_of_parts(label, content) for label, content in stated)


def _assertions(manifest: Superbox) -> Iterator[tuple[str, Any]]:
    box = manifest.named(_ASSERTIONS)
    for part in () if box is None else box.parts:
        coded, text = part.payload(b"cbor"), part.payload(b"json")
        if coded is not None:
            yield part.label, cbor.decode(coded)
        elif text is not None:
            yield part.label, json.loads(text)


def _tells_of_parts(label: str, content: Any) -> bool:
    for name, value in texts_of(content):
        if name.endswith("digitalsourcetype") and class_of(value) not in _OF_ONE_PIECE:
            return True
        if name == "action" and value == _PLACED:
            return True
        if label.startswith(_INGREDIENT) and name == "relationship" and value == "componentOf":
            return True
    return False
