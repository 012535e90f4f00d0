"""Posts messages to one URL and tells how it was answered.

A URL that an operator of the deployment has set may name a host of a private network. Every other
URL is checked each time: it must lead to public addresses, and no redirect is followed.
"""

import http.client
import socket
import ssl
from collections.abc import Mapping
from contextlib import ExitStack

from avenue.networks import is_trusted_host
from avenue.outside.dialling import HEAD_SECONDS, Dialler, GuardedConnection, TimeBudget, encrypted
from avenue.outside.errors import FetchersBusy, FetchTooSlow, NoAnswer
from avenue.outside.urls import Target, target_of

DIALLER = Dialler()


class Poster:
    """Posts to `url`, waiting at most `seconds` for a response, whose body is not read."""

    def __init__(
        self,
        url: str,
        *,
        seconds: float = HEAD_SECONDS,
        dialler: Dialler = DIALLER,
        is_ours: bool = False,
        is_theirs: bool = False,
    ) -> None:
        """`is_ours`: any address of the host is allowed; `is_theirs`: the URL is from a client.

        Then it must not name a private network, and must have a usual port.
        """
        self._url = url
        self._seconds = seconds
        self._dialler = dialler
        self._is_ours = is_ours
        self._is_theirs = is_theirs

    def post(self, body: bytes, headers: Mapping[str, str], method: str = "POST") -> int:
        """Return the status of the response to a POST, or another `method`.

        Raise `NoAnswer`, after which the message may have arrived all the same, and
        `AddressNotAllowed`.
        """
        target = target_of(self._url, any_port=not self._is_theirs)
        budget = TimeBudget(self._seconds, self._seconds)
        try:
            with ExitStack() as open_things:
                connection = (
                    self._dialler.connected(target, budget, open_things)
                    if self._is_theirs
                    else connected_as_meant(
                        target, budget, open_things, self._dialler, is_ours=self._is_ours
                    )
                )
                connection.request(method, target.path, body, dict(headers))
                return connection.getresponse().status
        # The texts of libraries contain the address, so none is passed on.
        except (TimeoutError, FetchTooSlow, FetchersBusy):
            raise NoAnswer(reason="too_slow") from None
        except (OSError, http.client.HTTPException, ValueError):
            raise NoAnswer(reason="unreachable") from None


def connected_as_meant(
    target: Target,
    budget: TimeBudget,
    open_things: ExitStack,
    dialler: Dialler,
    *,
    is_ours: bool = False,
) -> GuardedConnection:
    """Return a connection for one request to a host that an operator has configured.

    Raise as `Dialler.connected`.
    """
    if not (is_ours or is_trusted_host(target.host)):
        return dialler.connected(target, budget, open_things)
    # Resolved by the system's own rules: such names often need its search domains.
    plain = socket.create_connection((target.host, target.port), budget.left())
    return encrypted(plain, target, budget, open_things, ssl.create_default_context)
