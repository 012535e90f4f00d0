"""A second factor: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

A code is good for the time step it is of, the one before and the one after, and works once. Tries
are counted by account and address, and by account alone. After `MOST_WRONG` wrong codes in a row
(NIST SP 800-63B, section 5.2.2) only a recovery code helps: those are too long to be guessed.
"""

import base64
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import pyotp

from avenue.accounts.errors import (
    SecondFactorLocked,
    SecondFactorRequired,
    SetupGone,
    SignInAgain,
    WrongPassword,
    WrongSecondFactor,
)
from avenue.accounts.models import SIGNED_IN, Proof, SecondFactor, SecondFactorSetup, User
from avenue.accounts.passwords import PasswordKeeper
from avenue.accounts.tries import Tries, TryCounter, sha256
from avenue.clock import utc_now
from avenue.identity import Role, Site
from avenue.sealing import Sealing, SecretLost

PURPOSE = "secrets of second factors"
STEP_SECONDS = 30
STEPS_AROUND = (-1, 0, 1)
"""Which steps are good beside the one of now: clocks differ, and people type."""
OTP_DIGITS = 6
SECRET_BYTES = 20  # as RFC 4226 recommends, section 4
MOST_WRONG = 100
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 16 letters and digits
LETTERS_TOGETHER = 4
SETUP_GOOD_FOR = timedelta(minutes=30)

log = logging.getLogger(__name__)


class SecondFactorStore(Protocol):
    """Where second factors are kept."""

    def set_up_second_factor(self, user_id: str, factor: SecondFactor) -> bool:
        """Keep a second factor where there is none of an app, and end all sessions, in one step.

        Tell whether it was done.
        """

    def use_step(self, user_id: str, secret: str, step: int) -> bool:
        """Use up the codes of a factor until that time step; tell whether they were not yet."""

    def use_recovery_code(self, user_id: str, sha256: str) -> bool:
        """Use up a recovery code; tell whether there was one."""

    def count_wrong_code(self, user_id: str, secret: str | None) -> None:
        """Count a wrong code; one that is counted twice does no harm."""

    def set_recovery_codes(self, user_id: str, secret: str | None, hashes: Sequence[str]) -> None:
        """Put other recovery codes in place of those there are."""

    def remove_second_factor(
        self, user_id: str, *, roles: Mapping[str, Role] | None = None
    ) -> bool:
        """Forget second factor and passkeys and end all sessions, in one step; tell whether."""

    def remove_tokens(self, user: str, *, name: str | None = None) -> None:
        """Forget all tokens of a person, or those with a name; repeatable."""


class SecondFactors:
    """Sets second factors up, and asks for them."""

    def __init__(
        self,
        store: SecondFactorStore,
        passwords: PasswordKeeper,
        counter: TryCounter,
        sealing: Sealing,
        *,
        tries_per_minute: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._password_tries = Tries(counter, "login", per_minute=tries_per_minute)
        self._tries = Tries(counter, "second-factor", per_minute=tries_per_minute)
        self._sealing = sealing
        self._now = now

    def check(self, user: User, proof: Proof, *, address: str) -> None:
        """Raise unless `proof` has a code of the person's second factor, where there is one.

        Its password is not looked at. `address` is the caller's IP address. A code that was
        taken is used up. Raise `SecondFactorRequired` where none is shown, `TooManyRequests`,
        `WrongSecondFactor` or `SecondFactorLocked`.
        """
        factor = user.second_factor
        if factor is None:
            return
        if not (proof.otp or proof.recovery_code):
            raise SecondFactorRequired(user)
        self._tries.count(user.email, address)
        self._tries.count_account(user.email)
        if proof.recovery_code:
            if not self._store.use_recovery_code(user.id, _hash_of(proof.recovery_code)):
                raise WrongSecondFactor
        elif factor.wrong >= MOST_WRONG:
            raise SecondFactorLocked
        else:
            self._use_otp(user, factor, proof.otp)

    def begin(self, user: User, site: Site) -> SecondFactorSetup:
        """Return a new secret, for the person to bring it back with its first code."""
        secret = pyotp.random_base32(SECRET_BYTES * 8 // 5)
        until = int((self._now() + SETUP_GOOD_FOR).timestamp())
        return _setup(user, site, secret, self._sealing.sealed(f"{user.id} {until} {secret}"))

    def begun(self, user: User, site: Site, sealed: str) -> SecondFactorSetup:
        """Return what was begun, to be shown once more; raise `SetupGone`."""
        return _setup(user, site, self._secret_begun(user, sealed), sealed)

    def set_up(self, user: User, sealed: str, proof: Proof, *, address: str) -> list[str]:
        """Set up what was begun, with password and first code; return the recovery codes.

        All sessions and tokens from signing in end, for they have shown no code. Raise
        `SetupGone`, `TooManyRequests`, `WrongPassword` or `WrongSecondFactor`.
        """
        secret = self._secret_begun(user, sealed)
        self._check_password(user, proof, address)
        step = self._step_of(secret, proof.otp)
        if step is None:
            raise WrongSecondFactor
        factor, codes = new_factor(self._sealing.sealed(secret), step, at=self._now())
        if not self._store.set_up_second_factor(user.id, factor):
            raise SetupGone
        self._store.remove_tokens(user.id, name=SIGNED_IN)
        return codes

    def new_recovery_codes(self, user: User, proof: Proof, *, address: str) -> list[str]:
        """Return ten other recovery codes; those before are no longer good.

        `proof` has the password or a code. Raises as `turn_off`.
        """
        if user.second_factor is None:
            raise SetupGone
        self.check_either(user, proof, address=address)
        codes = _recovery_codes()
        hashes = [*map(_hash_of, codes)]
        self._store.set_recovery_codes(user.id, user.second_factor.secret, hashes)
        return codes

    def turn_off(self, user: User, proof: Proof, *, address: str) -> None:
        """Turn one's own second factor off, with the password or a code; passkeys go, too.

        All sessions end.

        Raise `TooManyRequests`, `WrongPassword`, `WrongSecondFactor` or `SecondFactorLocked`.
        """
        if user.second_factor is not None:
            self.check_either(user, proof, address=address)
            self._store.remove_second_factor(user.id)

    def reset(self, user: User) -> None:
        """Turn somebody's second factor off. All sessions end."""
        self._store.remove_second_factor(user.id)

    def check_either(self, user: User, proof: Proof, *, address: str) -> None:
        """Raise unless `proof` has the password or a code; raises as `turn_off`.

        Who has no password must have signed in with the provider just now, or `SignInAgain`.
        """
        if proof.password or not (proof.otp or proof.recovery_code):
            self._check_password(user, proof, address)
        else:
            self.check(user, proof, address=address)

    def _check_password(self, user: User, proof: Proof, address: str) -> None:
        if not user.has_password:
            if not proof.by_provider:
                raise SignInAgain
            return
        self._password_tries.count(user.email, address)
        if not self._passwords.verify(user.password_hash, proof.password):
            raise WrongPassword

    def _use_otp(self, user: User, factor: SecondFactor, otp: str) -> None:
        secret, step = factor.secret, None
        try:
            step = self._step_of(self._sealing.opened(secret), otp) if secret else None
        except SecretLost as lost:
            log.warning("The second factor of %s cannot be read: %s", user.id, lost.message)
        if secret is None or step is None or not self._store.use_step(user.id, secret, step):
            self._store.count_wrong_code(user.id, factor.secret)
            log.warning("A wrong code of the second factor of %s", user.id)
            raise WrongSecondFactor

    def _step_of(self, secret: str, otp: str) -> int | None:
        """Return the time step a code is of; None when it is none of now."""
        typed = "".join(otp.split()).encode("utf-8", "surrogatepass")
        totp, now = _totp(secret), int(self._now().timestamp()) // STEP_SECONDS
        matching = [
            now + off
            for off in STEPS_AROUND
            if hmac.compare_digest(totp.generate_otp(now + off).encode(), typed)
        ]
        return matching[-1] if matching else None

    def _secret_begun(self, user: User, sealed: str) -> str:
        try:
            user_id, until, secret = self._sealing.opened(sealed).split(" ")
        except (SecretLost, ValueError):
            raise SetupGone from None
        if user_id != user.id or int(until) < self._now().timestamp():
            raise SetupGone
        return secret


def new_factor(
    secret: str | None, last_step: int, *, at: datetime
) -> tuple[SecondFactor, list[str]]:
    """Return a second factor with new recovery codes, and these as people write them."""
    codes = _recovery_codes()
    hashes = tuple(map(_hash_of, codes))
    factor = SecondFactor(
        secret=secret, recovery_codes=hashes, last_step=last_step, wrong=0, set_up_at=at
    )
    return factor, codes


def _setup(user: User, site: Site, secret: str, sealed: str) -> SecondFactorSetup:
    uri = _totp(secret).provisioning_uri(name=user.email, issuer_name=site.name)
    return SecondFactorSetup(secret=secret, uri=uri, sealed=sealed)


def _totp(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, interval=STEP_SECONDS, digits=OTP_DIGITS)


def _recovery_codes() -> list[str]:
    """Return new codes as people write them, as `abcd-efgh-jk23-4567`."""
    made = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    return [
        "-".join(code[at : at + LETTERS_TOGETHER] for at in range(0, len(code), LETTERS_TOGETHER))
        for code in (each.decode().lower() for each in made)
    ]


def _hash_of(recovery_code: str) -> str:
    """Return what is kept of a recovery code, however it is written."""
    return sha256("".join(each for each in recovery_code.casefold() if each.isalnum()))
