"""The application factory: registers all blueprints, services and request hooks."""

from flask import Flask

from avenue.app.blueprints import NAVIGATION, NAVIGATION_WITH_SCANNER, register_blueprints
from avenue.app.gate import install_gate, let_writes_wait
from avenue.app.providing import provide_delivery, provide_services
from avenue.app.recording import note_errors
from avenue.app.services import Services
from avenue.config import Settings
from avenue.health.views.readiness import routes as readiness_routes
from avenue.health.views.readiness.service import ReadinessService
from avenue.media.serving.cache import ByteCache
from avenue.media.serving.disk_cache import DiskCache
from avenue.media.serving.response_cache import CachedResponses, ResponseCache
from avenue.server.fast_lane import AT_HAND
from avenue.storage.connection import Database
from avenue.storage.schema import Gate
from avenue.uploads.tus.methods import MeantMethods
from avenue.web import (
    assets,
    audit,
    auth,
    cache_policy,
    colours,
    cors,
    headers,
    health,
    hosts,
    language,
    limits,
    operators,
    pages,
    parsing,
    problems,
    requestlog,
    scraping,
    site_frame,
    stylesheet,
)
from avenue.web.services import provide

MB = 1024 * 1024


def create_app(settings: Settings, database: Database, disk: DiskCache | None = None) -> Flask:
    """Return the Flask application. It does not connect yet, so it starts without MongoDB.

    With a `disk`, public files are also cached there.
    """
    app = Flask("avenue", static_folder=None)
    gate = Gate(database)
    cache = ByteCache(settings.cache_mb * MB, database.turn, disk)
    services = Services(settings, database, settings.workers, cache)
    responses = provide_delivery(app, services, gate, disk)
    provide_services(app, services)

    for each in (parsing, language, assets, colours, stylesheet, site_frame, problems):
        each.install(app)
    note_errors(app, database, gate)
    install_gate(app, gate, database, settings)
    hosts.install(app, services.sites, settings)
    cors.install(app, settings)
    limits.install(app, services.rate_limits, settings, auth.current_actor)
    auth.install(app, services.callers, settings)
    audit.install(app, services.audit)
    let_writes_wait(app, database, settings)
    headers.install(app, settings)
    register_blueprints(app, settings)
    _answer_machines(app, services)
    pages.install(app, NAVIGATION_WITH_SCANNER if settings.scanner else NAVIGATION)
    cache_policy.install(app)
    _answer_ahead(app, responses)
    requestlog.install(app)
    return app


def _answer_ahead(app: Flask, responses: ResponseCache) -> None:
    """Answer cached pictures before the application is called."""
    app.extensions[AT_HAND] = responses
    app.wsgi_app = hosts.OneHost(  # type: ignore[method-assign]
        MeantMethods(CachedResponses(app.wsgi_app, responses))
    )


def _answer_machines(app: Flask, services: Services) -> None:
    """Answer orchestrators and Prometheus, which send an address instead of a host name."""
    operators.install(app, services.sites)
    health.install(app)
    probe = services.probe.probe
    provide(app, ReadinessService(services.database, probe, scanner=services.scanner))
    app.register_blueprint(readiness_routes.blueprint)
    scraping.install(app, services.queues)
