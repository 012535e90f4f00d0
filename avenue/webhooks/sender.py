"""Hands a message to the program at a URL: JSON by POST, signed, never redirected.

The signature is over the moment of sending and the exact bytes of the body, so that neither can be
changed and an old message cannot be played again (HMAC: RFC 2104, with SHA-256).
"""

import hashlib
import hmac
import http.client
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from avenue.webhooks.errors import NotDelivered

SIGNATURE = "Avenue-Signature"
TIMEOUT_SECONDS = 10.0
USER_AGENT = "Avenue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Who is told. `url` is an operator's setting; both it and the `secret` appear nowhere."""

    url: str = field(repr=False)
    secret: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS
    now: Callable[[], float] = time.time

    def send(self, message: Mapping[str, object]) -> None:
        """Hand `message` over; it was accepted, with a 2xx, when this returns.

        Raise `NotDelivered` for everything else, a redirect too: where it leads nobody has
        agreed to. The same message may then have arrived, so it carries an id of its own.
        """
        body = json.dumps(message, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
            SIGNATURE: signature(self.secret, int(self.now()), body),
        }
        try:
            status = self._post(body, headers)
        # What the libraries say names the address, so none of it is passed on.
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise NotDelivered(kind=type(error).__name__) from None
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            raise NotDelivered(http_status=status)

    def _post(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Return the status the receiver answers with; its words are not read."""
        parts = urlsplit(self.url)
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        connection = kind(parts.hostname or "", parts.port, timeout=self.timeout_seconds)
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()


def signature(secret: str, sent_at: int, body: bytes) -> str:
    """Return the value of the signature's header: `t=<seconds since 1970>,v1=<hex>`."""
    signed = f"{sent_at}.".encode() + body
    return f"t={sent_at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"
