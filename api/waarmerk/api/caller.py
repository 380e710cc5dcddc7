# SPDX-License-Identifier: Apache-2.0
"""Who sent a request, as everything behind the routes knows them."""

from dataclasses import dataclass
from typing import Any, Final

from waarmerk.api.tenants import Scope, Tenant
from waarmerk.provenance.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who sent a request: a tenant by one of its keys, or a stranger (``tenant`` None, no scopes)."""

    tenant: Tenant | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def name(self) -> str:
        """Under which name jobs and disputes of this caller stand: that of the tenant, empty for strangers."""
        return "" if self.tenant is None else self.tenant.name

    @property
    def is_stranger(self) -> bool:
        """Whether nobody vouches for this caller."""
        return self.tenant is None

    def profile(self, base: Settings) -> Settings:
        """The same as Settings, those of the service for a stranger. Raises ConfigurationError."""
        return base if self.tenant is None else self.tenant.profile(base)

    def settings(self, base: Settings) -> dict[str, Any] | None:
        """What this caller's files are examined with; None for those of the service. Raises ConfigurationError."""
        return None if self.tenant is None else self.tenant.profile(base).to_json()


STRANGER: Final = Caller()
