# SPDX-License-Identifier: Apache-2.0
"""Loading a store, and taking lists into it."""

import hashlib
import json
import os
import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from waarmerk.provenance.errors import StoreError, TrustListError
from waarmerk.provenance.trust import import_lists, load_store, plan_import
from waarmerk.provenance.trust.store import IDS, OFFICIAL, TSA

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SNAPSHOT = resources.files("waarmerk.provenance.trust").joinpath("snapshot")


def etsi(issued: str, next_update: str = "2027-08-05T00:11:39Z") -> str:
    return json.dumps({"LoTE": {"ListAndSchemeInformation": {"ListIssueDateTime": issued, "NextUpdate": next_update}}})


def codes(store: Any) -> set[tuple[str, str]]:
    return {(finding.code, finding.about) for finding in store.findings}


@pytest.fixture
def folder(tmp_path: Path, root: Any) -> Path:
    found = tmp_path / "lists"
    found.mkdir()
    (found / OFFICIAL).write_bytes(root.pem)
    (found / OFFICIAL).with_suffix(".json").write_text(etsi("2026-08-05T00:11:39Z"))
    return found


def test_a_folder_named_by_hand_is_the_whole_store(tmp_path: Path, root: Any) -> None:
    (tmp_path / "user.pem").write_bytes(root.pem)
    (tmp_path / "README.txt").write_text("ignored")
    store = load_store(tmp_path, data_folder=None, at=AT)
    assert store.official is None
    assert [each.id for each in store.user] == ["user:user.pem"]
    assert codes(store) == {("trust.undated", "user:user.pem")}


def test_editions_say_date_and_digest(folder: Path, root: Any) -> None:
    (folder / "user-desk.pem").write_bytes(root.pem)
    (folder / "user-desk.json").write_text('{"issued": "2026-11-01", "next_update": null, "source": "desk"}')
    store = load_store(folder, data_folder=None, at=AT)
    digest = hashlib.sha256(root.pem).hexdigest()
    assert [(each.id, each.issued, each.sha256) for each in store.editions] == [
        ("official", "2026-08-05T00:11:39Z", digest),
        ("user:user-desk.pem", "2026-11-01T00:00:00Z", digest),
    ]
    assert store.findings == ()


def test_past_its_time_and_undated_and_empty_are_said(folder: Path, tmp_path: Path) -> None:
    late = load_store(folder, data_folder=None, at=AT + timedelta(days=900))
    assert codes(late) == {("trust.expired", "official")}
    (folder / OFFICIAL).with_suffix(".json").unlink()
    assert codes(load_store(folder, data_folder=None, at=AT)) == {("trust.undated", "official")}
    empty = tmp_path / "empty"
    empty.mkdir()
    assert codes(load_store(empty, data_folder=None, at=AT)) == {("trust.no-lists", "")}
    (empty / TSA).write_bytes((folder / OFFICIAL).read_bytes())
    assert ("trust.no-lists", "") in codes(load_store(empty, data_folder=None, at=AT)), "it names no signer"


def test_without_a_folder_list_by_list_from_the_snapshot(folder: Path, root: Any) -> None:
    plain = load_store(None, data_folder=None, at=AT)
    assert plain.official is not None
    assert len(plain.official.certificates) == 28
    assert plain.interim is None
    assert codes(plain) == set()
    assert [each.edition.issued for each in plain.lists()] == ["2026-07-07T22:06:07Z", "2026-07-07T22:08:11Z"]
    mixed = load_store(None, data_folder=folder, at=AT)
    assert mixed.official is not None
    assert mixed.official.certificates == (root.certificate,)
    assert mixed.tsa == plain.tsa
    assert load_store(None, data_folder=folder / "absent", at=AT) == plain


def test_the_notice_says_what_ships() -> None:
    notice = SNAPSHOT.joinpath("NOTICE").read_text("utf-8")
    for name in (OFFICIAL, TSA):
        data = SNAPSHOT.joinpath(name).read_bytes()
        count = re.search(rf"{re.escape(name)}\s+(\d+) certificates", notice)
        assert count is not None
        assert int(count[1]) == data.count(b"-----BEGIN CERTIFICATE-----")
        assert hashlib.sha256(data).hexdigest() in notice
        dates = json.loads(SNAPSHOT.joinpath(name.replace(".pem", ".json")).read_text("utf-8"))
        day, moment = dates["issued"].rstrip("Z").split("T")
        assert f"{int(day[8:])} July 2026 at {moment} UTC" in " ".join(notice.split())


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TrustListError) as caught:
        load_store(tmp_path / "absent", data_folder=None, at=AT)
    assert caught.value.code == "trust.no-folder"


def test_any_other_pem_is_an_error_that_names_it(folder: Path, root: Any) -> None:
    (folder / "extra.PEM").write_bytes(root.pem)
    with pytest.raises(TrustListError, match=r"extra\.PEM") as caught:
        load_store(folder, data_folder=None, at=AT)
    assert caught.value.code == "trust.unknown-file"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pem: b"",
        lambda pem: b"not a list",
        lambda pem: pem[:-40],
        lambda pem: pem.replace(b"M", b"!", 1),
        lambda pem: pem + pem[: len(pem) // 2],
        lambda pem: pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        lambda pem: b"\xff\xfe" + pem,
    ],
)
def test_a_broken_pem_is_an_error_that_names_the_file(folder: Path, root: Any, spoil: Any) -> None:
    (folder / "user.pem").write_bytes(spoil(root.pem))
    with pytest.raises(TrustListError, match=r"user\.pem"):
        load_store(folder, data_folder=None, at=AT)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"issued": 3}',
        '{"issued": "yesterday"}',
        '{"isued": "2026-01-01"}',
        '{"LoTE": {}}',
        '{"LoTE": 1}',
    ],
)
def test_dates_that_are_none_are_an_error_that_names_the_file(folder: Path, text: str) -> None:
    (folder / OFFICIAL).with_suffix(".json").write_text(text)
    with pytest.raises(TrustListError, match=r"C2PA-TRUST-LIST\.json"):
        load_store(folder, data_folder=None, at=AT)


def test_a_pem_that_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "user.pem").mkdir()
    with pytest.raises(TrustListError, match=r"user\.pem"):
        load_store(tmp_path, data_folder=None, at=AT)


def test_import_into_an_empty_store(folder: Path, tmp_path: Path) -> None:
    store = tmp_path / "data" / "trust"
    planned = import_lists(folder, store, dry_run=True)
    assert [(one.file, one.before, one.added, one.removed) for one in planned] == [(OFFICIAL, None, 1, 0)]
    assert not store.exists()
    import_lists(folder, store)
    assert load_store(store, data_folder=None, at=AT) == load_store(folder, data_folder=None, at=AT)
    assert sorted(path.name for path in store.iterdir()) == ["C2PA-TRUST-LIST.json", OFFICIAL]


def test_an_older_or_undated_list_is_refused(folder: Path, tmp_path: Path, kit: Any, root: Any) -> None:
    store = tmp_path / "store"
    import_lists(folder, store)
    held = {path.name: path.read_bytes() for path in store.iterdir()}
    dates = (folder / OFFICIAL).with_suffix(".json")
    (folder / OFFICIAL).write_bytes(root.pem + kit.issue("more", ca=True).pem)
    dates.write_text(etsi("2026-08-04T00:00:00Z"))
    with pytest.raises(TrustListError) as caught:
        import_lists(folder, store)
    assert caught.value.code == "trust.rollback"
    dates.unlink()
    with pytest.raises(TrustListError, match="states no date"):
        import_lists(folder, store)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == held
    dates.write_text(etsi("2026-09-01T00:00:00Z"))
    (one,) = import_lists(folder, store, accept_drastic=True)
    assert (one.added, one.removed) == (1, 0)
    newer = load_store(store, data_folder=None, at=AT).official
    assert newer is not None
    assert len(newer.certificates) == 2


def test_a_change_of_more_than_half_asks_first(folder: Path, tmp_path: Path, kit: Any) -> None:
    store = tmp_path / "store"
    import_lists(folder, store)
    (folder / OFFICIAL).write_bytes(kit.issue("other", ca=True).pem)
    (folder / OFFICIAL).with_suffix(".json").write_text(etsi("2026-09-01T00:00:00Z"))
    with pytest.raises(TrustListError) as caught:
        import_lists(folder, store)
    assert caught.value.code == "trust.drastic-change"
    assert import_lists(folder, store, accept_drastic=True)[0].is_drastic


def test_a_folder_without_lists_is_refused(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "absent"):
        with pytest.raises(TrustListError):
            plan_import(source, tmp_path / "store")
    assert set(IDS.values()) == {"official", "tsa", "interim", "interim-allowed"}


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_nothing_is_lost_when_writing_fails(  # noqa: PLR0917
    folder: Path, tmp_path: Path, kit: Any, root: Any, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """Fail the n-th call, for every n: the list held stays whole, and no temporary file is left."""
    store = tmp_path / "store"
    import_lists(folder, store)
    before = (store / OFFICIAL).read_bytes()
    after = root.pem + kit.issue("more", ca=True).pem
    (folder / OFFICIAL).write_bytes(after)
    (folder / OFFICIAL).with_suffix(".json").write_text(etsi("2026-09-01T00:00:00Z"))
    owner = os if call == "fsync" else Path
    genuine = getattr(owner, call)
    for failing in range(1, 6):
        count = 0

        def sometimes(*arguments: Any, failing: int = failing) -> Any:
            nonlocal count
            count += 1
            if count == failing:
                raise OSError(28, "no space left")
            return genuine(*arguments)

        monkeypatch.setattr(owner, call, sometimes)
        try:
            import_lists(folder, store, accept_drastic=True)
            is_done = True
        except StoreError:
            is_done = False
        monkeypatch.setattr(owner, call, genuine)
        assert (store / OFFICIAL).read_bytes() in (before, after)
        assert not list(store.glob(".waarmerk-trust-*"))
        load_store(store, data_folder=None, at=AT)
        if is_done:
            break
    assert (store / OFFICIAL).read_bytes() == after
