# SPDX-License-Identifier: Apache-2.0
"""Sign with a key that stays in a device: PKCS #11 (OASIS, version 2.40), named by a URI (RFC 7512).

``pkcs11:token=LABEL;object=LABEL?module-path=/path/to/module.so``. A PIN never stands in the URI: it is asked for.
Needs the extra ``pkcs11``.
"""

import hashlib
from dataclasses import dataclass
from types import TracebackType
from typing import Any, NoReturn, Self
from urllib.parse import unquote

from cryptography import x509

from waarmerk.provenance.credentials.signing_keys import (
    Algorithm,
    AskPassphrase,
    algorithm_of,
    key_id,
)
from waarmerk.provenance.errors import ConfigurationError, SigningError

SCHEME = "pkcs11:"
_PATH, _QUERY = frozenset({"token", "object", "id"}), frozenset({"module-path"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAddress:
    """Where a key lives."""

    module: str
    token: str
    label: str | None = None
    key: bytes | None = None

    @classmethod
    def parse(cls, uri: str) -> Self:
        """The address in a URI. Raises ConfigurationError for one that is incomplete, unknown or holds a PIN."""
        path, _, query = uri.removeprefix(SCHEME).partition("?")
        found: dict[str, str] = {}
        for text, separator, known in ((path, ";", _PATH), (query, "&", _QUERY)):
            for part in filter(None, text.split(separator)):
                name, _, value = part.partition("=")
                if name not in known or name in found:
                    reason = (
                        "a PIN is asked for, it never stands in a URI" if "pin" in name else f"unknown: {name[:20]}"
                    )
                    raise ConfigurationError("signing.token-address", f"pkcs11 URI: {reason}")
                found[name] = value
        if not {"token", "module-path"} <= found.keys() or not {"object", "id"} & found.keys():
            raise ConfigurationError(
                "signing.token-address", "a pkcs11 URI needs token, object or id, and module-path behind a ?"
            )
        label = unquote(found["object"]) if "object" in found else None
        key = unquote(found["id"], "latin-1").encode("latin-1") if "id" in found else None
        return cls(module=unquote(found["module-path"]), token=unquote(found["token"]), label=label, key=key)


class TokenSigner:
    """Signs with the key in a token. A context manager: the session ends with it."""

    __slots__ = ("_key", "_library", "_session", "algorithm", "chain")

    def __init__(self, address: TokenAddress, chain: tuple[x509.Certificate, ...], ask: AskPassphrase) -> None:
        """Raises ConfigurationError where module, token or key is not there or the PIN is refused."""
        self._library = _library()
        self.algorithm = algorithm_of(chain[0].public_key())
        self.chain = chain
        self._session: Any = None
        try:
            token = self._library.lib(address.module).get_token(token_label=address.token)
            self._session = token.open(user_pin=ask().reveal().decode())
            self._key = self._session.get_key(
                object_class=self._library.ObjectClass.PRIVATE_KEY, label=address.label, id=address.key
            )
        except (self._library.PKCS11Error, RuntimeError, OSError, UnicodeDecodeError) as fault:
            self.close()
            raise ConfigurationError("signing.token", f"the token cannot be used: {type(fault).__name__}") from None

    def sign(self, message: bytes) -> bytes:
        """The signature over ``message``: r||s, or EdDSA. Raises SigningError where the device refuses."""
        mechanism = self._library.Mechanism
        try:
            if self.algorithm is Algorithm.ED25519:
                return bytes(self._key.sign(message, mechanism=mechanism.EDDSA))
            return bytes(self._key.sign(hashlib.sha256(message).digest(), mechanism=mechanism.ECDSA))
        except self._library.PKCS11Error as fault:
            raise SigningError("signing.token", f"the token did not sign: {type(fault).__name__}") from None

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TokenSigner({key_id(self.chain[0])})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a signing key is not written down")


def _library() -> Any:
    try:
        import pkcs11  # noqa: PLC0415 - an extra

    except ImportError as fault:
        raise ConfigurationError(
            "signing.no-pkcs11", "keys in a token need the extra pkcs11: pip install 'waarmerk[pkcs11]'"
        ) from fault
    from pkcs11 import exceptions  # noqa: PLC0415

    return _Pkcs11(pkcs11, exceptions.PKCS11Error)


@dataclass(frozen=True, slots=True)
class _Pkcs11:
    """The names of the library that are used, in one place."""

    module: Any
    PKCS11Error: type[Exception]

    @property
    def lib(self) -> Any:
        return self.module.lib

    @property
    def Mechanism(self) -> Any:  # noqa: N802 - the library's own name
        return self.module.Mechanism

    @property
    def ObjectClass(self) -> Any:  # noqa: N802 - the library's own name
        return self.module.ObjectClass
