"""What is told of an alert: to programs by JSON, to people by letter."""

from collections.abc import Callable, Iterable, Iterator
from email.utils import parseaddr

from avenue.clock import iso
from avenue.health.alerts.letters import alert_letter, test_letter
from avenue.health.alerts.models import TEST, Alert
from avenue.health.alerts.store import notice_of
from avenue.health.alerts.texts import headline
from avenue.identity import HOUSE, Site, address_key
from avenue.mail.models import Letter
from avenue.notifications.models import Message
from avenue.notifications.service import json_of
from avenue.web.fields import facts_of


def letters_about_alerts(
    site_of: Callable[[str], Site], *, house_url: str, emails: Iterable[str]
) -> Callable[[Message], Letter | None]:
    """Return what writes to the operators whose addresses are `emails`, None to anybody else."""
    addresses = {address_key(each): parseaddr(each)[1] for each in emails}

    def letter(message: Message) -> Letter | None:
        address = addresses.get(message.to or "")
        if address is None:
            return None
        return letter_about(message, site_of, house_url, to=address)

    return letter


def letter_about(
    message: Message, site_of: Callable[[str], Site], house_url: str, *, to: str = ""
) -> Letter:
    """Return what people are told, in the language of the site it is about; chats get its text."""
    if message.kind == TEST:
        return test_letter(site_of(HOUSE), to, house_url)
    notice = notice_of(message)
    return alert_letter(notice, site_of(notice.alert.site or HOUSE), to, house_url)


def alerts_of(messages: Iterable[Message]) -> Iterator[tuple[str, bytes]]:
    """Yield id and body of what a webhook is told; the same each time the same message is."""
    for each in messages:
        facts = {} if each.kind == TEST else alert_facts(notice_of(each).alert)
        told = {"type": each.kind, "timestamp": iso(each.content["at"]), "data": facts}
        yield each.id, json_of(told)


def alert_facts(alert: Alert) -> dict[str, object]:
    """Return an alert as programs read it; the sentences are English."""
    facts = facts_of(alert)
    del facts["acknowledged_at"], facts["acknowledged_by"]
    return {**facts, "headline": headline(alert, str, "en")}
