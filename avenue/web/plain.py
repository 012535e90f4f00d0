"""Answers as JSON, or as lines of text for a terminal."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from flask import Response, jsonify, request

from avenue.web.describing import JSON

TEXT = "text/plain"


def json_or_text(facts: Mapping[str, Any], written: Callable[[], str] | None = None) -> Response:
    """Answer in the requested form; JSON if both are accepted.

    The text is that of `written`, if given.
    """
    if request.accept_mimetypes.best_match([JSON, TEXT], default=JSON) == TEXT:
        text = written() if written else "\n".join(lines(facts))
        response = Response(text + "\n", content_type=f"{TEXT}; charset=utf-8")
    else:
        response = jsonify(facts)
    response.vary.add("Accept")
    return response


def lines(facts: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Yield `facts` as lines of text; nested ones are indented."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield f"{indent}{name}:"
            yield from lines(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{name}: {len(value)}"
            yield from (f"{indent}  - {_one_line(each)}" for each in value)
        else:
            yield f"{indent}{name}: {_word(value)}"


def _one_line(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_word(each)}" for name, each in value.items())
    return _word(value)


def _word(value: object) -> str:
    """Return a value as text on one line."""
    words = {None: "-", True: "yes", False: "no"}
    if isinstance(value, Mapping):
        return f"({_one_line(value)})"
    if isinstance(value, list):
        return "; ".join(map(_word, value)) or "-"
    if value is None or isinstance(value, bool):
        return words[value]
    return "".join(each if each.isprintable() else " " for each in str(value))
