# SPDX-License-Identifier: Apache-2.0
"""What the Dockerfile and the compose file promise stands in them: no rights, nothing writable, no secret, no tools."""

import re
import shlex
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from tests.conftest import ROOT
from waarmerk.cli.serve import serve
from waarmerk.cli.trust import trust

Step = tuple[str, str]  # instruction, its arguments on one line
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
UID = "10001:10001"


def stages() -> list[list[Step]]:
    text = (ROOT / "Dockerfile").read_text("utf-8")
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    steps = [line.strip() for line in re.sub(r"\\\n", " ", lines).splitlines() if line.strip()]
    found: list[list[Step]] = []
    for step in steps:
        word, _, rest = step.partition(" ")
        if word == "FROM":
            found.append([])
        if found:
            found[-1].append((word, " ".join(rest.split())))
    return found


BUILD, FINAL = stages()


def of(stage: list[Step], word: str) -> list[str]:
    return [rest for each, rest in stage if each == word]


def test_packages_are_installed_as_pinned_and_only_in_the_first_stage() -> None:
    installing = [run for run in of(BUILD, "RUN") if "pip install" in run]
    assert len(installing) == 1
    assert "PIP_CONSTRAINT=/src/constraints.txt" in " ".join(of(BUILD, "ENV"))
    assert (
        "--only-binary :all: --no-binary waarmerk,pdqhash " in installing[0]
    )  # what else runs code to install is refused
    assert [
        run
        for run in of(FINAL, "RUN")
        if re.search(r"\bpip\b|venv|build-essential|gcc|g\+\+|python3-dev|git\b|curl", run)
    ] == []
    assert of(FINAL, "COPY") == ["--from=build /opt/waarmerk /opt/waarmerk"]


def test_it_runs_as_nobody_in_particular_with_a_heartbeat_and_a_place_to_write() -> None:
    assert of(FINAL, "USER") == [UID]
    after = FINAL[[word for word, _ in FINAL].index("USER") :]
    assert not {"RUN", "COPY", "ADD"} & {word for word, _ in after}
    (health,) = of(FINAL, "HEALTHCHECK")
    assert "/livez" in health
    assert of(FINAL, "VOLUME") == ["/var/lib/waarmerk"]
    assert "XDG_DATA_HOME=/var/lib" in of(FINAL, "ENV")[0]
    assert of(FINAL, "STOPSIGNAL") == ["SIGTERM"]


def test_no_secret_and_no_file_of_the_checkout_that_is_not_needed_goes_in() -> None:
    words = " ".join(rest for stage in (BUILD, FINAL) for word, rest in stage if word in ("ENV", "ARG", "COPY", "ADD"))
    assert not re.search(r"(?i)passw|secret|token|api_key|private", words)
    rules = (ROOT / ".dockerignore").read_text("utf-8").split("\n")
    assert rules[1] == "*"  # all is left out ...
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    needed = {source for copy in of(BUILD, "COPY") for source in shlex.split(copy)[:-1]}
    assert let_in == needed  # ... but what is copied
    assert all((ROOT / each).exists() for each in needed)


def test_the_command_is_one_that_exists() -> None:
    for arguments in (yaml.safe_load(of(FINAL, "CMD")[0])[1:], SERVICES["waarmerk"]["command"][1:]):
        assert serve.make_context("serve", list(arguments)).params["host"] == "0.0.0.0"
    assert SERVICES["lists"]["command"] == ["trust", "update"]
    assert isinstance(trust, click.Group)
    assert "update" in trust.commands


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_container_has_rights_or_a_writable_root(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"} & set(service)
    assert not service["user"].startswith(("0", "root"))
    assert all("noexec" in each and "size=" in each for each in service["tmpfs"])
    for volume in service["volumes"]:
        assert volume.partition(":")[0] in COMPOSE["volumes"]  # a named one, never a folder of the host
    assert "unconfined" not in str(service["security_opt"])


def test_the_service_is_reached_through_a_proxy_alone_and_the_database_by_nobody_else() -> None:
    assert [port.rpartition(":")[0].partition(":")[0] for port in SERVICES["waarmerk"]["ports"]] == ["127.0.0.1"]
    assert "ports" not in SERVICES["database"]
    assert SERVICES["database"]["networks"] == ["back"]
    assert COMPOSE["networks"]["back"]["internal"] is True
    leading_out = COMPOSE["networks"]["front"]["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"]
    assert leading_out == "false"
    (front,) = COMPOSE["networks"]["front"]["ipam"]["config"]
    believed = serve.make_context("serve", SERVICES["waarmerk"]["command"][1:]).params["proxy"]
    assert believed == front["gateway"]
    assert SERVICES["waarmerk"]["user"] == UID
    assert any(each.startswith("/tmp:") for each in SERVICES["waarmerk"]["tmpfs"])


def test_secrets_come_from_files_that_are_not_in_the_project() -> None:
    files = {Path(each["file"]) for each in COMPOSE["secrets"].values()}
    assert {path.parts[0] for path in files} == {"secrets"}
    assert "/secrets/" in (ROOT / ".gitignore").read_text("utf-8").split()
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == set(COMPOSE["secrets"])
    for service in SERVICES.values():
        for key, value in service.get("environment", {}).items():
            if re.search(r"(?i)passw|secret|token|passfile", key):
                assert str(value).startswith("/run/secrets/"), key
            assert not re.search(r"://[^@/]*:[^@/]*@", str(value)), key  # no password in an address
