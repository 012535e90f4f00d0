"""The log of changes on a real MongoDB."""

from datetime import UTC, datetime, timedelta

import pymongo
import pytest

from avenue.audit.models import Doer, DoerKind, EntryQuery, NewEntry
from avenue.audit.service import AuditService
from avenue.audit.store import MongoAuditStore
from avenue.errors import Forbidden, Invalid
from avenue.identity import Actor, Role, Site, new_id
from avenue.storage.connection import Database
from tests.table import table

SITE = Site(id="default", hosts=(), base_url="https://shop.example", name="Shop")
ANA = Actor(site=SITE, id=new_id(), email="ana@shop.example", role=Role.ADMIN)
ALL = EntryQuery(limit=100)


@pytest.fixture
def audit(database: Database) -> AuditService:
    return AuditService(MongoAuditStore(database), keep_days=30)


def test_people_commands_and_jobs_are_written_down(audit):
    audit.record(ANA, "page.published", "p1", request_id="r1", details={"fields": ["title"]})
    audit.record_command("default", "users add", "user.added", "u1")
    counts = {"created": 3, "changed": 40}
    audit.record_job(
        "default", "import.finished", "i1", job_id="j1", job_kind="erp_import", details=counts
    )
    by_kind = {each.doer.kind: each for each in audit.entries("default", ALL).items}
    person, command, job = (by_kind[kind] for kind in DoerKind)
    assert person.doer == Doer(kind=DoerKind.PERSON, id=ANA.id, name="ana@shop.example")
    assert (person.action, person.object_kind, person.object_id) == ("page.published", "page", "p1")
    assert (person.request_id, person.details) == ("r1", {"fields": ["title"]})
    assert (command.doer.id, command.doer.name, command.request_id) == (None, "users add", None)
    assert (job.doer.id, job.doer.name, job.details) == ("j1", "erp_import", counts)


def test_an_entry_written_twice_is_there_once_with_its_first_time(database):
    store = MongoAuditStore(database)
    doer = Doer(kind=DoerKind.COMMAND, id=None, name="sweep")
    entry = NewEntry(
        id=new_id(), doer=doer, action="a.b", object_id="$name", request_id=None, details={}
    )
    store.add("default", entry, keep_days=1)
    (first,) = store.find("default", ALL, None)
    store.add("default", entry, keep_days=1)
    assert store.find("default", ALL, None) == [first]
    assert first.object_id == "$name"  # a text, and no field of the document


def test_it_is_forgotten_after_its_days_by_the_server(audit, database):
    audit.record(ANA, "page.published", "p1")
    stored = database.raw["audit_logs"].find_one({})
    assert stored["expires_at"] - stored["at"] == timedelta(days=30)
    assert abs(stored["at"] - datetime.now(UTC)) < timedelta(seconds=30)
    index = database.raw["audit_logs"].index_information()["expires_at_1"]
    assert index["expireAfterSeconds"] == 0


def test_a_site_sees_its_own_and_only_administrators_do(audit):
    audit.record(ANA, "page.published", "p1")
    assert audit.find(ANA, ALL, after=None).total == 1
    there = Site(id="other", hosts=(), base_url="https://other.example", name="Other")
    assert audit.find(Actor(site=there, id="x", role=Role.ADMIN), ALL, after=None).total == 0
    with pytest.raises(Forbidden):
        audit.find(Actor(site=SITE, id="x", role=Role.SELLER), ALL, after=None)
    with pytest.raises(Invalid):
        audit.find(ANA, ALL, after="elsewhere")


def test_entries_are_found_by_actor_action_and_object_and_nothing_else(audit):
    audit.record(ANA, "page.published", "p1")
    audit.record(ANA, "page.deleted", "p1")
    audit.record_command("default", "users add", "user.added", ANA.id)
    for query, count in [
        ({"actor": ANA.id}, 2),
        ({"actor": "ana@shop.example"}, 2),
        ({"actor": "users add"}, 1),
        ({"action": "page.published"}, 1),
        ({"action": "page"}, 0),
        ({"object_id": ANA.id}, 1),
        ({"object_id": "p1", "action": "page.deleted"}, 1),
        ({"object_id": "p1", "actor": "users add"}, 0),
        ({"object_id": "page.deleted"}, 0),
    ]:
        assert audit.entries("default", EntryQuery(limit=10, **query)).total == count, query


@table("query", [{}, {"about": "object:p1"}, {"about": "action:page.published"}])
def test_newest_first_needs_no_sorting(audit, database, query):
    audit.record(ANA, "page.published", "p1")
    found = database.raw["audit_logs"].find({"site": "default", **query})
    plan = str(found.sort([("at", -1), ("_id", -1)]).explain()["queryPlanner"]["winningPlan"])
    assert "IXSCAN" in plan
    assert "SORT" not in plan


def test_the_deadline_of_a_request_that_is_over_does_not_lose_the_entry(audit):
    with pymongo.timeout(0.000001):
        audit.record(ANA, "page.published", "p1")
    assert audit.entries("default", ALL).total == 1
