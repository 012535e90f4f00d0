"""Role, route and site: every rule of the URL map, everybody who might call it, what they get.

A route that is not in the table fails: nothing may be called that nobody has thought about.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from pymongo.monitoring import CommandStartedEvent

from avenue.identity import Role, Scope
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.web.auth import guard_of
from avenue.web.openapi import EVERYBODY, SIGNED_IN, SUPERUSER
from avenue.web.operations import PLACE_IN_RULE
from tests.http.application import HOST, SITES, Application, Caller, a_picture, unique, zipped
from tests.http.contract import unconnected_app
from tests.http.tus import begun
from tests.listening import listening
from tests.table import table

READ, WRITE, ACCOUNT = Scope.READ, Scope.WRITE, Scope.ACCOUNT
PERSON = (SIGNED_IN,)  # any role
ADMINS = (Role.ADMIN,)
OPERATORS = (Role.OPS,)
SUPERUSERS = (SUPERUSER,)
BUILDERS = (Role.EDITOR,)
SHOP = (Role.SELLER, Role.STAFF)  # administrators have every role
EDITORS = (Role.EDITOR,)
DESCRIBERS = (Role.EDITOR, Role.STAFF)


@dataclass(frozen=True, slots=True)
class For:
    """Who may: one of `roles` and administrators; a token must be made for `scope`."""

    roles: tuple[str, ...]
    scope: Scope | None = None


ALL = For((EVERYBODY,))

WHO_MAY = {
    # People
    "POST /api/auth/login": ALL,
    "POST /api/auth/logout": For(PERSON),
    "GET /api/auth/me": For(PERSON, READ),
    "GET /api/auth/sessions": For(PERSON, ACCOUNT),
    "DELETE /api/auth/sessions": For(PERSON, ACCOUNT),
    "DELETE /api/auth/sessions/<session_id>": For(PERSON, ACCOUNT),
    "GET /api/auth/tokens": For(PERSON, ACCOUNT),
    "POST /api/auth/tokens": For(PERSON, ACCOUNT),
    "DELETE /api/auth/tokens/<token_id>": For(PERSON, ACCOUNT),
    # The site
    "GET /api/site": For(PERSON, READ),
    "PATCH /api/site": For(ADMINS, WRITE),
    "PUT /api/site/logo": For(ADMINS, WRITE),
    "DELETE /api/site/logo": For(ADMINS, WRITE),
    "GET /api/sites": For(SUPERUSERS, READ),
    "POST /api/sites": For(SUPERUSERS, WRITE),
    "GET /api/audit": For(ADMINS, READ),
    "GET /api/quarantine": For(ADMINS, READ),
    "POST /api/quarantine/<asset_id>/release": For(ADMINS, WRITE),
    "POST /mcp": For(EDITORS),  # each tool has a scope: tests/mcp
    # The shop
    "GET /api/shop/products": ALL,
    "GET /api/shop/products/export": For(SHOP, READ),
    "POST /api/shop/products": For(SHOP, WRITE),
    "GET /api/shop/products/<product_id>": ALL,
    "PATCH /api/shop/products/<product_id>": For(SHOP, WRITE),
    "DELETE /api/shop/products/<product_id>": For(SHOP, WRITE),
    "POST /api/shop/products/<product_id>/restore": For(SHOP, WRITE),
    "GET /api/shop/products/<owner_id>/images.zip": For(SHOP, READ),
    "POST /api/shop/products/<owner_id>/images": For(SHOP, WRITE),
    "PUT /api/shop/products/<owner_id>/images": For(SHOP, WRITE),
    "DELETE /api/shop/products/<owner_id>/images": For(SHOP, WRITE),
    "PATCH /api/shop/products/<owner_id>/images/<asset_id>": For(SHOP, WRITE),
    "DELETE /api/shop/products/<owner_id>/images/<asset_id>": For(SHOP, WRITE),
    "PUT /api/shop/products/<owner_id>/images/<asset_id>/file": For(SHOP, WRITE),
    "POST /api/shop/products/<owner_id>/images/<asset_id>/restore": For(SHOP, WRITE),
    **{
        f"{method} /api/shop/{shelf}/<owner_id>/images/<asset_id>/versions{rest}": For(SHOP, scope)
        for shelf in ("products", "groups")
        for method, rest, scope in (
            ("GET", "", READ),
            ("GET", "/<version>/file", READ),
            ("POST", "/<version>/restore", WRITE),
        )
    },
    "GET /api/shop/groups": ALL,
    "POST /api/shop/groups": For(SHOP, WRITE),
    "GET /api/shop/groups/<group_id>": ALL,
    "PATCH /api/shop/groups/<group_id>": For(SHOP, WRITE),
    "DELETE /api/shop/groups/<group_id>": For(SHOP, WRITE),
    "GET /api/shop/groups/<owner_id>/images.zip": For(SHOP, READ),
    "POST /api/shop/groups/<owner_id>/images": For(SHOP, WRITE),
    "PUT /api/shop/groups/<owner_id>/images": For(SHOP, WRITE),
    "DELETE /api/shop/groups/<owner_id>/images": For(SHOP, WRITE),
    "PATCH /api/shop/groups/<owner_id>/images/<asset_id>": For(SHOP, WRITE),
    "DELETE /api/shop/groups/<owner_id>/images/<asset_id>": For(SHOP, WRITE),
    "PUT /api/shop/groups/<owner_id>/images/<asset_id>/file": For(SHOP, WRITE),
    "POST /api/shop/groups/<owner_id>/images/<asset_id>/restore": For(SHOP, WRITE),
    "GET /api/shop/temp-images": For(SHOP, READ),
    "POST /api/shop/temp-images": For(SHOP, WRITE),
    "DELETE /api/shop/temp-images/<asset_id>": For(SHOP, WRITE),
    "GET /api/shop/products/import": For(SHOP, READ),
    "POST /api/shop/products/import": For(SHOP, WRITE),
    "GET /api/shop/products/import/columns": For(SHOP, READ),
    "PUT /api/shop/products/import/columns": For((Role.STAFF,), WRITE),
    "GET /api/shop/products/import/<import_id>": For(SHOP, READ),
    "GET /api/shop/products/import/<import_id>/rows": For(SHOP, READ),
    "POST /api/shop/products/import/<import_id>/apply": For(SHOP, WRITE),
    "POST /api/shop/products/import/<import_id>/undo": For(SHOP, WRITE),
    "GET /api/shop/pictures/import": For(SHOP, READ),
    "POST /api/shop/pictures/import": For(SHOP, WRITE),
    "GET /api/shop/pictures/import/<picture_import_id>": For(SHOP, READ),
    "POST /api/shop/pictures/import/<picture_import_id>": For(SHOP, WRITE),
    "GET /api/shop/pictures/import/<picture_import_id>/files": For(SHOP, READ),
    "PATCH /api/shop/pictures/import/<picture_import_id>/files": For(SHOP, WRITE),
    "GET /api/shop/pictures/import/<picture_import_id>/files/<int:number>/thumbnail": For(
        SHOP, READ
    ),
    "GET /api/shop/debug/products-status": For(OPERATORS, READ),
    "GET /api/shop/debug/storage-status": For(OPERATORS, READ),
    "GET /api/ops/capacity": For(OPERATORS, READ),
    "GET /api/ops/clusters": For(SUPERUSERS, READ),
    # Operations
    "GET /api/ops/assets": For(OPERATORS, READ),
    "GET /api/ops/assets/<asset_id>": For(OPERATORS, READ),
    "GET /api/ops/state": For(OPERATORS, READ),
    "GET /api/ops/alerts": For(OPERATORS, READ),
    "POST /api/ops/alerts/<alert_id>/ack": For(OPERATORS, WRITE),
    "POST /api/ops/alerts/test": For(OPERATORS, WRITE),
    "GET /api/ops/alerts/receivers": For(OPERATORS, READ),
    "PATCH /api/ops/alerts/receivers": For(ADMINS, WRITE),
    "DELETE /api/ops/alerts/receivers": For(ADMINS, WRITE),
    "POST /api/ops/alerts/receivers/test": For(OPERATORS, WRITE),
    "POST /api/ops/alerts/receivers/people": For(ADMINS, WRITE),
    "PUT /api/ops/alerts/receivers/webhook": For(ADMINS, WRITE),
    "DELETE /api/ops/alerts/receivers/webhook": For(ADMINS, WRITE),
    "GET /api/ops/alerts/deliveries": For(OPERATORS, READ),
    "GET /api/ops/mails": For(OPERATORS, READ),
    "GET /api/ops/errors": For(OPERATORS, READ),
    "POST /api/ops/errors/<error_id>/resolve": For(OPERATORS, WRITE),
    "POST /api/ops/errors/<error_id>/reopen": For(OPERATORS, WRITE),
    "GET /api/ops/history": For(OPERATORS, READ),
    "GET /api/ops/backups": For(OPERATORS, READ),
    "POST /api/ops/backups": For(OPERATORS, WRITE),
    "POST /api/ops/backups/verify": For(OPERATORS, WRITE),
    "POST /api/ops/backups/drill": For(OPERATORS, WRITE),
    "POST /api/ops/backups/<snapshot_id>/restore": For(OPERATORS, WRITE),
    "GET /api/ops/moves": For(SUPERUSERS, READ),
    "GET /api/ops/moves/<job_id>/report": For(SUPERUSERS, READ),
    "GET /api/ops/moves/<job_id>/report.jsonl": For(SUPERUSERS, READ),
    "POST /api/ops/moves/adopt": For(SUPERUSERS, WRITE),
    "POST /api/ops/moves/import": For(SUPERUSERS, WRITE),
    "POST /api/ops/moves/external": For(SUPERUSERS, WRITE),
    "POST /api/ops/moves/export": For(SUPERUSERS, WRITE),
    "POST /api/ops/moves/<job_id>/start": For(SUPERUSERS, WRITE),
    "GET /api/ops/jobs": For(OPERATORS, READ),
    "POST /api/ops/jobs/<job_id>/pause": For(OPERATORS, WRITE),
    "POST /api/ops/jobs/<job_id>/resume": For(OPERATORS, WRITE),
    "POST /api/ops/jobs/<job_id>/cancel": For(OPERATORS, WRITE),
    "POST /api/products/<product_id>/upload_images/": For(SHOP, WRITE),
    "POST /api/products/<product_id>/upload_images": For(SHOP, WRITE),
    "DELETE /api/products/<product_id>/delete_image/": For(SHOP, WRITE),
    "DELETE /api/products/<product_id>/delete_image": For(SHOP, WRITE),
    # The website builder
    "GET /api/builder/pages": For(BUILDERS, READ),
    "POST /api/builder/pages": For(BUILDERS, WRITE),
    "GET /api/builder/pages/<page_id>": For(BUILDERS, READ),
    "PUT /api/builder/pages/<page_id>": For(BUILDERS, WRITE),
    "DELETE /api/builder/pages/<page_id>": For(BUILDERS, WRITE),
    "POST /api/builder/pages/<page_id>/publish": For(BUILDERS, WRITE),
    "POST /api/builder/pages/<page_id>/unpublish": For(BUILDERS, WRITE),
    "PUT /api/builder/pages/<page_id>/schedule": For(BUILDERS, WRITE),
    "DELETE /api/builder/pages/<page_id>/schedule": For(BUILDERS, WRITE),
    "POST /api/builder/pages/<page_id>/preview": For(BUILDERS, WRITE),
    "GET /api/builder/pages/<page_id>/checks": For(BUILDERS, READ),
    "GET /preview/<token>": ALL,
    "GET /api/builder/pages/<page_id>/history": For(BUILDERS, READ),
    "GET /api/builder/pages/<page_id>/history/<number>": For(BUILDERS, READ),
    "POST /api/builder/pages/<page_id>/history/<number>/restore": For(BUILDERS, WRITE),
    "GET /p/<slug>": ALL,
    # The media library
    "GET /api/builder/media": For(EDITORS, READ),
    "POST /api/builder/media": For(EDITORS, WRITE),
    "GET /api/builder/media/<media_id>": For(EDITORS, READ),
    "PATCH /api/builder/media/<media_id>": For(EDITORS, WRITE),
    "DELETE /api/builder/media/<media_id>": For(EDITORS, WRITE),
    "POST /api/builder/media/<media_id>/restore": For(EDITORS, WRITE),
    "PUT /api/builder/media/<media_id>/file": For(EDITORS, WRITE),
    "GET /api/builder/media/<media_id>/usage": For(EDITORS, READ),
    "GET /api/builder/media/<media_id>/versions": For(EDITORS, READ),
    "GET /api/builder/media/<media_id>/versions/<version>/file": For(EDITORS, READ),
    "POST /api/builder/media/<media_id>/versions/<version>/restore": For(EDITORS, WRITE),
    "POST /api/builder/media/move": For(EDITORS, WRITE),
    "POST /api/builder/media/tag": For(EDITORS, WRITE),
    "POST /api/builder/media/remove": For(EDITORS, WRITE),
    "POST /api/builder/media/zip": For(EDITORS, READ),
    "GET /api/builder/reports/alt": For(EDITORS, READ),
    "PUT /api/alt-texts/<asset_id>": For(DESCRIBERS, WRITE),
    "POST /api/alt-texts/<asset_id>/suggestion": For(DESCRIBERS, WRITE),
    "GET /api/builder/reports/unused": For(EDITORS, READ),
    "GET /api/builder/folders": For(EDITORS, READ),
    "POST /api/builder/folders": For(EDITORS, WRITE),
    "GET /api/builder/folders/<folder_id>": For(EDITORS, READ),
    "PATCH /api/builder/folders/<folder_id>": For(EDITORS, WRITE),
    "DELETE /api/builder/folders/<folder_id>": For(EDITORS, WRITE),
    # General uploads; those of others are 404, as test_uploads.py shows
    "GET /api/uploads": For(PERSON, READ),
    "POST /api/uploads": For(PERSON, WRITE),
    "POST /api/core/orders/": For(PERSON, WRITE),
    "GET /api/uploads/quota": For(PERSON, READ),
    "GET /api/uploads/<upload_id>": For(PERSON, READ),
    "PATCH /api/uploads/<upload_id>": For(PERSON, WRITE),
    "DELETE /api/uploads/<upload_id>": For(PERSON, WRITE),
    "POST /api/uploads/<upload_id>/restore": For(PERSON, WRITE),
    # Links to general uploads; those of others are 404, as test_signed_links.py shows
    "POST /api/uploads/<upload_id>/sign": For(PERSON, READ),
    "POST /api/uploads/sign": For(PERSON, READ),
    "POST /api/uploads/zip": For(PERSON, READ),
    "POST /api/uploads/<upload_id>/revoke": For(PERSON, WRITE),
    "POST /api/uploads/revoke": For(ADMINS, WRITE),
    # Tickets: whoever has one uploads with it, as test_tickets.py shows
    "POST /api/uploads/tickets": For(PERSON, WRITE),
    "POST /api/uploads/tickets/<ticket_id>": ALL,
    "POST /api/uploads/tus": For(PERSON, WRITE),
    "GET /api/uploads/tus/<upload_id>": For(PERSON, READ),
    "PATCH /api/uploads/tus/<upload_id>": For(PERSON, WRITE),
    "DELETE /api/uploads/tus/<upload_id>": For(PERSON, WRITE),
    # The same for FilePond, as test_filepond.py shows
    "POST /api/uploads/filepond": For(PERSON, WRITE),
    "PATCH /api/uploads/filepond": For(PERSON, WRITE),
    "GET /api/uploads/filepond": For(PERSON, READ),
    "DELETE /api/uploads/filepond": For(PERSON, WRITE),
    # Files; private ones are 404 for others, as test_media.py shows
    "GET /media/<asset_id>/<token>/<file_name>": ALL,
    "GET /media/<asset_id>/<variant>": ALL,
    "GET /media/<path:path>": ALL,
    "GET /uploads/<path:path>": ALL,
    # Machines and pages
    "GET /api/openapi.json": ALL,
    "GET /api/docs": ALL,
    "GET /healthz": ALL,
    "GET /metrics": For(OPERATORS),  # this machine itself needs no token: see test_metrics.py
    "GET /readyz": ALL,
    "GET /": ALL,
    "GET /products/<product_id>": ALL,
    "GET /categories/<path:key>": ALL,
    "GET /products/<product_id>/<slug>": ALL,
    "GET /robots.txt": ALL,
    "GET /sitemap.xml": ALL,
    "GET /status": ALL,
    "GET /status.json": ALL,
    "GET /status/badge.svg": ALL,
    "GET /sitemap/pages.xml": ALL,
    "GET /sitemap/products-<int:number>.xml": ALL,
    "GET /site.css": ALL,
    "GET /theme.css": ALL,
    "GET /login": ALL,
    "POST /login": ALL,
    "POST /logout": ALL,
    "GET /login/oidc": ALL,
    "GET /login/oidc/callback": ALL,  # asks nobody but who has begun there
    "POST /login/passkey": ALL,
    "GET /login/second-factor": ALL,  # asks nobody but who has shown a password
    "POST /login/second-factor": ALL,
    "GET /login/forgotten": ALL,
    "POST /login/forgotten": ALL,
    "GET /login/reset/<secret>": ALL,
    "POST /login/reset": ALL,
    "GET /static/<path:name>": ALL,
    "POST /preferences": ALL,
    "GET /admin/counts": For(PERSON),
    # The panel, which takes sessions and no tokens
    "GET /admin": For(PERSON),
    "GET /admin/products/new": For(SHOP),
    "POST /admin/products/new": For(SHOP),
    "GET /admin/products/new/pictures": For(SHOP),
    "POST /admin/products/new/pictures": For(SHOP),
    "POST /admin/products/new/pictures/remove": For(SHOP),
    "GET /admin/products/<product_id>": For(SHOP),
    "POST /admin/products/<product_id>": For(SHOP),
    "POST /admin/products/<product_id>/delete": For(SHOP),
    "POST /admin/products/<product_id>/duplicate": For(SHOP),
    **{
        f"{method} /admin/{shelf}/<owner_id>/pictures{rest}": For(SHOP)
        for shelf in ("products", "groups")
        for method, rest in (
            ("GET", ""),
            ("POST", ""),
            ("POST", "/move"),
            ("POST", "/remove"),
            ("POST", "/<asset_id>/alt"),
            ("POST", "/<asset_id>/focal"),
            ("POST", "/<asset_id>/file"),
            ("POST", "/<asset_id>/restore"),
            ("POST", "/<asset_id>/versions/<version>/restore"),
        )
    },
    "GET /admin/products": For(SHOP),
    "POST /admin/products/bulk": For(SHOP),
    "GET /admin/groups": For(SHOP),
    "GET /admin/groups/new": For(SHOP),
    "POST /admin/groups/new": For(SHOP),
    "GET /admin/groups/<group_id>": For(SHOP),
    "POST /admin/groups/<group_id>": For(SHOP),
    "GET /admin/groups/<group_id>/delete": For(SHOP),
    "POST /admin/groups/<group_id>/delete": For(SHOP),
    "GET /admin/problems": For(OPERATORS),
    "POST /admin/problems/external": For(ADMINS),
    "POST /admin/problems/look": For(OPERATORS),
    "POST /admin/problems/remove": For(ADMINS),
    "GET /admin/demo": For(ADMINS),
    "POST /admin/demo": For(ADMINS),
    "POST /admin/demo/remove": For(ADMINS),
    "GET /admin/account": For(PERSON),
    "POST /admin/account/password": For(PERSON),
    "GET /admin/account/second-factor": For(PERSON),
    "POST /admin/account/second-factor": For(PERSON),
    "POST /admin/account/second-factor/codes": For(PERSON),
    "POST /admin/account/second-factor/passkeys": For(PERSON),
    "POST /admin/account/second-factor/passkeys/<passkey_id>/remove": For(PERSON),
    "POST /admin/account/second-factor/remove": For(PERSON),
    "POST /admin/account/sessions/<session_id>/end": For(PERSON),
    "POST /admin/account/sessions/end": For(PERSON),
    "GET /admin/account/tokens": For(PERSON),
    "POST /admin/account/tokens": For(PERSON),
    "POST /admin/account/tokens/<token_id>/revoke": For(PERSON),
    "GET /admin/people": For(ADMINS),
    "POST /admin/people": For(ADMINS),
    "GET /admin/people/new": For(ADMINS),
    "GET /admin/people/<user_id>": For(ADMINS),
    "POST /admin/people/<user_id>/role": For(ADMINS),
    "POST /admin/people/<user_id>/password": For(ADMINS),
    "POST /admin/people/<user_id>/link": For(ADMINS),
    "POST /admin/people/<user_id>/second-factor": For(ADMINS),
    "POST /admin/people/<user_id>/disable": For(ADMINS),
    "POST /admin/people/<user_id>/enable": For(ADMINS),
    "POST /admin/people/<user_id>/remove": For(ADMINS),
    "GET /admin/settings": For(ADMINS),
    "POST /admin/settings": For(ADMINS),
    "POST /admin/settings/logo": For(ADMINS),
    "POST /admin/settings/logo/remove": For(ADMINS),
    "GET /admin/design": For(ADMINS),
    "GET /admin/infrastructure/sites": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/add": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/clone": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/<site_id>/remove": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/<site_id>/reopen": For(SUPERUSERS),
    "GET /admin/infrastructure/sites/<site_id>/move": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/<site_id>/move": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/<site_id>/move/abort": For(SUPERUSERS),
    "POST /admin/infrastructure/sites/<site_id>/move/purge": For(SUPERUSERS),
    "GET /admin/audit": For(ADMINS),
    "GET /admin/quarantine": For(ADMINS),
    "POST /admin/quarantine/<asset_id>/release": For(ADMINS),
    "GET /admin/infrastructure": For(OPERATORS),
    "GET /admin/infrastructure/diagnosis.json": For(OPERATORS),
    "GET /admin/infrastructure/alerts": For(OPERATORS),
    "POST /admin/infrastructure/alerts/<alert_id>/acknowledge": For(OPERATORS),
    "GET /admin/infrastructure/history": For(OPERATORS),
    "GET /admin/infrastructure/mails": For(OPERATORS),
    "POST /admin/infrastructure/alerts/test": For(OPERATORS),
    "GET /admin/infrastructure/alerts/channels": For(OPERATORS),
    "POST /admin/infrastructure/alerts/channels": For(ADMINS),
    "POST /admin/infrastructure/alerts/channels/usual": For(ADMINS),
    "POST /admin/infrastructure/alerts/channels/test": For(OPERATORS),
    "POST /admin/infrastructure/alerts/channels/people": For(ADMINS),
    "POST /admin/infrastructure/alerts/channels/webhook": For(ADMINS),
    "POST /admin/infrastructure/alerts/channels/webhook/remove": For(ADMINS),
    "POST /admin/infrastructure/alerts/channels/browser": For(OPERATORS),
    "POST /admin/infrastructure/alerts/channels/browser/<browser_id>/remove": For(OPERATORS),
    "GET /admin/infrastructure/alerts/channels/worker.js": For(OPERATORS),
    "GET /admin/infrastructure/cost": For(OPERATORS),
    "GET /admin/infrastructure/errors": For(OPERATORS),
    "POST /admin/infrastructure/errors/<error_id>/resolve": For(OPERATORS),
    "POST /admin/infrastructure/errors/<error_id>/reopen": For(OPERATORS),
    "GET /admin/infrastructure/backups": For(OPERATORS),
    "POST /admin/infrastructure/backups/start": For(OPERATORS),
    "POST /admin/infrastructure/backups/restore": For(OPERATORS),
    "GET /admin/infrastructure/move": For(SUPERUSERS),
    "GET /admin/infrastructure/move/<job_id>": For(SUPERUSERS),
    "POST /admin/infrastructure/move/adopt": For(SUPERUSERS),
    "POST /admin/infrastructure/move/import": For(SUPERUSERS),
    "POST /admin/infrastructure/move/external": For(SUPERUSERS),
    "POST /admin/infrastructure/move/export": For(SUPERUSERS),
    "POST /admin/infrastructure/move/<job_id>/start": For(SUPERUSERS),
    "GET /admin/infrastructure/migration": For(OPERATORS),
    "POST /admin/infrastructure/jobs/<job_id>/pause": For(OPERATORS),
    "POST /admin/infrastructure/jobs/<job_id>/resume": For(OPERATORS),
    "POST /admin/infrastructure/jobs/<job_id>/cancel": For(OPERATORS),
    "GET /admin/audit/table.csv": For(ADMINS),
    "GET /admin/library": For(EDITORS),
    "POST /admin/library": For(EDITORS),
    "POST /admin/library/bulk": For(EDITORS),
    "POST /admin/library/zip": For(EDITORS),
    "GET /admin/alt-texts": For(DESCRIBERS),
    "POST /admin/alt-texts": For(DESCRIBERS),
    "GET /admin/library/reports/alt": For(EDITORS),
    "GET /admin/library/reports/unused": For(EDITORS),
    "POST /admin/library/folders": For(EDITORS),
    "POST /admin/library/folders/<folder_id>": For(EDITORS),
    "POST /admin/library/folders/<folder_id>/delete": For(EDITORS),
    "GET /admin/library/<media_id>": For(EDITORS),
    "POST /admin/library/<media_id>": For(EDITORS),
    "POST /admin/library/<media_id>/focal": For(EDITORS),
    "POST /admin/library/<media_id>/file": For(EDITORS),
    "POST /admin/library/<media_id>/remove": For(EDITORS),
    "POST /admin/library/<media_id>/restore": For(EDITORS),
    "POST /admin/library/<media_id>/versions/<version>/restore": For(EDITORS),
    "GET /admin/uploads": For(PERSON),
    "POST /admin/uploads/bulk": For(PERSON),
    "POST /admin/uploads/zip": For(PERSON),
    "GET /admin/uploads/new": For(PERSON),
    "POST /admin/uploads/new": For(PERSON),
    "GET /admin/uploads/<upload_id>": For(PERSON),
    "POST /admin/uploads/<upload_id>": For(PERSON),
    "POST /admin/uploads/<upload_id>/remove": For(PERSON),
    "POST /admin/uploads/<upload_id>/restore": For(PERSON),
    "GET /admin/uploads/<upload_id>/links": For(PERSON),
    "POST /admin/uploads/<upload_id>/links": For(PERSON),
    "POST /admin/uploads/<upload_id>/revoke": For(PERSON),
    "GET /admin/website": For(EDITORS),
    "POST /admin/website": For(EDITORS),
    "GET /admin/website/<page_id>": For(EDITORS),
    "POST /admin/website/<page_id>": For(EDITORS),
    "POST /admin/website/<page_id>/publish": For(EDITORS),
    "POST /admin/website/<page_id>/unpublish": For(EDITORS),
    "POST /admin/website/<page_id>/schedule": For(EDITORS),
    "GET /admin/website/<page_id>/delete": For(EDITORS),
    "POST /admin/website/<page_id>/delete": For(EDITORS),
    "GET /admin/share": For((*SHOP, Role.EDITOR)),
    "POST /admin/share": For((*SHOP, Role.EDITOR)),
    "POST /admin/share/product": For(SHOP),
    "POST /admin/share/library": For((Role.EDITOR,)),
    "POST /admin/share/remove": For((*SHOP, Role.EDITOR)),
    "GET /admin/imports": For(SHOP),
    "POST /admin/imports": For(SHOP),
    "POST /admin/imports/columns": For((Role.STAFF,)),
    "GET /admin/imports/sample.csv": For(SHOP),
    "GET /admin/imports/<import_id>": For(SHOP),
    "GET /admin/imports/pictures": For(SHOP),
    "POST /admin/imports/pictures": For(SHOP),
    "GET /admin/imports/pictures/together": For(SHOP),
    "POST /admin/imports/pictures/together": For(SHOP),
    "GET /admin/imports/pictures/<picture_import_id>": For(SHOP),
    "POST /admin/imports/pictures/<picture_import_id>": For(SHOP),
    "POST /admin/imports/pictures/<picture_import_id>/files": For(SHOP),
    "POST /admin/imports/<import_id>/apply": For(SHOP),
    "GET /admin/imports/<import_id>/undo": For(SHOP),
    "POST /admin/imports/<import_id>/undo": For(SHOP),
}

REFUSALS = {
    # The codes that say "not you", and the status each must have.
    "unauthenticated": 401,
    "invalid_token": 401,
    "forbidden": 403,
    "insufficient_scope": 403,
}
ENDING_TOKENS = {
    "POST /api/auth/logout",
    "POST /logout",
    "DELETE /api/auth/sessions",
    "POST /admin/account/sessions/end",
}
OPS, PANEL = "/api/ops", "/admin/infrastructure"
OPEN = sorted(each for each, who in WHO_MAY.items() if who == ALL)
LOCAL = {"GET /admin/design"}
"""Only `serve --local` has these; tests/browser/test_panel.py asks at their doors."""
GUARDED = sorted(WHO_MAY.keys() - OPEN - LOCAL)
OF_THE_DEPLOYMENT = {
    # On other sites superusers alone may, whatever role somebody has there.
    "GET /metrics",
    *(f"GET {area}/{of}" for area in (OPS, PANEL) for of in ("backups", "errors")),
    *(f"POST {OPS}/backups{rest}" for rest in ("", "/verify", "/drill")),
    *(f"POST {area}/alerts/test" for area in (OPS, PANEL)),
    *(
        f"POST {area}/errors/<error_id>/{what}"
        for area in (OPS, PANEL)
        for what in ("resolve", "reopen")
    ),
    f"POST {PANEL}/alerts/channels/usual",
    f"DELETE {OPS}/alerts/receivers",
}
OF_ONE_OWNER = [each for each in GUARDED if "<" in each and WHO_MAY[each].roles == SHOP]


@dataclass(frozen=True, slots=True)
class Door:
    """Somebody, and where they stand."""

    name: str
    role: Role | None = None
    on_other_site: bool = False
    superuser: bool = False
    without_scope: bool = False

    def expected(self, route: str) -> str | None:
        """The code this caller is refused with, None for somebody who may."""
        who = WHO_MAY[route]
        if who == ALL:
            return None
        if self.on_other_site:
            return "unauthenticated" if " /admin" in route else "invalid_token"
        if self.role is None and not self.superuser:
            return "unauthenticated"
        is_admin = self.superuser or self.role is Role.ADMIN
        if who.roles not in {PERSON, SUPERUSERS} and not is_admin and self.role not in who.roles:
            return "forbidden"
        if self.without_scope and who.scope:
            return "insufficient_scope"
        return "forbidden" if who.roles == SUPERUSERS and not self.superuser else None


READING = frozenset({"aggregate", "find", "getMore", "hello", "listCollections", "ping"})
DOORS = [
    Door("nobody"),
    *(Door(role.value, role) for role in Role),
    Door("superuser", superuser=True),
    Door("admin of another site", Role.ADMIN, on_other_site=True),
    Door("admin's token without the scope", Role.ADMIN, without_scope=True),
]

AWAY = "_on_other_site"


class Counts:
    """How many documents there are. They are counted anew once something but a read was sent."""

    def __init__(self, application: Application) -> None:
        self._application = application
        self._counted: dict[str, int] | None = None

    def sent(self, event: CommandStartedEvent) -> None:
        if event.command_name not in READING:
            self._counted = None

    def now(self) -> dict[str, int]:
        if self._counted is None:
            self._counted = self._application.counts()
        return self._counted


class Cast:
    """Everybody who calls `host`, and a seller's things they call about."""

    def __init__(self, application: Application, host: str = HOST) -> None:
        self.application = application
        self.host = host
        self.here, self.away = ("", AWAY) if host == HOST else (AWAY, "")
        self.counts = Counts(application)
        self._callers: dict[tuple[Door, Scope | None], Caller] = {}
        self.owner = application.new_person(unique("besitzer"), host=host)
        for admin in ("admin", "admin_on_other_site"):
            application.caller(admin).patch("/api/site", json={"status_page": True})
        product = self.owner.a_product(a_picture(), a_picture(), status="draft")
        group = self.owner.post("/api/shop/groups", json={"name": unique("Modelo ")}).json
        of_group = self.owner.upload(f"/api/shop/groups/{group['id']}/images", a_picture()).json
        temporary = self.owner.upload("/api/shop/temp-images", a_picture()).json
        tokens = self.owner.get("/api/auth/tokens").json
        table = {"data": f"sku,name\n{unique('IMP-')},Zapato\n", "content_type": "text/csv"}
        self.an_import = self.owner.post("/api/shop/products/import", **table).json
        archive = {"data": zipped({"nobody.jpg": a_picture()}), "content_type": "application/zip"}
        self.of_pictures = self.owner.post("/api/shop/pictures/import", **archive).json
        self.resumed = begun(self.owner, 10)
        self.product, self.image, self.group = product, product["images"][0], group
        self.upload = self.owner.upload("/api/uploads", a_picture()).json
        editor = application.caller(f"editor{self.here}")
        self.media = editor.upload("/api/builder/media", a_picture()).json
        folder = editor.post("/api/builder/folders", json={"name": unique("Carpeta ")})
        self.folder = folder.json
        jobs = JobService(MongoJobStore(application.database))
        self.job = jobs.enqueue("nobody does it", site=SITES[host])
        self.ticket = self.owner.post("/api/uploads/tickets", json={}).json
        self.page = editor.post("/api/builder/pages", json={"title": unique("Inicio ")}).json
        self.of_group, self.temporary, self.token = of_group, temporary, tokens["items"][0]

    def path(self, rule: str, **others: str) -> str:
        """The rule with things that are there, or `others`; one nobody has thought about fails."""
        of_group = rule.startswith(("/api/shop/groups", "/admin/groups"))
        asset = self.temporary if "temp-images" in rule else self.image
        known = {
            "product_id": self.product["id"],
            "group_id": self.group["id"],
            "owner_id": self.group["id"] if of_group else self.product["id"],
            "asset_id": self.of_group["id"] if of_group else asset["id"],
            "token_id": self.token["id"],
            "passkey_id": self.token["id"],
            "session_id": self.token["id"],  # nobody has one of this id
            "import_id": self.an_import["id"],
            "media_id": self.media["id"],
            "version": (self.image if "images" in rule else self.media["file"])["version"],
            "folder_id": self.folder["id"],
            "ticket_id": self.ticket["id"],
            "upload_id": self.resumed if "/tus/" in rule else self.upload["id"],
            "user_id": self.owner.id,
            "secret": "x" * 43,
            "picture_import_id": self.of_pictures["id"],
            "token": self.image["url"].split("/")[-2],
            "file_name": "original.jpg",
            "variant": "original",
            "path": "nothing/here.jpg",
            "name": "css/tokens.css",
            "slug": "zapato",
            "key": "nothing/here",
            "page_id": self.page["id"],
            "number": "1",
            "job_id": self.job.id,
            "site_id": "elsewhere",  # a site that is removed is nobody's any more
            "snapshot_id": "000001-20261125T000000Z",
            "error_id": self.job.id,  # as of an alert
            "browser_id": self.job.id,
            "alert_id": self.job.id,  # there is none, which nobody else may be told
            **others,
        }
        return PLACE_IN_RULE.sub(lambda place: known[place[1]], rule)

    def expected(self, door: Door, route: str) -> str | None:
        """The code that somebody who stands at `door` of `route` is refused with here, if any."""
        is_elsewhere = self.host != HOST and route in OF_THE_DEPLOYMENT and not door.superuser
        return door.expected(route) or ("forbidden" if is_elsewhere else None)

    def caller(self, door: Door, route: str) -> Caller:
        """Somebody who stands at `door` of `route`; with a new token where the route may end it."""
        scope = WHO_MAY[route].scope if door.without_scope else None
        if route in ENDING_TOKENS:
            return self._new_caller(door, scope)
        if (door, scope) not in self._callers:
            self._callers[door, scope] = self._new_caller(door, scope)
        return self._callers[door, scope]

    def _new_caller(self, door: Door, scope: Scope | None) -> Caller:
        application = self.application
        if door.superuser:
            return self._superuser()
        if door.role is None:
            return application.caller(f"nobody{self.here}")
        caller = application.caller(f"{door.role.value}{self.here}")
        if door.without_scope:
            return application.with_scopes(caller, *({*Scope} - {scope}))
        if door.on_other_site:
            away = application.caller(f"admin{self.away}")
            return Caller(application, application.app, caller.host, token=away.token, id=away.id)
        return application.with_scopes(caller, *Scope)

    def _superuser(self) -> Caller:
        email = f"{unique('super')}@shop.example"
        accounts = self.application.accounts
        user = accounts.add_user(email, "grey-teapot-ladder-92", roles={}, superuser=True).user
        site = SITES[self.host]
        made = accounts.add_token(email, site, name="tests", scopes=frozenset(Scope), days=1)
        return Caller(
            self.application, self.application.app, self.host, token=made.secret, id=user.id
        )


@pytest.fixture(scope="module")
def cast(application: Application) -> Iterator[Cast]:
    cast = Cast(application)
    with listening(cast.counts.sent):
        yield cast


def ask(caller: Caller, method: str, path: str) -> Any:
    """Send a request that asks for nothing: who may is refused for that, at most."""
    body = {} if method == "GET" else {"json": {}}
    return caller.ask(method, path, headers={"Accept": "application/json"}, **body)


def code_of(answer: Any) -> str | None:
    """The code of a refusal because of who asks."""
    body = answer.json if answer.is_json else None
    code = body.get("code") if isinstance(body, dict) else None
    return code if code in REFUSALS else None


def routes_of(app: Flask) -> Iterator[str]:
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield f"{method} {rule.rule}"


def test_every_route_is_in_the_table_and_no_other():
    assert set(WHO_MAY) == set(routes_of(unconnected_app()))


def test_every_route_is_guarded_as_the_table_says() -> None:
    """Every role, by what the guard of a view says; that guards act is looked at below."""
    app = unconnected_app()
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            route = f"{method} {rule.rule}"
            guard, who = guard_of(app.view_functions[rule.endpoint]), WHO_MAY[route]
            assert (guard is None) == (who == ALL), route
            if guard is None:
                continue
            assert guard.superuser == (who.roles == SUPERUSERS), route
            named = set(who.roles) <= {*Role}
            may = {each for each in Role if any(map(each.covers, guard.roles))}
            assert may | {Role.ADMIN} == {Role.ADMIN, *(who.roles if named else ())}, route
            if rule.rule.startswith("/api/"):
                assert guard.scope_for(method) == who.scope, route


@table("route", GUARDED)
def test_who_may_call(cast: Cast, route: str) -> None:
    """Nobody and who may not; at each third also who may, a weak token, and of another site."""
    doors = some_doors_of(route)
    least = [each for each in doors if each.name == "nobody" or each.expected(route) == "forbidden"]
    ask_at_doors(cast, route, least if GUARDED.index(route) % 3 else doors)


@pytest.mark.long
@table("route", GUARDED)
def test_who_may_call_of_everybody(cast: Cast, route: str) -> None:
    ask_at_doors(cast, route, doors_of(route))


def doors_of(route: str) -> list[Door]:
    return [each for each in DOORS if WHO_MAY[route].scope or not each.without_scope]


def some_doors_of(route: str) -> list[Door]:
    who = WHO_MAY[route]
    highest = who.roles == SUPERUSERS
    roles = {Role.CLIENT, *who.roles[:1], *([Role.ADMIN] if highest else [])}
    return [
        each
        for each in doors_of(route)
        if each.role in roles
        or each.on_other_site
        or each.without_scope
        or (each.superuser and highest)
        or each.name == "nobody"
    ]


def ask_at_doors(cast: Cast, route: str, doors: list[Door]) -> None:
    """What those are refused who may not come changes nothing."""
    method, rule = route.split()
    path = cast.path(rule)
    nowhere = re.sub("[A-Za-z0-9_-]{22}", "x" * 22, path)
    callers = {door: cast.caller(door, route) for door in doors}
    closed = {door: code for door in callers if (code := cast.expected(door, route))}
    before = cast.counts.now()
    for door, expected in closed.items():
        answer = ask(callers[door], method, path)
        refusal = (answer.status_code, code_of(answer))
        assert refusal == (REFUSALS[expected], expected), door.name
    assert cast.counts.now() == before
    for door, caller in callers.items():
        if door not in closed:
            # What they may do is not done here.
            answer = ask(caller, method, nowhere)
            assert code_of(answer) is None, f"{door.name}: {answer.text}"


# Who is refused although everybody may come would be nobody, or somebody of another site.
SOME_DOORS = [each for each in DOORS if each.name == "nobody" or each.on_other_site]
OTHER_DOORS = [each for each in DOORS if each not in SOME_DOORS]


@table("route", OPEN)
@table("door", SOME_DOORS)
def test_what_is_open_is_open_to_everybody(cast: Cast, route: str, door: Door):
    open_to(cast, route, door)


@pytest.mark.long
@table("route", OPEN)
@table("door", OTHER_DOORS)
def test_what_is_open_is_open_to_every_role(cast: Cast, route: str, door: Door):
    open_to(cast, route, door)


def open_to(cast: Cast, route: str, door: Door) -> None:
    method, rule = route.split()
    answer = ask(cast.caller(door, route), method, cast.path(rule))
    if door.on_other_site and route in PERSONAL:
        assert code_of(answer) == "invalid_token"
    else:
        assert code_of(answer) is None, answer.text


PERSONAL = {
    # Open to everybody, but they show more to somebody: a bad token is said to be bad.
    "GET /api/shop/products",
    "GET /api/shop/products/<product_id>",
    "GET /api/shop/groups",
    "GET /api/shop/groups/<group_id>",
}


STRANGERS = ["other_seller", "seller_on_other_site", "staff_on_other_site", "admin_on_other_site"]


@pytest.fixture
def _all_as_it_was(cast: Cast) -> Iterator[None]:
    """What a seller has is the same after a test as before."""
    before = everything_of(cast)
    yield
    assert everything_of(cast) == before


@pytest.mark.usefixtures("_all_as_it_was")
@table("route", OF_ONE_OWNER)
def test_what_somebody_else_owns_is_not_there(cast: Cast, application: Application, route: str):
    is_not_there(cast, application, route, ("other_seller", "staff_on_other_site"))


@pytest.mark.long
@pytest.mark.usefixtures("_all_as_it_was")
@table("route", OF_ONE_OWNER)
def test_what_somebody_else_owns_is_not_there_for_any_stranger(
    cast: Cast, application: Application, route: str
) -> None:
    is_not_there(cast, application, route, STRANGERS)


def is_not_there(cast: Cast, application: Application, route: str, whoever: Iterable[str]) -> None:
    method, rule = route.split()
    strangers = {who: application.caller(who) for who in whoever}
    before = cast.counts.now()
    for who, stranger in strangers.items():
        answer = send_well_formed(stranger, method, cast.path(rule), rule)
        assert answer.status_code == 404, f"{who}: {answer.text}"
    assert cast.counts.now() == before


def everything_of(cast: Cast) -> list[Any]:
    urls = [
        f"/api/shop/products/{cast.product['id']}",
        f"/api/shop/groups/{cast.group['id']}",
        "/api/shop/temp-images",
    ]
    return [cast.owner.get(url).json for url in urls]


def send_well_formed(caller: Caller, method: str, path: str, rule: str) -> Any:
    """Send what the route would do something with, for its owner."""
    if method in {"POST", "PUT"} and rule.rstrip("/").endswith(("file", "upload_images")):
        return caller.upload(path, a_picture(), method=method)
    if rule.endswith("/images") and method == "POST":
        return caller.upload(path, a_picture())
    return caller.ask(method, path, json=BODIES.get((method, rule.rpartition("/")[2])))


BODIES: dict[tuple[str, str], Any] = {
    ("PATCH", "<product_id>"): {"name": "Mío"},
    ("PATCH", "<group_id>"): {"name": "Mío"},
    ("PATCH", "<asset_id>"): {"alt": {"es": "Mío"}},
    ("PUT", "images"): {"order": [], "revision": 1},
    ("PATCH", "files"): {"files": [{"number": 1, "product": None}]},
    ("DELETE", "images"): {"image_url": "https://elsewhere.example/a.jpg"},
    ("DELETE", "delete_image"): {"image_url": "https://elsewhere.example/a.jpg"},
    ("DELETE", ""): {"image_url": "https://elsewhere.example/a.jpg"},
}


def test_the_description_says_the_same(application: Application):
    for route, who in WHO_MAY.items():
        method, rule = route.split()
        path = PLACE_IN_RULE.sub(r"{\1}", rule)
        told = application.contract.document["paths"].get(path, {}).get(method.lower())
        if told is None:
            continue
        roles = {Role.ADMIN, *who.roles} if set(who.roles) <= {*Role} else set(who.roles)
        callers = told["x-callers"]
        assert ({callers} if isinstance(callers, str) else set(callers)) == roles, route
        scopes = [each["token"] for each in told["security"] if each.get("token")]
        assert scopes == ([[who.scope]] if who.scope else []), route
