"""Emails to people about their account, in their language."""

import re
from dataclasses import dataclass
from enum import StrEnum

from avenue.accounts.models import User
from avenue.identity import Site
from avenue.mail.models import Email
from avenue.notifications.models import TO_PEOPLE, Channel, Draft
from avenue.notifications.store import OutboxStore
from avenue.web.language import catalogue

MAIL = "mail"
"""The receiver that stands for the mail server, and the job that sends."""

LINK = re.compile(r"[:/@\\]|\w\.\w")
"""Mail programs turn text that begins with this, or contains it, into a link."""


class Why(StrEnum):
    """The reason for an email."""

    FORGOTTEN = "forgotten"  # they have requested a new password
    RESET = "reset"  # an administrator asks them to choose one
    INVITED = "invited"  # they are new and have no password yet
    ADDED = "added"  # a known person got a role on another site
    VOIDED = "voided"  # likewise, and their password was not their own


@dataclass(frozen=True, slots=True, kw_only=True)
class MailOrder:
    """An email to be written: it contains the id of the person, so it can be stored for a while.

    `user` is None for an email that no person has: then nothing is sent.
    """

    why: Why
    user: str | None
    language: str


class QueuedEmails:
    """Puts emails into the outbox. A message contains no address and no link; see `recovery`."""

    def __init__(self, store: OutboxStore) -> None:
        self._store = store

    def put(self, site_id: str, order: MailOrder, *, key: str) -> None:
        """Queue an email; one that is already queued under this `key` is enough."""
        draft = Draft(
            channel=Channel.MAIL,
            receiver=MAIL,
            kind=f"{TO_PEOPLE}{order.why.value}",
            about=order.user,
            to=order.user,
            key=f"{MAIL}/{site_id}/{key}",
            content={"language": order.language},
        )
        self._store.put(site_id, draft)


def reset_email(
    site: Site, user: User, why: Why, language: str, base_url: str, secret: str
) -> Email:
    """Return the email with the link, below `base_url`, for choosing a password."""
    _ = catalogue(language).gettext
    place = {"site": _called(site, user)}
    match why:
        case Why.INVITED:
            subject = _("Your access to %(site)s") % place
            reason = _("You have been invited to work on %(site)s.") % place
            good_for = _("The link works once, for three days. After that, request a new one here:")
            good_for += f"\n{base_url}/login/forgotten"
        case Why.VOIDED:
            subject = _("Your access to %(site)s") % place
            reason = _(
                "You have been invited to work on %(site)s. Someone else may know your "
                "previous password, so it no longer works anywhere."
            )
            reason %= place
            good_for = _(
                "The link works once, for three days. After that, request a new one where "
                "you sign in."
            )
        case Why.RESET:
            subject = _("New password for %(site)s") % place
            reason = _("An administrator of %(site)s asked you to choose a new password.") % place
            good_for = _("The link works once, for an hour.")
        case _other:
            subject = _("New password for %(site)s") % place
            reason = _("Someone, hopefully you, asked for a new password for %(site)s.")
            reason %= place
            good_for = _(
                "The link works once, for an hour. If this was not you, you do not need to "
                "do anything: your password stays the same."
            )
    choose = _("Choose your password here:")
    link = f"{choose}\n{base_url}/login/reset/{secret}"
    return _email(user, subject, _("Hello,"), reason, link, good_for)


def added_email(site: Site, user: User, language: str, base_url: str) -> Email:
    """Return the email to a person who already has a password; they sign in at `base_url`."""
    _ = catalogue(language).gettext
    place = {"site": _called(site, user)}
    return _email(
        user,
        _("Your access to %(site)s") % place,
        _("Hello,"),
        _("You can now work on %(site)s. Sign in with this email and your current password:")
        % place
        + f"\n{base_url}/login",
    )


def _email(user: User, subject: str, *paragraphs: str) -> Email:
    return Email(to=user.email, subject=subject, text="\n\n".join(paragraphs) + "\n")


def _called(site: Site, user: User) -> str:
    """Return the site's name in an email to `user`, safe for a header.

    It is any text of the site's administrators: for people with rights beyond the site it must not
    become a link.
    """
    is_link = user.reaches_beyond(site.id) and LINK.search(site.name)
    return site.id if is_link else " ".join(site.name.split())
