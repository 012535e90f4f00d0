"""No command of a request looks beyond its site; and the watch that says so can bite.

Every request of the tests in this folder is watched (`Caller.ask`), and the test that made a bad
one fails. What runs for the whole deployment (sweeper, jobs) runs outside of requests.
"""

import pytest

from avenue.storage.scope import deployment, site
from avenue.storage.site_data import BUCKETS, SITE_COLLECTIONS
from tests import pictures
from tests.http.application import PRODUCTS, Application, Caller, a_picture, large_picture, unique
from tests.http.test_product_images import Shelf
from tests.http.watch import Watch, offence
from tests.mongod import client_of
from tests.table import table

SITE = {"site": "a"}
RANGE = {"$gte": "a/", "$lt": "a0"}  # "0" follows "/"


def looked_up(query: dict[str, object], collection: str = "renditions") -> dict[str, object]:
    return {"$lookup": {"from": collection, "pipeline": [{"$match": query}], "as": "beside"}}


GOOD = (
    {"find": "assets", "filter": {"_id": 1, **SITE}},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, {"$unwind": "$versions"}]},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, looked_up(SITE)]},
    {"count": "assets", "query": SITE},
    {"distinct": "assets", "key": "owner", "query": SITE},
    {"findAndModify": "writes", "query": SITE, "update": []},
    {"update": "shop_products", "updates": [{"q": SITE, "u": {}}]},
    {"delete": "shop_products", "deletes": [{"q": SITE, "limit": 1}]},
    {"insert": "shop_products", "documents": [{"_id": 1, **SITE}]},
    {"find": "product_images.files", "filter": {"_id": "a/1"}},
    {"find": "product_images.chunks", "filter": {"files_id": "a/1", "n": {"$gte": 0}}},
    {"insert": "uploads.chunks", "documents": [{"files_id": "a/1", "n": 0}]},
    {"findAndModify": "builder_media.files", "query": {"_id": "a/1"}},
    {"delete": "product_images.chunks", "deletes": [{"q": {"files_id": "a/1"}, "limit": 0}]},
    {"find": "product_images.files", "filter": {"_id": {"$in": ["a/1", "a/2"]}}},
    {"find": "product_images.files", "filter": {"_id": {"$gt": "a/1", "$lt": "a0"}}},
    {"aggregate": "uploads.chunks", "pipeline": [{"$match": {"files_id": RANGE}}]},
    {"find": "users", "filter": {"email": "x"}},
    {"find": "sites", "filter": {}},
    {"commitTransaction": 1},
)
BAD = (
    {"find": "assets", "filter": {"_id": 1}},
    {"find": "assets", "filter": {}},
    {"find": "assets"},
    {"find": "assets", "filter": {"site": "b"}},
    {"find": "assets", "filter": {"site": {"$in": ["a", "b"]}}},
    {"find": "assets", "filter": {"$or": [SITE, {"_id": 1}]}},
    {"aggregate": "assets", "pipeline": []},
    {"aggregate": "assets", "pipeline": [{"$unwind": "$versions"}, {"$match": SITE}]},
    {"aggregate": "assets", "pipeline": [{"$match": {"state": "live"}}]},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, {"$lookup": {"from": "assets"}}]},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, looked_up({"_id": 1})]},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, looked_up({"site": "b"})]},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, looked_up(SITE, "users")]},
    {"aggregate": "users", "pipeline": [{"$match": {}}, {"$unionWith": "assets"}]},
    {"aggregate": "assets", "pipeline": [{"$match": SITE}, {"$out": "copies"}]},
    {"count": "assets", "query": {}},
    {"distinct": "assets", "key": "owner"},
    {"findAndModify": "writes", "query": {"_id": 1}},
    {"update": "shop_products", "updates": [{"q": SITE, "u": {}}, {"q": {}, "u": {}}]},
    {"delete": "shop_products", "deletes": [{"q": {"_id": 1}, "limit": 1}]},
    {"insert": "shop_products", "documents": [{"_id": 1, **SITE}, {"_id": 2}]},
    {"mapReduce": "assets", "query": SITE},
    {"drop": "shop_products"},
    {"find": "product_images.files", "filter": {}},
    {"find": "product_images.files", "filter": {"_id": "b/1"}},
    {"find": "product_images.files", "filter": {"_id": {"$gt": "a/"}}},
    {"find": "product_images.files", "filter": {"_id": {"$gte": "a/", "$lt": "b0"}}},
    {"find": "product_images.files", "filter": {"_id": {"$gte": "a", "$lt": "a0"}}},
    {"find": "product_images.files", "filter": {"_id": {"$lt": "a0"}}},
    {"find": "product_images.files", "filter": {"_id": {"$in": ["a/1", "b/1"]}}},
    {"find": "product_images.files", "filter": {"metadata.site": "a"}},
    {"find": "product_images.chunks", "filter": {"_id": "a/1"}},
    {"find": "product_images.chunks", "filter": {"files_id": "ab/1"}},
    {"insert": "uploads.chunks", "documents": [{"files_id": "1", "n": 0}]},
    {"insert": "uploads.files", "documents": [{"_id": "1"}]},
    {"delete": "product_images.chunks", "deletes": [{"q": {}, "limit": 0}]},
)


@table("command", GOOD)
def test_a_command_within_its_site_is_fine(command):
    assert offence(next(iter(command)), command, "a") is None


@table("command", BAD)
def test_a_command_beyond_its_site_is_an_offence(command):
    found = offence(next(iter(command)), command, "a")
    assert found is not None
    assert next(iter(command)) in found


@table("name", sorted(SITE_COLLECTIONS))
def test_every_collection_of_sites_is_watched(name):
    assert offence("find", {"find": name, "filter": {}}, "a")


@pytest.mark.parametrize("bucket", BUCKETS)
def test_every_bucket_is_watched(bucket):
    for part in ("files", "chunks"):
        assert offence("find", {"find": f"{bucket}.{part}", "filter": {}}, "a")


@pytest.fixture
def watched(application: Application):
    """A client of its own under a watch of its own, which nothing else hears."""
    watch = Watch()
    watch.database = application.raw.name
    with client_of(application.settings.mongodb_uri, event_listeners=[watch]) as client:
        yield watch, client[application.raw.name]


def test_a_bad_command_inside_a_request_fails_the_test_that_made_it(watched):
    watch, database = watched
    with pytest.raises(AssertionError, match="find of assets for site 'a' means"), watch.over("a"):
        database["assets"].find_one({"_id": "x"})
    watch.offences.clear()
    with pytest.raises(AssertionError, match="insert of writes"), watch.over("a"):
        database["writes"].insert_one({"_id": unique("planted")})
    watch.offences.clear()
    with pytest.raises(AssertionError, match="aggregate of assets"), watch.over("a"):
        database["assets"].count_documents({})


def test_commands_outside_of_requests_and_of_other_databases_are_not_its_business(watched):
    watch, database = watched
    database["assets"].find_one({})
    with watch.over("a"):
        database.client["elsewhere"]["assets"].find_one({})
        database["assets"].find_one({"site": "a"})
    assert watch.seen == {("find", "assets"): 1}


def test_the_application_of_these_tests_is_watched(application, as_seller):
    """One who takes the whole deployment where a site was meant is caught at the next request."""
    watch = application.watch
    with pytest.raises(AssertionError, match="find of shop_products"), watch.over("default"):
        deployment(application.database).collection("shop_products").find_one({"_id": "x"})
    watch.offences.clear()
    with watch.over("default"):
        site(application.database, "default").collection("shop_products").find_one({"_id": "x"})


def test_a_life_of_a_product_touches_everything_and_stays_within_its_site(application):
    """Every route once; the watch has seen each kind of command it is there for."""
    before = dict(application.watch.seen)
    seller = application.new_person(unique("walker"))
    shelf = Shelf(seller, a_picture(), a_picture())
    large = large_picture(seed=8)
    picture = shelf.add(large, headers={"Idempotency-Key": unique("walk")}).json
    assert seller.get(picture["url"]).data == large
    assert seller.get(f"/media/{picture['id']}/original").status_code == 200
    assert shelf.add(pictures.svg()).status_code == 415
    ids, revision = shelf.ids(), shelf.now()["revision"]
    order = {"order": ids[::-1], "revision": revision}
    assert seller.put(shelf.images, json=order).status_code == 200
    described = seller.patch(f"{shelf.images}/{ids[0]}", json={"decorative": True})
    assert described.status_code == 200
    for _ in range(4):
        assert shelf.replace(ids[0], a_picture()).status_code == 201
    assert shelf.remove(ids[1]).status_code == 204
    assert shelf.restore(ids[1]).status_code == 200
    assert seller.patch(shelf.url, json={"price": "5"}).status_code == 200
    assert seller.get("/api/uploads/quota").json["own"]["used_files"] > 0
    assert seller.get(f"{PRODUCTS}?owner=me&search=zapato").json["total"] == 1
    assert seller.delete(shelf.url).status_code == 204
    seen = {each for each, n in application.watch.seen.items() if n > before.get(each, 0)}
    assert seen >= {
        ("find", "shop_products"),
        ("aggregate", "shop_products"),
        ("insert", "shop_products"),
        ("findAndModify", "shop_products"),
        ("update", "shop_products"),
        ("delete", "shop_products"),
        ("find", "assets"),
        ("aggregate", "assets"),
        ("update", "assets"),
        ("findAndModify", "assets"),
        ("findAndModify", "writes"),
        ("update", "writes"),
        ("insert", "product_images.chunks"),
        ("find", "product_images.chunks"),
        ("delete", "product_images.chunks"),
        ("findAndModify", "product_images.files"),
        ("delete", "product_images.files"),
    }


@pytest.mark.long
def test_two_sites_never_see_each_others_things(application, as_seller, on_other_site):
    """The same on both sites; and what one has, the other has not."""
    callers: list[Caller] = [as_seller, on_other_site]
    shelves = [Shelf(each, a_picture()) for each in callers]
    for caller, other in zip(callers, shelves[::-1], strict=True):
        assert caller.get(other.url).status_code == 404
        assert other.product["id"] not in {
            each["id"] for each in caller.get(f"{PRODUCTS}?limit=100").json["items"]
        }
    for shelf in shelves:
        picture = shelf.ids()[0]
        asset = application.raw["assets"].find_one({"_id": picture})
        file = application.raw["product_images.files"].find_one({"metadata.asset": picture})
        assert file["_id"] == f"{asset['site']}/{asset['versions'][0]['file']}"
        assert file["metadata"]["site"] == asset["site"] == shelf.seller.site.id
