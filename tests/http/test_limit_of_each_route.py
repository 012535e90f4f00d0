"""How often: every rule of the URL map, the limit it counts for, and who is counted.

A route that is not in the table fails: nothing may be called without end that nobody has thought
about.
"""

from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from avenue.app import create_app
from avenue.config import Settings
from avenue.identity import Role
from avenue.web import limits
from avenue.web.limits import MOST_ADDRESSES, TOO_OFTEN, WINDOW_SECONDS, OwnCounts, limit_of
from avenue.web.operations import PLACE_IN_RULE
from tests.http.application import HOST, OTHER_HOST, Application, Caller, Part, unique
from tests.http.contract import unconnected_app
from tests.http.test_costs import queries
from tests.http.test_who_may import routes_of
from tests.http.web_app import Counter
from tests.table import table

BASE = f"https://{HOST}"
NEW = "/admin/uploads/new"
COUNTING = ("findAndModify", "rate_limits")
WRITING = {"findAndModify", "update", "insert", "delete"}
HERE, ELSEWHERE = "192.0.2.1", "192.0.2.2"

OTHER_THAN_BY_METHOD = {
    # What a tool changes is counted besides (tests/mcp)
    "POST /mcp": "reads",
    # Whoever brings a file, or begins to
    "POST /api/core/orders/": "uploads",
    "POST /api/uploads": "uploads",
    "POST /api/uploads/tus": "uploads",
    "POST /api/uploads/filepond": "uploads",
    "POST /api/uploads/tickets": "uploads",
    "POST /api/uploads/tickets/<ticket_id>": "uploads",
    "POST /admin/uploads/new": "uploads",
    **{
        f"{method} {place}/{shelf}/<owner_id>/{rest}": "uploads"
        for shelf in ("products", "groups")
        for method, place, rest in (
            ("POST", "/api/shop", "images"),
            ("PUT", "/api/shop", "images/<asset_id>/file"),
            ("POST", "/admin", "pictures"),
            ("POST", "/admin", "pictures/<asset_id>/file"),
        )
    },
    "POST /api/products/<product_id>/upload_images": "uploads",
    "POST /api/products/<product_id>/upload_images/": "uploads",
    "POST /api/shop/temp-images": "uploads",
    "POST /admin/products/new/pictures": "uploads",
    "POST /api/shop/products/import": "uploads",
    "POST /admin/share": "uploads",
    "POST /admin/imports": "uploads",
    "POST /api/shop/pictures/import": "uploads",
    "POST /admin/imports/pictures": "uploads",
    "POST /api/builder/media": "uploads",
    "POST /admin/library": "uploads",
    "PUT /api/builder/media/<media_id>/file": "uploads",
    "POST /admin/library/<media_id>/file": "uploads",
    "PUT /api/site/logo": "uploads",
    "POST /admin/settings/logo": "uploads",
    # Neither API nor panel
    "GET /": "pages",
    "GET /products/<product_id>": "pages",
    "GET /categories/<path:key>": "pages",
    "GET /products/<product_id>/<slug>": "pages",
    "GET /p/<slug>": "pages",
    "GET /preview/<token>": "pages",
    "GET /sitemap.xml": "pages",
    "GET /status": "pages",
    "GET /status.json": "pages",
    "GET /status/badge.svg": "pages",
    "GET /sitemap/pages.xml": "pages",
    "GET /sitemap/products-<int:number>.xml": "pages",
    "GET /metrics": "pages",
    "GET /login": "pages",
    "GET /login/oidc": "pages",
    "GET /login/oidc/callback": "pages",
    "GET /login/second-factor": "pages",
    "GET /login/forgotten": "pages",
    "GET /login/reset/<secret>": "pages",
    "POST /login": "writes",
    "POST /login/second-factor": "writes",
    "POST /login/passkey": "writes",
    "POST /login/forgotten": "writes",
    "POST /login/reset": "writes",
    "POST /logout": "writes",
    "POST /preferences": "writes",
    "GET /media/<asset_id>/<token>/<file_name>": "none",
    "GET /media/<asset_id>/<variant>": "none",
    "GET /media/<path:path>": "none",
    "GET /uploads/<path:path>": "none",
    "GET /healthz": "none",
    "GET /readyz": "none",
    "GET /robots.txt": "none",
    "GET /site.css": "none",
    "GET /theme.css": "none",
    "GET /static/<path:name>": "none",
}
"""API and panel are `reads` and `writes` by the method of the request, and all else stands here."""


def expected(route: str) -> str | None:
    """The limit of a route; None for one that nobody has thought about."""
    method, rule = route.split()
    if route in OTHER_THAN_BY_METHOD or not rule.startswith(("/api/", "/admin")):
        return OTHER_THAN_BY_METHOD.get(route)
    return "reads" if method == "GET" else "writes"


def told(app: Flask) -> dict[str, str | None]:
    """The table as the program has it."""
    return {
        f"{method} {rule.rule}": limit_of(method, rule.rule, app.view_functions[rule.endpoint])
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def without_a_limit(app: Flask) -> list[str]:
    return [route for route, limit in told(app).items() if limit is None]


def test_every_route_has_a_limit_or_a_reason() -> None:
    app = unconnected_app()
    assert without_a_limit(app) == []
    assert all(limits.UNLIMITED.values())
    assert told(app) == {route: expected(route) for route in routes_of(app)}
    assert OTHER_THAN_BY_METHOD.keys() <= told(app).keys()


def test_a_route_that_nobody_has_thought_about_is_found() -> None:
    app = unconnected_app()
    app.add_url_rule("/planted", view_func=lambda: "", methods=["GET", "POST"])
    assert sorted(without_a_limit(app)) == ["GET /planted", "POST /planted"]


@pytest.fixture(scope="module")
def pages() -> Counter:
    """What is counted by address alone."""
    return Counter()


@pytest.fixture(scope="module")
def counted(application: Application, pages: Counter) -> Flask:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "OwnCounts", lambda _now: pages)
        return application.made(application.settings)


# Reading and writing of each kind: the table above is right for all of them.
SOME_ROUTES = (
    "GET /",
    "GET /admin/products",
    "GET /api/shop/products",
    "GET /media/<asset_id>/<variant>",
    "POST /admin/uploads/new",
    "POST /api/shop/products",
    "POST /api/uploads",
    "POST /login",
)


@table("route", SOME_ROUTES)
def test_some_routes_count_for_their_limits(
    application: Application, pages: Counter, counted: Flask, route: str
) -> None:
    counts_for_its_limit(application, pages, counted, route)


@pytest.mark.long
@table("route", sorted(routes_of(unconnected_app())))
def test_each_route_counts_for_its_limit(
    application: Application, pages: Counter, counted: Flask, route: str
) -> None:
    counts_for_its_limit(application, pages, counted, route)


def counts_for_its_limit(
    application: Application, pages: Counter, counted: Flask, route: str
) -> None:
    method, rule = route.split()
    pages.seen.clear()
    application.counter.seen.clear()
    FlaskClient(counted, use_cookies=False).open(
        PLACE_IN_RULE.sub("x", rule), method=method, base_url=BASE
    )
    seen = {key for key in application.counter.seen if key.partition(":")[0] in TOO_OFTEN}
    seen |= {f"pages:{key}" for key in pages.seen}
    name, caller = expected(route), "address:127.0.0.1"
    key = f"{name}:{caller if name == 'pages' else application.counter.mark(caller)}"
    assert seen == (set() if name == "none" else {key})


# Together


def upload(caller: Caller, number: int) -> TestResponse:
    """Bring a file, by the API and by the form of the panel in turn."""
    data = unique("nota ").encode()
    if number % 2:
        return caller.post("/api/uploads", data=data, content_type="text/plain")
    return caller.upload(NEW, Part(data, "nota.txt", media_type="text/plain"))


def test_api_and_panel_have_one_limit_together(application: Application) -> None:
    settings = replace(application.settings, max_client_uploads_per_minute=6)
    app = create_app(settings, application.database)  # counts as people's requests are counted
    client = application.new_person(unique("cliente"), role=Role.CLIENT, app=app)
    answers = [upload(client, number) for number in range(9)]
    assert [each.status_code for each in answers] == [*[303, 201] * 3, *[429] * 3]
    assert all(1 <= int(each.headers["Retry-After"]) <= 60 for each in answers[6:])
    assert application.raw["assets"].count_documents({"owner": client.id}) == 6


@pytest.fixture
def few(application: Application) -> Flask:
    return application.with_settings(max_pages_per_minute=3, max_writes_per_minute=2)


def look(app: Flask, address: str, path: str = "/", **options: object) -> TestResponse:
    return FlaskClient(app, use_cookies=False).open(
        path,
        base_url=BASE,
        environ_overrides={"REMOTE_ADDR": address},
        **options,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("es", "Más de 3 páginas por minuto."),
        pytest.param("en", "More than 3 pages", marks=pytest.mark.long),
    ],
)
def test_a_public_page_has_a_limit_for_each_address(few: Flask, language: str, said: str) -> None:
    asked = {"Accept": "text/html", "Accept-Language": language}
    paths = ["/", "/sitemap.xml", "/login", "/"]
    answers = [look(few, HERE, path, headers=asked) for path in paths]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[3].headers["Retry-After"]) <= 60
    assert answers[3].mimetype == "text/html"
    assert said in answers[3].text
    for path, address in (("/", ELSEWHERE), ("/api/shop/products", HERE), ("/readyz", HERE)):
        assert look(few, address, path).status_code == 200


@table("method, path", [("TRACE", "/metrics"), ("DELETE", "/login"), ("GET", "/nowhere")])
def test_what_is_not_there_counts_as_a_page(
    application: Application, pages: Counter, counted: Flask, method: str, path: str
) -> None:
    pages.seen.clear()
    application.counter.seen.clear()
    known = {"Authorization": "Bearer rubbish"}
    assert look(counted, HERE, path, method=method, headers=known).status_code in {404, 405}
    assert (pages.seen, application.counter.seen) == ({f"address:{HERE}": 1}, {})


def test_a_form_is_refused_in_words_and_a_program_in_json(few: Flask) -> None:
    form = {"method": "POST", "headers": {"Accept": "text/html", "Accept-Language": "en"}}
    answers = [look(few, HERE, "/preferences", **form) for _ in range(3)]
    assert [each.status_code for each in answers] == [303, 303, 429]
    assert "More than 2 writes per minute." in answers[2].text
    program = look(few, HERE, "/api/auth/login", method="POST", json={})
    assert (program.status_code, program.json["code"]) == (429, "too_many_requests")


# Tokens


def stored(application: Application, owner: Caller) -> int:
    found: int = application.raw["assets"].count_documents({"owner": owner.id})
    return found


@table(
    "proof, status, code",
    [
        ({"token"}, 401, "unauthenticated"),
        ({"token", "cookie"}, 403, "csrf_failed"),
        ({"token", "cookie", "elsewhere"}, 403, "csrf_failed"),
        ({"token", "cookie", "here"}, 303, None),
    ],
)
def test_a_form_takes_no_token(
    application: Application, as_seller: Caller, proof: set[str], status: int, code: str | None
) -> None:
    known = {
        "token": ("Authorization", f"Bearer {as_seller.token}"),
        "cookie": ("Cookie", as_seller.session()),
        "elsewhere": ("Origin", f"https://{OTHER_HOST}"),
        "here": ("Origin", BASE),
    }
    before, nobody = stored(application, as_seller), replace(as_seller, token=None)
    sent = Part(unique("nota ").encode(), "nota.txt", media_type="text/plain")
    answer = nobody.upload(NEW, sent, headers=dict(known[each] for each in proof))
    assert answer.status_code == status, answer.text
    assert stored(application, as_seller) == before + (code is None)
    if code:
        assert answer.json["code"] == code
    if code == "unauthenticated":
        assert "/api" in answer.json["hint"]


# What it costs


@pytest.fixture
def in_earnest(application: Application) -> Flask:
    app = create_app(application.settings, application.database)
    assert Caller(application, app, HOST).get("/").status_code == 200  # a worker's first request
    return app


def test_a_public_page_costs_no_write_and_one_of_the_panel_one(
    application: Application, as_seller: Caller, in_earnest: Flask
) -> None:
    for caller, path, count in (
        (Caller(application, in_earnest, HOST), "/", 0),
        (Caller(application, in_earnest, HOST), "/sitemap.xml", 0),
        (replace(as_seller, app=in_earnest), "/admin/products", 1),
    ):
        with queries(application) as sent:
            assert caller.get(path).status_code == 200
        assert sum(sent[each] for each in sent if each[0] in WRITING) == sent[COUNTING] == count


def test_counts_of_a_process_begin_anew_each_minute() -> None:
    now = 100.0
    counts = OwnCounts(lambda: now)
    assert [counts.count("a").tries for _ in range(3)] == [1, 2, 3]
    now += WINDOW_SECONDS - 0.5
    assert (counts.count("a").tries, counts.count("b").seconds_left) == (4, 1)
    now += 0.5
    assert counts.count("a").tries == 1


def test_counts_of_a_process_have_an_end() -> None:
    counts = OwnCounts(lambda: 0.0, most=3)
    for address in range(10):
        counts.count(str(address))
        assert len(counts._counts) <= 3
    assert counts.count("9").tries == 2
    assert MOST_ADDRESSES <= 100_000


def test_an_office_of_fifty_is_not_refused() -> None:
    people, pages_a_minute = 50, 60
    assert people * pages_a_minute <= Settings(local=True).max_pages_per_minute
