# SPDX-License-Identifier: Apache-2.0
"""Files beside a file: ``x.xmp`` or ``x.jpg.xmp`` with its metadata, ``x.c2pa`` or ``x.jpg.c2pa`` with its credentials.

XMP part 3, 1.3 and C2PA 2.2, 11.4. Only a regular file, no link, in the same folder and under the same name, is
looked at; a sidecar belongs to the file only as far as it proves so itself.
"""

import hashlib
import os
import stat
from pathlib import Path

from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.model import Finding, Sidecar

CODE = "metadata.sidecar"


def sidecars(path: Path, limits: Limits) -> tuple[Sidecar, ...]:
    """What stands beside the file at ``path``, of each kind the nearest name; nothing of what cannot be read."""
    kinds = (("xmp", limits.xmp_bytes), ("c2pa", limits.manifest_bytes))
    found = (_nearest(path, kind, max_bytes) for kind, max_bytes in kinds)
    return tuple(each for each in found if each is not None)


def findings(found: tuple[Sidecar, ...]) -> tuple[Finding, ...]:
    """A hint for each: whoever repeats the examination needs these files too."""
    return tuple(Finding(CODE, f"{each.name}, sha256 {each.sha256}") for each in found)


def _nearest(path: Path, kind: str, max_bytes: int) -> Sidecar | None:
    if path.suffix == f".{kind}":
        return None
    for name in (f"{path.name}.{kind}", f"{path.stem}.{kind}"):
        data = _read(path.parent / name, max_bytes)
        if data:
            return Sidecar(kind=kind, name=name, sha256=hashlib.sha256(data).hexdigest(), data=data)
    return None


def _read(path: Path, max_bytes: int) -> bytes | None:
    """The bytes of a regular file that is no link and not too large, else None."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode) or not 0 < state.st_size <= max_bytes:
            return None
        with os.fdopen(os.dup(descriptor), "rb") as stream:
            return stream.read(max_bytes)
    except OSError:
        return None
    finally:
        os.close(descriptor)
