# SPDX-License-Identifier: Apache-2.0
"""The language of conditions: three values, no calls, nothing that can run.

``and or not``, ``== != < <= > >=``, ``in``, ``not in``, ``is True``, ``is False``, ``is not True``,
``is not False``, names, literals and tuples of literals. Python's own parser makes the tree, nothing ever executes
it: every node is either known here or refused. A comparison always holds one field against a literal.

The logic is Kleene's: None is unknown, ``false and unknown`` is false, ``true or unknown`` is true, a comparison
with an unknown value is unknown. ``x is True`` is never unknown; a rule uses it where the law itself settles the
doubt (an audience that may not see the art gets the full label).
"""

import ast
import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from waarmerk.provenance.labelling.fields import Field, Value, day_of, shown

MAX_CHARACTERS = 2_000
"""Longest condition; the longest of the shipped pack has 250. Measured before anything is parsed."""
MAX_DEPTH = 24
MAX_NODES = 400
"""After defines have been put in: a chain of defines that doubles each time stops here."""

Environment = Mapping[str, Value]


class ExpressionError(ValueError):
    """A condition that is refused; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One field held against a literal."""

    name: str
    test: Callable[[Value], bool] = field(compare=False)

    def evaluate(self, env: Environment) -> bool | None:
        """Three-valued result."""
        value = env[self.name]
        return None if value is None else self.test(value)

    def open_fields(self, env: Environment) -> frozenset[str]:
        """Fields whose value is missing for a result."""
        return frozenset((self.name,)) if env[self.name] is None else frozenset()

    def support(self, env: Environment) -> frozenset[str]:
        """Fields on which the result rests; an unknown value carries nothing."""
        return frozenset() if env[self.name] is None else frozenset((self.name,))


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    part: "Node"

    def evaluate(self, env: Environment) -> bool | None:
        """Three-valued result."""
        value = self.part.evaluate(env)
        return None if value is None else not value

    def open_fields(self, env: Environment) -> frozenset[str]:
        """Fields whose value is missing for a result."""
        return self.part.open_fields(env)

    def support(self, env: Environment) -> frozenset[str]:
        """Fields on which the result rests."""
        return self.part.support(env)


@dataclass(frozen=True, slots=True)
class Is:
    """Whether a part is certainly true, or certainly false: unknown counts as neither."""

    part: "Node"
    wanted: bool
    negated: bool

    def evaluate(self, env: Environment) -> bool | None:
        """Never unknown."""
        return (self.part.evaluate(env) is self.wanted) is not self.negated

    def open_fields(self, env: Environment) -> frozenset[str]:
        """Asks nothing: the rule has settled the doubt."""
        return frozenset()

    def support(self, env: Environment) -> frozenset[str]:
        """Fields on which the result rests; here an unknown one carries it too."""
        return self.part.support(env) | self.part.open_fields(env)


@dataclass(frozen=True, slots=True)
class Joined:
    """``and`` or ``or`` over several parts; ``decisive`` is the value that settles it (false for ``and``)."""

    parts: tuple["Node", ...]
    decisive: bool

    def evaluate(self, env: Environment) -> bool | None:
        """Three-valued result; stops at the first decisive part."""
        result: bool | None = not self.decisive
        for part in self.parts:
            value = part.evaluate(env)
            if value is self.decisive:
                return value
            if value is None:
                result = None
        return result

    def open_fields(self, env: Environment) -> frozenset[str]:
        """Fields of the parts that are still open; nothing once one part has settled it."""
        if self.evaluate(env) is not None:
            return frozenset()
        return _union(part.open_fields(env) for part in self.parts if part.evaluate(env) is None)

    def support(self, env: Environment) -> frozenset[str]:
        """Fields of the parts that made the result; of an open result everything that is settled in it."""
        result = self.evaluate(env)
        return _union(part.support(env) for part in self.parts if result is None or part.evaluate(env) is result)


Node = Leaf | Not | Is | Joined


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition that was read and found well-formed. ``names`` are all fields it can look at."""

    text: str
    root: Node
    names: frozenset[str]

    def evaluate(self, env: Environment) -> bool | None:
        """True, False, or None where the facts do not decide."""
        return self.root.evaluate(env)

    def open_fields(self, env: Environment) -> frozenset[str]:
        """The fields whose questions can still change the outcome; empty once it is decided."""
        return self.root.open_fields(env)

    def support(self, env: Environment) -> frozenset[str]:
        """The fields that made the outcome what it is."""
        return self.root.support(env)


def condition(text: str, fields: Mapping[str, Field], defines: Mapping[str, str]) -> Condition:
    """Read a condition over the given fields and defines. Raises ExpressionError with the reason."""
    reading = _Reading(fields, defines)
    root = reading.parse(text, depth=0)
    return Condition(text=text, root=root, names=frozenset(reading.seen))


class _Reading:
    """One pass over one condition, defines put in; counts what it builds."""

    def __init__(self, fields: Mapping[str, Field], defines: Mapping[str, str]) -> None:
        self._fields = fields
        self._defines = defines
        self._pending: list[str] = []
        self._nodes = 0
        self.seen: set[str] = set()

    def parse(self, text: str, depth: int) -> Node:
        if len(text) > MAX_CHARACTERS:
            raise ExpressionError(f"condition of {len(text)} characters, at most {MAX_CHARACTERS}")
        if not text.isascii() or "\\" in text:
            raise ExpressionError("condition with a backslash or a character outside ASCII")
        try:
            tree = ast.parse(text.strip(), mode="eval")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            raise ExpressionError(f"not a condition: {getattr(error, 'msg', 'too deeply nested')}") from error
        return self._node(tree.body, depth + 1)

    def _node(self, tree: ast.expr, depth: int) -> Node:
        self._nodes += 1
        if depth > MAX_DEPTH or self._nodes > MAX_NODES:
            raise ExpressionError(f"condition deeper than {MAX_DEPTH} or longer than {MAX_NODES} parts")
        if isinstance(tree, ast.BoolOp):
            parts = tuple(self._node(part, depth + 1) for part in tree.values)
            return Joined(parts, isinstance(tree.op, ast.Or))
        if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.Not):
            return Not(self._node(tree.operand, depth + 1))
        if isinstance(tree, ast.Name):
            return self._truth(tree.id, depth)
        if isinstance(tree, ast.Compare) and len(tree.ops) == 1:
            return self._compare(tree.left, tree.ops[0], tree.comparators[0], depth)
        raise ExpressionError(f"{_kind(tree)} is not part of the language")

    def _truth(self, name: str, depth: int) -> Node:
        """A bare name: a define, or a field that is true or false."""
        if name in self._defines:
            if name in self._pending:
                raise ExpressionError(f"define {name} leads back to itself: {' > '.join([*self._pending, name])}")
            self._pending.append(name)
            node = self.parse(self._defines[name], depth)
            self._pending.pop()
            return node
        if self._field(name).kind != "bool":
            raise ExpressionError(f"{name} is not true or false; hold it against a value")
        return Leaf(name, bool)

    def _field(self, name: str) -> Field:
        if name not in self._fields:
            raise ExpressionError(f"unknown name {shown(name)}")
        self.seen.add(name)
        return self._fields[name]

    def _compare(self, left: ast.expr, op: ast.cmpop, right: ast.expr, depth: int) -> Node:
        if isinstance(op, ast.Is | ast.IsNot):
            wanted = _literal(right)
            if not isinstance(left, ast.Name) or not isinstance(wanted, bool):
                raise ExpressionError("'is' goes between a name and True or False")
            return Is(self._truth(left.id, depth), wanted, isinstance(op, ast.IsNot))
        if isinstance(op, ast.In | ast.NotIn):
            return self._membership(left, right, negated=isinstance(op, ast.NotIn))
        if not isinstance(left, ast.Name):
            raise ExpressionError("a comparison starts with the name of a field")
        return self._ordering(self._field(left.id), op, _literal(right))

    def _membership(self, left: ast.expr, right: ast.expr, *, negated: bool) -> Node:
        if isinstance(left, ast.Name) and isinstance(right, ast.Tuple):
            known = self._field(left.id)
            if known.kind != "enum":
                raise ExpressionError(f"{known.name} has no list of values")
            allowed = frozenset(_accepted(known, _literal(part)) for part in right.elts)
            return Leaf(known.name, (lambda v: v not in allowed) if negated else (lambda v: v in allowed))
        if isinstance(left, ast.Constant) and isinstance(right, ast.Name):
            known = self._field(right.id)
            if known.kind not in ("codes", "terms"):
                raise ExpressionError(f"{known.name} is not a list")
            (code,) = _tuple(_accepted(known, [_literal(left)]))
            return Leaf(known.name, (lambda v: code not in _tuple(v)) if negated else (lambda v: code in _tuple(v)))
        raise ExpressionError("'in' goes between a field and a tuple of values, or a value and a list field")

    @staticmethod
    def _ordering(known: Field, op: ast.cmpop, literal: object) -> Node:
        compare = _OPERATORS.get(type(op))
        if compare is None:
            raise ExpressionError(f"{type(op).__name__} is not part of the language")
        if known.kind in ("bool", "codes", "terms"):
            raise ExpressionError(f"{known.name} is not compared; use the name itself, 'is' or 'in'")
        if known.kind == "enum" and not isinstance(op, ast.Eq | ast.NotEq):
            raise ExpressionError(f"the values of {known.name} have no order")
        value = _accepted(known, literal)
        return Leaf(known.name, lambda v: bool(compare(v, value)))


_OPERATORS: dict[type[ast.cmpop], Callable[[Any, Any], object]] = {  # both sides were accepted by the same field
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _literal(tree: ast.expr) -> object:
    if isinstance(tree, ast.Constant) and isinstance(tree.value, bool | int | float | str):
        return tree.value
    raise ExpressionError(f"{_kind(tree)} where a literal is due")


def _accepted(known: Field, literal: object) -> Value:
    if known.kind == "enum" and not isinstance(literal, str):
        raise ExpressionError(f"{known.name} is compared with texts, not {shown(literal)}")
    try:
        return day_of(str(literal)) if known.kind == "date" else known.accept(literal)
    except ValueError as error:
        raise ExpressionError(str(error)) from error


def _tuple(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _kind(tree: ast.expr) -> str:
    return type(tree).__name__
