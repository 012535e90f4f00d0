"""FilePond's protocol, one request at a time; tests/clients drives FilePond itself."""

import json
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.http.application import (
    BOUNDARY,
    FORM,
    Application,
    Caller,
    Part,
    a_picture,
    form,
    unique,
)
from tests.http.tus import MIB, PART_TYPE, a_pdf
from tests.table import table

FILEPOND = "/api/uploads/filepond"
TEXT = "text/plain;charset=UTF-8"  # as browsers send a string


@pytest.fixture
def client(application: Application) -> Caller:
    """Somebody whose uploads nobody else makes."""
    return application.new_person(unique("clienta"))


def process(caller: Caller, data: bytes, query: str = "", name: str = "foto.jpg") -> TestResponse:
    """Send a file as FilePond does: what is known of it, then the file, both as `filepond`."""
    known = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="filepond"\r\n\r\n{{}}\r\n'
    sent = known.encode() + form(Part(data, name, field="filepond"))
    return caller.post(f"{FILEPOND}{query}", data=sent, content_type=FORM)


def begin(caller: Caller, length: int, query: str = "") -> TestResponse:
    known = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="filepond"\r\n\r\n{{}}\r\n'
    return caller.post(
        f"{FILEPOND}{query}",
        data=f"{known}--{BOUNDARY}--\r\n".encode(),
        content_type=FORM,
        headers={"Upload-Length": str(length)},
    )


def begun(caller: Caller, length: int, query: str = "") -> str:
    answer = begin(caller, length, query)
    assert answer.status_code == 201, answer.text
    return answer.text


def patch(
    caller: Caller, file: str, offset: int, data: bytes, name: str = "a.pdf", **more: Any
) -> TestResponse:
    headers = {"Upload-Offset": str(offset), "Upload-Name": name.encode().decode("latin-1")}
    return caller.patch(
        f"{FILEPOND}?patch={file}", data=data, content_type=PART_TYPE, headers=headers, **more
    )


def offset_of(caller: Caller, file: str) -> int:
    answer = caller.ask("HEAD", f"{FILEPOND}?patch={file}")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return int(answer.headers["Upload-Offset"])


def revert(caller: Caller, file: str) -> TestResponse:
    return caller.delete(FILEPOND, data=file, content_type=TEXT)


def entries(caller: Caller, file: str) -> list[str]:
    written = caller.application.raw["audit_logs"].find({"object.id": file}, sort=[("at", 1)])
    return [each["action"] for each in written]


def test_a_file_is_taken_in_given_back_and_undone(client: Caller) -> None:
    picture = a_picture()
    answer = process(client, picture, "?category=orders&reference=A-1", "ñandú.jpg")
    assert (answer.status_code, answer.mimetype) == (201, "text/plain")
    upload = client.get(f"/api/uploads/{answer.text}").json
    assert (upload["name"], upload["category"], upload["reference"]) == (
        "ñandú.jpg",
        "orders",
        "A-1",
    )
    for way in ("load", "restore"):
        given = client.get(f"{FILEPOND}?{way}={answer.text}")
        assert (given.status_code, given.data) == (200, picture)
        assert "filename*=UTF-8''%C3%B1and%C3%BA.jpg" in given.headers["Content-Disposition"]
        assert given.headers["Cache-Control"] == "private, no-store"
    assert revert(client, answer.text).status_code == 204
    assert client.get(f"{FILEPOND}?load={answer.text}").status_code == 404
    assert client.get("/api/uploads?state=trash").json["items"][0]["id"] == answer.text
    assert revert(client, answer.text).status_code == 404


@pytest.mark.parametrize(
    "length",
    [2 * MIB, pytest.param(2 * MIB + 77, marks=pytest.mark.long)],
    ids=["whole parts", "and a rest"],
)
def test_a_large_file_comes_in_parts_and_ends_with_an_empty_one_where_they_fill_it(
    client: Caller, length: int
) -> None:
    data, size = a_pdf(length), MIB // 2
    file = begun(client, length, "?category=deposit_proofs")
    assert client.get(f"/api/uploads/{file}").status_code == 404
    for offset in range(0, length // size * size + 1, size):  # as FilePond counts them
        assert offset_of(client, file) == offset
        answer = patch(client, file, offset, data[offset : offset + size], "año 1.pdf")
        assert answer.status_code == 204, answer.text
    assert offset_of(client, file) == length
    assert client.get(f"{FILEPOND}?load={file}").data == data
    upload = client.get(f"/api/uploads/{file}").json
    assert (upload["name"], upload["category"]) == ("año 1.pdf", "deposit_proofs")
    assert entries(client, file) == ["upload.added"]
    assert revert(client, file).status_code == 204
    assert client.get(f"/api/uploads/{file}").status_code == 404
    assert entries(client, file) == ["upload.added", "upload.removed"]


def test_a_part_that_is_sent_again_counts_once(client: Caller) -> None:
    data = a_pdf(3000)
    file = begun(client, 3000)
    for offset in (0, 0, 1000, 0, 1000, 2000, 2000):
        answer = patch(client, file, offset, data[offset : offset + 1000])
        assert answer.status_code == 204, answer.text
    assert client.get(f"{FILEPOND}?load={file}").data == data


@pytest.mark.parametrize(
    "came",
    [pytest.param(1700, marks=pytest.mark.long), MIB + 700],
    ids=["in a chunk", "beyond one"],
)
def test_of_a_part_that_breaks_off_nothing_counts(client: Caller, came: int) -> None:
    # FilePond takes a part for there as soon as HEAD says that one byte of it is.
    data = a_pdf(2 * MIB)
    file = begun(client, 2 * MIB)
    assert patch(client, file, 0, data[:1000]).status_code == 204
    announced = {"CONTENT_LENGTH": str(2 * MIB - 1000)}
    broken = patch(client, file, 1000, data[1000:came], environ_overrides=announced)
    assert (broken.status_code, broken.json["code"]) == (400, "body_cut_off")
    assert offset_of(client, file) == 1000
    assert patch(client, file, 1000, data[1000:]).status_code == 204
    assert client.get(f"{FILEPOND}?load={file}").data == data


def test_an_unfinished_file_is_given_up_without_a_trace(client: Caller) -> None:
    before = client.application.counts()
    file = begun(client, 2 * MIB)
    assert patch(client, file, 0, a_pdf(2 * MIB)[:MIB]).status_code == 204
    assert revert(client, file).status_code == 204
    after = client.application.counts()
    assert after.pop("audit_logs") == before.pop("audit_logs", 0) + 1
    assert after == before
    assert client.ask("HEAD", f"{FILEPOND}?patch={file}").status_code == 404


REFUSED = {
    "a part that leaves a gap": (1000, b"x" * 1000, 409, "upload_offset_mismatch"),
    "one that reaches beyond the end": (0, b"%PDF-1.7\n" * 1000, 413, "body_too_large"),
    "what is of no type that is taken": (0, bytes(3000), 415, "unsupported_media_type"),
}


@table("offset, data, status, code", REFUSED.values())
def test_a_part_that_does_not_fit_is_refused(
    client: Caller, offset: int, data: bytes, status: int, code: str
) -> None:
    file = begun(client, 3000, "?category=deposit_proofs")
    answer = patch(client, file, offset, data)
    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert client.get(f"/api/uploads/{file}").status_code == 404


@table(
    "length, query, code",
    [
        ("2147483648", "", "file_too_large"),
        ("0", "", "empty_file"),
        ("many", "", "invalid_tus_header"),
        ("9", "?category=nowhere", "unknown_category"),
        ("9", "?reference=" + "x" * 201, "bad_reference"),
    ],
)
def test_what_cannot_come_is_refused_at_its_beginning(
    client: Caller, length: str, query: str, code: str
) -> None:
    before = client.application.counts()
    answer = client.post(f"{FILEPOND}{query}", headers={"Upload-Length": length})
    assert answer.json["code"] == code
    assert client.application.counts() == before


def test_two_files_in_one_request_are_refused(client: Caller) -> None:
    before = client.application.counts()
    answer = client.upload(FILEPOND, a_picture(), a_picture())
    assert (answer.status_code, answer.json["code"]) == (400, "one_file_only")
    assert client.application.counts() == before


def test_what_is_somebody_elses_is_not_there(client: Caller, application: Application) -> None:
    other = application.new_person(unique("otra"))
    whole, open_one = process(client, a_picture()).text, begun(client, 3000)
    assert other.get(f"{FILEPOND}?load={whole}").status_code == 404
    assert other.ask("HEAD", f"{FILEPOND}?patch={open_one}").status_code == 404
    assert patch(other, open_one, 0, b"%PDF-1.7\n").status_code == 404
    assert revert(other, whole).status_code == revert(other, open_one).status_code == 404
    assert client.get(f"{FILEPOND}?load={whole}").status_code == 200
    assert offset_of(client, open_one) == 0


@table("text", ["", "x" * 22, "../etc", "\xff"])
def test_an_id_of_nothing_is_not_there(client: Caller, text: str) -> None:
    for way in ("load", "restore", "patch", "fetch"):
        assert client.get(FILEPOND, query_string={way: text}).status_code == 404
    assert patch(client, text, 0, b"%PDF").status_code == 404
    assert revert(client, text).status_code == 404
    assert revert(client, "x" * 65).status_code == 413


def test_a_refusal_is_a_sentence_for_people(client: Caller) -> None:
    answer = process(client, b"<html>", "?category=orders")
    assert answer.status_code == 415
    assert json.loads(answer.text)["message"] == answer.json["error"]
