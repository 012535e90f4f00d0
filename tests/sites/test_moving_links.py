"""The way between the two clusters is cut for a minute in each phase of a move, to and fro.

Who moves the site reaches the second cluster by a way that swallows what is sent while it is cut,
and brings it afterwards, as networks do. The application processes have ways of their own. The
figures are in docs/long-runs.md.
"""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from typing import Any, Self

import pytest

from avenue.app.background import Background
from avenue.app.services import Services
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.moves.service import as_operator
from avenue.sites.move_steps import MoveSteps
from avenue.storage.connection import Database
from avenue.storage.sites import Sites
from tests.http.application import OTHER_SITE, Application
from tests.mongod import QUICK_HEARTBEAT, Guard, Mongod, free_port
from tests.sites.load import HOSTS, THIRD_SITE, Load, add_third_site, processes_of, token_on
from tests.waiting import let_pass

pytestmark = [pytest.mark.long, pytest.mark.timeout(3600)]
CUT_SECONDS = float(os.environ.get("AVENUE_TEST_CUT_SECONDS", "60"))
STEPS = {
    "copying": "_bring_all",
    "settling": "_settle",
    "fenced": "_drain",
    "switched": "open_there",
    "purging": "purge",
}
"""What a mover does in each phase."""
MOST_WAITING_SECONDS = 30.0
"""What a write may wait for while its own cluster is there: a fence of 10 s, and much room."""
HERE = "127.0.0.1"
PIECE_BYTES = 64 * 1024


class Link:
    """A way to a server that can be cut: then nothing gets through, and nobody is told."""

    def __init__(self, to: int) -> None:
        self.to = to
        self._whole = threading.Event()
        self._whole.set()
        self._listening = socket.create_server((HERE, free_port()))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._whole.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def cut(self, seconds: float) -> None:
        """Cut it from now on for so long."""
        self._whole.clear()
        mending = threading.Timer(seconds, self._whole.set)
        mending.daemon = True
        mending.start()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                threading.Thread(target=self._connect, args=[near], daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._whole.wait(2 * CUT_SECONDS)
        try:
            far = socket.create_connection((HERE, self.to), 10)
        except OSError:
            near.close()
            return
        far.settimeout(None)
        threading.Thread(target=self._pass, args=[far, near], daemon=True).start()
        self._pass(near, far)

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while piece := source.recv(PIECE_BYTES):
                self._whole.wait(2 * CUT_SECONDS)
                target.sendall(piece)
        self._whole.wait(2 * CUT_SECONDS)  # an end does not get through either
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def link(second: Mongod) -> Iterator[Link]:
    with Link(second.port) as link:
        yield link


@pytest.fixture
def far_database(two: Application, link: Link) -> Iterator[Database]:
    """The installation as a process sees it that reaches the second cluster by the link."""
    name = two.database.clusters["c2"].raw.name
    uri = f"mongodb://{HERE}:{link.port}/{name}?directConnection=true&{QUICK_HEARTBEAT}"
    settings = replace(two.settings, cluster_uris=(f"c2={uri}",))
    with closing(Database(settings)) as database:
        yield database


@pytest.mark.failing_jobs(perhaps=True)
def test_a_move_outlasts_a_cut_between_its_clusters(
    two: Application,
    second: Mongod,
    link: Link,
    far_database: Database,
    guard: Guard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    add_third_site(two, "c2")
    settings = two.settings
    service = Services(settings, far_database).site_moves
    operator = as_operator(command_actor(Sites(far_database, settings).named(DEFAULT_SITE)))
    background = Background(settings, far_database)

    def cutting(name: str, happened: list[float]) -> Any:
        step = getattr(MoveSteps, name)

        def done(run: Any, *of: Any) -> Any:
            if not happened:
                happened.append(time.monotonic())
                link.cut(CUT_SECONDS)
            return step(run, *of)

        return done

    waits: dict[str, list[float]] = {"c2": [], "home": []}
    with processes_of(two, guard, 2) as servers, ExitStack() as stack:
        loads = {
            each: stack.enter_context(Load(servers, each, token_on(two, each))) for each in HOSTS
        }
        site = loads[OTHER_SITE]
        for phase, step in STEPS.items():
            for target in ("c2", "home"):
                let_pass(1)
                happened: list[float] = []
                with monkeypatch.context() as patch:
                    patch.setattr(MoveSteps, step, cutting(step, happened))
                    job = background.finish(service.begin(operator, OTHER_SITE, target).id)
                    if phase == "purging":
                        job = background.finish(service.purge(operator, OTHER_SITE).id)
                assert (job.error, len(happened)) == (None, 1)
                ended_at = time.monotonic()
                longest = max(
                    (each.seconds for each in site.writes if each.began_at > happened[0] - 5),
                    default=0.0,
                )
                waits[target].append(longest)
                print(
                    f"cut while {phase} to {target}: over {ended_at - happened[0]:.0f} s after "
                    f"the cut began; a write waited for {longest:.1f} s at most",
                    flush=True,
                )
        stack.close()
        for load in loads.values():
            print(load.summary())
        c2 = second.client[two.database.clusters["c2"].raw.name]
        for each, load in loads.items():
            load.judge(c2 if each == THIRD_SITE else two.raw)
            assert set(load.refused) <= ({"site_moves"} if load is site else set())
    # From home the writes go on wherever the cut comes; from the other one once it is over.
    assert max(waits["c2"]) < MOST_WAITING_SECONDS
    assert max(waits["home"]) < CUT_SECONDS + MOST_WAITING_SECONDS
