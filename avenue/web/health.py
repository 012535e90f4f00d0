"""Is this process alive, and can it serve? For orchestrators, without a host or a login."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, NotRequired, Protocol

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from pydantic import Field
from typing_extensions import TypedDict

from avenue.errors import Forbidden, Unauthenticated
from avenue.web.describing import JSON, Reply, described
from avenue.web.operators import admit_operator

blueprint = Blueprint("health", __name__)
EXTENSION = "avenue.health"
ALIVE = "avenue.alive"
"""Where among an application's `extensions` the worker finds what gives head lines and body of the
answer that the process is alive. The worker gives it itself, for no thread may be free."""
FAILED = "failed"
RETRY_SECONDS = 2

Verdict = Literal["ok", "failed", "unknown"]


class Finding(Protocol):
    """One thing that was looked at."""

    @property
    def name(self) -> str:
        """What."""

    @property
    def verdict(self) -> str:
        """How it is: `ok`, `failed`, or `unknown`."""

    @property
    def detail(self) -> str | None:
        """What is wrong, in words."""


class Step(Finding, Protocol):
    """One thing that was done to see whether it can be."""

    @property
    def milliseconds(self) -> float | None:
        """How long it took; None when it was not done."""


Look = Callable[[], Sequence[Finding]]
"""Looks whether all is well; never raises."""
Probe = Callable[[], Sequence[Step]]
"""Stores a file to see whether that works, not too often; never raises."""


class Alive(TypedDict):
    """The process answers."""

    status: Literal["ok"]


class CheckSeen(TypedDict):
    """One thing that was looked at; `unknown` is no fault."""

    name: Annotated[str, Field(description="primary, schema, indexes or oplog")]
    state: Verdict
    detail: str | None


class StepSeen(CheckSeen):
    """One step of the probe: write, confirm, read, compare, delete."""

    milliseconds: float | None


class Seen(TypedDict):
    """What was looked at."""

    checks: list[CheckSeen]
    probe: NotRequired[Annotated[list[StepSeen], Field(description="with `?deep=1`")]]


class Ready(Seen):
    """Requests can be served."""

    status: Literal["ready"]


class NotReady(Seen):
    """Something is in the way."""

    status: Literal["unavailable"]
    reasons: list[str]
    failed: Annotated[list[str], Field(description="The names of the checks and steps that failed")]


class DeepQuery(TypedDict, total=False):
    """What may be asked for."""

    deep: Annotated[Literal["1"], Field(description="Store, read and delete a file as well.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found, in the order it was looked at, and as `facts` for programs."""

    checks: Sequence[Finding]
    steps: Sequence[Step] | None

    @property
    def found(self) -> list[Finding]:
        """Checks and steps."""
        return [*self.checks, *(self.steps or ())]

    @property
    def failed(self) -> list[Finding]:
        """Those that are not as they must be."""
        return [each for each in self.found if each.verdict == FAILED]

    @property
    def is_well(self) -> bool:
        """Whether nothing has failed."""
        return not self.failed

    @property
    def facts(self) -> dict[str, object]:
        """Return it as JSON has it."""
        facts: dict[str, object] = {"status": "ready", "checks": [*map(_seen, self.checks)]}
        if self.steps is not None:
            facts["probe"] = [
                {**_seen(each), "milliseconds": each.milliseconds} for each in self.steps
            ]
        if self.failed:
            facts |= {
                "status": "unavailable",
                "reasons": [each.detail for each in self.failed],
                "failed": [each.name for each in self.failed],
            }
        return facts


def answer_of(look: Look, probe: Probe | None) -> Answer:
    """Return what `look` finds, and what `probe` comes to where nothing stands in its way."""
    checks = look()
    is_fit = all(each.verdict != FAILED for each in checks)
    return Answer(checks=checks, steps=probe() if probe and is_fit else None)


def install(app: Flask, look: Look, probe: Probe) -> None:
    """Let `app` answer `/readyz` by what `look` finds and, if asked for, what `probe` does."""
    app.extensions[EXTENSION] = (look, probe)
    app.extensions[ALIVE] = lambda: _written(app)
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
@described(replies={200: Alive})
def alive() -> Response:
    """Tell that the process answers; asks nobody else."""
    return _never_kept(jsonify(status="ok"))


@blueprint.get("/readyz")
@described(
    query=DeepQuery,
    replies={200: Ready, 503: Reply({JSON: NotReady}, headers=("Retry-After",))},
    refuses=(Unauthenticated, Forbidden),
)
def ready() -> tuple[Response, int]:
    """Tell whether requests can be served: primary reachable; schema, indexes, oplog in order.

    With `?deep=1` a file is stored, read back and deleted, too: for this machine itself and for
    the house's own operators, as `/metrics` is.
    """
    look, probe = current_app.extensions[EXTENSION]
    is_deep = request.args.get("deep") == "1"
    if is_deep:
        admit_operator()
    answer = answer_of(look, probe if is_deep else None)
    response = _never_kept(jsonify(answer.facts))
    if answer.is_well:
        return response, 200
    response.headers["Retry-After"] = str(RETRY_SECONDS)
    return response, 503


def _written(app: Flask) -> tuple[bytes, bytes]:
    """Return head lines and body of what `app` answers at `/healthz`, with all it adds to both."""
    with app.test_request_context("/healthz"):
        response = app.process_response(alive())
    lines = "".join(f"{name}: {value}\r\n" for name, value in response.headers)
    return lines.encode("latin-1"), response.get_data()


def _never_kept(response: Response) -> Response:
    """Return an answer that no cache gives again: how it was is not how it is."""
    response.headers["Cache-Control"] = "no-store"
    return response


def _seen(finding: Finding) -> Mapping[str, object]:
    return {"name": finding.name, "state": finding.verdict, "detail": finding.detail}
