"""Letters in the background: what waits in the queue, and who writes and sends it."""

import logging
from collections.abc import Mapping
from typing import Any

from avenue.accounts.letters import MailOrder, Why
from avenue.accounts.recovery import RecoveryService
from avenue.audit.service import AuditService
from avenue.jobs.runner import RunningJob
from avenue.jobs.service import JobService
from avenue.mail.errors import MailRefused
from avenue.mail.relay import Relay
from avenue.storage.sites import Sites

MAIL = "mail"

log = logging.getLogger(__name__)


class QueuedLetters:
    """Puts letters into the queue of jobs. A job holds no address and no link; see `recovery`."""

    def __init__(self, jobs: JobService) -> None:
        self._jobs = jobs

    def put(self, site_id: str, order: MailOrder, *, key: str) -> None:
        """Have a letter sent soon; one that waits already under this `key` is enough."""
        args = {"why": order.why.value, "user": order.user, "language": order.language}
        self._jobs.enqueue(MAIL, args, site=site_id, key=key)


class LetterWorker:
    """Writes and sends a letter; when the mail server is away, the job is tried again later."""

    def __init__(
        self, recovery: RecoveryService, relay: Relay, sites: Sites, audit: AuditService
    ) -> None:
        self._recovery = recovery
        self._relay = relay
        self._sites = sites
        self._audit = audit

    def send(self, job: RunningJob) -> Mapping[str, Any]:
        """Do one job; raise `MailUnavailable` to be called again."""
        site = self._sites.named(str(job.site))
        order = MailOrder(
            why=Why(job.args["why"]), user=job.args["user"], language=job.args["language"]
        )
        letter = self._recovery.letter(site, order, order_id=job.id)
        if letter is None:
            return {"sent": False}
        try:
            self._relay.send(letter)
        except MailRefused as error:
            log.warning("A letter to user %s was refused: %s", order.user, error.message)
            return {"sent": False}
        self._audit.record_job(
            site.id,
            "user.letter_sent",
            str(order.user),
            job_id=job.id,
            job_kind=MAIL,
            details={"why": order.why.value},
        )
        return {"sent": True}
