"""Routes and templates that are compiled once for all applications of a process.

A run makes hundreds of applications, which are all alike: compiling the routes of one takes 130 ms,
a template some 5 ms.
"""

from pathlib import Path
from types import CodeType
from typing import Any

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

CODES = Path(__file__).parent.parent / ".pytest_cache" / "templates"
_compile = Rule.compile
_rules: dict[tuple[Any, ...], dict[str, Any]] = {}


def _compile_once(self: Rule) -> None:
    """What a rule is compiled to, which does not know whose rule it is."""
    assert self.map is not None
    texts = (self.rule, self.host, self.subdomain, repr(self.defaults))
    key = (*texts, self.merge_slashes, self.map.host_matching, *self.map.converters.items())
    if key not in _rules:
        _compile(self)
        _rules[key] = {name: getattr(self, name) for name in ("_parts", "_trace", "_converters")}
        _rules[key]["arguments"] = frozenset(self.arguments)
        _rules[key]["builders"] = (self._build.__func__, self._build_unknown.__func__)
        return
    known = _rules[key]
    self._parts, self._trace = known["_parts"], known["_trace"]
    self._converters = known["_converters"]
    self.arguments = set(known["arguments"])
    self._build, self._build_unknown = (each.__get__(self, None) for each in known["builders"])


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


Rule.compile = _compile_once  # type: ignore[method-assign]
Flask.jinja_options = {"bytecode_cache": _Templates()}
