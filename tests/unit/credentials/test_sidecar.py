# SPDX-License-Identifier: Apache-2.0
"""Credentials in a file beside the picture: they count where they hold, and never displace those inside."""

import hashlib
import io
import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from waarmerk.provenance.credentials.settings import EKUS
from waarmerk.provenance.model import Asset, CredentialState, Integrity, Sidecar, SignerStatus


def detached(data: bytes, signatory: Any, manifest: dict[str, Any]) -> bytes:
    """The manifest store for ``data``, kept out of it."""
    import c2pa

    context = c2pa.Context.from_dict(
        {
            "verify": {"verify_after_sign": False, "remote_manifest_fetch": False},
            "core": {"allowed_network_hosts": []},
            "builder": {"thumbnail": {"enabled": False}},
            "trust": {"trust_config": EKUS},
        }
    )
    signer = c2pa.Signer.from_callback(
        lambda message: signatory.key.sign(message, ec.ECDSA(hashes.SHA256())),
        c2pa.C2paSigningAlg.ES256,
        signatory.pem.decode(),
        None,
    )
    builder = c2pa.Builder(json.dumps(manifest), context=context)
    builder.set_no_embed()
    return bytes(builder.sign(signer, "image/jpeg", io.BytesIO(data), io.BytesIO()))


def beside(asset: Asset, store: bytes) -> Asset:
    sidecar = Sidecar(kind="c2pa", name="x.c2pa", sha256=hashlib.sha256(store).hexdigest(), data=store)
    return replace(asset, sidecars=(sidecar,))


def test_a_store_beside_the_file_is_held_against_its_bytes(kit: Any, stored: Any, root: Any, desk: Any) -> None:
    picture = kit.jpeg()
    store = detached(picture, desk, kit.created())
    reader = kit.CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    found = reader.read(beside(kit.asset_of(picture), store))
    assert (found.state, found.integrity) == (CredentialState.SIDECAR, Integrity.INTACT)
    assert found.signer.status is SignerStatus.USER
    assert found.signer.verified_name
    assert len(reader.manifests(beside(kit.asset_of(picture), store))) == 1


def test_a_store_of_another_file_is_altered(kit: Any, stored: Any, root: Any, desk: Any) -> None:
    store = detached(kit.jpeg(), desk, kit.created())
    reader = kit.CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    found = reader.read(beside(kit.asset_of(kit.jpeg((1, 2, 3))), store))
    assert (found.state, found.integrity) == (CredentialState.SIDECAR, Integrity.ALTERED)
    assert not found.signer.verified_name


def test_what_stands_inside_comes_first(kit: Any, stored: Any, root: Any, desk: Any, stranger: Any) -> None:
    picture = kit.sign(kit.jpeg(), stranger, kit.created())
    store = detached(kit.jpeg(), desk, kit.created())
    reader = kit.CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    for data in (picture, kit.tampered(picture)):
        alone, accompanied = reader.read(kit.asset_of(data)), reader.read(beside(kit.asset_of(data), store))
        assert alone == accompanied


def test_a_damaged_store_beside_the_file_is_unreadable_not_none(kit: Any, stored: Any, root: Any, desk: Any) -> None:
    store = detached(kit.jpeg(), desk, kit.created())
    reader = kit.CredentialReader(stored({"user.pem": root.pem}), at=kit.NOW)
    for broken in (store[:200], b"\0" * 400, b"<html>"):
        found = reader.read(beside(kit.asset_of(kit.jpeg()), broken))
        assert found.state is CredentialState.UNREADABLE, broken[:8]
        assert not found.signer.verified_name
