"""Validates forms of the library with the models of the API."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from avenue.errors import Invalid, filled
from avenue.field_problems import problems_of
from avenue.web.language import gettext

M = TypeVar("M", bound=BaseModel)


def typed_tags(text: str) -> list[str]:
    """Return the comma-separated tags of a field, as typed."""
    return [each.strip() for each in text.split(",") if each.strip()]


def checked(model: type[M], values: Mapping[str, Any]) -> M:
    """Return `values` as a `model`; raise `Invalid` with messages."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        said = [filled(problem, words, gettext) for _, problem, words in problems_of(error)]
        raise Invalid(" ".join(dict.fromkeys(said))) from None
