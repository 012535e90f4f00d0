"""Codes of an app and recovery codes: each works once, and nobody gets around them."""

from dataclasses import replace

import pyotp
import pytest

from avenue.accounts.errors import (
    SecondFactorLocked,
    SecondFactorRequired,
    SetupGone,
    SignInAgain,
    WrongPassword,
    WrongSecondFactor,
)
from avenue.accounts.models import Proof, User
from avenue.accounts.second_factor import MOST_WRONG
from avenue.errors import TooManyRequests
from avenue.identity import Role, Scope
from tests.unit.accounts.memory import (
    Clock,
    MemoryStore,
    MinuteCounter,
    PlainPasswords,
    accounts_of,
    factors_of,
)
from tests.unit.accounts.test_service import ADDRESS, ANA, GOOD, HERE, NEWER, THERE


class House:
    """The services, and Ana, who has a second factor."""

    def __init__(self, *roles: Role) -> None:
        self.store, self.tries, self.clock = MemoryStore(), MinuteCounter(), Clock()
        around = (self.store, PlainPasswords(), self.tries, self.clock)
        self.factors, self.accounts = factors_of(*around), accounts_of(*around, *roles)
        user = self.accounts.add_user(ANA, GOOD, roles={HERE.id: Role.SELLER}).user
        self.setup = self.factors.begin(user, HERE)
        proof = Proof(password=GOOD, otp=self.code())
        self.recovery = self.factors.set_up(user, self.setup.sealed, proof, address=ADDRESS)
        self.pass_(seconds=30)

    @property
    def ana(self) -> User:
        return self.accounts.user_named(ANA)

    def code(self, seconds: int = 0) -> str:
        return pyotp.TOTP(self.setup.secret).at(int(self.clock().timestamp()) + seconds)

    def pass_(self, **duration: float) -> None:
        self.clock.pass_(**duration)
        self.tries.next_minute()

    def sign_in(self, **proof: str) -> User:
        shown = Proof(**proof)
        return self.accounts.sign_in(HERE, ANA, GOOD, address=ADDRESS, proof=shown)[0]


@pytest.fixture
def house() -> House:
    return House()


def test_what_is_kept_tells_no_secret(house: House) -> None:
    kept = house.ana.second_factor
    assert kept is not None
    assert house.setup.secret not in kept.secret
    assert len(house.recovery) == len(set(house.recovery)) == len(kept.recovery_codes) == 10
    written = repr(house.ana)
    assert not any(each in written for each in (*house.recovery, *kept.recovery_codes, kept.secret))


def test_the_password_alone_is_not_enough(house: House) -> None:
    with pytest.raises(SecondFactorRequired) as refused:
        house.sign_in()
    assert refused.value.user == house.ana
    assert house.sign_in(otp=house.code()).id == house.ana.id


def test_a_code_is_good_around_its_time_and_once(house: House) -> None:
    for seconds, is_good in ((-90, False), (-60, False), (0, True), (0, False), (-30, False)):
        if is_good:
            house.sign_in(otp=f" {house.code(seconds)[:3]} {house.code(seconds)[3:]}")
        else:
            with pytest.raises(WrongSecondFactor):
                house.sign_in(otp=house.code(seconds))
    house.sign_in(otp=house.code(30))  # the phone is ahead
    house.pass_(seconds=90)
    house.sign_in(otp=house.code(-30))  # and now behind
    for wrong in ("", "000000", "１２３４５６", "x" * 64, "\udcff", house.setup.secret):
        with pytest.raises((WrongSecondFactor, SecondFactorRequired)):
            house.sign_in(otp=wrong)


def test_the_code_that_set_it_up_is_used_up() -> None:
    house = House()
    with pytest.raises(WrongSecondFactor):
        house.sign_in(otp=house.code(-30))


def test_a_recovery_code_works_once_however_it_is_written(house: House) -> None:
    first, second, *_ = house.recovery
    house.sign_in(recovery_code=first)
    with pytest.raises(WrongSecondFactor):
        house.sign_in(recovery_code=first)
    house.sign_in(recovery_code=second.upper().replace("-", " "))
    house.pass_()
    new = house.factors.new_recovery_codes(house.ana, Proof(password=GOOD), address=ADDRESS)
    with pytest.raises(WrongSecondFactor):
        house.sign_in(recovery_code=house.recovery[5])
    house.sign_in(recovery_code=new[5])


def test_guessing_ends_from_wherever_it_comes(house: House) -> None:
    for number in range(10):
        with pytest.raises(WrongSecondFactor):
            house.accounts.second_step(
                HERE,
                house.accounts.first_step(house.ana, HERE),
                Proof(otp="000000"),
                address=f"203.0.{number}.7",
            )
    with pytest.raises(TooManyRequests):
        house.accounts.second_step(
            HERE,
            house.accounts.first_step(house.ana, HERE),
            Proof(otp=house.code()),
            address="198.51.100.1",
        )


def test_after_many_wrong_codes_only_a_recovery_code_helps(house: House) -> None:
    for _ in range(MOST_WRONG):
        house.tries.next_minute()
        with pytest.raises(WrongSecondFactor):
            house.sign_in(otp="000000")
    house.tries.next_minute()
    with pytest.raises(SecondFactorLocked):
        house.sign_in(otp=house.code())
    with pytest.raises(WrongSecondFactor):
        house.sign_in(recovery_code="aaaa-aaaa-aaaa-aaaa")
    house.sign_in(recovery_code=house.recovery[0])
    house.sign_in(otp=house.code())


def test_the_first_step_ends(house: House) -> None:
    """By its time, on another site, by whatever ends sessions, and by what it is about going."""
    first = house.accounts.first_step(house.ana, HERE)

    def is_refused(site: object = HERE) -> bool:
        proof = Proof(otp=house.code())
        try:
            house.accounts.second_step(site, first, proof, address=ADDRESS)  # type: ignore[arg-type]
        except SignInAgain:
            return True
        return False

    house.store.people[first.user] = replace(house.ana, superuser=True)
    assert is_refused(THERE)
    house.pass_(minutes=11)
    assert is_refused()
    for what_ends in (
        lambda: house.accounts.change_password(ANA, GOOD),
        lambda: house.accounts.sign_out_everywhere(house.accounts.actor_named(HERE, ANA)),
        lambda: house.accounts.set_disabled(ANA, disabled=True),
        lambda: house.accounts.set_disabled(ANA, disabled=False),
        lambda: house.accounts.reset_second_factor(ANA),
    ):
        first = house.accounts.first_step(house.ana, HERE)
        what_ends()
        assert is_refused()
    first = house.accounts.first_step(house.ana, HERE)
    assert is_refused()  # there is nothing to show any more


def test_a_new_password_leaves_it_on(house: House) -> None:
    house.accounts.change_password(ANA, NEWER)
    with pytest.raises(SecondFactorRequired):
        house.accounts.sign_in(HERE, ANA, NEWER, address=ADDRESS)


def test_setting_it_up_needs_the_password_a_code_and_ones_own_setup(house: House) -> None:
    eva = house.accounts.add_user("eva@shop.test", GOOD, roles={HERE.id: Role.SELLER}).user
    setup = house.factors.begin(eva, HERE)
    assert setup.uri.startswith("otpauth://totp/Zapatos:eva%40shop.test?secret=")
    house.setup = setup
    good = Proof(password=GOOD, otp=house.code())
    for proof, error in (
        (replace(good, password="not it"), WrongPassword),
        (replace(good, otp="000000"), WrongSecondFactor),
    ):
        with pytest.raises(error):
            house.factors.set_up(eva, setup.sealed, proof, address=ADDRESS)
    for sealed in ("", "x", "é", house.factors.begin(house.ana, HERE).sealed, setup.secret):
        with pytest.raises(SetupGone):
            house.factors.set_up(eva, sealed, good, address=ADDRESS)
    session = house.accounts.begin_session(eva, HERE)
    house.factors.set_up(eva, setup.sealed, good, address=ADDRESS)
    assert house.accounts.by_session(HERE, eva.id, session) is None
    with pytest.raises(SetupGone):  # it is on
        house.factors.set_up(eva, setup.sealed, good, address=ADDRESS)
    late = house.factors.begin(eva, HERE)
    house.pass_(minutes=31)
    with pytest.raises(SetupGone):
        house.factors.begun(eva, HERE, late.sealed)


def test_turning_it_off_needs_the_password_or_a_code(house: House) -> None:
    for proof, error in (
        (Proof(), WrongPassword),
        (Proof(password="not it", otp=house.code()), WrongPassword),
        (Proof(otp="000000"), WrongSecondFactor),
        (Proof(recovery_code="aaaa"), WrongSecondFactor),
    ):
        with pytest.raises(error):
            house.factors.turn_off(house.ana, proof, address=ADDRESS)
        assert house.ana.second_factor
    for name in ("otp", "recovery_code", "password"):
        shown = {"otp": house.code(), "recovery_code": house.recovery[0], "password": GOOD}
        again = house.ana
        house.factors.turn_off(again, Proof(**{name: shown[name]}), address=ADDRESS)
        assert house.ana.second_factor is None
        house.sign_in()
        house.store.people[again.id] = again


def test_who_has_the_role_needs_one(house: House) -> None:
    house = House(Role.SELLER, Role.OPS)
    site = replace(HERE, second_factor_roles=frozenset({Role.EDITOR}))
    people = {
        role: house.accounts.add_user(f"{role}@shop.test", GOOD, roles={HERE.id: role}).user
        for role in Role
    }
    acting = {role: house.accounts.by_id(site, each.id) for role, each in people.items()}
    needing = {role for role, each in acting.items() if each and each.needs_second_factor}
    assert needing == {Role.SELLER, Role.OPS, Role.EDITOR}
    assert not house.accounts.actor_named(HERE, ANA).needs_second_factor  # has one
    token = house.accounts.add_token(ANA, HERE.id, name="x", scopes=frozenset(Scope), days=1)
    actor = house.accounts.by_token(HERE, token.secret)
    assert actor is not None
    assert not actor.needs_second_factor
    house.accounts.reset_second_factor(ANA)
    assert house.accounts.by_token(HERE, token.secret).needs_second_factor  # type: ignore[union-attr]
