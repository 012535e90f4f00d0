"""Quotas on a real mongod: nobody gets room that is not there, and nothing stays reserved."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Barrier
from types import SimpleNamespace
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.errors import StorageFull, Unavailable
from avenue.identity import Site, new_id
from avenue.storage import quotas
from avenue.storage.connection import Database
from avenue.storage.holders import Amount, Holder
from avenue.storage.quotas import Ledger, Reserved
from avenue.storage.room import MB, QuotaExceeded, StorageRoom, UserQuotaExceeded
from tests.mongod import Mongod, database_name
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS

AT_ONCE, PLACES = 20, 7
ONE = Amount(bytes=10, files=1)


class Stored:
    """What a count finds."""

    def __init__(self) -> None:
        self.amounts: dict[str, Amount] = {}
        self.counts = 0
        self.requested: list[str] = []
        self.meanwhile = lambda: None

    def count(self, holder: Holder, most: int | None) -> Amount:
        self.counts += 1
        found = self.amounts.get(holder.id, Amount())
        self.meanwhile()
        if most is not None and found.files > most:
            return Amount(bytes=found.bytes * (most + 1) // found.files, files=most + 1, more=True)
        return found

    def request_count(self, holder: Holder) -> None:
        self.requested.append(holder.id)

    def add(self, site: Site, amount: Amount, person: str | None = None) -> None:
        for holder in {Holder(site=site.id), Holder(site=site.id, person=person)}:
            self.amounts[holder.id] = self.amounts.get(holder.id, Amount()) + amount


@pytest.fixture(scope="module")
def database(mongod: Mongod) -> Iterator[Database]:
    settings = Settings(mongodb_uri=mongod.uri_of(database_name()), local=True)
    database = Database(settings)
    yield database
    mongod.client.drop_database(database.raw.name)
    database.close()


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def room(database: Database, stored: Stored) -> StorageRoom:
    return another_instance(database, stored)


def another_instance(database: Database, stored: Stored) -> StorageRoom:
    return StorageRoom(database, Settings(local=True), ledger_of(database, stored))


def ledger_of(database: Database, stored: Stored) -> Ledger:
    return Ledger(database, stored.count, stored.request_count)


def a_site(**own: int) -> Site:
    return Site(id=new_id(), hosts=(), base_url="https://a.example", name="A", **own)


def upload(room: StorageRoom, site: Site, stored: Stored, amount: Amount = ONE, **who) -> None:
    """Store `amount` as an upload does."""
    person = who.get("person")
    with room.reserved(site, person, amount) as reservation:
        stored.add(site, amount, person)
        reservation.kept = amount


def document(database: Database, holder: Holder) -> dict:
    found = database.raw["quotas"].find_one({"_id": holder.id})
    assert found is not None
    return found


def make_older(database: Database, holder: Holder) -> None:
    old = {"$set": {"counted_at": utc_now() - timedelta(hours=1)}}
    database.raw["quotas"].update_one({"_id": holder.id}, old)


@pytest.mark.parametrize(
    ("own", "person", "error"),
    [
        ({"quota_bytes": PLACES * 10 + 9}, None, QuotaExceeded),
        ({"user_quota_files": PLACES}, "ana", UserQuotaExceeded),
        pytest.param({"quota_files": PLACES}, None, QuotaExceeded, marks=pytest.mark.long),
        pytest.param(
            {"user_quota_bytes": PLACES * 10}, "ana", UserQuotaExceeded, marks=pytest.mark.long
        ),
    ],
)
def test_twenty_at_once_never_exceed_it(database, stored, own, person, error):
    site, begun = a_site(**own), Barrier(AT_ONCE)
    rooms = [another_instance(database, stored) for _ in range(4)]

    def ask(number: int) -> bool:
        begun.wait(DEADLINE_SECONDS)
        try:
            with rooms[number % 4].reserved(site, person, ONE) as reservation:
                begun.wait(DEADLINE_SECONDS)  # all have asked, and none has finished
                reservation.kept = ONE
                return True
        except error:
            begun.wait(DEADLINE_SECONDS)
            return False

    with Threads(AT_ONCE) as pool:
        assert sum(pool.map(ask, range(AT_ONCE))) == PLACES
    holder = Holder(site=site.id, person=person)
    found = document(database, holder)
    assert (found["bytes"], found["files"], found["held"]) == (PLACES * 10, PLACES, [])


def test_a_refusal_says_what_is_used_and_wanted(room, stored):
    site = a_site(quota_bytes=25, quota_files=100)
    upload(room, site, stored)
    with room.reserved(site, None, ONE), pytest.raises(QuotaExceeded) as refused:
        upload(room, site, stored)
    assert refused.value.status == 507
    assert refused.value.facts == {
        "used_bytes": 20,
        "wanted_bytes": 10,
        "limit_bytes": 25,
        "used_files": 2,
        "wanted_files": 1,
        "limit_files": 100,
    }


def test_what_was_not_kept_is_free_again(room, stored):
    site = a_site(quota_bytes=10)
    with room.reserved(site, None, ONE):
        pass
    with pytest.raises(RuntimeError), room.reserved(site, None, ONE):
        raise RuntimeError
    upload(room, site, stored)


def test_who_may_not_takes_nothing_of_the_site(room, stored):
    site = a_site(quota_bytes=10, user_quota_bytes=5)
    with pytest.raises(UserQuotaExceeded):
        upload(room, site, stored, person="ana")
    upload(room, site, stored)


def test_a_full_site_takes_nothing_of_a_person(database, room, stored):
    site = a_site(quota_bytes=5, user_quota_bytes=100)
    with pytest.raises(QuotaExceeded):
        upload(room, site, stored, person="ana")
    assert document(database, Holder(site=site.id, person="ana"))["held"] == []


def test_one_site_is_not_another(room, stored):
    for site in (a_site(quota_bytes=10), a_site(quota_bytes=10)):
        upload(room, site, stored)


def test_the_real_size_counts(database, room):
    site = a_site(quota_bytes=100)
    with room.reserved(site, None, Amount(bytes=90, files=3)) as reservation:
        reservation.kept = Amount(bytes=40, files=1)
    found = document(database, Holder(site=site.id))
    assert (found["bytes"], found["files"]) == (40, 1)


def test_nothing_is_written_where_there_is_no_quota(database, room, stored):
    site = a_site()
    upload(room, site, stored, person="ana")
    assert database.raw["quotas"].count_documents({"site": site.id}) == 0
    assert stored.counts == 0


def test_nobody_is_refused_for_what_was_removed(database, room, stored):
    site = a_site(quota_bytes=10)
    upload(room, site, stored)
    stored.amounts.clear()  # as the sweeper does
    long_ago = {"$set": {"took_ms": 0, "counted_at": utc_now() - timedelta(seconds=1)}}
    database.raw["quotas"].update_one({"_id": site.id}, long_ago)
    upload(room, site, stored)


def test_those_who_ask_at_once_are_counted_once(database, stored):
    """Who counted again, while others store what they have reserved, would count that twice."""
    site, waiting = a_site(quota_files=PLACES), Barrier(AT_ONCE)
    room = another_instance(database, stored)
    attempt = room._ledger._try

    def together(holder: Holder, *asked: Any) -> Reserved:
        found = attempt(holder, *asked)
        if not found.is_counted:
            waiting.wait(DEADLINE_SECONDS)  # nobody has counted yet
        return found

    room._ledger._try = together

    def ask(_: int) -> bool:
        try:
            with room.reserved(site, None, ONE) as reservation:
                stored.add(site, ONE)
                reservation.kept = ONE
        except QuotaExceeded:
            return False
        return True

    with Threads(AT_ONCE) as pool:
        assert sum(pool.map(ask, range(AT_ONCE))) == PLACES
    assert stored.counts == 1


def test_what_a_dead_worker_had_reserved_ends(database, room, stored):
    site = a_site(quota_bytes=10)
    holder = Holder(site=site.id)
    dead = room._ledger.reserve(holder, Amount(bytes=10), ONE, new_id())
    assert dead.is_reserved
    held = document(database, holder)
    [entry] = held["held"]
    assert entry["until"] - held["asked_at"] == timedelta(hours=1)  # both by the server
    with pytest.raises(QuotaExceeded):
        upload(room, site, stored)
    past = {"$set": {"held.0.until": utc_now() - timedelta(hours=1), "took_ms": 0}}
    database.raw["quotas"].update_one({"_id": site.id}, past)
    assert ledger_of(database, stored).count_all("", lambda *_: None) >= 1
    upload(room, site, stored)


def test_what_a_dead_worker_had_stored_is_counted(database, room, stored):
    site = a_site(quota_bytes=10)
    room._ledger.reserve(Holder(site=site.id), Amount(bytes=10), ONE, new_id())
    stored.add(site, ONE)
    past = {"$set": {"held.0.until": utc_now() - timedelta(hours=1)}}
    database.raw["quotas"].update_one({"_id": site.id}, past)
    room._ledger.count(Holder(site=site.id))
    found = document(database, Holder(site=site.id))
    assert (found["bytes"], found["held"]) == (10, [])


def test_what_is_settled_during_a_count_is_not_lost(database, room, stored):
    """Whether or not it was counted, too: the next count has it right."""
    site = a_site(quota_bytes=1000)
    upload(room, site, stored)

    def meanwhile() -> None:
        stored.meanwhile = lambda: None
        upload(room, site, stored)

    stored.meanwhile = meanwhile
    room._ledger.count(Holder(site=site.id))
    assert document(database, Holder(site=site.id))["bytes"] == 20
    room._ledger.count(Holder(site=site.id))
    assert document(database, Holder(site=site.id))["bytes"] == 20


def test_of_two_counts_at_once_one_stands(database, stored):
    site = a_site(quota_bytes=1000)
    first, second = (another_instance(database, stored) for _ in range(2))
    upload(first, site, stored, Amount(bytes=100, files=1))
    stored.amounts[site.id] = Amount(bytes=30, files=1)  # some was removed

    def meanwhile() -> None:
        stored.meanwhile = lambda: None
        second._ledger.count(Holder(site=site.id))

    stored.meanwhile = meanwhile
    first._ledger.count(Holder(site=site.id))
    assert document(database, Holder(site=site.id))["bytes"] == 30


def test_what_nobody_knows_the_end_of_is_counted_first(database, room, stored):
    """The database went away in the middle of the commit, which happened after all."""
    site = a_site(quota_bytes=15)

    def begin() -> None:
        with room.reserved(site, None, ONE) as reservation:
            reservation.is_sure = False
            stored.add(site, ONE)
            raise Unavailable

    with pytest.raises(Unavailable):
        begin()
    with pytest.raises(QuotaExceeded):
        upload(room, site, stored)


@pytest.mark.parametrize(("kept", "fits"), [(ONE, False), (Amount(), True)], ids=["kept", "lost"])
def test_what_ends_like_that_during_a_count_is_counted_once_more(room, stored, kept, fits):
    """That count may have come before it; nobody is refused, nor let in, for not knowing."""
    site = a_site(quota_bytes=20)
    holder, other = Holder(site=site.id), new_id()
    upload(room, site, stored)
    assert room._ledger.reserve(holder, Amount(bytes=20), ONE, other).is_reserved

    def meanwhile() -> None:
        stored.meanwhile = lambda: None
        stored.add(site, kept)
        room._ledger.settle(holder, other, Amount(), is_sure=False)

    stored.meanwhile = meanwhile
    room._ledger.count(holder)
    if fits:
        stored.amounts[site.id] = ONE
        stored.meanwhile = unsure_again(room, stored, holder)
        upload(room, site, stored)
    else:
        with pytest.raises(QuotaExceeded):
            upload(room, site, stored)


def unsure_again(room: StorageRoom, stored: Stored, holder: Holder) -> Callable[[], None]:
    """Return what settles one more upload in doubt, of which nothing was kept, in a count."""
    doubtful = new_id()
    database = room._ledger._database
    entry = {"id": doubtful, "bytes": 0, "files": 0, "until": utc_now() + timedelta(hours=1)}
    database.raw["quotas"].update_one({"_id": holder.id}, {"$push": {"held": entry}})

    def settle() -> None:
        stored.meanwhile = lambda: None
        room._ledger.settle(holder, doubtful, Amount(), is_sure=False)

    return settle


def test_settling_twice_is_settling_once(database, room):
    site = a_site(quota_bytes=100)
    holder, reservation = Holder(site=site.id), new_id()
    room._ledger.reserve(holder, Amount(bytes=100), ONE, reservation)
    room._ledger.reserve(holder, Amount(bytes=100), ONE, reservation)
    assert len(document(database, holder)["held"]) == 1
    for _ in range(2):
        room._ledger.settle(holder, reservation, ONE)
    assert document(database, holder)["bytes"] == 10


def test_an_old_count_is_made_anew(database, room, stored):
    site = a_site(quota_bytes=1000)
    upload(room, site, stored)
    stored.amounts[site.id] = Amount(bytes=995, files=9)  # by who did not know of the quota yet
    make_older(database, Holder(site=site.id))
    with pytest.raises(QuotaExceeded):
        upload(room, site, stored)


def test_one_of_many_files_waits_for_no_count(database, room, stored, monkeypatch):
    monkeypatch.setattr(quotas, "MOST_AT_ONCE", 5)
    site, another = a_site(quota_bytes=100), another_instance(database, stored)
    ledger = ledger_of(database, stored)
    holder = Holder(site=site.id)
    stored.add(site, Amount(bytes=60, files=6))
    upload(room, site, stored)  # nobody has counted yet, so nobody knows
    upload(another, site, stored)
    assert (stored.counts, stored.requested) == (1, [site.id] * 2)
    assert ledger.used(holder).more
    assert ledger.count(holder)  # as the job does
    assert ledger.used(holder) == ledger.used_lately(holder) == Amount(bytes=80, files=8)
    upload(room, site, stored)
    upload(another, site, stored)
    with pytest.raises(QuotaExceeded) as refused:
        upload(room, site, stored)
    assert refused.value.facts["used_bytes"] == 100
    make_older(database, holder)
    stored.requested.clear()
    counts = stored.counts
    with pytest.raises(QuotaExceeded):  # by the old count, while it is counted anew
        upload(room, site, stored)
    assert (stored.counts, stored.requested) == (counts, [site.id])
    stored.amounts[holder.id] = Amount(bytes=20, files=2)  # most were removed
    assert ledger.count(holder)
    upload(room, site, stored)
    assert not document(database, holder)["is_large"]


def test_what_is_purged_is_subtracted_where_the_last_count_had_it(database, stored):
    ledger, holder = ledger_of(database, stored), Holder(site=a_site().id)
    stored.amounts[holder.id] = Amount(bytes=60, files=6)
    assert ledger.count(holder)
    now = utc_now()
    began, ended, before, since = (now + timedelta(seconds=each) for each in (-9, -8, -20, -1))

    def last_count(**changes: Any) -> None:
        times = {"count_began_at": began, "counted_at": ended, "bytes": 60, "files": 6}
        database.raw["quotas"].update_one({"_id": holder.id}, {"$set": times | changes})

    def left(stored_at: Any, meanwhile: Callable[[], object] = lambda: None) -> tuple[int, int]:
        gone = ledger.removal(holder, ONE, stored_at=stored_at)
        meanwhile()
        gone()
        found = document(database, holder)
        return found["bytes"], found["files"]

    last_count()
    assert left(before, last_count) == (50, 5)
    last_count()
    assert left(since) == (60, 6)  # the count came before it
    last_count(count_began_at=now)
    assert left(before) == (60, 6)  # a count is being made
    last_count()
    assert left(before, lambda: ledger.count(holder)) == (60, 6)  # one was made meanwhile
    assert ledger.removal(Holder(site=new_id()), ONE, stored_at=before)() is None


def test_the_job_goes_on_where_it_was_and_forgets_who_left(database, stored):
    ledger = ledger_of(database, stored)
    database.raw["quotas"].delete_many({})
    ids = sorted(new_id() for _ in range(3))
    for each in ids:
        ledger.reserve(Holder(site=each, person="ana"), Amount(bytes=99), ONE, "r")
        ledger.settle(Holder(site=each, person="ana"), "r", ONE)
    long_ago = {"$set": {"asked_at": utc_now() - timedelta(days=31)}}
    database.raw["quotas"].update_one({"site": ids[2]}, long_ago)
    saved = []
    done = ledger.count_all(f"{ids[0]}/ana", lambda *place: saved.append(place))
    assert (done, saved) == (2, [(f"{ids[1]}/ana", 1), (f"{ids[2]}/ana", 2)])
    left = {each["_id"]: each["bytes"] for each in database.raw["quotas"].find()}
    assert left == {f"{ids[0]}/ana": 10, f"{ids[1]}/ana": 0}


def test_what_took_long_to_count_is_shown_again(room, stored, monkeypatch):
    site = a_site()
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("avenue.storage.room.time", clock)
    holder, other = Holder(site=site.id), Holder(site=site.id, person="ana")

    def half_a_second():
        clock.now += 0.5

    stored.meanwhile = half_a_second
    assert room.used_lately(holder) == Amount()
    stored.add(site, ONE)
    for at, shown, counts in ((9.9, Amount(), 1), (10.1, ONE, 2), (20.0, ONE, 2)):
        clock.now = at
        assert (room.used_lately(holder), stored.counts) == (shown, counts)
    assert room.used_lately(other) == Amount()
    assert room.used(holder) == ONE
    assert stored.counts == 4


OLD, FRESH = timedelta(hours=3), timedelta(0)


@pytest.mark.parametrize(
    ("counted", "counted_ago", "held", "is_wrong"),
    [
        ({"bytes": 20, "files": 2}, FRESH, (), False),
        ({"bytes": 19, "files": 2}, FRESH, (), True),
        ({"bytes": 20, "files": 1}, FRESH, (), True),
        ({"bytes": 10, "files": 1}, FRESH, (ONE,), False),  # being stored just now
        ({"bytes": 30, "files": 3}, FRESH, (), False),  # something was removed since
        ({"bytes": 30, "files": 3}, OLD, (), True),
        ({"bytes": "20", "files": 2}, FRESH, (), True),
        ({"bytes": 0, "files": 0}, None, (), False),  # counted before anything is reserved
    ],
)
def test_a_counter_that_says_too_little_or_too_much_for_long_is_wrong(
    database, stored, counted, counted_ago, held, is_wrong
):
    holder = Holder(site=new_id())
    stored.amounts[holder.id] = ONE + ONE
    counted_at = None if counted_ago is None else utc_now() - counted_ago
    reserved = [{"id": new_id(), "bytes": each.bytes, "files": each.files} for each in held]
    database.raw["quotas"].insert_one(
        {"_id": holder.id, "site": holder.site, **counted, "held": reserved}
        | {"counted_at": counted_at, "counts": 1}
    )
    ledger = ledger_of(database, stored)
    assert ledger.holders_after(holder.site, "", 10) == [holder]
    assert (ledger.miscount(holder) is not None) == is_wrong
    ledger.count(holder)
    assert ledger.miscount(holder) is None


def test_a_holder_without_a_counter_has_none_that_is_wrong(database, stored):
    assert ledger_of(database, stored).miscount(Holder(site=new_id())) is None


def test_a_counter_that_is_counted_anew_while_it_is_compared_is_not_wrong(database, stored):
    holder = Holder(site=new_id())
    stored.amounts[holder.id] = ONE + ONE
    ledger_of(database, stored).count(holder)

    def removed_and_counted(holder: Holder, most: int | None) -> Amount:
        found = stored.count(holder, most)
        stored.amounts[holder.id] = ONE
        ledger_of(database, stored).count(holder)
        return found

    ledger = Ledger(database, removed_and_counted, stored.request_count)
    assert ledger.miscount(holder) is None


def test_a_disk_is_looked_at_again_when_much_of_its_room_was_stored(room, stored, monkeypatch):
    looks: list[float] = []

    def told() -> tuple[float, float]:
        looks.append(used_mb)
        return used_mb * MB, 100 * MB

    monkeypatch.setattr(room._disk_of(a_site()), "_disk_bytes", told)
    used_mb, piece = 90, Amount(bytes=MB // 10, files=1)  # 5 MB are left, of which it stores 0.25
    for _ in range(4):
        upload(room, a_site(), stored, piece)
    assert looks == [90, 90]
    used_mb = 95
    for _ in range(3):
        with contextlib.suppress(StorageFull):
            upload(room, a_site(), stored, piece)
    with pytest.raises(StorageFull):
        upload(room, a_site(), stored, piece)
    assert looks == [90, 90, 95]  # how full it is may be known for a while
