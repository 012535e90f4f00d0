"""What the sweeper takes and what it leaves, on a real mongod."""

import io
from datetime import datetime, timedelta
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from avenue.media.models import Asset, Claim, State, Version, Visibility
from avenue.media.store.assets import AssetStore
from avenue.media.store.legacy_urls import LegacyUrls
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import ClocksDiffer, Sweeper
from avenue.storage.connection import Database
from avenue.storage.idempotency import OpenWrite, Writes
from avenue.storage.site_data import BUCKETS

BUCKET = "product_images"
BYTES = b"0123456789" * 250_000  # three chunks
NO_AGE = timedelta(0)


def sweeper(database: Database, **changes: Any) -> Sweeper:
    options = {"buckets": BUCKETS, "trash_days": 7, "orphan_age": NO_AGE} | changes
    return Sweeper(SweptStore(database), **options)


def a_version() -> Version:
    return Version(
        file=new_id(),
        sha256="0" * 64,
        source_sha256="0" * 64,
        bytes=len(BYTES),
        media_type="image/jpeg",
        width=1,
        height=1,
        at=utc_now(),
        by=None,
    )


def an_asset(*versions: Version) -> Asset:
    return Asset(
        id=new_id(),
        site=DEFAULT_SITE,
        bucket=BUCKET,
        owner=None,
        name="a.jpg",
        visibility=Visibility.PUBLIC,
        state=State.LIVE,
        claim=None,
        versions=versions or (a_version(),),
        revision=1,
        created_at=utc_now(),
    )


def stored(database: Database, asset: Asset) -> Asset:
    """`asset` with all its bytes, unclaimed."""
    store = AssetStore(database)
    for version in asset.versions:
        store.write_file(asset, version, io.BytesIO(BYTES))
    store.insert_unclaimed(asset, hours=24)
    return asset


def set_fields(database: Database, asset: Asset, **fields: Any) -> None:
    database.raw["assets"].update_one({"_id": asset.id}, {"$set": fields})


def claimed(database: Database, asset: Asset) -> Asset:
    set_fields(database, asset, claim={"kind": "product", "id": "p"})
    return asset


def counts(database: Database) -> tuple[int, int, int]:
    """Assets, files and chunks that exist."""
    names = ("assets", f"{BUCKET}.files", f"{BUCKET}.chunks")
    assets, files, chunks = (database.raw[name].count_documents({}) for name in names)
    return assets, files, chunks


def an_open_write(database: Database, lease_seconds: int) -> OpenWrite:
    write = Writes(database).begin(
        DEFAULT_SITE, key=new_id(), fingerprint="f", count=1, lease_seconds=lease_seconds
    )
    assert isinstance(write, OpenWrite)
    return write


def test_what_is_claimed_stays(database: Database) -> None:
    claimed(database, stored(database, an_asset(a_version(), a_version())))
    assert sweeper(database).sweep().total == 0
    assert counts(database) == (1, 2, 6)


def test_what_nobody_claimed_in_time_goes_with_all_its_bytes(database: Database) -> None:
    stored(database, an_asset())
    expired = stored(database, an_asset())
    set_fields(database, expired, expires_at=utc_now() - timedelta(seconds=1))
    swept = sweeper(database).sweep()
    assert (swept.unclaimed, swept.purged) == (1, 1)
    assert counts(database) == (1, 1, 3)


def test_old_addresses_go_with_what_they_name(database: Database) -> None:
    urls = LegacyUrls(database)
    kept, expired = stored(database, an_asset()), stored(database, an_asset())
    for site_id, path, asset in (
        (DEFAULT_SITE, "/media/a.jpg", kept),
        (DEFAULT_SITE, "/media/b.jpg", expired),
        (DEFAULT_SITE, "/uploads/b.jpg", expired),
        ("other", "/media/b.jpg", expired),
    ):
        urls.put(site_id, path, asset.id)
    set_fields(database, expired, expires_at=utc_now() - timedelta(seconds=1))
    sweeper(database).sweep()
    assert urls.paths_of(DEFAULT_SITE, expired.id) == []
    assert urls.paths_of(DEFAULT_SITE, kept.id) == ["/media/a.jpg"]
    assert urls.paths_of("other", expired.id) == ["/media/b.jpg"]


def test_the_trash_is_emptied_after_its_days_and_not_before(database: Database) -> None:
    for days in (6.9, 7.1):
        asset = claimed(database, stored(database, an_asset()))
        trash = {"at": utc_now() - timedelta(days=days), "position": 0}
        set_fields(database, asset, state="trash", trash=trash)
    swept = sweeper(database).sweep()
    assert (swept.trash, swept.purged) == (1, 1)
    assert counts(database) == (1, 1, 3)


@pytest.mark.parametrize("gone", ["nothing", "file document", "all bytes"])
def test_a_purge_that_was_cut_off_is_finished(database: Database, gone: str) -> None:
    asset = claimed(database, stored(database, an_asset()))
    set_fields(database, asset, state="purging")
    if gone != "nothing":
        database.raw[f"{BUCKET}.files"].delete_many({})
    if gone == "all bytes":
        database.raw[f"{BUCKET}.chunks"].delete_many({})
    sweeper(database).sweep()
    assert counts(database) == (0, 0, 0)


def test_a_file_that_no_asset_names_goes(database: Database) -> None:
    asset = stored(database, an_asset())
    database.raw["assets"].delete_one({"_id": asset.id})
    assert sweeper(database).sweep().files == 1
    assert counts(database) == (0, 0, 0)


def test_a_version_that_fell_off_its_asset_goes(database: Database) -> None:
    asset = claimed(database, stored(database, an_asset(a_version(), a_version())))
    database.raw["assets"].update_one({"_id": asset.id}, {"$pop": {"versions": 1}})
    assert sweeper(database).sweep().files == 1
    assert counts(database) == (1, 1, 3)


def test_chunks_without_a_file_go(database: Database) -> None:
    claimed(database, stored(database, an_asset()))
    stored(database, an_asset())
    lost = database.raw[f"{BUCKET}.files"].find_one({}, sort=[("_id", 1)])
    assert lost is not None
    database.raw["assets"].delete_one({"_id": lost["metadata"]["asset"]})
    database.raw[f"{BUCKET}.files"].delete_one({"_id": lost["_id"]})
    assert sweeper(database).sweep().chunk_sets == 1
    assert counts(database) == (1, 1, 3)


def test_chunks_that_an_asset_still_needs_stay_without_their_file(database: Database) -> None:
    claimed(database, stored(database, an_asset()))
    database.raw[f"{BUCKET}.files"].delete_many({})
    before = counts(database)
    assert sweeper(database).sweep().total == 0
    assert counts(database) == before


def test_a_file_that_an_asset_names_stays_whatever_asset_it_names_itself(
    database: Database,
) -> None:
    claimed(database, stored(database, an_asset()))
    database.raw[f"{BUCKET}.files"].update_many({}, {"$unset": {"metadata": ""}})
    before = counts(database)
    assert sweeper(database).sweep().total == 0
    assert counts(database) == before


@pytest.mark.parametrize("change", [{"$set": {"versions": []}}, {"$unset": {"versions": ""}}])
def test_what_a_record_may_have_named_that_names_nothing_more_stays(
    database: Database, change: dict[str, Any]
) -> None:
    asset = claimed(database, stored(database, an_asset()))
    database.raw["assets"].update_one({"_id": asset.id}, change)
    if "$set" in change:
        rendition = {"_id": f"{asset.id}/0123456789ab/card.webp", "asset": asset.id}
        of_it = {
            "site": asset.site,
            "file": asset.current.file,
            "made_at": utc_now() - timedelta(days=1),
        }
        database.raw["renditions"].insert_one({**rendition, **of_it})
    before = counts(database)
    assert sweeper(database).sweep().total == 0
    assert counts(database) == before


def test_what_is_younger_than_an_hour_waits(database: Database) -> None:
    for collection in ("assets", f"{BUCKET}.files"):
        stored(database, an_asset())
        database.raw[collection].delete_many({})
    before = counts(database)
    assert sweeper(database, orphan_age=timedelta(hours=1)).sweep().total == 0
    assert counts(database) == before


@pytest.mark.parametrize("lost", ["assets", f"{BUCKET}.files"])
def test_what_an_open_write_is_writing_stays_while_its_lease_is_good(
    database: Database, lost: str
) -> None:
    write = an_open_write(database, lease_seconds=60)
    version = a_version()
    being_written = Version(
        **{n: getattr(version, n) for n in Version.__slots__} | {"file": write.files[0]}
    )
    stored(database, an_asset(being_written))
    database.raw["assets"].delete_many({})
    database.raw[lost].delete_many({})
    before = counts(database)
    assert sweeper(database).sweep().total == 0
    assert counts(database) == before

    past = utc_now() - timedelta(minutes=1)
    database.raw["writes"].update_one({"_id": write.id}, {"$set": {"lease_until": past}})
    assert sweeper(database).sweep().total == 1
    assert counts(database) == (0, 0, 0)
    assert database.raw["writes"].count_documents({}) == 0


def test_clocks_that_differ_stop_the_sweeper_before_anything(database: Database) -> None:
    class Skewed(SweptStore):
        def clock_skew_seconds(self) -> float:
            return 31.0

    expired = stored(database, an_asset())
    set_fields(database, expired, expires_at=utc_now() - timedelta(days=1))
    with pytest.raises(ClocksDiffer):
        Sweeper(Skewed(database), buckets=BUCKETS, trash_days=7).sweep()
    assert counts(database) == (1, 1, 3)


def test_a_second_sweep_finds_nothing(database: Database) -> None:
    for _ in range(3):
        expired = stored(database, an_asset())
        set_fields(database, expired, expires_at=utc_now() - timedelta(days=1))
    assert sweeper(database).sweep().purged == 3
    assert sweeper(database).sweep().total == 0


GONE = object()
"""A field that is taken away."""

DAMAGED: tuple[tuple[str, Any], ...] = (
    ("site", GONE),
    ("site", "zzz"),
    ("site", 7),
    ("claim", GONE),
    ("claim", None),
    ("claim", 7),
    ("state", "zzz"),
    ("versions", GONE),
    ("versions", [{"file": 7}]),
    ("expires_at", 7),
    ("trash", {}),
    ("bucket", 7),
)


def damage(database: Database, asset: Asset, field: str, value: Any) -> None:
    change = {"$unset": {field: ""}} if value is GONE else {"$set": {field: value}}
    database.raw["assets"].update_one({"_id": asset.id}, change)


def test_no_damaged_field_costs_the_bytes(database: Database) -> None:
    for field, value in DAMAGED:
        asset = claimed(database, stored(database, an_asset()))
        database.raw["assets"].update_one({"_id": asset.id}, {"$unset": {"expires_at": ""}})
        damage(database, asset, field, value)
    sweeper(database).sweep()
    assert counts(database) == (len(DAMAGED), len(DAMAGED), 3 * len(DAMAGED))
    assert database.raw["assets"].find_one({"state": "purging"}) is None


def test_chunks_stay_while_nobody_can_read_what_an_asset_names(database: Database) -> None:
    for field, value in (("versions", GONE), ("versions.0.file", 7), ("site", "zzz")):
        database.raw["assets"].delete_many({})
        asset = claimed(database, stored(database, an_asset()))
        damage(database, asset, field, value)
        database.raw[f"{BUCKET}.files"].delete_many({})
        sweeper(database).sweep()
        assert counts(database) == (1, 0, 3), field
        database.raw["assets"].delete_many({})
        sweeper(database).sweep()
        assert counts(database) == (0, 0, 0)


@pytest.mark.parametrize("ids", [("a", "b"), (7, 8)])
def test_what_cannot_be_read_is_left_as_it_is_and_the_rest_goes(
    database: Database, ids: tuple[Any, Any]
) -> None:
    past = utc_now() - timedelta(minutes=1)
    for number, changes in enumerate(
        ({"expires_at": past}, {"state": "trash", "trash": {"at": past}})
    ):
        asset = stored(database, an_asset())
        document = database.raw["assets"].find_one_and_delete({"_id": asset.id})
        assert document is not None
        long_ago = {**document, **changes, "_id": ids[number], "revision": "zzz"}
        database.raw["assets"].insert_one(long_ago)
        fine = stored(database, an_asset())
        set_fields(database, fine, **changes)
    before = list(database.raw["assets"].find({"revision": "zzz"}, sort=[("_id", 1)]))
    swept = sweeper(database, trash_days=0, orphan_age=timedelta(days=1)).sweep()
    assert (swept.unclaimed, swept.trash, swept.purged) == (1, 1, 2)
    assert list(database.raw["assets"].find({}, sort=[("_id", 1)])) == before


def test_a_round_ends_while_the_trash_fills(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trashed(at: datetime) -> None:
        set_fields(database, stored(database, an_asset()), state="trash", trash={"at": at})

    purge, purged = SweptStore.purge, []

    def purge_and_trash(self: SweptStore, asset: Asset) -> None:
        purged.append(asset.id)
        purge(self, asset)
        trashed(utc_now())
        assert len(purged) < 5

    monkeypatch.setattr(SweptStore, "purge", purge_and_trash)
    trashed(utc_now() - timedelta(minutes=1))
    assert sweeper(database, trash_days=0).sweep().trash == 1


def test_a_rendition_that_cannot_be_read_stops_no_round(database: Database) -> None:
    renditions = database.raw["renditions"]
    sound = {"site": DEFAULT_SITE, "file": "f", "made_at": utc_now() - timedelta(days=1)}
    for name, changes in (
        ("a", {}),
        ("a/b/c.jpg", {"made_at": "zzz"}),
        ("b/b/c.jpg", {"file": 7}),
        ("c/b/c.jpg", {"site": 7}),
        ("d/b/c.jpg", {}),
    ):
        renditions.insert_one({"_id": name, **sound, **changes})
    assert sweeper(database).sweep().renditions == 1
    assert renditions.find_one({"_id": "d/b/c.jpg"}) is None


@pytest.mark.parametrize(("is_done", "stay"), [(False, 1), ("zzz", 1), (None, 1), (True, 0)])
def test_chunks_of_an_upload_stay_unless_it_says_that_it_is_finished(
    database: Database, is_done: Any, stay: int
) -> None:
    own_id = new_id()
    upload = {"_id": new_id(), "site": DEFAULT_SITE, "file": own_id, "is_done": is_done}
    database.raw["tus_uploads"].insert_one(upload)
    chunk = {"files_id": f"{DEFAULT_SITE}/{own_id}", "n": 0, "data": b"a"}
    database.raw[f"{BUCKET}.chunks"].insert_one(chunk)
    sweeper(database).sweep()
    assert database.raw[f"{BUCKET}.chunks"].count_documents({}) == stay


def a_rendition(database: Database, asset: Asset, **changes: Any) -> None:
    token = new_id()[:12]
    made = {"_id": f"{asset.id}/{token}/card.webp", "site": asset.site, "asset": asset.id}
    long_ago = {"file": asset.current.file, "made_at": utc_now() - timedelta(days=1)}
    database.raw["renditions"].insert_one({**made, **long_ago, **changes})


def test_what_is_due_goes_without_a_look_at_everything(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avenue.media.sweeper.SLICE", 0)
    write = an_open_write(database, lease_seconds=60)
    version = a_version()
    given_up = Version(
        **{n: getattr(version, n) for n in Version.__slots__} | {"file": write.files[0]}
    )
    stored(database, an_asset(given_up))
    database.raw["assets"].delete_many({})
    shown = claimed(database, stored(database, an_asset()))
    a_rendition(database, shown)
    assert sweeper(database).sweep().total == 0

    # Not just now: a round leaves out what is younger than the difference of the clocks.
    past = utc_now() - timedelta(minutes=1)
    database.raw["writes"].update_one({"_id": write.id}, {"$set": {"lease_until": past}})
    moved = {"focal": [0.1, 0.9]}
    assert AssetStore(database).change(DEFAULT_SITE, shown.id, Claim(kind="product", id="p"), moved)
    noted = {"shown_anew_at": {"$exists": True}}
    assert (
        database.raw["assets"].update_one(noted, {"$set": {"shown_anew_at": past}}).modified_count
    )
    swept = sweeper(database).sweep()
    assert (swept.files, swept.renditions) == (1, 1)
    assert counts(database) == (1, 1, 3)
    assert "shown_anew_at" not in (database.raw["assets"].find_one() or {})


def test_a_round_looks_at_a_slice_and_the_next_one_at_what_follows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avenue.media.sweeper.SLICE", 20)
    monkeypatch.setattr("avenue.media.sweeper.BATCH", 10)
    asset = claimed(database, stored(database, an_asset()))
    steps = []
    for more in (60, 120):
        for _ in range(more):
            a_rendition(database, asset)
        swept = sweeper(database, orphan_age=timedelta(days=2))
        steps.append(rounds := [0])
        swept.sweep(lambda _, rounds=rounds: rounds.__setitem__(0, rounds[0] + 1))
    assert steps[0] == steps[1]
    taken = [sweeper(database).sweep().renditions for _ in range(11)]
    assert (max(taken), sum(taken)) == (20, 180)


def test_a_round_that_is_asked_to_looks_at_everything(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avenue.media.sweeper.SLICE", 10)
    monkeypatch.setattr("avenue.media.sweeper.BATCH", 10)
    asset = claimed(database, stored(database, an_asset()))
    for _ in range(45):
        a_rendition(database, asset)
    assert sweeper(database).sweep(all_of_it=True).renditions == 45


def test_nothing_goes_while_a_backup_runs(database: Database) -> None:
    asset = claimed(database, stored(database, an_asset()))
    set_fields(database, asset, state="purging")
    until = utc_now() + timedelta(minutes=1)
    database.raw["leases"].insert_one({"_id": "backup", "until": until})
    assert sweeper(database).sweep().total == 0
    assert counts(database) == (1, 1, 3)
    database.raw["leases"].delete_many({})
    assert sweeper(database).sweep().purged == 1
    assert counts(database) == (0, 0, 0)
