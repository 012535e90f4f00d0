"""Bad input: the right code, a clear sentence, and nothing left of it anywhere."""

import json
import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests import pictures
from tests.forking import forked
from tests.http.application import (
    BOUNDARY,
    FORM,
    HOST,
    PRODUCTS,
    Application,
    Caller,
    Part,
    a_picture,
    form,
)
from tests.http.test_product_images import Shelf
from tests.server import GUNICORN
from tests.table import table
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parents[2]
MIB = 1024 * 1024
JPEG = "image/jpeg"
# What a sentence for people never holds.
INTERNALS = re.compile(
    r"Traceback|avenue\.|pymongo|pydantic|werkzeug|\wError\b|Exception|0x[0-9a-f]|/tmp|<class|None"
)


def assert_clear(told: dict[str, Any], status: int, code: str) -> None:
    """Check what a refusal says."""
    assert (told["status"], told["code"]) == (status, code), told
    for sentence in (told["message"], told["hint"]):
        assert re.fullmatch(r"[A-ZÁÉÍÓÚÑ`¿¡].{9,}[.!?]", sentence, re.DOTALL), sentence
        assert not INTERNALS.search(sentence), sentence
    assert told["error"] == told["message"]
    assert told["success"] == 0


@pytest.fixture(scope="module")
def shelf(as_seller: Caller) -> Shelf:
    """A product with one picture; nothing here changes it."""
    return Shelf(as_seller, a_picture())


@pytest.fixture
def leaves_nothing(application: Application, shelf: Shelf) -> Iterator[None]:
    """Whatever the test sends: afterwards the database holds what it held."""
    product, counts = shelf.now(), application.counts()
    yield
    assert application.counts() == counts
    assert shelf.now() == product


# Uploads


class Upload(NamedTuple):
    name: str
    body: bytes | Callable[[], bytes]
    status: int
    code: str
    content_type: str = FORM


def head(disposition: str, *, media_type: str = "Content-Type: image/jpeg\r\n") -> bytes:
    return f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\n{media_type}\r\n".encode()


END = f"\r\n--{BOUNDARY}--\r\n".encode()
NAMED = 'form-data; name="file"; filename="a.jpg"'
TEXT = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="alt"\r\n\r\nZapato'.encode()

FORMS = (
    Upload("no boundary", form(Part(b"x")), 400, "bad_multipart", "multipart/form-data"),
    Upload(
        "empty boundary", form(Part(b"x")), 400, "bad_multipart", "multipart/form-data; boundary="
    ),
    Upload(
        "endless boundary",
        form(Part(b"x")),
        400,
        "bad_multipart",
        f"multipart/form-data; boundary={'b' * 5000}",
    ),
    Upload("wrong boundary", form(Part(b"x"), boundary="other"), 400, "bad_multipart"),
    Upload("no body", b"", 400, "no_file"),
    Upload("no parts", END.lstrip(), 400, "no_file"),
    Upload("cut off in a file", form(Part(a_picture()))[:-200], 400, "bad_multipart"),
    Upload("cut off in the boundary", form(Part(a_picture()))[:-4], 400, "bad_multipart"),
    Upload("cut off in a head", head(NAMED)[:60], 400, "bad_multipart"),
    Upload("head without an end", head(NAMED)[:-2] + b"X: " + b"y" * 100_000, 400, "bad_multipart"),
    Upload(
        "part without a disposition", f"--{BOUNDARY}\r\n\r\nx".encode() + END, 400, "bad_multipart"
    ),
    Upload(
        "part without a filename",
        head('form-data; name="file"') + a_picture() + END,
        400,
        "no_file",
    ),
    Upload(
        "file field left empty", head('form-data; name="file"; filename=""') + END, 400, "no_file"
    ),
    Upload("text fields only", TEXT + END, 400, "no_file"),
    Upload("url-encoded", b"file=a.jpg", 400, "no_file", "application/x-www-form-urlencoded"),
    Upload(
        "multipart of another kind",
        form(Part(b"x")),
        400,
        "bad_multipart",
        "multipart/mixed; boundary=b",
    ),
    Upload("a form that says it is a picture", form(Part(a_picture())), 400, "bad_multipart", JPEG),
    Upload(
        "200 parts", lambda: form(*(Part(a_picture()) for _ in range(200))), 413, "too_many_parts"
    ),
    Upload(
        "200 text fields",
        b"\r\n".join(TEXT for _ in range(200)) + END,
        413,
        "too_many_parts",
    ),
    Upload("endless text field", TEXT + b"x" * 70_000 + END, 413, "text_field_too_long"),
)
FILES = (
    Upload("zero bytes", b"", 422, "empty_file"),
    Upload("text named .jpg", pictures.text_as_jpg, 415, "unsupported_media_type"),
    Upload("HTML", pictures.html, 415, "unsupported_media_type"),
    Upload("PHP", pictures.php, 415, "unsupported_media_type"),
    Upload("SVG", pictures.svg, 415, "unsupported_media_type"),
    Upload("GIF", pictures.gif, 415, "unsupported_media_type"),
    Upload("GIF and script", pictures.gif_script, 415, "unsupported_media_type"),
    Upload("BMP", pictures.bmp, 415, "unsupported_media_type"),
    Upload("TIFF", pictures.tiff, 415, "unsupported_media_type"),
    Upload("AVIF", pictures.avif, 415, "unsupported_media_type"),
    Upload("HEIC", pictures.heic, 415, "unsupported_media_type"),
    Upload("PDF", pictures.pdf, 415, "unsupported_media_type"),
    Upload("JSON", b'{"image_url": "https://a.example/b.jpg"}', 415, "unsupported_media_type"),
    Upload("zeros", bytes(1000), 415, "unsupported_media_type"),
    Upload("three bytes of a JPEG", b"\xff\xd8\xff", 422, "broken_image"),
    Upload("truncated JPEG", lambda: pictures.truncated(a_picture()), 422, "broken_image"),
    Upload("JPEG without its end", lambda: a_picture()[:-300], 422, "broken_image"),
    Upload(
        "truncated PNG", lambda: pictures.truncated(a_picture(format="PNG")), 422, "broken_image"
    ),
    Upload(
        "truncated WebP", lambda: pictures.truncated(a_picture(format="WEBP")), 422, "broken_image"
    ),
    Upload("PNG header of 50,000 × 50,000", pictures.png_header, 422, "image_too_large"),
    Upload(
        "JPEG claiming 65,000 × 65,000",
        lambda: pictures.jpeg_claiming(65_000, 65_000),
        422,
        "image_too_large",
    ),
    Upload(
        "WebP of 40 bytes claiming 16383 × 3000", pictures.webp_claiming, 422, "image_too_large"
    ),
    Upload("WebP on a huge canvas", pictures.webp_with_canvas, 422, "image_too_large"),
    Upload("JPEG of 20,000 scans", pictures.scan_bomb, 422, "image_too_costly"),
    Upload(
        "PNG animation of 101 frames", lambda: pictures.animated_png(101), 422, "too_many_frames"
    ),
    Upload("PNG claiming 2**31 frames", pictures.apng_claiming_frames, 422, "too_many_frames"),
    Upload(
        "WebP animation of 101 frames", lambda: pictures.animated_webp(101), 422, "too_many_frames"
    ),
    Upload("over 5 MB", lambda: a_picture() + bytes(5 * MIB), 413, "file_too_large"),
)
by_name = {"ids": lambda row: row.name}


def bytes_of(row: Upload) -> bytes:
    return row.body if isinstance(row.body, bytes) else row.body()


@table("row", FORMS)
def test_no_form(as_seller, shelf, leaves_nothing, row):
    answer = as_seller.post(shelf.images, data=bytes_of(row), content_type=row.content_type)
    assert answer.status_code == row.status, answer.text
    assert_clear(answer.json, row.status, row.code)


@pytest.mark.parametrize(
    "way",
    [
        "form",
        pytest.param("body", marks=pytest.mark.long),
        pytest.param("replacing", marks=pytest.mark.long),
    ],
)
@table("row", FILES)
def test_no_picture(as_seller, shelf, leaves_nothing, row, way):
    status, code = row.status, row.code
    if way == "body":
        if row.name == "zero bytes":
            status, code = 400, "no_file"
        answer = as_seller.post(
            shelf.images, query_string={"name": "a.jpg"}, data=bytes_of(row), content_type=JPEG
        )
    elif way == "form":
        answer = shelf.add(bytes_of(row))
    else:
        answer = shelf.replace(shelf.ids()[0], bytes_of(row))
    assert answer.status_code == status, answer.text
    assert_clear(answer.json, status, code)


def test_the_last_byte_of_the_limit_is_taken_and_the_next_is_not(application, as_seller):
    app = application.with_settings(max_product_image_mb=1)
    seller = Caller(application, app, HOST, token=as_seller.token, id=as_seller.id)
    shelf = Shelf(seller)
    picture = pictures.with_comment()
    fits = pictures.zip_tail(picture) + bytes(MIB)
    answer = shelf.add(fits[:MIB])
    assert answer.status_code == 201, answer.text
    assert "tail" in answer.json["file"]["removed"]  # it came, and what was behind the end went
    told = shelf.add(fits[: MIB + 1]).json
    assert_clear(told, 413, "file_too_large")
    assert told["limit_bytes"] == MIB


def test_a_png_named_jpg_is_a_png(as_seller):
    data = pictures.photo(40, 30, format="PNG", seed=4711)
    other = Shelf(as_seller)
    answer = other.add(Part(data, name="zapato.jpg"))
    assert answer.status_code == 201
    assert answer.json["file"]["media_type"] == "image/png"
    assert answer.json["file"]["name"] == "zapato.png"
    assert answer.json["url"].endswith("/original.png")


NAMES = [
    ("../../etc/passwd", "passwd.jpg"),
    ("nu\0l.jpg", "nul.jpg"),
    ("n" * 4096 + ".jpg", "n" * 196 + ".jpg"),
    ("con\u202egpj.exe", "congpj.jpg"),
]
MORE_NAMES = [
    ("/etc/shadow", "shadow.jpg"),
    ("zapato.php.jpg", "zapato.php.jpg"),
    ("zapato.jpg.php", "zapato.jpg.jpg"),
    ("..", "picture.jpg"),
    (".", "picture.jpg"),
    ("/", "picture.jpg"),
    ("{{7*7}}.jpg", "{{7*7}}.jpg"),
    ("<script>alert(1)</script>.jpg", "script>.jpg"),
    ("$where.jpg", "$where.jpg"),
]


@pytest.mark.parametrize("names", [NAMES, pytest.param(MORE_NAMES, marks=pytest.mark.long)])
def test_a_name_is_only_a_name(as_seller, names, subtests):
    for sent, kept in names:
        with subtests.test(sent=sent):
            is_kept_as(as_seller, sent, kept)


def is_kept_as(as_seller, sent, kept):
    other = Shelf(as_seller)
    answer = other.add(Part(a_picture(), name=sent))
    assert answer.status_code == 201, answer.text
    assert answer.json["file"]["name"] == kept
    assert [each["name"] for each in other.now()["images"]] == [kept]


# JSON


class Body(NamedTuple):
    name: str
    body: bytes
    code: str = "invalid_body"
    content_type: str = "application/json"
    status: int = 400


BODIES = (
    Body("nothing", b""),
    Body("blank", b"  "),
    Body("an array", b"[]"),
    Body("an array of objects", b'[{"name": "Z"}]'),
    Body("a text", b'"name"'),
    Body("a number", b"5"),
    Body("null", b"null"),
    Body("cut off", b'{"name": "Z"'),
    Body("no JSON", b"name=Z"),
    Body("single quotes", b"{'name': 'Z'}"),
    Body("comma at the end", b'{"name": "Z",}'),
    Body("two objects", b'{"name": "Z"}{"name": "Y"}'),
    Body("the same key twice", b'{"name": "Z", "name": "Y"}'),
    Body("NaN", b'{"name": NaN}'),
    Body("Infinity", b'{"price": -Infinity, "name": "Z"}'),
    Body("too large a number", b'{"price": 1e999, "name": "Z"}'),
    Body("an endless integer", b'{"price": ' + b"9" * 10_000 + b', "name": "Z"}'),
    Body("100,000 lists deep", b'{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    Body("100,000 objects deep", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    Body("100,000 lists, never closed", b"[" * 100_000),
    Body("NUL escaped", b'{"name": "a\\u0000b"}'),
    Body("half a surrogate pair", b'{"name": "a\\ud800b"}'),
    Body("raw control character", b'{"name": "a\x00b"}'),
    Body("not UTF-8", '{"name": "ñ"}'.encode("latin-1")),
    Body("UTF-16", '{"name": "Z"}'.encode("utf-16")),
    Body("byte order mark", b'\xef\xbb\xbf{"name": "Z"}'),
    Body("operator for a text", b'{"name": {"$ne": null}}'),
    Body("over 1 MB", b'{"name": "' + b"n" * MIB + b'"}', "body_too_large", status=413),
    Body("sent as text", b'{"name": "Z"}', content_type="text/plain"),
    Body("sent as a form", b"name=Z", content_type="application/x-www-form-urlencoded"),
    Body("sent as nothing", b'{"name": "Z"}', content_type=""),
)
JSON_ROUTES = (
    ("POST", "{products}"),
    ("PATCH", "{url}"),
    ("PUT", "{url}/images"),
    ("PATCH", "{url}/images/{image}"),
)


@pytest.mark.parametrize(
    ("method", "url"),
    [JSON_ROUTES[0], *[pytest.param(*each, marks=pytest.mark.long) for each in JSON_ROUTES[1:]]],
)
@table("row", BODIES)
def test_no_body(as_seller, shelf, leaves_nothing, row, method, url):
    path = url.format(products=PRODUCTS, url=shelf.url, image=shelf.product["images"][0]["id"])
    answer = as_seller.ask(method, path, data=row.body, content_type=row.content_type)
    assert answer.status_code == row.status, answer.text
    assert_clear(answer.json, row.status, row.code)


# The same through the server itself, and what only a server can see


class Server:
    """gunicorn with the repository's configuration, on the application's database."""

    def __init__(self, application: Application, folder: Path) -> None:
        self.log = folder / "gunicorn.log"
        settings = {
            **application.settings.as_env(),
            "AVENUE_JOBS": "worker",
            "AVENUE_MAX_HEADER_SECONDS": "5",
        }
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.log.open("wb") as log:
            self.process = forked(
                *("gunicorn", "--bind", "127.0.0.1:0", *GUNICORN),
                env={**kept, **settings},
                stdout=log,
                stderr=log,
            )
        wait_until(self._is_listening, "gunicorn listens")
        assert (
            self.say(b"GET /healthz HTTP/1.1\r\nHost: any\r\nConnection: close\r\n\r\n")[0] == 200
        )

    def _is_listening(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        found = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", self.log.read_text())
        self.port = int(found[1]) if found else 0
        return bool(found)

    def say(self, *sent: bytes, half_close: bool = False) -> tuple[int, str]:
        """Send raw bytes on one connection; return the first final answer's status and body."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as peer:
            for piece in sent:
                peer.sendall(piece)
            if half_close:
                peer.shutdown(socket.SHUT_WR)
            received = b""
            while not (answer := _answer_in(received)):
                piece = peer.recv(65_536)
                assert piece, f"closed after {received!r}"
                received += piece
            return answer

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE_SECONDS)


def _answer_in(received: bytes) -> tuple[int, str] | None:
    """Return the first whole answer that is not an interim one (RFC 9110 section 15.2)."""
    head, found, rest = received.partition(b"\r\n\r\n")
    if not found:
        return None
    status = int(head.split(b" ", 2)[1])
    if status < 200:
        return _answer_in(rest)
    length = re.search(rb"(?i)\r\nContent-Length: (\d+)", head)
    assert length, head
    if len(rest) < int(length[1]):
        return None
    return status, rest.decode()


@pytest.fixture(scope="module")
def server(application: Application, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(application, tmp_path_factory.mktemp("server"))
    yield server
    server.stop()


@pytest.fixture
def request_head(shelf: Shelf) -> Callable[..., bytes]:
    """Make the head of an upload of the seller."""

    def made(
        *headers: str, method: str = "POST", path: str = shelf.images, kind: str = FORM
    ) -> bytes:
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {HOST}",
            f"Authorization: Bearer {shelf.seller.token}",
            f"Content-Type: {kind}",
            "Connection: close",
            *headers,
        ]
        return "\r\n".join([*lines, "", ""]).encode()

    return made


def chunked(data: bytes, size: int = 1000) -> bytes:
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in pieces)


CHUNKED = "Transfer-Encoding: chunked"
GOOD = form(Part(a_picture()))


class Said(NamedTuple):
    name: str
    headers: tuple[str, ...]
    body: bytes
    status: int
    code: str
    half_close: bool = False
    kind: str = FORM


SAID = (
    Said(
        "chunked, cut off in a chunk", (CHUNKED,), chunked(GOOD)[:-300], 400, "body_cut_off", True
    ),
    Said("chunked, cut off between chunks", (CHUNKED,), chunked(GOOD), 400, "body_cut_off", True),
    Said(
        "chunked, cut off before the last line",
        (CHUNKED,),
        chunked(GOOD) + b"0\r\n",
        400,
        "body_cut_off",
        True,
    ),
    Said("chunked, no size", (CHUNKED,), b"zz\r\n" + GOOD, 400, "body_cut_off"),
    Said("chunked, negative size", (CHUNKED,), b"-5\r\n" + GOOD, 400, "body_cut_off"),
    Said(
        "chunked, wrong size", (CHUNKED,), b"5\r\n" + GOOD + b"\r\n0\r\n\r\n", 400, "body_cut_off"
    ),
    Said(
        "chunked, whole, form cut off",
        (CHUNKED,),
        chunked(GOOD[:-9]) + b"0\r\n\r\n",
        400,
        "bad_multipart",
    ),
    Said(
        "Content-Length too long",
        (f"Content-Length: {len(GOOD) + 10}",),
        GOOD,
        400,
        "body_cut_off",
        True,
    ),
    Said(
        "Content-Length too short",
        (f"Content-Length: {len(GOOD) - 100}",),
        GOOD,
        400,
        "bad_multipart",
    ),
    Said(
        "Content-Length of a picture too short",
        ("Content-Length: 700",),
        a_picture(),
        422,
        "broken_image",
        False,
        JPEG,
    ),
    Said(
        "Expect, then a bad form",
        ("Expect: 100-continue", f"Content-Length: {len(GOOD) - 9}"),
        GOOD[:-9],
        400,
        "bad_multipart",
    ),
    Said(
        "Expect, then too large",
        ("Expect: 100-continue", f"Content-Length: {6 * MIB}"),
        bytes(6 * MIB),
        413,
        "file_too_large",
        False,
        JPEG,
    ),
    Said(
        "over 5 MB",
        (f"Content-Length: {6 * MIB}",),
        bytes(6 * MIB),
        413,
        "file_too_large",
        False,
        JPEG,
    ),
    Said(
        "over 5 MB in chunks",
        (CHUNKED,),
        chunked(bytes(6 * MIB), 65_536) + b"0\r\n\r\n",
        413,
        "file_too_large",
        False,
        JPEG,
    ),
)


@table("row", SAID)
def test_no_request(server, request_head, leaves_nothing, row):
    head = request_head(*row.headers, kind=row.kind)
    status, text = server.say(head, row.body, half_close=row.half_close)
    assert status == row.status, text
    assert_clear(json.loads(text), row.status, row.code)


LENGTH = f"Content-Length: {len(GOOD)}"


@table(
    "headers, status",
    [
        (["Content-Length: -5"], 400),
        (["Content-Length: ten"], 400),
        (["Content-Length: +5"], 400),
        (["Content-Length: 5", LENGTH], 400),
        ([LENGTH, CHUNKED], 400),
        (["Transfer-Encoding: gzip, identity"], 400),
        (["Expect: wonders", LENGTH], 417),
        ([LENGTH, "No colon"], 400),
        ([LENGTH, "Space before : colon"], 400),
        ([LENGTH, "X-Long: " + "x" * 9000], 431),
    ],
)
def test_what_is_no_http_is_refused_before_the_application(
    server, request_head, leaves_nothing, headers, status
):
    answered, text = server.say(request_head(*headers), GOOD)
    assert answered == status, text
    assert not INTERNALS.search(text), text


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(([LENGTH], GOOD), marks=pytest.mark.long),
        pytest.param(([CHUNKED], chunked(GOOD) + b"0\r\n\r\n"), marks=pytest.mark.long),
        ([CHUNKED], chunked(GOOD, 1) + b"0\r\nX-Checksum: 1\r\n\r\n"),
        (["Expect: 100-continue", LENGTH], GOOD),
    ],
    ids=["length", "chunks", "tiny chunks and a trailer", "expect"],
)
def test_a_good_upload_is_taken_however_it_is_framed(server, as_seller, request_head, framing):
    headers, body = framing
    shelf = Shelf(as_seller)
    status, text = server.say(request_head(*headers, path=shelf.images), body)
    assert status == 201, text
    assert shelf.ids() == [json.loads(text)["id"]]


def test_deep_json_through_the_server(server, request_head, leaves_nothing):
    body = b"[" * 100_000
    head = request_head(f"Content-Length: {len(body)}", path=PRODUCTS, kind="application/json")
    status, text = server.say(head, body)
    assert_clear(json.loads(text), 400, "invalid_body")
    assert status == 400


def test_a_name_longer_than_a_request_line_is_refused(server, request_head, shelf, leaves_nothing):
    path = f"{shelf.images}?name={'n' * 4096}"
    status, text = server.say(request_head(LENGTH, path=path), GOOD)
    assert status == 414, text
    assert not INTERNALS.search(text), text
