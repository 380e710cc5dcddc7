# SPDX-License-Identifier: Apache-2.0
"""A bounded GET for ``waarmerk trust update``; beside ``registry.online`` the one place that uses a network.

https only, to hosts on a list and no others, redirects included: a redirect is followed only if the host that sends
it and the host it names are both on the list. No proxy of the environment is used unless one is given, sizes and the
whole duration are bounded, and the answer is bytes: what they are worth is for the reader of lists to say.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from waarmerk.provenance.errors import TrustListError
from waarmerk.provenance.trust.store import MAX_LIST_BYTES

Fetch = Callable[[str], bytes]
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MAX_REDIRECTS = 3
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetcher:
    """GET over https. ``hosts`` are ``host`` or ``host:port``; ``proxy`` is ``host:port`` of a CONNECT proxy.

    ``seconds`` bounds each whole fetch, redirects included. ``context`` is for authorities beside the system's.
    """

    hosts: frozenset[str]
    seconds: float = 30.0
    max_bytes: int = MAX_LIST_BYTES
    proxy: str | None = None
    context: ssl.SSLContext | None = None

    def __call__(self, url: str) -> bytes:
        """The body of a 200 answer. Raises TrustListError that says what went wrong, and where."""
        with Deadline(self.seconds) as deadline:
            for _ in range(_MAX_REDIRECTS + 1):
                answer = self._ask(self._allowed(url), deadline)
                if isinstance(answer, bytes):
                    return answer
                url = _target(url, answer)
        raise TrustListError("trust.redirect", f"{url}: more than {_MAX_REDIRECTS} redirects")

    def _allowed(self, url: str) -> SplitResult:
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError as fault:
            raise TrustListError("trust.not-allowed", f"{url}: not an address") from fault
        if parts.scheme != "https":
            raise TrustListError("trust.not-allowed", f"{url}: https only")
        if parts.netloc.lower().removesuffix(":443") not in self.hosts:  # a user name before the host never matches
            raise TrustListError("trust.not-allowed", f"{url}: this host is not on the list of publishers")
        return parts

    def _ask(self, parts: SplitResult, deadline: "Deadline") -> bytes | str:
        """The body, or where a redirect points to."""
        connection = self._connection(parts)
        try:
            connection.connect()
            deadline.guard(connection.sock)
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("GET", path, headers={"Accept-Encoding": "identity", "User-Agent": "waarmerk"})
            with connection.getresponse() as response:
                if response.status in _REDIRECTS:
                    return response.getheader("Location") or ""
                if response.status != 200:
                    raise TrustListError("trust.unreachable", f"{parts.geturl()}: answers {response.status}")
                return self._body(response, parts.geturl(), deadline)
        except (OSError, http.client.HTTPException, UnicodeError) as fault:
            raise TrustListError("trust.unreachable", f"{parts.geturl()}: {_reason(fault, deadline)}") from fault
        finally:
            connection.close()

    def _connection(self, parts: SplitResult) -> http.client.HTTPSConnection:
        context = self.context or ssl.create_default_context()
        host, port = parts.hostname or "", parts.port or 443
        if self.proxy is None:
            return http.client.HTTPSConnection(host, port, timeout=self.seconds, context=context)
        through, _, proxy_port = self.proxy.rpartition(":")
        connection = http.client.HTTPSConnection(through, int(proxy_port), timeout=self.seconds, context=context)
        connection.set_tunnel(host, port)
        return connection

    def _body(self, response: http.client.HTTPResponse, url: str, deadline: "Deadline") -> bytes:
        """All of the body: a connection that ends early is an error, not a shorter list."""
        if (response.getheader("Content-Encoding") or "identity").lower() != "identity":
            raise TrustListError("trust.unreachable", f"{url}: answers in an encoding that was not asked for")
        stated = response.length
        if stated is None and not response.chunked:
            raise TrustListError("trust.unreachable", f"{url}: does not say how long its answer is")
        if stated is not None and stated > self.max_bytes:
            raise TrustListError("trust.too-large", f"{url}: {stated} bytes, larger than any list")
        body = b""
        while chunk := response.read(_CHUNK):
            body += chunk
            if len(body) > self.max_bytes:
                raise TrustListError("trust.too-large", f"{url}: larger than any list")
        deadline.require_time()  # a connection that was cut looks like one that ended
        if stated is not None and len(body) != stated:
            raise TrustListError("trust.unreachable", f"{url}: ended after {len(body)} of {stated} bytes")
        return body


class Deadline:
    """Closes the connection under way when the time is up: a server that drips keeps no reader waiting."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._strike)
        self._timer.daemon = True
        self._socket: socket.socket | None = None
        self.is_over = False

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def guard(self, connected: socket.socket) -> None:
        """This is what has to be closed; the connection itself lets go of it before the answer is read."""
        self._socket = connected
        self.require_time()

    def require_time(self) -> None:
        """Raise TimeoutError once the time is up."""
        if self.is_over:
            raise TimeoutError

    def _strike(self) -> None:
        self.is_over = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)  # wakes the reader; closing alone would not


def _target(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as fault:
        raise TrustListError("trust.not-allowed", f"{url}: redirects to something that is not an address") from fault


def _reason(fault: BaseException, deadline: Deadline) -> str:
    if deadline.is_over or isinstance(fault, TimeoutError):
        return "no complete answer in time"
    if isinstance(fault, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({fault.verify_message})"
    if isinstance(fault, OSError):
        return fault.strerror or type(fault).__name__
    return "the answer is no HTTP, or ended early"
