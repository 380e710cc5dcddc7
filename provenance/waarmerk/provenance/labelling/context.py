# SPDX-License-Identifier: Apache-2.0
"""What a file cannot tell: role, audience, country, date. Supplied by people, never guessed; unknown is a value."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from waarmerk.provenance.errors import ConfigurationError
from waarmerk.provenance.labelling.fields import ASSUMED, DERIVED, ORIGINS, Field, Value, shown

EU_COUNTRIES = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
"""The member states, ISO 3166-1 (Greece is GR)."""

STATED_EVIDENCE = ("decl", "forensic", "fc_match")
"""Evidence that a person or the platform states; all other evidence comes from the file or the registry."""

_TYPED = re.compile(r"(?P<field>[a-z_]+)(@(?P<by>[a-z]+))?=(?P<value>.*)\Z", re.DOTALL)


class FactError(ConfigurationError):
    """A fact that was given wrongly; the text says which and why."""

    def __init__(self, reason: str) -> None:
        super().__init__("labelling.fact-refused", reason)

    def __reduce__(self) -> tuple[type["FactError"], tuple[str]]:  # type: ignore[override]
        return type(self), (self.message,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One fact, its value and who gives it: one of ``ORIGINS``, or ``ASSUMED`` or ``DERIVED`` where nobody did."""

    field: str
    value: Value
    origin: str

    def __post_init__(self) -> None:
        if self.origin not in (*ORIGINS, ASSUMED, DERIVED):
            raise FactError(f"{self.field}: given by {shown(self.origin)}; it is one of {', '.join(ORIGINS)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The facts that were given, sorted by field. What is not in it holds the dictionary's ``absent``."""

    given: tuple[Given, ...] = ()

    def __post_init__(self) -> None:
        names = [fact.field for fact in self.given]
        if names != sorted(set(names)):
            raise ValueError("facts are sorted by field, each once")

    def get(self, name: str) -> Given | None:
        """The fact of that name if it was given."""
        return next((fact for fact in self.given if fact.field == name), None)

    def with_facts(self, *facts: Given) -> "Context":
        """The same context with these facts in place of earlier ones."""
        merged = {fact.field: fact for fact in (*self.given, *facts)}
        return Context(given=tuple(merged[name] for name in sorted(merged)))


def widened(codes: tuple[str, ...]) -> tuple[str, ...]:
    """Country codes with what they lie in: a member state implies EU, US-CA implies US."""
    wide = set(codes)
    wide.update(code.partition("-")[0] for code in codes)
    if wide & EU_COUNTRIES:
        wide.add("EU")
    return tuple(sorted(wide))


def fact(name: str, raw: object, fields: Mapping[str, Field], *, origin: str | None = None) -> Given:
    """One context fact from plain data; ``{value: …, by: reviewer}`` names who says so.

    Raises FactError for a name that is no fact a person may give, or a value outside its range.
    """
    known = fields.get(name)
    if known is None or (known.group != "context" and name not in STATED_EVIDENCE):
        if known:
            raise FactError(f"{shown(name)} is found by examining, not given; see 'waarmerk rules list --fields'")
        raise FactError(f"{shown(name)} is no fact that a rule knows; see 'waarmerk rules list --fields'")
    if isinstance(raw, Mapping):
        if set(raw) != {"value", "by"}:
            raise FactError(f"{name}: a fact with its origin has the keys value and by")
        origin, raw = str(raw["by"]), raw["value"]
    try:
        value = known.accept(raw)
    except ValueError as error:
        raise FactError(str(error)) from error
    return Given(field=name, value=value, origin=origin or known.known_by[0])


def context_of(facts: Mapping[str, object], fields: Mapping[str, Field]) -> Context:
    """A context from plain data (a mapping of field to value)."""
    return Context().with_facts(*(fact(name, raw, fields) for name, raw in facts.items()))


def read_context(
    arguments: Iterable[str], fields: Mapping[str, Field], read: Callable[[str], Mapping[str, object]]
) -> Context:
    """The context of ``--context FILE|k=v`` arguments, later ones over earlier ones.

    ``field=value`` or ``field@reviewer=value`` gives one fact; anything else is a file, which ``read`` turns into
    a mapping. Raises FactError.
    """
    context = Context()
    for argument in arguments:
        match = _TYPED.match(argument)
        if match is None:
            context = context.with_facts(*context_of(read(argument), fields).given)
            continue
        name = match["field"]
        known = fields.get(name)
        try:
            raw = known.read(match["value"]) if known else None
        except ValueError as error:
            raise FactError(str(error)) from error
        context = context.with_facts(fact(name, raw, fields, origin=match["by"]))
    return context
