"""How long what there is will do: who may ask, and what a deployment in use is told."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from avenue.health.history.snapshots.service import SnapshotService
from avenue.identity import Role, new_id
from tests.commands import Commands
from tests.http.application import (
    HOST,
    OTHER_HOST,
    OTHER_SITE,
    Application,
    Caller,
    a_picture,
    unique,
)
from tests.mongod import Mongod
from tests.table import table

CAPACITY = "/api/ops/capacity"
GB = 10**9
OF_THE_DEPLOYMENT = ("storing", "prices", "throughput")


@pytest.fixture(scope="module")
def deployment(mongod: Mongod) -> Iterator[Application]:
    """Two sites with three products each, and eleven days of snapshots.

    The disk had 60 of 100 GB, and half a GB more each day; each hour had 7,200 requests.
    """
    with Application(mongod) as application:
        quota = {"$set": {"quotas": {"bytes": 10 * GB}}}
        application.raw["sites"].update_one({"_id": OTHER_SITE}, quota)
        for who in ("seller", "seller_on_other_site"):
            for _ in range(3):
                application.caller(who).a_product(a_picture())
        service: SnapshotService = application.app.extensions["avenue"][SnapshotService]
        at = service.take().at
        (taken,) = application.raw["infra_metrics"].find()
        application.raw["infra_metrics"].delete_many({})
        application.raw["infra_metrics"].insert_many(
            {
                **taken,
                "_id": new_id(),
                "created_at": at - timedelta(hours=hours),
                "disk_used_bytes": round((60 - hours / 48) * GB),
                "disk_total_bytes": 100 * GB,
                "traffic": {**taken["traffic"], "requests": 7_200 * (1000 - hours)},
            }
            for hours in range(11 * 24)
        )
        yield application


def asked(caller: Caller) -> dict[str, Any]:
    answer = caller.get(CAPACITY)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


@table(
    "who, code",
    [
        ("nobody", 401),
        ("client", 403),
        ("seller", 403),
        ("editor", 403),
        ("ops", 200),
        ("admin", 200),
        ("ops_on_other_site", 200),
    ],
)
def test_operators_and_administrators_may_ask(deployment: Application, who: str, code: int) -> None:
    assert deployment.caller(who).get(CAPACITY).status_code == code


def test_a_line_is_forecast_within_five_percent(deployment: Application) -> None:
    found = asked(deployment.caller("ops"))
    disk, quota = found["forecasts"]
    assert (disk["measure"], disk["site"], disk["percent"]) == ("disk", None, 60.0)
    for window in disk["growth"]:
        assert window["trend"] == "grows"
        assert window["bytes_per_day"] == pytest.approx(GB / 2, rel=0.05)
        for percent, days in {"70": 20, "85": 50, "95": 70}.items():
            assert window["days_until"][percent] == pytest.approx(days, rel=0.05)
    assert (quota["measure"], quota["site"], quota["limit_bytes"]) == ("quota", "other", 10 * GB)
    assert found["next"]["what"] == "the database's disk"


def test_what_is_stored_is_measured(deployment: Application) -> None:
    found = asked(deployment.caller("admin"))
    measured, storing = found["measured"], found["storing"]
    assert (measured["products"], measured["pictures"], measured["enough"]) == (6, 6, False)
    assert measured["original_bytes"] == sum(
        each["length"] for each in deployment.raw["product_images.files"].find()
    )
    # There are no other pictures, so all renditions are theirs.
    assert measured["rendition_bytes"] == sum(
        each["bytes"] for each in deployment.raw["renditions"].find()
    )
    assert storing["members"] == 1
    assert [each["products"] for each in found["projections"]] == [100, 500, 1000, 5000, 10000]
    assert found["projections"][0]["pictures"] == 100
    assert found["throughput"]["busiest"]["requests_per_second"] == pytest.approx(2, rel=0.01)
    assert found["prices"]["example"] is True


def test_who_runs_another_site_learns_of_that_one_only(deployment: Application) -> None:
    found = asked(deployment.caller("ops_on_other_site"))
    assert found["site"] == OTHER_SITE
    assert [each["site"] for each in found["forecasts"]] == [OTHER_SITE]
    assert found["measured"]["products"] == 3
    assert [found[name] for name in OF_THE_DEPLOYMENT] == [None] * 3
    assert found["next"] is None


def test_a_superuser_sees_all_from_any_site(deployment: Application) -> None:
    caller = deployment.new_person(unique("super"), role=Role.SELLER, host=OTHER_HOST)
    deployment.raw["users"].update_one({"_id": caller.id}, {"$set": {"superuser": True}})
    found = asked(caller)
    assert found["site"] is None
    assert None not in [found[name] for name in OF_THE_DEPLOYMENT]


def test_text_for_those_who_want_text(deployment: Application) -> None:
    answer = deployment.caller("ops").get(CAPACITY, headers={"Accept": "text/plain"})
    assert answer.content_type == "text/plain; charset=utf-8"
    assert "Accept" in answer.headers["Vary"]
    assert "The database's disk: 60.0 GB of 100.0 GB, 60.0 %" in answer.text


def run(
    commands: Commands, deployment: Application, *arguments: str, **env: str
) -> tuple[int, str, str]:
    done = commands.run(
        "capacity",
        *arguments,
        env={
            "MONGODB_URI": deployment.settings.mongodb_uri,
            "SECRET_KEY": deployment.settings.secret_key,
            "PUBLIC_BASE_URL": f"https://{HOST}",
            "WEB_CONCURRENCY": str(deployment.settings.workers),
            **env,
        },
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_the_command_says_what_the_route_does(deployment: Application, commands: Commands) -> None:
    code, said, _ = run(commands, deployment, "--json")
    assert code == 0
    told, answered = json.loads(said), asked(deployment.caller("ops"))
    for each in (told, answered):
        del each["generated_at"]
        each["forecasts"], each["next"]["days"], each["next"]["on"] = None, None, None
    assert told == answered


@pytest.mark.long
def test_the_command_speaks_to_people(deployment: Application, commands: Commands) -> None:
    code, said, _ = run(commands, deployment, "--site", "other", AVENUE_PRICES="/no/such/file")
    assert code == 0
    assert said.startswith("Capacity of the site other, by the snapshot of ")
    assert "Note: AVENUE_PRICES: /no/such/file: No such file or directory." in said


@pytest.mark.long
def test_a_site_there_is_not_is_refused(deployment: Application, commands: Commands) -> None:
    code, said, why = run(commands, deployment, "--site", "nowhere")
    assert (code, said) == (1, "")
    assert "no site with this name" in why


def test_the_page_tells_what_visits_cost_and_what_is_wrong(deployment: Application) -> None:
    page = "/admin/infrastructure/cost"
    operator = deployment.caller("ops")
    said = operator.get(f"{page}?visits=200M&sites=20").text
    assert "565,88 USD" in said
    assert "2.151,58 USD" in said
    wrong = operator.get(f"{page}?visits=many&hit_ratio=%3Cscript%3E")
    assert wrong.status_code == 200
    assert wrong.text.count('aria-invalid="true"') == 2
    assert "&lt;script&gt;" in wrong.text
