"""The connection to MongoDB: durable writes, deadlines, retries, transactions.

Every write is `w: majority` and journaled. Measured on MongoDB 6.0.5: SIGKILL after the
acknowledgement lost 6 of 72 uploads with a standalone's defaults and none with this, at the
same speed.
"""

import contextlib
import contextvars
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, TypeVar

import pymongo
from pymongo import MongoClient, WriteConcern
from pymongo.client_session import ClientSession
from pymongo.collection import Collection as MongoCollection
from pymongo.database import Database as MongoDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    ExecutionTimeout,
    InvalidOperation,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
    WriteConcernError,
    WriteError,
)
from pymongo.read_concern import ReadConcern

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import DATABASE_AWAY, DATABASE_LATE, SiteMoves, Unavailable
from avenue.identity import HOME_CLUSTER, address_key
from avenue.storage.directory import Directory
from avenue.storage.instances import Instance
from avenue.storage.load_shedding import LoadShedding
from avenue.storage.pool import PoolMeter, PoolWatch

Document = dict[str, Any]
T = TypeVar("T")

DEFAULT_DATABASE = "avenue"
META = "avenue_meta"
"""The collection with facts about the database itself: its version, its installation."""
MARKER, INSTALLATION = "schema", "installation"
DURABLE = WriteConcern(w="majority", j=True)
QUICK = WriteConcern(w=1, j=False)
"""For writes that may be lost, or are verified after a durable write."""

# Transient server errors: the node is stepping down, shutting down, or lost its network.
# (specifications: retryable-writes.md, "Terms"; plus ExceededTimeLimit and LockTimeout.)
PASSING_CODES = frozenset(
    {
        6,
        7,
        24,
        50,
        64,
        89,
        91,
        112,
        134,
        189,
        202,
        262,
        9001,
        10058,
        10107,
        11600,
        11602,
        13435,
        13436,
    }
)
LATE_CODES = frozenset({24, 50, 89, 202, 262})
"""Those of them that mean that the time was over."""
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.5
LEAST_SECONDS = 0.001
"""The shortest deadline, because 0 means none for the driver."""
SELECTION_SECONDS = 1.0
"""How long the driver looks for a primary before `repeat` decides whether to continue."""
PING_SECONDS = 1.0
GLANCE_SECONDS = 0.1
UNDO_SECONDS = 1.0


REFUSED = 121
"""The server's error for a document that a validator refuses; see `storage.refusing`."""


class Database:
    """One MongoDB database, reached through one client. Connects on first use.

    The first one is the `home` of the installation; its `clusters`, by name, hold the sites that
    `storage.clusters` finds there, and have the same `home`.

    Create it after a fork, never before: a client's threads do not survive one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        meter: PoolMeter | None = None,
        cluster: str = HOME_CLUSTER,
        home: "Database | None" = None,
    ) -> None:
        """`meter` is notified of every connection. The `clusters` are created with this."""
        self.cluster, self.home = cluster, home or self
        self.directory = Directory(settings.cache_seconds)
        self.instance = Instance(self.home)
        """This process; with several clusters it polls the places of the sites."""
        self.is_admitted = False
        """Whether this cluster is known to be the installation's; see `storage.clusters`."""
        self.is_left_out = False
        """Whether it was logged that this cluster is unreachable."""
        self.read_seconds = float(settings.read_seconds)
        self.write_seconds = float(settings.write_seconds)
        self.purges_caches = settings.purges_caches
        """Whether changes of public files are recorded for purges; see `media.announcing`."""
        self.announces = bool(settings.webhook_url)
        """Whether events of files are recorded; see `media.announcing`."""
        self.operators = tuple(address_key(each) for each in settings.alert_emails)
        """The receivers of alert emails, by the keys of their addresses."""
        self.cache_seconds = float(settings.cache_seconds)
        """How long a worker may show what was deleted."""
        uri = settings.mongodb_uri if home is None else settings.clusters[cluster]
        self.hosts = hosts_in(uri)
        """The hosts of the URI, without its password."""
        self.client: MongoClient[Document] = MongoClient(
            uri,
            connect=False,
            appname="avenue",
            tz_aware=True,
            w="majority",
            journal=True,
            retryWrites=True,
            # The driver would wait for a server until the deadline; `repeat` does not.
            retryReads=home is None,
            readPreference="primary",
            connectTimeoutMS=2_000,
            # After an error that says "not primary" the driver waits for the next heartbeat. At its
            # default of 10 s that alone was longer than a read may take (measured: 10-20 s). 500 is
            # the minimum; with 1,000 three such errors in a row took 3 s, now 1.7.
            heartbeatFrequencyMS=500,
            serverSelectionTimeoutMS=int(SELECTION_SECONDS * 1000),
            # Other members than the primary are read only while there is none. Then any may have
            # the newest writes, not only those nearby.
            localThresholdMS=1_000,
            # A thread needs one, jobs and transactions some more. Measured with 8 threads: fewer
            # than threads take 1.45 times as long, 100 gain nothing. Waiting for one counts as
            # part of the deadline.
            maxPoolSize=settings.threads * 2 + 4,
            # Cloud networks drop a silent connection after 4 minutes (Azure) or longer without
            # notice. A new one costs 10 ms, a read on an existing one 1.7.
            maxIdleTimeMS=180_000,
            # Whatever the URI says: pictures cannot be compressed further (zlib: 18 times as long).
            compressors=[],
            event_listeners=[PoolWatch(meter)] if meter else [],
        )
        self.raw: MongoDatabase[Document] = self.client.get_default_database(DEFAULT_DATABASE)
        # No thread may wait long for a cluster that has only some of the sites.
        slots = max(settings.threads // 2, 1) if home is None else None
        self._waiting = LoadShedding(self.is_away, slots=slots)
        self._abandoned: deque[Document] = deque()
        self.clusters: dict[str, Database] = {}
        if home is None:
            for name in settings.clusters:
                self.clusters[name] = Database(settings, meter=meter, cluster=name, home=self)

    def close(self) -> None:
        """Close every connection."""
        self.instance.end()
        for each in (self, *self.clusters.values()):
            each.client.close()

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Limit the block to `seconds` from now; an earlier outer deadline stays."""
        return pymongo.timeout(max(seconds, LEAST_SECONDS))

    @contextlib.contextmanager
    def request(self, seconds: float) -> Iterator[None]:
        """Limit a request thread to `seconds`, and let it wait only within the limit of waiters.

        See `LoadShedding`; neither limits what is streamed afterwards.
        """
        with self._waiting.guest(), self.deadline(seconds):
            yield

    def turn(self) -> AbstractContextManager[Callable[[], None]]:
        """Give a function that raises `Unavailable` if too many requests wait."""
        return self._waiting.turn()

    def repeat(self, operation: Callable[[], T], seconds: float) -> T:
        """Run an idempotent `operation` until it succeeds or `seconds` have passed.

        The driver retries once; further transient errors are handled here. Raise `Unavailable` at
        the deadline, or if too many requests wait already.
        """
        ends_at = time.monotonic() + seconds
        pause = FIRST_PAUSE_SECONDS
        with pymongo.timeout(seconds), self.turn() as check:
            while True:
                check()
                try:
                    done = operation()
                except PyMongoError as error:
                    if is_refused(error):
                        raise SiteMoves from error
                    if not is_passing(error):
                        raise
                    wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries
                    if _remaining(ends_at) <= wait:
                        raise unavailable(error) from error
                    time.sleep(wait)
                    pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
                else:
                    self._undo_late()
                    return done

    def wait_for_majority(self, source: MongoCollection[Document], query: Document) -> None:
        """Return once a majority of the members has the document of `query`.

        A document that is found instead of being written again may still be on the primary only:
        the driver raises "duplicate key" and drops the write concern error beside it. Raise
        `Unavailable` if that does not change in time.
        """
        safely = source.with_options(read_concern=ReadConcern("majority"))

        def look() -> None:
            if safely.find_one(query, {"_id": 1}) is None:
                raise WriteConcernError("A majority does not have it yet.")

        self.repeat(look, self.write_seconds)

    def transaction(self, work: Callable[[ClientSession], T]) -> T:
        """Run `work` in one transaction of small documents; all of it happens or nothing.

        `work` may run several times and must find its own earlier success (a commit whose answer
        was lost). Raise `Unavailable` if the outcome cannot be determined in time.
        """
        with (
            pymongo.timeout(self.write_seconds),
            self.turn() as check,
            self.client.start_session() as session,
        ):

            def try_once(session: ClientSession) -> T:
                check()
                return work(session)

            try:
                return session.with_transaction(
                    try_once, read_concern=ReadConcern("snapshot"), write_concern=DURABLE
                )
            except PyMongoError as error:
                # In a context of its own, or the expired deadline would end this too.
                contextvars.Context().run(self._undo, session)
                # The site has moved to another cluster during the transaction.
                if is_refused(error) or (
                    self.home.clusters and isinstance(error, InvalidOperation)
                ):
                    raise SiteMoves from error
                if is_passing(error):
                    raise unavailable(error) from error
                raise

    def _undo(self, session: ClientSession) -> None:
        """Abort an unfinished transaction of `session` on the server; a committed one stays.

        The driver does not abort once the deadline has passed, and then what the transaction
        touched stays locked for 60 s: every retry of the same request would fail. If the server
        does not answer now, this is retried as soon as it does.
        """
        if not self._kill(session.session_id):
            session._server_session.mark_dirty()  # noqa: SLF001 - or others would be given it
            self._abandoned.append(dict(session.session_id))

    def _undo_late(self) -> None:
        """Abort the transactions that could not be aborted in time."""
        while self._abandoned:
            try:
                session_id = self._abandoned.popleft()
            except IndexError:  # another thread was faster
                return
            if not contextvars.Context().run(self._kill, session_id):
                self._abandoned.append(session_id)
                return

    def _kill(self, session_id: Mapping[str, Any]) -> bool:
        """Return whether the server has ended a session and its open transaction."""
        with contextlib.suppress(PyMongoError), pymongo.timeout(UNDO_SECONDS):
            self.client.admin.command("killSessions", [session_id])
            return True
        return False

    def ping(self) -> None:
        """Reach the primary within `PING_SECONDS` or raise `Unavailable`, at once if there is none.

        Even then the driver is used for a moment, which makes it look for the primary now, instead
        of up to 10 s later.
        """
        with pymongo.timeout(GLANCE_SECONDS if self.is_away() else PING_SECONDS):
            try:
                self.client.admin.command("ping")
            except PyMongoError as error:
                raise unavailable(error) from error

    def is_away(self) -> bool:
        """Return whether the driver has found no primary; sends no query."""
        seen = self.client.topology_description
        members = seen.server_descriptions().values()
        looked = any(each.is_server_type_known or each.error for each in members)
        return looked and not seen.has_writable_server()

    def clock_skew(self) -> timedelta:
        """Return how far this machine's clock is ahead of the primary's."""
        # A bare command would return times without a zone.
        codec = self.client.codec_options
        hello = self.repeat(
            lambda: self.client.admin.command("hello", codec_options=codec), self.read_seconds
        )
        ahead: timedelta = utc_now() - hello["localTime"]
        return ahead


@contextlib.contextmanager
def unavailable_when_away() -> Iterator[None]:
    """Turn transient driver errors in the block into `Unavailable`."""
    try:
        yield
    except PyMongoError as error:
        if is_passing(error):
            raise unavailable(error) from error
        raise


def is_passing(error: PyMongoError) -> bool:
    """Return whether `error` is transient: from an unreachable or changing database."""
    if isinstance(error, ConnectionFailure | WaitQueueTimeoutError | ExecutionTimeout):
        return True
    if isinstance(error, BulkWriteError):
        details = error.details or {}
        return not details.get("writeErrors") and bool(details.get("writeConcernErrors"))
    if isinstance(error, WriteConcernError):
        return True
    if isinstance(error, WriteError):
        return error.code in PASSING_CODES
    if error.timeout or error.has_error_label("RetryableWriteError"):
        return True
    labelled = error.has_error_label("TransientTransactionError") or error.has_error_label(
        "UnknownTransactionCommitResult"
    )
    return labelled or (isinstance(error, OperationFailure) and error.code in PASSING_CODES)


def is_refused(error: PyMongoError) -> bool:
    """Return whether the server refused a document because its site is elsewhere."""
    if isinstance(error, BulkWriteError):
        refused = (error.details or {}).get("writeErrors", ())
        return any(each.get("code") == REFUSED for each in refused)
    return isinstance(error, OperationFailure) and error.code == REFUSED


def unavailable(error: PyMongoError) -> Unavailable:
    """Return the error for people: unreachable, or no answer in time."""
    is_late = isinstance(error, NetworkTimeout | WaitQueueTimeoutError)
    if isinstance(error, ConnectionFailure) and not is_late:
        return Unavailable(DATABASE_AWAY)
    is_late = is_late or error.timeout or getattr(error, "code", None) in LATE_CODES
    return Unavailable(DATABASE_LATE if is_late else None)


def hosts_in(uri: str) -> tuple[str, ...]:
    """Return the hosts of a URI, without user and password."""
    authority = uri.partition("://")[2].partition("/")[0].partition("?")[0]
    return tuple(authority.rpartition("@")[2].split(","))


def _remaining(ends_at: float) -> float:
    outer = pymongo._csot.remaining()  # noqa: SLF001 - the only way to get an outer deadline
    own = ends_at - time.monotonic()
    return own if outer is None else min(own, outer)
