"""A new password with a link in an email: for a forgotten password, and for invited people.

A queued message contains the id of a person and neither address nor link. The link is created when
the email is written, and only its hash is kept: another attempt creates another link. A link ends
when it is used, when it expires, and with any other change of the password.

People with rights beyond a site get a link to the default site at `PUBLIC_BASE_URL`: a site's own
hosts may be in other hands, and a password is valid everywhere.
"""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from avenue.accounts.account_emails import MailOrder, QueuedEmails, Why, added_email, reset_email
from avenue.accounts.email_addresses import normal_email
from avenue.accounts.errors import ResetLinkGone
from avenue.accounts.models import PasswordLink, User
from avenue.accounts.passwords import Passwords
from avenue.accounts.store.accounts import MongoAccountStore
from avenue.accounts.store.links import LinkStore
from avenue.accounts.tries import Tries, sha256
from avenue.clock import utc_now
from avenue.errors import NotFound
from avenue.identity import DEFAULT_SITE, Site
from avenue.mail.models import Email
from avenue.storage.rate_limits import RateLimits

SECRET_BYTES = 32
MOST_LINK_CHARACTERS = 64
GOOD_FOR = {
    Why.FORGOTTEN: timedelta(hours=1),
    Why.RESET: timedelta(hours=1),
    Why.INVITED: timedelta(days=3),  # no one waits for it
    Why.VOIDED: timedelta(days=3),
}
MOST_OPEN_LINKS = 3  # so no mailbox is flooded from many addresses


class NoMail(NotFound):
    """No mail server is configured."""

    message = "Email is not set up on this server."
    hint = "The server administrator sets AVENUE_SMTP_URL and AVENUE_MAIL_FROM."


class RecoveryService:
    """New passwords by email. Without an `outbox` no email is sent.

    `deployment_url` is the base of links for people with rights beyond a site.
    """

    def __init__(
        self,
        store: MongoAccountStore,
        links: LinkStore,
        passwords: Passwords,
        counter: RateLimits,
        outbox: QueuedEmails | None,
        *,
        deployment_url: str,
        tries_per_minute: int,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._links = links
        self._passwords = passwords
        self._tries = Tries(counter, "forgotten", per_minute=tries_per_minute)
        self._mark = counter.mark
        self._outbox = outbox
        self._deployment_url = deployment_url
        self._now = now

    @property
    def can_mail(self) -> bool:
        """Whether email can be sent at all."""
        return self._outbox is not None

    def ask(self, site: Site, email: str, *, address: str, language: str) -> None:
        """Send a link to the person with this email; takes the same time if there is none.

        People who only sign in with a provider get none: an administrator sends them one
        (`write_to`).

        `address` is the caller's IP address. Raise `TooManyRequests`, or `NoMail`.
        """
        known_as = normal_email(email)
        self._tries.count(known_as, address)
        user = self._store.user_by_email(known_as)
        # people whom the provider has removed must not get in by email
        if user and not user.has_password:
            user = None
        self._put(site, Why.FORGOTTEN, user, language, key=self._mark(known_as))

    def write_to(self, site: Site, user: User, why: Why) -> None:
        """Send a person an email in the language of the site. Raise `NoMail`."""
        self._put(site, why, user, site.language, key=f"{why} {user.id}")

    def email(self, site: Site, order: MailOrder, *, order_id: str) -> Email | None:
        """Return the ordered email with a new link; None when no one is to receive it.

        A repetition for the same `order_id` invalidates the earlier link.
        """
        user = self._store.user_by_id(order.user) if order.user else None
        if user is None or user.disabled or user.role_on(site.id) is None:
            return None
        base_url = self._deployment_url if user.reaches_beyond(site.id) else site.base_url
        if order.why is Why.ADDED:
            return added_email(site, user, order.language, base_url)
        now = self._now()
        is_asked = order.why is Why.FORGOTTEN
        open_links = self._links.count_links(user.id, good_at=now, but=order_id)
        if is_asked and open_links >= MOST_OPEN_LINKS:
            return None
        secret = secrets.token_urlsafe(SECRET_BYTES)
        link = PasswordLink(
            id=order_id,
            user=user.id,
            site=site.id,
            epoch=user.token_epoch,
            secret_sha256=sha256(secret),
            expires_at=now + GOOD_FOR[order.why],
        )
        self._links.put_link(link)
        return reset_email(site, user, order.why, order.language, base_url, secret)

    def person_of(self, site: Site, secret: str) -> User:
        """Return the person of this link; raise `ResetLinkGone`. This does not use the link up.

        The link of a person with rights beyond the site for which it was requested is valid on the
        default site only, even if they got these rights later.
        """
        is_ours = len(secret) <= MOST_LINK_CHARACTERS
        link = self._links.link_by_sha256(sha256(secret)) if is_ours else None
        if link is None or link.expires_at <= self._now():
            raise ResetLinkGone
        user = self._store.user_by_id(link.user)
        if user is None or user.disabled or user.token_epoch != link.epoch:
            raise ResetLinkGone
        place = DEFAULT_SITE if user.reaches_beyond(link.site) else link.site
        if site.id != place or user.role_on(link.site) is None:
            raise ResetLinkGone
        return user

    def set_password(self, site: Site, secret: str, new: str) -> User:
        """Set the password of the link's person; all sessions, tokens and links end.

        It is their own from then on, since the link was sent to their address. Of two simultaneous
        uses of a link, one succeeds. Raise `ResetLinkGone` or `WeakPassword`.
        """
        user = self.person_of(site, secret)
        self._passwords.check_new(new, email=user.email)
        password_hash = self._passwords.hash(new)
        under = user.token_epoch
        if not self._store.set_password(user.id, password_hash, is_own=True, under=under):
            raise ResetLinkGone
        self._links.remove_links(user.id)
        self._store.remove_tokens(user.id)
        return user

    def _put(self, site: Site, why: Why, user: User | None, language: str, *, key: str) -> None:
        if self._outbox is None:
            raise NoMail
        order = MailOrder(why=why, user=user.id if user else None, language=language)
        self._outbox.put(site.id, order, key=key)
