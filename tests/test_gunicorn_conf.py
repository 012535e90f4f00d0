"""How gunicorn is configured, and that it says in words why it does not start."""

import contextlib
import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import gunicorn
import psutil
import pytest
from gunicorn.app.wsgiapp import WSGIApplication
from gunicorn.workers.gthread import ThreadWorker

from avenue.server.worker import GUNICORN_MAJOR, Worker
from tests.mongod import free_port
from tests.server import environment
from tests.waiting import DEADLINE_SECONDS, ending, wait_until

ROOT = Path(__file__).parent.parent


@pytest.fixture
def configured(monkeypatch):
    """Return a function that loads the configuration as gunicorn does."""

    def load(**env):
        for name in ("MONGODB_URI", "SECRET_KEY", "PUBLIC_BASE_URL", "AVENUE_LOCAL"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")  # which the configuration sets
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["gunicorn", "wsgi:app"])
        monkeypatch.chdir(ROOT)
        return WSGIApplication().cfg

    return load


@contextlib.contextmanager
def gunicorn_running(
    conf: Path, env: dict[str, str], said: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """Run gunicorn with a configuration of the test; what it says is in the file `said`."""
    with said.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", str(conf), "wsgi:app"],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=log,
        )
    with ending(process):
        yield process


def test_a_local_server_listens_on_loopback_only(configured):
    cfg = configured(AVENUE_LOCAL="1", PORT="8123", WEB_CONCURRENCY="3", AVENUE_THREADS="5")
    assert cfg.address == [("127.0.0.1", 8123)]
    assert (cfg.workers, cfg.threads) == (3, 5)
    assert cfg.worker_class is Worker
    assert cfg.http_parser == "python"  # whatever else is installed


def test_a_gunicorn_nobody_knows_runs_its_own_worker(configured, monkeypatch):
    monkeypatch.setattr(gunicorn, "version_info", (28, 0, 0))
    cfg = configured(AVENUE_LOCAL="1")
    assert cfg.worker_class is ThreadWorker
    said = []
    cfg.on_starting(
        SimpleNamespace(log=SimpleNamespace(warning=lambda text, *facts: said.append(text % facts)))
    )
    assert len(said) == 1
    assert "not known" in said[0]


def test_the_known_one_is_the_workers_own(configured):
    cfg = configured(AVENUE_LOCAL="1")
    assert cfg.on_starting.__globals__["KNOWN_GUNICORN"] == GUNICORN_MAJOR


def test_a_worker_that_is_told_to_stop_before_it_serves_ends(tmp_path, guard, migrated_uri):
    """SIGTERM to the first worker before it has handlers, to the second while it loads.

    Each goes, and another one comes. Python 3.11 turns what is raised in `__set_name__` into
    `RuntimeError`, which gunicorn would take for an application that cannot be loaded.
    """
    conf = tmp_path / "conf.py"
    conf.write_text(
        f"""
import os, signal
exec(open({str(ROOT / "gunicorn.conf.py")!r}).read())
workers = 1
ours = post_fork
class Told:
    def __set_name__(self, owner, name):
        os.kill(os.getpid(), signal.SIGTERM)
def post_fork(server, worker):
    if worker.age == 1:
        os.kill(os.getpid(), signal.SIGTERM)
    if worker.age == 2:
        worker.load_wsgi = lambda: type("Loaded", (), {{"told": Told()}})
    ours(server, worker)
"""
    )
    port = free_port()
    said = tmp_path / "log"
    with gunicorn_running(conf, environment(migrated_uri, port), said) as process:
        wait_until(lambda: said.read_text().count("Booting worker") == 3, "another worker")
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0, said.read_text()
    assert "Traceback" not in said.read_text()


@pytest.mark.long
def test_a_reload_stops_no_process_before_new_ones_have_loaded(tmp_path, guard, migrated_uri):
    conf, may_load = tmp_path / "conf.py", tmp_path / "may load"
    conf.write_text(
        f"""
import time
from pathlib import Path
exec(open({str(ROOT / "gunicorn.conf.py")!r}).read())
workers = 2
ours = post_worker_init
def post_worker_init(worker):
    while worker.age > workers and not Path({str(may_load)!r}).exists():
        time.sleep(0.02)
    ours(worker)
"""
    )
    port = free_port()
    said = tmp_path / "log"
    with gunicorn_running(conf, environment(migrated_uri, port), said) as process:

        def workers() -> set[int]:
            return {each.pid for each in psutil.Process(process.pid).children()}

        wait_until(lambda: answers(port), "it serves")
        old = workers()
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(workers()) == 4, "new processes beside the old ones")
        for _ in range(20):
            assert answers(port)
        assert workers() > old
        may_load.touch()
        wait_until(lambda: len(workers()) == 2 and not workers() & old, "only new processes")
        assert answers(port)
        # One that is forked later tells nobody that it has loaded.
        os.kill(min(workers()), signal.SIGKILL)
        wait_until(lambda: said.read_text().count("Booting worker") == 5, "another process")
        wait_until(lambda: len(workers()) == 2 and answers(port))
        process.terminate()
        assert process.wait(DEADLINE_SECONDS) == 0


def answers(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        contextlib.closing(
            http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_SECONDS)
        ) as connection,
    ):
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    return False


def test_a_deployed_server_listens_everywhere(configured):
    cfg = configured(
        MONGODB_URI="mongodb://db.example/avenue",
        PUBLIC_BASE_URL="https://shop.example",
        SECRET_KEY="dfGh38-kLmnb_Qwe92zXcvB71-plOkmIjn",
    )
    assert cfg.address == [("0.0.0.0", 8000)]  # noqa: S104


LOADED_BEFORE_THE_FORK = """
import gc, runpy, sys, threading
import psutil
from pymongo import MongoClient
conf = runpy.run_path("gunicorn.conf.py")
conf["when_ready"](None)
assert "avenue.app.starting" in sys.modules
assert threading.enumerate() == [threading.main_thread()]
assert not psutil.Process().net_connections("all")
gc.unfreeze()
assert not [each for each in gc.get_objects() if isinstance(each, MongoClient)]
"""


def test_modules_that_are_loaded_before_the_fork_open_nothing_and_start_no_thread():
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED_BEFORE_THE_FORK],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "AVENUE_LOCAL": "1"},
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (loaded.returncode, loaded.stderr) == (0, "")


def test_no_forwarded_header_is_believed_and_no_application_is_made_before_the_fork(configured):
    cfg = configured(AVENUE_LOCAL="1")
    assert (cfg.secure_scheme_headers, cfg.forwarded_allow_ips, cfg.forwarder_headers) == (
        {},
        [],
        [],
    )
    assert cfg.control_socket_disable
    assert not cfg.preload_app
    assert cfg.accesslog is None


def start(**env):
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "wsgi:app"],
        cwd=ROOT,
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_mistakes_in_the_settings_end_the_start_with_their_sentences():
    ended = start(AVENUE_THREADS="many")
    assert ended.returncode == 1
    assert "AVENUE_THREADS must be a whole number, not 'many'" in ended.stderr
    assert "MONGODB_URI is missing" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_folder_that_cannot_hold_bodies_ends_the_start_with_a_sentence():
    ended = start(AVENUE_LOCAL="1", AVENUE_TMP_DIR="/nowhere")
    assert ended.returncode == 1
    assert "AVENUE_TMP_DIR must be a folder to write to" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_another_gunicorn_is_refused(monkeypatch):
    monkeypatch.setattr(gunicorn, "version_info", (28, 0, 0))
    with pytest.raises(RuntimeError, match="knows the inside of gunicorn 27 only"):
        Worker.check_config(SimpleNamespace(is_ssl=False), None)


def test_tls_is_refused():
    with pytest.raises(RuntimeError, match="speaks no TLS"):
        Worker.check_config(SimpleNamespace(is_ssl=True), None)
