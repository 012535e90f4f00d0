"""The command `capacity`: when disk and quotas run out, and what to buy next."""

from collections.abc import Callable

import click
from pydantic import ValidationError

from avenue.cli.context import (
    as_json,
    local,
    say,
    services_of,
    settings_as_they_are,
)
from avenue.clock import utc_now
from avenue.errors import filled
from avenue.field_problems import problems_of
from avenue.health.views.capacity.presenting import capacity_text
from avenue.health.views.capacity.visits import (
    Assumptions,
    plan_of,
    visits_json,
    visits_text,
)
from avenue.identity import DEFAULT_SITE, command_actor
from avenue.web.fields import facts_of

ASSUMED = {
    "sites": "Number of sites that share these visits.",
    "hit_ratio": "Share of picture requests that the CDN answers from its cache.",
    "pictures_per_visit": "Pictures requested in one visit.",
    "picture_kb": "Average size of a requested picture, in KB.",
    "pictures_per_site": "Pictures stored by a site.",
    "original_kb": "Average size of an original, in KB.",
    "variants_kb": "Total size of the other sizes of a picture, in KB.",
    "peak": "Traffic of the busiest hour as a multiple of the average.",
}


def _assumptions(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` an option for each assumption."""
    for name, help_text in reversed(ASSUMED.items()):
        usual = Assumptions.model_fields[name].default
        option = click.option(f"--{name.replace('_', '-')}", help=f"{help_text} [default: {usual}]")
        command = option(command)
    return click.option("--visits", help="Visits a month to plan for: 50K, 10M, 200000000.")(
        command
    )


@click.command()
@click.option("--site", help="Report on one site. By default on the whole deployment.")
@_assumptions
@local
@as_json
def capacity(
    *, site: str | None, visits: str | None, is_local: bool, wants_json: bool, **assumed: str | None
) -> None:
    """Show when disk and quotas run out, what more products need, and what to buy next.

    With --visits: what that many visits a month need and cost. This does not use the database.
    """
    given = {name: value for name, value in assumed.items() if value is not None}
    if visits is not None:
        settings, _, _ = settings_as_they_are()
        _plan({"visits": visits, **given}, settings.prices, wants_json=wants_json)
        return
    if given:
        raise click.UsageError(f"--{next(iter(given)).replace('_', '-')} needs --visits.")
    with services_of(is_local=is_local) as services:
        if site is not None:
            services.sites.named(site)
        actor = command_actor(services.sites.named(DEFAULT_SITE))
        report = services.capacity.report(actor, site)
    say(wants_json, facts_of(report), capacity_text(report))


def _plan(assumed: dict[str, str], prices: str, *, wants_json: bool) -> None:
    try:
        found = plan_of(Assumptions.model_validate(assumed), prices, utc_now().date())
    except ValidationError as error:
        wrong = (f"{field}: {filled(text, words)}" for field, text, words in problems_of(error))
        raise click.UsageError(" ".join(wrong)) from None
    say(wants_json, visits_json(found), visits_text(found))
