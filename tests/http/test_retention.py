"""General uploads go when their category keeps them no longer: never one that is on hold."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.walks import SWEEP
from avenue.clock import utc_now
from avenue.identity import Actor, Role, new_id
from avenue.jobs.errors import Stopping
from avenue.notifications.store import OutboxStore
from avenue.uploads import store
from avenue.uploads.errors import UploadNotFound
from avenue.uploads.retention import service
from avenue.uploads.retention.service import Retention
from avenue.uploads.retention.store import EXPIRED, RETENTION, ExpiredUploads
from avenue.uploads.service import UploadService
from tests.http.application import OTHER_HOST, Application, Caller, unique
from tests.http.test_uploads import UPLOADS, code, ids, upload
from tests.threads import at_once

PAST = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def fading(application: Application, as_admin: Caller) -> None:
    """A category that keeps for 30 days; what other tests left to expire has gone."""
    categories = {"fading": {"retention_days": 30}}
    assert as_admin.patch("/api/site", json={"upload_categories": categories}).status_code == 200
    retain(application)


@pytest.fixture
def person(application: Application) -> Caller:
    """Somebody whose trash is empty."""
    return application.new_person(unique("mieter"), role=Role.CLIENT)


def retain(application: Application, **options: Any) -> int:
    """One round of the job, by itself."""
    store = ExpiredUploads(application.database)
    audit = options.pop("audit", Services(application.settings, application.database).audit)
    run = {"before": None, "save": lambda _: None, **options}
    return Retention(store, audit, sleep=lambda _: None).run("sweep", "sweep", **run)


def an_upload(caller: Caller, **query: Any) -> str:
    text = unique("text ").encode()
    told = upload(caller, text, name="a.txt", category="fading", **query)
    return str(told["id"])


def expire(application: Application, *upload_ids: str) -> None:
    """Let the 30 days pass."""
    gone = {"$set": {"expires_at": PAST}}
    application.raw["assets"].update_many({"_id": {"$in": list(upload_ids)}}, gone)


def an_expired_upload(application: Application, caller: Caller) -> str:
    upload_id = an_upload(caller)
    expire(application, upload_id)
    return upload_id


def status(caller: Caller, upload_id: str) -> int:
    return caller.get(f"{UPLOADS}/{upload_id}").status_code


def trash_of(caller: Caller, **query: Any) -> Any:
    return caller.get(UPLOADS, query_string={"state": "trash", **query})


def entries(as_admin: Caller, object_id: str, action: str) -> list[dict[str, Any]]:
    asked = {"object": object_id, "action": action}
    found: list[dict[str, Any]] = as_admin.get("/api/audit", query_string=asked).json["items"]
    return found


# What goes


def test_what_is_kept_no_longer_goes_to_the_trash_and_is_written_down(
    application, as_admin, person
):
    gone, later, held = (an_upload(person) for _ in range(3))
    for_ever = upload(person, b"kept for ever", name="a.txt")["id"]
    assert as_admin.patch(f"{UPLOADS}/{held}", json={"hold": True}).status_code == 200
    expire(application, gone, held)
    runs = len(entries(as_admin, "default", "uploads.expired"))
    application.forget_jobs()
    job = Background(application.settings, application.database).run_now(SWEEP)
    assert (job.error, (job.result or {})["expired"]) == (None, 1)
    assert [status(person, each) for each in (gone, later, held, for_ever)] == [404, 200, 200, 200]
    assert person.get(f"/media/{gone}/original").status_code == 404
    [entry] = entries(as_admin, gone, "upload.expired")
    assert entry["actor"] == {"id": job.id, "name": "sweep", "kind": "job"}
    assert entry["details"] == {"category": "fading", "until": "2001-01-01T00:00:00.000Z"}
    of_runs = entries(as_admin, "default", "uploads.expired")
    assert (len(of_runs), of_runs[0]["details"]) == (runs + 1, {"expired": 1})
    page = as_admin.get("/admin/audit", query_string={"object": gone}).text
    assert "movió a la papelera un archivo vencido" in page
    assert retain(application) == 0  # and writes nothing down
    assert len(entries(as_admin, gone, "upload.expired")) == 1
    assert len(entries(as_admin, "default", "uploads.expired")) == runs + 1


def test_every_site_has_what_is_its_own(application, as_admin, person):
    away_admin = application.caller("admin_on_other_site")
    assert away_admin.host == OTHER_HOST
    categories = {"fading": {"retention_days": 1}}
    away_admin.patch("/api/site", json={"upload_categories": categories})
    away = [an_expired_upload(application, away_admin) for _ in range(2)]
    here = an_expired_upload(application, person)
    assert retain(application) == 3
    assert entries(away_admin, "other", "uploads.expired")[0]["details"] == {"expired": 2}
    assert entries(as_admin, "default", "uploads.expired")[0]["details"] == {"expired": 1}
    assert all(len(entries(away_admin, each, "upload.expired")) == 1 for each in away)
    assert set(away) <= set(ids(trash_of(away_admin)))
    assert here not in ids(trash_of(away_admin))


def test_a_file_sent_again_does_not_go_with_the_one_whose_time_is_over(
    application, as_admin, person
):
    record = {"category": "fading", "reference": unique("MIETE-")}
    first, held = (upload(person, each, **record)["id"] for each in (b"one", b"two"))
    as_admin.patch(f"{UPLOADS}/{held}", json={"hold": True})
    expire(application, first, held)
    again = upload(person, b"one", **record)["id"]
    assert person.post(UPLOADS, query_string=record, data=b"two").json["id"] == held
    assert retain(application) == 1
    assert [status(person, each) for each in (first, again, held)] == [404, 200, 200]


# Holds


def test_no_hold_is_overlooked_that_is_put_on_while_the_job_runs(application, as_admin, person):
    uploads = [an_upload(person) for _ in range(12)]
    expire(application, *uploads)
    before, during = uploads[::-1][:2], uploads[:10]  # the job begins with the oldest
    hold, admin = {"hold": True}, Actor(site=as_admin.site, id=as_admin.id, role=Role.ADMIN)
    held = application.app.extensions["avenue"][UploadService]
    assert all(held.change(admin, each, hold).hold for each in before)

    def put_on_hold(upload_id: str) -> bool:
        try:
            return bool(held.change(admin, upload_id, hold).hold)
        except UploadNotFound:
            return False

    def work(number: int) -> dict[str, bool]:
        if number == 0:
            retain(application)
            return {}
        return {each: put_on_hold(each) for each in during[number - 1 :: 3]}

    answers = {each: told for some in at_once(4, work) for each, told in some.items()}
    assert retain(application) == 0
    in_trash = set(ids(trash_of(person, limit=100)))
    for upload_id, is_held in {**answers, **dict.fromkeys(before, True)}.items():
        assert status(person, upload_id) == (200 if is_held else 404)
        assert (upload_id in in_trash) != is_held


def test_no_hold_is_overlooked_that_is_put_on_while_somebody_deletes(
    application, person, monkeypatch
):
    """Between the look whether there is one and the step into the trash."""
    upload_id, trash_one = an_upload(person), store.trash_one

    def late(*what: Any, **more: Any) -> bool:
        monkeypatch.setattr(store, "trash_one", trash_one)
        asset = {"_id": upload_id, "site": "default"}
        held = application.raw["assets"].update_one(asset, {"$set": {"hold": True}})
        assert held.modified_count == 1
        return trash_one(*what, **more)

    monkeypatch.setattr(store, "trash_one", late)
    assert code(person.delete(f"{UPLOADS}/{upload_id}")) == (409, "upload_held")
    assert status(person, upload_id) == 200


def test_when_the_hold_ends_it_goes(application, as_admin, person):
    upload_id = an_upload(person)
    as_admin.patch(f"{UPLOADS}/{upload_id}", json={"hold": True})
    expire(application, upload_id)
    assert retain(application) == 0
    as_admin.patch(f"{UPLOADS}/{upload_id}", json={"hold": False})
    assert retain(application) == 1
    assert status(person, upload_id) == 404


# Interrupted


class Killed(Exception):
    """The process ended here."""


def test_what_a_killed_run_did_not_say_the_next_one_says_once(application, as_admin, person):
    unsaid, said_twice = (an_expired_upload(application, person) for _ in range(2))
    assert all(ExpiredUploads(application.database).trash_next([]) for _ in range(2))
    audit = Services(application.settings, application.database).audit

    class Dying:
        def record_job(self, site_id: str, action: str, object_id: str, **told: Any) -> None:
            if object_id == said_twice:
                audit.record_job(site_id, action, object_id, **told)
            raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            retain(application, audit=Dying())
    assert retain(application) == 2
    for upload_id in (unsaid, said_twice):
        assert len(entries(as_admin, upload_id, "upload.expired")) == 1
    assert OutboxStore(application.database).undelivered(RETENTION).waiting == 0


def test_a_run_that_is_interrupted_is_gone_on_with(application, as_admin, person, monkeypatch):
    monkeypatch.setattr(service, "BATCH", 2)
    for _ in range(5):
        an_expired_upload(application, person)
    saved: list[Any] = []

    def save(counts: Any) -> None:
        saved.append(counts)
        if len(saved) == 2:
            raise Stopping

    with pytest.raises(Stopping):
        retain(application, save=save)
    assert saved == [{}, {"default": 2}]
    assert retain(application, before=saved[-1], save=saved.append) == 5
    assert saved[-2:] == [{"default": 5}, None]
    assert entries(as_admin, "default", "uploads.expired")[0]["details"] == {"expired": 5}


# The trash


def test_the_trash_is_listed_for_who_may_bring_things_back(application, as_admin, person):
    removed, there, gone = (an_upload(person, reference="PAPEL-1") for _ in range(3))
    assert person.delete(f"{UPLOADS}/{removed}").status_code == 204
    expire(application, gone)
    retain(application)
    assert ids(trash_of(person)) == [gone, removed]
    for state in ("live", ""):
        assert ids(person.get(UPLOADS, query_string={"state": state})) == [there]
    assert {gone, removed} <= set(ids(trash_of(as_admin, reference="PAPEL-1")))
    told = trash_of(person).json["items"]
    at = [datetime.fromisoformat(each["trashed_at"]) for each in told]
    assert all(abs(each - utc_now()) < timedelta(hours=1) for each in at)
    first = trash_of(person, limit=1)
    assert (ids(first), first.json["total"]) == ([gone], 2)
    assert ids(trash_of(person, limit=1, after=first.json["next"])) == [removed]
    person.post(f"{UPLOADS}/{removed}/restore")
    assert ids(trash_of(person)) == [gone]
    assert code(trash_of(person, state="all")) == (400, "invalid_query")


def test_who_reads_a_category_does_not_read_its_trash(application, as_admin, person):
    categories = {"fading": {"readers": ["editor"]}}
    as_admin.patch("/api/site", json={"upload_categories": categories})
    there, gone = an_upload(person), an_upload(person)
    person.delete(f"{UPLOADS}/{gone}")
    editor = application.caller("editor")
    assert there in ids(editor.get(UPLOADS, query_string={"owner": person.id}))
    assert ids(trash_of(editor, owner=person.id)) == []
    assert code(editor.post(f"{UPLOADS}/{gone}/restore")) == (404, "upload_not_found")


def test_what_is_kept_no_longer_comes_back_on_hold_or_not_at_all(application, as_admin, person):
    removed, gone = an_upload(person), an_upload(person)
    person.delete(f"{UPLOADS}/{removed}")
    expire(application, removed, gone)
    retain(application)
    for upload_id in (removed, gone):
        url = f"{UPLOADS}/{upload_id}"
        assert code(person.post(f"{url}/restore")) == (409, "upload_expired")
        assert upload_id in ids(trash_of(person))
        back = as_admin.post(f"{url}/restore").json
        assert (back["hold"], back["expires_at"]) == (True, "2001-01-01T00:00:00.000Z")
        assert "trashed_at" not in back
        assert entries(as_admin, upload_id, "upload.restored")[0]["details"] == {"hold": True}
    assert retain(application) == 0
    assert person.get(f"/media/{gone}/original").status_code == 200
    as_admin.patch(f"{UPLOADS}/{gone}", json={"hold": False})
    assert retain(application) == 1


# At size


@pytest.fixture
def many(application: Application) -> Iterator[None]:
    """Uploads that are kept longer, live and in the trash."""
    later = utc_now() + timedelta(days=30)
    documents = [
        {
            "_id": new_id(),
            "site": "other",
            "claim": {"kind": "upload", "id": "x"},
            "state": "trash" if number % 5 == 0 else "live",
            "hold": False,
            "expires_at": PAST if number % 5 == 0 else later,
            "made_for": "size",
        }
        for number in range(1000)
    ]
    application.raw["assets"].insert_many(documents)
    yield
    application.raw["assets"].delete_many({"made_for": "size"})


def test_the_job_looks_at_what_it_takes(application, many):
    asked = {"find": "assets", "filter": EXPIRED, "sort": {"expires_at": 1}, "limit": 1}
    told = application.raw.command("explain", asked, verbosity="executionStats")
    stats = told["executionStats"]
    assert (stats["totalDocsExamined"], stats["totalKeysExamined"] <= 1) == (0, True), told


DAMAGED: list[dict[str, Any]] = [
    {"revision": "zzz"},
    {"expires_at": "zzz"},
]


def test_an_upload_that_cannot_be_read_stays_and_keeps_no_other_from_going(
    own_application: Application,
) -> None:
    person, raw = own_application.caller("client"), own_application.raw["assets"]
    *amiss, fine = (upload(person, unique("t ").encode(), name="a.txt")["id"] for _ in "abc")
    expire(own_application, *amiss, fine)
    for each, damage in zip(amiss, DAMAGED, strict=True):
        raw.update_one({"_id": each}, {"$set": damage})
    before = raw.find_one({"_id": amiss[0]})
    retain(own_application)
    assert raw.find_one({"_id": amiss[0]}) == before
    assert raw.find_one({"_id": fine})["state"] == "trash"
