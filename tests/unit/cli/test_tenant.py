# SPDX-License-Identifier: Apache-2.0
"""``waarmerk tenant``: tenants, keys that are printed once, webhooks."""

import re
import stat
from pathlib import Path

import pytest

from tests.conftest import Run


@pytest.fixture
def service(tmp_path: Path) -> Path:
    return tmp_path / "service"


def test_a_tenant_has_keys_that_can_be_listed_and_ended_but_never_seen_again(waarmerk: Run, service: Path) -> None:
    data = ("--data", str(service))
    assert waarmerk("tenant", "add", "north", "--per-minute", "9", *data).returncode == 0
    made = waarmerk("tenant", "key", "north", "--scope", "verify", "--scope", "label", *data)
    key = made.stdout.strip()
    assert re.fullmatch(r"wm_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", key)
    prefix = key.split("_")[1]
    listed = waarmerk("tenant", "list", *data).stdout
    assert listed.splitlines()[0] == "north  9 a minute, results kept 30 days"
    assert f"  {prefix}  label,verify  made " in listed
    assert key.split("_", 2)[2] not in listed
    assert waarmerk("tenant", "revoke", prefix, *data).returncode == 0
    assert "revoked" in waarmerk("tenant", "list", *data).stdout
    assert stat.S_IMODE((service / "service.sqlite").stat().st_mode) == 0o600
    assert stat.S_IMODE((service / "secret").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("add", "North"), "tenant.name"),
        (("key", "nobody", "--scope", "verify"), "tenant.unknown"),
        (("key", "nobody", "--scope", "root"), "Invalid value"),
        (("key", "nobody"), "Missing option"),
        (("revoke", "000000000000"), "tenant.unknown-key"),
        (("webhook", "nobody", "https://x.example/"), "tenant.unknown"),
        (("webhook", "nobody", "http://x.example/"), "tenant.webhook"),
        (("webhook", "nobody", "https://10.0.0.1/x"), "public addresses"),
        (("webhook", "nobody", "https://[::1]/x"), "public addresses"),
        (("webhook", "nobody"), "NAME and URL"),
        (("webhook", "--end", "wh_x"), "tenant.unknown-webhook"),
        (("add", "north", "--database", "mysql://x"), "database.address"),
    ],
)
def test_what_cannot_be_done_is_said_and_is_wrong_usage(
    waarmerk: Run, service: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = waarmerk("tenant", *arguments, "--data", str(service))
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stdout == ""


def test_a_webhook_is_registered_listed_and_ended(waarmerk: Run, service: Path) -> None:
    data = ("--data", str(service))
    waarmerk("tenant", "add", "north", *data)
    id, secret = waarmerk("tenant", "webhook", "north", "https://x.example/hook", *data).stdout.split()
    assert re.fullmatch(r"wh_[0-9a-f]{16}", id)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    listed = waarmerk("tenant", "webhook", *data).stdout
    assert listed.split() == [id, "north", "https://x.example/hook", "in", "use"]
    assert secret not in listed
    assert waarmerk("tenant", "webhook", "--end", id, *data).returncode == 0
    assert "ended" in waarmerk("tenant", "webhook", *data).stdout


def test_a_tenant_is_forgotten_when_that_is_meant(waarmerk: Run, service: Path) -> None:
    data = ("--data", str(service))
    waarmerk("tenant", "add", "north", *data)
    assert waarmerk("tenant", "forget", "north", *data, stdin="n\n").returncode != 0
    assert "north" in waarmerk("tenant", "list", *data).stdout
    assert waarmerk("tenant", "forget", "north", "--yes", *data).returncode == 0
    assert waarmerk("tenant", "list", *data).stdout == ""
    assert waarmerk("tenant", "forget", "north", "--yes", *data).returncode == 2


def test_who_labels_gets_a_ledger_and_a_registry(waarmerk: Run, service: Path, tmp_path: Path) -> None:
    ledger, registry, folder = tmp_path / "new" / "ledger", tmp_path / "new" / "registry", tmp_path / "keys"
    folder.mkdir()
    own = ("--ledger", str(ledger), "--registry", str(registry), "--data", str(service))
    refused = waarmerk("tenant", "add", "delta", *own)
    assert refused.returncode == 2
    assert "there is no ledger" in refused.stderr
    assert waarmerk("tenant", "add", "delta", "--key-folder", str(folder), *own).returncode == 0
    for made in (ledger, registry):
        assert stat.S_IMODE(made.stat().st_mode) == 0o600


def test_a_tenant_is_changed_and_keeps_its_keys(waarmerk: Run, service: Path, tmp_path: Path) -> None:
    """It had to be forgotten, with all its keys and reports, for another watermark key."""
    data = ("--data", str(service))
    for name in ("old.key", "new.key"):
        assert waarmerk("watermark", "keygen", tmp_path / name).returncode == 0
    waarmerk("tenant", "add", "north", "--key", tmp_path / "old.key", "--registry", tmp_path / "known.sqlite", *data)
    made = waarmerk("tenant", "key", "north", "--scope", "verify", *data).stdout.split("_")[1]
    keys = ("--key", tmp_path / "new.key", "--key", tmp_path / "old.key")
    done = waarmerk("tenant", "change", "north", *keys, "--per-minute", "9", "--without", "registry", *data)
    assert (done.returncode, done.stdout) == (0, "")
    listed = waarmerk("tenant", "list", *data).stdout.splitlines()
    assert listed[:3] == [
        "north  9 a minute, results kept 30 days",
        f"  --key {tmp_path / 'new.key'}",
        f"  --key {tmp_path / 'old.key'}",
    ]
    assert made in listed[3], "its API key is still in use"
    for wrong, told in (
        (("north",), "name what is to change"),
        (("north", "--registry", "x", "--without", "registry"), "no longer"),
        (("north", "--ledger", tmp_path / "no.sqlite"), "there is no ledger"),
        (("south", "--per-minute", "1"), "tenant.unknown"),
    ):
        refused = waarmerk("tenant", "change", *wrong, *data)
        assert (refused.returncode, told in refused.stderr) == (2, True), refused.stderr


def test_a_key_that_leaked_is_ended_as_it_was_found_and_not_repeated(waarmerk: Run, service: Path) -> None:
    data = ("--data", str(service))
    waarmerk("tenant", "add", "north", *data)
    key = waarmerk("tenant", "key", "north", "--scope", "verify", *data).stdout.strip()
    secret = key.split("_", 2)[2]
    for wrong in (f"x{key}", secret):
        refused = waarmerk("tenant", "revoke", *data, "--", wrong)
        assert (refused.returncode, "tenant.unknown-key" in refused.stderr) == (2, True)
        assert secret not in refused.stderr
    done = waarmerk("tenant", "revoke", key, *data)
    assert (done.returncode, done.stderr) == (0, "")
    assert "revoked" in waarmerk("tenant", "list", *data).stdout
    written = [each for each in service.rglob("*") if each.is_file() and secret.encode() in each.read_bytes()]
    assert written == [], "the audit records had it"
