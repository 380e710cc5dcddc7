# SPDX-License-Identifier: Apache-2.0
"""What a registry takes from a file, in a form that a confined process can answer with: the file itself stays there."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from waarmerk.provenance.registry.model import DIGEST_BYTES, Binding, BindingKind

MAX_MANIFEST = 10 * 2**20  # bytes: an answer has room for that, and what is larger is no manifest that anybody reads


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """One file as it is entered: digest, kind and size, bindings, the picture to compare with, its intact manifest.

    ``reference`` and ``manifest`` are None without one, ``manifest_label`` names the active manifest. Raises
    ValueError for a digest of another size.
    """

    sha256: bytes
    media_type: str
    width: int | None
    height: int | None
    bindings: tuple[Binding, ...] = ()
    reference: bytes | None = None
    manifest: bytes | None = None
    manifest_label: str | None = None

    def __post_init__(self) -> None:
        if len(self.sha256) != DIGEST_BYTES or (self.manifest is None) != (self.manifest_label is None):
            raise ValueError("a digest has 32 bytes, and a manifest a label")

    def to_json(self) -> dict[str, Any]:
        """As plain data. A manifest that is too large for an answer is left out."""
        if self.manifest is not None and len(self.manifest) > MAX_MANIFEST:
            return replace(self, manifest=None, manifest_label=None).to_json()
        return {
            "sha256": self.sha256.hex(),
            "media_type": self.media_type,
            "width": self.width,
            "height": self.height,
            "bindings": [[tie.kind.value, tie.value.hex(), tie.key_id] for tie in self.bindings],
            "reference": _text(self.reference),
            "manifest": _text(self.manifest),
            "manifest_label": self.manifest_label,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """From plain data of a process that may have been taken over. Raises ValueError for anything else."""
        try:
            sizes = (data["width"], data["height"])
            label, kind = data["manifest_label"], data["media_type"]
            is_plain = all(size is None or type(size) is int for size in sizes) and isinstance(kind, str)
            if not is_plain or not (label is None or isinstance(label, str)):
                raise ValueError("not what a file has")
            return cls(
                sha256=bytes.fromhex(data["sha256"]),
                media_type=kind[:100],
                width=sizes[0],
                height=sizes[1],
                bindings=tuple(
                    Binding(kind=BindingKind(kind), value=bytes.fromhex(value), key_id=_key_id(key_id))
                    for kind, value, key_id in data["bindings"]
                ),
                reference=_bytes(data["reference"]),
                manifest=_bytes(data["manifest"]),
                manifest_label=label,
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError("not what a file has") from error


def _key_id(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ValueError("a key is named by a text")
    return value


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
