"""The infrastructure page, tab by tab: with a mouse, with keys only, and without JavaScript."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.history.snapshots.models import Snapshot
from avenue.health.history.snapshots.service import SNAPSHOT
from avenue.health.history.snapshots.store import SnapshotStore
from avenue.health.history.traffic.models import Counts
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from avenue.storage.connection import Database
from tests.browser.deployment import Visitor, check_accessible
from tests.migration.earlier_shop import fill
from tests.mongod import QUICK_HEARTBEAT, database_name
from tests.push import Browser
from tests.server import Server
from tests.waiting import wait_until

PATH = "/admin/infrastructure"
GB = 1024**3


@pytest.fixture(scope="module")
def database(server: Server) -> Iterator[Database]:
    """The database of the server, to put things into that take a day to come about."""
    database = Database(Settings(mongodb_uri=server.uri, local=True))
    yield database
    database.close()


@pytest.fixture(scope="module")
def jobs(database: Database) -> JobService:
    return JobService(MongoJobStore(database))


def a_job(jobs: JobService) -> Job:
    """One of a kind that nobody does, half done and given back."""
    kind = "rebuild_all"
    job = jobs.enqueue(kind, site="default")
    taken = jobs.claim({kind})
    assert taken
    assert taken.id == job.id
    jobs.save(taken, {"done": 4, "total": 10})
    return taken


def a_day_passes(database: Database) -> None:
    """Hourly snapshots of a disk that fills, and what is alerted of it."""
    taken = {"_id": SNAPSHOT, "finished_at": {"$ne": None}}
    wait_until(lambda: database.raw["jobs"].find_one(taken), "the server's own, of a real disk")
    for name in ("infra_metrics", "infra_alerts"):
        database.raw[name].delete_many({})
    store, now = SnapshotStore(database), utc_now()
    unknown = dict.fromkeys(("connections_current", "connections_available", "oplog_hours"))
    for hour in range(6):
        seen = Snapshot(
            at=now - timedelta(hours=6 - hour),
            data_bytes=GB,
            storage_bytes=GB,
            index_bytes=GB,
            disk_used_bytes=(80 + hour) * GB,
            disk_total_bytes=100 * GB,
            **unknown,
        )
        store.add(seen, Counts(requests=3600 * hour, took={100_000.0: 3600 * hour}))
    snapshots = database.raw["infra_metrics"]
    for age, each in enumerate(snapshots.find({}, sort=[("created_at", -1)]), 1):
        at = now - timedelta(hours=age)
        snapshots.update_one({"_id": each["_id"]}, {"$set": {"created_at": at}})
    # The server has looked at the disk of this machine, which may be rather full.
    database.raw["infra_alerts"].delete_many({})
    Services(Settings(local=True), database).alerts.check(seen)


def tab(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Infraestructura").get_by_role("link", name=name).click()


def test_the_state_says_what_to_do_and_is_copied_as_a_diagnosis(
    admin: Visitor, accessible: Callable[..., None]
) -> None:
    page = admin.page
    admin.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/admin/problems")
    page.get_by_role("link", name="Infraestructura").click()
    durability = page.locator(".component", has_text="Durabilidad")
    expect(durability).to_contain_text("Aviso")
    expect(durability).to_contain_text("Es una prueba")
    expect(durability).to_contain_text("necesita un conjunto de réplicas")
    disk = page.locator(".component", has_text="Disco de la base de datos")
    expect(disk.get_by_role("img")).to_have_accessible_name(re.compile(r"en uso$"))
    accessible(page)
    page.get_by_role("button", name="Copiar diagnóstico").click()
    expect(page.get_by_role("button", name="Copiado")).to_be_visible()
    told = json.loads(page.evaluate("navigator.clipboard.readText()"))
    standings = {each["key"]: each["state"] for each in told["components"]}
    assert (standings["durability"], standings["oplog"]) == ("notice", "ok")
    assert "127.0.0.1" not in json.dumps(told)
    with page.expect_download() as download:
        page.get_by_role("link", name="Descargar diagnóstico").click()
    assert json.loads(download.value.path().read_text())["components"]


@pytest.mark.long  # tests/http/test_ops presses the same buttons
def test_an_alert_is_found_and_noted_and_the_past_is_drawn(
    admin: Visitor, database: Database
) -> None:
    a_day_passes(database)
    page = admin.page
    page.goto(PATH)
    tab(page, "Alertas")
    page.get_by_label("Nivel").select_option("warning")
    page.get_by_role("button", name="Filtrar").click()
    alert = page.locator(".alert", has_text="El disco de la base de datos está lleno")
    expect(alert).to_contain_text("Sin ver")
    check_accessible(page)
    alert.get_by_role("button", name="Marcar como vista").click()
    expect(page.get_by_text("Alerta marcada como vista.")).to_be_visible()
    expect(alert).to_contain_text("Vista")
    expect(alert.get_by_role("button")).to_have_count(0)

    tab(page, "Historial")
    page.get_by_role("link", name="7 días").click()
    assert page.url.endswith("?range=7d")
    disk = page.locator(".curve", has_text="Disco de la base de datos")
    expect(disk.get_by_role("img")).to_have_accessible_name(re.compile("mínimo .* máximo"))
    assert len(disk.locator(".chart-line").get_attribute("d") or "") > 40
    disk.locator("summary").click()
    expect(disk.get_by_role("cell", name="84 %")).to_be_visible()
    check_accessible(page)


SUBSCRIBED = """
PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
  window.key = applicationServerKey.length;
  return { toJSON: () => ({ endpoint: "https://push.shop.example/x", keys: %s }) };
};
Notification.requestPermission = async () => "granted";
"""


def test_a_browser_is_subscribed_to_alerts(admin: Visitor) -> None:
    page, device = admin.page, Browser("")
    keys = {"p256dh": device.form["key"], "auth": device.form["auth"]}
    page.add_init_script(SUBSCRIBED % json.dumps(keys))
    page.goto(f"{PATH}/alerts/channels")
    check_accessible(page)
    page.get_by_role("button", name="Suscribir este navegador").click()
    expect(page.get_by_text("Desde ahora se avisa a este navegador.")).to_be_visible()
    expect(page.get_by_text("push.shop.example")).to_be_visible()
    worker = page.evaluate(
        "async () => (await navigator.serviceWorker.getRegistrations()).map((each) => each.scope)"
    )
    assert [each.partition("/admin")[2] for each in worker] == ["/infrastructure/alerts/channels/"]


@pytest.mark.long
def test_work_is_followed_paused_and_cancelled_by_keys(admin: Visitor, jobs: JobService) -> None:
    job = a_job(jobs)
    page = admin.page
    page.goto(f"{PATH}/migration")
    line = page.locator(f'[data-job="{job.id}"]')
    expect(line).to_contain_text("4 de 10")
    check_accessible(page)
    jobs.save(job, {"done": 7})
    expect(line).to_contain_text("7 de 10")
    line.get_by_role("button", name="Pausar").focus()
    page.keyboard.press("Enter")
    expect(line).to_contain_text("Pausando…")
    jobs.halt(job)
    expect(line.locator(".chip")).to_have_text("En pausa")
    line.get_by_text("Cancelar…").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    over = page.get_by_role("row").filter(has_text="rebuild_all")
    expect(over.first).to_contain_text("Se canceló; lo que ya había hecho se conserva.")
    expect(over.first).to_contain_text("7 de 10")
    assert jobs.get(job.id).is_finished


@pytest.mark.long  # tests/migration/test_adopt brings the same in
def test_an_earlier_application_moves_in_by_keys_alone(
    admin: Visitor, server: Server, database: Database
) -> None:
    client, name = database.client, database_name()
    shop = fill(client[name])
    try:
        page = admin.page
        page.goto(PATH)
        tab(page, "Mudanza")
        check_accessible(page)
        page.get_by_label("Dirección de la base de datos anterior").focus()
        ours = database.raw.name
        quick = f"&{QUICK_HEARTBEAT}"
        address = server.uri.replace(f"/{ours}", f"/{name}").replace(quick, "")
        page.keyboard.type(address)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Lo que se reconoció")).to_be_visible()
        expect(page.get_by_role("cell", name="form-0")).to_be_visible()
        check_accessible(page)
        page.get_by_role("button", name="Comenzar").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Resumen del resultado")).to_be_visible()
        brought = {"kind": "product", "collection": "shop_products"}
        assert database.raw["adopted"].count_documents(brought) == len(shop.wanted)
    finally:
        client.drop_database(name)


@pytest.mark.long
def test_everything_works_without_javascript_on_a_phone(
    visit: Callable[..., Visitor], signed_in: Any, jobs: JobService
) -> None:
    job = jobs.enqueue("rebuild_all", site="default")
    phone = {"width": 360, "height": 740}
    page = visit(java_script_enabled=False, storage_state=signed_in, viewport=phone).page
    page.goto(PATH)
    page.get_by_text("Ver diagnóstico").click()
    field = page.get_by_role("textbox", name="Diagnóstico")
    assert json.loads(field.input_value())["components"]
    expect(page.get_by_role("button", name="Copiar diagnóstico")).to_be_hidden()
    tab(page, "Tareas en segundo plano")
    line = page.locator(f'[data-job="{job.id}"]')
    line.get_by_role("button", name="Pausar").click()
    expect(page.get_by_text("En pausa.")).to_be_visible()
    line.get_by_role("button", name="Reanudar").click()
    line.get_by_text("Cancelar…").click()
    line.get_by_role("button", name="Sí, cancelar").click()
    expect(page.get_by_text("Cancelada.")).to_be_visible()
    assert jobs.get(job.id).is_finished
    tab(page, "Mudanza")
    page.get_by_role("button", name="Importar fotos").click()
    expect(page.get_by_text("Empezó. Abajo")).to_be_visible()
