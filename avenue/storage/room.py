"""Reserves space for uploads: on the database's disk, and in the quotas of site and person."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from pymongo.errors import PyMongoError

from avenue.config import Settings
from avenue.errors import AvenueError, StorageFull, sentence
from avenue.identity import Site, new_id
from avenue.storage.connection import Database
from avenue.storage.holders import Amount, Holder
from avenue.storage.quotas import Ledger
from avenue.storage.scope import site as site_scope

MB = 1024 * 1024
KNOWN_SECONDS = 20
SHARE_OF_ROOM = 20
"""A process checks the disk again after it has stored a twentieth of the free space: the same bytes
go into the journal and the oplog, and other processes store as much."""
SHOWN_AGAIN = 20
"""A count for display is cached for this many times its duration, and at most for `KNOWN_SECONDS`,
because people reload pages however long the count takes."""
MOST_SHOWN = 1000
NO_QUOTA = Amount()


class QuotaExceeded(StorageFull):
    """The site has used up its quota.

    `used`, `wanted` and `limit` are given in `_bytes` and in `_files`; a limit of null means none.
    """

    message = "This site is out of storage."
    hint = "Delete files you no longer need, or ask for a larger quota."
    too_large: ClassVar[str] = sentence(
        "This site is out of storage: it uses {used_mb} of {limit_mb} MB, and this needs "
        "{wanted_mb} MB more."
    )
    too_many: ClassVar[str] = sentence(
        "This site is out of storage: it uses {used_files} of {limit_files} files, and "
        "this would add {wanted_files}."
    )

    def __init__(self, *, used: Amount, wanted: Amount, quota: Amount) -> None:
        super().__init__(
            self.too_large
            if quota.bytes and used.bytes + wanted.bytes > quota.bytes
            # Otherwise it was the files, unless space was freed since.
            else self.too_many
            if quota.files and used.files + wanted.files > quota.files
            else None,
            # Each rounded up, so that the message never suggests that they fit.
            words={
                "used_mb": -(-used.bytes // MB),
                "wanted_mb": -(-wanted.bytes // MB),
                "limit_mb": quota.bytes // MB,
            },
            used_bytes=used.bytes,
            wanted_bytes=wanted.bytes,
            limit_bytes=quota.bytes or None,
            used_files=used.files,
            wanted_files=wanted.files,
            limit_files=quota.files or None,
        )


class UserQuotaExceeded(QuotaExceeded):
    """A person has used up their quota on the site; see `quota_exceeded`."""

    message = "You have used all the storage one person can have here."
    hint = "Delete files you no longer need, or ask a site administrator for more storage."
    too_large = sentence(
        "You are out of storage here: you use {used_mb} of {limit_mb} MB, and this needs "
        "{wanted_mb} MB more."
    )
    too_many = sentence(
        "You are out of storage here: you use {used_files} of {limit_files} files, and "
        "this would add {wanted_files}."
    )


class Reservation:
    """A reservation of `wanted`; `kept` is set to what was stored of it.

    Unless it `is_sure` that nothing else was stored, a count follows.
    """

    def __init__(self, wanted: Amount) -> None:
        self.wanted = wanted
        self.kept = Amount()
        self.is_sure = True


class StorageRoom:
    """Refuses uploads before the disk is full, because a mongod with a full disk aborts.

    The state of the disk is cached for `KNOWN_SECONDS`, or until much of the free space was used,
    so that uploads do not query it each time.
    """

    def __init__(self, database: Database, settings: Settings, ledger: Ledger) -> None:
        self._database = database
        self._settings = settings
        self._ledger = ledger
        self._disks: dict[str, _Disk] = {}
        self._shown: dict[Holder, tuple[float, Amount]] = {}

    @contextmanager
    def reserved(self, site: Site, person: str | None, wanted: Amount) -> Iterator[Reservation]:
        """Reserve space for `wanted` during the block; afterwards `kept` of it is used.

        It counts for `person`, too, if given. Raise `StorageFull`, `UserQuotaExceeded` or
        `QuotaExceeded`.
        """
        self._disk_of(site).check(wanted.bytes)
        reservation, id_ = Reservation(wanted), new_id()
        tried: list[Holder] = []
        try:
            for holder, quota in self._bounds(site, person) if wanted else ():
                tried.append(holder)
                found = self._ledger.reserve(holder, quota, wanted, id_)
                if not found.is_reserved:
                    refusal = UserQuotaExceeded if holder.person else QuotaExceeded
                    raise refusal(used=found.used, wanted=wanted, quota=quota)
            yield reservation
        finally:
            for holder in tried:
                with suppress(AvenueError):  # it ends by itself, and what was stored is counted
                    self._ledger.settle(holder, id_, reservation.kept, is_sure=reservation.is_sure)

    def used(self, holder: Holder) -> Amount:
        """Return what a site, or a person in it, has stored."""
        return self._ledger.used(holder)

    def used_lately(self, holder: Holder) -> Amount:
        """Return the amount for display; a slow count may be a little old."""
        began = time.monotonic()
        good_until, amount = self._shown.get(holder, (began, NO_QUOTA))
        if began < good_until:
            return amount
        amount = self._ledger.used(holder)
        took = time.monotonic() - began
        if len(self._shown) >= MOST_SHOWN:
            self._shown.clear()
        self._shown[holder] = (began + min(SHOWN_AGAIN * took, KNOWN_SECONDS), amount)
        return amount

    def _bounds(self, site: Site, person: str | None) -> Iterator[tuple[Holder, Amount]]:
        """Yield the holders whose quotas apply to an upload; those without a limit are left out."""
        if person is not None and (own := user_quota(site, self._settings)):
            yield Holder(site=site.id, person=person), own
        if quota := site_quota(site, self._settings):
            yield Holder(site=site.id), quota

    def _disk_of(self, site: Site) -> "_Disk":
        database = site_scope(self._database, site.id).database
        known = self._disks.get(database.cluster)
        if known is None:  # of several threads, the last one's result stays
            known = self._disks[database.cluster] = _Disk(database, self._settings)
        return known


class _Disk:
    """The disk of a database, and its last known usage."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._looked_at, self._percent, self._bytes_until_next_look = float("-inf"), 0.0, 0.0
        self._lock = threading.Lock()

    def check(self, wanted_bytes: int) -> None:
        most = self._settings.max_disk_percent
        with self._lock:
            self._bytes_until_next_look -= wanted_bytes
            used_up = self._bytes_until_next_look < 0 and self._percent < most
            if used_up or time.monotonic() - self._looked_at > KNOWN_SECONDS:
                used, total = self._disk_bytes()
                self._looked_at, self._percent = time.monotonic(), 100 * used / total
                self._bytes_until_next_look = (total * most / 100 - used) / SHARE_OF_ROOM
            percent = self._percent
        if percent >= most:
            raise StorageFull(used_percent=round(percent), limit_percent=most)

    def _disk_bytes(self) -> tuple[float, float]:
        """Return the bytes used on the database's disk, and its size in bytes.

        Return 0 and infinity if the database does not report it.
        """
        try:
            stats = self._database.repeat(
                lambda: self._database.raw.command("dbStats"), self._database.read_seconds
            )
        except PyMongoError:  # no privilege: missing knowledge must not refuse uploads
            return 0.0, math.inf
        return stats.get("fsUsedSize", 0.0), stats.get("fsTotalSize") or math.inf


def site_quota(site: Site, settings: Settings) -> Amount:
    """Return the quota of a site; 0 is no limit."""
    return Amount(
        bytes=_own(site.quota_bytes, settings.max_site_mb * MB),
        files=_own(site.quota_files, settings.max_site_files),
    )


def user_quota(site: Site, settings: Settings) -> Amount:
    """Return the quota of one person on a site; 0 is no limit."""
    return Amount(
        bytes=_own(site.user_quota_bytes, settings.max_user_mb * MB),
        files=_own(site.user_quota_files, settings.max_user_files),
    )


def _own(own: int | None, of_the_deployment: int) -> int:
    return of_the_deployment if own is None else own
