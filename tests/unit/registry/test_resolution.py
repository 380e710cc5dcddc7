# SPDX-License-Identifier: Apache-2.0
"""Soft Binding Resolution without HTTP: what is answered, what is not, and what an answer is worth."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.unit.marking.pictures import scene
from tests.unit.registry.test_store import entry
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.marking.watermark import SCHEME_NAMES
from waarmerk.provenance.media.limits import Limits
from waarmerk.provenance.registry import resolution
from waarmerk.provenance.registry.finder import Finder, reference_file, ties
from waarmerk.provenance.registry.model import Binding, BindingKind, Role, State
from waarmerk.provenance.registry.resolution import Resolved
from waarmerk.provenance.registry.store import Store

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
MARK = Binding(kind=BindingKind.WATERMARK, value=b"payload8", key_id="0011")
RGB = scene(300, 400, 5)


@pytest.fixture
def finder(store: Store) -> Finder:
    """Four known pictures: with a manifest, with none, withdrawn with one, and the stamped picture of a fact-check."""
    for number, changes in enumerate(
        ({}, {"manifest": None, "manifest_label": None}, {}, {"role": Role.DEBUNK}),
        1,
    ):
        rgb = scene(300, 400, 4 + number)
        made = replace(
            entry(number),
            manifest=store.files.put(b"store %d" % number),
            manifest_label=f"urn:c2pa:{number}",
            reference=store.files.put(reference_file(rgb)),
        )
        store.add(replace(made, **changes), [*ties(rgb), MARK])  # type: ignore[arg-type]
    store.mark(3, State.WITHDRAWN, why="mistaken", at=AT)
    return Finder(store, Limits())


def test_a_mark_points_at_manifests_and_at_nothing_without_one(store: Store, finder: Finder) -> None:
    assert list(resolution.WATERMARKS) == list(SCHEME_NAMES.values()), "one name, wherever it stands"
    found = resolution.by_binding(store, finder, alg="org.waarmerk.ring.1", value=b"payload8")
    assert found == (Resolved(manifest_id="urn:c2pa:1", similarity=100),)
    assert resolution.by_binding(store, finder, alg="org.waarmerk.ring.1", value=b"another8") == ()


def test_a_fingerprint_points_and_the_score_says_how_far(store: Store, finder: Finder) -> None:
    (phash,) = (tie.value for tie in ties(RGB) if tie.kind is BindingKind.PHASH)
    near = bytes([phash[0] ^ 0b1011, *phash[1:]])
    for value, score in ((phash, 100), (near, 95)):
        found = resolution.by_binding(store, finder, alg="org.waarmerk.phash.1", value=value)
        assert Resolved(manifest_id="urn:c2pa:1", similarity=score) in found
    far = bytes(byte ^ 0x5A for byte in phash)
    assert resolution.by_binding(store, finder, alg="org.waarmerk.phash.1", value=far) == ()


def test_a_file_is_answered_by_what_its_pixels_confirm(finder: Finder) -> None:
    found = resolution.by_content(finder, sha256=bytes(32), rgb=RGB)
    assert [each.manifest_id for each in found] == ["urn:c2pa:1"]
    assert found[0].similarity > 90
    stranger = scene(300, 400, 44)
    assert resolution.by_content(finder, sha256=bytes(32), rgb=stranger, marks=[("0011", b"payload8")]) == (), "pasted"
    assert resolution.by_content(finder, sha256=bytes(32), rgb=RGB, alg="org.waarmerk.ring.1") == ()
    exact = resolution.by_content(finder, sha256=(1).to_bytes(32), rgb=None)
    assert exact == (Resolved(manifest_id="urn:c2pa:1", similarity=100),)
    for gone in (scene(300, 400, 7), scene(300, 400, 8)):
        assert resolution.by_content(finder, sha256=bytes(32), rgb=gone) == ()


def test_a_manifest_by_its_name(store: Store, finder: Finder) -> None:
    assert resolution.manifest(store, "urn:c2pa:1", max_bytes=99) == b"store 1"
    assert resolution.manifest(store, "urn:c2pa:3", max_bytes=99) is None, "withdrawn"
    assert resolution.manifest(store, "urn:c2pa:9", max_bytes=99) is None


def test_what_is_asked_wrongly_says_so(store: Store, finder: Finder) -> None:
    for alg, value, code in (
        ("com.adobe.trustmark.P", b"12345678", "resolution.algorithm"),
        ("org.waarmerk.ring.1", b"1234567", "resolution.value"),
        ("org.waarmerk.pdq.1", b"12345678", "resolution.value"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            resolution.by_binding(store, finder, alg=alg, value=value)
        assert caught.value.code == code
    for count in (0, 101):
        with pytest.raises(ConfigurationError, match="results"):
            resolution.by_binding(store, finder, alg="org.waarmerk.ring.1", value=b"payload8", max_results=count)
    with pytest.raises(ConfigurationError):
        resolution.by_content(finder, sha256=bytes(32), rgb=RGB, alg="io.iscc.v0")


def test_what_is_supported_is_what_answers(store: Store, finder: Finder) -> None:
    told = resolution.supported()
    for group, size in (("watermarks", 8), ("fingerprints", None)):
        for each in told[group]:
            length = size or resolution.FINGERPRINTS[each["alg"]][1]
            assert resolution.by_binding(store, finder, alg=each["alg"], value=bytes(length)) == ()
    assert resolution.capabilities()["c2paSpecificationVersion"] == "2.4.0"
