"""Routes and templates that are compiled once for all applications of a process.

A run makes hundreds of applications, which are all alike: compiling the routes of one takes 70 ms,
a template some 5 ms.
"""

from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

CODES = Path(__file__).parent.parent / ".pytest_cache" / "templates"
_compile = Rule._compile_builder
_routes: dict[tuple[Any, ...], Callable[..., tuple[str, str]]] = {}


def _compile_once(self: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
    """The code of a route, which does not know whose it is."""
    key = (self.rule, self.host, self.subdomain, repr(self.defaults), append_unknown)
    if key not in _routes:
        _routes[key] = _compile(self, append_unknown)
    return _routes[key]


class _Templates(FileSystemBytecodeCache):
    """Keeps the code of templates in memory and for other processes, as long as its text is so."""

    def __init__(self) -> None:
        CODES.mkdir(parents=True, exist_ok=True)
        super().__init__(str(CODES))
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))
        if bucket.code is None:
            super().load_bytecode(bucket)
            self._codes[bucket.key, bucket.checksum] = bucket.code

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code
        super().dump_bytecode(bucket)


def compile_templates(app: Flask) -> None:
    """Compile every template, so that no process that is forked has to."""
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


Rule._compile_builder = _compile_once  # type: ignore[method-assign]
Flask.jinja_options = {"bytecode_cache": _Templates()}
