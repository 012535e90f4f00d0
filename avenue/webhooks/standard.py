"""Signs messages according to Standard Webhooks 1.0.0, for which receivers have libraries.

The signature covers the id, the time of sending and the exact bytes of the body: none of them can
be changed, and an old message cannot be replayed (standardwebhooks.com). Purges keep their earlier
header; nothing new uses it.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

USER_AGENT = "Avenue"
ID = "webhook-id"
TIMESTAMP = "webhook-timestamp"
SIGNATURE = "webhook-signature"


class Post(Protocol):
    """Sends bytes."""

    def post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status of the answer, or raise when there is none."""


Sign = Callable[[bytes, str, int, bytes], Mapping[str, str]]
"""Returns the headers of a message, from the key, its id, the time and its body."""


def standard(key: bytes, message_id: str, sent_at: int, body: bytes) -> Mapping[str, str]:
    """Sign according to Standard Webhooks."""
    value = signature(key, message_id, sent_at, body)
    return {ID: message_id, TIMESTAMP: str(sent_at), SIGNATURE: value}


def of_purges(key: bytes, _message_id: str, sent_at: int, body: bytes) -> Mapping[str, str]:
    """Sign like purges always were: `t=<seconds since 1970>,v1=<hex>` over time and body."""
    digest = hmac.new(key, f"{sent_at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"Avenue-Signature": f"t={sent_at},v1={digest}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedPost:
    """Posts messages signed with `key`, which appears nowhere."""

    poster: Post
    key: bytes = field(repr=False)
    sign: Sign = standard
    now: Callable[[], float] = time.time

    def send(self, message_id: str, body: bytes) -> int:
        """Post JSON under an id that has no dot in it; return and raise as `Post`."""
        signed = self.sign(self.key, message_id, int(self.now()), body)
        headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT, **signed}
        return self.poster.post(body, headers)


def signature(key: bytes, message_id: str, sent_at: int, body: bytes) -> str:
    """Return the value of the signature's header: `v1,<base64>`."""
    signed = f"{message_id}.{sent_at}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
