# SPDX-License-Identifier: Apache-2.0
"""The file under examination."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from waarmerk.provenance.model.words import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Sidecar:
    """A file that stood beside the asset under its name: ``kind`` is ``xmp`` or ``c2pa``, ``data`` all its bytes."""

    kind: str
    name: str
    sha256: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class Asset:
    """A file whose kind was read from its bytes and whose digest covers exactly the bytes examined.

    ``name`` is the last part of the path, None for bytes without a name; ``media_type`` an IANA type read from the
    content; ``width`` and ``height`` in pixels and ``duration_seconds`` from the header, None where the header does
    not tell. ``open`` gives a fresh binary stream over the bytes that ``sha256`` covers. ``hints`` are facts the
    opening met on its way (a name that lies about the content, a duration that the samples contradict). ``sidecars``
    are files that stood beside it; they are part of what was examined, though not of what ``sha256`` covers.
    """

    name: str | None
    sha256: str
    bytes: int
    media_type: str
    open: Callable[[], BinaryIO] = field(repr=False, compare=False)
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None
    hints: tuple[Finding, ...] = ()
    sidecars: tuple[Sidecar, ...] = ()

    def sidecar(self, kind: str) -> Sidecar | None:
        """The file beside it of one kind, None if there is none."""
        return next((each for each in self.sidecars if each.kind == kind), None)
