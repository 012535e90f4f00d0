"""Quotas through the whole application: whatever way files come, and whatever becomes of them."""

from collections.abc import Iterator

import pytest
from flask import Flask

from avenue.app.background import Background
from avenue.identity import Role
from avenue.storage.holders import COUNT_QUOTAS
from tests.http.application import HOST, Application, Caller, Part, a_picture, unique
from tests.http.tus import MIB, begin, begun, end, send
from tests.threads import at_once
from tests.waiting import wait_until

UPLOADS = "/api/uploads"
QUOTA = f"{UPLOADS}/quota"


@pytest.fixture(scope="module")
def small(application: Application) -> Flask:
    """Where one person may have one megabyte in three files."""
    return application.with_settings(max_user_mb=1, max_user_files=3)


@pytest.fixture
def somebody(application: Application, small: Flask) -> Caller:
    return application.new_person(unique("somebody"), role=Role.CLIENT, app=small)


@pytest.fixture(autouse=True)
def nothing_stays_reserved(application: Application) -> Iterator[None]:
    yield
    assert list(application.raw["quotas"].find({"held.0": {"$exists": True}})) == []


def raw(caller: Caller, data: bytes):
    return caller.post(UPLOADS, query_string={"name": "a.bin"}, data=data)


def multipart(caller: Caller, *files: bytes):
    parts = [Part(each, "a.bin", f"file{number}") for number, each in enumerate(files)]
    return caller.upload(UPLOADS, *parts)


def resumable(caller: Caller, data: bytes):
    answer = begin(caller, len(data))
    if answer.status_code != 201:
        return answer
    return send(caller, answer.headers["Location"].rpartition("/")[2], 0, data)


two_ways = pytest.mark.parametrize(
    "way", [raw, resumable, pytest.param(multipart, marks=pytest.mark.long)]
)
one_way = pytest.mark.parametrize(
    "way",
    [resumable, *(pytest.param(each, marks=pytest.mark.long) for each in (raw, multipart))],
)
"""Files and the site are counted where bytes are, which two ways are tried with."""


def used(caller: Caller) -> tuple[int, int]:
    own = caller.get(QUOTA).json["own"]
    return own["used_bytes"], own["used_files"]


def ledger(application: Application, caller: Caller) -> tuple[int, int]:
    """What the next upload is judged by."""
    found = application.raw["quotas"].find_one({"_id": f"default/{caller.id}"})
    assert found is not None
    return found["bytes"], found["files"]


@two_ways
def test_more_bytes_than_there_is_room_for_are_refused(application, somebody, way):
    first = bytes(600_000)
    assert way(somebody, first).status_code in {201, 204}
    before = application.counts()
    answer = way(somebody, bytes(600_001))
    assert (answer.status_code, answer.json["code"]) == (507, "user_quota_exceeded")
    told = {name: answer.json[name] for name in ("used_bytes", "wanted_bytes", "limit_bytes")}
    assert told == {"used_bytes": 600_000, "wanted_bytes": 600_001, "limit_bytes": MIB}
    assert application.counts() == before
    assert way(somebody, bytes(400_000)).status_code in {201, 204}
    assert used(somebody) == (1_000_000, 2) == ledger(application, somebody)


@one_way
def test_more_files_than_there_is_room_for_are_refused(somebody, way):
    for number in range(3):
        assert way(somebody, b"%d" % number * 10).status_code in {201, 204}
    answer = way(somebody, b"one more")
    assert (answer.status_code, answer.json["code"]) == (507, "user_quota_exceeded")
    assert (answer.json["used_files"], answer.json["limit_files"]) == (3, 3)


@one_way
def test_a_site_has_one_too(application, as_client, way):
    assert multipart(as_client, b"for 0 would be no limit").status_code == 201
    stored = application.raw["assets"].count_documents({"site": "default"})
    app = application.with_settings(max_site_files=stored)
    caller = Caller(application, app, HOST, token=as_client.token, id=as_client.id)
    application.raw["quotas"].delete_one({"_id": "default"})
    answer = way(caller, b"one more")
    assert (answer.status_code, answer.json["code"]) == (507, "quota_exceeded")
    assert answer.json["limit_files"] == stored


def test_all_files_of_a_request_or_none(application, somebody):
    before = application.counts()
    assert multipart(somebody, *(b"%d" % number * 10 for number in range(4))).status_code == 507
    assert application.counts() == before
    assert multipart(somebody, *(b"%d" % number * 10 for number in range(3))).status_code == 201


def test_what_is_stored_counts_and_not_what_was_declared(application, somebody):
    """Metadata is removed; the same bytes are stored once; what is refused is not stored."""
    picture = a_picture(exif=b"Exif\0\0" + bytes(2000))
    query = {"reference": "ORD-1", "category": "orders"}
    for _ in range(2):
        assert somebody.post(UPLOADS, query_string=query, data=picture).status_code in {200, 201}
    assert somebody.post(UPLOADS, query_string=query, data=b"no picture").status_code == 415
    stored = application.raw["assets"].find_one({"owner": somebody.id})
    assert ledger(application, somebody) == (stored["versions"][0]["bytes"], 1)
    assert used(somebody) == ledger(application, somebody)


def test_what_is_there_already_needs_no_room(somebody):
    """Or who has lost the answer to their last upload would be told that it was not taken."""
    record = {"reference": "ORD-FULL"}
    parts = [Part(b"%d" % number * 10, f"{number}.txt", f"file{number}") for number in range(3)]
    first = somebody.upload(UPLOADS, *parts, query_string=record)
    again = somebody.upload(UPLOADS, *parts, query_string=record)
    assert (first.status_code, again.status_code) == (201, 200)
    assert [each["id"] for each in again.json["files"]] == [
        each["id"] for each in first.json["files"]
    ]
    assert multipart(somebody, b"another").status_code == 507


def test_what_is_promised_to_uploads_in_parts_counts_until_they_are_given_up(somebody):
    first = begun(somebody, MIB)
    assert begin(somebody, 1).status_code == 507
    assert raw(somebody, b"a").status_code == 507
    assert end(somebody, first).status_code == 204
    wait_until(lambda: raw(somebody, b"a").status_code == 201, "counted anew")


def test_twelve_at_once_never_exceed_it(application, somebody):
    answers = at_once(12, lambda number: raw(somebody, b"%d" % number * 10))
    assert sorted(each.status_code for each in answers) == [201] * 3 + [507] * 9
    assert application.raw["assets"].count_documents({"owner": somebody.id}) == 3
    # What is on its way while it is counted may be in it twice until it is counted again.
    pairs = zip(ledger(application, somebody), used(somebody), strict=True)
    assert all(judged >= has for judged, has in pairs)
    application.forget_jobs()
    Background(application.settings, application.database).run_now(COUNT_QUOTAS)
    assert ledger(application, somebody) == used(somebody)


def test_administrators_are_not_bound_by_what_one_person_may_store(application, small, as_admin):
    admin = Caller(application, small, HOST, token=as_admin.token, id=as_admin.id)
    for number in range(4):
        assert raw(admin, b"%d" % number * 10).status_code == 201
    shown = admin.get(QUOTA).json
    assert (shown["own"]["limit_bytes"], shown["own"]["limit_files"]) == (None, None)
    assert shown["site"]["used_files"] >= 4
    assert shown["site"]["limit_files"] is None


def test_everybody_sees_their_own(somebody):
    assert raw(somebody, bytes(100)).status_code == 201
    own = {"used_bytes": 100, "limit_bytes": MIB, "used_files": 1, "limit_files": 3}
    assert somebody.get(QUOTA).json == {"own": own, "site": None}


@pytest.mark.long
def test_a_job_counts_everybody(application, somebody):
    assert raw(somebody, bytes(100)).status_code == 201
    wrong = {"$set": {"bytes": MIB, "files": 3}}
    application.raw["quotas"].update_one({"_id": f"default/{somebody.id}"}, wrong)
    application.forget_jobs()
    job = Background(application.settings, application.database).run_now(COUNT_QUOTAS)
    assert job.error is None
    assert job.result["counted"] >= 1
    assert ledger(application, somebody) == (100, 1)


def test_who_has_many_files_is_counted_by_a_job(
    application, small, somebody, as_admin, monkeypatch
):
    monkeypatch.setattr("avenue.storage.quotas.MOST_AT_ONCE", 1)
    monkeypatch.setattr("avenue.media.store.assets.SUMMED_AT_ONCE", 2)
    unbound = Caller(application, application.app, HOST, token=somebody.token, id=somebody.id)
    for number in range(4):  # more than there may be, from before there was a quota
        assert raw(unbound, b"%d" % number * 10).status_code == 201
    own = somebody.get(QUOTA).json["own"]
    assert (own["is_partial"], own["used_files"]) == (True, 2)
    application.raw["quotas"].delete_one({"_id": "default"})
    for page in ("/admin/uploads", "/admin/settings"):
        assert "being counted" in as_admin.get(page, headers={"Accept-Language": "en"}).text
    assert raw(somebody, b"let in, for nobody knows").status_code == 201
    (job,) = application.raw["jobs"].find({"args.holder": f"default/{somebody.id}"})
    counted = Background(application.settings, application.database).finish(job["_id"])
    assert (counted.error, counted.result) == (None, {"counted": 1})
    assert used(somebody) == ledger(application, somebody) == (64, 5)
    refused = raw(somebody, b"one more")
    assert (refused.status_code, refused.json["used_files"]) == (507, 5)


def test_how_much_somebody_has_is_asked_of_an_index(application, somebody):
    plan = application.raw.command(
        "explain", {"count": "assets", "query": {"site": "default", "owner": somebody.id}}
    )
    assert "IXSCAN" in str(plan["queryPlanner"]["winningPlan"]) or "COUNT_SCAN" in str(plan)
