"""People whom another application knew: they keep their password, and nobody's is changed."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from avenue.accounts.emails import checked_email
from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import User
from avenue.accounts.old_hashes import is_known
from avenue.accounts.passwords import PasswordKeeper, made_password
from avenue.clock import utc_now
from avenue.identity import Role, new_id

LONGEST_NAME = 200


class NewcomerStore(Protocol):
    """Where people are kept."""

    def user_by_email(self, email: str) -> User | None:
        """Return who has this normalised e-mail."""

    def add_user(self, user: User) -> None:
        """Keep a new person; raise `EmailTaken`."""


class Newcomers:
    """See `migration.adopt.models.People`."""

    def __init__(
        self,
        store: NewcomerStore,
        passwords: PasswordKeeper,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now

    def check(self, email: str) -> None:
        """Raise `InvalidEmail` for what `admit` would refuse."""
        checked_email(email)

    def can_check(self, password_hash: str) -> bool:
        """Tell whether that form of password is understood."""
        return is_known(password_hash)

    def admit(
        self,
        site_id: str,
        email: str,
        *,
        name: str,
        role: str,
        password_hash: str | None,
        disabled: bool,
        created_at: datetime | None,
    ) -> tuple[str, bool]:
        """Return the id of who has `email`, and whether they are new; known ones stay as they are.

        Whoever has no `password_hash` gets a password that nobody knows. The role is of the site
        only, and nobody becomes a superuser. Raise `InvalidEmail`.
        """
        known_as = checked_email(email)
        known = self._store.user_by_email(known_as)
        if known is not None:
            return known.id, False
        user = User(
            id=new_id(),
            email=known_as,
            name=name[:LONGEST_NAME],
            password_hash=password_hash or self._passwords.hash(made_password()),
            password_is_own=False,  # who has seen it there, nobody here knows
            roles={site_id: Role(role)},
            superuser=False,
            disabled=disabled,
            session_epoch=0,
            token_epoch=0,
            created_at=created_at or self._now(),
            changed_at=self._now(),
        )
        try:
            self._store.add_user(user)
        except EmailTaken:  # in this very moment
            known = self._store.user_by_email(known_as)
            return (known or user).id, False
        return user.id, True
