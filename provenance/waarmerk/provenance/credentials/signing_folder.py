# SPDX-License-Identifier: Apache-2.0
"""A folder with everything a campaign signs with: root, intermediate, signer, and a page for the others.

Private keys are readable by their owner alone, encrypted where there is a passphrase. The folder appears whole or not
at all, and nothing in it is ever overwritten.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from waarmerk.provenance.credentials.certificates import Issued, OwnAuthority, key_pem
from waarmerk.provenance.credentials.signing_keys import (
    AskPassphrase,
    FileSigner,
    Secret,
    fingerprint,
    load_signer,
    pem_of,
)
from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.trust.lists import rfc3339

ROOT, ROOT_KEY = "root.pem", "root.key"
INTERMEDIATE, INTERMEDIATE_KEY = "intermediate.pem", "intermediate.key"
SIGNER, SIGNER_KEY = "signer.pem", "signer.key"
ABOUT = "ABOUT-THIS-ROOT.md"
_PREFIX = ".waarmerk-keys-"


def write_folder(folder: Path, authority: OwnAuthority, leaf: Issued, *, about: str, passphrase: Secret | None) -> None:
    """Write a new folder. Raises ConfigurationError (``keys.exist``) where it holds anything, StoreError on failure."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigurationError("keys.exist", f"{folder} is there already; keys are never overwritten")
    public = {
        ROOT: pem_of((authority.root.certificate,)),
        INTERMEDIATE: pem_of((authority.intermediate.certificate,)),
        SIGNER: pem_of(authority.chain_of(leaf)),
        ABOUT: about,
    }
    private = {ROOT_KEY: authority.root, INTERMEDIATE_KEY: authority.intermediate, SIGNER_KEY: leaf}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(folder, public, {name: key_pem(issued.key, passphrase) for name, issued in private.items()})
    except OSError as fault:
        raise StoreError("keys.not-written", f"{folder}: {fault.strerror or 'not written'}") from None


def load_folder(folder: Path, ask: AskPassphrase | None = None) -> FileSigner:
    """The signer of a folder. Raises ConfigurationError as ``load_signer`` does, and where there is no such folder."""
    if not (folder / SIGNER).is_file():
        raise ConfigurationError("keys.none", f"{folder}: no keys there; waarmerk keys init makes them")
    return load_signer(folder / SIGNER, folder / SIGNER_KEY, ask)


def trust_files(authority: OwnAuthority, at: datetime) -> dict[str, bytes]:
    """The root as a list of the operator's own: the files of a trust store (``user-….pem`` and its dates)."""
    root = authority.root.certificate
    name = f"user-{fingerprint(root)[:16]}"
    dates = {
        "issued": rfc3339(at),
        "next_update": rfc3339(root.not_valid_after_utc),
        "source": "waarmerk keys init",
    }
    return {f"{name}.pem": pem_of((root,)).encode(), f"{name}.json": (json.dumps(dates, indent=2) + "\n").encode()}


def _write(folder: Path, public: Mapping[str, str], private: Mapping[str, Secret]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder.parent))  # of mode 0700
    try:
        for name, text in public.items():
            _create(temporary / name, Secret(text.encode()), 0o644)
        for name, pem in private.items():
            _create(temporary / name, pem, 0o600)
        temporary.rename(folder)  # onto nothing or an empty folder; the system refuses any other
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    descriptor = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _create(path: Path, content: Secret, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as stream:
        os.fchmod(stream.fileno(), mode)
        stream.write(content.reveal())
        stream.flush()
        os.fsync(stream.fileno())
