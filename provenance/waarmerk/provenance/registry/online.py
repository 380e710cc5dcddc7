# SPDX-License-Identifier: Apache-2.0
"""Ask somebody else's Soft Binding Resolution service (C2PA API 1.0.0 and 2.4.0) for a manifest. Only on request.

The service is a stranger, chosen by whoever runs the command: its host is resolved once, only global addresses are
connected to, no redirect and no ``endpoint`` elsewhere is followed, and time and bytes are bounded. What it gives is
bytes; what they are worth is found out in a confined process.
"""

import base64
import http.client
import ipaddress
import json
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from waarmerk.provenance.errors import ConfigurationError, StoreError
from waarmerk.provenance.trust.fetch import Deadline

Resolve = Callable[[str, int], Sequence[str]]
_CHUNK = 64 * 1024
_MAX_ANSWER, _MAX_MANIFEST = 2**20, 10 * 2**20
_MAX_NAME, _MOST_MATCHES = 512, 10
_MAX_QUERY = 2000  # characters of an address; longer values are posted


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One service. ``address`` is ``https://HOST[:PORT][/PATH]``; without a path its API is taken to stand at ``/v1``.

    ``seconds`` bounds each whole request. ``permits`` says which addresses may be connected to and ``resolve`` what a
    host is; ``context`` is for authorities beside the system's. Tests put a server of their own in their place.
    """

    address: str
    seconds: float = 5.0
    resolve: Resolve = resolve
    permits: Callable[[str], bool] = lambda address: ipaddress.ip_address(address).is_global
    context: ssl.SSLContext | None = None

    def require_address(self) -> None:
        """Raise ConfigurationError (``online.address``) unless ``address`` is one; nobody is asked."""
        self._place()

    def supported(self) -> frozenset[str]:
        """The names of the algorithms that it answers for. Raises as ``by_binding``."""
        answer = self._json("GET", "/services/supportedAlgorithms")
        groups = [answer.get(name) for name in ("watermarks", "fingerprints")]
        listed = [each for group in groups if isinstance(group, list) for each in group if isinstance(each, dict)]
        return frozenset(each["alg"] for each in listed if isinstance(each.get("alg"), str))

    def by_binding(self, alg: str, value: bytes) -> tuple[str, ...]:
        """The names of the manifests for a soft binding, the best first.

        Raises ConfigurationError (``online.address``) for an address that is none, StoreError: ``online.not-global``,
        ``online.unreachable``, ``online.answer``, ``online.too-large``.
        """
        asked = {"alg": alg, "value": base64.b64encode(value).decode()}
        query = urlencode({**asked, "maxResults": _MOST_MATCHES})
        if len(query) <= _MAX_QUERY:
            return _named(self._json("GET", f"/matches/byBinding?{query}"))
        body = json.dumps(asked).encode()
        return _named(self._json("POST", f"/matches/byBinding?maxResults={_MOST_MATCHES}", body, "application/json"))

    def by_content(self, data: bytes, media_type: str) -> tuple[str, ...]:
        """The names of the manifests for a file, which is sent whole. Raises as ``by_binding``."""
        return _named(self._json("POST", f"/matches/byContent?maxResults={_MOST_MATCHES}", data, media_type))

    def manifest(self, name: str) -> bytes:
        """The manifest store of that name. Raises as ``by_binding``."""
        return self._ask("GET", f"/manifests/{quote(name, safe='')}", accept="application/c2pa", most=_MAX_MANIFEST)

    def _json(self, method: str, path: str, body: bytes | None = None, kind: str | None = None) -> dict[str, Any]:
        data = self._ask(method, path, body, kind, accept="application/json", most=_MAX_ANSWER)
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise StoreError("online.answer", "the service did not answer in JSON") from error
        if not isinstance(answer, dict):
            raise StoreError("online.answer", "the service answered something else than its interface says")
        return answer

    def _ask(
        self, method: str, path: str, body: bytes | None = None, kind: str | None = None, *, accept: str, most: int
    ) -> bytes:
        host, port, base = self._place()
        headers = {"Accept": accept, "Accept-Encoding": "identity", "User-Agent": "waarmerk"}
        if kind is not None:
            headers["Content-Type"] = kind
        with Deadline(self.seconds) as deadline:
            try:
                connection = _Pinned(host, port, self._reached(host, port), self.seconds, self.context)
                try:
                    connection.connect()
                    deadline.guard(connection.sock)
                    connection.request(method, base + path, body=body, headers=headers)
                    with connection.getresponse() as response:
                        return _body(response, most, deadline)
                finally:
                    connection.close()
            except (OSError, http.client.HTTPException, UnicodeError) as error:
                raise StoreError("online.unreachable", f"{host} gave no complete answer in time") from error

    def _place(self) -> tuple[str, int, str]:
        try:
            parts = urlsplit(self.address)
            host, port = parts.hostname or "", parts.port or 443
        except ValueError as error:
            raise ConfigurationError("online.address", "this is no address of a service") from error
        if parts.scheme != "https" or not host or parts.username or parts.query or parts.fragment:
            raise ConfigurationError("online.address", "a service is named as https://HOST/PATH")
        return host, port, parts.path.rstrip("/") or "/v1"

    def _reached(self, host: str, port: int) -> str:
        """The one address that is connected to: looked up once, so that it cannot change between look and use."""
        found = self.resolve(host, port)
        if not found:
            raise StoreError("online.unreachable", f"{host} has no address")
        if not all(self.permits(address) for address in found):
            raise StoreError("online.not-global", f"{host} lies in a network that is not asked")
        return found[0]


class _Pinned(http.client.HTTPSConnection):
    """A connection to one address, in the name of a host."""

    def __init__(self, host: str, port: int, address: str, seconds: float, context: ssl.SSLContext | None) -> None:
        self._with = context or ssl.create_default_context()
        self._to = (address, port)
        super().__init__(host, port, timeout=seconds, context=self._with)

    def connect(self) -> None:
        """Connect to the address that was looked at; the certificate is the host's."""
        plain = socket.create_connection(self._to, timeout=self.timeout)
        try:
            self.sock = self._with.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _body(response: http.client.HTTPResponse, most: int, deadline: Deadline) -> bytes:
    if response.status != 200:
        raise StoreError("online.answer", f"the service answers {response.status}")
    if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
        raise StoreError("online.answer", "the service answers in an encoding that was not asked for")
    stated = response.length
    body = b""
    while len(body) <= most and (chunk := response.read(_CHUNK)):
        body += chunk
    deadline.require_time()
    if len(body) > most:
        raise StoreError("online.too-large", f"the service sends more than {most} bytes")
    if stated is not None and len(body) != stated:
        raise StoreError("online.unreachable", "the service ended in the middle of its answer")
    return body


def _named(answer: dict[str, Any]) -> tuple[str, ...]:
    """The names in an answer; those that are to be had elsewhere are left out: nobody asked for that place."""
    matches = answer.get("matches", [])
    if not isinstance(matches, list):
        raise StoreError("online.answer", "the service answered something else than its interface says")
    found = []
    for each in matches[:_MOST_MATCHES]:
        name = each.get("manifestId") if isinstance(each, dict) else None
        if isinstance(name, str) and 0 < len(name) <= _MAX_NAME and name.isprintable() and not each.get("endpoint"):
            found.append(name)
    return tuple(dict.fromkeys(found))
