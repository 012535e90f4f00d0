"""Every index is there for a query or a constraint: one that nobody uses costs each write."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.identity import DEFAULT_SITE
from avenue.media.references import IMPORT_EXTERNAL
from avenue.moves.models import MOVES
from avenue.sites.cloning import CLONE
from avenue.sites.removal import REMOVE
from avenue.storage.indexes import INDEXES, Index
from avenue.storage.site_data import BUCKETS
from tests.http.application import Application
from tests.http.test_work_of_every_route import JOBS, READS, Deployment
from tests.http.test_work_of_queries import PLACES
from tests.mongod import Mongod
from tests.table import table

LEFT_OUT = {"fsck", "rebuild", CLONE, REMOVE, *MOVES} - {IMPORT_EXTERNAL}
"""They ask what others ask: of every byte, or of files elsewhere."""


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Deployment]:
    with Application(mongod) as application:
        yield Deployment(application)


def is_constraint(index: Index) -> bool:
    """Whether it keeps something unique, or forgets what is old."""
    return bool({"unique", "expireAfterSeconds"} & index.options.keys())


def uses(application: Application) -> set[str]:
    """The indexes that were used since they were made, as `collection.name`."""
    found = set()
    for collection in {each.collection for each in INDEXES}:
        for each in application.raw[collection].aggregate([{"$indexStats": {}}]):
            if each["accesses"]["ops"]:
                found.add(f"{collection}.{each['name']}")
    return found


OF_SITE = {"site": DEFAULT_SITE}
ELSEWHERE: Mapping[str, tuple[Mapping[str, Any], Mapping[str, int]]] = {
    # Of indexes that no list and no job of an ordinary day uses, what asks for them: its filter and
    # its order.
    "password_links.user_1": ({"user": "a"}, {}),
    "assets.site_1_claim.kind_1_alt.en_1_created_at_-1__id_-1": (
        {"claim.kind": "library", "state": "live", "alt.en": {"$in": [None, ""]}, **OF_SITE},
        {"created_at": -1, "_id": -1},
    ),
    "assets.versions.scan.state_1_site_1__id_1": (
        {"versions.scan.state": "pending", "_id": {"$nin": ["a"]}},
        {"site": 1, "_id": 1},
    ),
    "assets.site_1_versions.file_1": ({"versions.file": "a", **OF_SITE}, {}),
    "page_content.publish_at_1": (
        {"publish_at": {"$lte": datetime(2026, 1, 31, tzinfo=UTC), "$type": "date"}},
        {"publish_at": 1},
    ),
    "adopted.site_1_kind_1_keys_1": ({"kind": "a", "keys": {"$in": ["a"]}, **OF_SITE}, {}),
    "writes.files_1": ({"files": "a", "state": "open", **OF_SITE}, {}),
    **{
        f"{name}.{index}": query
        for name in ("notifications", "house_notifications")
        for index, query in {
            "site_1_created_at_1__id_1": (
                {"channel": "mail", **OF_SITE},
                {"created_at": -1, "_id": -1},
            ),
            "batch_1": ({"batch": "a"}, {}),
            "receiver_1_state_1_delivered_at_1": (
                {"receiver": "mail", "state": "delivered", "delivered_at": {"$type": "date"}},
                {"delivered_at": 1},
            ),
        }.items()
    },
    "page_content.site_1_published.translation_of_1": (
        {"published.translation_of": {"$eq": "a", "$type": "string"}, **OF_SITE},
        {},
    ),
    "shop_products.site_1_status_1_category_keys_1_created_at_-1__id_-1": (
        {"status": "published", "category_keys": {"$eq": "a", "$type": "string"}, **OF_SITE},
        {"created_at": -1, "_id": -1},
    ),
    "shop_products.site_1_status_1_attribute_keys_1_created_at_-1__id_-1": (
        {"status": "published", "attribute_keys": {"$in": ["a"], "$type": "string"}, **OF_SITE},
        {"created_at": -1, "_id": -1},
    ),
    "shop_products.site_1_status_1_attribute_set_1": (
        {"status": "published", "attribute_set": {"$gte": "a", "$lt": "b"}, **OF_SITE},
        {},
    ),
    "shop_products_grouped.site_1_model_1": ({"model": "a", **OF_SITE}, {}),
    # Every client of GridFS finds files by their names, as its specification says.
    **{
        f"{bucket}.files.filename_1_uploadDate_1": ({"filename": "a"}, {"uploadDate": -1})
        for bucket in BUCKETS
    },
}


@pytest.mark.long
@pytest.mark.timeout(900)
def test_every_index_has_its_use(deployment: Deployment) -> None:
    application = deployment.application
    for route in READS:
        deployment.asker(route).get(deployment.path(route.split()[1]))
    for who, place in PLACES:
        deployment.store.callers[who].get(deployment.store.named(place))
    for kind in sorted(JOBS.keys() - LEFT_OUT):
        application.forget_jobs()
        Background(application.settings, application.database).finish(JOBS[kind](application))
    used = uses(application)
    names = {f"{each.collection}.{each.name}" for each in INDEXES if not is_constraint(each)}
    assert sorted(names - used - ELSEWHERE.keys()) == []
    assert ELSEWHERE.keys() <= names


@pytest.mark.long
@table("name", ELSEWHERE)
def test_what_is_seldom_asked_uses_its_index(deployment: Deployment, name: str) -> None:
    asked, order = ELSEWHERE[name]
    collection = next(
        each.collection for each in INDEXES if f"{each.collection}.{each.name}" == name
    )
    found = deployment.application.raw[collection].find(asked)
    plan = (found.sort(list(order.items())) if order else found).explain()["queryPlanner"]
    assert name.removeprefix(f"{collection}.") in set(names_in(plan["winningPlan"]))


def names_in(plan: Any) -> Iterator[str]:
    """The indexes that a plan goes through."""
    if isinstance(plan, Mapping):
        if "indexName" in plan:
            yield plan["indexName"]
        for each in plan.values():
            yield from names_in(each)
    elif isinstance(plan, list):
        for each in plan:
            yield from names_in(each)
