"""Every route and every job reads about what it shows, in a store of everything there is.

A route or job without a row fails: nothing may be added of which nobody has looked what it reads.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.app.site_jobs import PUBLISH
from avenue.app.walks import REBUILD, SWEEP
from avenue.clock import utc_now
from avenue.health.checks.fsck import FSCK
from avenue.health.checks.inspection import INSPECT, REFERENCES
from avenue.health.checks.scrub import SCRUB
from avenue.health.facts.certificates import CERTIFICATES
from avenue.health.facts.work import TELL_SITES, WATCH
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.media.references import IMPORT_EXTERNAL
from avenue.media.store.assets import SUMMED_AT_ONCE
from avenue.media.store.documents import LONG_AGO
from avenue.moves.models import ADOPT, EXPORT, IMPORT_EXPORT, IMPORT_FOLDER, IMPORT_FROM
from avenue.moves.service import as_operator
from avenue.shop.service.imports import IMPORT, UNDO
from avenue.shop.service.picture_imports import PICTURES_BY_SKU
from avenue.shop.service.samples import LOAD
from avenue.sites.cloning import CLONE, CloneOrder
from avenue.sites.moving import MOVE, PURGE_MOVED
from avenue.sites.removal import REMOVE, REMOVE_DUE
from avenue.storage.holders import COUNT_QUOTAS
from avenue.storage.site_counts import COUNT_SITES
from avenue.storage.sites import Sites
from bench.filling import Filling
from tests.http.application import (
    BOUNDARY,
    FORM,
    OTHER_SITE,
    PASSWORD,
    Application,
    Caller,
    Part,
    a_picture,
    form,
    zipped,
)
from tests.http.contract import unconnected_app
from tests.http.test_moves import superuser
from tests.http.test_who_may import DOORS, PERSON, SHOP, WHO_MAY, Cast, routes_of
from tests.http.test_work_of_queries import (
    BEYOND_THE_ROUTE,
    LISTS,
    Store,
    counts_no_more,
    is_too_much,
    profiled,
    read_by,
    reads_about_what_it_returns,
    told,
)
from tests.http.tus import PART_TYPE, SPEAKS, metadata
from tests.migration.earlier_shop import fill
from tests.mongod import QUICK_HEARTBEAT, Mongod
from tests.table import table

Options = Mapping[str, Any]
MEANT = {"headers": {"Accept": "application/json"}}
"""Beside what a row sends."""
TO_COME = (utc_now() + timedelta(days=1)).isoformat()


class Deployment(Cast):
    """A store of everything, and somebody's own things in it that requests are about."""

    def __init__(self, application: Application) -> None:
        self.store = Store(application)
        super().__init__(application)
        (self.superuser,) = (
            self.caller(each, "GET /api/audit") for each in DOORS if each.superuser
        )

    def asker(self, route: str) -> Caller:
        """The owner where only owners come, else somebody who may do everything."""
        return self.owner if WHO_MAY[route].roles in {SHOP, PERSON} else self.superuser


def sends(**options: Any) -> Callable[[Deployment], Options]:
    """The same, whatever is there."""
    return lambda _: options


def body(**fields: Any) -> Callable[[Deployment], Options]:
    return lambda deployment: {
        "json": {name: named(deployment, each) for name, each in fields.items()}
    }


def filled(**fields: Any) -> Callable[[Deployment], Options]:
    return lambda deployment: {
        "data": {name: named(deployment, each) for name, each in fields.items()}
    }


def named(deployment: Deployment, value: Any) -> Any:
    return value(deployment) if callable(value) else value


def file(field: str = "file") -> Callable[[Deployment], Options]:
    return lambda _: {"data": form(Part(a_picture(), field=field)), "content_type": FORM}


def part(_: Deployment) -> Options:
    headers = {**SPEAKS, "Upload-Offset": "0"}
    return {"data": b"%PDF-1.7\n0", "content_type": PART_TYPE, "headers": headers}


def beginning(_: Deployment) -> Options:
    return {"headers": {**SPEAKS, "Upload-Length": "10", "Upload-Metadata": metadata(name="a.pdf")}}


def pond(_: Deployment) -> Options:
    known = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="filepond"\r\n\r\n{{}}\r\n'
    return {
        "data": known.encode() + form(Part(a_picture(), field="filepond")),
        "content_type": FORM,
    }


def table_of(data: str, content_type: str) -> Callable[[Deployment], Options]:
    return sends(data=data, content_type=content_type)


def product(deployment: Deployment) -> str:
    return str(deployment.product["id"])


def image(deployment: Deployment) -> str:
    return str(deployment.image["id"])


def media(deployment: Deployment) -> list[str]:
    return [deployment.media["id"], *deployment.store.media[:5]]


def upload(deployment: Deployment) -> list[str]:
    return [deployment.upload["id"]]


def folder(deployment: Deployment) -> str:
    return str(deployment.folder["id"])


NOTHING = sends(json={})
EMPTY = sends(data={})
PICTURES: Mapping[str, Callable[[Deployment], Options]] = {
    "": EMPTY,
    "/move": filled(key=image, to="last"),
    "/<asset_id>/alt": filled(alt_es="Un zapato"),
    "/<asset_id>/focal": filled(x="20", y="30"),
    "/<asset_id>/file": file(),
    "/<asset_id>/restore": EMPTY,
    "/<asset_id>/versions/<version>/restore": EMPTY,
    "/remove": filled(key=image),
}
IMAGES: Mapping[str, Callable[[Deployment], Options]] = {
    "POST ": file(),
    "PUT ": body(order=[], revision=1),
    "PATCH /<asset_id>": body(alt={"es": "Un zapato"}, focal=[0.1, 0.2]),
    "PUT /<asset_id>/file": file(),
    "POST /<asset_id>/versions/<version>/restore": NOTHING,
    "DELETE ": body(image_url="https://elsewhere.example/a.jpg"),
    "DELETE /<asset_id>": NOTHING,
    "POST /<asset_id>/restore": NOTHING,
}

WRITES: Mapping[str, Callable[[Deployment], Options]] = {
    # What each route that changes something is sent. What removes a thing comes after what needs
    # it.
    "POST /api/auth/login": body(email="nobody@shop.example", password="wrong-and-long"),
    "POST /api/auth/tokens": body(name="more", scopes=["read"]),
    "PATCH /api/site": body(name="Avenue"),
    "PUT /api/site/logo": file(),
    "DELETE /api/site/logo": NOTHING,
    "POST /api/sites": body(id="third", base_url="https://third.example"),
    # The shop
    "POST /api/shop/products": body(name="Bota", sku="BOTA-1"),
    "PATCH /api/shop/products/<product_id>": body(name="Bota", status="published"),
    "POST /api/shop/groups": body(name="Modelo nuevo", product_ids=lambda h: [product(h)]),
    "PATCH /api/shop/groups/<group_id>": body(name="Modelo", product_ids=lambda h: [product(h)]),
    **{
        f"{method} /api/shop/{shelf}/<owner_id>/images{rest}": sent
        for shelf in ("products", "groups")
        for each, sent in IMAGES.items()
        for method, rest in [each.split(" ")]
    },
    "POST /api/shop/temp-images": file(),
    "DELETE /api/shop/temp-images/<asset_id>": NOTHING,
    "POST /api/products/<product_id>/upload_images/": file(),
    "POST /api/products/<product_id>/upload_images": file(),
    "DELETE /api/products/<product_id>/delete_image/": body(image_url="https://e.example/a.jpg"),
    "DELETE /api/products/<product_id>/delete_image": body(image_url="https://e.example/a.jpg"),
    "POST /api/shop/products/import": table_of("sku,name\nSKU-0000012,Zapato\n", "text/csv"),
    "PUT /api/shop/products/import/columns": sends(json={"columns": []}),
    "POST /api/shop/products/import/<import_id>/apply": NOTHING,
    "POST /api/shop/products/import/<import_id>/undo": NOTHING,
    "POST /api/shop/pictures/import": file(),
    "POST /api/shop/pictures/import/<picture_import_id>": NOTHING,
    "PATCH /api/shop/pictures/import/<picture_import_id>/files": body(
        files=[{"number": 1, "product": None}]
    ),
    # Operations
    "POST /api/ops/alerts/<alert_id>/ack": NOTHING,
    "POST /api/ops/alerts/test": NOTHING,
    "PATCH /api/ops/alerts/receivers": body(levels={}),
    "DELETE /api/ops/alerts/receivers": NOTHING,
    "POST /api/ops/alerts/receivers/test": body(key="webhook"),
    "POST /api/ops/alerts/receivers/people": body(email="admin@shop.example"),
    "PUT /api/ops/alerts/receivers/webhook": body(url="https://hooks.shop.example/alerts"),
    "DELETE /api/ops/alerts/receivers/webhook": NOTHING,
    "POST /api/ops/errors/<error_id>/resolve": NOTHING,
    "POST /api/ops/errors/<error_id>/reopen": NOTHING,
    "POST /api/ops/backups": NOTHING,
    "POST /api/ops/backups/verify": NOTHING,
    "POST /api/ops/backups/drill": NOTHING,
    "POST /api/ops/backups/<snapshot_id>/restore": body(kind="product", id=product),
    "POST /api/ops/moves/adopt": body(uri="mongodb://127.0.0.1:1/old", dry_run=True),
    "POST /api/ops/moves/import": body(place="old", kind="uploads"),
    "POST /api/ops/moves/export": body(target="out"),
    "POST /api/ops/moves/external": NOTHING,
    "POST /api/ops/moves/<job_id>/start": NOTHING,
    "POST /api/ops/jobs/<job_id>/pause": NOTHING,
    "POST /api/ops/jobs/<job_id>/resume": NOTHING,
    # Agents; other tools ask the same services as the routes
    "POST /mcp": body(
        jsonrpc="2.0", id=1, method="tools/call", params={"name": "list_media", "arguments": {}}
    ),
    # The website builder
    "POST /api/builder/pages": body(title="Otra", html="<p>Hola</p>"),
    "PUT /api/builder/pages/<page_id>": body(title="Otra", html="<p>Hola</p>", revision=1),
    "POST /api/builder/pages/<page_id>/publish": body(revision=2),
    "PUT /api/builder/pages/<page_id>/schedule": body(publish_at=TO_COME),
    "DELETE /api/builder/pages/<page_id>/schedule": NOTHING,
    "POST /api/builder/pages/<page_id>/preview": NOTHING,
    "POST /api/builder/pages/<page_id>/history/<number>/restore": body(revision=3),
    "POST /api/builder/pages/<page_id>/unpublish": NOTHING,
    "POST /api/builder/media": file(),
    "PATCH /api/builder/media/<media_id>": body(alt={"es": "Un zapato"}, tags=["rojo"]),
    "PUT /api/builder/media/<media_id>/file": file(),
    "POST /api/builder/media/<media_id>/versions/<version>/restore": NOTHING,
    "POST /api/builder/media/move": body(ids=media, folder=folder),
    "POST /api/builder/media/tag": body(ids=media, add=["azul"]),
    "POST /api/builder/media/zip": body(ids=lambda h: [h.media["id"]]),
    "POST /api/builder/media/remove": body(ids=lambda h: [*h.store.media[-3:]], force=True),
    "POST /api/builder/folders": body(name="Otra carpeta"),
    "PATCH /api/builder/folders/<folder_id>": body(name="Renombrada"),
    # General uploads
    "POST /api/uploads": file(),
    "POST /api/core/orders/": file(),
    "PATCH /api/uploads/<upload_id>": body(reference="ORD-7", visibility="public"),
    "POST /api/uploads/<upload_id>/sign": NOTHING,
    "POST /api/uploads/sign": body(items=lambda h: [{"id": each} for each in upload(h)]),
    "POST /api/uploads/zip": body(ids=upload),
    "POST /api/uploads/<upload_id>/revoke": NOTHING,
    "POST /api/uploads/tickets": NOTHING,
    "POST /api/uploads/tickets/<ticket_id>": file(),
    "POST /api/uploads/tus": beginning,
    "PATCH /api/uploads/tus/<upload_id>": part,
    "DELETE /api/uploads/tus/<upload_id>": sends(headers=SPEAKS),
    "POST /api/uploads/filepond": pond,
    "PATCH /api/uploads/filepond": sends(data=b"0", content_type=PART_TYPE),
    "DELETE /api/uploads/filepond": lambda h: {"data": upload(h)[0], "content_type": "text/plain"},
    "POST /api/uploads/revoke": NOTHING,
    "POST /api/quarantine/<asset_id>/release": body(reason="A test of our own."),
    "PUT /api/alt-texts/<asset_id>": body(language="en", text="A shoe", was=""),
    "POST /api/alt-texts/<asset_id>/suggestion": body(language="en"),
    # Pages and forms
    "POST /preferences": filled(language="en"),
    "POST /login": filled(email="nobody@shop.example", password="wrong-and-long"),
    "POST /login/forgotten": filled(email="nobody@shop.example"),
    "POST /login/reset": filled(secret="x" * 43, password="grey-teapot-ladder-93"),
    "POST /admin/account/password": filled(current="wrong", new="grey-teapot-ladder-93"),
    "POST /admin/account/tokens": filled(name="more", scope="read"),
    "POST /admin/people": filled(email="eve@shop.example", role="seller", how="made"),
    "POST /admin/people/<user_id>/role": filled(role="seller"),
    "POST /admin/people/<user_id>/link": EMPTY,
    "POST /admin/people/<user_id>/second-factor": EMPTY,
    "POST /login/second-factor": filled(otp="123456"),
    "POST /login/passkey": EMPTY,
    "POST /admin/account/second-factor/passkeys": filled(password=PASSWORD),
    "POST /admin/account/second-factor/passkeys/<passkey_id>/remove": filled(password=PASSWORD),
    "POST /admin/account/second-factor": filled(password=PASSWORD, otp="123456", setup="x"),
    "POST /admin/account/second-factor/codes": filled(password=PASSWORD),
    "POST /admin/account/second-factor/remove": filled(password=PASSWORD),
    "POST /admin/settings": filled(name="Avenue"),
    "POST /admin/settings/logo": file(),
    "POST /admin/settings/logo/remove": EMPTY,
    "POST /admin/infrastructure/sites/add": filled(id="fourth", base_url="https://fourth.example"),
    "POST /admin/infrastructure/sites/clone": filled(
        **{"from": "default", "id": "fifth", "base_url": "https://fifth.example"}
    ),
    "POST /admin/infrastructure/sites/<site_id>/remove": EMPTY,
    "POST /admin/infrastructure/sites/<site_id>/reopen": EMPTY,
    "POST /admin/infrastructure/sites/<site_id>/move": filled(to="c2"),
    "POST /admin/infrastructure/sites/<site_id>/move/abort": EMPTY,
    "POST /admin/infrastructure/sites/<site_id>/move/purge": EMPTY,
    "POST /admin/infrastructure/alerts/<alert_id>/acknowledge": EMPTY,
    "POST /admin/infrastructure/alerts/test": EMPTY,
    "POST /admin/infrastructure/alerts/channels": EMPTY,
    "POST /admin/infrastructure/alerts/channels/usual": EMPTY,
    "POST /admin/infrastructure/alerts/channels/test": filled(key="webhook"),
    "POST /admin/infrastructure/alerts/channels/people": filled(email="admin@shop.example"),
    "POST /admin/infrastructure/alerts/channels/webhook": filled(
        site="default", url="https://hooks.shop.example/alerts"
    ),
    "POST /admin/infrastructure/alerts/channels/webhook/remove": filled(site="default"),
    "POST /admin/infrastructure/alerts/channels/browser": filled(endpoint="https://push.example/x"),
    "POST /admin/infrastructure/alerts/channels/browser/<browser_id>/remove": EMPTY,
    "POST /admin/infrastructure/errors/<error_id>/resolve": EMPTY,
    "POST /admin/infrastructure/errors/<error_id>/reopen": EMPTY,
    "POST /admin/infrastructure/backups/start": filled(do="backup"),
    "POST /admin/infrastructure/backups/restore": filled(kind="product", id=product),
    "POST /admin/infrastructure/move/adopt": filled(uri="mongodb://127.0.0.1:1/old"),
    "POST /admin/infrastructure/move/import": filled(place="old", kind="uploads"),
    "POST /admin/infrastructure/move/export": filled(target="out"),
    "POST /admin/infrastructure/move/external": EMPTY,
    "POST /admin/infrastructure/move/<job_id>/start": EMPTY,
    "POST /admin/infrastructure/jobs/<job_id>/pause": EMPTY,
    "POST /admin/infrastructure/jobs/<job_id>/resume": EMPTY,
    "POST /admin/problems/look": EMPTY,
    "POST /admin/problems/external": EMPTY,
    "POST /admin/problems/remove": filled(kind="product", owner=product, position="0"),
    "POST /admin/demo": EMPTY,
    "POST /admin/demo/remove": EMPTY,
    "POST /admin/products/new": filled(name="Sandalia", status="draft"),
    "POST /admin/products/new/pictures": file(),
    "POST /admin/products/new/pictures/remove": filled(key=image),
    "POST /admin/products/<product_id>": filled(name="Sandalia", status="draft", revision="1"),
    "POST /admin/products/<product_id>/duplicate": EMPTY,
    "POST /admin/products/bulk": filled(id=lambda h: [product(h)], action="publish"),
    "POST /admin/groups/new": filled(name="Modelo dos", member=lambda h: [product(h)]),
    "POST /admin/groups/<group_id>": filled(name="Modelo", member=lambda h: [product(h)]),
    **{
        f"POST /admin/{shelf}/<owner_id>/pictures{rest}": sent
        for shelf in ("products", "groups")
        for rest, sent in PICTURES.items()
    },
    "POST /admin/library": file(),
    "POST /admin/library/bulk": filled(id=media, action="tag", tags="verde"),
    "POST /admin/library/zip": filled(id=lambda h: [h.media["id"]]),
    "POST /admin/alt-texts": lambda h: {
        "data": {"id": h.media["id"], f"alt.{h.media['id']}": "Un zapato azul"}
    },
    "POST /admin/library/folders": filled(name="Tercera carpeta"),
    "POST /admin/library/folders/<folder_id>": filled(name="Cuarta carpeta"),
    "POST /admin/library/<media_id>": filled(name="foto.jpg", alt_es="Un zapato"),
    "POST /admin/library/<media_id>/focal": filled(x="20", y="30"),
    "POST /admin/library/<media_id>/file": file(),
    "POST /admin/library/<media_id>/versions/<version>/restore": EMPTY,
    "POST /admin/uploads/bulk": filled(id=upload, action="remove"),
    "POST /admin/uploads/<upload_id>/restore": EMPTY,
    "POST /admin/uploads/zip": filled(id=upload),
    "POST /admin/uploads/new": file(),
    "POST /admin/uploads/<upload_id>": filled(name="foto.jpg", reference="ORD-7"),
    "POST /admin/uploads/<upload_id>/links": filled(expires_in="3600"),
    "POST /admin/uploads/<upload_id>/revoke": EMPTY,
    "POST /admin/quarantine/<asset_id>/release": filled(reason="A test of our own."),
    "POST /admin/website": filled(title="Tercera"),
    "POST /admin/website/<page_id>": filled(title="Tercera", revision="3"),
    "POST /admin/website/<page_id>/publish": filled(revision="3"),
    "POST /admin/website/<page_id>/unpublish": EMPTY,
    "POST /admin/website/<page_id>/schedule": EMPTY,
    "POST /admin/share": file(),
    "POST /admin/share/product": sends(data={"named": "SKU-0000012", "temp_images": "A" * 22}),
    "POST /admin/share/library": sends(data={"temp_images": "A" * 22}),
    "POST /admin/share/remove": sends(data={"temp_images": "A" * 22}),
    "POST /admin/imports": file(),
    "POST /admin/imports/columns": sends(data={"name": "Costo", "field": "-"}),
    "POST /admin/imports/<import_id>/apply": EMPTY,
    "POST /admin/imports/<import_id>/undo": EMPTY,
    "POST /admin/imports/pictures": file(),
    "POST /admin/imports/pictures/<picture_import_id>": EMPTY,
    "POST /admin/imports/pictures/<picture_import_id>/files": sends(data={"file-1": ""}),
    "POST /admin/imports/pictures/together": EMPTY,
    # What ends things
    "DELETE /api/uploads/<upload_id>": NOTHING,
    "POST /api/uploads/<upload_id>/restore": NOTHING,
    "POST /admin/uploads/<upload_id>/remove": EMPTY,
    "DELETE /api/builder/media/<media_id>": NOTHING,
    "POST /api/builder/media/<media_id>/restore": NOTHING,
    "POST /admin/library/<media_id>/remove": EMPTY,
    "POST /admin/library/<media_id>/restore": EMPTY,
    "DELETE /api/builder/folders/<folder_id>": NOTHING,
    "POST /admin/library/folders/<folder_id>/delete": EMPTY,
    "DELETE /api/builder/pages/<page_id>": NOTHING,
    "POST /admin/website/<page_id>/delete": EMPTY,
    "DELETE /api/shop/groups/<group_id>": NOTHING,
    "POST /admin/groups/<group_id>/delete": EMPTY,
    "DELETE /api/shop/products/<product_id>": NOTHING,
    "POST /api/shop/products/<product_id>/restore": NOTHING,
    "POST /admin/products/<product_id>/delete": EMPTY,
    "POST /api/ops/jobs/<job_id>/cancel": NOTHING,
    "POST /admin/infrastructure/jobs/<job_id>/cancel": EMPTY,
    "POST /admin/people/<user_id>/password": EMPTY,
    "POST /admin/people/<user_id>/disable": EMPTY,
    "POST /admin/people/<user_id>/enable": EMPTY,
    "POST /admin/people/<user_id>/remove": EMPTY,
    "DELETE /api/auth/tokens/<token_id>": NOTHING,
    "POST /admin/account/tokens/<token_id>/revoke": EMPTY,
    "DELETE /api/auth/sessions/<session_id>": NOTHING,
    "POST /admin/account/sessions/<session_id>/end": EMPTY,
    "DELETE /api/auth/sessions": NOTHING,
    "POST /admin/account/sessions/end": EMPTY,
    "POST /api/auth/logout": NOTHING,
    "POST /logout": EMPTY,
}
READS = sorted(each for each in WHO_MAY if each.startswith("GET "))
COUNTING = {
    **dict.fromkeys((COUNT_QUOTAS, COUNT_SITES, SNAPSHOT), SUMMED_AT_ONCE),
    **dict.fromkeys((INSPECT, FSCK), 1_000),
}
"""What one step of a job reads at most: those that sum so that no request has to; walks, for which
the plan that MongoDB keeps may be one that passes over the records of another site."""
ASSETS = 3_000
TABLES = (
    # How much is read for each thing that the database returns; a product's pictures are sought.
    ("/admin/audit/table.csv", 2),
    ("/api/builder/reports/alt?format=csv", 3),
    ("/api/builder/reports/unused?format=csv", 3),
    ("/api/shop/products/export", 6),
    ("/api/shop/products/export?pictures=no_alt", 8),
    ("/api/shop/products/export?pictures=problems", 6),
)
BESIDE_ROWS = 600
"""What a table may read besides. Nothing is counted for it: a count for each of its parts makes the
whole grow with the square."""
SHOW_MANY = (
    # What says how much there is, which is told from a count that was made before, or to a bound.
    "/",
    "/admin",
    "/admin/counts",
    "/admin/problems",
    "/admin/infrastructure",
    "/admin/alt-texts",
    "/admin/library",
    "/admin/products?pictures=problems",
    "/api/shop/debug/products-status",
    "/api/shop/debug/storage-status",
    "/api/shop/products?pictures=no_alt",
    "/api/shop/products?pictures=problems",
    "/api/shop/products?pictures=none",
    "/api/builder/reports/alt",
    "/api/builder/folders",
    "/api/uploads/quota",
    "/api/ops/state",
    "/api/openapi.json",
)
PATIENCE_SECONDS = 120
"""What is counted here are keys and documents; how long the database takes for them is not."""
BOUND = 50
BOUNDS = (
    *(f"avenue.{each}.MOST_COUNTED" for each in ("totals", "storage.collection")),
    "avenue.builder.library.folders.store.MOST_COUNTED",
    "avenue.builder.library.store.MOST_READ",
    "avenue.media.alt_texts.store.MOST_READ",
    "avenue.media.quarantine.store.MOST_COUNTED",
    "avenue.storage.site_counts.FEW",
    "avenue.storage.quotas.MOST_AT_ONCE",
    "avenue.shop.store.product_queries.MOST_LACKING",
    "avenue.shop.pages.home.MOST_TOLD",
    "avenue.health.views.status.service.MOST_FOUND",
    "avenue.health.views.status.service.MOST_URL_OWNERS",
    "avenue.health.views.state.service.MOST_FOUND",
)
"""How far is counted. With less than there is, whatever else grows is seen."""
NOTICED = 300
"""What twice as much may read more: plans differ somewhat."""


def periodic(kind: str, **args: Any) -> Callable[[Application], str]:
    """A job that is run now."""
    return lambda whole: Background(whole.settings, whole.database).begin(kind, args).id


def job_of(collection: str, started: TestResponse, whole: Application) -> str:
    assert started.status_code < 300, started.text
    run = whole.raw[collection].find_one({"_id": started.json["id"]})
    assert run is not None
    return str(run["undo"]["job"] if run.get("undo") else run["job"])


def an_import(whole: Application) -> str:
    rows = "".join(f"SKU-{number:07d},Zapato {number}\n" for number in range(100, 130))
    sent = {"data": f"sku,name\n{rows}", "content_type": "text/csv"}
    begun = whole.caller("admin").post("/api/shop/products/import", **sent)
    return job_of("shop_imports", begun, whole)


def an_undo(whole: Application) -> str:
    whole.work(an_import(whole))
    last = whole.raw["shop_imports"].find_one(sort=[("created_at", -1)])
    assert last is not None
    begun = whole.caller("admin").post(f"/api/shop/products/import/{last['_id']}/undo")
    return job_of("shop_imports", begun, whole)


def pictures_by_sku(whole: Application) -> str:
    archive = zipped({f"SKU-{number:07d}.jpg": a_picture() for number in range(4)})
    sent = {"data": archive, "content_type": "application/zip"}
    path = "/api/shop/pictures/import"
    planned = whole.caller("admin").post(path, **sent)
    begun = whole.caller("admin").post(f"{path}/{planned.json['id']}")
    return job_of("shop_picture_imports", begun, whole)


def by_a_button(path: str, kind: str) -> Callable[[Application], str]:
    def press(whole: Application) -> str:
        assert whole.caller("admin").post(path).status_code == 303
        job = whole.raw["jobs"].find_one({"kind": kind}, sort=[("created_at", -1)])
        assert job is not None
        return str(job["_id"])

    return press


def a_move(path: str, **wanted: Any) -> Callable[[Application], str]:
    """A move of files in the directory for moves, begun by who runs the installation."""

    def begin(whole: Application) -> str:
        place = Path(whole.settings.move_dir)
        (place / "old").mkdir(exist_ok=True)
        (place / "old/a.jpg").write_bytes(a_picture())
        (place / "list.csv").write_text("url\n")
        chief = superuser(whole, whole.made(whole.settings))
        begun = chief.post(f"/api/ops/moves/{path}", json=wanted)
        assert begun.status_code < 300, begun.text
        return str(begun.json["id"])

    return begin


def an_export_that_comes_back(whole: Application) -> str:
    whole.work(a_move("export", target="back", parts=["uploads"], private=True)(whole))
    return a_move("import", place="back", dry_run=True)(whole)


def an_adoption(whole: Application) -> str:
    """Of a small shop of an earlier application, on the same server."""
    fill(whole.mongod.client[f"{whole.raw.name}_old"])
    ours = whole.settings.mongodb_uri.replace(QUICK_HEARTBEAT, "retryReads=true")
    uri = ours.replace(f"/{whole.raw.name}", f"/{whole.raw.name}_old")
    return a_move("adopt", uri=uri, dry_run=False)(whole)


def a_clone(whole: Application) -> str:
    """Of the first site, all of it."""
    sites = Sites(whole.database, whole.settings)
    service = Services(whole.settings, whole.database).clones
    order = CloneOrder(original=DEFAULT_SITE, target="clone", base_url="https://clone.example")
    return service.clone(as_operator(command_actor(sites.named(DEFAULT_SITE))), order).id


def a_removal(whole: Application) -> str:
    """Of the other site, which was removed long ago."""
    removal = {"at": LONG_AGO, "due_at": LONG_AGO}
    whole.raw["sites"].update_one(
        {"_id": OTHER_SITE}, {"$set": {"state": "removed", "removal": removal}}
    )
    return periodic(REMOVE, site=OTHER_SITE)(whole)


JOBS: Mapping[str, Callable[[Application], str]] = {
    # Each kind of job, and how it begins.
    SWEEP: periodic(SWEEP),
    INSPECT: periodic(INSPECT),
    REFERENCES: periodic(REFERENCES),
    SCRUB: periodic(SCRUB),
    FSCK: periodic(FSCK, site=None, repair=False),
    SNAPSHOT: periodic(SNAPSHOT),
    WATCH: periodic(WATCH),
    TELL_SITES: periodic(TELL_SITES),
    CERTIFICATES: periodic(CERTIFICATES),
    COUNT_QUOTAS: periodic(COUNT_QUOTAS),
    COUNT_SITES: periodic(COUNT_SITES),
    PUBLISH: periodic(PUBLISH),
    REBUILD: periodic(REBUILD),
    IMPORT: an_import,
    UNDO: an_undo,
    PICTURES_BY_SKU: pictures_by_sku,
    LOAD: by_a_button("/admin/demo", LOAD),
    IMPORT_EXTERNAL: by_a_button("/admin/problems/external", IMPORT_EXTERNAL),
    IMPORT_FOLDER: a_move("import", place="old", kind="uploads", prefix="/old"),
    IMPORT_FROM: a_move("import", place="list.csv", kind="uploads"),
    EXPORT: a_move("export", target="out", parts=["uploads"], private=True),
    IMPORT_EXPORT: an_export_that_comes_back,
    ADOPT: an_adoption,
    CLONE: a_clone,
    MOVE: periodic(MOVE, site=OTHER_SITE, to="home"),  # there is no other cluster: tests/sites
    PURGE_MOVED: periodic(PURGE_MOVED),
    REMOVE_DUE: periodic(REMOVE_DUE),
    REMOVE: a_removal,  # last: with it goes a site
}


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Deployment]:
    with Application(mongod, read_seconds=PATIENCE_SECONDS) as application:
        yield Deployment(application)
        application.raw.command("profile", 0)


def test_every_route_has_its_row() -> None:
    routes = set(routes_of(unconnected_app()))
    assert {*READS, *WRITES} == routes


@table("route", READS)
def test_what_is_shown_reads_about_as_much(deployment: Deployment, route: str) -> None:
    with profiled(deployment.store.raw) as asked:
        answer = deployment.asker(route).get(deployment.path(route.split()[1]))
    assert answer.status_code < 500, answer.text
    assert [told(each) for each in asked if is_too_much(each)] == []


@table("who, place", BEYOND_THE_ROUTE)
def test_a_query_reads_about_what_it_returns(deployment: Deployment, who: str, place: str) -> None:
    reads_about_what_it_returns(deployment.store, who, place)


@pytest.mark.parametrize(("listed", "there", "page", "said"), LISTS[1:4])
def test_no_more_are_counted_than_ten_thousand(
    deployment: Deployment,
    monkeypatch: pytest.MonkeyPatch,
    listed: str,
    there: int,
    page: str,
    said: str,
) -> None:
    assert deployment.store.callers["admin"].get(listed).json["total"] >= there
    counts_no_more(deployment.store, monkeypatch, listed, page, said)


def everything_read(raw: Any, caller: Caller, path: str) -> tuple[int, int]:
    """What a request makes the database read in all, counts included, and what it returns."""
    with profiled(raw) as asked:
        answer = caller.get(path)
    assert answer.status_code == 200, answer.text
    return sum(map(read_by, asked)), sum(each.get("nreturned", 0) for each in asked)


@table("path, each", TABLES)
def test_a_table_reads_about_what_it_has(deployment: Deployment, path: str, each: int) -> None:
    read, returned = everything_read(deployment.store.raw, deployment.superuser, path)
    assert returned > 50
    assert read <= each * returned + BESIDE_ROWS


@pytest.fixture
def growing(mongod: Mongod) -> Iterator[Store]:
    with Application(mongod, read_seconds=PATIENCE_SECONDS) as application:
        yield Store(application)
        application.raw.command("profile", 0)


def test_twice_as_much_makes_nothing_read_more(
    growing: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    chief = superuser(growing.application, growing.application.app)
    for each in BOUNDS:
        monkeypatch.setattr(each, BOUND)
    before = {each: everything_read(growing.raw, chief, each) for each in SHOW_MANY}
    growing.grow()
    for path, (read, _) in before.items():
        now, _ = everything_read(growing.raw, chief, path)
        assert now <= read + NOTICED, path


@pytest.mark.long
@table("route", WRITES)
def test_what_changes_something_reads_about_as_much(deployment: Deployment, route: str) -> None:
    method, rule = route.split()
    sent = WRITES[route](deployment)
    with profiled(deployment.store.raw) as asked:
        answer = deployment.asker(route).ask(method, deployment.path(rule), **{**MEANT, **sent})
    assert answer.status_code < 500, answer.text
    assert [told(each) for each in asked if is_too_much(each)] == []


@pytest.fixture(scope="module")
def whole(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    """A store whose records have all their bytes, as background work goes through them."""
    moves = str(tmp_path_factory.mktemp("moves"))
    with Application(mongod) as application:
        application.settings = replace(application.settings, move_dir=moves)
        owner = application.caller("seller").id
        Filling(application.database, str(owner)).fill(ASSETS)
        yield application
        application.raw.command("profile", 0)


def test_every_job_has_its_row(application: Application, tmp_path: Path) -> None:
    settings = replace(application.settings, move_dir=str(tmp_path))
    handled = Background(settings, application.database).kinds
    assert handled == set(JOBS)


@pytest.mark.long  # each job goes through 3,000 files
@table("kind", JOBS)
def test_a_job_reads_about_what_it_looks_at(whole: Application, kind: str) -> None:
    whole.forget_jobs()
    job_id = JOBS[kind](whole)
    with profiled(whole.raw) as asked:
        job = Background(whole.settings, whole.database).finish(job_id)
    assert job.kind == kind
    assert job.error is None
    most = COUNTING.get(kind, 0)
    assert [told(each) for each in asked if is_too_much(each) and read_by(each) > most] == []
