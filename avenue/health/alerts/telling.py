"""Tells one notice on its channel; what could not be told is told by a later try."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parseaddr
from http import HTTPStatus
from typing import Any

from avenue.clock import iso, utc_now
from avenue.health.alerts.letters import alert_letter
from avenue.health.alerts.models import Alert, Channel, Notice
from avenue.health.alerts.store import MongoAlertStore
from avenue.health.alerts.texts import headline
from avenue.identity import HOUSE, Site
from avenue.jobs.runner import RunningJob
from avenue.mail.errors import MailRefused, MailUnavailable
from avenue.mail.relay import Relay
from avenue.web.fields import facts_of
from avenue.webhooks.errors import NotDelivered
from avenue.webhooks.standard import SignedPost

NEWS_FOR = timedelta(hours=24)
"""What could not be told for so long is news no more; a reminder, or the end of it, follows."""

log = logging.getLogger(__name__)


class Teller:
    """Does the jobs that tell alerts; without `emails` or `receiver` nobody is told that way.

    Every receiver of a notice is noted as soon as it knows, so that another try leaves it alone;
    only a process that is killed just then tells twice. A message carries the id of its notice.
    """

    def __init__(
        self,
        store: MongoAlertStore,
        site_of: Callable[[str], Site],
        *,
        house_url: str,
        emails: tuple[str, ...],
        relay: Relay,
        receiver: SignedPost | None,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._site_of = site_of
        self._house_url = house_url
        self._emails = emails
        self._relay = relay
        self._receiver = receiver
        self._now = now

    def tell(self, job: RunningJob) -> Mapping[str, Any]:
        """Do one job; raise what the mail server or the receiver raise, to be called again."""
        notice = self._store.notice(job.args["alert"], job.args["notice"])
        if notice is None:
            return {"told": False}
        is_news = self._now() - notice.at <= NEWS_FOR
        if not is_news:
            log.error("Alert %s could not be told by %s.", notice.alert.id, notice.channel)
        elif notice.channel is Channel.MAIL:
            self._write(notice)
        elif self._receiver is not None:
            self._hand_over(notice, self._receiver)
        self._store.settle(notice)
        return {"told": is_news, "channel": notice.channel.value}

    def _hand_over(self, notice: Notice, receiver: SignedPost) -> None:
        body = json.dumps(message(notice), separators=(",", ":")).encode()
        status = receiver.send(notice.id, body)
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotDelivered(http_status=status)

    def _write(self, notice: Notice) -> None:
        site, trouble = self._site_of(notice.alert.site or HOUSE), None
        for address in self._emails:
            receiver = hashlib.sha256(address.encode()).hexdigest()[:16]
            if receiver in notice.told:
                continue
            try:
                to = parseaddr(address)[1]
                self._relay.send(alert_letter(notice, site, to, self._house_url))
            except MailUnavailable as error:  # maybe of this address only
                trouble = error
                continue
            except MailRefused as error:
                log.warning("A letter about alert %s was refused: %s", notice.alert.id, error)
            self._store.told(notice, receiver)
        if trouble is not None:
            raise trouble


def message(notice: Notice) -> dict[str, object]:
    """Return what a webhook is told; the same each time the same notice is."""
    return {
        "type": f"alert.{notice.news}",
        "timestamp": iso(notice.at),
        "data": alert_facts(notice.alert),
    }


def alert_facts(alert: Alert) -> dict[str, object]:
    """Return an alert as programs read it; the sentences are English."""
    facts = facts_of(alert)
    del facts["acknowledged_at"], facts["acknowledged_by"]
    return {**facts, "headline": headline(alert, str, "en")}
