"""Routes that are compiled once for all applications of a process.

Werkzeug makes Python code of each rule of each application, which is two thirds of the time that
one takes (110 ms in all), and a run makes hundreds. The code does not know whose it is.
"""

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_compile = Rule._compile_builder
_compiled: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}


def _compile_once(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    key = (self.rule, self.host, self.subdomain, repr(self.defaults), append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile(self, append_unknown)
    return _compiled[key]


Rule._compile_builder = _compile_once  # type: ignore[method-assign]
