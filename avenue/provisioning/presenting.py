"""Formats the load of sites and clusters for the commands."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from avenue.clock import iso
from avenue.provisioning.clusters import ClusterOverview
from avenue.provisioning.weights import Weight
from avenue.storage.site_moves import SiteMove

MB = 1024 * 1024


def weight_json(weight: Weight | None) -> dict[str, Any] | None:
    """Return the load of a site as JSON, or None if nothing was measured."""
    if weight is None:
        return None
    return {name: value for name, value in asdict(weight).items() if name != "site"}


def weight_text(weight: Weight | None) -> str:
    """Return the load of a site as short text."""
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


def move_json(move: SiteMove | None) -> dict[str, Any] | None:
    """Return the progress of a site's move as JSON, or None if it has none."""
    if move is None:
        return None
    until = iso(move.until) if move.until else None
    told = {"from": move.origin, "to": move.target, "phase": move.phase.value, "until": until}
    return {**told, "begun_at": iso(move.begun_at), "note": move.note}


def move_text(move: SiteMove | None) -> str:
    """Return the progress of a site's move as a text to append."""
    return f", {move.phase.value}: {move.origin} to {move.target}" if move else ""


def clusters_text(found: ClusterOverview, moves: Mapping[str, SiteMove]) -> str:
    """Return the clusters with their sites as lines of text."""
    lines = []
    for each in found.clusters:
        hosts = ",".join(each.hosts) or "no connection string"
        later = f", {each.forecast_percent:.0f} % in 30 days" if each.forecast_percent else ""
        lines.append(
            f"{each.name}  {hosts}  {each.state}  {each.units:.2f} of {each.capacity} units  "
            f"{each.percent:.0f} %{later}  {each.level}"
        )
        lines += [
            f"  {one.site}  {one.weight:g}{move_text(moves.get(one.site))}" for one in each.sites
        ]
    return "\n".join(lines)


def advice_text(found: ClusterOverview) -> str:
    """Return the recommended moves as lines of text."""
    lines = [f"Move {each.site} from {each.origin} to {each.target}." for each in found.moves]
    lines += [f"{each} remains too full: set up another cluster." for each in found.lacking]
    return "\n".join(lines) or "No site needs to be moved."
