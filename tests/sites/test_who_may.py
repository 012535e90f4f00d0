"""Role, route and site where the two sites are on two clusters: nobody may more, or less, for that.

Who calls, and what they are refused, is the table of tests/http/test_who_may.py.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from avenue.storage.refusing import refuse
from avenue.storage.schema import migrate
from tests.http.application import HOST, OTHER_HOST, OTHER_SITE, Application
from tests.http.test_who_may import (
    AWAY,
    DOORS,
    GUARDED,
    OF_ONE_OWNER,
    OPEN,
    Cast,
    ask_at_doors,
    doors_of,
    everything_of,
    is_not_there,
    open_to,
    some_doors_of,
)
from tests.listening import listening
from tests.mongod import Mongod, database_name
from tests.prepared import counts
from tests.table import table

EACH = 25
"""Of so many routes one is asked in `make test`."""
STRANGERS = ("other_seller", *(f"{role}{AWAY}" for role in ("seller", "staff", "admin")))


class OnTwo(Application):
    """The other site is on a cluster beside home, which itself takes nothing of it."""

    def __init__(self, mongod: Mongod, second: Mongod) -> None:
        name = database_name()
        super().__init__(mongod, cluster_uris=(f"c2={second.uri_of(name)}",))
        self.c2 = second.client[name]
        migrate(self.database)
        refuse(self.database, OTHER_SITE)
        self.raw["sites"].update_one({"_id": OTHER_SITE}, {"$set": {"cluster": "c2"}})

    def counts(self) -> dict[str, int]:
        there = counts(self.c2)
        return super().counts() | {f"c2 {name}": there[name] for name in there.keys() - {"quotas"}}


@pytest.fixture(scope="module")
def application(mongod: Mongod, second: Mongod) -> Iterator[Application]:
    with OnTwo(mongod, second) as application:
        yield application


@pytest.fixture(scope="module", params=[HOST, OTHER_HOST])
def cast(application: Application, request: pytest.FixtureRequest) -> Iterator[Cast]:
    """Whose site is on home, and whose is on the other cluster."""
    cast = Cast(application, request.param)
    with listening(cast.counts.sent):
        yield cast


def strangers_of(cast: Cast, *whoever: str) -> list[str]:
    """The same people as seen from the cast's site."""
    there = [each if AWAY in each else f"{each}{cast.here}" for each in whoever]
    return [each.replace(AWAY, cast.away) if AWAY in each else each for each in there]


def test_who_may_call_some_routes(cast: Cast) -> None:
    for route in GUARDED[::EACH]:
        ask_at_doors(cast, route, some_doors_of(route))
    before = everything_of(cast)
    for route in OF_ONE_OWNER[:: EACH // 5]:
        is_not_there(cast, cast.application, route, strangers_of(cast, f"admin{AWAY}"))
    assert everything_of(cast) == before


@pytest.mark.long
@table("route", GUARDED)
def test_who_may_call_of_everybody(cast: Cast, route: str) -> None:
    ask_at_doors(cast, route, doors_of(route))


@pytest.mark.long
@table("route", OPEN)
@table("door", DOORS)
def test_what_is_open_is_open_to_everybody(cast: Cast, route: str, door: Any) -> None:
    open_to(cast, route, door)


@pytest.mark.long
@table("route", OF_ONE_OWNER)
def test_what_somebody_else_owns_is_not_there(cast: Cast, route: str) -> None:
    before = everything_of(cast)
    is_not_there(cast, cast.application, route, strangers_of(cast, *STRANGERS))
    assert everything_of(cast) == before
