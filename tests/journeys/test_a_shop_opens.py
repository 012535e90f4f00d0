"""The story of a first day: the server of `make run`, a product, its photographs, and a crash."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psutil
import pytest

from tests import pictures
from tests.mongod import free_port
from tests.waiting import DEADLINE_SECONDS, wait_until

ROOT = Path(__file__).parent.parent.parent
KEPT = ("PATH", "HOME", "LANG")


class LocalServer:
    """`python -m avenue serve --local`, as `make run` starts it."""

    def __init__(self, data_dir: Path, **env: str) -> None:
        self.port = free_port()
        self.log = data_dir.parent / "serve.log"
        self.data_dir = data_dir
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "avenue", "serve", "--local"],
                cwd=ROOT,
                env={
                    **{name: os.environ[name] for name in KEPT if name in os.environ},
                    "AVENUE_DATA_DIR": str(data_dir),
                    "PORT": str(self.port),
                    "WEB_CONCURRENCY": "1",
                    "AVENUE_DEMO": "off",
                    **env,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a terminal of its own: Ctrl-C reaches the whole group
            )
        wait_until(self._ready, f"the server is ready: {self.log}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.call("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def call(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        """Send a request; return status and body, read as JSON if it is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        is_json = answer.headers.get("Content-Type", "").startswith("application/json")
        return answer.status, json.loads(data) if is_json else data

    def press_ctrl_c(self) -> None:
        """SIGINT for the whole group, as a terminal sends it."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(DEADLINE_SECONDS)

    def end(self) -> None:
        """Leave nothing running, whatever happened."""
        if self.process.poll() is None:
            self.press_ctrl_c()
        mongod = self.mongod()
        if mongod:
            mongod.kill()
            mongod.wait(DEADLINE_SECONDS)

    def mongod(self) -> psutil.Process | None:
        """The mongod of this data directory, if one runs."""
        found = mongods_of(self.data_dir)
        return found[0] if found else None


def mongods_of(data_dir: Path) -> list[psutil.Process]:
    """Every running mongod over `data_dir`."""
    return [
        process
        for process in psutil.process_iter(["name", "cmdline"])
        if process.info["name"] == "mongod"
        and str(data_dir) in " ".join(process.info["cmdline"] or [])
    ]


def is_gone(process: psutil.Process) -> bool:
    """Whether a process has ended, reaped by its parent or not."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "var"
    for process in mongods_of(tmp_path):
        process.kill()
        process.wait(DEADLINE_SECONDS)


def token_of(server: LocalServer, email: str, password: str) -> str:
    status, answer = server.call("POST", "/api/auth/login", {"email": email, "password": password})
    assert status == 200, answer
    return answer["token"]


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def upload(server: LocalServer, auth: str, product: str, picture: bytes, name: str) -> Any:
    return server.call(
        "POST",
        f"/api/shop/products/{product}/images?name={name}",
        picture,
        Authorization=auth,
        **{"Content-Type": "image/jpeg"},
    )


def test_a_shop_opens_and_survives_its_first_crash_and_its_first_evening(data_dir: Path) -> None:
    photographs = [
        pictures.photo(1600, 1200, seed=1),
        pictures.photo(400, 300, format="PNG", seed=2),
        pictures.photo(640, 480, seed=3, quality=80),
    ]
    sold = {"AVENUE_ADMIN_EMAIL": "ana@tienda.example", "AVENUE_ADMIN_PASSWORD": "zapatos-y-lluvia"}
    with LocalServer(data_dir, **sold) as server:
        auth = "Bearer " + token_of(server, "ana@tienda.example", "zapatos-y-lluvia")
        status, product = server.call(
            "POST", "/api/shop/products", {"name": "Zapato"}, Authorization=auth
        )
        assert status == 201
        images = f"/api/shop/products/{product['id']}/images"
        stored = []
        for number, photograph in enumerate(photographs):
            status, answer = upload(server, auth, product["id"], photograph, f"foto{number}.jpg")
            assert status == 201, answer
            stored.append(answer["file"])
            assert server.call("GET", path_of(answer["url"])) == (200, photograph)
        assert [(each["width"], each["height"]) for each in stored] == [
            (1600, 1200),
            (400, 300),
            (640, 480),
        ]

        _, product = server.call("GET", path_of_product(product), Authorization=auth)
        ids = [each["id"] for each in stored]
        turned = [ids[2], ids[0], ids[1]]
        status, product = server.call(
            "PUT",
            images,
            {"order": turned, "revision": product["revision"]},
            Authorization=auth,
        )
        assert status == 200
        assert [each["id"] for each in product["images"]] == turned

        assert server.call("DELETE", f"{images}/{ids[0]}", Authorization=auth)[0] == 204
        status, product = server.call("POST", f"{images}/{ids[0]}/restore", Authorization=auth)
        assert status == 200
        assert [each["id"] for each in product["images"]] == turned

        for seed in (4, 5):
            assert (
                upload(server, auth, product["id"], pictures.photo(seed=seed), "mas.jpg")[0] == 201
            )
        status, refused = upload(server, auth, product["id"], pictures.photo(seed=6), "seis.jpg")
        assert (status, refused["code"]) == (409, "too_many_images")
        _, before = server.call("GET", path_of_product(product), Authorization=auth)

        mongod = server.mongod()
        assert mongod is not None
        server.process.kill()  # as a terminal that is torn down: nobody says goodbye
        server.process.wait(DEADLINE_SECONDS)
        mongod.kill()
        mongod.wait(DEADLINE_SECONDS)

    with LocalServer(data_dir) as server:
        check_everything_is_there(server, before, stored, photographs)
        server.press_ctrl_c()
        assert server.process.returncode == 0
        assert mongods_of(data_dir) == []
    with LocalServer(data_dir) as server:
        check_everything_is_there(server, before, stored, photographs)


def check_everything_is_there(
    server: LocalServer, product: Any, stored: list[Any], photographs: list[bytes]
) -> None:
    auth = "Bearer " + token_of(server, "ana@tienda.example", "zapatos-y-lluvia")
    _, now = server.call("GET", path_of_product(product), Authorization=auth)
    assert [each["id"] for each in now["images"]] == [each["id"] for each in product["images"]]
    for each, photograph in zip(stored, photographs, strict=True):
        assert server.call("GET", path_of(each["url"])) == (200, photograph)


def path_of_product(product: dict[str, Any]) -> str:
    return f"/api/shop/products/{product['id']}"


def printed_by_the_readme(server: LocalServer) -> str:
    """What somebody sees who copies its example into another terminal."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (example,) = (each for each in blocks if "curl" in each)
    told = {".venv/bin/python": sys.executable, "127.0.0.1:8000": f"127.0.0.1:{server.port}"}
    for written, here in told.items():
        assert written in example
        example = example.replace(written, here)
    folder = server.data_dir.parent / "terminal"
    folder.mkdir()
    env = {
        "AVENUE_DATA_DIR": str(server.data_dir),
        "PYTHONPATH": str(ROOT),
        "PATH": os.environ["PATH"],
    }
    done = subprocess.run(
        ["sh", "-c", example],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    )
    return done.stdout


@pytest.mark.long
def test_the_first_screen_is_not_empty_and_a_mongod_left_by_a_kill_is_found_again(
    data_dir: Path,
) -> None:
    with LocalServer(data_dir, AVENUE_DEMO="auto") as server:
        wait_until(lambda: published(server), "the first sample product")
        sample = published(server)[-1]
        status, page = server.call("GET", "/")
        assert (status, sample["name"] in page.decode()) == (200, True)
        photograph = sample["images"][0]["variants"]["card"]["url"]
        assert server.call("GET", path_of(photograph))[0] == 200

        printed = server.log.read_text()
        assert printed.startswith("Avenue is running at ")
        assert '{"at"' not in printed
        assert '"method": "GET"' in (data_dir / "avenue.log").read_text()
        password = re.search(r"\(shown only once\): (\S+)", printed)
        assert password, printed
        auth = "Bearer " + token_of(server, "admin@localhost", password[1])
        vase = {"name": "Vaso", "status": "published"}
        server.call("POST", "/api/shop/products", vase, Authorization=auth)
        added = b'method="POST",route="/api/shop/products",status="201"'
        wait_until(lambda: added in server.call("GET", "/metrics")[1], "the product is counted")
        assert b'avenue_pool_connections{state="open"}' in server.call("GET", "/metrics")[1]
        assert printed_by_the_readme(server) == "the same\n"

        left = server.mongod()
        assert left is not None
        workers = [each for each in psutil.Process(server.process.pid).children() if each != left]
        server.process.kill()
        server.process.wait(DEADLINE_SECONDS)
        wait_until(lambda: all(map(is_gone, workers)), "the workers notice")
        assert not is_gone(left)
        server.log.write_text("")
        with LocalServer(data_dir) as again:
            assert [each.pid for each in mongods_of(data_dir)] == [left.pid]
            assert "shown only once" not in again.log.read_text()
            assert "Vaso" in [each["name"] for each in published(again)]
            again.press_ctrl_c()
            assert mongods_of(data_dir) == []


def published(server: LocalServer) -> list[Any]:
    found: list[Any] = server.call("GET", "/api/shop/products")[1]["items"]
    return found
