"""Passkeys: for this host, from its own pages, by a device that knows its person, and once."""

import base64
import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from avenue.accounts.errors import SecondFactorRequired, TooManyPasskeys, WrongPasskey
from avenue.accounts.models import Challenge, Proof, RelyingParty, User
from avenue.accounts.passkeys import Passkeys
from avenue.errors import TooManyRequests
from avenue.identity import Role
from avenue.sealing import Sealing
from tests.unit.accounts.memory import (
    MOST_PASSKEYS,
    Clock,
    MemoryStore,
    MinuteCounter,
    PlainPasswords,
    accounts_of,
    callers_of,
    factors_of,
)
from tests.unit.accounts.test_service import ADDRESS, ANA, GOOD, HERE

SHOP = RelyingParty(host="shop.test", name="Zapatos", origins=("https://shop.test",))
ELSEWHERE = RelyingParty(host="other.test", name="Other", origins=("https://other.test",))
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Device:
    """A security key with one passkey, which says whatever it is told to."""

    def __init__(self, *, origin: str = "https://shop.test", host: str = "shop.test") -> None:
        self.key, self.id = ec.generate_private_key(ec.SECP256R1()), os.urandom(32)
        self.origin, self.host = origin, host
        self.flags, self.count, self.user = PRESENT | VERIFIED, 0, b""

    def create(self, challenge: Challenge) -> str:
        options = json.loads(challenge.options)
        self.user = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (numbers.x, numbers.y))
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        own = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(self.flags | ATTESTED) + own
        return self._credential(
            clientDataJSON=self._client("webauthn.create", options),
            attestationObject=cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data}),
        )

    def get(self, challenge: Challenge) -> str:
        client = self._client("webauthn.get", json.loads(challenge.options))
        data = self._data(self.flags)
        signed = data + hashlib.sha256(client).digest()
        return self._credential(
            clientDataJSON=client,
            authenticatorData=data,
            signature=self.key.sign(signed, ec.ECDSA(SHA256())),
            userHandle=self.user,
        )

    def _client(self, kind: str, options: dict[str, str]) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin}
        return json.dumps(said).encode()

    def _data(self, flags: int) -> bytes:
        host = hashlib.sha256(self.host.encode()).digest()
        return host + bytes([flags]) + self.count.to_bytes(4, "big")

    def _credential(self, **response: bytes) -> str:
        told = {name: encoded(each) for name, each in response.items()}
        own = encoded(self.id)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": told})


class Deployment:
    def __init__(self) -> None:
        self.store, self.tries, self.clock = MemoryStore(), MinuteCounter(), Clock()
        around = (self.store, PlainPasswords(), self.tries, self.clock)
        self.accounts, self.factors = accounts_of(*around), factors_of(*around)
        self.callers = callers_of(self.store, self.clock)
        sealing = Sealing("k" * 40)
        self.passkeys = Passkeys(
            self.store, self.store, self.tries, sealing, tries_per_minute=10, now=self.clock
        )
        self.accounts.add_user(ANA, GOOD, roles={HERE.id: Role.SELLER})

    @property
    def ana(self) -> User:
        return self.accounts.user_named(ANA)

    def add(self, device: Device, party: RelyingParty = SHOP) -> list[str]:
        challenge = self.passkeys.creation(self.ana, party)
        made = device.create(challenge)
        return self.passkeys.add(self.ana, party, challenge.sealed, made, name="Teléfono")

    def sign_in(self, device: Device, party: RelyingParty = SHOP) -> User:
        self.clock.pass_(seconds=1)
        challenge = self.passkeys.request(party)
        return self.check(challenge, device.get(challenge), party)

    def check(self, challenge: Challenge, answer: str, party: RelyingParty = SHOP) -> User:
        return self.passkeys.check(party, challenge.sealed, answer, address=ADDRESS)


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


@pytest.fixture
def device(deployment: Deployment) -> Device:
    device = Device()
    deployment.add(device)
    return device


def test_a_passkey_signs_in_and_is_a_second_factor(deployment: Deployment) -> None:
    phone, key = Device(), Device()
    session = deployment.accounts.begin_session(deployment.ana, HERE)
    token = deployment.accounts.sign_in_for_token(HERE, ANA, GOOD, address=ADDRESS)[1].secret
    codes = deployment.add(phone)
    assert deployment.callers.by_token(HERE, token) is None
    assert len(codes) == 10
    assert deployment.callers.by_session(HERE, deployment.ana.id, session) is None
    assert deployment.add(key) == []
    assert deployment.sign_in(phone).id == deployment.sign_in(key).id == deployment.ana.id
    with pytest.raises(SecondFactorRequired):
        deployment.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS)
    deployment.accounts.sign_in(
        HERE, ANA, GOOD, address=ADDRESS, proof=Proof(recovery_code=codes[0])
    )
    deployment.passkeys.remove(deployment.ana, deployment.ana.passkeys[0].id)
    with pytest.raises(WrongPasskey):
        deployment.sign_in(phone)
    deployment.sign_in(key)
    deployment.factors.turn_off(deployment.ana, Proof(password=GOOD), address=ADDRESS)
    assert deployment.ana.passkeys == ()
    with pytest.raises(WrongPasskey):
        deployment.sign_in(key)
    deployment.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS)


def lies(**how: object) -> Callable[[Device], None]:
    def tell(device: Device) -> None:
        for name, value in how.items():
            setattr(device, name, value)

    return tell


LIES = {
    "another origin": lies(origin="https://shop.test.evil.example"),
    "http": lies(origin="http://shop.test"),
    "a host below": lies(origin="https://www.shop.test"),
    "another host": lies(host="evil.example"),
    "nobody verified": lies(flags=PRESENT),
    "nobody present": lies(flags=0),
}


@pytest.mark.parametrize("lie", LIES)
def test_whatever_a_device_lies_about_is_refused(
    deployment: Deployment, device: Device, lie: str
) -> None:
    other = Device()
    LIES[lie](other)
    with pytest.raises(WrongPasskey):
        deployment.add(other)
    LIES[lie](device)
    with pytest.raises(WrongPasskey):
        deployment.sign_in(device)
    assert len(deployment.ana.passkeys) == 1


def test_an_answer_is_good_once_and_for_a_while(deployment: Deployment, device: Device) -> None:
    deployment.clock.pass_(seconds=1)
    challenge, newer = deployment.passkeys.request(SHOP), deployment.passkeys.request(SHOP)
    answer = device.get(challenge)
    deployment.check(challenge, answer)
    with pytest.raises(WrongPasskey):
        deployment.check(challenge, answer)
    with pytest.raises(WrongPasskey):
        deployment.check(newer, answer)
    late = deployment.passkeys.request(SHOP)
    deployment.clock.pass_(minutes=11)
    with pytest.raises(WrongPasskey):
        deployment.check(late, device.get(late))
    deployment.sign_in(device)


def test_who_signs_for_somebody_else_is_nobody(deployment: Deployment, device: Device) -> None:
    thief = Device()
    thief.user = device.user
    with pytest.raises(WrongPasskey):  # unknown
        deployment.sign_in(thief)
    thief.id = device.id
    with pytest.raises(WrongPasskey):  # signed by another key
        deployment.sign_in(thief)
    eva = deployment.accounts.add_user("eva@shop.test", GOOD, roles={HERE.id: Role.ADMIN}).user
    device.user = eva.id.encode()
    with pytest.raises(WrongPasskey):
        deployment.sign_in(device)
    challenge = deployment.passkeys.creation(eva, SHOP)
    made = Device().create(challenge)
    with pytest.raises(WrongPasskey):  # what was begun for somebody else
        deployment.passkeys.add(deployment.ana, SHOP, challenge.sealed, made, name="x")
    with pytest.raises(WrongPasskey):  # and for something else
        deployment.check(challenge, device.get(challenge))


def test_a_passkey_is_for_one_host(deployment: Deployment, device: Device) -> None:
    with pytest.raises(WrongPasskey):
        deployment.sign_in(device, ELSEWHERE)
    device.origin, device.host = "https://other.test", "other.test"
    with pytest.raises(WrongPasskey):
        deployment.sign_in(device, ELSEWHERE)


def test_a_copied_device_is_noticed_by_its_counter(deployment: Deployment, device: Device) -> None:
    device.count = 7
    deployment.sign_in(device)
    device.count = 6
    with pytest.raises(WrongPasskey):
        deployment.sign_in(device)


def test_rubbish_is_refused(deployment: Deployment, device: Device) -> None:
    deployment.clock.pass_(seconds=1)
    challenge = deployment.passkeys.request(SHOP)
    good = json.loads(device.get(challenge))
    rubbish = ["", "x", "null", "[]", "{}", "é", "\udcff", "[" * 30_000, json.dumps({"id": 1})]
    answers = good["response"]
    rubbish += [
        json.dumps({**good, "response": {**answers, name: value}})
        for name in answers
        for value in ("", "é", "AAAA", None, 7, {}, "A" * 15_000, encoded(b"[" * 10_000))
    ]
    rubbish += [
        json.dumps({**good, name: value})
        for name in ("id", "rawId", "type")
        for value in ("", "AAAA", None, 7)
    ]
    creation = deployment.passkeys.creation(deployment.ana, SHOP)
    for each in rubbish:
        deployment.tries.next_minute()
        with pytest.raises(WrongPasskey):
            deployment.check(challenge, each)
        with pytest.raises(WrongPasskey):
            deployment.passkeys.add(deployment.ana, SHOP, creation.sealed, each, name="x")
    for sealed in ("", "x", "é", "A" * 200):
        with pytest.raises(WrongPasskey):
            deployment.check(replace(challenge, sealed=sealed), json.dumps(good))
    deployment.tries.next_minute()
    assert deployment.check(challenge, json.dumps(good)).id == deployment.ana.id


def test_there_are_limits(deployment: Deployment, device: Device) -> None:
    for _ in range(MOST_PASSKEYS - 1):
        deployment.add(Device())
    with pytest.raises(TooManyPasskeys):
        deployment.add(Device())
    with pytest.raises(WrongPasskey):  # it is here already
        deployment.add(device)
    for _ in range(10):
        deployment.sign_in(device)
    with pytest.raises(TooManyRequests):
        deployment.sign_in(device)
