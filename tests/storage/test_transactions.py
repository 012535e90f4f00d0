"""No transaction names the deployment and a site, or two sites; and the watch can fail."""

import pytest

from avenue.storage.collection import Session
from avenue.storage.connection import Database
from avenue.storage.scope import deployment, site
from tests.table import table
from tests.transactions import DEPLOYMENT, everywhere, named_by, watched


@table(
    "command, named",
    [
        ({"find": "sites", "filter": {}}, {DEPLOYMENT}),
        ({"find": "assets", "filter": {"site": "a"}}, {"a"}),
        ({"find": "assets", "filter": {"_id": "x"}}, {"*"}),
        ({"insert": "assets", "documents": [{"site": "a"}, {"site": "b"}]}, {"a", "b"}),
        ({"update": "writes", "updates": [{"q": {"site": "a"}}]}, {"a"}),
        ({"delete": "uploads.chunks", "deletes": [{"q": {"files_id": "a/1"}}]}, {"a"}),
        ({"insert": "uploads.files", "documents": [{"_id": "b/1"}]}, {"b"}),
        ({"aggregate": "assets", "pipeline": [{"$match": {"site": "a"}}]}, {"a"}),
        ({"aggregate": "assets", "pipeline": []}, {"*"}),
        ({"findAndModify": "page_content", "query": {"site": {"$in": ["a"]}}}, {"*"}),
    ],
)
def test_what_a_command_names(command, named):
    assert named_by(next(iter(command)), command) == named


@pytest.mark.parametrize("second", ["site", pytest.param("deployment", marks=pytest.mark.long)])
def test_a_transaction_that_names_two_is_found(database: Database, second: str) -> None:
    def work(session: Session) -> None:
        site(database, "a").collection("assets").within(session).find({})
        if second == "deployment":
            deployment(database).collection("users").within(session).find({})
        else:
            site(database, "b").collection("assets").within(session).find({})

    with watched() as transactions:
        database.transaction(work)
    everywhere.taken()
    assert set(transactions.mixed) == {
        frozenset({"assets", "users"} if second == "deployment" else {"assets"})
    }
