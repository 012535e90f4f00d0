"""What somebody typed into the form of the settings, and what it changes.

Fields have the names the API tells mistakes by: `name`, `colors.primary`, `limits.media_mb`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from avenue.errors import AvenueError
from avenue.field_problems import problems_of
from avenue.identity import Limit, Role, Site
from avenue.sites.addresses import checked_base_url
from avenue.sites.bodies import Colors
from avenue.sites.errors import HostNotGiven, HostTaken, InvalidHost, LimitTooHigh, SiteExists
from avenue.theme import CHOICES, CONTACT, Link
from avenue.web.cache_policy import Kind

MB = 1024 * 1024
NUMBER = re.compile("[0-9]{1,12}")
COLORS = tuple(Colors.model_fields)
THEME = tuple(CHOICES)
MENUS = ("menu", "legal")
ROLES = "second_factor_roles"
"""Boxes to tick: as typed, the names of those that are ticked with commas between them."""
STATUS = "status_page"
"""A box to tick: "on" or "off"."""
TEXTS = ("name", "locale")
OWN = (
    *TEXTS,
    "base_url",
    *(f"colors.{name}" for name in COLORS),
    *(f"theme.{name}" for name in THEME),
    *MENUS,
    *(f"contact.{name}" for name in CONTACT),
    *(f"edge_seconds.{kind}" for kind in Kind),
    "sizes",
    ROLES,
    STATUS,
    *(f"limits.{limit}" for limit in Limit),
    "limits.user_quota_mb",
    "limits.user_quota_files",
)
"""The fields for administrators."""

OF_THE_DEPLOYMENT = ("hosts", "limits.quota_mb", "limits.quota_files")
"""The fields for superusers."""

Problem = tuple[str, Mapping[str, Any]]
"""A sentence with `{places}`, and the words for them."""


def as_typed(site: Site, deployment_url: str) -> dict[str, str]:
    """Return the fields of a form that shows `site`; what the deployment decides is empty.

    `deployment_url` is the address the default site has when it has none of its own.
    """
    return {
        "name": site.name,
        "locale": site.locale,
        "base_url": "" if site.base_url == deployment_url else site.base_url,
        **{f"colors.{name}": site.colors.get(name, "") for name in COLORS},
        **{f"theme.{name}": str(getattr(site.theme, name)) for name in THEME},
        **{name: _written(getattr(site, name)) for name in MENUS},
        **{f"contact.{name}": site.contact.get(name, "") for name in CONTACT},
        **{f"edge_seconds.{kind}": str(site.edge_seconds.get(kind, "")) for kind in Kind},
        "sizes": "\n".join(f"{name} = {size}" for name, size in site.sizes.items()),
        ROLES: ",".join(sorted(site.second_factor_roles)),
        STATUS: "on" if site.has_status_page else "off",
        **{f"limits.{limit}": str(site.limits.get(limit, "")) for limit in Limit},
        "hosts": "\n".join(site.hosts),
        "limits.quota_mb": _quota(site.quota_bytes, MB),
        "limits.quota_files": _quota(site.quota_files),
        "limits.user_quota_mb": _quota(site.user_quota_bytes, MB),
        "limits.user_quota_files": _quota(site.user_quota_files),
    }


def changes_of(typed: Mapping[str, str], known: Mapping[str, str]) -> dict[str, Any]:
    """Return what `typed` says that is not as `known`, in the shape of `SiteChanges`."""
    changes: dict[str, Any] = {}
    for field, text in typed.items():
        if text.strip() != known[field].strip():
            group, _, name = field.partition(".")
            if name:
                changes.setdefault(group, {})[name] = _value(group, text.strip())
            else:
                changes[group] = _value(group, text.strip())
    return changes


def site_of(typed: Mapping[str, str]) -> dict[str, Any]:
    """Return what the form of a new site says, in the shape of `NewSite`."""
    given = {name: text.strip() for name, text in typed.items() if text.strip()}
    return {**given, **({"hosts": _lines(given["hosts"])} if "hosts" in given else {})}


def mistakes(
    error: ValidationError | AvenueError, changes: Mapping[str, Any]
) -> dict[str, Problem]:
    """Return what is wrong with the `changes`, by field; "" stands for the form as a whole."""
    if isinstance(error, ValidationError):
        told = {field: (text, words) for field, text, words in problems_of(error)}
        return {_field_of(field): problem for field, problem in told.items()}
    message, hint = error.templates
    # Where the message is only that this is none, the hint says how to write one.
    text = hint if message == InvalidHost.message or isinstance(error, LimitTooHigh) else message
    return {_field_about(error, changes): (text, error.words)}


def _field_about(error: AvenueError, changes: Mapping[str, Any]) -> str:
    match error:
        case LimitTooHigh():
            return f"limits.{error.facts['limit']}"
        case SiteExists():
            return "id"
        case HostNotGiven():
            return "base_url"
        case HostTaken() | InvalidHost():
            return _address_field(changes)
        case _other:
            return ""


def checked(model: type[BaseModel], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` by the rules of the API; raise `ValidationError`."""
    return model.model_validate(values).model_dump(exclude_unset=True)


def checked_colors(given: Mapping[str, str]) -> dict[str, str]:
    """Return colours in their one spelling; raise `ValidationError` when one is none."""
    return checked(Colors, given)


def _quota(own: int | None, unit: int = 1) -> str:
    return "" if own is None else str(own // unit)


def _value(group: str, text: str) -> Any:
    match group:
        case "hosts":
            return _lines(text)
        case "menu" | "legal" | "sizes":
            links = [_link(line) for line in text.splitlines() if line.strip()]
            return {each["label"]: each["to"] for each in links} if group == "sizes" else links
        case "limits" | "edge_seconds":
            return int(text) if NUMBER.fullmatch(text) else text or None
        case "second_factor_roles":
            return [role for role in Role if role in text.split(",")]
        case "colors" | "base_url" | "theme" | "contact":
            return text or None
        case _text:
            return text == "on" if group == STATUS else text


def _lines(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _written(links: Sequence[Link]) -> str:
    """Return a menu as one types it: a line for each link."""
    return "\n".join(f"{each.label} = {each.to}" for each in links)


def _link(line: str) -> dict[str, str]:
    label, _, target = line.partition("=")
    return {"label": label.strip(), "to": target.strip()}


def _field_of(location: str) -> str:
    first = location.partition(".")[0]
    return first if first in {"hosts", "sizes", *MENUS} else location


def _address_field(changes: Mapping[str, Any]) -> str:
    """Return which of the two fields with addresses an error is about."""
    if "base_url" not in changes:
        return "hosts"
    try:
        checked_base_url(changes["base_url"] or "")
    except InvalidHost:
        return "base_url"
    return "hosts" if changes.get("hosts") else "base_url"
