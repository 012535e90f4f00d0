"""What is told of an alert: to programs by JSON, to people by letter."""

from collections.abc import Callable, Iterable, Iterator
from email.utils import parseaddr

from avenue.clock import iso
from avenue.health.alerts.letters import alert_letter
from avenue.health.alerts.models import Alert
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
        notice = notice_of(message)
        return alert_letter(notice, site_of(notice.alert.site or HOUSE), address, house_url)

    return letter


def alerts_of(messages: Iterable[Message]) -> Iterator[tuple[str, bytes]]:
    """Yield id and body of what a webhook is told; the same each time the same message is."""
    for each in messages:
        notice = notice_of(each)
        facts = alert_facts(notice.alert)
        yield each.id, json_of({"type": each.kind, "timestamp": iso(notice.at), "data": facts})


def alert_facts(alert: Alert) -> dict[str, object]:
    """Return an alert as programs read it; the sentences are English."""
    facts = facts_of(alert)
    del facts["acknowledged_at"], facts["acknowledged_by"]
    return {**facts, "headline": headline(alert, str, "en")}
