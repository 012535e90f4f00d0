"""The routes and pages of all packages, and the navigation of the panel."""

from flask import Flask

from avenue.accounts import pages as account_pages, routes as account_routes
from avenue.audit import pages as audit_pages, routes as audit_routes
from avenue.backup import pages as backup_pages, routes as backup_routes
from avenue.builder.editor import pages as editor_pages
from avenue.builder.library import pages as library_pages, routes as library_routes
from avenue.builder.website import pages as website_pages, routes as website_routes
from avenue.config import Settings
from avenue.health.views import pages as ops_pages, routes as ops_routes
from avenue.health.views.capacity import routes as capacity_routes
from avenue.health.views.pages import problems as problem_pages, state as state_pages
from avenue.health.views.public import routes as public_routes
from avenue.health.views.receivers import routes as receiver_routes
from avenue.health.views.status import routes as status_routes
from avenue.health.views.trace import routes as trace_routes
from avenue.mcp import routes as mcp_routes
from avenue.media.alt_texts import pages as alt_text_pages, routes as alt_text_routes
from avenue.media.quarantine import pages as quarantine_pages, routes as quarantine_routes
from avenue.media.serving import routes as media_routes
from avenue.moves import pages as move_pages, routes as move_routes
from avenue.provisioning import pages as provisioning_pages, routes as provisioning_routes
from avenue.shop import pages as shop_pages, routes as shop_routes
from avenue.sites import pages as site_pages, routes as site_routes
from avenue.uploads import pages as upload_pages, routes as upload_routes
from avenue.uploads.aliases import routes as alias_routes
from avenue.uploads.filepond import routes as filepond_routes
from avenue.uploads.links import routes as link_routes
from avenue.uploads.tickets import routes as ticket_routes
from avenue.uploads.tus import routes as tus_routes
from avenue.uploads.zips import routes as zip_routes
from avenue.web import design, docs

NAVIGATION = (
    *shop_pages.NAVIGATION,
    *problem_pages.NAVIGATION,
    *library_pages.NAVIGATION,
    *alt_text_pages.NAVIGATION,
    *editor_pages.NAVIGATION,
    *upload_pages.NAVIGATION,
    *account_pages.NAVIGATION,
    *site_pages.NAVIGATION,
    *state_pages.NAVIGATION,
    *audit_pages.NAVIGATION,
)
"""The panel's navigation, package by package."""
NAVIGATION_WITH_SCANNER = (*NAVIGATION, *quarantine_pages.NAVIGATION)


def register_blueprints(app: Flask, settings: Settings) -> None:
    """Register the routes and pages of all packages."""
    for blueprint in (
        account_routes.blueprint,
        *account_pages.BLUEPRINTS,
        media_routes.blueprint,
        quarantine_routes.blueprint,
        quarantine_pages.blueprint,
        alt_text_routes.blueprint,
        alt_text_pages.blueprint,
        *shop_routes.BLUEPRINTS,
        *shop_pages.BLUEPRINTS,
        *ops_pages.BLUEPRINTS,
        backup_routes.blueprint,
        backup_pages.blueprint,
        move_routes.blueprint,
        move_pages.blueprint,
        provisioning_pages.blueprint,
        provisioning_routes.blueprint,
        status_routes.blueprint,
        public_routes.blueprint,
        capacity_routes.blueprint,
        trace_routes.blueprint,
        receiver_routes.blueprint,
        ops_routes.blueprint,
        docs.blueprint,
        audit_routes.blueprint,
        audit_pages.blueprint,
        site_routes.blueprint,
        site_pages.blueprint,
        tus_routes.blueprint,
        filepond_routes.blueprint,
        upload_routes.blueprint,
        link_routes.blueprint,
        ticket_routes.blueprint,
        zip_routes.blueprint,
        *upload_pages.BLUEPRINTS,
        website_routes.blueprint,
        website_pages.blueprint,
        *editor_pages.BLUEPRINTS,
        *library_routes.BLUEPRINTS,
        *library_pages.BLUEPRINTS,
        mcp_routes.blueprint,
        alias_routes.blueprint_of(settings),  # registered last, so that it hides no other route
    ):
        app.register_blueprint(blueprint)
    if settings.local:
        app.register_blueprint(design.blueprint)
