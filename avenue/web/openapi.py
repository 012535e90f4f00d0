"""Generates the OpenAPI 3.1 document from the URL map and the descriptions of the views.

`/api/openapi.json` returns it and `docs.py` shows it as a page. Nothing here knows a feature: every
`described` route is included.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from inspect import getdoc
from typing import Any, Literal

from flask import Flask
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

import avenue
from avenue.identity import ID_PATTERN, Role
from avenue.web.auth import COOKIE_NAME, guard_of
from avenue.web.describing import JSON, Reply
from avenue.web.limits import HEADERS as RATE_LIMIT_HEADERS, upload_route
from avenue.web.operations import PLACE_IN_RULE, Operation, is_bytes, operations, refusals
from avenue.web.problems import Problem

Json = dict[str, Any]

COMPONENTS = "#/components/schemas/"
FORM = "multipart/form-data"
FILE: Json = {"type": "string", "format": "binary"}
EVERYBODY, SIGNED_IN, SUPERUSER = "everybody", "signed_in", "superuser"

ABOUT = """\
JSON in `snake_case`, times in UTC, URLs absolute. A list is `{"items", "next", "total"}`, a single
thing is the bare object. Every GET answers HEAD as well. Every answer has an `X-Request-ID`. New
keys may come at any time; read past those you do not know.

Programs send `Authorization: Bearer <token>`. With the session cookie of the pages instead,
everything but GET, HEAD and OPTIONS must come from a page of the site itself (`Origin` or
`Sec-Fetch-Site`), or carry its token in `X-CSRF-Token`.
"""

HEADERS: Mapping[str, str] = {
    "Accept-Ranges": "`bytes`: parts may be asked for with Range.",
    "RateLimit": "What is left (`r`) and for how many seconds (`t`), as the IETF's draft has it.",
    "RateLimit-Policy": "How much may be asked for (`q`) in how many seconds (`w`), likewise.",
    "RateLimit-Limit": "How many requests of this kind may come in a minute.",
    "RateLimit-Remaining": "How many are left of them.",
    "RateLimit-Reset": "In how many seconds all of them are there again.",
    "Repr-Digest": "The SHA-256 of the whole file, as `sha-256=:<base64>:`.",
    "Content-Disposition": "The file's name.",
    "Content-Range": "Which bytes of how many.",
    "ETag": "Stands for these very bytes; for If-None-Match, If-Match and If-Range.",
    "Avenue-Mended": "Ids of pictures that were there, but damaged, and are whole again.",
    "Idempotent-Replayed": "`true` when an earlier request with this Idempotency-Key was answered.",
    "Last-Modified": "When these bytes were stored.",
    "Location": "Where it is.",
    "Retry-After": "Seconds to wait before sending the same request again.",
    "Tus-Resumable": "`1.0.0`, the version of the tus protocol.",
    "Upload-Length": "How many bytes the whole file has.",
    "Upload-Offset": "How many bytes of the file are there.",
    "WWW-Authenticate": "How to sign in (RFC 6750), or what the token lacks.",
}
HEADERS_OF_STATUS = {
    401: ("WWW-Authenticate",),
    416: ("Content-Range",),
    429: ("Retry-After", *RATE_LIMIT_HEADERS),
    503: ("Retry-After",),
}

Mode = Literal["validation", "serialization"]


def document(app: Flask) -> Json:
    """Return the description of `app`, without `servers`, which depend on the site."""
    found = sorted(operations(app), key=lambda each: (_tag(each), each.rule.rule))
    shapes = _Shapes(found)
    paths: dict[str, Json] = {}
    for operation in found:
        paths.setdefault(operation.path, {})[operation.method.lower()] = {
            "operationId": _operation_id(operation, found),
            **_operation(operation, shapes),
        }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Avenue", "version": avenue.__version__, "description": ABOUT},
        "tags": _tags(found),
        "paths": paths,
        "components": {
            "schemas": shapes.components,
            "headers": {
                name: {"description": about, "schema": {"type": "string"}}
                for name, about in HEADERS.items()
            },
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "From POST /api/auth/login or POST /api/auth/tokens.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE_NAME,
                    "description": "From signing in at /login.",
                },
            },
        },
    }


class _Schemas(GenerateJsonSchema):
    """Generates JSON schemas without redundant titles; unknown keys are refused."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def dict_schema(self, schema: core_schema.DictSchema) -> Json:
        written = super().dict_schema(schema)
        if "patternProperties" in written:
            written.setdefault("additionalProperties", False)
        return written

    def literal_schema(self, schema: core_schema.LiteralSchema) -> Json:
        """Write a single value as a list of one, because generators do not support `const`."""
        written = super().literal_schema(schema)
        if "const" in written:
            written["enum"] = [written.pop("const")]
        return written


class _Shapes:
    """All types of requests and replies, as JSON schemas by name."""

    def __init__(self, found: Iterable[Operation]) -> None:
        asked: set[tuple[Any, Mode]] = {(Problem, "serialization")}
        queries = set()
        for said in (each.said for each in found):
            taken = (said.body, said.query, said.headers)
            asked |= {(each, "validation") for each in taken if each and not is_bytes(each)}
            for reply in said.replies.values():
                asked |= {(each, "serialization") for each in reply.contents.values()}
            queries |= {said.query, said.headers}
        adapters = [
            (shape, mode, TypeAdapter(shape))
            for shape, mode in sorted(asked, key=repr)
            if shape is not bytes
        ]
        self._schemas, written = TypeAdapter.json_schemas(
            adapters, ref_template=f"{COMPONENTS}{{model}}", schema_generator=_Schemas
        )
        known = written.get("$defs", {})
        for each in known.values():
            each.pop("title", None)
        self._queries = {
            query: known.pop(self._schemas[query, "validation"]["$ref"].removeprefix(COMPONENTS))
            for query in queries - {None}
        }
        self.components: Json = dict(sorted(known.items()))

    def taken(self, shape: Any) -> Json:
        return dict(self._schemas[shape, "validation"])

    def given(self, shape: Any) -> Json:
        return dict(FILE if shape is bytes else self._schemas[shape, "serialization"])

    def parameters(self, shape: Any, place: str) -> list[Json]:
        """Return the keys of a TypedDict as parameters in the query, or in headers."""
        schema = self._queries[shape]
        return [
            _parameter(name, place, each, required=name in schema.get("required", ()))
            for name, each in schema["properties"].items()
        ]


def _operation(operation: Operation, shapes: _Shapes) -> Json:
    summary, _, more = (getdoc(operation.view) or "").partition("\n")
    written: Json = {
        "tags": [_tag(operation)],
        "summary": summary.strip(),
        **({"description": more.strip()} if more.strip() else {}),
        **_callers(operation),
    }
    parameters = _parameters(operation, shapes)
    if parameters:
        written["parameters"] = parameters
    content = _content(operation, shapes)
    if content:
        required = operation.said.body_required
        written["requestBody"] = {"required": required, "content": content}
    written["responses"] = _responses(operation, shapes)
    return written


def _operation_id(operation: Operation, found: Sequence[Operation]) -> str:
    """Return the endpoint, with a number for all but the first operation that has it."""
    same = [each for each in found if each.rule.endpoint == operation.rule.endpoint]
    number = same.index(operation) + 1
    return f"{operation.rule.endpoint}.{number}" if number > 1 else operation.rule.endpoint


def _callers(operation: Operation) -> Json:
    """Describe who may call; the scopes are those a token needs."""
    guard = guard_of(operation.view)
    if guard is None:
        anybody: list[Json] = [{}, {"token": []}, {"session": []}]
        return {"x-callers": EVERYBODY, "security": anybody if operation.said.personal else []}
    scope = guard.scope_for(operation.method)
    callers = [
        each.value for each in Role if any(each.covers(role) for role in guard.roles)
    ] or SIGNED_IN
    return {
        "x-callers": [SUPERUSER] if guard.superuser else callers,
        "security": [{"token": [scope.value] if scope else []}, {"session": []}],
    }


def _parameters(operation: Operation, shapes: _Shapes) -> list[Json]:
    found = [
        _parameter(name, "path", _id() if name.endswith("_id") else {"type": "string"})
        for name in PLACE_IN_RULE.findall(operation.rule.rule)
    ]
    if operation.said.query:
        found += shapes.parameters(operation.said.query, "query")
    if operation.said.headers:
        found += shapes.parameters(operation.said.headers, "header")
    if upload_route.is_on(operation.view):
        key = {
            "type": "string",
            "minLength": 1,
            "maxLength": 255,
            "pattern": "^[ -~]+$",
            "description": "A fresh UUID makes it safe to send an upload again for 24 hours.",
        }
        found.append(_parameter("Idempotency-Key", "header", key, required=False))
    return found


def _parameter(name: str, place: str, schema: Json, *, required: bool = True) -> Json:
    about = {"description": schema["description"]} if "description" in schema else {}
    bare = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": place, "required": required, **about, "schema": bare}


def _id() -> Json:
    return {"type": "string", "pattern": f"^{ID_PATTERN.pattern}$"}


def _content(operation: Operation, shapes: _Shapes) -> Json:
    content: Json = {}
    if is_bytes(operation.said.body):
        content[operation.said.body] = {"schema": FILE}
    elif operation.said.body:
        content[JSON] = {"schema": shapes.taken(operation.said.body)}
    if upload_route.is_on(operation.view):
        about = "One file or many; every field name will do."
        files = {"type": "array", "items": FILE, "minItems": 1, "description": about}
        form = {"type": "object", "properties": {"file": files}, "required": ["file"]}
        types = ", ".join(operation.said.files)
        content[FORM] = {"schema": form, "encoding": {"file": {"contentType": types}}}
        content |= {name: {"schema": {} if name == JSON else FILE} for name in operation.said.files}
    return content


def _responses(operation: Operation, shapes: _Shapes) -> Json:
    written = {
        str(status): _reply(reply, shapes) for status, reply in operation.said.replies.items()
    }
    by_status: dict[int, dict[str, str]] = {}
    for error in refusals(operation):
        by_status.setdefault(error.status, {}).setdefault(error.code, _sentence(error))
    problem = {"content": {JSON: {"schema": shapes.given(Problem)}}}
    for status, codes in sorted(by_status.items()):
        if str(status) in written:
            continue
        written[str(status)] = {
            "description": "\n".join(f"- `{code}`: {about}" for code, about in codes.items()),
            **_headers(HEADERS_OF_STATUS.get(status, ())),
            **problem,
            "x-codes": list(codes),
        }
    return {**written, "default": {"description": "Any other refusal.", **problem}}


def _reply(reply: Reply, shapes: _Shapes) -> Json:
    first = next(iter(reply.contents.values()), None)
    about = reply.about or (_sentence(first) if first else "Done; no body.")
    written: Json = {"description": about, **_headers(reply.headers)}
    if reply.contents:
        written["content"] = {
            name: {"schema": shapes.given(shape)} for name, shape in reply.contents.items()
        }
    return written


def _headers(names: Iterable[str]) -> Json:
    found = {name: {"$ref": f"#/components/headers/{name}"} for name in names}
    return {"headers": found} if found else {}


def _sentence(kind: Any) -> str:
    """Return the first line of the docstring of a class."""
    return (getdoc(kind) or "").partition("\n")[0]


def _tag(operation: Operation) -> str:
    """Return the view's module without `avenue` and its kind: `shop products`, `accounts`."""
    parts = operation.view.__module__.split(".")
    return " ".join(each for each in parts if each not in {"avenue", "web", "routes"})


def _tags(found: Iterable[Operation]) -> list[Json]:
    """Return each tag with the first line of its module's docstring."""
    tags = {_tag(each): sys.modules[each.view.__module__].__doc__ or "" for each in found}
    return [{"name": name, "description": text.partition("\n")[0]} for name, text in tags.items()]
