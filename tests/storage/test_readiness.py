"""Whether the database is fit to be served from: each fault by its name, and nothing invented."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from avenue.config import Settings
from avenue.health.models import Check, Fit
from avenue.health.rules.oplog import window as judged
from avenue.health.views.readiness import service
from avenue.health.views.readiness.service import ReadinessService
from avenue.storage.connection import Database
from avenue.storage.mongo_facts import Oplog
from avenue.storage.schema import NotMigrated
from avenue.storage.status import DeploymentStatus
from tests.mongod import Mongod, fail_point

OK, FAILED, UNKNOWN = Fit.OK, Fit.FAILED, Fit.UNKNOWN
UNAUTHORIZED, NO_SUCH_COMMAND = 13, 59
WELL = {"primary": OK, "schema": OK, "indexes": OK, "oplog": OK}


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def verdicts(checks: tuple[Check, ...]) -> dict[str, Fit]:
    return {each.name: each.state for each in checks}


def look(database: Database) -> tuple[Check, ...]:
    return ReadinessService(database, lambda: ()).look()


def detail(checks: tuple[Check, ...], name: str) -> str:
    return next(each.detail for each in checks if each.name == name) or ""


@contextmanager
def refusing(mongod: Mongod, code: int, *commands: str, **where: Any) -> Iterator[None]:
    with fail_point(mongod.client, commands, None, code, app_name="avenue", **where):
        yield


def test_a_database_as_migrate_leaves_it_is_fit(database: Database) -> None:
    assert verdicts(look(database)) == WELL


def test_one_that_is_not_migrated_says_so(bare_database: Database) -> None:
    found = look(bare_database)
    assert verdicts(found) == {**WELL, "schema": FAILED, "indexes": UNKNOWN, "oplog": UNKNOWN}
    assert detail(found, "schema") == NotMigrated.message


def test_one_of_another_application_says_so(bare_database: Database) -> None:
    bare_database.raw["users"].insert_one({"_id": 1})
    found = look(bare_database)
    assert verdicts(found)["schema"] is FAILED
    assert "did not write" in detail(found, "schema")


def test_missing_indexes_are_named(database: Database) -> None:
    name = next(each for each in database.raw["jobs"].index_information() if each != "_id_")
    database.raw["jobs"].drop_index(name)
    found = look(database)
    assert verdicts(found) == {**WELL, "indexes": FAILED}
    assert detail(found, "indexes").startswith(f"index jobs.{name} is missing")


def test_one_that_is_away_says_so(fresh_mongod: Mongod) -> None:
    uri = fresh_mongod.uri_of("avenue")
    database = Database(Settings(mongodb_uri=uri, local=True, read_seconds=1))
    fresh_mongod.kill()
    found = look(database)
    assert verdicts(found) == {**dict.fromkeys(WELL, UNKNOWN), "primary": FAILED}
    database.close()


def test_a_right_that_is_missing_is_no_fault(database: Database, mongod: Mongod) -> None:
    with refusing(mongod, UNAUTHORIZED, "find", namespace="local.oplog.rs"):
        assert verdicts(look(database)) == {**WELL, "oplog": UNKNOWN}
    with refusing(mongod, UNAUTHORIZED, "listIndexes"):
        assert verdicts(look(database)) == {**WELL, "indexes": UNKNOWN}


def test_any_other_refusal_is_one(database: Database, mongod: Mongod) -> None:
    with refusing(mongod, NO_SUCH_COMMAND, "listIndexes"):
        found = look(database)
    assert verdicts(found)["indexes"] is FAILED
    assert str(NO_SUCH_COMMAND) in detail(found, "indexes")


@pytest.mark.parametrize(
    ("hours", "full_percent", "data_members", "state"),
    [
        (48.0, 99.0, 3, OK),
        (1.1, 99.0, 3, OK),
        (0.5, 99.0, 3, FAILED),
        (0.5, 20.0, 3, OK),  # a young set
        (0.5, None, 3, UNKNOWN),
        (0.5, 99.0, 1, OK),  # nobody who could be away
    ],
)
def test_an_oplog_is_too_short_when_it_throws_away_what_members_need(
    hours: float, full_percent: float | None, data_members: int, state: Fit
) -> None:
    is_told = full_percent is not None
    oplog = Oplog(
        hours=hours,
        bytes=int(full_percent * 100) if is_told else None,
        most_bytes=10_000 if is_told else None,
        data_members=data_members,
    )
    found = [*judged(oplog)]
    assert ({Fit.of(each.level) for each in found} or {OK}) == {state}
    assert all(f"goes back only {hours:.1f} hours" in each.says for each in found)


def test_an_oplog_nobody_tells_of_is_unknown() -> None:
    assert [Fit.of(each.level) for each in judged(None)] == [UNKNOWN]


def test_what_a_set_says_of_its_oplog_is_understood(database: Database) -> None:
    found = DeploymentStatus(database).oplog()
    assert found is not None
    assert found.data_members == 1
    assert 0 < (found.full_percent or 0) < 200, "one that is full may be larger than it should"


def test_what_is_well_is_believed_for_a_while_and_what_is_not_much_shorter(
    database: Database, clock: Clock
) -> None:
    fit = ReadinessService(database, lambda: (), clock).look
    assert verdicts(fit()) == WELL
    database.raw["avenue_meta"].update_one({"_id": "schema"}, {"$inc": {"version": 1}})
    clock.seconds += service.BELIEVED_SECONDS - 0.1
    assert verdicts(fit()) == WELL
    clock.seconds += 0.1
    assert verdicts(fit())["schema"] is FAILED
    database.raw["avenue_meta"].update_one({"_id": "schema"}, {"$inc": {"version": -1}})
    assert verdicts(fit())["schema"] is FAILED
    clock.seconds += service.REMEMBERED_SECONDS
    assert verdicts(fit()) == WELL


def test_the_primary_is_reached_every_time(fresh_mongod: Mongod, clock: Clock) -> None:
    database = Database(Settings(mongodb_uri=fresh_mongod.uri_of("avenue"), local=True))
    fit = ReadinessService(database, lambda: (), clock).look
    assert verdicts(fit())["primary"] is OK
    fresh_mongod.kill()
    assert verdicts(fit())["primary"] is FAILED
    database.close()
