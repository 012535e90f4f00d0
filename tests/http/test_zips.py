"""Several uploads as one ZIP: for whom, of what, and never one that only looks whole."""

import io
import zipfile

import pytest

from avenue.identity import new_id
from avenue.media.errors import DamagedFile
from tests.http.application import Caller, a_picture, unique

UPLOADS = "/api/uploads"
ZIP = f"{UPLOADS}/zip"
MIB = 1024 * 1024


def upload(owner: Caller, data: bytes, name: str, category: str = "general") -> str:
    query = {"name": name, "reference": unique("ORD-"), "category": category}
    answer = owner.post(UPLOADS, query_string=query, data=data)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


@pytest.fixture(scope="module")
def files(as_client: Caller) -> dict[str, bytes]:
    """A picture, a text of the same name, and a file of several chunks, by id."""
    contents = {
        "foto.jpg": a_picture(),
        "foto.txt": b"a text\n" * 10,
        "large.bin": bytes(range(256)) * 10_000,
    }
    return {upload(as_client, data, name): data for name, data in contents.items()}


def test_all_of_them_in_their_order(as_client, files):
    answer = as_client.post(ZIP, json={"ids": list(files)})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/zip"
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert "Accept-Ranges" not in answer.headers
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    assert archive.namelist() == ["foto.jpg", "foto.txt", "large.bin"]
    assert [archive.read(each) for each in archive.namelist()] == list(files.values())


def test_one_that_is_named_twice_is_in_it_once(as_client, files):
    first = next(iter(files))
    answer = as_client.post(ZIP, json={"ids": [first, first]})
    assert zipfile.ZipFile(io.BytesIO(answer.data)).namelist() == ["foto.jpg"]


@pytest.mark.parametrize(
    "who", [pytest.param("somebody else", marks=pytest.mark.long), "another site"]
)
def test_what_somebody_may_not_read_is_not_there(application, files, who):
    other = application.new_person(unique("other"))
    if who == "another site":
        other = application.caller("client_on_other_site")
    own = upload(other, a_picture(), "own.jpg")
    first = next(iter(files))
    nowhere = new_id()
    answer = other.post(ZIP, json={"ids": [own, first, nowhere]})
    assert (answer.status_code, answer.json["code"]) == (404, "upload_not_found")
    assert answer.json["ids"] == [first, nowhere]
    assert other.post(ZIP, json={"ids": [own]}).status_code == 200


def test_an_administrator_may_have_all(as_admin, files):
    assert as_admin.post(ZIP, json={"ids": list(files)}).status_code == 200


def test_what_is_in_the_trash_is_not_there(as_client):
    gone = upload(as_client, a_picture(), "gone.jpg")
    assert as_client.ask("DELETE", f"{UPLOADS}/{gone}").status_code == 204
    assert as_client.post(ZIP, json={"ids": [gone]}).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, marks=pytest.mark.long),
        pytest.param({"ids": []}, marks=pytest.mark.long),
        {"ids": ["x"]},
        pytest.param({"ids": [new_id() for _ in range(501)]}, marks=pytest.mark.long),
        pytest.param({"ids": 1}, marks=pytest.mark.long),
    ],
)
def test_a_wrong_selection_is_refused(as_client, body):
    answer = as_client.post(ZIP, json=body)
    assert (answer.status_code, answer.json["code"]) == (400, "invalid_body")


def test_more_than_it_may_have_is_refused_before_anything_is_sent(application, as_client, files):
    app = application.with_settings(max_zip_mb=1)
    small = Caller(application, app, as_client.host, token=as_client.token, id=as_client.id)
    answer = small.post(ZIP, json={"ids": list(files)})
    assert (answer.status_code, answer.json["code"]) == (413, "zip_too_large")
    assert answer.json["limit_bytes"] == MIB
    assert answer.json["bytes"] > 2 * MIB
    assert small.post(ZIP, json={"ids": list(files)[:2]}).status_code == 200


@pytest.mark.parametrize("harm", [pytest.param("missing", marks=pytest.mark.long), "changed"])
def test_a_damaged_file_cuts_the_connection(application, as_client, harm):
    before = upload(as_client, a_picture(), "before.jpg")
    damaged = upload(as_client, bytes(MIB) + b"end of it", "damaged.bin")
    chunks = application.raw["uploads.chunks"]
    file_id = application.raw["assets"].find_one({"_id": damaged})["versions"][0]["file"]
    last = {"files_id": f"default/{file_id}", "n": 1}
    if harm == "missing":
        assert chunks.delete_one(last).deleted_count == 1
    else:
        changed = chunks.update_one(last, {"$set": {"data": b"end of IT"}})
        assert changed.modified_count == 1
    with pytest.raises(DamagedFile):  # which a server ends the connection for
        _ = as_client.post(ZIP, json={"ids": [before, damaged]}).data


def test_a_file_damaged_at_once_is_an_error(application, as_client):
    damaged = upload(as_client, a_picture(), "damaged.jpg")
    file_id = application.raw["assets"].find_one({"_id": damaged})["versions"][0]["file"]
    application.raw["uploads.chunks"].delete_many({"files_id": f"default/{file_id}"})
    answer = as_client.post(ZIP, json={"ids": [damaged]})
    assert (answer.status_code, answer.json["code"]) == (500, "damaged_file")


def test_who_took_what_is_written_down(application, as_client, files):
    answer = as_client.post(ZIP, json={"ids": list(files)})
    found = application.raw["audit_logs"].find_one({"request_id": answer.headers["X-Request-ID"]})
    assert found["action"] == "upload.zip_made"
    assert found["details"]["assets"] == sorted(files)
