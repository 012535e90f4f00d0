"""Passwords: stored as argon2id, verified a few at a time, rejected when too easy."""

import secrets
import threading
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from avenue.accounts.breaches import HashFile, is_listed
from avenue.accounts.errors import BreachedPassword, SignInBusy, WeakPassword
from avenue.accounts.old_hashes import argon2_of, is_right
from avenue.slots import slot

# OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two rounds, one lane.
MEMORY_KIB = 19 * 1024
ROUNDS = 2
LANES = 1
AT_ONCE = 2  # so at most 38 MiB of a process go into passwords
LONGEST_WAIT_SECONDS = 2.0

LEAST_CHARACTERS = 10
MOST_CHARACTERS = 1024
LEAST_DIFFERENT_CHARACTERS = 4
MADE_PASSWORD_BYTES = 15  # 20 characters
NOT_LISTED = frozenset({"contraseña1", "contraseña12", "contraseña123"})
"""Common Spanish words that the list of well-known passwords lacks."""


class Passwords:
    """Hashes and verifies passwords, a few at once; other callers wait briefly."""

    def __init__(
        self,
        *,
        hasher: PasswordHasher | None = None,
        at_once: int = AT_ONCE,
        longest_wait_seconds: float = LONGEST_WAIT_SECONDS,
        breached: HashFile | None = None,
    ) -> None:
        self._breached = breached
        self._hasher = hasher or PasswordHasher(
            time_cost=ROUNDS, memory_cost=MEMORY_KIB, parallelism=LANES
        )
        self._slots = threading.BoundedSemaphore(at_once)
        self._longest_wait_seconds = longest_wait_seconds
        self._nobodys_hash = self.hash(secrets.token_urlsafe())

    def hash(self, password: str) -> str:
        """Return the hash of `password` to store. Raise `SignInBusy` when too many wait."""
        with slot(self._slots, SignInBusy, seconds=self._longest_wait_seconds):
            return self._hasher.hash(_bytes(password))

    def verify(self, stored: str | None, password: str) -> bool:
        """Return whether `password` matches the hash `stored`.

        Raise `SignInBusy` when too many wait.

        None (no such person) costs one verification too, so that it takes as long, and so does an
        empty one (no password). Hashes of other applications are verified by `old_hashes`.
        """
        with slot(self._slots, SignInBusy, seconds=self._longest_wait_seconds):
            if not stored:
                self._is_argon2(self._nobodys_hash, _bytes(password))
                return False
            if self.is_current(stored):
                return self._is_argon2(stored, _bytes(password))
            hashed = argon2_of(stored)
            if hashed is None:
                return is_right(stored, password)
            # Other applications take a password as typed, without our normalisation.
            spellings = {_bytes(password), password.encode("utf-8", "surrogatepass")}
            return any(self._is_argon2(hashed, each) for each in sorted(spellings))

    def is_current(self, stored: str) -> bool:
        """Return whether `stored` is of the form that `hash` returns, and need not be renewed."""
        try:
            return not self._hasher.check_needs_rehash(stored)
        except InvalidHashError:
            return False

    def check_new(self, password: str, *, email: str) -> None:
        """Raise `WeakPassword` or `BreachedPassword` for an unacceptable new password."""
        check_new(password, email=email, breached=self._breached)

    def _is_argon2(self, hashed: str, password: bytes) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False


def made_password() -> str:
    """Return a random password."""
    return secrets.token_urlsafe(MADE_PASSWORD_BYTES)


def check_new(password: str, *, email: str, breached: HashFile | None = None) -> None:
    """Raise `WeakPassword` or `BreachedPassword` for a new password that is easy to guess.

    `breached` are hashes of passwords to reject in addition to the built-in list.
    """
    kept = _plain(password)
    if len(kept) < LEAST_CHARACTERS or len(password) > MOST_CHARACTERS:
        raise WeakPassword
    plain = kept.casefold()
    easy = plain in NOT_LISTED or plain in {email.casefold(), email.casefold().partition("@")[0]}
    if easy or len(set(plain)) < LEAST_DIFFERENT_CHARACTERS:
        raise WeakPassword
    for spelling in sorted({password, kept, plain}):
        if is_listed(spelling) or (breached is not None and breached.has(spelling)):
            raise BreachedPassword


def _plain(password: str) -> str:
    """Normalise what different keyboards encode differently (é, full width)."""
    return unicodedata.normalize("NFKC", password)


def _bytes(password: str) -> bytes:
    return _plain(password).encode("utf-8", "surrogatepass")
