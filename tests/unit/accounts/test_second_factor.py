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
    callers_of,
    factors_of,
)
from tests.unit.accounts.test_service import ADDRESS, ANA, GOOD, HERE, NEWER, THERE


class Deployment:
    """The services, and Ana, who has a second factor."""

    def __init__(self, *roles: Role) -> None:
        self.store, self.tries, self.clock = MemoryStore(), MinuteCounter(), Clock()
        around = (self.store, PlainPasswords(), self.tries, self.clock)
        self.factors, self.accounts = factors_of(*around), accounts_of(*around, *roles)
        self.callers = callers_of(self.store, self.clock, *roles)
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
def deployment() -> Deployment:
    return Deployment()


def test_what_is_kept_tells_no_secret(deployment: Deployment) -> None:
    kept = deployment.ana.second_factor
    assert kept is not None
    assert deployment.setup.secret not in kept.secret
    assert (
        len(deployment.recovery) == len(set(deployment.recovery)) == len(kept.recovery_codes) == 10
    )
    written = repr(deployment.ana)
    assert not any(
        each in written for each in (*deployment.recovery, *kept.recovery_codes, kept.secret)
    )


def test_the_password_alone_is_not_enough(deployment: Deployment) -> None:
    with pytest.raises(SecondFactorRequired) as refused:
        deployment.sign_in()
    assert refused.value.user == deployment.ana
    assert deployment.sign_in(otp=deployment.code()).id == deployment.ana.id


def test_a_code_is_good_around_its_time_and_once(deployment: Deployment) -> None:
    for seconds, is_good in ((-90, False), (-60, False), (0, True), (0, False), (-30, False)):
        if is_good:
            deployment.sign_in(
                otp=f" {deployment.code(seconds)[:3]} {deployment.code(seconds)[3:]}"
            )
        else:
            with pytest.raises(WrongSecondFactor):
                deployment.sign_in(otp=deployment.code(seconds))
    deployment.sign_in(otp=deployment.code(30))  # the phone is ahead
    deployment.pass_(seconds=90)
    deployment.sign_in(otp=deployment.code(-30))  # and now behind
    for wrong in ("", "000000", "１２３４５６", "x" * 64, "\udcff", deployment.setup.secret):
        with pytest.raises((WrongSecondFactor, SecondFactorRequired)):
            deployment.sign_in(otp=wrong)


def test_the_code_that_set_it_up_is_used_up() -> None:
    deployment = Deployment()
    with pytest.raises(WrongSecondFactor):
        deployment.sign_in(otp=deployment.code(-30))


def test_a_recovery_code_works_once_however_it_is_written(deployment: Deployment) -> None:
    first, second, *_ = deployment.recovery
    deployment.sign_in(recovery_code=first)
    with pytest.raises(WrongSecondFactor):
        deployment.sign_in(recovery_code=first)
    deployment.sign_in(recovery_code=second.upper().replace("-", " "))
    deployment.pass_()
    new = deployment.factors.new_recovery_codes(
        deployment.ana, Proof(password=GOOD), address=ADDRESS
    )
    with pytest.raises(WrongSecondFactor):
        deployment.sign_in(recovery_code=deployment.recovery[5])
    deployment.sign_in(recovery_code=new[5])


def test_guessing_ends_from_wherever_it_comes(deployment: Deployment) -> None:
    for number in range(10):
        with pytest.raises(WrongSecondFactor):
            deployment.accounts.second_step(
                HERE,
                deployment.accounts.first_step(deployment.ana, HERE),
                Proof(otp="000000"),
                address=f"203.0.{number}.7",
            )
    with pytest.raises(TooManyRequests):
        deployment.accounts.second_step(
            HERE,
            deployment.accounts.first_step(deployment.ana, HERE),
            Proof(otp=deployment.code()),
            address="198.51.100.1",
        )


def test_after_many_wrong_codes_only_a_recovery_code_helps(deployment: Deployment) -> None:
    for _ in range(MOST_WRONG):
        deployment.tries.next_minute()
        with pytest.raises(WrongSecondFactor):
            deployment.sign_in(otp="000000")
    deployment.tries.next_minute()
    with pytest.raises(SecondFactorLocked):
        deployment.sign_in(otp=deployment.code())
    with pytest.raises(WrongSecondFactor):
        deployment.sign_in(recovery_code="aaaa-aaaa-aaaa-aaaa")
    deployment.sign_in(recovery_code=deployment.recovery[0])
    deployment.sign_in(otp=deployment.code())


def test_the_first_step_ends(deployment: Deployment) -> None:
    """By its time, on another site, by whatever ends sessions, and by what it is about going."""
    first = deployment.accounts.first_step(deployment.ana, HERE)

    def is_refused(site: object = HERE) -> bool:
        proof = Proof(otp=deployment.code())
        try:
            deployment.accounts.second_step(site, first, proof, address=ADDRESS)  # type: ignore[arg-type]
        except SignInAgain:
            return True
        return False

    deployment.store.people[first.user] = replace(deployment.ana, superuser=True)
    assert is_refused(THERE)
    deployment.pass_(minutes=11)
    assert is_refused()
    for what_ends in (
        lambda: deployment.accounts.change_password(ANA, GOOD),
        lambda: deployment.accounts.sign_out_everywhere(deployment.accounts.actor_named(HERE, ANA)),
        lambda: deployment.accounts.set_disabled(ANA, disabled=True),
        lambda: deployment.accounts.set_disabled(ANA, disabled=False),
        lambda: deployment.accounts.reset_second_factor(ANA),
    ):
        first = deployment.accounts.first_step(deployment.ana, HERE)
        what_ends()
        assert is_refused()
    first = deployment.accounts.first_step(deployment.ana, HERE)
    assert is_refused()  # there is nothing to show any more


def test_a_new_password_leaves_it_on(deployment: Deployment) -> None:
    deployment.accounts.change_password(ANA, NEWER)
    with pytest.raises(SecondFactorRequired):
        deployment.accounts.sign_in(HERE, ANA, NEWER, address=ADDRESS)


def test_setting_it_up_needs_the_password_a_code_and_ones_own_setup(deployment: Deployment) -> None:
    eva = deployment.accounts.add_user("eva@shop.test", GOOD, roles={HERE.id: Role.SELLER}).user
    setup = deployment.factors.begin(eva, HERE)
    assert setup.uri.startswith("otpauth://totp/Zapatos:eva%40shop.test?secret=")
    deployment.setup = setup
    good = Proof(password=GOOD, otp=deployment.code())
    for proof, error in (
        (replace(good, password="not it"), WrongPassword),
        (replace(good, otp="000000"), WrongSecondFactor),
    ):
        with pytest.raises(error):
            deployment.factors.set_up(eva, setup.sealed, proof, address=ADDRESS)
    for sealed in (
        "",
        "x",
        "é",
        deployment.factors.begin(deployment.ana, HERE).sealed,
        setup.secret,
    ):
        with pytest.raises(SetupGone):
            deployment.factors.set_up(eva, sealed, good, address=ADDRESS)
    session = deployment.accounts.begin_session(eva, HERE)
    deployment.factors.set_up(eva, setup.sealed, good, address=ADDRESS)
    assert deployment.callers.by_session(HERE, eva.id, session) is None
    with pytest.raises(SetupGone):  # it is on
        deployment.factors.set_up(eva, setup.sealed, good, address=ADDRESS)
    late = deployment.factors.begin(eva, HERE)
    deployment.pass_(minutes=31)
    with pytest.raises(SetupGone):
        deployment.factors.begun(eva, HERE, late.sealed)


def test_turning_it_off_needs_the_password_or_a_code(deployment: Deployment) -> None:
    for proof, error in (
        (Proof(), WrongPassword),
        (Proof(password="not it", otp=deployment.code()), WrongPassword),
        (Proof(otp="000000"), WrongSecondFactor),
        (Proof(recovery_code="aaaa"), WrongSecondFactor),
    ):
        with pytest.raises(error):
            deployment.factors.turn_off(deployment.ana, proof, address=ADDRESS)
        assert deployment.ana.second_factor
    for name in ("otp", "recovery_code", "password"):
        shown = {
            "otp": deployment.code(),
            "recovery_code": deployment.recovery[0],
            "password": GOOD,
        }
        again = deployment.ana
        deployment.factors.turn_off(again, Proof(**{name: shown[name]}), address=ADDRESS)
        assert deployment.ana.second_factor is None
        deployment.sign_in()
        deployment.store.people[again.id] = again


def test_who_has_the_role_needs_one(deployment: Deployment) -> None:
    deployment = Deployment(Role.SELLER, Role.OPS)
    site = replace(HERE, second_factor_roles=frozenset({Role.EDITOR}))
    people = {
        role: deployment.accounts.add_user(f"{role}@shop.test", GOOD, roles={HERE.id: role}).user
        for role in Role
    }
    acting = {role: deployment.callers.by_id(site, each.id) for role, each in people.items()}
    needing = {role for role, each in acting.items() if each and each.needs_second_factor}
    assert needing == {Role.SELLER, Role.OPS, Role.EDITOR}
    assert not deployment.accounts.actor_named(HERE, ANA).needs_second_factor  # has one
    token = deployment.accounts.add_token(ANA, HERE.id, name="x", scopes=frozenset(Scope), days=1)
    actor = deployment.callers.by_token(HERE, token.secret)
    assert actor is not None
    assert not actor.needs_second_factor
    deployment.accounts.reset_second_factor(ANA)
    assert deployment.callers.by_token(HERE, token.secret).needs_second_factor  # type: ignore[union-attr]
