"""Messages about alerts: JSON for programs, emails for people."""

from collections.abc import Callable, Iterable, Iterator
from email.utils import parseaddr

from avenue.accounts.models import User
from avenue.clock import iso
from avenue.health.alerts.models import TEST, Alert, News
from avenue.health.alerts.store import notice_of
from avenue.health.alerts.texts import PAGE, alert_email, headline, test_email
from avenue.identity import DEFAULT_SITE, Site, address_key, is_id
from avenue.mail.models import Email
from avenue.notifications.models import Message
from avenue.notifications.service import json_of
from avenue.web.fields import facts_of
from avenue.web.language import catalogue


def emails_about_alerts(
    site_of: Callable[[str], Site],
    *,
    deployment_url: str,
    emails: Iterable[str],
    person_of: Callable[[Message], User | None],
) -> Callable[[Message], Email | None]:
    """Return a function that returns the email of a message, None if the recipient is gone.

    `emails` are the addresses of the operators, `person_of` returns a user. Links lead to the
    site of the receiver; for users with rights beyond that site they lead to the deployment's own
    address, because the hosts of a site may be controlled by others.
    """
    addresses = {address_key(each): parseaddr(each)[1] for each in emails}

    def email(message: Message) -> Email | None:
        to, base_url = message.to or "", deployment_url
        address = addresses.get(to)
        if is_id(to):
            person = person_of(message)
            address = person.email if person else None
            if person and message.site != DEFAULT_SITE and not person.reaches_beyond(message.site):
                base_url = site_of(message.site).base_url
        if address is None:
            return None
        return email_about(message, site_of, base_url, to=address)

    return email


def email_about(
    message: Message, site_of: Callable[[str], Site], base_url: str, *, to: str = ""
) -> Email:
    """Return the email about an alert, in the language of its site; chats get its text.

    Its link begins with `base_url`.
    """
    if message.kind == TEST:
        return test_email(site_of(message.site), to, base_url)
    notice = notice_of(message)
    return alert_email(notice, site_of(notice.alert.site or DEFAULT_SITE), to, base_url)


def push_about(
    message: Message, site_of: Callable[[str], Site], deployment_url: str
) -> dict[str, object]:
    """Return a push notification: a title, what to do, and the page it opens.

    News of an alert replace earlier news of it.
    """
    email = email_about(message, site_of, deployment_url)
    told: dict[str, object] = {
        "title": email.subject,
        "body": "",
        "path": f"{PAGE}/alerts",
        "tag": message.kind,
    }
    if message.kind == TEST:
        return {**told, "tag": TEST}
    notice = notice_of(message)
    if notice.news is not News.RECOVERED:
        language = site_of(notice.alert.site or DEFAULT_SITE).language
        told["body"] = catalogue(language).gettext(notice.alert.action)
    return {**told, "tag": notice.alert.id}


def alerts_of(messages: Iterable[Message]) -> Iterator[tuple[str, bytes]]:
    """Yield id and body of webhook requests; the same for the same message."""
    for each in messages:
        facts = {} if each.kind == TEST else alert_facts(notice_of(each).alert)
        told = {"type": each.kind, "timestamp": iso(each.content["at"]), "data": facts}
        yield each.id, json_of(told)


def alert_facts(alert: Alert) -> dict[str, object]:
    """Return an alert as JSON for programs; its texts are English."""
    facts = facts_of(alert)
    del facts["acknowledged_at"], facts["acknowledged_by"]
    return {**facts, "headline": headline(alert, str, "en")}
