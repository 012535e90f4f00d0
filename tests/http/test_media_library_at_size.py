"""A library of 2,000 files: every page comes in order by an index, and reads what it shows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pymongo import WriteConcern

from avenue.clock import utc_now
from avenue.identity import DEFAULT_SITE, new_id
from avenue.storage.connection import META
from avenue.storage.listing import listing_of
from tests.http.application import Application
from tests.http.test_debug_at_size import explained, stages_of
from tests.http.test_media_library import FOLDERS, MEDIA
from tests.http.test_uploads_at_size import asks_assets, examined
from tests.listening import recorded
from tests.mongod import Mongod
from tests.table import table

pytestmark = pytest.mark.long  # test_use_of_indexes and test_work_of_every_route see it too

MANY, PAGE = 2_000, 20
FOLDER_IDS = [f"carpeta{number:015}" for number in range(20)]
TYPES = ("image/jpeg", "image/jpeg", "image/jpeg", "image/png")


@pytest.fixture(scope="module")
def big(mongod: Mongod) -> Iterator[Application]:
    """Besides it, as many files in the trash and on another site as make an index needed."""
    with Application(mongod) as application:
        now = utc_now()
        moments = [now - timedelta(seconds=number) for number in range(MANY)]
        live = [a_file(number, at) for number, at in enumerate(moments)]
        gone = [{**a_file(number, at), "state": "trash"} for number, at in enumerate(moments[:500])]
        away = [a_file(number, at, site="other") for number, at in enumerate(moments[:500])]
        quick = WriteConcern(w=1, j=False)
        assets = application.raw.get_collection("assets", write_concern=quick)
        assets.insert_many([*live, *gone, *away])
        yield application


def a_file(number: int, at: Any, site: str = DEFAULT_SITE) -> dict[str, Any]:
    asset_id = new_id()
    version = {
        "file": asset_id,
        "sha256": f"{number:064x}",
        "source_sha256": f"{number:064x}",
        "bytes": 1000 + number * 7919 % 100_003,
        "media_type": TYPES[number % 4],
        "width": 64,
        "height": 48,
        "at": at,
        "by": None,
    }
    asset = {
        "_id": asset_id,
        "site": site,
        "bucket": "builder_media",
        "owner": None,
        "name": f"foto{number * 7919 % 10_007}.jpg",
        "visibility": "public",
        "state": "live",
        "claim": {"kind": "library", "id": site},
        "folder": FOLDER_IDS[number % 20],
        "tags": [f"t{number % 50}"],
        "alt": {"es": "Un lago"} if number % 3 else {},
        "versions": [version],
        "revision": 1,
        "created_at": at,
    }
    return {**asset, **listing_of(asset)}


QUERIES: list[tuple[dict[str, Any], float]] = [
    # What is asked for, and how many documents a page may look at for each it shows.
    *(({"sort": each}, 1) for each in ("newest", "oldest", "name", "-name", "smallest", "largest")),
    ({"folder": FOLDER_IDS[3]}, 1),
    ({"folder": FOLDER_IDS[3], "sort": "oldest"}, 1),
    ({"tag": "t7"}, 1),
    ({"type": "image/png"}, 4.5),
    ({"without_alt": "1"}, 3.5),
    ({"min_bytes": "50000", "sort": "smallest"}, 1),
    ({"state": "trash"}, 1),
    ({"unused": "1"}, 1),
    ({"unused": "1", "sort": "name"}, 1),
]


def asked(big: Application, path: str, **query: object) -> tuple[Any, list[dict[str, Any]]]:
    """What an editor is answered, and the commands that took."""
    editor = big.caller("editor")
    with recorded(big.raw.name) as commands:
        answer = editor.get(path, query_string=query)
    assert answer.status_code == 200
    return answer.json, commands


@table("query, most", QUERIES)
def test_a_page_comes_in_order_and_looks_at_what_it_shows(big, query, most):
    after: str | None = None
    for _ in range(2):
        more = {"after": after} if after else {}
        listed, sent = asked(big, MEDIA, **query, limit=PAGE, **more)
        assert len(listed["items"]) == PAGE
        commands = [each for each in sent if asks_assets(each)]
        page, count = sorted(commands, key=lambda each: "aggregate" in each)
        plan = explained(big, page)["queryPlanner"]["winningPlan"]
        assert not {"COLLSCAN", "SORT"} & set(stages_of(plan)), page
        assert "COLLSCAN" not in set(stages_of(explained(big, count))), count
        assert examined(big, page) <= most * PAGE + 2
        after = listed["next"]


def test_words_are_found_by_an_index(big):
    listed, sent = asked(big, MEDIA, search="foto77 t1")
    assert 0 < listed["total"] < 111
    for command in filter(asks_assets, sent):
        assert "COLLSCAN" not in set(stages_of(explained(big, command)))
        assert examined(big, command) <= 111


def test_folders_are_counted_in_one_query(big):
    folders = big.raw["media_folders"]
    folders.insert_many(
        {"_id": each, "site": DEFAULT_SITE, "name": each, "name_key": each, "parent": None}
        for each in FOLDER_IDS
    )
    listed, sent = asked(big, FOLDERS)
    assert {each["media"] for each in listed["items"]} == {MANY // 20}
    (count,) = filter(asks_assets, sent)
    assert "COLLSCAN" not in set(stages_of(explained(big, count)))


def test_a_page_asks_nobody_where_its_files_are_used(big):
    _, sent = asked(big, MEDIA, limit=PAGE)
    touched = {each.get("find", each.get("aggregate")) for each in sent}
    once_in_a_while = {META}
    known = {"assets", "sites", "users", "api_tokens", "rate_limits", None}
    assert touched <= known | once_in_a_while
