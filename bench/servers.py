"""Starts what is measured: gunicorn, nginx, node, each on a free port until a block ends."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
PEERS_FOLDER = Path(__file__).parent / "peers"
START_SECONDS = 60
STOP_SECONDS = 40
SECRET = "bench-" + "0123456789abcdefghij" * 2


class NotHere(Exception):
    """A server that is not installed, or does not start; the message says which and why."""


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server to be run: `ready` is a path that it answers on `port` once it serves."""

    command: Sequence[str]
    port: int
    log: Path
    ready: str = "/healthz"
    folder: Path = ROOT
    env: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def running(self) -> Iterator[int]:
        """Run it until the block ends; give its process id. Raise `NotHere` if it does not start.

        What it says goes to `log`.
        """
        with self.log.open("wb") as output:
            process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            _wait_for(self, process)
            yield process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def avenue(uri: str, folder: Path, name: str, **settings: str) -> Server:
    """Run Avenue as it ships, on two processes, with `settings`; its log goes to a file."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]
    spool = folder / f"{name}-tmp"
    spool.mkdir()
    env = {
        "AVENUE_TMP_DIR": str(spool),
        "MONGODB_URI": uri,
        "AVENUE_LOCAL": "1",
        "SECRET_KEY": SECRET,
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "AVENUE_JOBS": "worker",  # sweeping and inspecting is done by nobody here
        **settings,
    }
    return Server(command=command, port=port, log=folder / f"{name}.log", ready="/readyz", env=env)


def naive(peers_uri: str, folder: Path) -> Server:
    """Run the naive view on gunicorn's own thread worker."""
    return _on_gthread("naive", folder, MONGODB_URI=peers_uri)


def plain(peers_uri: str, folder: Path) -> Server:
    """Run the plain application that makes sizes on gunicorn's own thread worker."""
    return _on_gthread("plain", folder, MONGODB_URI=peers_uri)


def thinnest(files: Path, folder: Path) -> Server:
    """Run the thinnest application on gunicorn's own thread worker, over a folder of files."""
    return _on_gthread("thinnest", folder, BENCH_FOLDER=str(files))


def _on_gthread(name: str, folder: Path, **settings: str) -> Server:
    """Run `bench.<name>` as Avenue is run: as many processes and threads."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "-c", "python:bench", "-b", f"127.0.0.1:{port}"),
        *("-k", "gthread", "-w", "2", "--threads", "8", "--no-control-socket", f"bench.{name}:app"),
    ]
    env = {"PYTHONPATH": str(ROOT), **settings}
    return Server(command=command, port=port, log=folder / f"{name}.log", env=env)


def parse(peers_uri: str, folder: Path) -> Server:
    """Run Parse Server on two processes; raise `NotHere` when it is not installed."""
    node = shutil.which("node", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
    if node is None or not (PEERS_FOLDER / "node_modules" / "parse-server").is_dir():
        raise NotHere("Parse Server: not installed (npm ci in bench/peers)")
    port = free_port()
    command = [node, str(PEERS_FOLDER / "parse.cjs"), str(port), peers_uri]
    env = {"NODE_ENV": "production"}  # it writes logs into the folder it is started in
    return Server(command=command, port=port, log=folder / "parse.log", folder=folder, env=env)


DIRECTUS_FIELDS = {"Authorization": f"Bearer {SECRET}"}


def directus(folder: Path) -> Server:
    """Run Directus with SQLite and files on disk; raise `NotHere` when it is not installed."""
    node = shutil.which("node", path=f"{os.environ['PATH']}:{Path(sys.executable).parent}")
    module = Path(os.environ.get("BENCH_DIRECTUS", PEERS_FOLDER)) / "node_modules" / "directus"
    if node is None or not module.is_dir():
        raise NotHere(
            "Directus: not installed (npm install directus, its folder in BENCH_DIRECTUS)"
        )
    place, port = folder / "directus", free_port()
    place.mkdir()
    env = {
        "NODE_ENV": "production",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "SECRET": SECRET,
        "DB_CLIENT": "sqlite3",
        "DB_FILENAME": str(place / "data.db"),
        "ADMIN_EMAIL": "admin@example.com",
        "ADMIN_PASSWORD": SECRET,
        "ADMIN_TOKEN": SECRET,
        "STORAGE_LOCATIONS": "local",
        "STORAGE_LOCAL_ROOT": str(place / "files"),
        "TELEMETRY": "false",
    }
    run = [node, str(module / "cli.js")]
    log = folder / "directus.log"
    with log.open("wb") as said:
        done = subprocess.run(
            [*run, "bootstrap"],
            cwd=place,
            env={**os.environ, **env},
            stdout=said,
            stderr=said,
            check=False,
        )
    if done.returncode:
        raise NotHere(f"Directus does not start: {log.read_text(errors='replace')[-500:]}")
    return Server(
        command=[*run, "start"], port=port, log=log, ready="/server/ping", folder=place, env=env
    )


def nginx(folder: Path, name: str, port: int, text: str) -> Server:
    """Run nginx with the configuration `text`; raise `NotHere` when it is not installed."""
    binary = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise NotHere("nginx: not installed")
    place = folder / name
    place.mkdir()
    (place / "nginx.conf").write_text(text)
    command = [binary, "-p", str(place), "-c", str(place / "nginx.conf"), "-e", "stderr"]
    return Server(command=command, port=port, log=folder / f"{name}.log", ready="/")


def _wait_for(server: Server, process: subprocess.Popen) -> None:
    ends_at = time.monotonic() + START_SECONDS
    while time.monotonic() < ends_at and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{server.port}{server.ready}").close()
        except urllib.error.HTTPError as error:
            if error.code < 500:  # nginx has nothing at /
                return
        except OSError:
            pass
        else:
            return
        time.sleep(0.1)
    said = server.log.read_text(errors="replace")[-1500:]
    raise NotHere(f"{server.log.stem} did not start: {said}")
