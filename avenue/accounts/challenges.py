"""Challenges after failed attempts: work that a program would have to do for every guess.

Failed attempts are counted by address and by account, for all instances together. Above the limit
of either, the next attempt needs the answer to a challenge; no one is locked out by others'
failures.

Proof of work is our own: a number whose hash with a salt begins with a number of zero bits. The
data about a salt is sent along encrypted, so only its use is stored. An unreachable captcha service
is replaced by proof of work for a while.
"""

import hashlib
import logging
import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from avenue.accounts.captchas import Captcha, CaptchaAway
from avenue.accounts.errors import ChallengeFailed, ChallengeRequired
from avenue.accounts.models import POW, BotChallenge
from avenue.accounts.tries import sha256
from avenue.clock import utc_now
from avenue.errors import AvenueError
from avenue.identity import Site, network_of
from avenue.sealing import Sealing, SecretLost
from avenue.storage.rate_limits import RateLimits

SEALED_FOR = "challenges after failed tries"
HEADER = "Challenge-Response"
"""Request header with the answer, for programs."""
FIELDS = ("challenge_response", "cf-turnstile-response", "h-captcha-response")
"""Form fields with the answer: ours, and those that the scripts of the services add."""
WINDOW_SECONDS = 15 * 60
GOOD_FOR = timedelta(minutes=10)
AWAY_FOR = timedelta(minutes=1)
"""How long an unreachable service is not called again."""
SALT_BYTES = 16
MOST_ANSWER_CHARACTERS = 6000
NUMBER = re.compile(r"[0-9]{1,16}", re.ASCII)

log = logging.getLogger(__name__)


class Purpose(StrEnum):
    """The protected action."""

    SIGN_IN = "login"
    RESET = "reset"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An attempt from an IP `address` on a site, possibly for an account."""

    purpose: Purpose
    site: Site
    address: str
    account: str = ""

    def keys(self, mark: Callable[[str], str]) -> list[str]:
        """Return the keys under which failures are counted.

        `mark` returns a keyed hash of the email and the address.
        """
        by = [f"address {network_of(self.address)}"]
        by += [f"account {self.account}"] if self.account else []
        return [f"failed-{self.purpose}:{mark(each)}" for each in by]

    @property
    def hosts(self) -> set[str]:
        """The host names of the site, without ports."""
        named = [self.site.base_url, *(f"//{each}" for each in self.site.hosts)]
        return {urlsplit(each).hostname or "" for each in named}


class Challenges:
    """Requires a challenge after `after` failures; None: never."""

    def __init__(
        self,
        counter: RateLimits,
        sealing: Sealing,
        *,
        after: int | None,
        bits: int,
        captcha: Captcha | None = None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        """`bits` is the number of zero bits of a proof of work."""
        self._counter = counter
        self._sealing = sealing
        self._after = after
        self._bits = bits
        self._captcha = captcha
        self._now = now
        self._asks_again_at = datetime.min.replace(tzinfo=UTC)

    def needed(self, tried: Try) -> BotChallenge | None:
        """Return a new challenge if the next attempt needs one."""
        if self._after is None:
            return None
        running = self._counter.running(tried.keys(self._counter.mark))
        over = [each for each in running if each.tries >= self._after]
        if not over:
            return None
        return self._made(tried, max(each.seconds_left for each in over))

    def admit(self, tried: Try, answer: str) -> None:
        """Admit an attempt with few failures, or with the `answer` to a challenge, once.

        Raise `ChallengeRequired`, or `ChallengeFailed` for a wrong answer.
        """
        challenge = self.needed(tried)
        if challenge is None:
            return
        if not answer:
            raise ChallengeRequired(challenge)
        if not self._is_good(tried, answer):
            raise ChallengeFailed(self._made(tried, challenge.seconds))

    def count(self, tried: Try) -> None:
        """Count a failure."""
        if self._after is not None:
            for key in tried.keys(self._counter.mark):
                self._counter.count(key, window_seconds=WINDOW_SECONDS)

    @contextmanager
    def guarding(self, tried: Try, answer: str, *, failures: type[AvenueError]) -> Iterator[None]:
        """Admit an attempt as `admit` does; count it if the block raises one of `failures`."""
        self.admit(tried, answer)
        try:
            yield
        except failures:
            self.count(tried)
            raise

    def _made(self, tried: Try, seconds: int) -> BotChallenge:
        if self._captcha is not None and not self._is_away():
            return BotChallenge(
                kind=self._captcha.kind,
                action=tried.purpose,
                seconds=seconds,
                site_key=self._captcha.site_key,
            )
        salt = secrets.token_hex(SALT_BYTES)
        until = int((self._now() + GOOD_FOR).timestamp())
        facts = f"{_bound(tried)} {until} {self._bits} {salt}"
        return BotChallenge(
            kind=POW,
            action=tried.purpose,
            seconds=seconds,
            token=self._sealing.sealed(facts),
            salt=salt,
            difficulty=self._bits,
        )

    def _is_good(self, tried: Try, answer: str) -> bool:
        if len(answer) > MOST_ANSWER_CHARACTERS:
            return False
        token, _, number = answer.rpartition(":")
        try:
            opened = self._sealing.opened(token)
        except SecretLost:  # not ours
            return self._is_verified(tried, answer)
        bound, until, bits, salt = opened.rsplit(" ", 3)
        if bound != _bound(tried) or int(until) <= self._now().timestamp():
            return False
        if not is_solved(salt, number, int(bits)):
            return False
        seconds = int(GOOD_FOR.total_seconds())
        return self._counter.count(f"solved:{salt}", window_seconds=seconds).tries == 1

    def _is_verified(self, tried: Try, answer: str) -> bool:
        if self._captcha is None or self._is_away():
            return False
        try:
            return self._captcha.is_solved(answer, tried.purpose, tried.hosts)
        except CaptchaAway as away:
            self._asks_again_at = self._now() + AWAY_FOR
            log.warning(
                "%s cannot tell whether a challenge was solved (%s): proof of work is asked for.",
                self._captcha.kind,
                away,
            )
            return False

    def _is_away(self) -> bool:
        return self._now() < self._asks_again_at


def is_solved(salt: str, number: str, bits: int) -> bool:
    """Return whether SHA-256 of `<salt>:<number>` begins with that many zero bits."""
    if not NUMBER.fullmatch(number):
        return False
    hashed = hashlib.sha256(f"{salt}:{number}".encode()).digest()
    return int.from_bytes(hashed) >> (len(hashed) * 8 - bits) == 0


def _bound(tried: Try) -> str:
    """Return what a proof of work is bound to: it is valid for nothing else."""
    return f"{tried.purpose} {tried.site.id} {sha256(network_of(tried.address))}"
