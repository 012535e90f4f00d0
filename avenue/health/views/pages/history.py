"""`/admin/infrastructure/history`: curves of the measured figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, request

from avenue.clock import utc_now
from avenue.config import Settings
from avenue.health.history.points import Point, Span
from avenue.health.rules.measures import rules
from avenue.health.views.pages import words
from avenue.health.views.pages.charts import Chart, chart, round_above
from avenue.health.views.pages.tabs import INFRASTRUCTURE, tab_page
from avenue.health.views.state.service import MEASURES, StateService
from avenue.identity import Actor, Role
from avenue.web.auth import current_actor, require
from avenue.web.language import gettext
from avenue.web.pages import moment
from avenue.web.parsing import one_of
from avenue.web.services import using

blueprint = Blueprint(
    "history_pages", __name__, url_prefix=INFRASTRUCTURE, template_folder="../../templates"
)


@blueprint.get("/history")
@require(Role.OPS)
def show_history() -> Response:
    """Show the history as curves, each with a table of its numbers: `?range`."""
    actor = current_actor()
    span = Span(one_of("range", request.args.get("range", Span.DAY), [*Span]))
    points = using(StateService).history(actor, span)
    return tab_page(
        "health/history.html",
        span=span,
        spans=words.SPANS,
        curves=list(_curves(actor, points, span)) if points else [],
        begins=utc_now() - span.time,
        ends=utc_now(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A chart with its texts; `rows` are its numbers, newest first."""

    key: str
    name: object
    chart: Chart
    top: str
    last: str
    summary: str
    rows: Sequence[tuple[datetime, str]]


def _curves(actor: Actor, points: Sequence[Point], span: Span) -> Iterator[Curve]:
    levels = rules(using(Settings))
    begins = utc_now() - span.time
    for each in words.SERIES:
        dots = [(point.at, each.of(point)) for point in points]
        known = [(at, value) for at, value in dots if value is not None]
        if not known or (each.of_deployment and not actor.runs_deployment):
            continue
        measure = MEASURES.get(each.key.removesuffix("_percent")) if each.most else None
        marks = [mark.begins for mark in levels[measure].thresholds] if measure else []
        values = [value for _, value in known]
        top = each.most or round_above(max(*values, each.least))
        drawn = chart(dots, begins=begins, time=span.time, top=top, thresholds=marks)
        yield Curve(
            key=each.key,
            name=each.name,
            chart=drawn,
            top=each.write(drawn.top),
            last=each.write(values[-1]),
            summary=gettext(
                "%(last)s at %(at)s; at least %(least)s, at most %(most)s.",
                at=moment(known[-1][0]),
                last=each.write(values[-1]),
                least=each.write(min(values)),
                most=each.write(max(values)),
            ),
            rows=[(at, each.write(value)) for at, value in reversed(known)],
        )
