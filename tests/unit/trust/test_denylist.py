# SPDX-License-Identifier: Apache-2.0
"""The denylist: what it names, when it counts, and that a list which is not wholly understood is refused."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from waarmerk.provenance.errors import TrustListError
from waarmerk.provenance.trust import import_lists, load_store
from waarmerk.provenance.trust.denylist import parse_denylist

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def denylist(*entries: dict[str, Any], issued: str = "2026-11-20T08:00:00Z", **more: Any) -> bytes:
    stated = [{"reason": "key compromise", "source": "https://example.org/notice", **each} for each in entries]
    return json.dumps({"format": "waarmerk.denylist/1", "issued": issued, "entries": stated, **more}).encode()


def by_number(certificate: Any) -> dict[str, Any]:
    return {"issuer": certificate.issuer.rfc4514_string(), "serial": f"{certificate.serial_number:x}"}


def test_by_issuer_and_serial_number(kit: Any, root: Any) -> None:
    leaf, other = kit.issue("leaf", root), kit.issue("other", root)
    found = parse_denylist(denylist(by_number(leaf.certificate)))
    denial = found.denial_of([leaf.certificate], None)
    assert denial is not None
    assert denial.about == "key compromise (https://example.org/notice)"
    assert found.denial_of([other.certificate], None) is None
    assert found.denial_of([other.certificate, leaf.certificate], None) is denial
    written = {**by_number(leaf.certificate), "serial": f"{leaf.certificate.serial_number:X}"}
    assert parse_denylist(denylist(written)).denial_of([leaf.certificate], None)


def test_by_key_stated_computed_and_of_the_issuer(kit: Any, root: Any) -> None:
    from cryptography import x509

    key = x509.SubjectKeyIdentifier.from_public_key(root.certificate.public_key()).digest
    under = (x509.AuthorityKeyIdentifier(key, None, None), False)
    leaf, stranger = kit.issue("leaf", root, extra=under), kit.issue("leaf", kit.issue("ca", ca=True))
    found = parse_denylist(denylist({"ski": key.hex(":").upper()}))
    assert found.denial_of([leaf.certificate], None), "it was issued under the key"
    assert found.denial_of([root.certificate], None), "it carries the key"
    assert found.denial_of([stranger.certificate], None) is None


def test_the_window_is_escaped_by_a_time_that_somebody_vouches_for(kit: Any, root: Any) -> None:
    leaf = kit.issue("leaf", root).certificate
    start, end = datetime(2026, 10, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)
    bounds = {"from": start.isoformat(), "until": end.isoformat()}
    found = parse_denylist(denylist({**by_number(leaf), **bounds}))
    for moment, expected in (
        (None, True),
        (start - timedelta(seconds=1), False),
        (start, True),
        (end - timedelta(seconds=1), True),
        (end, False),
    ):
        assert (found.denial_of([leaf], moment) is not None) is expected, moment


ENTRY = {"issuer": "CN=a", "serial": "1"}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"format": "waarmerk.denylist/2", "issued": "2026-01-01T00:00:00Z", "entries": []}',
        b'{"format": "waarmerk.denylist/1", "entries": []}',
        b'{"format": "waarmerk.denylist/1", "issued": "2026-01-01T00:00:00Z"}',
        b'{"format": "waarmerk.denylist/1", "issued": "yesterday", "entries": []}',
        denylist(ENTRY, extra=1),
        denylist({**ENTRY, "form": "2026-01-01T00:00:00Z"}),
        denylist({"issuer": "CN=a"}),
        denylist({"serial": "1"}),
        denylist({}),
        denylist({**ENTRY, "ski": "aa"}),
        denylist({"ski": "a"}),
        denylist({"ski": "xx"}),
        denylist({**ENTRY, "serial": 1}),
        denylist({**ENTRY, "serial": "-1"}),
        denylist({**ENTRY, "issuer": "no name at all"}),
        denylist({**ENTRY, "issuer": 4}),
        denylist({**ENTRY, "reason": ""}),
        denylist({**ENTRY, "source": None}),
        denylist({**ENTRY, "from": "2026-02-01T00:00:00Z", "until": "2026-01-01T00:00:00Z"}),
    ],
)
def test_what_is_not_wholly_understood_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(TrustListError, match=r"denylist\.json"):
        parse_denylist(data)
    (tmp_path / "denylist.json").write_bytes(data)
    with pytest.raises(TrustListError, match=r"denylist\.json"):
        load_store(tmp_path, data_folder=None, at=AT)


def test_it_stands_in_the_basis_and_its_age_is_a_concern(tmp_path: Path, root: Any) -> None:
    (tmp_path / "user.pem").write_bytes(root.pem)
    (tmp_path / "denylist.json").write_bytes(denylist())
    store = load_store(tmp_path, data_folder=None, at=AT)
    assert [each.id for each in store.editions] == ["user:user.pem", "denylist"]
    assert store.editions[-1].issued == "2026-11-20T08:00:00Z"

    def concerns(at: datetime) -> set[str]:
        found = load_store(tmp_path, data_folder=None, at=at).findings
        return {finding.code for finding in found if finding.about == "denylist"}

    assert concerns(AT) == set()
    assert concerns(AT + timedelta(days=28)) == set()
    assert concerns(AT + timedelta(days=31)) == {"trust.stale"}
    (tmp_path / "denylist.json").write_bytes(denylist(next_update="2026-12-01T00:00:00Z"))
    assert concerns(AT) == set()
    assert concerns(AT + timedelta(days=31)) == {"trust.expired"}


def test_the_data_folder_brings_its_denylist_and_a_folder_by_hand_its_own(tmp_path: Path) -> None:
    (tmp_path / "denylist.json").write_bytes(denylist())
    assert load_store(None, data_folder=tmp_path, at=AT).denylist is not None
    empty = tmp_path / "by-hand"
    empty.mkdir()
    assert load_store(empty, data_folder=tmp_path, at=AT).denylist is None


def test_import_takes_it_and_never_goes_back(tmp_path: Path) -> None:
    source, store = tmp_path / "source", tmp_path / "store"
    source.mkdir()
    (source / "denylist.json").write_bytes(denylist(ENTRY))
    (one,) = import_lists(source, store)
    assert (one.file, one.added, one.removed) == ("denylist.json", 1, 0)
    held = (store / "denylist.json").read_bytes()
    assert not (store / "denylist.json.json").exists()
    (source / "denylist.json").write_bytes(denylist(ENTRY, issued="2026-11-19T08:00:00Z"))
    with pytest.raises(TrustListError) as caught:
        import_lists(source, store)
    assert caught.value.code == "trust.rollback"
    (source / "denylist.json").write_bytes(denylist(issued="2026-11-21T08:00:00Z"))
    with pytest.raises(TrustListError) as caught:
        import_lists(source, store)
    assert caught.value.code == "trust.drastic-change", "an emptied denylist would let everything through again"
    assert (store / "denylist.json").read_bytes() == held
    assert import_lists(source, store, accept_drastic=True)[0].removed == 1


def test_the_example_of_the_page_is_one() -> None:
    import re

    from tests.conftest import ROOT

    example = re.search(r"```json\n(.*?)```", (ROOT / "docs" / "trust.md").read_text("utf-8"), re.DOTALL)
    assert example is not None
    assert len(parse_denylist(example[1].encode()).entries) == 2
