"""How everything is, was and what is being done: who may ask, what they see, and the buttons."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from avenue.app.services import Services
from avenue.clock import utc_now
from avenue.health.history.snapshots.models import QuotaUse, Snapshot
from avenue.identity import new_id
from avenue.jobs.models import Job
from avenue.jobs.service import JobService
from avenue.jobs.store import MongoJobStore
from tests.http.application import HOST, OTHER_SITE, Application, Caller
from tests.http.test_products import assert_refused
from tests.table import table

STATE, ALERTS, HISTORY, JOBS = (
    f"/api/ops/{each}" for each in ("state", "alerts", "history", "jobs")
)
PAGE = "/admin/infrastructure"
TABS = [PAGE, f"{PAGE}/alerts", f"{PAGE}/history", f"{PAGE}/migration"]
OF_A_SITE = {"integrity", "quota", "jobs"}
OF_THE_DEPLOYMENT = {"members", "durability", "disk", "database", "connections", "oplog", "traffic"}
PLAIN = {"Accept": "text/plain"}
IN_ENGLISH = {"Accept-Language": "en"}


@pytest.fixture(autouse=True)
def _nothing_is_left(application: Application) -> None:
    for name in ("jobs", "infra_alerts", "infra_metrics", "audit_logs"):
        application.raw[name].delete_many({})


@pytest.fixture
def ops(application: Application) -> Caller:
    return application.caller("ops")


@pytest.fixture
def at_other_site(application: Application) -> Caller:
    return application.caller("ops_on_other_site")


def alerted(application: Application, **facts: Any) -> None:
    """Let the hourly look see these facts: a disk that is almost full, quotas of both sites."""
    quotas = tuple(
        QuotaUse(site=site, bytes=part, most_bytes=100, files=0, most_files=0)
        for site, part in (("default", 71), (OTHER_SITE, 96))
    )
    unknown = ("data_bytes", "storage_bytes", "index_bytes", "connections_current", "oplog_hours")
    known = {"disk_used_bytes": 90, "disk_total_bytes": 100, "connections_available": None}
    seen = Snapshot(at=utc_now(), **{**dict.fromkeys(unknown), **known, "quotas": quotas, **facts})
    Services(application.settings, application.database).alerts.check(seen)


def items(caller: Caller, url: str) -> list[dict[str, Any]]:
    answer = caller.get(url)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def a_job(application: Application, site: str | None = None) -> Job:
    return JobService(MongoJobStore(application.database)).enqueue(
        "product_import", {"import": new_id()}, site=site
    )


# Who sees what


def test_operators_of_the_deployment_see_all_and_those_of_a_site_their_own(
    application: Application, ops: Caller, at_other_site: Caller
) -> None:
    Services(application.settings, application.database).snapshots.take()
    alerted(application)
    a_job(application), a_job(application, OTHER_SITE)
    for caller, keys in ((ops, OF_THE_DEPLOYMENT | OF_A_SITE), (at_other_site, OF_A_SITE)):
        told = caller.get(STATE).json
        assert {each["key"] for each in told["components"]} == keys
        assert (told["snapshot_at"] is None) == (caller is at_other_site)
    assert len(items(ops, ALERTS)) == 3
    assert [(each["measure"], each["site"]) for each in items(at_other_site, ALERTS)] == [
        ("quota", OTHER_SITE)
    ]
    assert len(items(ops, JOBS)) == 2
    assert [each["site"] for each in items(at_other_site, JOBS)] == [OTHER_SITE]
    (whole,), (own,) = items(ops, HISTORY), items(at_other_site, HISTORY)
    assert whole["disk_percent"] > 0
    assert {name for name, value in own.items() if value is not None} == {
        "at",
        "stored_bytes",
        "stored_files",
    }
    page = at_other_site.get(PAGE, headers=IN_ENGLISH).text
    assert "Disk of the database" not in page
    assert "127.0.0.1" not in page


def test_what_is_of_another_site_is_not_there(
    application: Application, at_other_site: Caller
) -> None:
    alerted(application)
    alert = next(each for each in items(application.caller("ops"), ALERTS) if each["site"] is None)
    assert_refused(at_other_site.post(f"{ALERTS}/{alert['id']}/ack"), 404, "alert_not_found")
    for job in (a_job(application), a_job(application, "default")):
        for act in ("pause", "resume", "cancel"):
            refused = at_other_site.post(f"{JOBS}/{job.id}/{act}")
            assert_refused(refused, 404, "job_not_found")
    assert {each["state"] for each in items(application.caller("ops"), JOBS)} == {"queued"}


@table(
    "url, status",
    [
        (f"{ALERTS}?state=lost", 400),
        (f"{ALERTS}?level=loud", 400),
        (f"{ALERTS}?after={'9' * 900}", 400),
        (f"{ALERTS}?limit=1000", 400),
        (f"{HISTORY}?range=1000y", 400),
        (f"{PAGE}/alerts?state=lost", 400),
        (f"{PAGE}/alerts?after=x", 400),
        (f"{PAGE}/history?range={'x' * 900}", 400),
        (f"{PAGE}/alerts?state=&level=", 200),
        (f"{PAGE}?said=nonsense&problem=nonsense", 200),
    ],
)
def test_what_cannot_be_asked(ops: Caller, url: str, status: int) -> None:
    assert ops.get(url).status_code == status


@pytest.mark.parametrize("url", [STATE, ALERTS, HISTORY, JOBS])
def test_curl_gets_lines_of_text(application: Application, ops: Caller, url: str) -> None:
    alerted(application)
    a_job(application)
    answer = ops.get(url, headers=PLAIN)
    assert answer.mimetype == "text/plain"
    first = {STATE: "generated_at: ", HISTORY: "range: 24h"}.get(url, "items: ")
    assert answer.text.startswith(first)


# Alerts


def test_an_alert_is_filtered_and_acknowledged_once(application: Application, ops: Caller) -> None:
    alerted(application)
    critical = items(ops, f"{ALERTS}?level=critical&state=open")
    assert [(each["measure"], each["value"]) for each in critical] == [("quota", 96.0)]
    url = f"{ALERTS}/{critical[0]['id']}/ack"
    assert ops.post(url).json["state"] == "acknowledged"
    assert ops.post(url).json["acknowledged_by"] == ops.id
    assert items(ops, f"{ALERTS}?level=critical&state=open") == []
    first = ops.get(f"{ALERTS}?limit=2").json
    assert (len(first["items"]), first["total"]) == (2, 3)
    assert len(items(ops, f"{ALERTS}?limit=2&after={first['next']}")) == 1


def test_the_page_acknowledges_by_a_button(application: Application, ops: Caller) -> None:
    alerted(application)
    page = ops.get(f"{PAGE}/alerts", headers=IN_ENGLISH).text
    (form, *_) = re.findall(r'action="(/admin/infrastructure/alerts/[^"]+)"', page)
    assert ops.post(form).location == f"{PAGE}/alerts?said=acknowledged"
    assert "Alert acknowledged" in ops.get(ops.post(form).location, headers=IN_ENGLISH).text
    (entry, *_) = application.caller("admin").get("/api/audit").json["items"]
    assert (entry["action"], entry["object"]["id"]) == ("alert.acknowledged", form.split("/")[-2])
    assert_refused(ops.post(f"{PAGE}/alerts/{new_id()}/acknowledge"), 404, "alert_not_found")


CHANNELS = f"{PAGE}/alerts/channels"


def test_the_page_chooses_who_is_told(
    application: Application, ops: Caller, at_other_site: Caller
) -> None:
    for name in ("alert_choices", "house_notifications"):
        application.raw[name].delete_many({})
    admin = application.caller("admin")
    wrong = admin.post(f"{CHANNELS}/webhook", data={"site": "default", "url": "https://10.0.0.1/"})
    assert (wrong.status_code, "10.0.0.1" in wrong.text) == (400, True)
    known = {"site": "default", "url": "https://hooks.shop.example/x?key=planted-k3y"}
    assert ops.post(f"{CHANNELS}/webhook", data=known).status_code == 403
    made = admin.post(f"{CHANNELS}/webhook", data=known, headers=IN_ENGLISH)
    assert made.status_code == 201
    assert made.headers["Cache-Control"] == "no-store"
    (secret,) = re.findall(r'value="(whsec_[^"]+)"', made.text)
    kept = str([*application.raw["alert_choices"].find()])
    assert not any(each in kept for each in (secret, "planted-k3y"))
    levels = {"site": "default", "key": "webhook:own", "levels.webhook:own": ["notice", "critical"]}
    assert admin.post(CHANNELS, data=levels).location == f"{CHANNELS}?site=default&said=saved"
    page = admin.get(f"{CHANNELS}?site=default", headers=IN_ENGLISH).text
    assert re.findall(r'name="levels.webhook:own" value="(\w+)" checked', page) == [
        "notice",
        "critical",
    ]
    assert secret not in page
    assert ops.post(f"{CHANNELS}/test", data=levels).status_code == 303
    page = ops.get(f"{CHANNELS}?site=default", headers=IN_ENGLISH).text
    assert re.search(r"Test of the alerts</td>\s*<td>Webhook at hooks.shop.example</td>", page)
    assert "<fieldset disabled>" in page
    assert "hooks.shop.example" not in at_other_site.get(CHANNELS).text
    assert_refused(at_other_site.get(f"{CHANNELS}?site=default"), 404, "receiver_not_found")
    assert admin.post(f"{CHANNELS}/webhook/remove", data=known).status_code == 303
    assert "hooks.shop.example" not in admin.get(f"{CHANNELS}?site=default").text
    entries = application.caller("admin").get("/api/audit").json["items"]
    assert [each["action"].removeprefix("alert.") for each in entries] == [
        *("webhook_removed", "channel_tested", "channels_changed", "webhook_set"),
    ]
    assert "planted-k3y" not in str(entries)


RECEIVERS, DELIVERIES = "/api/ops/alerts/receivers", "/api/ops/alerts/deliveries"


def test_a_program_chooses_who_is_told(
    application: Application, ops: Caller, at_other_site: Caller
) -> None:
    for name in ("alert_choices", "house_notifications"):
        application.raw[name].delete_many({})
    admin, here = application.caller("admin"), "?site=default"
    assert items(ops, RECEIVERS) == items(ops, DELIVERIES) == []
    assert_refused(
        admin.put(f"{RECEIVERS}/webhook{here}", json={"url": "http://10.0.0.1/"}),
        400,
        "invalid_webhook",
    )
    known = {"url": "https://hooks.shop.example/x?key=planted-k3y"}
    assert_refused(admin.put(f"{RECEIVERS}/webhook", json=known), 404, "receiver_not_found")
    made = admin.put(f"{RECEIVERS}/webhook{here}", json=known)
    assert made.json["secret"].startswith("whsec_")
    assert made.headers["Cache-Control"] == "no-store"
    email = {"email": f"ops@{HOST}"}
    person = admin.post(f"{RECEIVERS}/people{here}", json=email).json["person"]
    assert person == ops.id
    nobody = {"email": f"nobody@{HOST}"}
    assert_refused(admin.post(f"{RECEIVERS}/people{here}", json=nobody), 400, "not_to_be_told")
    chosen = {"levels": {"webhook:own": ["critical", "notice"]}}
    assert_refused(ops.patch(f"{RECEIVERS}{here}", json=chosen), 403, "forbidden")
    (webhook,) = admin.patch(f"{RECEIVERS}{here}", json=chosen).json["items"]
    assert webhook == {
        "key": "webhook:own",
        "kind": "own_webhook",
        "label": "hooks.shop.example",
        "levels": ["notice", "critical"],
        "may_choose": True,
    }
    wrong = {"levels": {"webhook:own": ["ok"]}}
    assert_refused(admin.patch(f"{RECEIVERS}{here}", json=wrong), 400, "invalid_body")
    assert [each["may_choose"] for each in items(ops, f"{RECEIVERS}{here}")] == [False]
    assert ops.post(f"{RECEIVERS}/test{here}", json={"key": "webhook:own"}).json["receivers"] == 1
    (sent,) = items(ops, f"{DELIVERIES}{here}")
    told = (sent["receiver"], sent["kind"], sent["state"], sent["alert"])
    assert told == ("webhook:own", "alert.test", "pending", None)
    assert "planted-k3y" not in str([sent, webhook, *application.raw["alert_choices"].find()])
    # Another site's are nobody's business there.
    for url in (f"{RECEIVERS}{here}", f"{DELIVERIES}{here}"):
        assert_refused(at_other_site.get(url), 404, "receiver_not_found")
    assert items(at_other_site, RECEIVERS) == items(at_other_site, DELIVERIES) == []
    assert admin.delete(f"{RECEIVERS}/webhook{here}").status_code == 204
    assert admin.delete(f"{RECEIVERS}{here}").json["items"] == []
    actions = [each["action"] for each in admin.get("/api/audit").json["items"]]
    assert actions == [
        *("alert.channels_reset", "alert.webhook_removed", "alert.channel_tested"),
        *("alert.channels_changed", "alert.person_added", "alert.webhook_set"),
    ]


# Jobs


def test_a_job_is_paused_resumed_and_cancelled(application: Application, ops: Caller) -> None:
    job = a_job(application, "default")
    url = f"{JOBS}/{job.id}"
    assert items(ops, JOBS)[0]["may"] == ["pause", "cancel"]
    assert ops.post(f"{url}/pause").json["state"] == "paused"
    assert ops.post(f"{url}/resume").json["state"] == "queued"
    assert ops.post(f"{url}/cancel").json["state"] == "cancelled"
    assert_refused(ops.post(f"{url}/pause"), 409, "job_over")
    JobService(MongoJobStore(application.database)).periodic("sweep", 60)
    assert_refused(ops.post(f"{JOBS}/sweep/cancel"), 409, "job_is_periodic")
    assert_refused(ops.post(f"{JOBS}/nothing/cancel"), 404, "job_not_found")
    told = application.caller("admin").get("/api/audit").json["items"]
    assert [each["action"] for each in told] == ["job.cancelled", "job.resumed", "job.paused"]
    assert told[0]["details"] == {"kind": "product_import"}


def test_the_state_tells_how_old_each_pass_is(
    application: Application, ops: Caller, at_other_site: Caller
) -> None:
    jobs, now = JobService(MongoJobStore(application.database)), utc_now()
    for kind in ("sweep", "inspect", "scrub"):
        jobs.periodic(kind, 3600)
    long_ago = {"finished_at": now - timedelta(hours=3), "run_at": now - timedelta(hours=2)}
    application.raw["jobs"].update_one({"_id": "sweep"}, {"$set": long_ago})
    running = {"state": "running", "run_at": now + timedelta(minutes=1), "progress.done": 1234}
    application.raw["jobs"].update_one({"_id": "inspect"}, {"$set": running})
    jobs.enqueue("inspect", key="now")  # no pass
    inspect, scrub, sweep = ops.get(STATE).json["passes"]
    assert (inspect["kind"], inspect["state"], inspect["done"]) == ("inspect", "running", 1234)
    assert (scrub["kind"], scrub["finished_at"], scrub["age_seconds"]) == ("scrub", None, None)
    assert sweep["kind"] == "sweep"
    assert 3 * 3600 <= sweep["age_seconds"] < 3 * 3600 + 60
    assert 2 * 3600 <= sweep["overdue_seconds"] < 2 * 3600 + 60
    shown = ops.get(PAGE, headers=IN_ENGLISH).text
    assert "2 hours" in shown
    assert "1,234 done" in shown
    assert "2 horas" in ops.get(PAGE, headers={"Accept-Language": "es"}).text
    assert at_other_site.get(STATE).json["passes"] == []


def test_the_page_has_buttons_for_what_may_be_done(application: Application, ops: Caller) -> None:
    job = a_job(application)
    JobService(MongoJobStore(application.database)).periodic("sweep", 60)
    page = ops.get(f"{PAGE}/migration", headers=IN_ENGLISH).text
    forms = set(re.findall(rf'action="{PAGE}/jobs/([^"]+)"', page))
    assert forms == {f"{job.id}/pause", f"{job.id}/cancel", "sweep/pause"}
    assert ops.post(f"{PAGE}/jobs/{job.id}/pause").location.endswith("?said=paused")
    assert ops.post(f"{PAGE}/jobs/{job.id}/cancel").location.endswith("?said=cancelled")
    refused = ops.post(f"{PAGE}/jobs/{job.id}/resume").location
    assert "was just cancelled" in ops.get(refused, headers=IN_ENGLISH).text
    after = ops.get(f"{PAGE}/migration", headers={"Accept-Language": "es"}).text
    assert "Se canceló; lo que ya había hecho se conserva." in after


def test_an_import_leads_to_its_page_for_who_may_see_it(
    application: Application, ops: Caller
) -> None:
    job = a_job(application, "default")
    link = f'href="/admin/imports/{job.args["import"]}"'
    assert link in application.caller("admin").get(f"{PAGE}/migration").text
    assert link not in ops.get(f"{PAGE}/migration").text


# The diagnosis


def test_the_diagnosis_is_a_file_and_a_field_without_secrets(
    application: Application, ops: Caller
) -> None:
    alerted(application)
    job = a_job(application, "default")
    application.raw["jobs"].update_one(
        {"_id": job.id},
        {"$set": {"error": f"ana@shop.example met {application.settings.mongodb_uri}"}},
    )
    answer = ops.get(f"{PAGE}/diagnosis.json")
    assert re.fullmatch(
        r'attachment; filename="avenue-[\d-]+\.json"', answer.headers["Content-Disposition"]
    )
    assert answer.headers["Cache-Control"] == "no-store"
    told = json.loads(answer.text)
    assert {each["measure"] for each in told["alerts"]} == {"disk", "quota"}
    assert [each["kind"] for each in told["jobs"]] == ["product_import"]
    page = ops.get(PAGE).text
    field = page.partition('<textarea id="diagnosis"')[2].partition("</textarea>")[0]
    for text in (answer.text, field):
        for hidden in ("ana@", "127.0.0.1", HOST, application.settings.secret_key, str(ops.id)):
            assert hidden not in text, hidden


@pytest.mark.parametrize("url", TABS)
def test_the_tabs_are_for_operators(application: Application, url: str) -> None:
    shown = {
        who: application.caller(who).get(url).status_code for who in ("ops", "admin", "seller")
    }
    assert shown == {"ops": 200, "admin": 200, "seller": 403}
    nobody = application.caller("nobody").get(url, headers={"Accept": "text/html"})
    assert nobody.location.startswith("/login"), nobody.status_code
