"""Lists of general uploads by which index: none reads what it does not show."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from tests.http.application import Application, Caller
from tests.http.test_debug_at_size import explained, stages_of
from tests.listening import recorded
from tests.mongod import Mongod
from tests.table import table

pytestmark = pytest.mark.long  # test_use_of_indexes and test_work_of_every_route see it too

MANY, PAGE = 6_000, 20
CATEGORIES = ("general", "orders", "deposit_proofs", None)
COMMANDS = {"find", "filter", "sort", "limit", "aggregate", "pipeline", "cursor"}


@pytest.fixture(scope="module")
def big(mongod: Mongod) -> Iterator[tuple[Application, Caller]]:
    """Uploads of twenty people; a seller, who is one of them, reads all orders."""
    with Application(mongod) as application:
        seller, now = application.caller("seller"), utc_now()
        people = [str(seller.id), *(new_id() for _ in range(19))]
        documents = [
            an_upload(number, people[number // 2 % 20], now - timedelta(seconds=number))
            for number in range(MANY)
        ]
        quick = WriteConcern(w=1, j=False)
        application.raw.get_collection("assets", write_concern=quick).insert_many(documents)
        readers = {"upload_categories": {"orders": {"readers": ["seller"]}}}
        assert application.caller("admin").patch("/api/site", json=readers).status_code == 200
        yield application, seller


def an_upload(number: int, owner: str, at: Any) -> dict[str, Any]:
    upload_id = new_id()
    return {
        "_id": upload_id,
        "site": DEFAULT_SITE if number % 2 else "other",
        "bucket": "uploads",
        "owner": owner,
        "name": f"a{number}.txt",
        "visibility": "private",
        "state": "live" if number % 10 else "trash",
        "claim": {"kind": "upload", "id": upload_id},
        "category": CATEGORIES[number // 2 % 4],
        "reference": f"ORD-{number % 300}",
        "words": [f"a{number}", "txt", "ord", f"{number % 300}"],
        "versions": [
            {
                "file": upload_id,
                "sha256": "0" * 64,
                "source_sha256": "0" * 64,
                "bytes": 5,
                "media_type": "text/plain",
                "width": None,
                "height": None,
                "at": at,
                "by": owner,
            }
        ],
        "revision": 1,
        "created_at": at,
    }


QUERIES: list[tuple[str, dict[str, Any], float]] = [
    # Who, what they ask for, and how many documents a page may look at for each it shows.
    ("admin", {}, 1),
    ("admin", {"category": "orders"}, 1),
    ("admin", {"category": "general"}, 2),
    ("admin", {"reference": "ORD-7"}, 1),
    ("admin", {"owner": "seller"}, 1),
    ("admin", {"search": "a77"}, 3),
    ("client", {}, 1),
    ("seller", {}, 3),
    ("seller", {"owner": "me"}, 1),
    ("seller", {"reference": "ORD-7"}, 3),
    ("seller", {"category": "orders"}, 1),
]


@table("who, query, most", QUERIES)
def test_a_page_looks_at_what_it_shows(
    big: tuple[Application, Caller], who: str, query: dict[str, Any], most: float
) -> None:
    deployment, seller = big
    asked = {name: seller.id if each == "seller" else each for name, each in query.items()}
    after: str | None = None
    for _ in range(2):
        where = {**asked, "limit": PAGE, **({"after": after} if after else {})}
        with recorded(deployment.raw.name) as sent:
            answer = deployment.caller(who).get("/api/uploads", query_string=where)
        assert answer.status_code == 200
        commands = [each for each in sent if asks_assets(each)]
        assert len(commands) == 2
        page, count = sorted(commands, key=lambda each: "aggregate" in each)
        for command in commands:
            assert "COLLSCAN" not in stages_of(explained(deployment, command)), command
        assert examined(deployment, page) <= most * (len(answer.json["items"]) + 2)
        assert examined(deployment, count) <= most * answer.json["total"]
        assert bool(answer.json["total"]) == (who != "client")
        after = answer.json["next"]
        if after is None:
            break


def asks_assets(command: dict[str, Any]) -> bool:
    return bool(command.get("find", command.get("aggregate")) == "assets")


def examined(deployment: Application, command: dict[str, Any]) -> int:
    plain = {name: value for name, value in command.items() if name in COMMANDS}
    told = deployment.raw.command("explain", plain, verbosity="executionStats")
    stats = told.get("executionStats") or told["stages"][0]["$cursor"]["executionStats"]
    return int(stats["totalDocsExamined"])


@pytest.mark.long
@pytest.mark.parametrize(
    "query",
    [
        "type=pdf",
        pytest.param("state=trash", marks=pytest.mark.long),
        pytest.param("state=trash&owner=me", marks=pytest.mark.long),
        pytest.param("type=text", marks=pytest.mark.long),
    ],
)
def test_a_page_of_the_panel_looks_at_what_it_shows(
    big: tuple[Application, Caller], query: str
) -> None:
    deployment, _ = big
    with recorded(deployment.raw.name) as sent:
        answer = deployment.caller("admin").get(f"/admin/uploads?limit={PAGE}&{query}")
    assert answer.status_code == 200
    page = next(each for each in sent if "find" in each and asks_assets(each))
    assert "COLLSCAN" not in stages_of(explained(deployment, page)), page
    assert examined(deployment, page) <= answer.text.count('class="thing upload-thing"') + 2
