# SPDX-License-Identifier: Apache-2.0
"""Keys of one's own, as ``keys init --no-passphrase`` and ``watermark keygen`` leave them in a folder."""

from datetime import UTC, datetime
from pathlib import Path

from waarmerk.provenance.credentials.certificates import OwnAuthority
from waarmerk.provenance.credentials.signing_folder import trust_files, write_folder
from waarmerk.provenance.credentials.signing_keys import Secret
from waarmerk.watermark import Key

TODAY = datetime.now(UTC).replace(microsecond=0)  # what is signed now needs certificates of now


def write_signing_keys(folder: Path, *, at: datetime = TODAY, passphrase: Secret | None = None) -> OwnAuthority:
    """A folder to sign with; who stands behind it."""
    authority = OwnAuthority.create("Campagne Delta", at=at)
    write_folder(folder, authority, authority.issue(at=at), about="", passphrase=passphrase)
    return authority


def write_trust(folder: Path, authority: OwnAuthority, *, at: datetime = TODAY) -> None:
    """A trust store that believes ``authority``."""
    folder.mkdir()
    for name, content in trust_files(authority, at).items():
        (folder / name).write_bytes(content)


def write_tenant_keys(folder: Path) -> dict[str, str | list[str]]:
    """Keys for signing and marking, and the settings of a tenant that labels with them."""
    write_signing_keys(folder / "keys")
    Key.generate("ai").save(folder / "ai.key")
    return {
        "signing": str(folder / "keys"),
        "keys": [str(folder / "ai.key")],
        "ledger": str(folder / "ledger.sqlite"),
        "registry": str(folder / "registry.sqlite"),
    }
