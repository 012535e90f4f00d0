"""Bodies in: JSON, forms, files. What is broken is said; nothing is believed or kept whole."""

import hashlib
import io
import json
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import example, given, settings as hypothesis_settings, strategies as st
from werkzeug.sansio.multipart import Data, File

from avenue.config import Settings
from avenue.web import multipart, parsing
from avenue.web.errors import in_words
from avenue.web.services import provide
from tests.http.web_app import HOST, MAX_FILE_BYTES, Server, bare_app, gunicorn

BOUNDARY = "frontera-77"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
PICTURE = random.Random(7).randbytes(30_000)


def part(
    disposition: str,
    data: bytes = PICTURE,
    media_type: str = "image/jpeg",
    boundary: str = BOUNDARY,
) -> bytes:
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}\r\n"
    head += f"Content-Type: {media_type}\r\n" if media_type else ""
    return head.encode() + b"\r\n" + data + b"\r\n"


def end(boundary: str = BOUNDARY) -> bytes:
    return f"--{boundary}--\r\n".encode()


FILE = part('name="file"; filename="a.jpg"')


@pytest.fixture(scope="module")
def app() -> Flask:
    return bare_app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Somebody who reads English."""
    client = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with gunicorn(tmp_path_factory.mktemp("gunicorn") / "log") as running:
        yield running


def post(client: FlaskClient, body: bytes, content_type: str = FORM, query: str = "") -> object:
    return client.post(
        f"/api/files{query}", input_stream=io.BytesIO(body), content_type=content_type
    )


class TestFilesOfAForm:
    @pytest.mark.parametrize(
        "field", ["file", "files", "files[]", "file[0]", "image", "images", "photo", "upload", ""]
    )
    def test_come_under_any_field_name(self, client: FlaskClient, field: str) -> None:
        answer = post(client, part(f'name="{field}"; filename="a.jpg"') + end()).json
        [file] = answer["files"]
        assert file["field"] == field
        assert file["length"] == len(PICTURE)
        assert file["sha256"] == file["read"] == hashlib.sha256(PICTURE).hexdigest()

    def test_are_unlinked_from_the_start(self, client: FlaskClient) -> None:
        assert post(client, FILE + end()).json["files"][0]["links"] == 0

    def test_keep_their_order_and_the_text_beside_them(self, client: FlaskClient) -> None:
        body = part('name="alt"', b"Zapato rojo", "")
        body += part('name="f"; filename="1.jpg"', b"1") + part('name="f"; filename="2.jpg"', b"22")
        answer = post(client, body + end()).json
        assert [(f["name"], f["length"]) for f in answer["files"]] == [("1.jpg", 1), ("2.jpg", 2)]
        assert answer["fields"] == {"alt": "Zapato rojo"}

    def test_come_with_the_metadata_field_that_filepond_sends_first(
        self, client: FlaskClient
    ) -> None:
        body = part('name="filepond"', b"{}", "") + part('name="filepond"; filename="a.jpg"')
        answer = post(client, body + end()).json
        assert answer["fields"] == {"filepond": "{}"}
        assert len(answer["files"]) == 1

    def test_may_have_lower_case_part_heads_as_dart_writes_them(self, client: FlaskClient) -> None:
        body = (
            f"--{BOUNDARY}\r\ncontent-type: application/octet-stream\r\n"
            'content-disposition: form-data; name="file"; filename="a%22b.jpg"\r\n\r\n'
        ).encode()
        [file] = post(client, body + PICTURE + b"\r\n" + end()).json["files"]
        assert (file["name"], file["type"]) == ('a"b.jpg', "application/octet-stream")
        assert file["length"] == len(PICTURE)

    @pytest.mark.parametrize(
        ("written", "name"),
        [
            ('filename="../../etc/passwd"', "../../etc/passwd"),
            ('filename="C:\\x.jpg"', "C:x.jpg"),
            ('filename="فارسی.png"', "فارسی.png"),
            ('filename="a\x00b.jpg"', "a\x00b.jpg"),
            ('filename="\u202egpj.exe"', "\u202egpj.exe"),
            (f'filename="{"n" * 4096}.jpg"', "n" * 4096 + ".jpg"),
            ("filename*=UTF-8''zapato%20%C3%B1.jpg", "zapato ñ.jpg"),
            ("filename=\"x\"; filename*=UTF-8''%F0%9F%91%9F.jpg", "👟.jpg"),
        ],
    )
    def test_may_have_any_name(self, client: FlaskClient, written: str, name: str) -> None:
        answer = post(client, part(f'name="file"; {written}') + end())
        assert answer.status_code == 200
        assert answer.json["files"][0]["name"] == name

    def test_are_closed_with_the_request(self) -> None:
        app, seen = Flask("small"), []
        provide(app, Settings(local=True))
        parsing.install(app)

        @app.post("/")
        def keep() -> str:
            seen.extend(parsing.incoming_files(max_bytes=MAX_FILE_BYTES).files)
            return str(seen[0].file.closed)

        assert app.test_client().post("/", data=FILE + end(), content_type=FORM).text == "False"
        assert seen[0].file.closed

    def test_are_closed_when_the_view_fails(self) -> None:
        app, seen = bare_app(), []

        @app.post("/api/failing")
        def failing() -> str:
            seen.extend(parsing.incoming_files(max_bytes=MAX_FILE_BYTES).files)
            raise RuntimeError

        answer = app.test_client().post("/api/failing", data=FILE + end(), content_type=FORM)
        assert answer.status_code == 500
        assert seen[0].file.closed


class TestAFileAsTheBody:
    def test_is_taken_with_its_type_and_name(self, client: FlaskClient) -> None:
        answer = post(client, PICTURE, "image/webp", "?name=b%C3%A9.webp").json
        [file] = answer["files"]
        assert (file["name"], file["type"], file["field"]) == ("bé.webp", "image/webp", "")
        assert file["sha256"] == hashlib.sha256(PICTURE).hexdigest()

    def test_needs_neither_type_nor_name(self, client: FlaskClient) -> None:
        [file] = client.post("/api/files", data=PICTURE).json["files"]
        assert (file["name"], file["type"]) == ("", "application/octet-stream")

    @pytest.mark.parametrize(
        ("body", "content_type", "status", "code"),
        [
            (b"", "image/jpeg", 400, "no_file"),
            (b"x" * (MAX_FILE_BYTES + 1), "image/jpeg", 413, "file_too_large"),
            (b"a=1&b=2", "application/x-www-form-urlencoded", 400, "no_file"),
            (FILE + end(), "application/json", 400, "bad_multipart"),
            (FILE + end(), "", 400, "bad_multipart"),
        ],
    )
    def test_is_refused(
        self, client: FlaskClient, body: bytes, content_type: str, status: int, code: str
    ) -> None:
        answer = post(client, body, content_type)
        assert (answer.status_code, answer.json["code"]) == (status, code)

    def test_may_be_exactly_as_large_as_files_may_be(self, client: FlaskClient) -> None:
        answer = post(client, b"x" * MAX_FILE_BYTES, "image/jpeg")
        assert answer.json["files"][0]["length"] == MAX_FILE_BYTES

    def test_is_refused_without_a_length_as_soon_as_it_is_too_large(
        self, client: FlaskClient
    ) -> None:
        source = io.BytesIO(b"x" * 10 * MAX_FILE_BYTES)
        answer = client.post("/api/files", **chunked(source), content_type="image/jpeg")
        assert (answer.status_code, answer.json["code"]) == (413, "file_too_large")
        assert answer.json["limit_bytes"] == MAX_FILE_BYTES
        assert source.tell() <= MAX_FILE_BYTES + 2 * 65536


def chunked(source: io.BytesIO) -> dict[str, object]:
    """How a server hands over a body without a length."""
    return {
        "input_stream": source,
        "headers": {"Transfer-Encoding": "chunked"},
        "environ_overrides": {"wsgi.input_terminated": True},
    }


class TestABrokenForm:
    @pytest.mark.parametrize(
        ("body", "content_type", "code", "says"),
        [
            (FILE + end(), "multipart/form-data", "bad_multipart", "names no boundary"),
            (FILE + end(), "multipart/form-data; boundary=other", "bad_multipart", "not in the"),
            (FILE + end(), "multipart/form-data; boundary=" + "b" * 201, "bad_multipart", "cannot"),
            (FILE + end(), 'multipart/form-data; boundary="ñ"', "bad_multipart", "cannot be one"),
            (FILE + end(), "multipart/mixed; boundary=" + BOUNDARY, "bad_multipart", "Only"),
            (FILE, FORM, "bad_multipart", "before its closing boundary"),
            (FILE[:200], FORM, "bad_multipart", "before its closing boundary"),
            (FILE[:30], FORM, "bad_multipart", "before its closing boundary"),
            (b"", FORM, "no_file", "empty"),
            (end(), FORM, "no_file", "no parts"),
            (part('name="file"; filename=""', b"") + end(), FORM, "no_file", "no file was chosen"),
            (part('name="file"; filename=""') + end(), FORM, "no_file", "no file"),
            (part('name="file"') + end(), FORM, "no_file", "no file"),
            (part('name="file"', b"\xff\xd8\xff", "") + end(), FORM, "no_file", "no file"),
            (part('name="alt"', b"rojo", "") + end(), FORM, "no_file", "text fields only"),
            (
                b"--frontera-77\r\nX: y\r\n\r\nx\r\n" + end(),
                FORM,
                "bad_multipart",
                "head of a part",
            ),
            (
                part('name="\xff"').replace(b"\xc3\xbf", b"\xff") + end(),
                FORM,
                "bad_multipart",
                "he",
            ),
            (b"--frontera-77\r\nX: " + b"y" * 200_000, FORM, "bad_multipart", "head of a part"),
            (b"y" * 200_000 + FILE + end(), FORM, "bad_multipart", "boundary named"),
        ],
    )
    def test_is_told_what_is_wrong(
        self, client: FlaskClient, body: bytes, content_type: str, code: str, says: str
    ) -> None:
        answer = post(client, body, content_type)
        assert (answer.status_code, answer.json["code"]) == (400, code)
        assert says in answer.json["error"]
        assert answer.json["hint"]

    def test_without_a_filename_hints_at_the_clients_that_forget_it(
        self, client: FlaskClient
    ) -> None:
        assert "React Native" in post(client, part('name="photo"') + end()).json["hint"]

    @pytest.mark.parametrize("behind_bytes", [0, 100_000])
    def test_shorter_than_announced_is_cut_off_even_behind_its_last_boundary(
        self, client: FlaskClient, behind_bytes: int
    ) -> None:
        body = FILE + end() + b" " * behind_bytes
        answer = client.post(
            "/api/files",
            input_stream=io.BytesIO(body),
            content_type=FORM,
            environ_overrides={"CONTENT_LENGTH": str(len(body) + 10)},
        )
        assert (answer.status_code, answer.json["code"]) == (400, "body_cut_off")
        assert answer.json["came_bytes"] == len(body)

    def test_longer_than_announced_is_cut_off(self, client: FlaskClient) -> None:
        body = FILE + end()
        answer = client.post(
            "/api/files",
            input_stream=io.BytesIO(body),
            content_type=FORM,
            environ_overrides={"CONTENT_LENGTH": str(len(body) - 40)},
        )
        assert (answer.status_code, answer.json["code"]) == (400, "bad_multipart")

    def test_whose_server_fails_while_reading_is_cut_off(self, client: FlaskClient) -> None:
        class Failing(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise RuntimeError("a chunk of size zz")

        answer = client.post("/api/files", **chunked(Failing()), content_type=FORM)
        assert (answer.status_code, answer.json["code"]) == (400, "body_cut_off")


class TestLimitsOfAForm:
    def test_refuse_only_the_file_that_is_too_large(self, client: FlaskClient) -> None:
        large = part('name="b"; filename="large.jpg"', b"x" * (MAX_FILE_BYTES + 1))
        small = part('name="c"; filename="small.jpg"', b"x" * MAX_FILE_BYTES)
        answer = post(client, FILE + large + small + end()).json
        assert [each["name"] for each in answer["files"]] == ["a.jpg", "small.jpg"]
        assert answer["refused"] == [{"name": "large.jpg", "field": "b", "code": "file_too_large"}]

    def test_refuse_the_nameless_file_beside_good_ones(self, client: FlaskClient) -> None:
        answer = post(client, FILE + part('name="b"; filename=""') + end()).json
        assert len(answer["files"]) == 1
        assert answer["refused"] == [{"name": "", "field": "b", "code": "no_file"}]

    def test_ignore_an_empty_file_field_beside_good_ones(self, client: FlaskClient) -> None:
        answer = post(client, FILE + part('name="b"; filename=""', b"") + end()).json
        assert (len(answer["files"]), answer["refused"]) == (1, [])

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (part('name="f"; filename="a"', b"x") * 21 + end(), "too_many_parts"),
            (part('name="t"', b"x", "") * 200 + end(), "too_many_parts"),
            (FILE + part('name="t"', b"x" * 65_537, "") + end(), "text_field_too_long"),
        ],
    )
    def test_refuse_the_whole_form(self, client: FlaskClient, body: bytes, code: str) -> None:
        answer = post(client, body)
        assert (answer.status_code, answer.json["code"]) == (413, code)

    def test_allow_what_just_fits(self, client: FlaskClient) -> None:
        body = part('name="f"; filename="a"', b"x") * 19 + part('name="t"', b"x" * 65_536, "")
        answer = post(client, body + end()).json
        assert len(answer["files"]) == 19
        assert len(answer["fields"]["t"]) == 65_536

    def test_refuse_a_too_large_body_before_its_first_byte(self, client: FlaskClient) -> None:
        source = io.BytesIO(FILE)
        answer = client.post(
            "/api/files",
            input_stream=source,
            content_type=FORM,
            environ_overrides={"CONTENT_LENGTH": str(1 << 40)},
        )
        assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")
        assert source.tell() == 0

    def test_stop_a_body_without_a_length(self, client: FlaskClient) -> None:
        settings = Settings(local=True)
        most_bytes = settings.max_parts * (MAX_FILE_BYTES + 65_536)
        source = io.BytesIO(part('name="f"; filename="a"', b"x" * (most_bytes + 1)))
        answer = client.post("/api/files", **chunked(source), content_type=FORM)
        assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")
        assert source.tell() <= most_bytes + 2 * 65_536

    def test_say_when_there_is_no_place_to_put_files(self, tmp_path: Path) -> None:
        app = bare_app(Settings(local=True, tmp_dir=tmp_path / "gone"))
        answer = post(app.test_client(), FILE + end())
        assert (answer.status_code, answer.json["code"]) == (503, "spool_unavailable")
        assert answer.headers["Retry-After"]

    def test_are_told_in_words_that_do_not_promise_too_much(self) -> None:
        assert [in_words(n) for n in (5 << 20, 64 << 10, 100, (5 << 20) + 600_000)] == [
            "5 MB",
            "64 KB",
            "100 bytes",
            "5.5 MB",
        ]


class TestMemory:
    def test_stays_flat_while_thirty_megabytes_arrive(self) -> None:
        large = random.Random(1).randbytes(30_000_000)
        body = part('name="file"; filename="large.bin"', large) + end()
        app = bare_app()
        seen: list[str] = []

        @app.post("/api/large")
        def take() -> str:
            tracemalloc.start()
            try:
                seen.append(parsing.incoming_files(max_bytes=40_000_000).files[0].sha256)
                return str(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()

        answer = app.test_client().post(
            "/api/large", input_stream=io.BytesIO(body), content_type=FORM
        )
        assert seen == [hashlib.sha256(large).hexdigest()]
        assert int(answer.text) < 2_000_000


EXAMPLES = 60 if hypothesis_settings().derandomize else 400
"""Few of those that are the same each time; `make test-long` draws new ones."""


class TestTheMultipartReader:
    """Whatever the network does to the blocks, files come out byte for byte."""

    @given(
        files=st.lists(
            st.lists(
                st.sampled_from(
                    [
                        b"\r",
                        b"\n",
                        b"\r\n",
                        b"-",
                        b"--",
                        b"--frontera-7",
                        b"x--frontera-77x",
                        b"x",
                        b" ",
                    ]
                ),
                max_size=8,
            ).map(b"".join),
            min_size=1,
            max_size=4,
        ),
        cuts=st.lists(st.integers(min_value=1, max_value=60), max_size=60),
    )
    @hypothesis_settings(max_examples=EXAMPLES)
    def test_finds_every_file_at_any_split(self, files: list[bytes], cuts: list[int]) -> None:
        body = b"".join(part('name="f"; filename="a"', data) for data in files) + end()
        assert read(split(body, cuts)) == files

    def test_finds_the_file_at_every_single_split(self) -> None:
        data = b"x" * 90 + b"\r\n--fronter\r\n--"
        body = part('name="f"; filename="a"', data) + end()
        for cut in range(len(body)):
            assert read([body[:cut], body[cut:]]) == [data], cut

    @given(
        body=st.one_of(
            st.binary(max_size=300),
            st.lists(
                st.sampled_from(
                    [
                        b"--frontera-77",
                        b"--",
                        b"\r\n",
                        b"\n",
                        b"\r",
                        b"Content-Disposition: form-data; name=a; filename=b",
                        b"content-disposition:form-data;filename*=utf-8''%ff;name=\"",
                        b"\xff",
                        b"\x00",
                        b": ;=",
                        b"data",
                    ]
                ),
                max_size=30,
            ).map(b"".join),
        ),
        content_type=st.sampled_from([FORM, "multipart/form-data; boundary=-", "image/png", ""]),
    )
    @example(
        body=b"--frontera-77\r\nContent-Disposition:\r\n\r\n\r\n--frontera-77--", content_type=FORM
    )
    @hypothesis_settings(max_examples=EXAMPLES)
    def test_answers_garbage_with_our_own_errors_only(
        self, app: Flask, body: bytes, content_type: str
    ) -> None:
        answer = post(app.test_client(), body, content_type)
        assert answer.status_code in {200, 400, 413}
        assert answer.status_code != 200 or answer.json["files"] or answer.json["refused"]


def split(body: bytes, cuts: list[int]) -> list[bytes]:
    blocks, position = [], 0
    for length in cuts:
        blocks.append(body[position : position + length])
        position += length
    return [each for each in (*blocks, body[position:]) if each]


def read(blocks: list[bytes]) -> list[bytes]:
    files: list[bytes] = []
    for event in multipart.events(BOUNDARY.encode(), blocks):
        if isinstance(event, File):
            files.append(b"")
        elif isinstance(event, Data):
            files[-1] += event.data
    return files


class TestJson:
    def send(
        self, client: FlaskClient, body: str | bytes, kind: str = "application/json"
    ) -> object:
        return client.post("/api/things", data=body, content_type=kind)

    def test_becomes_a_model(self, client: FlaskClient) -> None:
        answer = self.send(client, '{"name": "Zapato \\u00f1 👟", "price": "19.90"}')
        assert answer.status_code == 200
        assert (answer.json["name"], answer.json["price"]) == ("Zapato ñ 👟", "19.90")

    def test_may_hold_brackets_and_escapes_in_its_texts(self, client: FlaskClient) -> None:
        name = '[{"' * 50 + "\\"
        assert self.send(client, json.dumps({"name": name})).json["name"] == name

    def test_may_hold_a_whole_surrogate_pair(self, client: FlaskClient) -> None:
        assert self.send(client, '{"name": "\\ud83d\\udc5f"}').json["name"] == "👟"

    def test_may_say_that_it_spells_an_escape(self, client: FlaskClient) -> None:
        assert self.send(client, '{"name": "\\\\u0000"}').json["name"] == "\\u0000"

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "{",
            "[]",
            '[{"name": "x"}]',
            "null",
            '"text"',
            '{"name": "x"} {}',
            '{"name": "x", "name": "y"}',
            '{"name": "x", "extra": {"a": 1, "a": 2}}',
            '{"name": "x", "extra": {"a": NaN}}',
            '{"name": "x", "extra": {"a": -Infinity}}',
            '{"name": "x", "extra": {"a": 1e999}}',
            '{"name": "x", "extra": {"a": ' + "9" * 5000 + "}}",
            '{"name": "\\u0000"}',
            '{"name": "x", "extra": {"a": ["\\ud800"]}}',
            '{"name": "x", "extra": {"\\udfff": 1}}',
            '{"name": "\x00"}',
            b'{"name": "\xff"}',
            b'{"name": "\xed\xa0\x80"}',
            b'\xef\xbb\xbf{"name": "x"}',
            '{"name": "x"}'.encode("utf-16"),
            "[" * 100_000,
            '{"name":' * 100_000,
            '{"name": "x", "extra": ' + '{"a":' * 20 + "1" + "}" * 20 + "}",
            '["' + '\\"' * 400_000,
            "[" * 30 + '"' + "\\" * 400_001,
        ],
        ids=lambda body: repr(body[:40]),
    )
    def test_that_is_none_or_not_an_object_is_refused(
        self, client: FlaskClient, body: str | bytes
    ) -> None:
        answer = self.send(client, body)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_body")

    def test_may_be_as_deep_as_the_setting_says(self, client: FlaskClient) -> None:
        deep = '{"name": "x", "extra": ' + '{"a":' * 19 + "1" + "}" * 19 + "}"
        assert self.send(client, deep).status_code == 200

    def test_is_refused_by_its_length(self, client: FlaskClient) -> None:
        answer = self.send(client, '{"name": "' + "x" * 1024 * 1024 + '"}')
        assert (answer.status_code, answer.json["code"]) == (413, "body_too_large")

    @pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
    def test_must_say_that_it_is_json(self, client: FlaskClient, kind: str) -> None:
        answer = self.send(client, '{"name": "x"}', kind)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_body")

    def test_names_every_wrong_field_and_never_a_value(self, client: FlaskClient) -> None:
        body = {"name": {"$ne": "hunter2"}, "tags": ["ok", 7], "role": "hunter2"}
        answer = self.send(client, json.dumps(body))
        assert answer.status_code == 400
        assert [each["field"] for each in answer.json["fields"]] == ["name", "tags.1", "role"]
        assert answer.json["error"] == "`name`: Enter text."
        spanish = client.post("/api/things", json=body, headers={"Accept-Language": "es"}).json
        assert spanish["error"] == "`name`: Escribí un texto."
        assert [each["problem"] for each in spanish["fields"]] == [
            "Escribí un texto.",
            "Escribí un texto.",
            "Este campo no existe.",
        ]
        assert "hunter2" not in answer.text

    def test_names_no_more_fields_than_people_read(self, client: FlaskClient) -> None:
        body = {"name": "x", **{f"{n}" * 300: 1 for n in range(200)}}
        fields = self.send(client, json.dumps(body)).json["fields"]
        assert len(fields) == 20
        assert max(len(each["field"]) for each in fields) == 100


class TestPages:
    @pytest.mark.parametrize(
        ("query", "limit", "after"),
        [("", 50, None), ("?limit=1", 1, None), ("?limit=100&after=aB_-.~=", 100, "aB_-.~=")],
    )
    def test_are_asked_for(
        self, client: FlaskClient, query: str, limit: int, after: str | None
    ) -> None:
        assert client.get(f"/api/things{query}").json == {"limit": limit, "after": after}

    @pytest.mark.parametrize(
        ("query", "parameter"),
        [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=", "limit"),
            ("limit=ten", "limit"),
            ("limit=%D9%A1", "limit"),
            ("limit=" + "9" * 5000, "limit"),
            ("after=" + "a" * 1001, "after"),
            ("after=%00", "after"),
            ("after=%C3%B1", "after"),
        ],
    )
    def test_are_refused(self, client: FlaskClient, query: str, parameter: str) -> None:
        answer = client.get(f"/api/things?{query}")
        assert (answer.status_code, answer.json["code"]) == (400, "invalid_query")
        assert answer.json["parameter"] == parameter


@pytest.mark.long
class TestUnderGunicorn:
    """The server's own ways of handing over, and of failing."""

    def request(self, head: str, body: bytes, path: str = "/api/files") -> bytes:
        lines = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n{head}\r\n"
        return lines.encode() + b"\r\n" + body

    def test_a_form_is_read(self, server: Server) -> None:
        body = FILE + end()
        answer = server.say(
            self.request(f"Content-Type: {FORM}\r\nContent-Length: {len(body)}", body)
        )
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert hashlib.sha256(PICTURE).hexdigest().encode() in answer

    def test_a_chunked_form_is_read(self, server: Server) -> None:
        body = FILE + end()
        chunks = b"".join(
            f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in split(body, [7] * 3000)
        )
        head = f"Content-Type: {FORM}\r\nTransfer-Encoding: chunked"
        answer = server.say(self.request(head, chunks + b"0\r\n\r\n"))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert hashlib.sha256(PICTURE).hexdigest().encode() in answer

    @pytest.mark.parametrize(
        ("head", "body"),
        [
            (f"Content-Length: {len(FILE) + 200}", FILE + end()),
            (f"Content-Length: {len(FILE)}", FILE[:1000]),
            ("Transfer-Encoding: chunked", b"10\r\nabc"),
            ("Transfer-Encoding: chunked", b"3\r\nabc\r\nzz\r\n"),
            ("Transfer-Encoding: chunked", b"3\r\nabcd\r\n0\r\n\r\n"),
            (
                "Transfer-Encoding: chunked",
                f"{len(FILE + end()):x}\r\n".encode() + FILE + end() + b"\r\n",
            ),
        ],
        ids=["too long", "cut off", "chunk cut", "bad size", "bad end", "no last chunk"],
    )
    def test_a_broken_body_is_cut_off(self, server: Server, head: str, body: bytes) -> None:
        sent = self.request(f"Content-Type: {FORM}\r\n{head}", body)
        answer = server.say(sent, half_close=True)
        assert answer.startswith(b"HTTP/1.1 400 ")
        assert b'"code":"body_cut_off"' in answer

    @pytest.mark.parametrize(
        ("head", "body"),
        [
            ("Content-Length: 9", b"a=1"),
            ("Transfer-Encoding: chunked", b"3\r\na=1\r\nzz\r\n"),
            ("Transfer-Encoding: chunked", b"10\r\na=1"),
        ],
    )
    def test_a_broken_page_form_is_400(self, server: Server, head: str, body: bytes) -> None:
        head = f"Content-Type: application/x-www-form-urlencoded\r\n{head}"
        answer = server.say(self.request(head, body, "/form"), half_close=True)
        assert answer.startswith(b"HTTP/1.1 400 ")
