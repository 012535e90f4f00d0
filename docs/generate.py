"""Writes settings.md, errors.md and limits.md from the code, http.md from a test (`make docs`).

A test compares the files with what this makes, so neither can fall behind.
"""

import importlib
import pkgutil
from dataclasses import fields
from pathlib import Path

import avenue
from avenue.config import Settings, bounds
from avenue.errors import AvenueError
from avenue.web.limits import NONE, UNLIMITED, limit_of
from tests.http import conformance
from tests.http.contract import unconnected_app

HERE = Path(__file__).parent


def settings_page() -> str:
    """Return docs/settings.md."""
    rows = [
        "# Settings",
        "",
        "Read once from the environment when Avenue starts. All mistakes are reported together.",
        "",
        "| variable | default | takes | what it is for |",
        "|---|---|---|---|",
    ]
    for each in fields(Settings):
        row = each.metadata
        kind = bounds(row) if row["least"] is not None else ", ".join(row["choices"]) or "text"
        kind = "1 or 0" if each.type is bool else kind
        default = ",".join(each.default) if isinstance(each.default, tuple) else each.default
        shown = "" if default == "" or default is False else f"`{default}`"
        secret = " Never printed." if row["secret"] else ""
        rows.append(f"| `{row['env']}` | {shown} | {kind} | {row['about']}{secret} |")
    return "\n".join([*rows, ""])


def errors_page() -> str:
    """Return docs/errors.md."""
    rows = [
        "# Errors",
        "",
        "Every refusal is JSON with `success: 0`, `error` and `message` (a sentence for people),",
        "`code` (stable, for programs), `status`, `hint` (what to do) and `request_id`; some have",
        "additional fields. A code never changes its meaning.",
        "",
        "| code | status | what it means |",
        "|---|---|---|",
    ]
    for code, kind in sorted(error_codes().items()):
        rows.append(f"| `{code}` | {kind.status} | {_first_line(kind)} |")
    return "\n".join([*rows, ""])


def limits_page() -> str:
    """Return docs/limits.md, made of the URL map."""
    app = unconnected_app()
    rows = [
        "# Rate limits by route",
        "",
        "The rate limit that each route counts toward. [api.md](api.md#rate-limits) explains the",
        "limits, [settings.md](settings.md) has their values. HEAD and OPTIONS count as GET does.",
        "",
        "| route | limit |",
        "|---|---|",
    ]
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            limit = limit_of(method, rule.rule, app.view_functions[rule.endpoint])
            shown = f"none: {UNLIMITED[rule.rule]}" if limit == NONE else f"{limit}"
            rows.append(f"| `{method} {rule.rule}` | {shown} |")
    return "\n".join([*rows, ""])


def error_codes() -> dict[str, type[AvenueError]]:
    """Return every error code of the program with the class that gives it.

    Two floors that do not know each other may give the same one; the first by name stands here.
    """
    for module in pkgutil.walk_packages(avenue.__path__, "avenue."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    kinds = [kind for kind in (AvenueError, *_children(AvenueError)) if _gives_code(kind)]
    found: dict[str, type[AvenueError]] = {}
    for kind in sorted(kinds, key=lambda kind: f"{kind.__module__}.{kind.__name__}"):
        found.setdefault(kind.code, kind)
    return found


def _gives_code(kind: type[AvenueError]) -> bool:
    taken_over = {getattr(each, "code", None) for each in kind.__bases__}
    return kind.code not in taken_over and kind.__module__.startswith("avenue.")


def _children(kind: type[AvenueError]) -> list[type[AvenueError]]:
    return [each for child in kind.__subclasses__() for each in (child, *_children(child))]


def _first_line(kind: type[AvenueError]) -> str:
    if kind is AvenueError:
        return kind.message
    return (kind.__doc__ or "").strip().splitlines()[0]


if __name__ == "__main__":
    (HERE / "settings.md").write_text(settings_page())
    (HERE / "errors.md").write_text(errors_page())
    (HERE / "limits.md").write_text(limits_page())
    (HERE / "http.md").write_text(conformance.page())
