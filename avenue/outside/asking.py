"""Client of the APIs of services that operators of the deployment have configured.

A host whose name is that of a private network is allowed; the addresses of all others are checked
each time. Redirects are not followed, so that no other server gets the credentials.
"""

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from avenue.outside.dialling import HEAD_SECONDS, Dialler, TimeBudget
from avenue.outside.errors import (
    FetchFailed,
    FetchTooSlow,
    RateLimited,
    TooLargeToFetch,
)
from avenue.outside.pauses import LIMITING, pause_of
from avenue.outside.posting import DIALLER, connected_as_meant
from avenue.outside.urls import target_of

SECONDS, IDLE_SECONDS = 120.0, 20.0
MOST_JSON_BYTES = 32 * 1024 * 1024
MOST_ERROR_BYTES = 64 * 1024
BLOCK_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A successful response; `blocks` yields the body as it arrives."""

    blocks: Iterator[bytes]


def status_as_it_is(status: int, _: bytes) -> int:
    """Return the status; some services have another one in the body."""
    return status


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Sends requests below `base_url`; `headers` are sent each time, and in no text of this object.

    A response may take `seconds` in total, its head `head_seconds`, and JSON may have
    `most_json_bytes`. `status_of` returns the meaning of an unsuccessful response. `is_ours`: any
    address of the host is allowed.
    """

    base_url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    status_of: Callable[[int, bytes], int] = status_as_it_is
    dialler: Dialler = DIALLER
    is_ours: bool = False
    seconds: float = SECONDS
    head_seconds: float = HEAD_SECONDS
    most_json_bytes: int = MOST_JSON_BYTES

    def json(self, path: str, body: object = None) -> Any:
        """Return the JSON response to a GET, or to a POST of `body`; raise as `asked`.

        Bytes are sent as they are, with their type in the `headers`; everything else as JSON.
        """
        with self.asked(path, body) as answer:
            read, length = [], 0
            for block in answer.blocks:
                length += len(block)
                if length > self.most_json_bytes:
                    raise TooLargeToFetch(self.most_json_bytes)
                read.append(block)
        try:
            return json.loads(b"".join(read))
        except (ValueError, RecursionError):
            raise FetchFailed from None

    @contextmanager
    def asked(self, path: str, body: object = None) -> Iterator[Answer]:
        """Send a request and yield the successful response.

        Raise `RateLimited`, `FetchFailed` with the `http_status`, `FetchTooSlow`,
        `AddressNotAllowed`. The texts of libraries contain addresses, so none is passed on.
        """
        try:
            with ExitStack() as open_things:
                yield self._answer(path, body, open_things)
        except TimeoutError:
            raise FetchTooSlow from None
        except (OSError, http.client.HTTPException, ValueError):
            raise FetchFailed from None

    def _answer(self, path: str, body: object, open_things: ExitStack) -> Answer:
        target = target_of(self.base_url + path, any_port=True)
        budget = TimeBudget(self.seconds, max(IDLE_SECONDS, self.head_seconds))
        connection = connected_as_meant(
            target, budget, open_things, self.dialler, is_ours=self.is_ours
        )
        budget.stage(self.head_seconds)
        headers = {"User-Agent": "Avenue", "Connection": "close", **self.headers}
        sent = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if sent is not None:
            headers.setdefault("Content-Type", "application/json")
        connection.request("GET" if sent is None else "POST", target.path, sent, headers)
        answer = connection.getresponse()
        if answer.status != HTTPStatus.OK:
            status = self.status_of(answer.status, answer.read(MOST_ERROR_BYTES))
            if status in LIMITING:
                raise RateLimited(pause_of(answer.headers), http_status=status)
            raise FetchFailed(http_status=status)
        budget.stage(None)
        return Answer(blocks=_blocks(answer))


def _blocks(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    while block := answer.read(BLOCK_BYTES):
        yield block
    if answer.length:  # the body is shorter than announced
        raise FetchFailed
