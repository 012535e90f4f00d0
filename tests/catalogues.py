"""The texts of the rooms and their Spanish: what code and templates say, and what is translated.

Errors say their `message` and `hint`, attributes of their classes, found where they are defined.
What stands in no room (`avenue/errors.py`) is said by the web.

`make texts` writes new texts into each room's `translations/es.po` (to be translated there) and
takes out those that are said no more; `test_translations.py` fails until both agree.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

from avenue.errors import AvenueError

ROOMS = Path(__file__).parent.parent / "avenue"
HOME_OF_THE_REST = "web"
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}}


def rooms() -> list[Path]:
    """Every room that says anything."""
    return [room for room in sorted(ROOMS.iterdir()) if room.is_dir() and len(said_in(room))]


@cache
def said_in(room: Path) -> Catalog:
    """All texts of `room`, untranslated, with the files they are in."""
    said = Catalog(fuzzy=False)
    for name, _line, message, _comments, context in extract_from_dir(
        str(room), METHODS, OPTIONS, keywords=KEYWORDS
    ):
        said.add(message, locations=[(name, 0)], context=context)
    if room.name == HOME_OF_THE_REST:
        for path in sorted(ROOMS.glob("*.py")):
            for _line, message, _comments, context in extract_from_file(
                "python", str(path), keywords=KEYWORDS
            ):
                said.add(message, locations=[(f"../{path.name}", 0)], context=context)
    for kind in error_kinds():
        if room_of(kind) == room.name:
            for text in filter(None, (vars(kind).get("message"), vars(kind).get("hint"))):
                said.add(text, locations=[(file_of(kind), 0)])
    return said


@cache
def error_kinds() -> list[type[AvenueError]]:
    """Every class of errors in the deployment, by name."""
    for module in pkgutil.walk_packages([str(ROOMS)], "avenue."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    found, new = set(), [AvenueError]
    while new:
        found.update(new)
        new = [child for kind in new for child in kind.__subclasses__()]
    ours = [kind for kind in found if kind.__module__.startswith("avenue.")]
    return sorted(ours, key=lambda kind: f"{kind.__module__}.{kind.__name__}")


def room_of(kind: type[AvenueError]) -> str:
    """The room that defines a class of errors."""
    name = kind.__module__.split(".")[1]
    return name if (ROOMS / name).is_dir() else HOME_OF_THE_REST


def file_of(kind: type[AvenueError]) -> str:
    """The file that defines a class of errors, seen from its room."""
    path = Path(sys.modules[kind.__module__].__file__ or "")
    home = ROOMS / room_of(kind)
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else f"../{path.name}"


KEYWORDS = {
    name: spec
    for each in ("", "lazy_")
    for name, spec in (
        (f"{each}gettext", None),
        (f"{each}ngettext", (1, 2)),
        (f"{each}pgettext", ((1, "c"), 2)),
    )
} | {"_": None, "sentence": None}


def spanish_path(room: Path) -> Path:
    return room / "translations" / "es.po"


def spanish_of(room: Path) -> Catalog:
    """What `room` says in Spanish."""
    path = spanish_path(room)
    return read_po(BytesIO(path.read_bytes() if path.exists() else b""), locale="es")


def written(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalogue, width=100, omit_header=True, sort_output=True, include_lineno=False)
    return file.getvalue()


def updated(room: Path) -> Catalog:
    """The Spanish of `room` with exactly what it says now; what is new is empty."""
    known, fresh = spanish_of(room), Catalog(locale="es", fuzzy=False)
    for message in _messages(said_in(room)):
        before = known.get(message.id, message.context)
        fresh.add(
            message.id,
            before.string if before else None,
            locations=message.locations,
            context=message.context,
        )
    return fresh


def _messages(catalogue: Catalog) -> Iterator:
    return (message for message in catalogue if message.id)


def main() -> None:
    for room in rooms():
        path = spanish_path(room)
        path.parent.mkdir(exist_ok=True)
        catalogue = updated(room)
        path.write_bytes(written(catalogue))
        missing = [message.id for message in _messages(catalogue) if not message.string]
        for each in missing:
            sys.stdout.write(f"{path.relative_to(ROOMS.parent)}: {each!r} is to be translated\n")


if __name__ == "__main__":
    main()
