# SPDX-License-Identifier: Apache-2.0
"""Signals of others: whole and signed or nothing, in quarantine until accepted, never older than what is held."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.registry.test_store import TIES, entry
from waarmerk.provenance.errors import StoreError
from waarmerk.provenance.model import Origin
from waarmerk.provenance.registry import exchange, package
from waarmerk.provenance.registry.exchange import Standing
from waarmerk.provenance.registry.model import Basis, Binding, BindingKind, Entry, State
from waarmerk.provenance.registry.signals import Signals
from waarmerk.provenance.registry.store import Store

AT = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@dataclass
class Sender:
    """Another registry, and the key its packages are signed with."""

    folder: Path
    key: ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey = field(default_factory=lambda: KEY)
    name: str = "Desk A"

    def __post_init__(self) -> None:
        self.store = Store(str(self.folder / "theirs.sqlite"), writing=True)
        self.store.create()

    @property
    def public_key(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.DER, form)

    def sign(self, message: bytes) -> bytes:
        if isinstance(self.key, ed25519.Ed25519PrivateKey):
            return self.key.sign(message)
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))

    def add(self, made: Entry, ties: tuple[Binding, ...] = TIES) -> int:
        return self.store.add(replace(made, published=True), ties).number

    def send(self, *, at: datetime = AT) -> bytes:
        is_edwards = isinstance(self.key, ed25519.Ed25519PrivateKey)
        data, _, _ = exchange.export(
            self.store,
            name=self.name,
            public_key=self.public_key,
            algorithm="Ed25519" if is_edwards else "ES256",
            sign=self.sign,
            at=at,
        )
        exchange.exported(self.store, package.read(data), at=at)
        return data

    def signed(self, change: Callable[[dict[str, Any]], object], data: bytes | None = None) -> bytes:
        """A package with something changed in it, and signed all the same."""
        body = json.loads(data or self.send())
        body.pop("signature")
        change(body)
        return package.written(body, algorithm="Ed25519", sign=self.sign)


@pytest.fixture
def sender(tmp_path: Path) -> Sender:
    made = Sender(tmp_path)
    made.add(entry(1))
    made.add(replace(entry(2), labels=("satire",)))
    return made


def taken(store: Store, data: bytes, *, at: datetime = AT, accept: bool = False) -> exchange.Taken:
    return exchange.take(store, package.read(data), at=at, accept=accept)


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StoreError) as caught:
        call()
    return caught.value.code


@pytest.mark.parametrize("key", [KEY, ec.generate_private_key(ec.SECP256R1())], ids=["Ed25519", "ES256"])
def test_what_is_published_leaves_and_nothing_that_shows_or_names(tmp_path: Path, key: Any) -> None:
    sender = Sender(tmp_path, key=key)
    local = Binding(kind=BindingKind.LOCAL, value=bytes(range(16)))
    secret = replace(entry(1), source="Piet Jansen", keep_until="2027-01-01T00:00:00Z")
    sender.add(replace(secret, reference=sender.store.files.put(b"a picture")), (*TIES, local))
    sender.store.add(entry(2), TIES)
    data = sender.send()
    read = package.read(data)
    assert [item.entry.foreign_id for item in read.items] == ["r1"], "the other one is not published"
    (item,) = json.loads(data)["items"]
    assert item == {
        "id": "r1",
        "sha256": (1).to_bytes(32).hex(),
        "media_type": "image/jpeg",
        "width": 800,
        "height": 600,
        "origin": "ai-generated",
        "labels": ["ai-generated", "satire"],
        "fact_checks": ["https://check.example/1"],
        "role": "item",
        "basis": "entered",
        "state": "active",
        "added": "2026-11-22",
        "hashes": {"phash": b"abcdefgh".hex()},
        "marks": [{"key_id": "0011", "payload": b"payload8".hex()}],
    }
    for hidden in (b"Jansen", local.value.hex().encode(), b"picture"):
        assert hidden not in data
    assert read.key_id == package.key_id_of(sender.public_key)
    assert package.read(sender.send()).sequence == read.sequence + 1


def test_the_same_content_has_one_spelling(sender: Sender) -> None:
    body = json.loads(sender.send())
    spelled = package.read(sender.signed(lambda _: None, json.dumps(body).encode()))
    assert spelled.sequence == body["sequence"]
    for odd in (json.dumps(body, indent=1), json.dumps(body, sort_keys=False), json.dumps(body) + "\n\n"):
        assert code_of(lambda odd=odd: package.read(odd.encode())) == "exchange.malformed"


def test_a_changed_byte_is_not_taken(sender: Sender) -> None:
    data = sender.send()
    for at in range(0, len(data) - 1, 7):
        broken = bytearray(data)
        broken[at] ^= 1
        assert code_of(lambda broken=broken: package.read(bytes(broken))).startswith("exchange.")
    body = json.loads(data)
    other = base64.b64encode(Sender(sender.folder, key=ed25519.Ed25519PrivateKey.generate()).public_key).decode()
    body["issuer"]["public_key"] = other
    forged = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    assert code_of(lambda: package.read(forged)) == "exchange.signature"


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(max_size=9), st.lists, max_leaves=9).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_bytes_make_the_reader_raise_anything_else(data: bytes) -> None:
    with pytest.raises(StoreError):
        package.read(data)


WRONG: dict[str, Callable[[dict[str, Any]], object]] = {
    "a later format": lambda body: body.update(format="waarmerk.signals/2"),
    "an unknown key": lambda body: body["items"][0].update(picture="AAAA"),
    "no number": lambda body: body.update(sequence=0),
    "a number that is none": lambda body: body.update(sequence=True),
    "a label with a space": lambda body: body["items"][0].update(labels=["made with AI"]),
    "an address of a file": lambda body: body["items"][0].update(fact_checks=["file:///etc/passwd"]),
    "a name over two lines": lambda body: body["issuer"].update(name="Desk\nA"),
    "a short digest": lambda body: body["items"][0].update(sha256="00"),
    "a short hash": lambda body: body["items"][0].update(hashes={"phash": "00"}),
    "hashes of parts": lambda body: body["items"][0].update(hashes={"local": "00" * 16}),
    "many marks": lambda body: body["items"][0].update(marks=body["items"][0]["marks"] * 9),
    "a state of nobody": lambda body: body["items"][0].update(state="proven"),
    "one item twice": lambda body: body.update(items=body["items"] * 2),
    "an item that is withdrawn": lambda body: body.update(withdrawn=["r1"]),
    "no time": lambda body: body.update(issued_at="yesterday"),
    "issued here": lambda body: body["items"][0].update(basis="proven"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_the_format_does_not_say_is_not_taken(sender: Sender, wrong: str) -> None:
    assert code_of(lambda: package.read(sender.signed(WRONG[wrong]))) == "exchange.malformed"


def test_a_stranger_finds_nothing_until_somebody_accepts(store: Store, sender: Sender) -> None:
    digest = (1).to_bytes(32)
    result = taken(store, sender.send())
    assert (result.added, result.issuer.standing, result.issuer.items) == (2, Standing.QUARANTINED, 2)
    assert store.of_file(digest) is None
    signals = Signals(store)
    assert signals.near(TIES) == ()
    key_id = result.issuer.key_id
    assert exchange.judge(store, key_id, Standing.ACCEPTED) == ()
    found = store.of_file(digest)
    assert found is not None
    assert (found.basis, found.source, found.labels) == (Basis.PACKAGE, "Desk A (entered)", ("ai-generated", "satire"))
    assert [(each.foreign_id, apart) for each, apart in signals.near(TIES)] == [("r1", 0), ("r2", 0)]
    assert store.of_mark("0011", b"payload8") == (), "what others say of our marks leads nowhere"
    assert store.bindings(BindingKind.PHASH, after=0) == [], "and takes no place in the search of our own"

    own = store.add(entry(1), TIES)
    assert store.of_file(digest) == own, "our own word first"
    assert exchange.judge(store, "00" * 16, Standing.ACCEPTED) is None
    assert exchange.judge(store, key_id, Standing.QUARANTINED) == ()
    assert signals.near(TIES) == ()

    assert store.remove(exchange.judge(store, key_id, Standing.REFUSED) or (), at=AT) == 2
    assert [one.number for one in store.entries()] == [own.number]
    assert code_of(lambda: taken(store, sender.send())) == "exchange.refused"
    assert code_of(lambda: taken(store, sender.send(), accept=True)) == "exchange.refused"


def test_replays_rollbacks_and_forks_are_refused(store: Store, sender: Sender) -> None:
    first, second = sender.send(at=AT - HOUR), sender.send()
    taken(store, second, accept=True)
    before = store.entries()
    assert code_of(lambda: taken(store, second)) == "exchange.replayed"
    assert code_of(lambda: taken(store, first)) == "exchange.rolled-back"
    fork = sender.signed(lambda body: body["items"].pop(), second)
    assert code_of(lambda: taken(store, fork)) == "exchange.forked"
    backdated = sender.signed(lambda body: body.update(sequence=9, issued_at="2026-11-01T00:00:00Z"), second)
    assert code_of(lambda: taken(store, backdated)) == "exchange.rolled-back"
    ahead = sender.signed(lambda body: body.update(sequence=2**52, issued_at="2026-11-24T12:00:00Z"), second)
    assert code_of(lambda: taken(store, ahead)) == "exchange.future"
    assert store.entries() == before
    assert taken(store, sender.send(at=AT + HOUR)).issuer.standing is Standing.ACCEPTED


def test_what_is_told_no_more_stops_counting_and_its_history_stays(store: Store, sender: Sender) -> None:
    taken(store, sender.send(), accept=True)
    sender.store.mark(1, State.WITHDRAWN, why="wrong", at=AT)
    sender.store.mark(2, State.DISPUTED, why="asked", at=AT)
    result = taken(store, sender.send(at=AT + HOUR))
    assert (result.withdrawn, result.changed, result.added) == (1, 1, 0)
    first, second = store.entries()
    assert (first.state, second.state) == (State.WITHDRAWN, State.DISPUTED)
    assert store.of_file(first.sha256) is None
    assert [note[1:] for note in store.notes() if note[0] == first.number] == [
        ("added", "2026-11-22T12:00:00Z", None),
        ("withdrawn", "2026-11-22T12:00:00Z", "issuer"),
    ]
    sender.store.mark(1, State.ACTIVE, why="right after all", at=AT)
    sender.store.mark(2, State.ACTIVE, why="settled", at=AT)
    assert taken(store, sender.send(at=AT + 2 * HOUR)).changed == 2
    assert [one.state for one in store.entries()] == [State.ACTIVE] * 2


def test_what_somebody_here_disputes_no_package_brings_back(store: Store, sender: Sender) -> None:
    taken(store, sender.send(), accept=True)
    number = store.entries()[0].number
    store.mark(number, State.DISPUTED, why="shown wrong here", at=AT)
    assert taken(store, sender.send(at=AT + HOUR)).same == 2
    assert store.held(number) is not None
    assert store.entries()[0].state is State.DISPUTED
    store.mark(number, State.ACTIVE, why="settled", at=AT)
    sender.store.mark(1, State.WITHDRAWN, why="wrong", at=AT)
    assert taken(store, sender.send(at=AT + 2 * HOUR)).withdrawn == 1


def test_nothing_of_others_is_passed_on(store: Store, sender: Sender, tmp_path: Path) -> None:
    taken(store, sender.send(), accept=True)
    store.add(replace(entry(5), published=True), TIES)
    data, items, kept = exchange.export(
        store, name="Desk B", public_key=sender.public_key, algorithm="Ed25519", sign=sender.sign, at=AT
    )
    assert (items, kept) == (1, 0)
    assert [item.entry.sha256 for item in package.read(data).items] == [(5).to_bytes(32)]


def test_a_capture_of_others_is_held_as_that_and_moves_nothing(store: Store, tmp_path: Path) -> None:
    sender = Sender(tmp_path)
    sender.add(replace(entry(1), origin=Origin.CAPTURED))
    taken(store, sender.send(), accept=True)
    found = store.of_file((1).to_bytes(32))
    assert found is not None
    assert found.issuer is not None


def test_what_no_package_can_carry_is_named_before_one_is_made(sender: Sender) -> None:
    """It was signed, could not be read back, and was said to be no package: no export came out any more."""
    number = sender.add(replace(entry(7), labels=("zeg het",)))
    with pytest.raises(StoreError, match=f"r{number}") as told:
        sender.send()
    assert told.value.code == "exchange.unfit"
    sender.store.mark(number, State.WITHDRAWN, why="wrong", at=AT)
    assert f"r{number}" in package.read(sender.send()).withdrawn


def test_what_a_refusal_erased_is_taken_again_once_the_issuer_is_accepted(store: Store, sender: Sender) -> None:
    data = sender.send()
    first = taken(store, data, accept=True)
    key_id = first.issuer.key_id
    store.remove(exchange.judge(store, key_id, Standing.REFUSED) or (), at=AT)
    assert code_of(lambda: taken(store, data)) == "exchange.refused"
    exchange.judge(store, key_id, Standing.ACCEPTED)
    assert taken(store, data).added == first.added
    assert code_of(lambda: taken(store, data)) == "exchange.replayed"


@pytest.mark.parametrize("why", ["asked", "issuer"])
def test_what_is_decided_here_stands_whatever_reason_is_given(store: Store, sender: Sender, why: str) -> None:
    """With the word that stands for the issuer's own decisions as its reason it was undone by the next package."""
    taken(store, sender.send(), accept=True)
    number = next(each.number for each in store.entries() if each.foreign_id == "r1")
    store.mark(number, State.WITHDRAWN, why=why, at=AT)
    taken(store, sender.send(at=AT + HOUR))
    assert store.entry(number) is None
