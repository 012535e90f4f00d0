"""The jobs that send messages from the outbox: email, webhooks, purges and alerts."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from avenue.accounts.account_emails import MAIL, MailOrder, Why
from avenue.accounts.recovery import RecoveryService
from avenue.app.services import Services
from avenue.audit.service import AuditService
from avenue.config import AlertChat, Settings, webhook_key
from avenue.errors import AvenueError, required
from avenue.health.alerts.channels.service import ReceiverService, chat_receiver
from avenue.health.alerts.messages import alerts_of, email_about, emails_about_alerts, push_about
from avenue.health.facts.work import BROWSERS, OWN_WEBHOOKS, TELL, TELL_SITES
from avenue.jobs.runner import Handler, RunningJob
from avenue.mail.errors import MailRefused, MailUnavailable
from avenue.mail.models import Email
from avenue.mail.relay import Relay
from avenue.media.announcing.models import PURGES, WEBHOOKS
from avenue.media.announcing.presenting import events_of, purged_urls, purges_of
from avenue.notifications.cdns import purge as purge_cdn
from avenue.notifications.chats import post_to
from avenue.notifications.errors import Refused
from avenue.notifications.models import TO_PEOPLE, Message
from avenue.notifications.service import (
    LONGEST_DELAY_SECONDS,
    Deliverer,
    Send,
    WebhookSender,
    check_answer,
    json_of,
)
from avenue.notifications.store import OutboxStore
from avenue.outside.posting import Poster
from avenue.sealing import SecretLost
from avenue.storage.connection import Database
from avenue.storage.sites import Sites
from avenue.webhooks import standard
from avenue.webhooks.errors import NotDelivered
from avenue.webhooks.standard import SignedPost

MOST_PURGES = 100
MOST_SINGLE_PURGES = 4
"""Purges per run if an API takes one URL in a call: a picture has a hundred, and all must fit into
a lease.
"""
SOON_SECONDS = 60.0
"""Longest pause between attempts for receivers that should hear soon after an outage."""
MAIL_SECONDS = 15 * 60.0
MOST_RECEIVERS = 50
"""Webhooks of sites, and push services, in one run; the rest follows in the next."""
GONE = frozenset({404, 410})
"""Answers of a push service if the subscription no longer exists (RFC 8030)."""

log = logging.getLogger(__name__)


class EmailSender:
    """Writes emails to people and operators, passes them to the mail server, and records them."""

    def __init__(
        self,
        relay: Relay,
        recovery: RecoveryService,
        alerts: Callable[[Message], Email | None],
        sites: Sites,
        audit: AuditService,
    ) -> None:
        self._relay = relay
        self._recovery = recovery
        self._alerts = alerts
        self._sites = sites
        self._audit = audit

    def __call__(self, messages: Sequence[Message]) -> None:
        """Send emails; raise `Refused`, and `MailUnavailable` if the server is unreachable."""
        for each in messages:
            email = required(self._written(each), Refused(None, is_final=True))
            try:
                self._relay.send(email)
            except MailRefused as error:
                log.warning("An email (%s, %s) was refused: %s", each.kind, each.id, error.message)
                raise Refused(error.code, is_final=True) from None
            except MailUnavailable as error:
                if "smtp_code" in error.facts:  # perhaps only this message is refused
                    raise Refused(error.code) from None
                raise
            if each.kind.startswith(TO_PEOPLE):
                self._audit.record_job(
                    each.site,
                    "user.letter_sent",
                    str(each.to),
                    job_id=each.id,
                    job_kind=MAIL,
                    details={"why": each.kind.removeprefix(TO_PEOPLE)},
                )

    def _written(self, message: Message) -> Email | None:
        if not message.kind.startswith(TO_PEOPLE):
            return self._alerts(message)
        why = Why(message.kind.removeprefix(TO_PEOPLE))
        order = MailOrder(why=why, user=message.to, language=message.content["language"])
        return self._recovery.email(self._sites.named(message.site), order, order_id=message.id)


def signed_post(url: str, secret: str) -> SignedPost:
    """Return a poster that signs messages to the program at `url`."""
    return SignedPost(poster=Poster(url), key=webhook_key(secret) or b"")


def message_jobs(services: Services) -> dict[str, Handler]:
    """Return the jobs that send messages, for all configured receivers."""
    settings, database, sites = services.settings, services.database, services.sites
    jobs: dict[str, Handler] = {}
    if settings.smtp_url:
        sender = email_sender(services)
        jobs[MAIL] = _job(database, MAIL, sender, MAIL_SECONDS)
    if settings.webhook_url:
        post = signed_post(settings.webhook_url, settings.webhook_secret)
        events = WebhookSender(post, partial(events_of, site_of=sites.by_id))
        jobs[WEBHOOKS] = _job(database, WEBHOOKS, events, LONGEST_DELAY_SECONDS)
    if told := dict(_alert_receivers(settings, sites)):
        each_one = [_job(database, name, send, SOON_SECONDS) for name, send in told.items()]
        jobs[TELL] = partial(_run_each, each_one)
    jobs[TELL_SITES] = partial(_tell_sites, services)
    if settings.purges_caches:
        jobs[PURGES] = partial(_purge, services)
    return jobs


def _alert_receivers(settings: Settings, sites: Sites) -> Iterator[tuple[str, Send]]:
    """Yield the receivers of alerts by name, except those by email."""
    if settings.alert_url:
        post = signed_post(settings.alert_url, settings.alert_secret)
        yield TELL, WebhookSender(post, alerts_of)
    for number, chat in enumerate(settings.chats):
        yield chat_receiver(number, chat), partial(_post, chat, sites, settings.base_url)


def _post(chat: AlertChat, sites: Sites, deployment_url: str, messages: Sequence[Message]) -> None:
    for each in messages:
        try:
            status = post_to(chat, email_about(each, sites.named, deployment_url).text)
        except AvenueError as error:
            raise NotDelivered(reason=error.code) from None
        check_answer(status)


def _tell_sites(services: Services, job: RunningJob) -> Mapping[str, int]:
    """Send messages to sites' webhooks and to browsers; ignore unreachable ones."""
    receivers = services.receivers
    push = partial(_push, receivers, services.sites, services.settings.base_url)
    counts: Counter[str] = Counter(delivered=0, refused=0)
    for name in services.outbox.waited_for((OWN_WEBHOOKS, BROWSERS), MOST_RECEIVERS):
        of_site = partial(_post_to_site, receivers, name.removeprefix(OWN_WEBHOOKS))
        send = push if name.startswith(BROWSERS) else of_site
        with suppress(NotDelivered):  # recorded, and retried
            counts.update(_job(services.database, name, send, MAIL_SECONDS)(job) or {})
    return counts


def _post_to_site(receivers: ReceiverService, site: str, messages: Sequence[Message]) -> None:
    """Post alerts to the current webhook of a site."""
    with _lost_secrets():
        webhook = receivers.webhook_of(site)
    if webhook is None:
        raise Refused(None, is_final=True)
    url, secret = webhook
    post = SignedPost(poster=poster_of_client(url), key=webhook_key(secret) or b"")
    WebhookSender(post, alerts_of)(messages)


def _push(
    receivers: ReceiverService, sites: Sites, deployment_url: str, messages: Sequence[Message]
) -> None:
    """Send push messages; subscriptions that the push service no longer knows are deleted."""
    for each in messages:
        with _lost_secrets():
            browser = receivers.subscription_of(each)
        if browser is None:
            raise Refused(None, is_final=True)
        told = json_of(push_about(each, sites.named, deployment_url))
        pushed = receivers.browsers.key.pushed(browser, told)
        try:
            status = poster_of_client(browser.endpoint).post(pushed.body, pushed.headers)
        except AvenueError as error:
            raise NotDelivered(reason=error.code) from None
        if status in GONE:
            receivers.browsers.remove(each.to or "")
            raise Refused("unsubscribed", is_final=True)
        check_answer(status)


@contextmanager
def _lost_secrets() -> Iterator[None]:
    """Skip receivers whose secrets cannot be decrypted with this SECRET_KEY."""
    try:
        yield
    except SecretLost as error:
        raise Refused(error.code, is_final=True) from None


def poster_of_client(url: str) -> Poster:
    """Return a poster for a URL given by a client: public addresses only."""
    return Poster(url, is_theirs=True)


def _run_each(handlers: Sequence[Handler], job: RunningJob) -> Mapping[str, int]:
    """Run all handlers, even if some fail; then raise the first error."""
    counts: Counter[str] = Counter()
    failed: AvenueError | None = None
    for each in handlers:
        try:
            counts.update(each(job))
        except AvenueError as error:
            failed = error
    if failed:
        raise failed
    return counts


def _purge(services: Services, job: RunningJob) -> Mapping[str, int]:
    settings, sites = services.settings, services.sites
    told = Counter(urls=0)

    def send(messages: Sequence[Message]) -> None:
        for edge in settings.purge_targets:
            urls = purged_urls(messages, sites.by_id)
            purge_cdn(edge, urls)
            told["urls"] += len(urls)
        if settings.purge_url:
            bodies = partial(purges_of, site_of=sites.by_id, told=told)
            WebhookSender(purge_post(settings), bodies, busy=range(1000))(messages)

    at_once = MOST_SINGLE_PURGES if settings.purge_targets else MOST_PURGES
    _job(services.database, PURGES, send, SOON_SECONDS, at_once)(job)
    return told


def _job(
    database: Database, receiver: str, send: Send, seconds: float, at_once: int = 1
) -> Handler:
    store = OutboxStore(database)
    deliverer = Deliverer(store, receiver, send, at_once=at_once, longest_delay_seconds=seconds)

    def run(job: RunningJob) -> Mapping[str, int]:
        return deliverer.deliver(job.save)

    return run


def purge_post(settings: Settings) -> SignedPost:
    """Return a poster to AVENUE_PURGE_URL, which may be a private address."""
    poster = Poster(settings.purge_url, is_ours=True)
    return SignedPost(poster=poster, key=settings.purge_secret.encode(), sign=standard.of_purges)


def email_sender(services: Services) -> EmailSender:
    """Return the sender of emails; only if there is a mail server."""
    settings, sites = services.settings, services.sites
    return EmailSender(
        Relay.of(settings.smtp_url, settings.mail_from),
        services.recovery,
        emails_about_alerts(
            sites.named,
            deployment_url=settings.base_url,
            emails=settings.alert_emails,
            person_of=services.receivers.person_of,
        ),
        sites,
        services.audit,
    )
