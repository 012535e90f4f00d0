"""Lists of products by what is lacking of their pictures: what they find, and by which index."""

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from tests.http.application import PRODUCTS, Application, Caller, a_picture, unique
from tests.http.debug_app import Hand, inspected
from tests.http.test_debug_at_size import explained, stages_of
from tests.http.test_products import assert_refused
from tests.listening import recorded
from tests.mongod import Mongod
from tests.table import table

MANY = 2_000
PLAIN = {"aggregate", "pipeline", "cursor"}


@pytest.fixture
def someone(application: Application) -> Caller:
    """A seller whose products are the only ones they see."""
    return application.new_person(unique("lista"))


def names(caller: Caller, query: str) -> set[str]:
    answer = caller.get(f"{PRODUCTS}?owner=me&{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json["total"] == len(answer.json["items"])
    return {each["name"] for each in answer.json["items"]}


def describe(caller: Caller, product: Any, number: int, **changes: Any) -> None:
    url = f"{PRODUCTS}/{product['id']}/images/{product['images'][number]['id']}"
    assert caller.patch(url, json=changes).status_code == 200


def test_without_pictures(someone: Caller) -> None:
    someone.a_product(a_picture(), name="Con foto")
    emptied = someone.a_product(a_picture(), name="Vaciado")
    someone.a_product(name="Sin foto")
    someone.delete(f"{PRODUCTS}/{emptied['id']}/images/{emptied['images'][0]['id']}")
    external = someone.a_product(name="De otra parte")
    url = {"image_url": "https://cdn.example/a.jpg"}
    someone.post(f"{PRODUCTS}/{external['id']}/images", json=url)
    assert names(someone, "pictures=none") == {"Vaciado", "Sin foto"}


def test_with_a_picture_that_lacks_a_text(someone: Caller) -> None:
    someone.a_product(name="Sin foto")
    someone.a_product(a_picture(), name="Nada")
    half = someone.a_product(a_picture(), a_picture(), name="A medias")
    describe(someone, half, 0, alt={"es": "Zapato rojo"})
    english = someone.a_product(a_picture(), name="Solo en inglés")
    describe(someone, english, 0, alt={"en": "Red shoe", "es": ""})
    described = someone.a_product(a_picture(), a_picture(), name="Todo dicho")
    describe(someone, described, 0, alt={"es": "Zapato rojo"})
    describe(someone, described, 1, decorative=True)
    removed = someone.a_product(a_picture(), name="En la papelera")
    someone.delete(f"{PRODUCTS}/{removed['id']}/images/{removed['images'][0]['id']}")
    assert names(someone, "pictures=no_alt") == {"Nada", "A medias", "Solo en inglés"}
    assert names(someone, "pictures=no_alt&search=med") == {"A medias"}


def test_with_problems(application: Application, someone: Caller) -> None:
    lost = someone.a_product(a_picture(), name="Perdida")
    someone.a_product(a_picture(), name="Entera")
    Hand(application, lost["images"][0]["id"]).file_gone()
    assert names(someone, "pictures=problems") == set()
    inspected(application)
    assert names(someone, "pictures=problems") == {"Perdida"}
    assert names(someone, "pictures=problems&status=published") == set()


def test_of_very_many_the_newest_are_listed_and_all_exported(
    own_application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, seller = own_application.caller("admin"), own_application.caller("seller")
    theirs = [seller.a_product(a_picture(), name=each) for each in ("Primera", "Segunda")]
    admin.a_product(a_picture(), name="Tercera")
    for each in theirs:
        Hand(own_application, each["images"][0]["id"]).file_gone()
    inspected(own_application)
    monkeypatch.setattr("avenue.shop.store.product_queries.MOST_LACKING", 1)
    for asked in ("no_alt", "problems"):
        listed = admin.get(f"{PRODUCTS}?pictures={asked}").json
        assert listed["total"] is None
        assert 0 < listed["total_at_least"] == len(listed["items"]) <= 2
        exported = admin.get(f"{PRODUCTS}/export?pictures={asked}").text
        expected = ("Primera", "Segunda", *(["Tercera"] if asked == "no_alt" else []))
        assert all(each in exported for each in expected)
        assert ("Tercera" in exported) is ("Tercera" in expected)
    # Of one person's, however many others have that are newer.
    own = seller.get(f"{PRODUCTS}?owner=me&pictures=no_alt").json
    assert [each["name"] for each in own["items"]] == ["Segunda"]
    home = admin.get("/admin", headers={"Accept-Language": "en"}).text
    assert "<b>2+</b>" in home


def test_what_others_have_is_not_among_it(application: Application, someone: Caller) -> None:
    draft = someone.a_product(name=unique("Borrador "))
    stranger = application.new_person(unique("otro"))
    found = stranger.get(f"{PRODUCTS}?pictures=none&search={draft['name'].split()[1]}")
    assert found.json["total"] == 0


@table("pictures", ["none", "no_alt", "problems"])
def test_only_whoever_is_signed_in_may_ask(application: Application, pictures: str) -> None:
    answer = application.caller("nobody").get(f"{PRODUCTS}?pictures={pictures}")
    assert_refused(answer, 401, "unauthenticated")


def test_nothing_else_may_be_lacking(someone: Caller) -> None:
    assert_refused(someone.get(f"{PRODUCTS}?pictures=x"), 400, "invalid_request")


@pytest.fixture(scope="module")
def big(mongod: Mongod) -> Iterator[Application]:
    """A shop of `MANY` products: every tenth without pictures, every twentieth lacks a text."""
    with Application(mongod) as application:
        products, assets, findings = [], [], []
        for number in range(MANY):
            product, asset = new_id(), new_id()
            has_picture = number % 10 != 0
            products.append(
                {
                    "_id": product,
                    "site": DEFAULT_SITE,
                    "name": f"Zapato {number:05d}",
                    "name_key": f"zapato {number:05d}",
                    "sku": f"Z-{number:05d}",
                    "words": ["zapato", f"{number:05d}"],
                    "description": "",
                    "currency": "PYG",
                    "status": "published",
                    "images": [{"asset": asset}] if has_picture else [],
                    "revision": 1,
                    "created_at": utc_now(),
                    "updated_at": utc_now(),
                }
            )
            if has_picture:
                assets.append(
                    {
                        "_id": asset,
                        "site": DEFAULT_SITE,
                        "bucket": "product_images",
                        "owner": None,
                        "name": "z.jpg",
                        "visibility": "public",
                        "state": "live",
                        "claim": {"kind": "product", "id": product},
                        "versions": [
                            {
                                "file": asset,
                                "bytes": 1,
                                "sha256": "0" * 64,
                                "source_sha256": "0" * 64,
                                "media_type": "image/jpeg",
                                "width": 1,
                                "height": 1,
                                "at": utc_now(),
                                "by": None,
                            }
                        ],
                        "revision": 1,
                        "created_at": utc_now(),
                        "alt": {} if number % 20 == 1 else {"es": "Zapato"},
                        "decorative": False,
                        "focal": None,
                    }
                )
            if number % 50 == 1:
                findings.append(
                    {
                        "_id": f"{DEFAULT_SITE}/product/{product}/0000",
                        "site": DEFAULT_SITE,
                        "referrer": {"kind": "product", "id": product},
                        "sku": None,
                        "position": 0,
                        "image": asset,
                        "standing": "missing",
                        "kind": "file_missing",
                        "detail": "…",
                    }
                )
        quick = WriteConcern(w=1, j=False)
        for name, documents in (
            ("shop_products", products),
            ("assets", assets),
            ("findings", findings),
        ):
            application.raw.get_collection(name, write_concern=quick).insert_many(
                documents, ordered=False
            )
        yield application


@table("sort", ["-created_at", "-price", "sku"])
@table("pictures, total", [("none", MANY // 10), ("no_alt", MANY // 20), ("problems", MANY // 50)])
def test_no_list_reads_every_product(
    big: Application, pictures: str, total: int, sort: str
) -> None:
    admin = big.caller("admin")
    with recorded(big.raw.name) as commands:
        answer = admin.get(f"{PRODUCTS}?pictures={pictures}&sort={sort}&limit=50")
    assert answer.json["total"] == total
    asked = [
        command
        for command in commands
        if command.get("find", command.get("aggregate")) in {"shop_products", "assets", "findings"}
    ]
    assert {command.get("find", command.get("aggregate")) for command in asked} >= {"shop_products"}
    assert not [repr(each)[:300] for each in asked if "COLLSCAN" in stages_of(explained(big, each))]
    # Counted is what is meant, without looking at anything else; so are texts and findings.
    counting = [each for each in asked if "aggregate" in each]
    assert {each["aggregate"] for each in counting} >= {"shop_products"}
    assert max(examined(big, each) for each in counting) <= total


def examined(application: Application, command: dict[str, Any]) -> int:
    plain = {name: value for name, value in command.items() if name in PLAIN}
    told = application.raw.command("explain", plain, verbosity="executionStats")
    stats = told.get("executionStats") or told["stages"][0]["$cursor"]["executionStats"]
    return int(stats["totalDocsExamined"])
