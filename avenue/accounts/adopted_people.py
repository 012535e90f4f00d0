"""People from another application: they keep their password; existing people stay unchanged."""

from collections.abc import Callable
from datetime import datetime

from avenue.accounts.email_addresses import checked_email
from avenue.accounts.errors import EmailTaken
from avenue.accounts.models import User
from avenue.accounts.old_hashes import is_known
from avenue.accounts.passwords import Passwords, made_password
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.bodies import LONGEST_NAME
from avenue.clock import utc_now
from avenue.identity import Role, new_id


class AdoptedAccounts:
    """The people of the deployment, for imports."""

    def __init__(
        self,
        store: MongoAccountStore,
        passwords: Passwords,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._now = now

    def check(self, email: str) -> None:
        """Raise `InvalidEmail` if `add_adopted` would."""
        checked_email(email)

    def can_check(self, password_hash: str) -> bool:
        """Return whether this form of password hash is supported."""
        return is_known(password_hash)

    def add_adopted(
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
        """Return the id of the person with `email`, and whether they are new.

        Existing ones stay unchanged.

        A person without `password_hash` gets a random password that no one knows. The role is on
        this site only, and no one becomes a superuser. Raise `InvalidEmail`.
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
            password_is_own=False,  # who has seen it there is unknown
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
        except EmailTaken:  # added at this very moment
            known = self._store.user_by_email(known_as)
            return (known or user).id, False
        return user.id, True
