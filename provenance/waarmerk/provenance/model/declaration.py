# SPDX-License-Identifier: Apache-2.0
"""What a file declares about itself without a signature."""

from dataclasses import dataclass

from waarmerk.provenance.model.words import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """A trace of a generator: tool name or prompt. ``where`` names the field it stood in, e.g. ``png:parameters``."""

    tool: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Declarations:
    """Unsigned declarations of XMP, IPTC, EXIF and PNG text; every text is the file's own and escaped where shown.

    ``source_types`` as written (XMP and IPTC ``digitalSourceType``); ``aigc_label`` the TC260 ``AIGC`` label;
    ``ai_system`` the IPTC 2025.1 AI system; ``remote_manifest`` the address in ``dcterms:provenance``;
    ``hints`` name generators; ``findings`` say what could not be read.
    """

    source_types: tuple[str, ...] = ()
    aigc_label: str | None = None
    ai_system: str | None = None
    camera: str | None = None
    software: str | None = None
    captured_at: str | None = None
    credit: str | None = None
    remote_manifest: str | None = None
    hints: tuple[Hint, ...] = ()
    findings: tuple[Finding, ...] = ()
    containers: tuple[str, ...] = ()  # which kinds were present: exif, xmp, iptc, png-text
