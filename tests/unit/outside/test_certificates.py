"""Until when a host's certificate is good is asked of public addresses, good or not."""

import contextlib
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from avenue.errors import AvenueError
from avenue.outside.certificates import _any, good_until
from avenue.outside.dialling import Dialler, dial
from avenue.outside.errors import AddressNotAllowed, NoAnswer
from tests.mongod import free_port
from tests.unit.outside.test_fetching import HOST, PUBLIC, Origin
from tests.unit.outside.test_posting import Line

OVER = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def line() -> Iterator[Line]:
    """A host whose certificate is over, and is of nobody a browser trusts."""
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = trustme.CA().issue_cert(HOST, not_before=OVER - timedelta(90), not_after=OVER)
    certificate.configure_cert(served)
    with contextlib.closing(Origin(served)) as origin:
        yield Line(origin, tls=_any())


def test_the_day_it_ends_is_read_and_nothing_is_sent(line: Line) -> None:
    line.answers[:] = [[PUBLIC]]
    assert good_until(f"https://{HOST}", line.dialler) == OVER
    assert line.dialled == [(PUBLIC, 443)]
    assert line.origin.requests == []


def test_only_public_addresses_are_asked_and_silence_is_told(line: Line) -> None:
    line.dialled.clear()
    for answer in (["10.0.0.5"], [PUBLIC, "127.0.0.1"], []):
        line.answers[:] = [answer]
        with pytest.raises(AddressNotAllowed):
            good_until(f"https://{HOST}", line.dialler)
    for url in ("https://127.0.0.1", "https://localhost:8443"):
        with pytest.raises(AvenueError):
            good_until(url)
    assert line.dialled == []
    nobody = Dialler(
        lambda *_: [PUBLIC],
        lambda *_: dial("127.0.0.1", free_port(), 5),
        ssl.create_default_context,
    )
    with pytest.raises(NoAnswer):
        good_until(f"https://{HOST}", nobody)
