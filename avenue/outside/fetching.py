"""Fetches a file by its URL: from public addresses only, with limits on time and size.

The target of a redirect is checked like the URL itself. No proxy is used, whatever the environment
says.
"""

import hashlib
import http.client
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urljoin

from avenue.outside.dialling import Dial, Dialler, TimeBudget, dial
from avenue.outside.errors import (
    FetchersBusy,
    FetchFailed,
    FetchTooSlow,
    NowhereToPut,
    RateLimited,
    TooLargeToFetch,
)
from avenue.outside.names import Resolve, resolved
from avenue.outside.pauses import LIMITING, pause_of
from avenue.outside.urls import Target, target_of
from avenue.slots import slot

MAX_REDIRECTS = 5
MAX_AT_ONCE = 4
"""In one process: each occupies a thread that other requests need."""

IDLE_SECONDS = 5.0
"""Without a single byte."""

BLOCK_BYTES = 64 * 1024
LONGEST_NAME_CHARACTERS = 1000
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "User-Agent": "Avenue",
    "Accept": "image/*,*/*;q=0.8",
    "Accept-Encoding": "identity",
    "Connection": "close",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A fetched file: spooled, measured and hashed, otherwise untrusted.

    `name` is from its server, or from the end of its URL; it may be empty. `file` is at its start,
    has a descriptor, and is closed when the block ends. `sha256` is hex.
    """

    name: str
    file: BinaryIO
    length: int
    sha256: str


class Fetcher:
    """Fetches files, each within `seconds` in total, into unlinked files in `tmp_dir`."""

    def __init__(
        self,
        *,
        seconds: float,
        tmp_dir: Path,
        resolve: Resolve = resolved,
        connect: Dial = dial,
        tls: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._seconds = seconds
        self._tmp_dir = tmp_dir
        self._dialler = Dialler(resolve, connect, tls)
        self._turns = threading.BoundedSemaphore(MAX_AT_ONCE)

    @contextmanager
    def fetched(self, url: str, *, max_bytes: int) -> Iterator[Fetched]:
        """Fetch the file at `url`, of at most `max_bytes`, and yield it.

        Raise `BadUrl`, `AddressNotAllowed`, `FetchFailed`, `FetchTooSlow`, `TooLargeToFetch`,
        `FetchersBusy`, `NowhereToPut`.
        """
        target = target_of(url)
        with ExitStack() as held:
            file = held.enter_context(_new_file(self._tmp_dir))
            with slot(self._turns, FetchersBusy):
                fetched = self._fetch(target, url, file, max_bytes)
            yield fetched

    def _fetch(self, target: Target, url: str, file: BinaryIO, max_bytes: int) -> Fetched:
        budget = TimeBudget(self._seconds, IDLE_SECONDS)
        for _ in range(MAX_REDIRECTS + 1):
            with ExitStack() as open_things, _network_errors():
                connection = self._dialler.connected(target, budget, open_things)
                connection.request("GET", target.path, headers=_HEADERS)
                answer = connection.getresponse()
                if answer.status not in _REDIRECTS:
                    return _received(answer, target, budget, file, max_bytes)
                location = _text(answer.headers.get("Location", ""))
            url, before = _joined(url, location), target
            target = target_of(url)
            if before.scheme == "https" and target.scheme != "https":
                raise FetchFailed
        raise FetchFailed


def _joined(url: str, location: str) -> str:
    """Return the target of a redirect from `url`; raise `FetchFailed` if it has none."""
    try:
        joined = urljoin(url, location)
    except ValueError:
        raise FetchFailed from None
    if not location:
        raise FetchFailed
    return joined


def _received(
    answer: http.client.HTTPResponse,
    target: Target,
    budget: TimeBudget,
    file: BinaryIO,
    max_bytes: int,
) -> Fetched:
    """Write the body of `answer` to `file`."""
    if answer.status in LIMITING:
        raise RateLimited(pause_of(answer.headers), http_status=answer.status)
    encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if answer.status != HTTPStatus.OK or encoding not in {"", "identity"}:
        raise FetchFailed(http_status=answer.status)
    if answer.length is not None and answer.length > max_bytes:
        raise TooLargeToFetch(max_bytes)
    budget.stage(None)
    sha256, length = hashlib.sha256(), 0
    while block := answer.read(BLOCK_BYTES):
        length += len(block)
        if length > max_bytes:
            raise TooLargeToFetch(max_bytes)
        sha256.update(block)
        _write(file, block)
    if answer.length:  # the body is shorter than announced
        raise FetchFailed
    _rewind(file)
    return Fetched(
        name=_name_of(answer, target), file=file, length=length, sha256=sha256.hexdigest()
    )


def _name_of(answer: http.client.HTTPResponse, target: Target) -> str:
    """Return the file name in the response (RFC 6266), else in the URL."""
    try:
        named = _text(answer.headers.get_filename("") or "")
    except (LookupError, ValueError):
        named = ""
    return (named or target.file_name)[:LONGEST_NAME_CHARACTERS]


def _text(header: str) -> str:
    """Return a header in its most likely encoding: http.client reads Latin-1."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


@contextmanager
def _network_errors() -> Iterator[None]:
    """Convert errors of libraries into ours; theirs contain addresses."""
    try:
        yield
    except TimeoutError:
        raise FetchTooSlow from None
    except (OSError, http.client.HTTPException, ValueError):
        raise FetchFailed from None


@contextmanager
def _new_file(tmp_dir: Path) -> Iterator[BinaryIO]:
    try:
        file = cast("BinaryIO", tempfile.TemporaryFile(dir=tmp_dir))  # noqa: SIM115
    except OSError as error:
        raise NowhereToPut from error
    try:
        yield file
    finally:
        with suppress(OSError):  # what a full disk did not take is lost with it anyway
            file.close()


def _write(file: BinaryIO, block: bytes) -> None:
    try:
        file.write(block)
    except OSError as error:
        raise NowhereToPut from error


def _rewind(file: BinaryIO) -> None:
    """Go to the start, which flushes the rest."""
    try:
        file.seek(0)
    except OSError as error:
        raise NowhereToPut from error
