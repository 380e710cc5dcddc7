# SPDX-License-Identifier: Apache-2.0
"""The one place of the API that opens a connection: a bounded POST to a public address, for webhooks.

A name is resolved once; every address it has must be a public one, and the connection goes to one of those, whatever
the name resolves to a moment later. No redirect, no proxy of the environment, no body read back. Needs the extra `net`.
"""

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

_SECONDS = 10.0  # for each step: connecting, sending, the next bytes of the answer
_WHOLE_SECONDS = 30.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052: an IPv4 address, perhaps a private one, in IPv6 dress
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")  # RFC 8215

Resolve = Callable[[str, int], Sequence[str]]


class NotPublic(OSError):
    """The name has an address that is not a public one, or none."""


def resolve(host: str, port: int) -> Sequence[str]:
    """All addresses of ``host``. Raises OSError."""
    return sorted({str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})


def is_public(address: str) -> bool:
    """Whether an address belongs to the public internet: not ours, not a neighbour's, not a dress of one that is."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is not None:
            return is_public(str(inner))
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip in _NAT64_LOCAL:
            return False
    return ip.is_global and not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)


@dataclass(frozen=True, slots=True, kw_only=True)
class Postbox:
    """POST over https. ``look_up`` resolves names, ``admits`` says of an address whether it may be spoken to.

    ``authorities`` is a file of those to believe instead of the system's.
    """

    look_up: Resolve = resolve
    admits: Callable[[str], bool] = is_public
    authorities: Path | None = None

    def __call__(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the answer. Raises OSError, NotPublic."""
        import httpx  # noqa: PLC0415 - the extra `net`

        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        found = self.look_up(host, port)
        if not found or not all(self.admits(each) for each in found):
            raise NotPublic("not a public address")
        pinned = httpx.URL(url).copy_with(host=found[0])
        named = host if port == 443 else f"{host}:{port}"
        context = ssl.create_default_context(cafile=self.authorities)
        try:
            with (
                httpx.Client(verify=context, trust_env=False, timeout=_SECONDS, follow_redirects=False) as client,
                _closed_after(_WHOLE_SECONDS, client.close),
                client.stream(
                    "POST",
                    pinned,
                    content=body,
                    headers={**headers, "host": named, "user-agent": "waarmerk"},
                    extensions={"sni_hostname": host},
                ) as answer,
            ):
                return answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(type(error).__name__) from None


@contextmanager
def _closed_after(seconds: float, close: Callable[[], None]) -> Iterator[None]:
    """A server that drips its answer keeps nobody: after ``seconds`` its next byte finds the connection closed."""
    timer = threading.Timer(seconds, close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
