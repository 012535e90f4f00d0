"""What a site weighs, for commands."""

from dataclasses import asdict
from typing import Any

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
