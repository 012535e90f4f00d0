"""`/admin/infrastructure` and `/admin/problems`, one file for each tab."""

from avenue.health.views.pages import (
    alerts,
    channels,
    cost,
    failures,
    history,
    jobs,
    problems,
    state,
)

BLUEPRINTS = (
    problems.blueprint,
    state.blueprint,
    alerts.blueprint,
    channels.blueprint,
    history.blueprint,
    jobs.blueprint,
    cost.blueprint,
    failures.blueprint,
)
