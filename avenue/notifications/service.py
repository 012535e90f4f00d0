"""Sends messages, each until its receiver has accepted it or it expires.

A message is sent at least once, and never again once its acceptance is stored. A process may be
killed between the response and storing it, so a receiver may see the same id twice and should
ignore the second message.
"""

import json
import logging
import random
import time
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from avenue.errors import AvenueError
from avenue.notifications.errors import Refused
from avenue.notifications.models import Message
from avenue.notifications.store import OutboxStore
from avenue.storage.records import UNREADABLE
from avenue.webhooks.errors import NotDelivered
from avenue.webhooks.standard import SignedPost

EVERY_SECONDS = 5
RUN_SECONDS = 10.0
"""How long a run starts further messages: other jobs wait meanwhile."""
LEASE_SECONDS = 60.0
"""Longer than any attempt takes."""
FIRST_DELAY_SECONDS = 10.0
DELAY_GROWTH = 3.0
LONGEST_DELAY_SECONDS = 8 * 3600.0
JITTER = 0.25
BUSY = frozenset({429, 502, 503, 504})
"""Statuses that concern the receiver and not the message."""

Send = Callable[[Sequence[Message]], None]
"""Sends messages; they were accepted when it returns.

It raises `Refused` for these alone, and any other `AvenueError` if the receiver is unreachable.
"""
Saving = Callable[..., None]
"""Saves the number of messages `done`."""

log = logging.getLogger(__name__)


class Deliverer:
    """Sends messages to one receiver, in no guaranteed order."""

    def __init__(
        self,
        store: OutboxStore,
        receiver: str,
        send: Send,
        *,
        at_once: int = 1,
        longest_delay_seconds: float = LONGEST_DELAY_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`at_once` is how many messages of a site are sent together."""
        self._store = store
        self._receiver = receiver
        self._send = send
        self._at_once = at_once
        self._longest_delay_seconds = longest_delay_seconds
        self._clock = clock
        self._jitter = jitter

    def deliver(self, save: Saving) -> dict[str, int]:
        """Send due messages for about `RUN_SECONDS`; return the numbers accepted and refused.

        Raise the error of an unreachable or busy receiver: the others need not be tried then.
        """
        ends_at = self._clock() + RUN_SECONDS
        counts, accepted = {"delivered": 0, "refused": 0}, False
        while self._clock() < ends_at and (
            messages := self._store.take(self._receiver, LEASE_SECONDS, self._at_once)
        ):
            accepted = self._hand_over(messages)
            counts["delivered" if accepted else "refused"] += len(messages)
            save(done=counts["delivered"])
        if accepted:
            self._store.succeeded(self._receiver)
        return counts

    def _hand_over(self, messages: Sequence[Message]) -> bool:
        """Send messages and store the result; return whether they were accepted."""
        try:
            self._send(messages)
        except Refused as refused:
            if refused.is_final:
                self._store.dropped(messages, refused.reason)
            else:
                self._postpone(messages, refused.reason or "refused")
            return False
        except AvenueError as error:
            status = error.facts.get("http_status")
            self._postpone(messages, f"http_{status}" if status else error.code)
            raise
        except UNREADABLE:
            log.exception("The message %s cannot be sent as it is.", messages[0].id)
            self._postpone(messages, "unreadable")
            return False
        self._store.delivered(messages)
        return True

    def _postpone(self, messages: Sequence[Message], reason: str) -> None:
        self._store.failed(self._receiver, reason)
        self._store.postpone(messages, reason, self._delay_seconds(messages[0]))

    def _delay_seconds(self, message: Message) -> float:
        grown = FIRST_DELAY_SECONDS * DELAY_GROWTH ** min(message.attempts - 1, 20)
        return min(grown, self._longest_delay_seconds) * self._jitter(1 - JITTER, 1 + JITTER)


class WebhookSender:
    """Posts signed messages; `bodies_of` returns the bodies, each with its id.

    A status in `busy` means that the receiver must not be called for a while.
    """

    def __init__(
        self,
        receiver: SignedPost,
        bodies_of: Callable[[Sequence[Message]], Iterable[tuple[str, bytes]]],
        *,
        busy: Container[int] = BUSY,
    ) -> None:
        self._receiver = receiver
        self._bodies_of = bodies_of
        self._busy = busy

    def __call__(self, messages: Sequence[Message]) -> None:
        """Send messages; see `Send`."""
        for message_id, body in self._bodies_of(messages):
            try:
                status = self._receiver.send(message_id, body)
            except AvenueError as error:
                raise NotDelivered(reason=error.code) from None
            check_answer(status, self._busy)


def check_answer(status: int, busy: Container[int] = BUSY) -> None:
    """Raise `NotDelivered` or `Refused` unless the status means that a message was accepted."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status in busy:
        raise NotDelivered(http_status=status)
    raise Refused(f"http_{status}")


def json_of(told: Mapping[str, Any]) -> bytes:
    """Return the body of a message."""
    return json.dumps(told, separators=(",", ":")).encode()
