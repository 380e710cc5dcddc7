# SPDX-License-Identifier: Apache-2.0
"""Laws of the three-valued logic, for any condition and any facts."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from waarmerk.provenance.labelling.expressions import condition
from waarmerk.provenance.labelling.fields import Field

NAMES = ("a", "b", "c", "d")
FIELDS = {name: Field(name=name, group="context", kind="bool") for name in NAMES}
THREE = (True, False, None)

texts = st.recursive(
    st.sampled_from(NAMES),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda p: f"({p[0]} and {p[1]})"),
        st.tuples(inner, inner).map(lambda p: f"({p[0]} or {p[1]})"),
        inner.map(lambda p: f"(not {p})"),
    ),
    max_leaves=8,
)
settled = st.sampled_from([f"{name} is {word}" for name in NAMES for word in ("True", "not True", "False")])
facts = st.fixed_dictionaries({name: st.sampled_from(THREE) for name in NAMES})
Facts = dict[str, bool | None]


def value(text: str, env: Facts) -> bool | None:
    return condition(text, FIELDS, {}).evaluate(env)


@given(texts, texts, facts)
def test_de_morgan(left: str, right: str, env: Facts) -> None:
    assert value(f"not ({left} and {right})", env) is value(f"(not {left}) or (not {right})", env)
    assert value(f"not ({left} or {right})", env) is value(f"(not {left}) and (not {right})", env)


@given(texts, texts, texts, facts)
def test_lattice_laws(p: str, q: str, r: str, env: Facts) -> None:
    for inner, outer in (("and", "or"), ("or", "and")):
        assert value(f"{p} {inner} {q}", env) is value(f"{q} {inner} {p}", env)
        assert value(f"({p} {inner} {q}) {inner} {r}", env) is value(f"{p} {inner} ({q} {inner} {r})", env)
        assert value(f"{p} {inner} ({p} {outer} {q})", env) is value(p, env)
        assert value(f"{p} {inner} {p}", env) is value(p, env)
        distributed = f"({p} {inner} {q}) {outer} ({p} {inner} {r})"
        assert value(f"{p} {inner} ({q} {outer} {r})", env) is value(distributed, env)
    assert value(f"not (not {p})", env) is value(p, env)


def test_the_tables_are_kleenes() -> None:
    order = {False: 0, None: 1, True: 2}
    back = {rank: word for word, rank in order.items()}
    for left, right in product(THREE, THREE):
        env: Facts = {"a": left, "b": right, "c": None, "d": None}
        assert value("a and b", env) is back[min(order[left], order[right])]
        assert value("a or b", env) is back[max(order[left], order[right])]
        assert value("not a", env) is back[2 - order[left]]


@given(texts, facts, facts)
def test_more_knowledge_never_flips_what_is_decided(text: str, env: Facts, more: Facts) -> None:
    before = value(text, env)
    after = value(text, {name: more[name] if known is None else known for name, known in env.items()})
    assert before is None or after is before


@given(texts, facts)
def test_what_is_asked_is_unknown_and_what_is_decided_asks_nothing(text: str, env: Facts) -> None:
    made = condition(text, FIELDS, {})
    asked = made.open_fields(env)
    assert bool(asked) is (made.evaluate(env) is None)
    assert all(env[name] is None for name in asked)


@given(texts, facts)
def test_only_what_is_asked_can_settle_it(text: str, env: Facts) -> None:
    """Answering everything but the questions leaves it open; answering the questions decides it."""
    made = condition(text, FIELDS, {})
    asked = made.open_fields(env)
    for answers in product((True, False), repeat=len(NAMES)):
        given_all = dict(zip(NAMES, answers, strict=True))
        others = {n: given_all[n] if v is None and n not in asked else v for n, v in env.items()}
        assert made.evaluate(others) is made.evaluate(env)
        only_asked = {n: given_all[n] if n in asked else v for n, v in env.items()}
        assert made.evaluate(only_asked) is not None


@given(texts, settled, facts)
def test_the_support_carries_a_decision(text: str, certain: str, env: Facts) -> None:
    made = condition(f"{text} or {certain}", FIELDS, {})
    outcome = made.evaluate(env)
    if outcome is not None:
        support = made.support(env)
        assert made.evaluate({name: v if name in support else None for name, v in env.items()}) is outcome
