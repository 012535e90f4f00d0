"""What people type into the forms of the library, held against what the API takes."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from avenue.errors import Invalid, filled
from avenue.field_problems import problems_of
from avenue.identity import is_id
from avenue.web.language import gettext

M = TypeVar("M", bound=BaseModel)


def typed_tags(text: str) -> list[str]:
    """Return the tags of a field that has commas between them, as they were typed."""
    return [each.strip() for each in text.split(",") if each.strip()]


def checked(model: type[M], values: Mapping[str, Any]) -> M:
    """Return `values` as a `model`; raise `Invalid` with what is wrong in sentences."""
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        said = [filled(problem, words, gettext) for _, problem, words in problems_of(error)]
        raise Invalid(" ".join(dict.fromkeys(said))) from None


def ids_of(sent: list[str]) -> list[str]:
    """Return the ids among `sent`, each once."""
    return [each for each in dict.fromkeys(sent) if is_id(each)]
