# SPDX-License-Identifier: Apache-2.0
"""Webhooks: signed as the standard says, tried again, to public addresses alone, and to the one that was looked at."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509

from tests.conftest import Clock
from tests.loopback import over_tls
from waarmerk.api.postbox import NotPublic, Postbox, is_public
from waarmerk.api.tenants import Keyring
from waarmerk.api.webhooks import RETRIES, Webhooks, require_address, signature
from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.jobs.job import NewJob
from waarmerk.provenance.jobs.queue import Queue


@pytest.fixture
def hooks(keyring: Keyring, clock: Clock) -> Webhooks:
    keyring.create()
    return Webhooks(keyring._database, bytes(32), clock=clock)


@pytest.fixture
def queue(keyring: Keyring, hooks: Webhooks, clock: Clock) -> Queue:
    made = Queue(keyring._database, spool="x", clock=clock, over=hooks.note)
    made.create()
    return made


def end_a_job(queue: Queue, tenant: str, identity: bytes = b"1") -> str:
    wishes = {"at": "2026-11-21T12:00:00Z"}
    new = NewJob(tenant=tenant, identity=identity, file="0" * 32, bytes=1, wishes=wishes, keep=timedelta(days=1))
    job, _ = queue.submit(new)
    (leased,) = queue.lease("a")
    assert queue.finish("a", leased.number, result={})
    return job.id


def test_a_message_is_signed_as_the_standard_shows() -> None:
    """The example of the specification of Standard Webhooks."""
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_end_of_a_job_is_told_to_its_tenant_signed_with_its_secret(
    hooks: Webhooks, queue: Queue, clock: Clock
) -> None:
    target, secret = hooks.register("north", "https://hooks.example/x")
    hooks.register("south", "https://other.example/")
    job = end_a_job(queue, "north")
    (message,) = hooks.due()
    assert hooks.due() == []  # nobody else gets it meanwhile
    sent = []
    assert hooks.deliver(message, lambda url, body, headers: sent.append((url, body, headers)) or 204)
    ((url, body, headers),) = sent
    assert url == "https://hooks.example/x"
    assert json.loads(body)["data"] == {"id": job, "state": "done", "code": None}
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mark = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{mark}"
    clock.now += timedelta(days=9)
    assert hooks.due() == []
    assert target.id.startswith("wh_")


def test_a_job_of_a_stranger_is_told_to_nobody(hooks: Webhooks, queue: Queue) -> None:
    hooks.register("north", "https://hooks.example/x")
    end_a_job(queue, "")
    assert hooks.due() == []


def test_what_does_not_arrive_is_tried_again_ever_later_and_then_given_up(
    hooks: Webhooks, queue: Queue, clock: Clock
) -> None:
    def fails(url: str, body: bytes, headers: dict[str, str]) -> int:
        if len(waits) % 2:
            raise OSError("no route")
        return 503

    hooks.register("north", "https://hooks.example/x")
    end_a_job(queue, "north")
    waits, ids = [0.0], set()
    while hooks.waiting():
        (message,) = hooks.due()
        ids.add(message.id)
        assert not hooks.deliver(message, fails)
        for _, _, later in hooks.waiting():
            waits.append((later - clock.now).total_seconds())
            clock.now = later - timedelta(seconds=1)
            assert hooks.due() == []
            clock.now = later
    assert waits[1:] == list(RETRIES)
    assert len(ids) == 1


def test_a_target_that_says_gone_is_told_nothing_more(hooks: Webhooks, queue: Queue) -> None:
    hooks.register("north", "https://hooks.example/x")
    end_a_job(queue, "north")
    (message,) = hooks.due()
    assert not hooks.deliver(message, lambda url, body, headers: 410)
    assert hooks.waiting() == []
    assert hooks.targets()[0].ended_at is not None
    end_a_job(queue, "north", b"2")
    assert hooks.waiting() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://x.example/",
        "https://",
        "https://u:p@x.example/",
        "ftp://x",
        "https://x.example/#f",
        "https://x:99999/",
        "//x",
    ],
)
def test_only_a_plain_https_address_is_registered(url: str, hooks: Webhooks) -> None:
    with pytest.raises(ConfigurationError, match="https"):
        require_address(url)
    with pytest.raises(ConfigurationError, match="https"):
        hooks.register("north", url)


def test_nobody_but_a_known_tenant_has_a_webhook(hooks: Webhooks) -> None:
    with pytest.raises(ConfigurationError, match="no tenant"):
        hooks.register("west", "https://hooks.example/x")
    with pytest.raises(ConfigurationError, match="no webhook"):
        hooks.end("wh_none")


PRIVATE = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::1",
    "::",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::1",
    "2001:db8::1",
    "not an address",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_not_spoken_to(address: str) -> None:
    assert not is_public(address)
    for found in ([address], ["93.184.216.34", address], [address, "93.184.216.34"]):
        with pytest.raises(NotPublic):
            Postbox(look_up=lambda host, port, found=found: found)("https://hooks.example/x", b"", {})


def test_public_addresses_are_public() -> None:
    for address in ("93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"):
        assert is_public(address), address


class Receiver:
    """An https server for ``hooks.example`` that keeps what it is sent."""

    def __init__(self, folder: Path, answer: int) -> None:
        self.got: list[tuple[str, str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append((self.path, self.headers["host"], body))
                self.send_response(answer)
                self.send_header("Location", "https://127.0.0.1/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.authority = over_tls(self._server, folder, x509.DNSName("hooks.example"))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path, 302)
    yield made
    made.close()


def box(receiver: Receiver) -> Postbox:
    return Postbox(
        look_up=lambda host, port: ["127.0.0.1"], admits=lambda address: True, authorities=receiver.authority
    )


def test_it_is_sent_to_the_address_that_was_looked_at_under_the_name_it_has(receiver: Receiver) -> None:
    """No second look at the name, the certificate of the name all the same, and no redirect is followed."""
    url = f"https://hooks.example:{receiver.port}/a?b=c"
    assert box(receiver)(url, b"body", {"webhook-id": "msg_1"}) == 302
    assert receiver.got == [("/a?b=c", f"hooks.example:{receiver.port}", b"body")]


def test_a_certificate_for_another_name_is_no_delivery(receiver: Receiver) -> None:
    with pytest.raises(OSError, match="ConnectError"):
        box(receiver)(f"https://other.example:{receiver.port}/", b"body", {})
    assert receiver.got == []


def test_an_address_where_nobody_listens_is_an_error_of_the_system(receiver: Receiver) -> None:
    receiver.close()
    with pytest.raises(OSError, match="ConnectError"):
        box(receiver)(f"https://hooks.example:{receiver.port}/", b"body", {})
