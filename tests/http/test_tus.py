"""Resumable uploads by the tus protocol, one request at a time."""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from werkzeug.test import TestResponse

from avenue.app.gate import seconds_for
from avenue.clock import utc_now
from avenue.health.checks.files import FileInspector
from avenue.health.checks.store.assets import InspectedAssets
from avenue.identity import Actor
from avenue.media.errors import DecodersBusy, UnsupportedMediaType
from avenue.media.intake.library import MediaLibrary
from avenue.media.store.swept import SweptStore
from avenue.media.sweeper import Sweeper
from avenue.storage.site_data import BUCKETS
from avenue.uploads.tus.errors import ChecksumMismatch, UploadTakenOver
from avenue.uploads.tus.models import Part as TusPart
from avenue.uploads.tus.protocol import Checksum
from avenue.uploads.tus.service import TusService
from avenue.uploads.tus.store import SweptTusStore
from avenue.web.errors import BodyCutOff
from tests import pictures
from tests.http.application import HOST, Application, Caller, a_picture, unique, zipped
from tests.http.tus import (
    MIB,
    SPEAKS,
    TUS,
    a_pdf,
    a_zip,
    begin,
    begun,
    end,
    head,
    metadata,
    offset_of,
    send,
)
from tests.mongod import Mongod
from tests.table import table
from tests.threads import at_once
from tests.waiting import wait_until


@pytest.fixture
def deployment(application: Application) -> "Deployment":
    return Deployment(application)


class Deployment:
    """What the database has of uploads."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.raw = application.raw
        self.files: dict[str, str] = {}

    def chunks(self, upload: str) -> int:
        """How many chunks there are of an upload, whatever became of it."""
        known = self.raw["tus_uploads"].find_one({"_id": upload}) or {"file": self.files[upload]}
        return self.raw["uploads.chunks"].count_documents({"files_id": f"default/{known['file']}"})

    def remember(self, upload: str) -> None:
        """Keep in mind which file an upload has that is going to be forgotten."""
        self.files[upload] = self.raw["tus_uploads"].find_one({"_id": upload})["file"]

    def asset(self, upload: str) -> Any:
        return self.raw["assets"].find_one({"_id": upload})

    def expire(self, upload: str) -> None:
        past = utc_now() - timedelta(seconds=1)
        self.raw["tus_uploads"].update_one({"_id": upload}, {"$set": {"expires_at": past}})

    def sweep(self) -> int:
        """One round of both sweepers, which takes orphans of any age."""
        ended = SweptTusStore(self.application.database).sweep()
        Sweeper(
            SweptStore(self.application.database),
            buckets=BUCKETS,
            trash_days=7,
            orphan_age=timedelta(0),
        ).sweep()
        return ended


def stored(caller: Caller, upload: str) -> bytes:
    """What the Location of an upload leads to."""
    moved = caller.get(f"{TUS}/{upload}")
    assert moved.status_code == 302, moved.text
    assert "no-store" in moved.headers["Cache-Control"]
    found = caller.get(moved.headers["Location"])
    assert found.status_code == 200
    return found.data


def test_a_file_comes_in_parts_of_any_size(as_client: Caller, deployment: Deployment) -> None:
    file = a_pdf(3 * MIB + 100)
    upload = begun(as_client, len(file), metadata=metadata(filename="año 1.pdf"))
    assert as_client.get(f"{TUS}/{upload}").status_code == 404  # it is no file yet
    at = 0
    for size in (1, MIB - 1, MIB + 7, 0, MIB, 5):
        answer = send(as_client, upload, at, file[at : at + size])
        at += size
        assert answer.status_code == 204, answer.text
        assert answer.headers["Upload-Offset"] == str(at)
        assert answer.headers["Tus-Resumable"] == "1.0.0"
        assert offset_of(as_client, upload) == at
        assert deployment.chunks(upload) == at // MIB
    assert send(as_client, upload, at, file[at:]).headers["Upload-Offset"] == str(len(file))
    assert offset_of(as_client, upload) == len(file)
    assert stored(as_client, upload) == file
    asset = deployment.asset(upload)
    assert asset["name"] == "año 1.pdf"
    assert asset["visibility"] == "private"
    assert asset["claim"] == {"kind": "upload", "id": upload}
    assert "expires_at" not in asset
    assert (asset["category"], asset["reference"]) == ("general", None)
    assert asset["versions"][0]["sha256"] == hashlib.sha256(file).hexdigest()
    assert deployment.chunks(upload) == 4
    deployment.sweep()
    assert stored(as_client, upload) == file


@pytest.mark.long
def test_a_creation_may_bring_the_file_or_its_beginning(as_client: Caller) -> None:
    file = a_pdf(MIB + 9)
    whole = begin(as_client, len(file), file)
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, str(len(file)))
    assert stored(as_client, whole.headers["Location"].rpartition("/")[2]) == file
    begins = begin(as_client, len(file), file[:10])
    assert (begins.status_code, begins.headers["Upload-Offset"]) == (201, "10")
    upload = begins.headers["Location"].rpartition("/")[2]
    send(as_client, upload, 10, file[10:])
    assert stored(as_client, upload) == file


def test_a_picture_is_opened_and_cleaned(as_client: Caller, deployment: Deployment) -> None:
    """What is kept of it is another file than the one that came, which goes."""
    picture = pictures.with_gps()
    upload = begun(as_client, len(picture))
    deployment.remember(upload)
    assert send(as_client, upload, 0, picture).status_code == 204
    version = deployment.asset(upload)["versions"][0]
    assert version["media_type"] == "image/jpeg"
    assert version["source_sha256"] == hashlib.sha256(picture).hexdigest()
    kept = stored(as_client, upload)
    assert version["sha256"] == hashlib.sha256(kept).hexdigest()
    assert kept != picture
    assert version["file"] != deployment.files[upload]
    assert deployment.chunks(upload) == 0


@pytest.mark.long
def test_a_picture_with_nothing_to_clean_is_kept_as_it_came(as_client: Caller) -> None:
    picture = a_picture()
    upload = begun(as_client, len(picture))
    send(as_client, upload, 0, picture)
    assert stored(as_client, upload) == picture


def test_where_it_stands(as_client: Caller) -> None:
    sent = metadata(filename="a.pdf", empty="")
    upload = begun(as_client, 100, metadata=sent)
    answer = head(as_client, upload)
    assert answer.headers["Upload-Length"] == "100"
    assert answer.headers["Upload-Metadata"] == sent
    assert answer.headers["Cache-Control"] == "no-store"
    assert parsedate_to_datetime(answer.headers["Upload-Expires"]) > utc_now()
    assert head(as_client, upload, {}).status_code == 412


def test_what_can_be_done_is_told(application: Application, nobody: Caller) -> None:
    answer = nobody.ask("OPTIONS", TUS)
    assert answer.status_code == 200
    assert answer.headers["Tus-Version"] == answer.headers["Tus-Resumable"] == "1.0.0"
    assert answer.headers["Tus-Extension"] == (
        "creation,creation-with-upload,termination,expiration,checksum"
    )
    assert answer.headers["Tus-Max-Size"] == str(1024 * MIB)
    assert "sha1" in answer.headers["Tus-Checksum-Algorithm"].split(",")


def test_while_the_database_is_away_no_upload_seems_gone(fresh_mongod: Mongod) -> None:
    with Application(fresh_mongod) as application:
        app = application.with_settings(read_seconds=1, write_seconds=1, max_tus_mb=1)
        caller = application.new_person("waits", app=app)
        upload = begun(caller, 100)
        send(caller, upload, 0, b"%PDF-12345")

        fresh_mongod.freeze()
        later = head(caller, upload)
        assert (later.status_code, later.headers["Tus-Resumable"]) == (423, "1.0.0")
        assert later.headers["Retry-After"] == "2"
        for refused in (send(caller, upload, 10, b"x"), caller.get(f"{TUS}/{upload}")):
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "2")

        fresh_mongod.thaw()
        wait_until(lambda: head(caller, upload).status_code == 200, "it is told again")
        assert offset_of(caller, upload) == 10


def test_who_asks_too_often_does_not_find_the_upload_gone(application: Application) -> None:
    somebody = application.new_person("asks-a-lot")
    caller = replace(somebody, app=application.with_settings(max_reads_per_minute=1))
    upload = begun(caller, 100)
    assert offset_of(caller, upload) == 0
    later = head(caller, upload)
    assert (later.status_code, later.headers["Tus-Resumable"]) == (423, "1.0.0")
    assert 0 < int(later.headers["Retry-After"]) <= 60
    assert later.headers["RateLimit-Remaining"] == "0"
    assert caller.get(f"{TUS}/{upload}").status_code == 429


@pytest.mark.parametrize(
    "version",
    [
        "",
        "0.9",
        pytest.param("1.0", marks=pytest.mark.long),
        pytest.param("2.0.0", marks=pytest.mark.long),
    ],
)
def test_another_version_is_not_spoken(as_client: Caller, version: str) -> None:
    asked = {"Tus-Resumable": version} if version else {}
    upload = begun(as_client, 5)
    for method, url in (("POST", TUS), ("PATCH", f"{TUS}/{upload}"), ("DELETE", f"{TUS}/{upload}")):
        answer = as_client.ask(method, url, headers={**asked, "Upload-Length": "5"})
        assert (answer.status_code, answer.json["code"]) == (412, "unsupported_tus_version")
        assert answer.headers["Tus-Version"] == "1.0.0"
    assert offset_of(as_client, upload) == 0


@table(
    "headers",
    [
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "1e3"},
        {"Upload-Length": "٣"},
        {"Upload-Length": "9" * 16},
        {"Upload-Defer-Length": "1"},
        {"Upload-Length": "5", "Upload-Concat": "partial"},
        {"Upload-Length": "5", "Upload-Metadata": "name !"},
        {"Upload-Length": "5", "Upload-Metadata": "name =="},
        {"Upload-Length": "5", "Upload-Metadata": "name /w=="},
        {"Upload-Length": "5", "Upload-Metadata": "a YQ==,a YQ=="},
        {"Upload-Length": "5", "Upload-Metadata": "ñ YQ=="},
    ],
)
def test_headers_that_cannot_be_read(as_client: Caller, headers: dict[str, str]) -> None:
    answer = as_client.post(TUS, headers={**SPEAKS, **headers})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_tus_header")
    assert answer.json["header"] in {"Upload-Length", "Upload-Metadata", "Upload-Concat"}


def test_a_part_that_begins_elsewhere(as_client: Caller) -> None:
    upload = begun(as_client, 100)
    send(as_client, upload, 0, b"%PDF-12345")
    for offset in (0, 9, 11, 100):
        answer = send(as_client, upload, offset, b"x")
        assert (answer.status_code, answer.json["code"]) == (409, "upload_offset_mismatch")
        assert answer.json["offset"] == 10
    assert offset_of(as_client, upload) == 10


def test_a_part_is_no_more_than_what_is_missing(as_client: Caller) -> None:
    upload = begun(as_client, 10)
    assert send(as_client, upload, 0, b"%PDF-123456").json["code"] == "body_too_large"
    assert offset_of(as_client, upload) == 0


@pytest.mark.long
def test_a_part_of_another_type(as_client: Caller) -> None:
    upload = begun(as_client, 10)
    answer = as_client.patch(
        f"{TUS}/{upload}",
        headers={**SPEAKS, "Upload-Offset": "0"},
        data=b"%PDF-",
        content_type="application/pdf",
    )
    assert (answer.status_code, answer.json["code"]) == (415, "not_a_part")


@pytest.mark.long
def test_the_last_part_again_is_content(as_client: Caller) -> None:
    """tuspy sends an empty part when HEAD has told it that all is there."""
    file = a_pdf(50)
    upload = begun(as_client, 50)
    send(as_client, upload, 0, file)
    again = send(as_client, upload, 50, b"")
    assert (again.status_code, again.headers["Upload-Offset"]) == (204, "50")
    assert send(as_client, upload, 50, b"x").json["code"] == "body_too_large"
    assert send(as_client, upload, 0, file).json["code"] == "upload_offset_mismatch"
    assert stored(as_client, upload) == file


@pytest.mark.parametrize(
    "algorithm",
    [
        "sha1",
        pytest.param("sha256", marks=pytest.mark.long),
        pytest.param("md5", marks=pytest.mark.long),
    ],
)
def test_a_part_with_its_checksum(
    as_client: Caller, deployment: Deployment, algorithm: str
) -> None:
    file = a_pdf(2 * MIB + 5)
    digest = hashlib.new(algorithm, file[10:]).digest()
    right = f"{algorithm} {base64.b64encode(digest).decode()}"
    upload = begun(as_client, len(file))
    send(as_client, upload, 0, file[:10])
    other = a_pdf(len(file), seed=2)
    wrong = send(as_client, upload, 10, other[10:], checksum=right)
    assert (wrong.status_code, wrong.json["code"]) == (460, "checksum_mismatch")
    assert offset_of(as_client, upload) == 10
    assert send(as_client, upload, 10, file[10:], checksum=right).status_code == 204
    assert stored(as_client, upload) == file
    assert deployment.chunks(upload) == 3


@pytest.mark.parametrize(
    "checksum",
    [
        "sha512 AAAA",
        pytest.param("sha1", marks=pytest.mark.long),
        pytest.param("sha1 AAAA", marks=pytest.mark.long),
        pytest.param("sha1 !", marks=pytest.mark.long),
        pytest.param("crc32 AAAAAA==", marks=pytest.mark.long),
    ],
)
def test_a_checksum_that_cannot_be_read(as_client: Caller, checksum: str) -> None:
    upload = begun(as_client, 10)
    answer = send(as_client, upload, 0, b"%PDF-", checksum=checksum)
    assert (answer.status_code, answer.json["header"]) == (400, "Upload-Checksum")
    assert offset_of(as_client, upload) == 0


@pytest.mark.long
def test_an_upload_that_is_cancelled_leaves_nothing(
    as_client: Caller, deployment: Deployment
) -> None:
    upload = begun(as_client, 5 * MIB)
    send(as_client, upload, 0, a_pdf(2 * MIB))
    deployment.remember(upload)
    assert deployment.chunks(upload) == 2
    assert end(as_client, upload).status_code == 204
    assert deployment.chunks(upload) == 0
    for answer in (
        head(as_client, upload),
        end(as_client, upload),
        send(as_client, upload, 2 * MIB, b"x"),
        as_client.get(f"{TUS}/{upload}"),
    ):
        assert answer.status_code == 404


@pytest.mark.long
def test_what_is_finished_goes_to_the_trash(as_client: Caller) -> None:
    file = a_pdf(20)
    upload = begun(as_client, 20)
    send(as_client, upload, 0, file)
    assert end(as_client, upload).status_code == 204
    assert as_client.get(f"{TUS}/{upload}").status_code == 404
    assert as_client.post(f"/api/uploads/{upload}/restore").status_code == 200
    assert stored(as_client, upload) == file


@pytest.mark.parametrize("size", [pytest.param(400, marks=pytest.mark.long), 3 * MIB])
def test_a_type_the_category_does_not_take_leaves_nothing(
    as_client: Caller, deployment: Deployment, size: int
) -> None:
    """A large one is refused at its beginning."""
    before = deployment.application.counts()
    upload = begun(as_client, size, metadata=metadata(category="deposit_proofs"))
    deployment.remember(upload)
    answer = send(as_client, upload, 0, b"ID3" + bytes(min(size, 2 * MIB) - 3))
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert head(as_client, upload).status_code == 404
    assert deployment.chunks(upload) == 0
    assert deployment.application.counts() == before


@pytest.mark.long
def test_a_file_is_filed_where_its_metadata_says(as_client: Caller, deployment: Deployment) -> None:
    reference = unique("ORD-")
    fields = metadata(filename="a.pdf", category="deposit_proofs", reference=reference)
    upload = begun(as_client, 20, metadata=fields)
    send(as_client, upload, 0, a_pdf(20))
    told = as_client.get(f"/api/uploads/{upload}").json
    assert (told["category"], told["reference"]) == ("deposit_proofs", reference)
    listed = as_client.get(f"/api/uploads?reference={reference}").json["items"]
    assert [each["id"] for each in listed] == [upload]


@pytest.mark.long
def test_a_reference_takes_so_many_files_and_no_more(
    as_client: Caller, deployment: Deployment
) -> None:
    fields = metadata(category="deposit_proofs", reference=unique("ORD-"))
    early = begun(as_client, 30, metadata=fields)
    for number in range(10):
        upload = begun(as_client, 30, metadata=fields)
        assert send(as_client, upload, 0, a_pdf(30, seed=number)).status_code == 204
    late = begin(as_client, 30, metadata=fields)
    assert (late.status_code, late.json["code"]) == (409, "too_many_uploads")
    answer = send(as_client, early, 0, a_pdf(30, seed=99))
    assert (answer.status_code, answer.json["code"]) == (409, "too_many_uploads")
    assert head(as_client, early).status_code == 404
    assert deployment.asset(early) is None


@pytest.mark.long
@pytest.mark.parametrize(
    ("fields", "code"),
    [({"category": "nonsense"}, "unknown_category"), ({"reference": "a\nb"}, "bad_reference")],
)
def test_metadata_that_says_nothing_we_know(
    as_client: Caller, fields: dict[str, str], code: str
) -> None:
    answer = begin(as_client, 30, metadata=metadata(**fields))
    assert (answer.status_code, answer.json["code"]) == (400, code)


def test_a_broken_picture_leaves_nothing(as_client: Caller, deployment: Deployment) -> None:
    before = deployment.application.counts()
    broken = a_picture()[:500]
    upload = begun(as_client, 500)
    answer = send(as_client, upload, 0, broken)
    assert (answer.status_code, answer.json["code"]) == (422, "broken_image")
    assert deployment.application.counts() == before


class BusyOnce:
    """A library whose decoders are busy the first time."""

    def __init__(self, library: MediaLibrary) -> None:
        self._library = library
        self._is_busy = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._library, name)

    def adopting(self, *args: Any) -> Any:
        if self._is_busy:
            self._is_busy = False
            raise DecodersBusy
        return self._library.adopting(*args)


@pytest.mark.parametrize("size", [pytest.param(MIB, marks=pytest.mark.long), MIB + 5])
def test_the_last_part_is_sent_again_when_nobody_could_look_at_the_file(
    application: Application, as_client: Caller, size: int
) -> None:
    """Until it is a file, the upload stands short of its end: clients do not take it for done."""
    app = application.with_settings()
    service: TusService = app.extensions["avenue"][TusService]
    service._library = BusyOnce(service._library)  # type: ignore[assignment]
    caller = replace(as_client, app=app)
    file = a_pdf(size)
    upload = begun(caller, size)
    send(caller, upload, 0, file[:10])
    busy = send(caller, upload, 10, file[10:])
    assert (busy.status_code, busy.json["code"]) == (503, "decoders_busy")
    at = offset_of(caller, upload)
    assert at < size
    assert send(caller, upload, at, file[at:]).headers["Upload-Offset"] == str(size)
    assert stored(caller, upload) == file


@pytest.mark.long
def test_a_video_is_not_begun_where_only_pictures_and_documents_are_taken(as_client: Caller):
    for said, status in [("video/mp4", 415), ("Audio/mpeg", 415), ("image/x-new", 201), ("", 201)]:
        fields = metadata(category="deposit_proofs", filetype=said)
        answer = begin(as_client, 100, metadata=fields)
        assert answer.status_code == status, said
    fields = metadata(category="deposit_proofs", filetype="application/vnd.ms-excel")
    assert begin(as_client, 100, metadata=fields).status_code == 201


@pytest.mark.long
def test_what_is_too_large_or_empty_is_not_begun(as_client: Caller, deployment: Deployment) -> None:
    before = deployment.application.counts()
    assert begin(as_client, 1024 * MIB + 1).json["code"] == "file_too_large"
    assert begin(as_client, 0).json["code"] == "empty_file"
    assert deployment.application.counts() == before


def test_nobody_begins_without_end(application: Application) -> None:
    somebody = application.new_person("begins-a-lot")
    known = application.raw["tus_uploads"].find_one({"_id": begun(somebody, 10)})
    application.raw["tus_uploads"].insert_many([{**known, "_id": f"{n:022}"} for n in range(99)])
    answer = begin(somebody, 10)
    assert (answer.status_code, answer.json["code"]) == (429, "too_many_open_uploads")
    assert application.raw["tus_uploads"].count_documents({"owner": somebody.id}) == 100


def test_an_upload_is_its_owners(
    as_client: Caller, as_seller: Caller, as_admin: Caller, on_other_site: Caller
) -> None:
    file = a_pdf(30)
    upload = begun(as_client, 30)
    for other in (as_seller, as_admin, on_other_site):
        assert head(other, upload).status_code == 404
        assert send(other, upload, 0, file).status_code == 404
        assert end(other, upload).status_code == 404
    send(as_client, upload, 0, file)
    assert stored(as_admin, upload) == file
    for other in (as_seller, on_other_site):
        assert other.get(f"{TUS}/{upload}").status_code == 404


def test_an_expired_upload_is_gone_with_its_chunks(
    as_client: Caller, deployment: Deployment
) -> None:
    expired, live, done = begun(as_client, 5 * MIB), begun(as_client, 5 * MIB), begun(as_client, 40)
    file = a_pdf(2 * MIB)
    send(as_client, expired, 0, file)
    send(as_client, live, 0, file)
    send(as_client, done, 0, a_pdf(40))
    deployment.remember(expired)
    assert deployment.sweep() == 0
    deployment.expire(expired)
    deployment.expire(done)
    assert head(as_client, expired).status_code == 404
    assert send(as_client, expired, 2 * MIB, b"x").status_code == 404
    inspector = FileInspector(InspectedAssets(deployment.application.database))
    assert inspector.orphan_chunks("default", "uploads", "", 1000)[1] == {}
    assert deployment.sweep() == 1
    assert (deployment.chunks(expired), deployment.chunks(live)) == (0, 2)
    assert send(as_client, live, 2 * MIB, file).status_code == 204
    assert stored(as_client, done) == a_pdf(40)  # of that one only the upload is forgotten


def test_going_on_puts_the_end_off(as_client: Caller, deployment: Deployment) -> None:
    upload = begun(as_client, 100)
    soon = utc_now() + timedelta(minutes=1)
    deployment.raw["tus_uploads"].update_one({"_id": upload}, {"$set": {"expires_at": soon}})
    answer = send(as_client, upload, 0, b"%PDF-")
    assert parsedate_to_datetime(answer.headers["Upload-Expires"]) > soon + timedelta(hours=1)


def test_what_is_promised_counts(application: Application) -> None:
    somebody = application.new_person("promised")

    def at_an_instance_that_has_not_counted_yet() -> Caller:
        app = application.with_settings(max_site_mb=1000)
        return Caller(application, app, somebody.host, token=somebody.token, id=somebody.id)

    first = begin(at_an_instance_that_has_not_counted_yet(), 600 * MIB)
    assert first.status_code == 201
    answer = begin(at_an_instance_that_has_not_counted_yet(), 600 * MIB)
    assert (answer.status_code, answer.json["code"]) == (507, "quota_exceeded")
    assert end(somebody, first.headers["Location"].rpartition("/")[2]).status_code == 204
    again = at_an_instance_that_has_not_counted_yet()
    wait_until(lambda: begin(again, 600 * MIB).status_code == 201, "it is counted anew")


def test_a_write_is_noted_once_all_is_there(as_client: Caller, application: Application) -> None:
    def entries(upload: str) -> list[str]:
        found = application.raw["audit_logs"].find({"object.id": upload})
        return [each["action"] for each in found]

    upload = begun(as_client, 20)
    send(as_client, upload, 0, a_pdf(20)[:5])
    assert entries(upload) == []
    send(as_client, upload, 5, a_pdf(20)[5:])
    send(as_client, upload, 20, b"")
    assert entries(upload)[:1] == ["upload.added"]


@pytest.mark.parametrize(
    ("method", "path", "headers", "is_long"),
    [
        ("PATCH", f"{TUS}/{'x' * 22}", {}, True),
        ("POST", TUS, {}, True),
        ("POST", "/api/uploads", {}, False),
        ("POST", "/api/uploads", {"Transfer-Encoding": "chunked"}, True),
        ("PATCH", "/api/site", {"Transfer-Encoding": "chunked"}, False),
    ],
)
def test_the_last_part_and_a_body_of_unknown_length_have_time_for_a_whole_file(
    application: Application, method: str, path: str, headers: dict[str, str], is_long: bool
) -> None:
    with application.app.test_request_context(path, method=method, headers=headers, data=b"x"):
        seconds = seconds_for(method, application.settings)
    assert (seconds > application.settings.max_tus_mb) == is_long


def test_of_many_who_send_the_same_at_once_one_goes_on(
    as_client: Caller, deployment: Deployment
) -> None:
    file = a_zip(6 * MIB)
    upload = begun(as_client, len(file))
    answers = at_once(4, lambda _: send(as_client, upload, 0, file).status_code)
    assert set(answers) <= {204, 409, 423}
    while (at := offset_of(as_client, upload)) < len(file):
        assert send(as_client, upload, at, file[at:]).status_code == 204
    assert stored(as_client, upload) == file
    assert deployment.chunks(upload) == 7


@pytest.mark.long
def test_a_wrong_checksum_is_said_before_a_wrong_type(as_client: Caller) -> None:
    """What was changed on its way says nothing of the file: the upload goes on where it was."""
    file = a_pdf(2 * MIB)
    right = base64.b64encode(hashlib.sha1(file, usedforsecurity=False).digest()).decode()
    upload = begun(as_client, len(file), metadata=metadata(category="deposit_proofs"))
    changed = send(as_client, upload, 0, b"ID3" + file[3:], checksum=f"sha1 {right}")
    assert (changed.status_code, changed.json["code"]) == (460, "checksum_mismatch")
    assert offset_of(as_client, upload) == 0
    assert send(as_client, upload, 0, file, checksum=f"sha1 {right}").status_code == 204
    assert stored(as_client, upload) == file


@pytest.mark.long
def test_a_wrong_type_is_refused_at_its_beginning_with_a_checksum_too(
    as_client: Caller, deployment: Deployment
) -> None:
    part = b"ID3" + bytes(2 * MIB - 3)
    right = base64.b64encode(hashlib.sha1(part, usedforsecurity=False).digest()).decode()
    upload = begun(as_client, 9 * MIB, metadata=metadata(category="deposit_proofs"))
    deployment.remember(upload)
    answer = send(as_client, upload, 0, part, checksum=f"sha1 {right}")
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert head(as_client, upload).status_code == 404
    assert deployment.chunks(upload) == 0


@pytest.mark.long
def test_what_was_deleted_is_no_upload_any_more(as_client: Caller, as_admin: Caller) -> None:
    """A client that finds it whole would take it for stored; so it begins it anew."""
    file = a_pdf(20)
    for remover, address in ((as_client, TUS), (as_admin, "/api/uploads")):
        upload = begun(as_client, 20)
        send(as_client, upload, 0, file)
        removed = remover.delete(f"{address}/{upload}", headers=SPEAKS)
        assert removed.status_code == 204
        for answer in (head(as_client, upload), send(as_client, upload, 20, b"")):
            assert (answer.status_code, "Upload-Offset" in answer.headers) == (404, False)
        assert end(as_client, upload).status_code == 404
        assert as_client.post(f"/api/uploads/{upload}/restore").status_code == 200
        assert offset_of(as_client, upload) == 20


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        pytest.param(b"%PDF-1.7\n" + bytes(99), {}, 413, marks=pytest.mark.long),
        pytest.param(
            b"%PDF-1.7\n",
            {"checksum": "sha1 AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
            460,
            marks=pytest.mark.long,
        ),
        (b"ID3" + bytes(17), {"metadata": metadata(category="deposit_proofs")}, 415),
    ],
)
def test_a_creation_whose_first_part_is_refused_leaves_nothing(
    as_client: Caller, deployment: Deployment, body: bytes, headers: dict[str, str], status: int
) -> None:
    """Nobody was told where to go on with it."""
    before = deployment.application.counts()
    assert begin(as_client, 20, body, **headers).status_code == status
    assert deployment.application.counts() == before


def test_a_client_that_can_only_post_says_what_it_means(as_client: Caller) -> None:
    """tus 1.0.0, "X-HTTP-Method-Override"."""
    file = a_pdf(20)
    upload = begun(as_client, 20)

    def post(method: str, **options: Any) -> TestResponse:
        headers = {**SPEAKS, "X-HTTP-Method-Override": method, "Upload-Offset": "0"}
        return as_client.post(f"{TUS}/{upload}", headers=headers, **options)

    sent = post("PATCH", data=file, content_type="application/offset+octet-stream")
    assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, "20")
    assert stored(as_client, upload) == file
    assert post("DELETE").status_code == 204
    assert as_client.get(f"{TUS}/{upload}").status_code == 404
    # Only between methods that change something, and nowhere else.
    named = {**SPEAKS, "X-HTTP-Method-Override": "DELETE"}
    other = begun(as_client, 20)
    assert as_client.get(f"{TUS}/{other}", headers=named).status_code == 404
    assert as_client.post(f"/api/uploads/{other}", headers=named).status_code == 405
    assert post("PUT").status_code == 405
    assert offset_of(as_client, other) == 0


@pytest.mark.long
def test_a_zip_is_not_taken_for_the_document_in_it(as_admin: Caller, as_client: Caller) -> None:
    """Where its beginning ends may be the directory of another archive."""
    document = zipped({"[Content_Types].xml": b"", "word/document.xml": b""})
    file = zipped({"a.bin": bytes(MIB - 9_999), "b.docx": document, "c": bytes(MIB)})
    assert document in file[:MIB]
    category = only(as_admin, "application/zip")
    upload = begun(as_client, len(file), metadata=metadata(category=category))
    answer = send(as_client, upload, 0, file)
    assert answer.status_code == 204, answer.text
    assert stored(as_client, upload) == file


def test_what_nobody_knows_is_refused_at_its_beginning(
    as_client: Caller, deployment: Deployment
) -> None:
    upload = begun(as_client, 9 * MIB, metadata=metadata(category="deposit_proofs"))
    deployment.remember(upload)
    answer = send(as_client, upload, 0, bytes(2 * MIB))
    assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
    assert head(as_client, upload).status_code == 404
    assert deployment.chunks(upload) == 0


def only(admin: Caller, *types: str) -> str:
    """A category of the site that takes nothing else."""
    name = unique("only_")
    change = {"upload_categories": {name: {"types": list(types)}}}
    answer = admin.patch("/api/site", json=change)
    assert answer.status_code == 200, answer.text
    return name


def receive(
    caller: Caller, upload: str, blocks: Iterator[bytes], sha1: bytes | None = None
) -> None:
    """Send a part from byte 0 on, of which `blocks` come one by one."""
    service: TusService = caller.app.extensions["avenue"][TusService]
    check = Checksum(algorithm="sha1", expected=sha1) if sha1 else None
    part = TusPart(offset=0, read=lambda _most: blocks, checksum=check)
    with caller.app.app_context():
        service.receive(Actor(site=caller.site, id=caller.id), upload, part)


@pytest.mark.long
def test_where_it_stands_is_told_while_a_part_comes(as_client: Caller) -> None:
    """Nobody waits for whoever is at it; what counts are whole chunks."""
    file = a_pdf(3 * MIB)
    upload = begun(as_client, len(file))

    def blocks() -> Iterator[bytes]:
        yield file[: MIB + 5]
        assert offset_of(as_client, upload) == MIB
        yield file[MIB + 5 :]

    receive(as_client, upload, blocks())
    assert offset_of(as_client, upload) == len(file)


@pytest.mark.parametrize("sha1", [None, bytes(20)], ids=["plain", "with a checksum"])
@pytest.mark.parametrize(
    "breaks", [False, pytest.param(True, marks=pytest.mark.long)], ids=["whole", "broken off"]
)
def test_what_is_given_up_while_a_part_comes_leaves_nothing(
    as_client: Caller, deployment: Deployment, sha1: bytes | None, breaks: bool
) -> None:
    file = a_pdf(3 * MIB)
    upload = begun(as_client, len(file))
    deployment.remember(upload)

    def blocks() -> Iterator[bytes]:
        yield file[: MIB + 5]
        assert end(as_client, upload).status_code == 204
        yield file[MIB + 5 : 2 * MIB + 9]
        if breaks:
            raise BodyCutOff
        yield file[2 * MIB + 9 :]

    with pytest.raises(UploadTakenOver if sha1 is None else (ChecksumMismatch, BodyCutOff)):
        receive(as_client, upload, blocks(), sha1)
    assert deployment.chunks(upload) == 0
    assert head(as_client, upload).status_code == 404


def test_who_lost_an_upload_does_not_end_it(as_client: Caller) -> None:
    """What they sent is not what is there now."""
    file = a_pdf(3 * MIB)
    upload = begun(as_client, len(file), metadata=metadata(category="deposit_proofs"))

    def blocks() -> Iterator[bytes]:
        assert send(as_client, upload, 0, file[:10]).status_code == 204
        yield b"ID3" + bytes(2 * MIB)

    with pytest.raises(UnsupportedMediaType):
        receive(as_client, upload, blocks())
    assert send(as_client, upload, 10, file[10:]).status_code == 204
    assert stored(as_client, upload) == file


LENGTH = 2 * MIB + 1000
EDGES = st.builds(
    lambda edge, away: max(edge + away, 0),
    st.sampled_from([0, MIB, 2 * MIB, LENGTH]),
    st.integers(-2, 2),
)


@pytest.mark.long
def test_any_range_of_what_came_in_parts_is_the_slice(as_client: Caller) -> None:
    """Around the edges of its chunks (RFC 9110, section 14)."""
    file = a_pdf(LENGTH)
    upload = begun(as_client, LENGTH)
    send(as_client, upload, 0, file[: MIB + 3])
    send(as_client, upload, MIB + 3, file[MIB + 3 :])
    address = as_client.get(f"{TUS}/{upload}").headers["Location"]

    @settings(max_examples=50)
    @given(EDGES, EDGES)
    def check(one: int, other: int) -> None:
        first, last = sorted([one, other])
        answer = as_client.get(address, headers={"Range": f"bytes={first}-{last}"})
        if first >= LENGTH:
            assert answer.status_code == 416
            return
        told = f"bytes {first}-{min(last, LENGTH - 1)}/{LENGTH}"
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, told)
        assert answer.data == file[first : last + 1]

    check()


@pytest.mark.parametrize(
    ("since", "status", "code"),
    [
        ({"types": ["image/*"]}, 415, "unsupported_media_type"),
        pytest.param({"max_mb": 1}, 413, "file_too_large", marks=pytest.mark.long),
        pytest.param(None, 400, "unknown_category", marks=pytest.mark.long),
    ],
)
def test_what_its_category_takes_no_more_leaves_nothing(
    as_admin: Caller, as_client: Caller, deployment: Deployment, since: Any, status: int, code: str
) -> None:
    """What counts is what the site says when the file is whole."""
    category, file = only(as_admin, "application/pdf"), a_pdf(MIB + 9)
    upload = begun(as_client, len(file), metadata=metadata(category=category))
    deployment.remember(upload)
    assert send(as_client, upload, 0, file[: MIB + 1]).status_code == 204
    changed = as_admin.patch("/api/site", json={"upload_categories": {category: since}})
    assert changed.status_code == 200, changed.text
    answer = send(as_client, upload, MIB + 1, file[MIB + 1 :])
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert head(as_client, upload).status_code == 404
    assert deployment.chunks(upload) == 0
    assert deployment.asset(upload) is None


def test_whoever_may_not_sign_in_any_more_leaves_nothing(
    application: Application, deployment: Deployment
) -> None:
    somebody = application.new_person("goes-away")
    upload = begun(somebody, 3 * MIB)
    send(somebody, upload, 0, a_pdf(2 * MIB))
    deployment.remember(upload)
    application.accounts.set_disabled(f"goes-away@{HOST}", disabled=True)
    for answer in (head(somebody, upload), send(somebody, upload, 2 * MIB, b"x")):
        assert (answer.status_code, "Upload-Offset" in answer.headers) == (401, False)
    deployment.expire(upload)
    assert deployment.sweep() == 1
    assert deployment.chunks(upload) == 0
