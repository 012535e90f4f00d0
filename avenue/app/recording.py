"""Records the requests and errors of a web process."""

import atexit
import threading
from collections.abc import Callable
from contextlib import suppress

from flask import Flask

from avenue.errors import AvenueError
from avenue.health.history.failures.recording import FailureRecorder
from avenue.health.history.failures.service import FailureService
from avenue.health.history.failures.store import FailureStore
from avenue.health.history.traffic.counting import counted
from avenue.health.history.traffic.reporting import Reporter
from avenue.health.history.traffic.store import MongoTrafficStore
from avenue.storage.connection import Database
from avenue.storage.schema import Gate
from avenue.web import problems
from avenue.web.services import provide

LAST_REPORT_SECONDS = 2.0


def note_errors(app: Flask, database: Database, gate: Gate) -> None:
    """Collect the errors of this process in memory; they are written once it has its threads."""
    store = FailureStore(database)
    recorder = FailureRecorder(store, admit=gate.pass_or_raise)
    provide(app, recorder, FailureService(store))
    problems.note_in(app, recorder)


def write_traffic_and_errors(app: Flask, database: Database, gate: Gate) -> None:
    """Write what this process counts and collects, in threads."""
    reporter = Reporter(MongoTrafficStore(database), counted, admit=gate.pass_or_raise)
    _keep_writing("traffic", reporter.run_forever, reporter.report, database)
    recorder: FailureRecorder = app.extensions["avenue"][FailureRecorder]
    _keep_writing("errors", recorder.run_forever, recorder.write, database)


def _keep_writing(
    name: str,
    run_forever: Callable[[threading.Event], None],
    write: Callable[[], object],
    database: Database,
) -> None:
    """Write what this process collected, in a thread and once more when the process ends."""

    def last() -> None:
        with suppress(AvenueError), database.deadline(LAST_REPORT_SECONDS):
            write()

    atexit.register(last)
    threading.Thread(target=run_forever, args=(threading.Event(),), name=name, daemon=True).start()
