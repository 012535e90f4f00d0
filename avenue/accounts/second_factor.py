"""Second factors: codes of an authenticator app (TOTP, RFC 6238), and recovery codes.

A code is valid for its time step, the one before and the one after, and works once. Attempts are
counted by account and address, and by account alone. After `MOST_WRONG` wrong codes in a row (NIST
SP 800-63B, section 5.2.2) only a recovery code is accepted: those are too long to guess.
"""

import base64
import hmac
import logging
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

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
from avenue.accounts.passwords import Passwords
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.second_factors import FactorStore
from avenue.accounts.tries import Tries, sha256
from avenue.clock import utc_now
from avenue.errors import required
from avenue.identity import Site
from avenue.sealing import Sealing, SecretLost
from avenue.storage.rate_limits import RateLimits

PURPOSE = "secrets of second factors"
STEP_SECONDS = 30
STEPS_AROUND = (-1, 0, 1)
"""The valid time steps around the current one: clocks differ, and typing takes time."""
OTP_DIGITS = 6
SECRET_BYTES = 20  # as RFC 4226 recommends, section 4
MOST_WRONG = 100
RECOVERY_CODES = 10
RECOVERY_BYTES = 10  # 16 letters and digits
LETTERS_TOGETHER = 4
SETUP_GOOD_FOR = timedelta(minutes=30)

log = logging.getLogger(__name__)


class SecondFactors:
    """Sets up second factors, and verifies them."""

    def __init__(
        self,
        store: MongoAccountStore,
        factors: FactorStore,
        passwords: Passwords,
        counter: RateLimits,
        sealing: Sealing,
        *,
        tries_per_minute: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._factors = factors
        self._passwords = passwords
        self._password_tries = Tries(counter, "login", per_minute=tries_per_minute)
        self._tries = Tries(counter, "second-factor", per_minute=tries_per_minute)
        self._sealing = sealing
        self._now = now

    def check(self, user: User, proof: Proof, *, address: str) -> None:
        """Raise unless `proof` has a code of the person's second factor, if there is one.

        Its password is not checked. `address` is the caller's IP address. An accepted code is used
        up. Raise `SecondFactorRequired` where none is given, `TooManyRequests`, `WrongSecondFactor`
        or `SecondFactorLocked`.
        """
        factor = user.second_factor
        if factor is None:
            return
        if not (proof.otp or proof.recovery_code):
            raise SecondFactorRequired(user)
        self._tries.count(user.email, address)
        self._tries.count_account(user.email)
        if proof.recovery_code:
            if not self._factors.use_recovery_code(user.id, _hash_of(proof.recovery_code)):
                raise WrongSecondFactor
        elif factor.wrong >= MOST_WRONG:
            raise SecondFactorLocked
        else:
            self._use_otp(user, factor, proof.otp)

    def begin(self, user: User, site: Site) -> SecondFactorSetup:
        """Return a new secret, which the person sends back with its first code."""
        secret = pyotp.random_base32(SECRET_BYTES * 8 // 5)
        until = int((self._now() + SETUP_GOOD_FOR).timestamp())
        return _setup(user, site, secret, self._sealing.sealed(f"{user.id} {until} {secret}"))

    def begun(self, user: User, site: Site, sealed: str) -> SecondFactorSetup:
        """Return an unfinished setup, to show it again; raise `SetupGone`."""
        return _setup(user, site, self._secret_begun(user, sealed), sealed)

    def set_up(self, user: User, sealed: str, proof: Proof, *, address: str) -> list[str]:
        """Complete a setup, with password and first code; return the recovery codes.

        All sessions and tokens from signing in end, since they were created without a code. Raise
        `SetupGone`, `TooManyRequests`, `WrongPassword` or `WrongSecondFactor`.
        """
        secret = self._secret_begun(user, sealed)
        self._check_password(user, proof, address)
        step = required(self._step_of(secret, proof.otp), WrongSecondFactor)
        factor, codes = new_factor(self._sealing.sealed(secret), step, at=self._now())
        if not self._factors.set_up_second_factor(user.id, factor):
            raise SetupGone
        self._store.remove_tokens(user.id, name=SIGNED_IN)
        return codes

    def new_recovery_codes(self, user: User, proof: Proof, *, address: str) -> list[str]:
        """Return ten new recovery codes; the earlier ones become invalid.

        `proof` has the password or a code. Raises as `turn_off`.
        """
        if user.second_factor is None:
            raise SetupGone
        self.check_either(user, proof, address=address)
        codes = _recovery_codes()
        hashes = [*map(_hash_of, codes)]
        self._factors.set_recovery_codes(user.id, user.second_factor.secret, hashes)
        return codes

    def turn_off(self, user: User, proof: Proof, *, address: str) -> None:
        """Turn off one's own second factor, with the password or a code; passkeys are deleted, too.

        All sessions end.

        Raise `TooManyRequests`, `WrongPassword`, `WrongSecondFactor` or `SecondFactorLocked`.
        """
        if user.second_factor is not None:
            self.check_either(user, proof, address=address)
            self._factors.remove_second_factor(user.id)

    def reset(self, user: User) -> None:
        """Turn off a person's second factor. All sessions end."""
        self._factors.remove_second_factor(user.id)

    def check_either(self, user: User, proof: Proof, *, address: str) -> None:
        """Raise unless `proof` has the password or a code; raises as `turn_off`.

        People without a password must have just signed in with the provider, or `SignInAgain` is
        raised.
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
        if secret is None or step is None or not self._factors.use_step(user.id, secret, step):
            self._factors.count_wrong_code(user.id, factor.secret)
            log.warning("A wrong code of the second factor of %s", user.id)
            raise WrongSecondFactor

    def _step_of(self, secret: str, otp: str) -> int | None:
        """Return the time step of a code; None when it is not valid now."""
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
    """Return new codes as people type them, as `abcd-efgh-jk23-4567`."""
    made = [base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
    return [
        "-".join(code[at : at + LETTERS_TOGETHER] for at in range(0, len(code), LETTERS_TOGETHER))
        for code in (each.decode().lower() for each in made)
    ]


def _hash_of(recovery_code: str) -> str:
    """Return the hash of a recovery code, however it is typed."""
    return sha256("".join(each for each in recovery_code.casefold() if each.isalnum()))
