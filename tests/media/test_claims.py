"""An asset has one owner: who comes later, or too late, does not get it."""

from datetime import timedelta
from typing import Any

import pytest

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE
from avenue.media.models import Claim, State
from avenue.media.store.assets import AssetStore
from avenue.media.store.documents import ASSETS
from avenue.media.store.transitions import claim_one
from avenue.storage.connection import Database
from avenue.storage.scope import site
from tests.media.test_sweeper import BUCKET, an_asset, claimed, counts, set_fields, stored

MINE, THEIRS = Claim(kind="product", id="mine"), Claim(kind="product", id="p")


def claim(database: Database, asset_id: str, owner: Claim) -> bool:
    scope = site(database, DEFAULT_SITE)
    return scope.transaction(
        lambda session: claim_one(scope.collection(ASSETS).within(session), asset_id, owner)
    )


def record(database: Database, asset_id: str) -> Any:
    return database.raw[ASSETS].find_one({"_id": asset_id})


def test_who_claims_it_in_time_has_it_and_may_ask_twice(database: Database) -> None:
    asset = stored(database, an_asset())
    assert claim(database, asset.id, MINE)
    kept = record(database, asset.id)
    assert kept["claim"] == {"kind": "product", "id": "mine"}
    assert "expires_at" not in kept
    assert claim(database, asset.id, MINE)
    assert record(database, asset.id) == kept


@pytest.mark.parametrize("left", [timedelta(hours=24), None])
def test_what_somebody_has_stays_theirs(database: Database, left: timedelta | None) -> None:
    asset = claimed(database, stored(database, an_asset()))
    if left is None:  # as it is once it was claimed
        database.raw[ASSETS].update_one({"_id": asset.id}, {"$unset": {"expires_at": ""}})
    before = record(database, asset.id)
    assert not claim(database, asset.id, MINE)
    assert record(database, asset.id) == before
    assert claim(database, asset.id, THEIRS)


@pytest.mark.parametrize(
    "fields",
    [
        {"expires_at": utc_now() - timedelta(seconds=1)},
        {"state": State.TRASH},
        {"state": State.PURGING},
        {"site": "other"},
    ],
)
def test_what_is_over_or_elsewhere_nobody_gets(database: Database, fields: dict[str, Any]) -> None:
    asset = stored(database, an_asset())
    set_fields(database, asset, **fields)
    before = record(database, asset.id)
    assert not claim(database, asset.id, MINE)
    assert record(database, asset.id) == before


def test_what_was_claimed_in_the_meantime_is_not_discarded(database: Database) -> None:
    store, kept = AssetStore(database), claimed(database, stored(database, an_asset()))
    gone = stored(database, an_asset())
    for each in (kept, gone):
        store.discard(DEFAULT_SITE, BUCKET, asset_id=each.id, file_id=each.current.file)
    assert record(database, kept.id)
    assert counts(database) == (1, 1, 3)
