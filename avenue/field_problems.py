"""Messages about invalid fields of a form or a body.

Pydantic describes an error by a type and facts; the sentences are ours, so that they can be
translated. Our own validators already raise sentences.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from avenue.errors import sentence

MOST_NAMED = 20
LONGEST_NAME = 100

NUMBER = sentence("Enter a number.")
WHOLE_NUMBER = sentence("Enter a whole number.")
TRUE_OR_FALSE = sentence("Enter true or false.")
TEXT = sentence("Enter text.")
LIST = sentence("Enter a list.")
OBJECT = sentence("Enter an object.")
ONE_OF = sentence("Choose one of these: {expected}.")
EMPTY = sentence("This cannot be empty.")

SENTENCES: Mapping[str, str] = {
    "missing": sentence("This is missing."),
    "extra_forbidden": sentence("This field does not exist."),
    "string_type": TEXT,
    "string_too_short": sentence("Enter at least {min_length} characters."),
    "string_too_long": sentence("Enter at most {max_length} characters."),
    "string_pattern_mismatch": sentence("Invalid format ({pattern})."),
    "string_unicode": sentence("Invalid character."),
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_parsing_size": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": NUMBER,
    "bool_type": TRUE_OR_FALSE,
    "greater_than_equal": sentence("Enter a number of at least {ge}."),
    "greater_than": sentence("Enter a number above {gt}."),
    "less_than_equal": sentence("Enter a number of at most {le}."),
    "less_than": sentence("Enter a number below {lt}."),
    "list_type": LIST,
    "too_short": sentence("Provide at least {min_length}."),
    "too_long": sentence("Provide at most {max_length}."),
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "literal_error": ONE_OF,
    "enum": ONE_OF,
}
"""By pydantic's types of errors."""


def problems_of(error: ValidationError) -> list[tuple[str, str, dict[str, Any]]]:
    """Return (field, sentence with `{places}`, words for them) of each error, at most 20.

    Never the value: it may be a password.
    """
    found = error.errors(include_url=False, include_input=False)[:MOST_NAMED]
    return [(_dotted(each["loc"]), *_problem(each)) for each in found]


def _problem(each: Any) -> tuple[str, dict[str, Any]]:
    words = dict(each.get("ctx", {}))
    if each["type"] == "string_too_short" and words["min_length"] == 1:
        return EMPTY, {}
    if "expected" in words:
        words["expected"] = words["expected"].replace(" or ", ", ")
    return SENTENCES.get(each["type"], each["msg"]), words


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(each) for each in location)[:LONGEST_NAME]
