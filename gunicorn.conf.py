"""How gunicorn runs Avenue: `gunicorn wsgi:app`. The settings are in `avenue/config.py`."""

import contextlib
import gc
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

# Our worker uses internals of gunicorn, which another major version may change. With another
# version gunicorn's thread worker runs: the same answers, but slow clients occupy threads.
KNOWN_GUNICORN = 27
is_known = gunicorn.version_info[0] == KNOWN_GUNICORN
worker_class = "avenue.server.worker.Worker" if is_known else "gthread"
workers = settings.workers
threads = settings.threads
# The parser that our worker uses. Otherwise gunicorn takes a faster one if it is installed.
http_parser = "python"
bind = f"{'127.0.0.1' if settings.local else '0.0.0.0'}:{settings.port}"  # noqa: S104 - meant

# Longer than proxies keep a connection (nginx and common load balancers: 60 s). The proxy must be
# the first to close it; otherwise it may send a request into a connection that is being closed.
keepalive = 75
timeout = 60
graceful_timeout = 30
max_requests = 100_000
max_requests_jitter = 20_000

# The MongoDB client has threads and sockets, which do not survive a fork: each process makes its
# own. Modules are loaded before the fork all the same (`when_ready`).
preload_app = False

# Only the application reads X-Forwarded-*, as AVENUE_PROXY_HOPS says.
secure_scheme_headers: dict[str, str] = {}
forwarded_allow_ips = ""
forwarder_headers = ""

# In memory, because writing the heartbeat must not wait for a disk.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108

control_socket_disable = True
accesslog = None  # the application logs its requests
# For those who switch it on: no path and no query, because they may be the secret of a link.
access_log_format = "%(t)s %(m)s %(s)s %(B)s %(D)s"

# Where workers keep their counts for /metrics, so that each can report those of all.
# prometheus_client reads the variable when it is imported.
metrics_dir = Path(settings.tmp_dir or tempfile.gettempdir()) / f"avenue-metrics-{os.getpid()}"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_dir)  # noqa: TID251 - written, not read


# Until `on_starting` has configured the log file, only errors go to stderr.
loglevel = "error" if settings.log_file else "info"


def on_starting(server):
    """Create the folder of the counts; warn if the version of gunicorn is unknown."""
    hide_memory()  # the workers inherit this
    shutil.rmtree(metrics_dir, ignore_errors=True)
    with contextlib.suppress(OSError):  # the worker reports an unusable AVENUE_TMP_DIR
        metrics_dir.mkdir(mode=0o700)
    if settings.log_file:
        from avenue.web.requestlog import configure_logging

        configure_logging(settings.log_file)
    if not is_known:
        server.log.warning(
            "gunicorn %s is not known to Avenue: its thread worker runs, without the fast lane. "
            "Put a proxy in front, or install the version in requirements.txt",
            gunicorn.__version__,
        )


def when_ready(server):
    """Load all modules and compress static files before the fork: processes share the memory.

    A module opens nothing and starts no thread when it is loaded. Signals are already handled.
    """
    import avenue.app.starting  # noqa: F401
    from avenue.web.assets import compress_all

    compress_all()
    gc.collect()
    gc.freeze()  # a collection would write to shared pages, and so copy them


warm_pipe = None
"""New processes write to it when they have loaded, while a reload waits for them."""
WARM_SECONDS = 30
"""A reload does not wait longer."""


def on_reload(server):
    """Let the old processes answer until new ones have loaded.

    gunicorn forks new ones, then calls `manage_workers`, which stops the oldest at once.
    """
    global warm_pipe  # noqa: PLW0603 - the hooks share nothing else
    if not is_known:
        return
    warm_pipe = os.pipe()
    old = set(server.WORKERS)

    def stop_old_ones():
        global warm_pipe  # noqa: PLW0603
        del server.manage_workers  # so that the method of the class is called again
        reading, writing = warm_pipe
        warm_pipe = None  # processes that are forked later write to no pipe
        os.close(writing)
        _wait_until_warm(server, reading, len(server.WORKERS.keys() - old))
        os.close(reading)
        server.manage_workers()

    server.manage_workers = stop_old_ones


def _wait_until_warm(server, reading, workers):
    """Return when `workers` processes have loaded, at the deadline, or when a signal waits."""
    deadline = time.monotonic() + WARM_SECONDS
    while workers > 0 and time.monotonic() < deadline and server.SIG_QUEUE.empty():
        if select.select([reading], [], [], 0.1)[0]:
            loaded = os.read(reading, workers)
            if not loaded:  # no process is left that could write
                return
            workers -= len(loaded)


def post_worker_init(worker):
    """Tell the master that this process has loaded."""
    if warm_pipe is not None:
        reading, writing = warm_pipe
        os.close(reading)
        with contextlib.suppress(OSError):  # the master no longer waits
            os.write(writing, b".")
        os.close(writing)


def post_fork(server, worker):
    """Give a worker the signals that arrived before it had its own handlers.

    They are in its copy of the master's queue, which nothing reads: the master would wait for this
    worker until `graceful_timeout`.
    """
    heard = server.SIG_QUEUE
    worker.heard_before = lambda: [heard.get_nowait() for _ in range(heard.qsize())]


def child_exit(server, worker):
    """Keep the counts of a worker that has ended, and drop its gauges."""
    from avenue.web.process_counts import add_up

    with contextlib.suppress(OSError):  # no folder: the start has failed and reported why
        add_up(metrics_dir, worker.pid)


def on_exit(server):
    """Remove the counts."""
    shutil.rmtree(metrics_dir, ignore_errors=True)
