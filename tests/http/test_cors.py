"""Pages of listed origins may call the API with a token, and read its errors."""

import pytest
from flask.testing import FlaskClient

from avenue.config import Settings
from tests.http.web_app import HOST, Counter, whole_app

ORIGIN = "https://app.example"
PREFLIGHT = {
    "Host": HOST,
    "Origin": ORIGIN,
    "Access-Control-Request-Method": "PATCH",
    "Access-Control-Request-Headers": "authorization,upload-offset,tus-resumable",
}


@pytest.fixture
def client() -> FlaskClient:
    return whole_app(Settings(local=True, cors_origins=(ORIGIN,))).test_client()


def test_a_preflight_is_answered_without_asking_anybody() -> None:
    counter = Counter()
    app = whole_app(Settings(local=True, cors_origins=(ORIGIN,)), counter)
    answer = app.test_client().options("/api/anything", headers=PREFLIGHT)
    assert answer.status_code == 204
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert "PATCH" in answer.headers["Access-Control-Allow-Methods"].split(", ")
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {
        "authorization",
        "content-type",
        "x-requested-with",
        "cache-control",
        "idempotency-key",
        "tus-resumable",
        "upload-length",
        "upload-offset",
        "upload-metadata",
        "x-http-method-override",
        "x-request-id",
    } <= set(allowed)
    assert int(answer.headers["Access-Control-Max-Age"]) > 0
    assert "Origin" in answer.vary
    assert counter.seen == {}


@pytest.mark.parametrize(
    ("path", "status"), [("/api/things", 200), ("/api/nowhere", 404), ("/api/secret/x", 500)]
)
def test_answers_and_errors_can_be_read(client: FlaskClient, path: str, status: int) -> None:
    answer = client.get(path, headers={"Host": HOST, "Origin": ORIGIN})
    assert answer.status_code == status
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Location", "Upload-Offset", "Retry-After", "X-Request-ID", "ETag"} <= set(exposed)
    assert "Content-Disposition" in exposed
    assert {"RateLimit", "RateLimit-Policy", "RateLimit-Remaining", "RateLimit-Reset"} <= set(
        exposed
    )
    assert {"Tus-Extension", "Tus-Max-Size", "Tus-Checksum-Algorithm"} <= set(exposed)
    assert "Origin" in answer.vary


def test_cookies_are_never_allowed(client: FlaskClient) -> None:
    for answer in (
        client.options("/api/things", headers=PREFLIGHT),
        client.get("/api/things", headers={"Host": HOST, "Origin": ORIGIN}),
    ):
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://app.example.evil", ""])
def test_other_origins_are_told_nothing(client: FlaskClient, origin: str) -> None:
    for answer in (
        client.options("/api/things", headers={**PREFLIGHT, "Origin": origin}),
        client.get("/api/things", headers={"Host": HOST, "Origin": origin}),
    ):
        assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]
        assert "Origin" in answer.vary


def test_pages_are_nobody_elses(client: FlaskClient) -> None:
    answer = client.get("/page", headers={"Host": HOST, "Origin": ORIGIN})
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_unknown_host_has_no_preflight(client: FlaskClient) -> None:
    answer = client.options("/api/things", headers={**PREFLIGHT, "Host": "evil.example"})
    assert answer.status_code == 400


def test_what_tus_asks_with_options_reaches_its_route(client: FlaskClient) -> None:
    answer = client.options("/api/things", headers={"Host": HOST, "Origin": ORIGIN})
    assert answer.status_code == 200
    assert "POST" in answer.headers["Allow"]


def test_without_the_setting_there_is_no_cors_at_all() -> None:
    answer = whole_app().test_client().get("/api/things", headers={"Host": HOST, "Origin": ORIGIN})
    assert not [name for name in dict(answer.headers) if name.startswith("Access-Control")]
    assert "Origin" not in answer.vary
