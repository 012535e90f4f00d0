"""Starts the application of a web process, with its background threads."""

import logging
import sys
import threading

from flask import Flask

from avenue.app import create_app, telemetry
from avenue.app.background import Background
from avenue.app.background_watch import watch_forever
from avenue.app.recording import write_traffic_and_errors
from avenue.app.services import disk_cache_of
from avenue.config import Settings
from avenue.errors import Unavailable
from avenue.media.serving.refreshing import Refresher
from avenue.storage.connection import Database
from avenue.storage.schema import START_SECONDS, UNFIT, Gate
from avenue.web import metrics, requestlog, scraping
from avenue.web.error_reporting import TelemetryNotInstalled

BOOT_ERROR = 3  # gunicorn exits instead of restarting the worker again and again

log = logging.getLogger(__name__)


def start() -> Flask:
    """Return the application of a web process, with its background threads running.

    Ends the process if the database must not be used. If it is unreachable, requests and `/readyz`
    report that until it is back.
    """
    settings = Settings.from_env()
    requestlog.configure_logging(settings.log_file)
    try:
        telemetry.send_telemetry(settings)
    except TelemetryNotInstalled as error:
        log.critical("%s %s", error.message, error.hint)
        sys.exit(BOOT_ERROR)
    scraping.count_with_others()
    database = Database(settings, meter=metrics.PoolMeter())
    gate = Gate(database)
    try:
        with database.deadline(START_SECONDS):
            gate.pass_or_raise()
    except UNFIT as error:
        log.critical("%s %s", error.message, error.hint)
        sys.exit(BOOT_ERROR)
    except Unavailable as error:
        log.warning("%s %s", error.message, error.hint)
    app = create_app(settings, database, disk_cache_of(settings))
    telemetry.trace(app, settings)
    if settings.cache_seconds:
        refresher: Refresher = app.extensions["avenue"][Refresher]
        threading.Thread(target=refresher.run_forever, name="refresher", daemon=True).start()
    if settings.jobs == "inline":
        threading.Thread(
            target=Background(settings, database).run_forever, name="jobs", daemon=True
        ).start()
    threading.Thread(
        target=watch_forever,
        args=(settings, database, threading.Event()),
        name="watch",
        daemon=True,
    ).start()
    write_traffic_and_errors(app, database, gate)
    return app
