"""What programs send that are no browsers, byte for byte as they send it.

Sources: React Native's `FormData.js` with okhttp (Android) and `RCTNetworking.mm` (iOS), Dart's
`multipart_request.dart`, dio's `form_data.dart`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest

from tests.clients.deployment import Deployment
from tests.http.application import a_picture
from tests.server import Answer

MEDIA = "/api/builder/media"


@dataclass(frozen=True, slots=True)
class Shape:
    """How a program writes a form: the head of a file's part, and the boundary."""

    boundary: str
    head: str

    def content_type(self) -> str:
        return f"multipart/form-data; boundary={self.boundary}"

    def body(self, *files: bytes) -> bytes:
        parts = [
            f"--{self.boundary}\r\n{self.head.format(bytes=len(each))}\r\n\r\n".encode()
            + each
            + b"\r\n"
            for each in files
        ]
        return b"".join(parts) + f"--{self.boundary}--\r\n".encode()


SHAPES: Mapping[str, Shape] = {
    "React Native on Android": Shape(
        "c9ea7a1e-42b5-4d8a-9a4c-1f2f3a5bd7ff",
        'content-disposition: form-data; name="file"; filename="foto.jpg"\r\n'
        "content-type: image/jpg\r\nContent-Length: {bytes}",
    ),
    "React Native on iOS": Shape(
        "aB3-_.zQ" * 8 + "aB3-_.",
        'content-disposition: form-data; name="file"; filename="foto.jpg"\r\n'
        "content-type: image/jpeg",
    ),
    "Dart's http": Shape(
        "dart-http-boundary-" + "Qx7_.+" * 8 + "abc",
        "content-type: application/octet-stream\r\n"
        'content-disposition: form-data; name="file"; filename="foto.jpg"',
    ),
    "dio": Shape(
        "--dio-boundary-0123456789",
        'content-disposition: form-data; name="files"; filename="foto.jpg"\r\n'
        "content-type: application/octet-stream",
    ),
}
BY_NAME = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


def send(deployment: Deployment, shape: Shape, *files: bytes) -> Answer:
    headers = {"Content-Type": shape.content_type()}
    return deployment.client.request("POST", MEDIA, shape.body(*files), headers)


@BY_NAME
def test_a_picture_is_kept_as_it_was_sent(deployment: Deployment, shape: Shape) -> None:
    picture = a_picture()
    answer = send(deployment, shape, picture)
    assert answer.status == 201, answer
    file = answer.json["file"]
    assert (file["name"], file["media_type"]) == ("foto.jpg", "image/jpeg")
    assert answer.json["url"].startswith(f"{deployment.url}/media/")
    assert deployment.client.get(file["url"].removeprefix(deployment.url)).body == picture


@BY_NAME
def test_several_come_under_one_name(deployment: Deployment, shape: Shape) -> None:
    answer = send(deployment, shape, a_picture(), a_picture(), a_picture())
    assert (answer.status, len(answer.json["files"]), answer.json["errors"]) == (201, 3, [])


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ñandú 1.jpg", "ñandú 1.jpg"),  # Dart and dio: UTF-8 as it is
        ("%22grande%22.jpg", '"grande".jpg'),  # Dart and dio: a quotation mark
    ],
)
def test_names_are_those_that_people_gave(deployment: Deployment, name: str, kept: str) -> None:
    shape = SHAPES["dio"]
    named = Shape(shape.boundary, shape.head.replace("foto.jpg", name))
    assert send(deployment, named, a_picture()).json["file"]["name"] == kept


MISTAKES: Mapping[str, tuple[str | None, str, str]] = {
    "a Content-Type without boundary": ("multipart/form-data", "", "bad_multipart"),
    "one with another boundary": ("multipart/form-data; boundary=other", "", "bad_multipart"),
    "one that is of no form": ("application/json", "", "invalid_body"),
    "a part without a name": (None, '; filename="foto.jpg"', "no_file"),
}


@pytest.mark.parametrize(("declared", "without", "code"), MISTAKES.values(), ids=list(MISTAKES))
def test_the_usual_mistakes_are_named(
    deployment: Deployment, declared: str | None, without: str, code: str
) -> None:
    shape = SHAPES["React Native on Android"]
    wrong = Shape(shape.boundary, shape.head.replace(without, "") if without else shape.head)
    stored = deployment.count()
    headers = {"Content-Type": declared or wrong.content_type()}
    answer = deployment.client.request("POST", MEDIA, wrong.body(a_picture()), headers)
    assert (answer.status, answer.code) == (400, code)
    assert answer.json["hint"]
    assert deployment.count() == stored


def test_the_token_the_size_and_the_type_are_looked_at(deployment: Deployment) -> None:
    shape = SHAPES["Dart's http"]
    assert send(deployment, shape, b"<html>").status == 415
    assert send(deployment, shape, a_picture() + bytes(1024 * 1024)).status == 413
    with deployment.signed_out():
        assert send(deployment, shape, a_picture()).status == 401
    with deployment.busy(seconds=7):
        answer = send(deployment, shape, a_picture())
        assert (answer.status, 1 <= int(answer.headers["Retry-After"]) <= 7) == (429, True)
    with deployment.out_of_room():
        answer = send(deployment, shape, a_picture())
        assert (answer.status, int(answer.headers["Retry-After"]) >= 1) == (503, True)
    assert send(deployment, shape, a_picture()).status == 201
