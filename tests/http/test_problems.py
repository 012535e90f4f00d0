"""Every error has one face: JSON for programs, a page for people, nothing of our inside."""

import logging

import pytest
from flask import Flask, Response, redirect
from flask.testing import FlaskClient
from werkzeug.exceptions import (
    Forbidden,
    HTTPException,
    ImATeapot,
    RequestedRangeNotSatisfiable,
    ServiceUnavailable,
)

from avenue import errors
from avenue.config import Settings
from avenue.errors import AvenueError
from avenue.web import errors as web_errors
from tests.http.web_app import HOST, bare_app, whole_app

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
RAISED: dict[str, Exception] = {
    "limit": errors.TooManyRequests(retry_after_seconds=7),
    "away": errors.Unavailable(errors.DATABASE_AWAY),
    "signed-out": errors.Unauthenticated(headers={"WWW-Authenticate": "Bearer"}),
    "facts": web_errors.FileTooLarge(5 << 20),
    "shadow": errors.Conflict(status=200, code="fine", error="none", success=1),
    "range": RequestedRangeNotSatisfiable(length=10),
    "teapot": ImATeapot(),
    "werkzeug-403": Forbidden(),
    "werkzeug-503": ServiceUnavailable(retry_after=9),
    "written": HTTPException(response=Response("mine", status=409)),
    "bug": ZeroDivisionError("the password is hunter2"),
}


class ShopClient(FlaskClient):
    """Asks the site at HOST, which is Spanish."""

    def open(self, *args: object, **kwargs: object) -> object:
        return super().open(*args, **{"base_url": f"http://{HOST}", **kwargs})


ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def app() -> Flask:
    app = whole_app()

    def fail(name: str) -> str:
        raise RAISED[name]

    for prefix in ("", "/api", "/media"):
        app.add_url_rule(f"{prefix}/fail/<name>", f"fail{prefix}", fail, methods=["GET", "POST"])
    app.add_url_rule("/login", "login", lambda: fail("signed-out"))
    app.add_url_rule("/slash/", "slash", lambda: redirect("/"))
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    app.test_client_class = ShopClient
    return app.test_client()


class TestPrograms:
    def test_get_every_key_of_the_contract(self, client: FlaskClient) -> None:
        answer = client.get("/api/fail/facts", headers=ENGLISH)
        assert answer.status_code == 413
        assert answer.content_type == "application/json"
        assert answer.json == {
            "success": 0,
            "error": "The file is larger than 5 MB.",
            "message": "The file is larger than 5 MB.",
            "code": "file_too_large",
            "status": 413,
            "hint": web_errors.FileTooLarge.hint,
            "request_id": answer.headers["X-Request-ID"],
            "limit_bytes": 5 << 20,
        }

    @pytest.mark.parametrize(
        ("path", "status", "code", "headers"),
        [
            ("/api/fail/limit", 429, "too_many_requests", {"Retry-After": "7"}),
            ("/api/fail/away", 503, "unavailable", {"Retry-After": "2"}),
            ("/api/fail/signed-out", 401, "unauthenticated", {"WWW-Authenticate": "Bearer"}),
            ("/api/fail/range", 416, "range_not_satisfiable", {"Content-Range": "bytes */10"}),
            ("/media/fail/range", 416, "range_not_satisfiable", {"Content-Range": "bytes */10"}),
            ("/api/fail/teapot", 418, "bad_request", {}),
            ("/api/fail/werkzeug-403", 403, "forbidden", {}),
            ("/api/fail/werkzeug-503", 503, "unavailable", {"Retry-After": "9"}),
            ("/api/fail/bug", 500, "internal_error", {}),
            ("/api/nowhere", 404, "not_found", {}),
            ("/nowhere", 404, "not_found", {}),
        ],
    )
    def test_get_status_code_and_headers(
        self, client: FlaskClient, path: str, status: int, code: str, headers: dict[str, str]
    ) -> None:
        answer = client.get(path)
        assert (answer.status_code, answer.json["status"]) == (status, status)
        assert answer.json["code"] == code
        assert answer.headers["Cache-Control"] == "no-store"
        assert headers.items() <= dict(answer.headers).items()

    def test_are_told_which_methods_there_are(self, client: FlaskClient) -> None:
        answer = client.delete("/api/files")
        assert (answer.status_code, answer.json["code"]) == (405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}

    def test_can_trust_the_keys_whatever_the_facts_are(self, client: FlaskClient) -> None:
        answer = client.get("/api/fail/shadow", headers=ENGLISH).json
        assert (answer["success"], answer["status"], answer["code"]) == (0, 409, "conflict")
        assert answer["error"] == errors.Conflict.message

    def test_get_the_answer_somebody_wrote(self, client: FlaskClient) -> None:
        answer = client.get("/api/fail/written")
        assert (answer.status_code, answer.text) == (409, "mine")

    def test_get_an_object_for_ckeditor(self, client: FlaskClient) -> None:
        answer = client.get("/api/fail/facts?as=ckeditor", headers=ENGLISH).json
        assert answer["error"] == {"message": "The file is larger than 5 MB."}
        assert answer["message"] == "The file is larger than 5 MB."

    def test_learn_nothing_of_our_inside(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.ERROR):
            answer = client.get("/api/fail/bug")
        assert "hunter2" not in answer.text
        assert "ZeroDivision" not in answer.text
        assert "ZeroDivisionError" in caplog.text
        assert "Traceback" in caplog.text

    def test_get_json_under_the_api_even_with_a_browser(self, client: FlaskClient) -> None:
        for path in ("/api/nowhere", "/media/nowhere", "/uploads/nowhere"):
            assert client.get(path, headers=BROWSER).is_json

    @pytest.mark.parametrize(
        ("headers", "sentence"),
        [
            ({}, "El archivo supera 5 MB."),  # as the site's people
            ({"Accept-Language": "*"}, "El archivo supera 5 MB."),
            ({"Accept-Language": "gn, pt;q=0.5"}, "El archivo supera 5 MB."),
            ({"Accept-Language": "en-US, es;q=0.5"}, "The file is larger than 5 MB."),
            ({"Cookie": "avenue_language=en"}, "The file is larger than 5 MB."),
            ({"Host": "b.example"}, "The file is larger than 5 MB."),
            ({"Host": "b.example", "Accept-Language": "*"}, "The file is larger than 5 MB."),
            ({"Host": "b.example", "Accept-Language": "es-PY"}, "El archivo supera 5 MB."),
        ],
    )
    def test_are_told_in_the_language_of_the_request(
        self, client: FlaskClient, headers: dict[str, str], sentence: str
    ) -> None:
        host = headers.get("Host", HOST)
        asked = {"base_url": f"http://{host}", "headers": headers}
        if "Cookie" in headers:
            client.set_cookie("avenue_language", "en", domain=HOST)
        answer = client.get("/api/fail/facts", **asked)
        assert answer.json["message"] == answer.json["error"] == sentence
        assert (answer.json["code"], answer.json["limit_bytes"]) == ("file_too_large", 5 << 20)
        assert "Accept-Language" in answer.vary
        assert ("Cookie" in answer.vary) == ("Cookie" in headers)

    def test_are_told_about_a_file_without_telling_caches_more(self, client: FlaskClient) -> None:
        client.set_cookie("avenue_language", "en", domain=HOST)
        answer = client.get("/media/fail/range")
        assert (list(answer.vary), answer.headers["Cache-Control"]) == ([], "no-store")
        assert answer.json["message"] == "There are no bytes in the requested range."

    def test_the_log_stays_english(
        self, client: FlaskClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level(logging.WARNING):
            told = client.get("/api/fail/away").json["message"]
        assert told == "Avenue no puede conectarse a su base de datos en este momento."
        assert errors.DATABASE_AWAY in caplog.text
        assert told not in caplog.text

    def test_are_sent_to_the_slash_without_an_error(self, client: FlaskClient) -> None:
        assert client.get("/slash").status_code == 308

    @pytest.mark.parametrize("accept", ["*/*", "", "application/json", "image/avif,*/*"])
    def test_get_json_everywhere(self, client: FlaskClient, accept: str) -> None:
        assert client.get("/nowhere", headers={"Accept": accept}).is_json


class TestPeople:
    def test_get_a_page_in_spanish(self, client: FlaskClient) -> None:
        answer = client.get("/nowhere", headers=BROWSER)
        assert answer.status_code == 404
        assert answer.content_type == "text/html; charset=utf-8"
        assert '<html lang="es"' in answer.text
        assert "<h1>Página no encontrada</h1>" in answer.text
        assert answer.headers["X-Request-ID"] in answer.text
        assert set(answer.vary) == {"Accept", "Accept-Language"}

    def test_get_it_in_their_language(self, client: FlaskClient) -> None:
        answer = client.get("/nowhere", headers={**BROWSER, "Accept-Language": "en-GB,en;q=0.9"})
        assert '<html lang="en"' in answer.text
        assert "<h1>Page not found</h1>" in answer.text

    def test_get_it_in_the_language_of_the_site(self, client: FlaskClient) -> None:
        answer = client.get("/nowhere", headers={**BROWSER, "Host": "b.example"})
        assert '<html lang="en"' in answer.text

    @pytest.mark.parametrize("name", ["limit", "away", "facts", "teapot", "bug", "shadow"])
    @pytest.mark.parametrize("language", ["es", "en"])
    def test_get_a_title_for_every_error(
        self, client: FlaskClient, name: str, language: str
    ) -> None:
        answer = client.get(f"/fail/{name}", headers={**BROWSER, "Accept-Language": language})
        assert answer.status_code == client.get(f"/api/fail/{name}").status_code
        assert "<h1></h1>" not in answer.text
        assert "hunter2" not in answer.text
        assert "<script" not in answer.text
        assert "style=" not in answer.text

    @pytest.mark.parametrize(
        ("asked", "location"),
        [
            ("/fail/signed-out", "/login?next=/fail/signed-out"),
            ("/fail/signed-out?a=%C3%B1", "/login?next=/fail/signed-out%3Fa%3D%25C3%25B1"),
        ],
    )
    def test_are_sent_to_sign_in_and_back(
        self, client: FlaskClient, asked: str, location: str
    ) -> None:
        answer = client.get(asked, headers=BROWSER)
        assert (answer.status_code, answer.headers["Location"]) == (303, location)
        assert answer.headers["Cache-Control"] == "no-store"

    def test_are_not_sent_back_to_what_they_posted(self, client: FlaskClient) -> None:
        answer = client.post("/fail/signed-out", headers=BROWSER)
        assert answer.headers["Location"] == "/login"

    def test_are_not_sent_in_circles(self, client: FlaskClient) -> None:
        assert client.get("/login", headers=BROWSER).status_code == 401

    def test_are_not_sent_to_another_host(self) -> None:
        app = bare_app()

        @app.before_request
        def refuse() -> None:
            raise errors.Unauthenticated

        answer = app.test_client().get(
            "/", headers=BROWSER, environ_overrides={"PATH_INFO": "//evil.example/"}
        )
        assert answer.headers["Location"] == "/login?next=/evil.example/"

    def test_get_a_page_although_what_pages_need_is_away(self) -> None:
        app = bare_app()

        @app.context_processor
        def who_is_signed_in() -> dict[str, object]:
            raise errors.Unavailable

        assert app.test_client().get("/nowhere", headers=BROWSER).status_code == 404


class TestHeaders:
    def test_of_a_page_let_nothing_foreign_run(self, client: FlaskClient) -> None:
        answer = client.get("/page")
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "same-origin"
        assert "Strict-Transport-Security" not in answer.headers

    def test_of_the_api_let_nobody_keep_it(self, client: FlaskClient) -> None:
        answer = client.get("/api/things")
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    def test_of_a_view_stay(self, app: Flask, client: FlaskClient) -> None:
        own = {"Cache-Control": "public, max-age=60", "Referrer-Policy": "no-referrer"}
        app.add_url_rule("/api/own", "own", lambda: ("", 200, own))
        assert own.items() <= dict(client.get("/api/own").headers).items()

    def test_ask_for_https_where_the_site_has_it(self) -> None:
        app = whole_app(Settings(local=True, public_base_url=f"https://{HOST}"))
        answer = app.test_client().get("/page", headers={"Host": HOST})
        assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_every_code_of_the_web_belongs_to_one_class() -> None:
    def below(kind: type[AvenueError]) -> list[type[AvenueError]]:
        return [kind, *(each for child in kind.__subclasses__() for each in below(child))]

    ours = [kind for kind in below(AvenueError) if kind.__module__ == web_errors.__name__]
    codes = [kind.code for kind in ours]
    assert len(codes) == len(set(codes)) >= 13
