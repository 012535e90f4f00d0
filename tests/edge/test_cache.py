"""What nginx keeps, for how long, and what it never keeps."""

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests import pictures
from tests.edge.deployment import MIB, Deployment, comparable, new_host, plain, talk
from tests.faults.deployment import raw
from tests.mongod import Guard, Mongod
from tests.nginx import HURRIED, Nginx, binary, configuration
from tests.prepared import prepared_uri
from tests.server import Answer, Client, Server, images_path, path_of, prepare
from tests.table import table
from tests.threads import Threads
from tests.waiting import DEADLINE_SECONDS, wait_until

SECRET = "s3cr3t-of-somebody"
MANY = 20


def cache_says(edge: Nginx, answer: Answer) -> str:
    """HIT, MISS, STALE …; an empty text where the cache was not asked."""
    return str(edge.line(answer.headers["X-Request-ID"])["cache"])


def asked(edge: Nginx, path: str) -> tuple[Answer, str]:
    answer = Client(edge.port).get(path)
    return answer, cache_says(edge, answer)


def test_nginx_takes_the_configuration_as_it_is_deployed(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(configuration(tmp_path, 8080, [8000, 8001], {}))
    done = subprocess.run(
        [binary(), "-t", "-c", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=DEADLINE_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_a_picture_is_asked_for_once(deployment: Deployment) -> None:
    path = path_of(deployment.image["variants"]["card"]["url"])
    first, said = asked(deployment.edge, path)
    assert (first.status, said) == (200, "MISS")
    for _ in range(3):
        again, said = asked(deployment.edge, path)
        assert (again.status, again.body, said) == (200, first.body, "HIT")
    assert first.body == deployment.app.client.get(path).body


@pytest.mark.parametrize("which", ["thumb", "original"])
def test_the_answer_is_avenues_to_the_letter(deployment: Deployment, which: str) -> None:
    """Every header of Avenue's is there, hit or miss; only the id is the answer's own."""
    path, host = getattr(deployment, which), new_host()
    own = comparable(talk(deployment.app.port, plain(path, host)))
    cold, hot = (talk(deployment.edge.port, plain(path, host)) for _ in range(2))
    assert lines_of(cold) == lines_of(hot) == lines_of(own)
    assert cold.partition(b"\r\n\r\n")[2] == hot.partition(b"\r\n\r\n")[2]
    assert request_id(cold) != request_id(hot)


def lines_of(answer: bytes) -> set[bytes]:
    """The head, without who the server is and how long it keeps the connection."""
    head = comparable(answer).partition(b"\r\n\r\n")[0].split(b"\r\n")
    return {each for each in head if not each.lower().startswith((b"server:", b"connection:"))}


def request_id(answer: bytes) -> bytes:
    (found,) = (each for each in answer.split(b"\r\n") if each.lower().startswith(b"x-request-id"))
    return found


def test_a_reader_that_has_it_gets_a_304_from_the_cache(deployment: Deployment) -> None:
    for path in (deployment.thumb, deployment.original):
        tag = deployment.at_the_edge.get(path).headers["ETag"]
        answer = deployment.at_the_edge.request("GET", path, headers={"If-None-Match": tag})
        assert (answer.status, answer.body) == (304, b"")
        assert cache_says(deployment.edge, answer) == "HIT"


def test_head_has_the_headers_of_get_and_no_body(deployment: Deployment) -> None:
    whole = deployment.at_the_edge.get(deployment.original)
    head = deployment.at_the_edge.request("HEAD", deployment.original)
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == whole.headers["Content-Length"]


@table(
    "first, last",
    [
        (0, 0),
        (0, MIB - 1),
        (MIB - 1, MIB - 1),
        (MIB - 1, MIB),
        (MIB, MIB),
        (MIB, MIB + 1),
        (MIB - 7, 2 * MIB + 7),
        (2 * MIB - 1, None),
        (5, None),
    ],
)
def test_ranges_of_a_large_original_are_its_bytes(
    large: tuple[str, bytes], deployment: Deployment, first: int, last: int | None
) -> None:
    path, data = large
    wanted = data[first:] if last is None else data[first : last + 1]
    asked_for = f"bytes={first}-{'' if last is None else last}"
    answer = deployment.at_the_edge.request("GET", path, headers={"Range": asked_for})
    assert answer.status == 206
    assert answer.body == wanted
    end = first + len(wanted) - 1
    assert answer.headers["Content-Range"] == f"bytes {first}-{end}/{len(data)}"


@pytest.fixture(scope="module")
def large(deployment: Deployment) -> tuple[str, bytes]:
    """An original of several slices, and its bytes."""
    data = pictures.noise_png(1100, 900)
    assert len(data) > 2 * MIB
    reply = deployment.seller.upload(deployment.seller.create_product(), data)
    assert reply.status == 201, reply
    return path_of(reply.json["url"]), deployment.app.client.get(path_of(reply.json["url"])).body


def test_a_large_original_comes_whole_from_its_slices(
    large: tuple[str, bytes], deployment: Deployment
) -> None:
    path, data = large
    host = new_host()
    for _ in range(2):
        answer = talk(deployment.edge.port, plain(path, host))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert hashlib.sha256(answer.partition(b"\r\n\r\n")[2]).digest() == (
            hashlib.sha256(data).digest()
        )


def test_the_last_bytes_and_what_lies_behind_them(
    large: tuple[str, bytes], deployment: Deployment
) -> None:
    path, data = large
    last = deployment.at_the_edge.request("GET", path, headers={"Range": "bytes=-5"})
    assert (last.status, last.body) == (206, data[-5:])
    behind = deployment.at_the_edge.request("GET", path, headers={"Range": f"bytes={len(data)}-"})
    assert behind.status == 416
    several = deployment.at_the_edge.request("GET", path, headers={"Range": "bytes=0-1,5-6"})
    assert (several.status, several.body) == (200, data)


def test_a_range_fetches_only_its_slices(large: tuple[str, bytes], deployment: Deployment) -> None:
    path, data = large
    host = new_host()
    request = plain(path, host).replace(b"Host", b"Range: bytes=%d-\r\nHost" % (len(data) - 9))
    assert talk(deployment.edge.port, request).endswith(data[-9:])
    key = f"KEY: {host}{path}".encode()
    slices = [each for each in deployment.edge.stored() if key in each]
    assert sum(len(each) for each in slices) < 2 * MIB < len(data)


@pytest.fixture(scope="module")
def hurried(guard: Guard, mongod: Mongod) -> Iterator[Deployment]:
    """A shop that forgets at once, whose edge asks again after a second."""
    env = {"AVENUE_CACHE_SECONDS": "0", "AVENUE_FAST_LANE": "off"}
    with ExitStack() as stack:
        uri = stack.enter_context(prepared_uri(mongod))
        prepare(uri)
        app = stack.enter_context(Server(guard, uri, **env))
        edge = stack.enter_context(Nginx(guard, [app.port], HURRIED))
        yield Deployment.filled(app, edge, pictures.photo(1300, 900, format="PNG", seed=32))


def test_of_many_who_miss_at_once_one_asks(guard: Guard, hurried: Deployment) -> None:
    """Avenue stands still until all have asked; then it has seen one request."""
    server = hurried.app
    (pid,) = server.worker_pids()
    path = path_of(hurried.image["variants"]["gallery"]["url"])
    with Nginx(guard, [server.port]) as edge, Threads(MANY) as pool:
        before = seen(server)
        os.kill(pid, signal.SIGSTOP)
        try:
            answers = [pool.submit(Client(edge.port).get, path) for _ in range(MANY)]
            wait_until(lambda: len(connections(edge)) >= MANY, "all of them have come")
        finally:
            os.kill(pid, signal.SIGCONT)
        assert {each.result(DEADLINE_SECONDS).status for each in answers} == {200}
        assert len({each.result(DEADLINE_SECONDS).body for each in answers}) == 1
        wait_until(lambda: seen(server) > before, "the request is in the log")
        assert seen(server) - before == 1


def connections(edge: Nginx) -> list[str]:
    """The clients of `edge` that are connected."""
    table = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ours = f"0100007F:{edge.port:04X}"
    rows = [each.split() for each in table]
    return [row[2] for row in rows if row[1] == ours and row[3] == "01"]


def log_of(server: Server) -> list[dict[str, Any]]:
    """What Avenue has written down, request by request."""
    return [json.loads(each) for each in server.log.read_text().splitlines() if "{" in each]


def seen(server: Server) -> int:
    """How many requests for pictures Avenue has answered."""
    return sum(str(line.get("route")).startswith("/media/") for line in log_of(server))


def not_modified(server: Server) -> list[dict[str, Any]]:
    """The lines of the answers that said so."""
    return [line for line in log_of(server) if line.get("status") == 304]


def test_meanwhile_it_is_asked_for_again_in_the_background(hurried: Deployment) -> None:
    edge, path = hurried.edge, hurried.thumb
    first, _ = asked(edge, path)
    before = seen(hurried.app)
    wait_until(lambda: asked(edge, path)[1] == "STALE", "its time is up")
    wait_until(lambda: asked(edge, path)[1] == "HIT", "it was asked for again")
    assert asked(edge, path)[0].body == first.body
    wait_until(lambda: not_modified(hurried.app), "it is in the log")
    assert seen(hurried.app) > before
    # On a busy machine its time may be up once more.
    assert {line["bytes"] for line in not_modified(hurried.app)} == {0}


def test_what_was_kept_is_shown_while_avenue_is_away(guard: Guard, hurried: Deployment) -> None:
    with Server(guard, hurried.app.uri) as app, Nginx(guard, [app.port], HURRIED) as edge:
        shown_while_away(app, edge, hurried)


def shown_while_away(app: Server, edge: Nginx, deployment: Deployment) -> None:
    kept = {path: asked(edge, path)[0].body for path in (deployment.thumb, deployment.original)}
    app.stop()
    for path, body in kept.items():
        wait_until(lambda path=path: asked(edge, path)[1] == "STALE", "its time is up")
        answer, said = asked(edge, path)
        assert (answer.status, answer.body, said) == (200, body, "STALE")
    part = Client(edge.port).request(
        "GET", deployment.original, headers={"Range": f"bytes={MIB - 3}-{MIB + 3}"}
    )
    assert (part.status, part.body) == (206, deployment.data[MIB - 3 : MIB + 4])
    page = Client(edge.port).get(f"/login?secret={SECRET}")
    assert (page.status, page.json["code"]) == (503, "unavailable")
    assert page.headers["Retry-After"]
    # A client of tus would take 503 for the end of its upload.
    upload = f"/api/uploads/tus/{SECRET}"
    where = Client(edge.port).request("HEAD", upload)
    assert (where.status, where.headers["Retry-After"]) == (423, page.headers["Retry-After"])
    assert Client(edge.port).get(upload).status == 503
    assert SECRET not in edge.log + edge.errors


def test_what_is_removed_is_gone_once_its_time_is_up(hurried: Deployment) -> None:
    """Not even shown as stale, once Avenue has said that it is gone; and it comes back."""
    edge, product = hurried.edge, hurried.product
    paths = (hurried.thumb, hurried.original)
    for path in paths:
        assert asked(edge, path)[0].status == 200
    gone = hurried.seller.request("DELETE", f"{images_path(product)}/{hurried.image['id']}")
    assert gone.status == 204
    for path in paths:
        wait_until(lambda path=path: asked(edge, path)[0].status == 404, "it is gone")
        for _ in range(5):
            assert asked(edge, path)[0].status == 404
    again = f"{images_path(product)}/{hurried.image['id']}/restore"
    assert hurried.seller.request("POST", again).status == 200
    for path in paths:
        wait_until(lambda path=path: asked(edge, path)[0].status == 200, "it is back")


def test_what_is_not_there_takes_no_room(deployment: Deployment) -> None:
    stored = len(deployment.edge.stored())
    for number in range(20):
        other = f"/media/{deployment.image['id']}/{number:012x}/original.png"
        assert deployment.at_the_edge.get(other).status == 308
        nothing = f"/media/{number:022}/{number:012x}/thumb.webp"
        assert deployment.at_the_edge.get(nothing).status == 404
    assert len(deployment.edge.stored()) == stored


@pytest.mark.parametrize(
    "change",
    [
        "{path}?download=1",
        "//{path}",
        "/media/%2e%2e/media{rest}",
        *(
            pytest.param(each, marks=pytest.mark.long)
            for each in (
                "{path}?e=1&k=2&s=3",
                "{path}?",
                "{path};a=b",
                "{path}/",
                "/media/.{path}",
                "/%6dedia{rest}",
                "/media/../media{rest}",
                "{path}%20",
                "{path}#part",
            )
        ),
    ],
)
def test_only_the_exact_address_is_kept(deployment: Deployment, change: str) -> None:
    """All else is Avenue's own answer, each time."""
    rest = deployment.thumb.removeprefix("/media")
    path, host = change.format(path=deployment.thumb, rest=rest), new_host()
    own = talk(deployment.app.port, plain(path, host))
    for _ in range(2):
        answer = talk(deployment.edge.port, plain(path, host))
        assert answer.split(b" ")[1] == own.split(b" ")[1]
        assert deployment.edge.line(request_id(answer).split(b" ")[1].decode())["cache"] == ""
    assert not [each for each in deployment.edge.stored() if host.encode() in each]


def test_the_file_name_for_saving_is_not_given_to_the_next_one(deployment: Deployment) -> None:
    host = new_host()
    saved = talk(deployment.edge.port, plain(f"{deployment.thumb}?download=1", host))
    shown = talk(deployment.edge.port, plain(deployment.thumb, host))
    assert b"Content-Disposition: attachment" in saved
    assert b"Content-Disposition: inline" in shown


def test_private_files_are_never_kept(deployment: Deployment, mongod: Mongod) -> None:
    database = raw(mongod.client, deployment.app.uri)
    data = pictures.photo(640, 480, seed=33)
    reply = deployment.seller.upload(deployment.seller.create_product(), data).json
    path = path_of(reply["url"])
    database["assets"].update_one({"_id": reply["id"]}, {"$set": {"visibility": "private"}})
    owner = Client(deployment.edge.port, deployment.seller.token)
    for _ in range(2):
        mine = owner.get(path)
        assert (mine.status, mine.body) == (200, data)
        assert deployment.at_the_edge.get(path).status == 404
    part = owner.request("GET", path, headers={"Range": "bytes=3-9"})
    assert (part.status, part.body) == (206, data[3:10])
    assert not [each for each in deployment.edge.stored() if path.encode() in each]


def test_signed_in_answers_are_never_kept(deployment: Deployment) -> None:
    assert Client(deployment.edge.port, deployment.seller.token).get("/api/auth/me").status == 200
    assert deployment.at_the_edge.get("/api/auth/me").status == 401
    for path in ("/login", "/admin", "/api/site", "/api/builder/pages"):
        deployment.at_the_edge.get(path)
        assert not [
            each
            for each in deployment.edge.stored()
            if f"{deployment.edge.port}{path}\n".encode() in each
        ]


@table(
    "path, compressed",
    [
        ("/api/shop/products", True),
        ("/static/css/panel.css", True),
        ("/theme.css", True),
        ("/static/js/pictures/queue.js", True),
        ("{thumb}", False),
        ("{original}", False),
        ("/login", False),
    ],
)
def test_text_is_compressed_and_pictures_and_pages_are_not(
    deployment: Deployment, path: str, compressed: bool
) -> None:
    path = path.format(thumb=deployment.thumb, original=deployment.original)
    answer = deployment.at_the_edge.request("GET", path, headers={"Accept-Encoding": "gzip"})
    assert answer.status == 200
    assert answer.headers.get("Content-Encoding") == ("gzip" if compressed else None)
    plainly = deployment.at_the_edge.get(path)
    assert "Content-Encoding" not in plainly.headers
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"):
        assert answer.headers.get(name) == deployment.app.client.get(path).headers.get(name)


def test_a_published_page_is_compressed_and_asked_for_with_its_tag(
    deployment: Deployment, mongod: Mongod
) -> None:
    users = raw(mongod.client, deployment.app.uri)["users"]
    url, words = "/api/builder/pages", "<p>" + "hola " * 2000 + "</p>"
    users.update_many({}, {"$set": {"superuser": True}})
    try:
        page = deployment.seller.send_json("POST", url, {"title": "Inicio", "html": words}).json
        url += f"/{page['id']}/publish"
        assert deployment.seller.send_json("POST", url, {"revision": 1}).status == 200
    finally:
        users.update_many({}, {"$set": {"superuser": False}})
    path, asks = "/p/inicio", {"Accept-Encoding": "gzip"}
    answer = deployment.at_the_edge.request("GET", path, headers=asks)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < len(words) / 10
    assert "s-maxage=1800" in answer.headers["Cache-Control"]
    assert answer.headers["Vary"] == "Accept-Encoding"
    known = {**asks, "If-None-Match": answer.headers["ETag"]}
    again = deployment.at_the_edge.request("GET", path, headers=known)
    assert (again.status, again.body) == (304, b"")


@table(
    "path", ["/metrics", "//metrics", "/%6detrics", "/metrics?x=1", "/a/../metrics", "/metrics/"]
)
def test_metrics_are_not_for_the_world(deployment: Deployment, path: str) -> None:
    answer = talk(deployment.edge.port, plain(path, "anything.example"))
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"X-Request-ID" not in answer  # Avenue was not asked


def test_uploads_pass_through_and_are_nowhere_on_the_disk(deployment: Deployment) -> None:
    seller = Client(deployment.edge.port, deployment.seller.token)
    data = pictures.photo(900, 700, format="PNG", seed=34)
    reply = seller.upload(deployment.seller.create_product(), data)
    assert reply.status == 201, reply
    assert seller.get(path_of(reply.json["url"])).body == data
    assert list((deployment.edge.directory / "bodies").iterdir()) == []


def test_a_body_too_large_is_refused_before_it_is_sent(deployment: Deployment) -> None:
    head = (
        f"POST {images_path(deployment.product)} HTTP/1.1\r\n"
        "Host: localhost\r\nConnection: close\r\n"
        "Authorization: Bearer {token}\r\nContent-Type: image/png\r\n"
        "Content-Length: {length}\r\n\r\n"
    )
    own = head.format(token=deployment.seller.token, length=100 * MIB)  # Avenue's own limit
    assert b'"code":"file_too_large"' in talk(deployment.edge.port, own.encode()).replace(b" ", b"")
    any_at_all = head.format(token=deployment.seller.token, length=2048 * MIB)
    answer = talk(deployment.edge.port, any_at_all.encode(), half_close=True)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "body_too_large"


def test_nothing_of_a_request_reaches_the_logs(deployment: Deployment) -> None:
    for path in (
        f"/login?token={SECRET}",
        f"/login/reset/{SECRET}",
        f"{deployment.thumb}?s={SECRET}",
    ):
        answer = deployment.at_the_edge.request(
            "GET", path, headers={"Referer": f"http://a/{SECRET}", "User-Agent": SECRET}
        )
        deployment.edge.line(answer.headers["X-Request-ID"])
    assert SECRET not in deployment.edge.log + deployment.edge.errors
    assert "127.0.0.1" not in deployment.edge.log
