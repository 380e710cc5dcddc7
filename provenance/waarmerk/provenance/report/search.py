# SPDX-License-Identifier: Apache-2.0
"""Addresses with which a person can search for earlier copies of a picture that stands on the web already.

Only made from an address the user gives; nothing is fetched here, and a file on disk is never sent anywhere.
"""

from typing import Any
from urllib.parse import quote, urlsplit

_ENGINES = (
    ("Google Lens", "https://lens.google.com/uploadbyurl?url="),
    ("TinEye", "https://tineye.com/search?url="),
    ("Bing", "https://www.bing.com/images/search?view=detailv2&iss=sbi&q=imgurl:"),
    ("Yandex", "https://yandex.com/images/search?rpt=imageview&url="),
)
_MAX_ADDRESS = 2_000  # characters; browsers and engines cut longer ones


def search_links(address: str) -> tuple[tuple[str, str], ...]:
    """Name and address of each search. Raises ValueError where ``address`` is no plain public web address."""
    parts = urlsplit(address)
    host = parts.hostname or ""
    is_web = parts.scheme in ("http", "https") and "." in host and not host.endswith((".local", ".internal"))
    if not is_web or not address.isprintable() or len(address) > _MAX_ADDRESS:
        raise ValueError("not a public http or https address")
    if parts.username is not None or parts.password is not None or _is_number(host):
        raise ValueError("an address with a name, a password or a bare number is not passed on")
    return tuple((name, prefix + quote(address, safe="")) for name, prefix in _ENGINES)


def _is_number(host: str) -> bool:
    """Whether the host is an IP address, which may well be a private one."""
    return ":" in host or host.replace(".", "").isdigit()


def with_links(document: dict[str, Any], address: str) -> dict[str, Any]:
    """The report with one more step for each search. Raises ValueError as ``search_links`` does."""
    steps = [{"en": f"Search: {name}: {link}", "nl": f"Zoeken: {name}: {link}"} for name, link in search_links(address)]
    verdict = {**document["verdict"], "next_steps": [*document["verdict"]["next_steps"], *steps]}
    return {**document, "verdict": verdict}
