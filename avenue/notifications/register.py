"""The register of emails: their recipients and results."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace

from avenue.cursors import cursor, read_cursor
from avenue.identity import Actor, Role
from avenue.notifications.models import MailPage
from avenue.notifications.store import OutboxStore


class MailRegister:
    """The emails of a site; `emails_of` returns the addresses of users by id."""

    def __init__(
        self, store: OutboxStore, emails_of: Callable[[Collection[str]], Mapping[str, str]]
    ) -> None:
        self._store = store
        self._emails_of = emails_of

    def list(self, actor: Actor, *, after: str | None = None, limit: int) -> MailPage:
        """Return emails, newest first; `after` is the `next` of the previous page.

        Addresses are only for administrators. Raise `BadCursor`, `Forbidden`.
        """
        actor.must_have(Role.OPS)
        found = self._store.mails(actor.site.id, read_cursor(after), limit + 1)
        items = found[:limit]
        people = {each.to for each in items if each.to} if actor.is_admin else set()
        emails = self._emails_of(people) if people else {}
        return MailPage(
            items=tuple(replace(each, email=emails.get(each.to or "")) for each in items),
            next=cursor(items[-1].created_at, items[-1].id) if len(found) > limit else None,
        )
