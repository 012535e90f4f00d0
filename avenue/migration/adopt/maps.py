"""The map file: the contents of an earlier application's collections, if not recognised.

::

    [collections.fotos]
    holds = "pictures"
    [collections.fotos.fields]
    data = "blob"
    product = ["prod_id"]

    [roles]
    cajero = "staff"
"""

import tomllib
from pathlib import Path
from typing import Any

from avenue.identity import Role
from avenue.migration.adopt.errors import BadMap
from avenue.migration.adopt.fields import DEFAULTS
from avenue.migration.adopt.models import Holds, Mapped
from avenue.migration.errors import UnreadableFile

LARGEST_BYTES = 1024 * 1024


def map_in(file: Path) -> str:
    """Return the text of a map file; raise `UnreadableFile` or `BadMap`."""
    try:
        with file.open("rb") as opened:
            return opened.read(LARGEST_BYTES + 1).decode()
    except OSError as error:
        raise UnreadableFile(error) from error
    except UnicodeDecodeError as error:
        raise BadMap(f"{error}.") from None


def read_map(written: str) -> Mapped:
    """Return the content of a map file; raise `BadMap`."""
    if len(written) > LARGEST_BYTES:
        raise BadMap("it is larger than 1 MB.")
    try:
        return mapped(tomllib.loads(written))
    except tomllib.TOMLDecodeError as error:
        raise BadMap(f"{error}.") from None


def mapped(said: dict[str, Any]) -> Mapped:
    """Return the meaning of the tables of a map file; raise `BadMap`."""
    _only(said, {"collections", "roles"}, "the file")
    holds, fields = {}, {}
    for name, table in _table(said, "collections").items():
        if not isinstance(table, dict):
            raise BadMap(f"collections.{name} is no table.")
        _only(table, {"holds", "fields"}, f"collections.{name}")
        try:
            kind = Holds(table.get("holds", ""))
        except ValueError:
            known = ", ".join(each.value for each in Holds)
            raise BadMap(f"collections.{name} needs holds = one of {known}.") from None
        holds[name] = kind
        own = _table(table, "fields")
        _only(own, set(DEFAULTS.get(_like(kind), {})), f"collections.{name}.fields")
        fields[name] = {meaning: _texts(each, name, meaning) for meaning, each in own.items()}
    roles = _table(said, "roles")
    for old, role in roles.items():
        if role not in {each.value for each in Role}:
            known = ", ".join(each.value for each in Role)
            raise BadMap(f"roles.{old} must be one of {known}.")
    return Mapped(holds=holds, fields=fields, roles={k.lower(): v for k, v in roles.items()})


def _like(kind: Holds) -> Holds:
    return Holds.PICTURES if kind is Holds.TEMPORARY else kind


def _table(said: dict[str, Any], name: str) -> dict[str, Any]:
    table = said.get(name, {})
    if not isinstance(table, dict):
        raise BadMap(f"{name} is no table.")
    return table


def _texts(value: Any, name: str, meaning: str) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not all(isinstance(each, str) and each for each in texts):
        raise BadMap(f"collections.{name}.fields.{meaning} must be a field's name, or a list.")
    return tuple(texts)


def _only(table: dict[str, Any], known: set[str], place: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise BadMap(f"{place} has {unknown[0]}, and may have {', '.join(sorted(known))}.")
