"""Serialises replies that are dataclasses.

A field is shown under its name, and its type says how: `Moment`, `Rounded1` … `Hidden`. A property
that is shown as well is marked with `shown`.
"""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import Field, PlainSerializer, TypeAdapter, computed_field

from avenue.clock import iso

T = TypeVar("T")

Moment = Annotated[datetime, PlainSerializer(iso, return_type=str)]
Hidden = Annotated[T, Field(exclude=True)]


def _rounded(places: int) -> PlainSerializer:
    return PlainSerializer(lambda value: round(value, places), return_type=float)


Rounded1 = Annotated[float, _rounded(1)]
Rounded2 = Annotated[float, _rounded(2)]
Rounded3 = Annotated[float, _rounded(3)]
Rounded4 = Annotated[float, _rounded(4)]

if TYPE_CHECKING:
    shown = property
else:

    def shown(method: Callable[[Any], Any]) -> Any:
        """Let a method be a property that JSON has, too."""
        return computed_field(property(method))


def facts_of(value: Any, **context: Any) -> dict[str, Any]:
    """Return a dataclass as JSON; `context` is passed to the serialisers of its fields."""
    shape: Any = type(value)
    found: dict[str, Any] = _adapter(shape).dump_python(
        value, mode="json", by_alias=True, context=context
    )
    return found


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)
