"""Sends what is to be told, each event until the receiver has accepted it or three days are over.

An event is sent at least once, and after a 2xx that was noted never again. A process may be killed
between the answer and the note, so a receiver may see the same id twice and takes the first.
"""

import random
import time
from collections.abc import Callable
from http import HTTPStatus

from avenue.errors import AvenueError
from avenue.identity import Site
from avenue.media.outbox.models import Event, Undelivered
from avenue.media.outbox.presenting import body_of
from avenue.media.outbox.store import OutboxStore
from avenue.webhooks.errors import NotDelivered
from avenue.webhooks.standard import SignedPost

WEBHOOKS = "webhooks"
EVERY_SECONDS = 5
RUN_SECONDS = 10.0
"""How long one run goes on to begin another event: other jobs wait meanwhile."""
LEASE_SECONDS = 60.0
"""Longer than any sending takes."""
FIRST_DELAY_SECONDS = 10.0
DELAY_GROWTH = 3.0
LONGEST_DELAY_SECONDS = 8 * 3600.0
JITTER = 0.25
BUSY = frozenset({429, 502, 503, 504})
"""What says something of the receiver and nothing of the event."""


Saving = Callable[..., None]
"""Keeps how many events were `done`."""


class Outbox:
    """The events of all sites; what is undelivered is known to whoever runs the house."""

    def __init__(self, store: OutboxStore) -> None:
        self._store = store

    def undelivered(self) -> Undelivered:
        """Return how many events wait for their receiver, and how many were given up."""
        return self._store.undelivered()

    def retry(self) -> int:
        """Let everything that was given up be sent again, for three more days; return how many."""
        return self._store.revive()


class Deliverer:
    """Sends events to the one receiver of the house, in no order one may rely on."""

    def __init__(
        self,
        store: OutboxStore,
        site_of: Callable[[str], Site | None],
        receiver: SignedPost,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store = store
        self._site_of = site_of
        self._receiver = receiver
        self._clock = clock
        self._jitter = jitter

    def deliver(self, save: Saving) -> dict[str, int]:
        """Send what is due, for about `RUN_SECONDS`; return how many were accepted and refused.

        Raise `NotDelivered` when the receiver is away or busy: then the others need not be tried.
        """
        ends_at = self._clock() + RUN_SECONDS
        counts = {"delivered": 0, "refused": 0}
        while self._clock() < ends_at and (event := self._store.take(LEASE_SECONDS)):
            accepted = self._send(event)
            counts["delivered" if accepted else "refused"] += 1
            save(done=counts["delivered"])
        return counts

    def _send(self, event: Event) -> bool:
        """Send one event and note what became of it; tell whether it was accepted."""
        try:
            status = self._receiver.send(event.id, body_of(event, self._site_of(event.asset.site)))
        except AvenueError as error:
            self._store.postpone(event, error.code, self._delay_seconds(event))
            raise NotDelivered(reason=error.code) from None
        if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            self._store.delivered(event)
            return True
        self._store.postpone(event, f"http_{status}", self._delay_seconds(event))
        if status in BUSY:
            raise NotDelivered(http_status=status)
        return False

    def _delay_seconds(self, event: Event) -> float:
        grown = FIRST_DELAY_SECONDS * DELAY_GROWTH ** min(event.attempts - 1, 20)
        return min(grown, LONGEST_DELAY_SECONDS) * self._jitter(1 - JITTER, 1 + JITTER)
