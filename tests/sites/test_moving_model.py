"""Whatever people, movers and operators do, in whatever order: a site is whole, and in one place.

hypothesis draws who does what, and at which step of a mover: people write, the mover is killed, or
is stopped while another one takes over and ends the move, or the move is undone or paused.
"""

import itertools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, Phase as Part, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.errors import SiteMoves
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.jobs.models import Job
from avenue.jobs.runner import JobRunner
from avenue.moves.service import as_operator
from avenue.sites.errors import NothingToAbort
from avenue.sites.move_steps import MoveSteps
from avenue.storage.copying.move_guard import Guard
from avenue.storage.copying.moving import SiteCopy
from avenue.storage.directory import WRITES_WAIT, Phase
from avenue.storage.scope import SiteScope
from avenue.storage.site_moves import SiteMoveRecords
from avenue.storage.sites import Sites
from tests.http.application import OTHER_SITE, PRODUCTS, Application, Caller, a_picture
from tests.mongod import Mongod
from tests.sites.moving import MIB, begun, of_site, send
from tests.waiting import within

STEPS: dict[str, tuple[type, ...]] = {
    "_prepare": (MoveSteps,),
    "_bring_all": (MoveSteps,),
    "differing": (SiteCopy,),
    "_put": (SiteCopy,),
    "_settle": (MoveSteps,),
    "_fence": (MoveSteps,),
    "_refuse": (MoveSteps,),
    "_drain": (MoveSteps,),
    "_check_refusal": (MoveSteps,),
    "leave": (Guard,),
    "step": (SiteMoveRecords,),
    "open_there": (MoveSteps,),
    "_reopen": (MoveSteps,),
    "_empty": (MoveSteps,),
    "end": (SiteMoveRecords,),
}
"""What a mover does, in about this order; before each of them anything may happen."""
LIKE_IT = ("othe", "other0", "other-2")
"""Sites whose ids are nearly the one's that moves."""
LEFT = frozenset({Phase.SWITCHED, Phase.KEPT, Phase.PURGING})
OPEN = frozenset({None, Phase.COPYING, Phase.KEPT})
FILE = b"%PDF-1.7\n" + os.urandom(2 * MIB + 77)


class Killed(BaseException):
    """As if the process had ended: nobody catches it."""


class Deployment:
    """An installation, and what was acknowledged of the site that moves."""

    def __init__(self, two: Application, c2: Any) -> None:
        self.two = two
        self.raw = {"home": two.raw, "c2": c2}
        self.there: Caller = two.caller("admin_on_other_site")
        known = Sites(two.database, two.settings)
        self.service = Services(two.settings, two.database).site_moves
        self.operator = as_operator(command_actor(known.named(DEFAULT_SITE)))
        self.jobs = Services(two.settings, two.database).jobs
        self.handlers = Background(two.settings, two.database)._handlers
        self.plan: list[tuple[str, str]] = []
        self.products: dict[str, str] = {}
        self.pictures: dict[str, tuple[str, str, bytes]] = {}  # asset, url and bytes by product
        self.files: dict[str, bytes] = {}
        self.deleted: list[str] = []
        self.upload, self.at = "", 0
        self.kept: Any = None
        self.numbers = itertools.count(1)
        self.told: list[str] = []
        self.happened: Counter[str] = Counter()
        self.failed: Exception | None = None
        for site_id, raw in itertools.product(LIKE_IT, self.raw.values()):
            file = f"{site_id}/{'x' * 22}"
            raw["assets"].insert_one({"_id": file, "site": site_id})
            raw["uploads.files"].insert_one({"_id": file, "length": 1})
            chunk = {"_id": ObjectId(), "files_id": file, "n": 0, "data": b"x"}
            raw["uploads.chunks"].insert_one(chunk)
        two.caller("admin").a_product(a_picture())
        self.others = self._of_others()

    def place(self) -> tuple[str, str, Phase | None]:
        """The cluster of the site, the other one, and the phase of its move."""
        found = self.two.raw["sites"].find_one({"_id": OTHER_SITE})
        assert found is not None
        here, phase = found.get("cluster", "home"), found.get("move", {}).get("phase")
        return here, "home" if here == "c2" else "c2", phase and Phase(phase)

    def move_record(self) -> Any:
        found = self.two.raw["sites"].find_one({"_id": OTHER_SITE})
        return (found or {}).get("move", {})

    # What people do

    def do(self, what: str) -> None:
        """Do it, or be told to come again, when that may be."""
        here, _, phase = self.place()
        refused = self.raw[here]["avenue_meta"].find_one({"_id": "refused"}) or {}
        is_open = phase not in WRITES_WAIT and OTHER_SITE not in refused.get("sites", ())
        answer = getattr(self, what)(next(self.numbers))
        if answer is None:
            return
        if answer.status_code == 503:
            assert (answer.json["code"], is_open) == ("site_moves", False)
            assert int(answer.headers["Retry-After"]) > 0
        else:
            assert answer.status_code in {200, 201, 204}, answer.text

    def make(self, number: int) -> Any:
        answer = self.there.post(PRODUCTS, json={"name": f"Zapato {number}"})
        if answer.status_code == 201:
            self.products[answer.json["id"]] = f"Zapato {number}"
        return answer

    def change(self, number: int) -> Any:
        if not self.products:
            return None
        product = [*self.products][number % len(self.products)]
        answer = self.there.patch(f"{PRODUCTS}/{product}", json={"name": f"Bota {number}"})
        if answer.status_code == 200:
            self.products[product] = f"Bota {number}"
        return answer

    def remove(self, number: int) -> Any:
        if not self.products:
            return None
        product = [*self.products][number % len(self.products)]
        answer = self.there.delete(f"{PRODUCTS}/{product}")
        if answer.status_code == 204:
            del self.products[product]
            self.pictures.pop(product, None)
            self.deleted.append(product)
        return answer

    def picture(self, number: int) -> Any:
        """Add one, or replace the one that is there."""
        if not self.products:
            return None
        product, data = [*self.products][number % len(self.products)], a_picture()
        images = f"{PRODUCTS}/{product}/images"
        if product in self.pictures:
            url = f"{images}/{self.pictures[product][0]}/file"
            answer = self.there.upload(url, data, method="PUT")
        else:
            answer = self.there.upload(images, data)
        if answer.status_code in {200, 201}:
            self.pictures[product] = answer.json["id"], answer.json["url"], data
        return answer

    def part(self, number: int) -> Any:
        """Send a part of a file; the first one begins it."""
        if not self.upload:
            if self.place()[2] not in OPEN:
                return None
            self.upload, self.at = begun(self.there, len(FILE)), 0
        answer = send(self.there, self.upload, self.at, FILE[self.at : self.at + MIB - number])
        if answer.status_code != 204:
            return answer
        self.at = int(answer.headers["Upload-Offset"])
        if self.at == len(FILE):
            url = self.there.get(self.upload).headers["Location"]
            self.files[url], self.upload = FILE, ""
        return answer

    # What operators and movers do

    def job(self) -> Job | None:
        """The job that goes on with the move there is, as the command would."""
        here, there, phase = self.place()
        if phase is None or phase is Phase.KEPT:
            return None
        if phase is Phase.PURGING:
            return self.service.purge(self.operator, OTHER_SITE)
        if phase is Phase.ABORTING:
            return self.service.abort(self.operator, OTHER_SITE)
        target = here if phase is Phase.SWITCHED else there
        return self.service.begin(self.operator, OTHER_SITE, target)

    def run(self, plan: Sequence[tuple[str, str]] = ()) -> None:
        """Let a mover go on till it ends, or is killed, with what happens at which step."""
        job = self.job()
        if job is None:
            return
        self.two.forget_jobs(but=job.id)
        # As if half a minute had passed: leases are over, and so is a pause after an error.
        self.two.raw["jobs"].update_one({"_id": job.id}, [{"$set": {"run_at": "$$NOW"}}])
        self.two.raw["leases"].delete_many({})
        runner = JobRunner(self.jobs, self.handlers, only=job.id)
        before, self.plan = self.plan, [*plan]
        try:
            runner.run_one()
        except Killed:
            pass
        finally:
            self.plan = before

    def comes_to(self, step: str) -> None:
        """Before a mover takes a step, do what is planned for then."""
        if not self.plan or self.plan[0][0] != step:
            return
        _, what = self.plan.pop(0)
        self.happened[f"{what} before {step}"] += 1
        if what == "kill":
            raise Killed
        rest, self.plan = self.plan, []
        within(lambda: getattr(self, what)() if what in ACTS else self.do(what), what)
        self.plan = rest

    def abort(self) -> None:
        try:
            self.service.abort(self.operator, OTHER_SITE)
        except NothingToAbort:
            assert self.place()[2] in {None, *LEFT}

    def pause(self) -> None:
        job = self.job()
        if job is not None and job.may_be_paused:
            self.jobs.pause(job.id)

    def overtake(self) -> None:
        """Another mover goes on, as if this one had been stopped for long."""
        self.run()

    def move(self, plan: Sequence[tuple[str, str]]) -> None:
        _, there, phase = self.place()
        if phase in {None, Phase.KEPT}:
            self.service.begin(self.operator, OTHER_SITE, there)
        self.run(plan)

    def undo(self, plan: Sequence[tuple[str, str]]) -> None:
        self.abort()
        self.run(plan)

    def purge(self, plan: Sequence[tuple[str, str]]) -> None:
        if self.place()[2] is Phase.KEPT:
            self.service.purge(self.operator, OTHER_SITE)
        self.run(plan)

    def take(self, step: Callable[[], None], what: str) -> None:
        """Take a step, and look; after one that failed none is taken any more.

        hypothesis would try it again, when all is in another place.
        """
        if self.failed is not None:
            return
        self.told.append(f"{self.place()} {what}")
        self.happened[what.partition(":")[0]] += 1
        try:
            step()
            self.look()
        except Exception as error:
            self.failed = error

    # What must be so

    def look(self) -> None:
        here, there, phase = self.place()
        found = self.raw[here]["shop_products"].find({"site": OTHER_SITE})
        assert {each["_id"]: each["name"] for each in found} == self.products
        for product in self.deleted[-1:]:
            assert self.there.get(f"{PRODUCTS}/{product}").status_code == 404
        for product, name in [*self.products.items()][-1:]:
            assert self.there.get(f"{PRODUCTS}/{product}").json["name"] == name
        for _, url, data in [*self.pictures.values()][-1:]:
            assert self.there.get(url).data == data
        if phase is None:
            assert of_site(self.raw[there]) == {}
        if phase in LEFT:
            self.is_refused(there)
        if phase is Phase.KEPT:
            move = self.move_record()
            if self.kept is None or self.kept[0] != move["switched_at"]:
                self.kept = move["switched_at"], of_site(self.raw[there])
            assert self.kept[1] == of_site(self.raw[there])

    def is_refused(self, cluster: str) -> None:
        """A process that knows nothing of the move can write nothing there."""
        home = self.two.database
        scope = SiteScope(database=home.clusters.get(cluster, home), site=OTHER_SITE)
        products, file = scope.collection("shop_products"), f"{OTHER_SITE}/x"
        product = next(iter(self.raw[cluster]["shop_products"].find({"site": OTHER_SITE})), None)
        by_id = {"_id": product["_id"] if product else "x"}
        works = [lambda: products.insert({"_id": "x"}), lambda: products.delete(by_id)]
        if product:
            works.append(lambda: products.update(by_id, {"$set": {"name": "x"}}))
        works.append(
            lambda: scope.transaction(
                lambda session: scope.database.raw["uploads.files"].insert_one(
                    {"_id": file}, session=session
                )
            )
        )
        for work in works:
            with pytest.raises(SiteMoves):
                work()

    def end(self) -> None:
        """Whatever has begun comes to its end, and then all is there."""
        while self.job() is not None:
            self.run()
        self.look()
        if self.place()[2] is Phase.KEPT:
            self.purge(())
        assert self.place()[2] is None
        self.do("make")
        while self.upload:
            self.do("part")
        for url, data in self.files.items():
            assert self.there.get(url).data == data
        for _, url, data in self.pictures.values():
            assert self.there.get(url).data == data
        assert self._of_others() == self.others

    def _of_others(self) -> Any:
        others = {"site": {"$in": [DEFAULT_SITE, *LIKE_IT]}}
        names = ("assets", "shop_products", "uploads.files", "uploads.chunks")
        begins = {"$regex": f"^({'|'.join(LIKE_IT)})/"}
        queries = [others, others, {"_id": begins}, {"files_id": begins}]
        return [
            list(raw[name].find(query, sort=[("_id", 1)]))
            for raw in self.raw.values()
            for name, query in zip(names, queries, strict=True)
        ]


PEOPLE = ("make", "change", "remove", "picture", "part")
ACTS = ("abort", "pause", "overtake")
PLANS = st.lists(
    st.tuples(
        st.sampled_from([*STEPS]),
        st.sampled_from([*PEOPLE, *PEOPLE, "kill", "kill", *ACTS, "overtake"]),
    ),
    max_size=5,
).map(lambda plan: sorted(plan, key=lambda each: [*STEPS].index(each[0])))


class Moves(RuleBasedStateMachine):
    """One site, those who work on it, and those who move it."""

    deployment: Deployment

    @rule(what=st.sampled_from(PEOPLE))
    def somebody_writes(self, what: str) -> None:
        self.deployment.take(lambda: self.deployment.do(what), what)

    @rule(plan=PLANS)
    def it_moves(self, plan: list[tuple[str, str]]) -> None:
        """Begin, there or back, or go on."""
        self.deployment.take(lambda: self.deployment.move(plan), f"moves: {plan}")

    @rule(way=st.sampled_from(["undo", "purge"]), plan=PLANS)
    def what_was_copied_goes(self, way: str, plan: list[tuple[str, str]]) -> None:
        self.deployment.take(lambda: getattr(self.deployment, way)(plan), f"{way}: {plan}")

    def teardown(self) -> None:
        self.deployment.take(self.deployment.end, "ends")


@pytest.fixture
def deployment(two: Application, second: Mongod, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setattr("avenue.app.gate.MOST_WAITING_SECONDS", 0.05)
    monkeypatch.setattr("avenue.storage.instances.BUSY_SECONDS", 0.01)
    monkeypatch.setattr("avenue.storage.instances.CALM_SECONDS", 0.05)
    deployment = Deployment(two, second.client[two.database.clusters["c2"].raw.name])

    def noted(name: str, step: Any) -> Any:
        def taken(*of: Any, **options: Any) -> Any:
            deployment.comes_to(name)
            return step(*of, **options)

        return taken

    for name, classes in STEPS.items():
        for each in classes:
            monkeypatch.setattr(each, name, noted(name, getattr(each, name)))
    return deployment


@pytest.mark.failing_jobs(perhaps=True)
@pytest.mark.parametrize(
    ("examples", "steps"),
    [
        (1, 5),
        pytest.param(25, 15, marks=[pytest.mark.long, pytest.mark.timeout(3600)]),
    ],
)
def test_a_site_is_whole_and_in_one_place(
    deployment: Deployment, examples: int, steps: int
) -> None:
    Moves.deployment = deployment
    rounds = settings(
        max_examples=examples,
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        phases=[Part.generate],
    )
    run_state_machine_as_test(Moves, settings=rounds)
    print(dict(sorted(deployment.happened.items())))
    if deployment.failed is not None:
        print(*deployment.told, sep="\n")
        raise deployment.failed
