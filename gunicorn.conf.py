"""How gunicorn runs Avenue: `gunicorn wsgi:app`. Everything to choose is in `avenue/config.py`."""

import contextlib
import os
import select
import shutil
import tempfile
import time
from pathlib import Path

import gunicorn

from avenue.config import ConfigError, Settings
from avenue.confinement import hide_memory

try:
    settings = Settings.from_env()
except ConfigError as error:
    raise SystemExit(str(error)) from None

# Our worker leans on the inside of gunicorn, which another major version may have changed. The
# ordinary one serves the same answers, but has no fast lane and no patience with slow clients.
KNOWN_GUNICORN = 27
is_known = gunicorn.version_info[0] == KNOWN_GUNICORN
worker_class = "avenue.server.worker.Worker" if is_known else "gthread"
workers = settings.workers
threads = settings.threads
# The one our worker reads requests by. A faster one that is installed would else be taken.
http_parser = "python"
bind = f"{'127.0.0.1' if settings.local else '0.0.0.0'}:{settings.port}"  # noqa: S104 - meant

# Longer than a proxy keeps its side (nginx 60 s, common load balancers 60 s): who closes first
# must be the proxy, or it sends a request into a connection that is just going.
keepalive = 75
timeout = 60
graceful_timeout = 30
max_requests = 100_000
max_requests_jitter = 20_000

# The MongoDB client has threads and sockets, which do not survive a fork.
preload_app = False

# X-Forwarded-* is read in one place, by AVENUE_PROXY_HOPS, and not here.
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = ""
forwarder_headers = ""

# The heartbeat file must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

control_socket_disable = True
accesslog = None  # the application logs its requests
# Who switches it on all the same gets no path and no query, which may be the secret of a link.
access_log_format = "%(t)s %(m)s %(s)s %(B)s %(D)s"

# Where the workers keep their counts for /metrics, so that each can tell those of all;
# prometheus_client wants to know before it is imported.
metrics_dir = Path(settings.tmp_dir or tempfile.gettempdir()) / f"avenue-metrics-{os.getpid()}"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_dir)  # noqa: TID251 - written, not read


# What it says before `on_starting` can send it to the file.
loglevel = "error" if settings.log_file else "info"


def on_starting(server):
    """Make room for the counts; say what is missing when gunicorn is not the one we know."""
    hide_memory()  # and that of the workers, which inherit this
    shutil.rmtree(metrics_dir, ignore_errors=True)
    with contextlib.suppress(OSError):  # the worker says in words when AVENUE_TMP_DIR is no good
        metrics_dir.mkdir(mode=0o700)
    if settings.log_file:
        from avenue.web.requestlog import configure_logging

        configure_logging(settings.log_file)
    if not is_known:
        server.log.warning(
            "gunicorn %s is not known to Avenue: its ordinary thread worker runs, without the fast "
            "lane; put a proxy in front, or install what requirements.txt pins",
            gunicorn.__version__,
        )


warm_pipe = None
"""By which new processes tell that they have loaded, while a reload waits for them."""
WARM_SECONDS = 30
"""A reload goes on without one that takes longer."""


def on_reload(server):
    """Let the processes that are there answer until new ones have loaded.

    Once those are forked gunicorn calls `manage_workers`, which stops the oldest at once.
    """
    global warm_pipe  # noqa: PLW0603 - the hooks share nothing else
    if not is_known:
        return
    warm_pipe = os.pipe()
    old = set(server.WORKERS)

    def stop_old_ones():
        global warm_pipe  # noqa: PLW0603
        del server.manage_workers  # that of the class again
        reading, writing = warm_pipe
        warm_pipe = None  # processes that are forked later tell nobody
        os.close(writing)
        _wait_until_warm(server, reading, len(server.WORKERS.keys() - old))
        os.close(reading)
        server.manage_workers()

    server.manage_workers = stop_old_ones


def _wait_until_warm(server, reading, workers):
    """Return when so many have told that they have loaded, or ended, or a signal waits."""
    deadline = time.monotonic() + WARM_SECONDS
    while workers > 0 and time.monotonic() < deadline and server.SIG_QUEUE.empty():
        if select.select([reading], [], [], 0.1)[0]:
            told = os.read(reading, workers)
            if not told:  # nobody is left who might
                return
            workers -= len(told)


def post_worker_init(worker):
    """Compress what pages are made of; tell the master that this process has loaded."""
    from avenue.web.assets import compress_all

    compress_all()
    if warm_pipe is not None:
        reading, writing = warm_pipe
        os.close(reading)
        with contextlib.suppress(OSError):  # nobody waits any more
            os.write(writing, b".")
        os.close(writing)


def post_fork(server, worker):
    """Let a worker ask which signals came before it had handlers of its own.

    Those are in its copy of the master's queue, where nobody looks: the master would wait for it
    until `graceful_timeout`.
    """
    heard = server.SIG_QUEUE
    worker.heard_before = lambda: [heard.get_nowait() for _ in range(heard.qsize())]


def child_exit(server, worker):
    """Keep what a worker has counted that is gone, and forget how things stood in it."""
    from avenue.web.process_counts import add_up

    with contextlib.suppress(OSError):  # no folder: the start has failed, and says why
        add_up(metrics_dir, worker.pid)


def on_exit(server):
    """Take the counts away."""
    shutil.rmtree(metrics_dir, ignore_errors=True)
