"""What sites weigh, and how full clusters are, for commands."""

from dataclasses import asdict
from typing import Any

from avenue.provisioning.clusters import ClusterOverview
from avenue.provisioning.weights import Weight

MB = 1024 * 1024


def weight_json(weight: Weight | None) -> dict[str, Any] | None:
    """Return what a site weighs; None where nothing is known."""
    if weight is None:
        return None
    return {name: value for name, value in asdict(weight).items() if name != "site"}


def weight_text(weight: Weight | None) -> str:
    """Return the same in a few words."""
    if weight is None:
        return "no snapshot yet"
    parts = [
        f"weight {weight.weight:g} (nominal {weight.nominal:g})",
        f"{weight.bytes // MB} MB",
        f"{weight.hot_bytes // MB} MB hot",
    ]
    if weight.requests is not None:
        parts += [f"{weight.requests} requests", f"{weight.writes} writes"]
    if weight.connections is not None:
        parts.append(f"{weight.connections:.1f} connections")
    if weight.forecast_bytes is not None:
        parts.append(f"{weight.forecast_bytes // MB} MB in 30 days")
    return ", ".join(parts)


def clusters_text(found: ClusterOverview) -> str:
    """Return the clusters with their sites as lines for people."""
    lines = []
    for each in found.clusters:
        hosts = ",".join(each.hosts) or "no URI here"
        later = f", {each.forecast_percent:.0f} % in 30 days" if each.forecast_percent else ""
        lines.append(
            f"{each.name}  {hosts}  {each.state}  {each.units:.2f} of {each.capacity} units  "
            f"{each.percent:.0f} %{later}  {each.level}"
        )
        lines += [f"  {one.site}  {one.weight:g}" for one in each.sites]
    return "\n".join(lines)


def advice_text(found: ClusterOverview) -> str:
    """Return what to move where as lines for people."""
    lines = [f"Move {each.site} from {each.origin} to {each.target}." for each in found.moves]
    lines += [f"{each} stays too full: set up another cluster." for each in found.lacking]
    return "\n".join(lines) or "Every site may stay where it is."
